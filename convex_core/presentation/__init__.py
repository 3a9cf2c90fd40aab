"""How problems and answers say themselves: text, tables, dictionaries, HTML, figures, files."""

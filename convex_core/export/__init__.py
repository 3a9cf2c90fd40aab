"""A problem and its answers for others: text, tables, dictionaries, files, scripts."""

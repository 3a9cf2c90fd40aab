"""The Tour's Python side: what its eight steps show, and what the library says in each."""

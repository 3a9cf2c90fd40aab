"""Plotly figures, each built from results only, with a text alternative and a data table."""

"""The text of the architectures: each network and its convex program for people, for LaTeX and for a script."""

from .records import NetworkFormulas, NetworkLatex, formulas_of, listed

__all__ = ["NetworkFormulas", "NetworkLatex", "formulas_of", "listed"]

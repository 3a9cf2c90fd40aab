"""Deprecated: an old name of :mod:`convex_core.solvers.search`, kept for one version."""

import warnings

from .search import enumerated_pricer, make_pricer

__all__ = ["enumerated_pricer", "make_pricer"]

warnings.warn("convex_core.solvers.select: use convex_core.solvers.search", category=DeprecationWarning, stacklevel=2)

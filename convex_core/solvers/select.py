"""Deprecated: an old name of :mod:`convex_core.solvers.pricing.choice`, kept for one version."""

import warnings

from .pricing.choice import enumerated_pricer, make_pricer

__all__ = ["enumerated_pricer", "make_pricer"]

warnings.warn(
    "convex_core.solvers.select: use convex_core.solvers.pricing.choice", category=DeprecationWarning, stacklevel=2
)

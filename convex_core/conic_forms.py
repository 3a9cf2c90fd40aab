"""Deprecated: an old name of :mod:`convex_core.numerics.conic_forms`, kept for one version."""

import warnings

from .numerics.conic_forms import LossForm, PenaltyForm

__all__ = ["LossForm", "PenaltyForm"]

warnings.warn(
    "convex_core.conic_forms: use convex_core.numerics.conic_forms", category=DeprecationWarning, stacklevel=2
)

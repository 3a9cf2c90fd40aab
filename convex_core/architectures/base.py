"""Deprecated: an old name of :mod:`convex_core.architectures`, kept for one version."""

import warnings

from . import (
    Architecture,
    ArrangementCells,
    CodeList,
    EuclideanCost,
    FiltersAndWeights,
    OneOutput,
    Options,
    Parameters,
    Patterns,
    UnitFilters,
    side_by_side,
)

__all__ = [
    "Architecture",
    "ArrangementCells",
    "CodeList",
    "EuclideanCost",
    "FiltersAndWeights",
    "OneOutput",
    "Options",
    "Parameters",
    "Patterns",
    "UnitFilters",
    "side_by_side",
]

warnings.warn(
    "convex_core.architectures.base: use convex_core.architectures", category=DeprecationWarning, stacklevel=2
)

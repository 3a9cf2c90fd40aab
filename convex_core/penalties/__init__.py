"""Block penalties of the convex program: a norm, its dual norm, its supports over cones and its conic form."""

from .base import ConeSupports, Penalty
from .euclidean import L2Penalty
from .nuclear import NuclearPenalty
from .nuclear_lift import NuclearLiftPenalty
from .spectral import SpectralPenalty
from .supports import conic_supports

__all__ = [
    "ConeSupports",
    "L2Penalty",
    "NuclearLiftPenalty",
    "NuclearPenalty",
    "Penalty",
    "SpectralPenalty",
    "conic_supports",
]

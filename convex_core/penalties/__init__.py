"""Block penalties of the convex program: a norm, its dual norm, its supports over cones and its conic form."""

from .base import EXACT, ConeSupports, Penalty, PenaltyFormulas, Search
from .euclidean import L2Penalty
from .nuclear import NuclearPenalty
from .nuclear_lift import NuclearLiftPenalty
from .spectral import SpectralPenalty
from .supports import conic_supports
from .trace import TracePenalty, symmetric_matrices, symmetric_vectors

__all__ = [
    "EXACT",
    "ConeSupports",
    "L2Penalty",
    "NuclearLiftPenalty",
    "NuclearPenalty",
    "Penalty",
    "PenaltyFormulas",
    "Search",
    "SpectralPenalty",
    "TracePenalty",
    "conic_supports",
    "symmetric_matrices",
    "symmetric_vectors",
]

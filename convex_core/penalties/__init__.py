"""Block penalties of the convex program: a norm, its dual norm, its supports over cones and its conic form."""

from .base import ConeSupports, Penalty
from .euclidean import L2Penalty
from .nuclear import NuclearPenalty
from .supports import conic_supports

__all__ = ["ConeSupports", "L2Penalty", "NuclearPenalty", "Penalty", "conic_supports"]

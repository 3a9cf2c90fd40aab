"""Bounds around networks whose convex programs do not all meet the optimum, each bound with its certificate."""

from .around import bounds, chain, sandwich
from .links import Bounds, Link

__all__ = ["Bounds", "Link", "bounds", "chain", "sandwich"]

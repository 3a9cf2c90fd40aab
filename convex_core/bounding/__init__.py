"""Bounds around networks whose convex programs do not all meet the optimum, each bound with its certificate."""

from .around import CLOSED, bounds, chain, sandwich
from .links import Bounds, Link

__all__ = ["CLOSED", "Bounds", "Link", "bounds", "chain", "sandwich"]

"""Architectures: each one is a single module; :data:`ARCHITECTURES` lists them by name."""

from __future__ import annotations

from .base import Architecture
from .two_layer import TwoLayerCNN

__all__ = ["ARCHITECTURES", "Architecture", "TwoLayerCNN"]

ARCHITECTURES: dict[str, type[TwoLayerCNN]] = {"two-layer": TwoLayerCNN}

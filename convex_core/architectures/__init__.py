"""Architectures: each one is a single module; :data:`ARCHITECTURES` lists them by name."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

from ..errors import InputError
from ..patches import PatchGeometry
from ..validation import integer
from .base import Architecture, CodeList, Parameters, Patterns
from .circular import CircularCNN
from .flatten import FlattenCNN
from .linear import LinearCNN
from .max_pooling import MaxPoolingCNN
from .three_layer import ThreeLayerCNN
from .two_layer import TwoLayerCNN
from .vector_outputs import VectorOutputs

__all__ = [
    "ARCHITECTURES",
    "OPTIONS",
    "Architecture",
    "CircularCNN",
    "CodeList",
    "FlattenCNN",
    "LinearCNN",
    "MaxPoolingCNN",
    "Parameters",
    "Patterns",
    "ThreeLayerCNN",
    "TwoLayerCNN",
    "VectorOutputs",
    "make_architecture",
]


def _two_layer(
    geometry: PatchGeometry, pooling: str = "sum", pool_size: int | None = None, outputs: int = 1
) -> Architecture:
    """Two-layer ReLU CNN; `pool_size` is an option of max pooling."""
    single: Architecture
    if pooling == "max":
        single = MaxPoolingCNN(geometry, 0 if pool_size is None else pool_size)
    elif pool_size is not None:
        raise InputError(f"pool_size: got {pool_size} with {pooling} pooling, expected it only with max pooling")
    else:
        single = TwoLayerCNN(geometry, pooling)
    return single if integer(outputs, "outputs") == 1 else VectorOutputs(single, outputs)


#: Every architecture by the name it has on the command line and in model files; a geometry and options build it.
ARCHITECTURES: dict[str, Callable[..., Architecture]] = {
    "two-layer": _two_layer,
    "linear": LinearCNN,
    "flatten": FlattenCNN,
    "circular": CircularCNN,
    "three-layer": ThreeLayerCNN,
}

#: Every option that some architecture has.
OPTIONS = ("pooling", "pool_size", "outputs", "layers", "sharing", "relaxation")


def make_architecture(name: str, geometry: PatchGeometry, **options: str | int) -> Architecture:
    """The architecture `name` on the patches of `geometry`.

    Raises
    ------
    InputError
        For an unknown name, or an option that the architecture does not have.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> make_architecture("two-layer", patch_geometry((4,), 2), pooling="mean").scale
    0.3333333333333333
    """
    if name not in ARCHITECTURES:
        raise InputError(f"architecture: got {name!r}, expected one of {', '.join(ARCHITECTURES)}")
    known = list(signature(ARCHITECTURES[name]).parameters)[1:]
    foreign = [option for option in options if option not in known]
    if foreign:
        raise InputError(
            f"{foreign[0]}: got {options[foreign[0]]!r} for the architecture {name!r}, expected no option but "
            f"{', '.join(known) or 'the geometry'}"
        )
    return ARCHITECTURES[name](geometry, **options)

"""Architectures: each one is a single module; :data:`ARCHITECTURES` lists them by name."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

from ..errors import InputError
from ..patches import PatchGeometry
from ..validation import integer
from .activation import ACTIVATIONS, RELU, Activation, make_activation
from .base import Architecture, CodeList, Options, Parameters, Patterns
from .circular import CircularCNN
from .flatten import FlattenCNN
from .formulas import NetworkFormulas, NetworkLatex
from .linear import LinearCNN
from .max_pooling import MaxPoolingCNN
from .options import OPTIONS, Option
from .three_layer import ThreeLayerCNN
from .two_layer import TwoLayerCNN
from .vector_outputs import SeveralOutputs, VectorOutputs
from .vector_outputs_l2 import VectorOutputsL2

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "OPTIONS",
    "RELU",
    "Activation",
    "Architecture",
    "CircularCNN",
    "CodeList",
    "FlattenCNN",
    "LinearCNN",
    "MaxPoolingCNN",
    "NetworkFormulas",
    "NetworkLatex",
    "Option",
    "Options",
    "Parameters",
    "Patterns",
    "SeveralOutputs",
    "ThreeLayerCNN",
    "TwoLayerCNN",
    "VectorOutputs",
    "VectorOutputsL2",
    "make_activation",
    "make_architecture",
]


# of the weights of a neuron; with one output they are the same
_OUTPUT_NORMS = ("l1", "l2")


def _two_layer(
    geometry: PatchGeometry,
    pooling: str = "sum",
    pool_size: int | None = None,
    outputs: int = 1,
    output_norm: str = "l1",
    relaxation: str | None = None,
    activation: str = "relu",
    slope: float | None = None,
) -> Architecture:
    """Two-layer CNN; `pool_size` is an option of max pooling, `relaxation` of several outputs with the l2 norm."""
    single: Architecture
    sigma = make_activation(activation, slope)
    if pooling == "max":
        single = MaxPoolingCNN(geometry, 0 if pool_size is None else pool_size, sigma)
    elif pool_size is not None:
        raise InputError(f"pool_size: got {pool_size} with {pooling} pooling, expected it only with max pooling")
    else:
        single = TwoLayerCNN(geometry, pooling, sigma)
    if output_norm not in _OUTPUT_NORMS:
        raise InputError(f"output_norm: got {output_norm!r}, expected one of {', '.join(_OUTPUT_NORMS)}")
    several = integer(outputs, "outputs") > 1
    if several and output_norm == "l2":
        return VectorOutputsL2(single, outputs, "cone" if relaxation is None else relaxation)
    if relaxation is not None:
        raise InputError(
            f"relaxation: got {relaxation!r} where the two-layer program is exact, expected it only with at least 2 "
            "outputs and the output norm l2"
        )
    return VectorOutputs(single, outputs) if several else single


#: Every architecture by the name it has on the command line and in model files; a geometry and options build it.
ARCHITECTURES: dict[str, Callable[..., Architecture]] = {
    "two-layer": _two_layer,
    "linear": LinearCNN,
    "flatten": FlattenCNN,
    "circular": CircularCNN,
    "three-layer": ThreeLayerCNN,
}


def make_architecture(name: str, geometry: PatchGeometry, **options: str | int | float) -> Architecture:
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

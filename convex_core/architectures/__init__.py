"""Architectures: each one is a single module; :data:`ARCHITECTURES` lists them by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import signature

from ..contracts.validation import integer
from ..errors import InputError
from ..patches import Padding, PatchGeometry
from .activation import ACTIVATIONS, EVERY_ACTIVATION, RELU, Activation, make_activation
from .batch_norm import BatchNormCNN, restored_batch, saved_batch, trained_on
from .batch_statistics import BATCH, BatchStatistics
from .branches import BranchedCNN
from .circular import CircularCNN
from .defaults import (
    ArrangementCells,
    Cells,
    CodeList,
    EuclideanCost,
    FiltersAndWeights,
    OneOutput,
    no_codes,
    no_neurons,
    side_by_side,
)
from .flatten import FlattenCNN
from .flatten_l1 import FlattenL1CNN
from .flatten_lifted import LiftedFlattenCNN
from .formulas import NetworkFormulas, NetworkLatex, formulas_of
from .free_bias import FreeBiasCNN
from .kinds import of_kind
from .layers import Branch, Layers, layers_of
from .lifted_cells import in_cells_of
from .linear import LinearCNN
from .max_pooling import MaxPoolingCNN
from .maxout import MaxoutCNN
from .options import OPTIONS, Option
from .protocol import Architecture, ByAnchor, ByOutput, CellModel, NeuronModel, Options, Parameters, Patterns
from .quadratic import QuadraticCNN
from .regions import RegionsCNN
from .stages import Stages, has_stages, stages_of
from .three_layer import MAX_PATCHES, ThreeLayerCNN
from .three_layer_lifted import LiftedThreeLayerCNN
from .threshold import ThresholdCNN
from .two_layer import AtomsAndWeights, TwoLayerCNN
from .unit_filters import UnitFilters
from .vector_outputs import SeveralOutputs, VectorOutputs
from .vector_outputs_l2 import VectorOutputsL2
from .vector_outputs_lifted import LiftedVectorOutputs

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "BATCH",
    "EVERY_ACTIVATION",
    "OPTIONS",
    "REFUSED",
    "RELU",
    "Activation",
    "Architecture",
    "ArrangementCells",
    "AtomsAndWeights",
    "BatchNormCNN",
    "BatchStatistics",
    "Branch",
    "BranchedCNN",
    "ByAnchor",
    "ByOutput",
    "CellModel",
    "Cells",
    "CircularCNN",
    "CodeList",
    "EuclideanCost",
    "FiltersAndWeights",
    "FlattenCNN",
    "FlattenL1CNN",
    "FreeBiasCNN",
    "Layers",
    "LiftedFlattenCNN",
    "LiftedThreeLayerCNN",
    "LiftedVectorOutputs",
    "LinearCNN",
    "MaxPoolingCNN",
    "MaxoutCNN",
    "NetworkFormulas",
    "NetworkLatex",
    "NeuronModel",
    "OneOutput",
    "Option",
    "Options",
    "Parameters",
    "Patterns",
    "QuadraticCNN",
    "RegionsCNN",
    "SeveralOutputs",
    "Stages",
    "ThreeLayerCNN",
    "ThresholdCNN",
    "TwoLayerCNN",
    "UnitFilters",
    "VectorOutputs",
    "VectorOutputsL2",
    "formulas_of",
    "has_stages",
    "in_cells_of",
    "layers_of",
    "make_activation",
    "make_architecture",
    "natural_padding",
    "no_codes",
    "no_neurons",
    "of_kind",
    "restored_batch",
    "saved_batch",
    "side_by_side",
    "stages_of",
    "trained_on",
]


# of the weights of a neuron; with one output they are the same
_OUTPUT_NORMS = ("l1", "l2")
# what is done to the responses of a filter before its activation
_NORMALISATIONS = ("none", "batch")
# activations that are not made of two slopes
_OWN_ACTIVATION: dict[str, Callable[..., Architecture]] = {
    "quadratic": QuadraticCNN,
    "maxout": MaxoutCNN,
    "threshold": ThresholdCNN,
}
# programs of networks with several weights of the l2 norm
_L2_PROGRAMS = ("cone", "plain", "lifted")


def _l2_program(relaxation: str | None) -> str:
    """The relaxation, by default ``cone``."""
    if relaxation is not None and relaxation not in _L2_PROGRAMS:
        raise InputError(f"relaxation: got {relaxation!r}, expected one of {', '.join(_L2_PROGRAMS)}")
    return relaxation or "cone"


def _alone(option: str, given: str, others: dict[str, tuple[object, object]]) -> None:
    """Refuse `others` beside an option that has a network of its own: what each is, and what it is unless given."""
    for name, (value, plain) in others.items():
        if value != plain:
            raise InputError(f"{option}: got {given!r} beside {name} {value}, expected no such option")


def _two_layer(
    geometry: PatchGeometry,
    pooling: str = "sum",
    pool_size: int | None = None,
    outputs: int = 1,
    output_norm: str = "l1",
    relaxation: str | None = None,
    activation: str = "relu",
    slope: float | None = None,
    skip: str = "none",
    branches: str | None = None,
    pooling_grid: str | None = None,
    normalisation: str = "none",
) -> Architecture:
    """Two-layer CNN; `pool_size` is an option of max pooling, `relaxation` of several outputs with the l2 norm."""
    single: Architecture
    plain: dict[str, tuple[object, object]] = {"activation": (activation, "relu"), "skip": (skip, "none")}
    plain |= {"pool_size": (pool_size, None), "slope": (slope, None), "relaxation": (relaxation, None)}
    if normalisation not in _NORMALISATIONS:
        raise InputError(f"normalisation: got {normalisation!r}, expected one of {', '.join(_NORMALISATIONS)}")
    if normalisation != "none":
        others: dict[str, tuple[object, object]] = {
            "skip": (skip, "none"),
            "pool_size": (pool_size, None),
            "relaxation": (relaxation, None),
        }
        others |= {"branches": (branches, None), "pooling_grid": (pooling_grid, None), "outputs": (outputs, 1)}
        _alone("normalisation", normalisation, others | {"output_norm": (output_norm, "l1")})
        if activation not in ACTIVATIONS:
            wanted = ", ".join(ACTIVATIONS)
            raise InputError(f"activation: got {activation!r} with batch normalisation, expected one of {wanted}")
        return BatchNormCNN(geometry, pooling, make_activation(activation, slope))
    if pooling_grid is not None:
        _alone("pooling_grid", pooling_grid, plain | {"branches": (branches, None), "output_norm": (output_norm, "l1")})
        single = RegionsCNN(geometry, pooling_grid, pooling)
        return VectorOutputs(single, outputs) if integer(outputs, "outputs") > 1 else single
    if branches is not None:
        _alone("branches", branches, plain | {"pooling": (pooling, "sum"), "outputs": (outputs, 1)})
        return BranchedCNN(geometry, branches)
    if activation in EVERY_ACTIVATION and activation not in ACTIVATIONS:
        given = {"slope": slope, "pool_size": pool_size, "relaxation": relaxation}
        given |= {"outputs": None if outputs == 1 else outputs, "skip": None if skip == "none" else skip}
        for name, value in given.items():
            if value is not None:
                raise InputError(f"{name}: got {value!r} with the {activation} activation, expected none")
        return _OWN_ACTIVATION[activation](geometry, pooling)
    if activation not in ACTIVATIONS:
        raise InputError(f"activation: got {activation!r}, expected one of {', '.join(EVERY_ACTIVATION)}")
    sigma = make_activation(activation, slope)
    if skip != "none" and (pooling == "max" or outputs != 1):
        raise InputError(f"skip: got {skip!r}, expected it only with sum or mean pooling and one output")
    if pooling == "max":
        single = MaxPoolingCNN(geometry, 0 if pool_size is None else pool_size, sigma)
    elif pool_size is not None:
        raise InputError(f"pool_size: got {pool_size} with {pooling} pooling, expected it only with max pooling")
    else:
        single = (FreeBiasCNN if geometry.bias == "free" else TwoLayerCNN)(geometry, pooling, sigma, skip)
    if output_norm not in _OUTPUT_NORMS:
        raise InputError(f"output_norm: got {output_norm!r}, expected one of {', '.join(_OUTPUT_NORMS)}")
    several = integer(outputs, "outputs") > 1
    if several and output_norm == "l2":
        program = _l2_program(relaxation)
        return (
            LiftedVectorOutputs(single, outputs) if program == "lifted" else VectorOutputsL2(single, outputs, program)
        )
    if relaxation is not None:
        raise InputError(
            f"relaxation: got {relaxation!r} where the two-layer program is exact, expected it only with at least 2 "
            "outputs and the output norm l2"
        )
    return VectorOutputs(single, outputs) if several else single


def _linear(geometry: PatchGeometry, outputs: int = 1) -> Architecture:
    """Linear CNN of one or several outputs."""
    return LinearCNN(geometry, outputs)


def _flatten(geometry: PatchGeometry, relaxation: str | None = None, output_norm: str = "l2") -> Architecture:
    """CNN with a flatten layer; `relaxation` is an option of the l2 norm."""
    if output_norm not in _OUTPUT_NORMS:
        raise InputError(f"output_norm: got {output_norm!r}, expected one of {', '.join(_OUTPUT_NORMS)}")
    if output_norm == "l2":
        program = _l2_program(relaxation)
        return LiftedFlattenCNN(geometry) if program == "lifted" else FlattenCNN(geometry, program)
    if relaxation is not None:
        raise InputError(
            f"relaxation: got {relaxation!r} with the output norm l1, whose program is exact, expected none"
        )
    return FlattenL1CNN(geometry)


def _three_layer(
    geometry: PatchGeometry, sharing: str = "per-patch", relaxation: str | None = None, parallel: int = 1
) -> Architecture:
    """Three-layer CNN; several programs are an option of a shared filter, `parallel` filters of those per patch."""
    geometry = replace(geometry, copies=integer(parallel, "parallel", maximum=MAX_PATCHES))
    if (sharing, relaxation) == ("shared", "lifted"):
        return LiftedThreeLayerCNN(geometry)
    return ThreeLayerCNN(geometry, sharing, relaxation or "")


#: Every architecture by the name it has on the command line and in model files; a geometry and options build it.
ARCHITECTURES: dict[str, Callable[..., Architecture]] = {
    "two-layer": _two_layer,
    "linear": _linear,
    "flatten": _flatten,
    "circular": CircularCNN,
    "three-layer": _three_layer,
}


#: Networks that many ask for and nobody has a convex program of, with the reason.
REFUSED: dict[str, str] = {
    "rnn": "whose weights are the same at every step in time: outputs are polynomials of one matrix, of a degree that "
    "grows with time, and no block stands for them",
    "attention": "whose softmax couples all positions: a neuron is not linear on finitely many cells",
    "gan": "whose generator is a free ReLU network inside of another one: its targets are not data but outputs, and "
    "the game has no convex side",
}


def natural_padding(name: str) -> Padding:
    """The padding of the architecture `name` unless told otherwise, by the ``padding`` of its class: else ``valid``.

    Examples
    --------
    >>> natural_padding("circular"), natural_padding("two-layer")
    ('circular', 'valid')
    """
    padding: Padding = getattr(ARCHITECTURES.get(name), "padding", "valid")
    return padding


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
    if name in REFUSED:
        raise InputError(f"architecture: got {name!r}, {REFUSED[name]}, expected one of {', '.join(ARCHITECTURES)}")
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

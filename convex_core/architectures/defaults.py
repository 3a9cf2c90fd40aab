"""Defaults to inherit from: those of the network, and those of its cells.

:class:`FiltersAndWeights` has options, costs and scaling of neurons, :class:`ArrangementCells` the cells of patch rows.
Where one follows from the other there is more to inherit: :class:`~convex_core.architectures.AtomsAndWeights`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form
from ..arrangement.patterns import enumerate_in
from ..contracts.records import record
from ..patches import PatchGeometry
from ..progress import Budget
from .protocol import Architecture, ByAnchor, NeuronModel, Options, Parameters, Patterns

__all__ = [
    "ArrangementCells",
    "Cells",
    "CodeList",
    "EuclideanCost",
    "FiltersAndWeights",
    "L1Weights",
    "OneOutput",
    "SeveralWeights",
    "no_codes",
    "no_neurons",
    "output_biases",
    "side_by_side",
]

_Array = NDArray[np.float64]


def no_neurons(model: NeuronModel) -> dict[str, _Array]:
    """The parameters of no neurons at all."""
    return {name: np.zeros((0, *shape)) for name, shape in model.shapes.items()}


def output_biases(geometry: PatchGeometry, n: int, q: int) -> _Array:
    """Ones for the free bias of each of q outputs, (n * q, q), sample by sample; (n * q, 0) if there are none."""
    return np.tile(np.eye(q), (n, 1)) if geometry.output_bias else np.zeros((n * q, 0))


class OneOutput:
    """Defaults for an architecture with one output that is a dataclass of a geometry and its options."""

    __slots__ = ()

    @property
    def options(self) -> Options:
        """Every field but the geometry that the constructor takes."""
        own = [field.name for field in fields(cast(Any, self)) if field.init and field.name != "geometry"]
        return {name: getattr(self, name) for name in own}

    @property
    def q(self) -> int:
        """1."""
        return 1

    def free_columns(self, patches: _Array) -> _Array:
        """Those of a free output bias, if there is one."""
        return output_biases(cast("Architecture", self).geometry, patches.shape[1], 1)

    def padded(self, filters: _Array) -> _Array:
        """The filters themselves, all of one size."""
        return filters

    @property
    def single(self) -> Architecture:
        """The network itself."""
        return cast("Architecture", self)

    @property
    def by_output(self) -> None:
        """None: there is one output."""

    @property
    def by_anchor(self) -> ByAnchor | None:
        """None: no block has an anchor."""
        return None


class EuclideanCost:
    r"""Neurons of one filter u and output weights w: cost :math:`\tfrac12(\|u\|_2^2 + \|w\|_2^2)`, no constraint.

    The outputs are linear in w and in the length of u; a free bias, the last entry of u, costs nothing.
    """

    __slots__ = ()

    geometry: PatchGeometry

    def paid(self, filters: _Array) -> _Array:
        """The filters with a zero in the place of what costs nothing: a free bias."""
        if self.geometry.bias != "free":
            return filters
        paid = filters.copy()
        paid[:, -1] = 0.0
        return paid

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||u||^2 + ||w||^2)``, u without a free bias."""
        u, w = self.paid(parameters["filters"]), parameters["weights"]
        total: _Array = 0.5 * (_squares(u) + _squares(w))
        return total

    def sizes(self, parameters: Parameters) -> _Array:
        """``||u|| ||w||``."""
        size: _Array = np.sqrt(_squares(self.paid(parameters["filters"]))) * np.sqrt(_squares(parameters["weights"]))
        return size

    def decay(self, parameters: Parameters) -> Parameters:
        """The parameters themselves, but nothing for a free bias."""
        return {**parameters, "filters": self.paid(parameters["filters"])}

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """Both parts times the square root of `factor`."""
        u, w = parameters["filters"], parameters["weights"]
        root = np.sqrt(factor)
        return {"filters": u * _column(root, u), "weights": w * _column(root, w)}

    def balanced(self, parameters: Parameters) -> Parameters:
        """``||u|| = ||w||``, which minimises the cost at given outputs."""
        u, w = parameters["filters"], parameters["weights"]
        length, size = np.sqrt(_squares(self.paid(u))), np.sqrt(_squares(w))
        active = length * size > 0.0
        u, w, length, size = u[active], w[active], length[active], size[active]
        root = np.sqrt(length * size)
        return {"filters": u * _column(root / length, u), "weights": w * _column(root / size, w)}

    @property
    def unit_length(self) -> None:
        """Nothing is constrained."""
        return

    def project(self, parameters: Parameters) -> Parameters:
        """There are no constraints."""
        return parameters


class L1Weights(EuclideanCost):
    r"""Neurons of one filter u and several weights w: cost :math:`\tfrac12(\|u\|_2^2 + \|w\|_1^2)`, no constraint."""

    __slots__ = ()

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||u||_2^2 + ||w||_1^2)``, u without a free bias."""
        total: _Array = 0.5 * (_squares(self.paid(parameters["filters"])) + _sums(parameters["weights"]) ** 2)
        return total

    def sizes(self, parameters: Parameters) -> _Array:
        """``||u||_2 ||w||_1``."""
        paid = self.paid(parameters["filters"])
        size: _Array = np.linalg.norm(paid, axis=1) * _sums(parameters["weights"])
        return size

    def decay(self, parameters: Parameters) -> Parameters:
        """``u`` but for a free bias, and ``||w||_1 sign(w)``, a subgradient."""
        w = parameters["weights"]
        return {"filters": self.paid(parameters["filters"]), "weights": _column(_sums(w), w) * np.sign(w)}


class FiltersAndWeights(OneOutput, EuclideanCost):
    """Neurons of :class:`EuclideanCost` whose filter covers a patch, by default with one weight."""

    __slots__ = ()

    geometry: PatchGeometry

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter and a weight."""
        return {"filters": (self.geometry.h,), "weights": ()}


def _squares(array: _Array) -> _Array:
    """Sum of squares of each entry along the first axis."""
    total: _Array = np.add.reduce(array * array, axis=tuple(range(1, array.ndim)))
    return total


def _sums(weights: _Array) -> _Array:
    """Sum of the sizes of the weights of each neuron."""
    total: _Array = np.abs(weights).sum(axis=tuple(range(1, weights.ndim)))
    return total


def _column(factor: _Array, like: _Array) -> _Array:
    """`factor` (m,) with as many axes as `like` (m, ...)."""
    return factor.reshape(len(factor), *(1,) * (like.ndim - 1))


@record
@dataclass(frozen=True, slots=True)
class CodeList:
    """Codes given explicitly as an array (P, N) of bool; `certified` if they are provably all cells.

    Examples
    --------
    >>> codes = CodeList(np.array([[True, False], [True, True]]), certified=True)
    >>> len(codes), codes.active(1).tolist()
    (2, [[True, True]])
    """

    array: NDArray[np.bool_]
    certified: bool = False

    def __len__(self) -> int:
        return len(self.array)

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Codes start..stop."""
        return self.array[start:stop]


class Cells:
    """What most cells have in common."""

    __slots__ = ()

    @property
    def scale(self) -> float:
        """1."""
        return 1.0

    @property
    def gain(self) -> float:
        """1: gates are 0 or 1."""
        return 1.0

    @property
    def cells_per_pattern(self) -> int:
        """1: a code is a sign pattern."""
        return 1

    def most_cells(self, patches: _Array) -> int:
        """Those of the hyperplanes of :attr:`single` in general position, in as many copies as codes tell apart."""
        model = cast(Any, self)
        if model.single is not self:
            return int(model.single.most_cells(patches) * self.cells_per_pattern)
        one, n = patches[:, :1], patches.shape[1]
        rows, p = len(model.hyperplanes(one)) * n, model.design(one).shape[2]
        return int(closed_form(rows, p) * self.cells_per_pattern)

    def anchors(self, codes: NDArray[np.bool_], patches: _Array) -> _Array | None:
        """None: the rows of the design are the same on every cell."""
        return None

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array] | None:
        """None: the correlation with an atom is not a sum over hyperplanes."""
        return None

    def atoms(self, patches: _Array, C: _Array) -> _Array | None:
        """None: a block has other outputs in another cell."""
        return None


class SeveralWeights(Cells):
    """Cells of networks whose neurons are a filter and several weights: a block has a matrix Z with a row for each."""

    __slots__ = ()

    @property
    def base(self) -> Architecture:
        """The network with one weight, whose cells these are made of."""
        return cast("Architecture", self).single

    @property
    def fan_out(self) -> int:
        """Number r of weights of a neuron."""
        return cast("Architecture", self).shapes["weights"][0]


class ArrangementCells(Cells):
    """Cells of the arrangement of the hyperplanes; by default those are the patch rows, which are the design too."""

    __slots__ = ()

    geometry: PatchGeometry

    def hyperplanes(self, patches: _Array) -> _Array:
        """The stacked patch rows ``[X_1; ...; X_K]``, shape (K * n, h)."""
        return patches.reshape(-1, patches.shape[2])

    def design(self, patches: _Array) -> _Array:
        """The patch matrices themselves."""
        return patches

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8] | None:
        """A bit says the side of its hyperplane."""
        return None

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """A patch passes where its own row is active: (m, K, n)."""
        return codes.reshape(codes.shape[0], patches.shape[0], patches.shape[1])

    def predicted(self, patches: _Array) -> int | None:
        """As many as the arrangement of the hyperplanes has."""
        return None

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell of the arrangement of the hyperplanes."""
        return enumerate_in(self.hyperplanes(patches), max_patterns=max_patterns, budget=budget)


def side_by_side(patches: _Array) -> _Array:
    """Matrices ``A_k`` with ``A_k C = X_k c_k`` for a block C of a row for each patch, flattened: (K, n, K * h)."""
    K, n, h = patches.shape
    matrices = np.zeros((K, n, K, h))
    matrices[np.arange(K), :, np.arange(K)] = patches
    return matrices.reshape(K, n, K * h)


def no_codes(architecture: Architecture, patches: _Array) -> NDArray[np.bool_]:
    """The codes of no neurons, (0, N): N is the number of bits of a code."""
    return architecture.codes(patches, no_neurons(architecture))

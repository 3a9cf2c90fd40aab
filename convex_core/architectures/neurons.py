"""The network side of an architecture: defaults for options, costs and scaling to inherit from."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from .protocol import Architecture, ByAnchor, NeuronModel, Options, Parameters

__all__ = ["EuclideanCost", "FiltersAndWeights", "L1Weights", "OneOutput", "UnitFilters", "no_neurons", "output_biases"]

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


class UnitFilters(OneOutput):
    r"""Neurons of filters in pieces of norm at most 1, hidden weights v and one output weight w.

    The cost is :math:`\tfrac12(\|v\|_2^2 + w^2)`; by default a piece is a filter of the geometry, and the output is
    linear in each piece's length.
    """

    __slots__ = ()

    geometry: PatchGeometry

    @property
    def unit_length(self) -> int:
        """Length of a patch."""
        return self.geometry.h

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||v||^2 + w^2)``; v takes what pieces are longer than 1: the same outputs within the constraint."""
        w = parameters["weights"]
        lengths = np.linalg.norm(self.pieces(parameters["filters"]), axis=2)
        v = self.absorbed(parameters["hidden"], np.maximum(lengths, 1.0))
        total: _Array = 0.5 * (np.einsum("mr,mr->m", v, v) + w * w)
        return total

    def sizes(self, parameters: Parameters) -> _Array:
        """Once scaled so that ``||v|| = |w|``: ``||v|| |w|`` times the lengths of the pieces."""
        w = parameters["weights"]
        lengths = np.linalg.norm(self.pieces(parameters["filters"]), axis=2)
        v = self.absorbed(parameters["hidden"], lengths)
        size: _Array = np.linalg.norm(v, axis=1) * np.abs(w)
        return size

    def decay(self, parameters: Parameters) -> Parameters:
        """The parameters themselves, but nothing for the filters."""
        return {**parameters, "filters": np.zeros_like(parameters["filters"])}

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """Hidden and output weights times the square root of `factor`."""
        root = np.sqrt(factor)
        return {
            "filters": parameters["filters"],
            "hidden": parameters["hidden"] * root[:, None],
            "weights": parameters["weights"] * root,
        }

    def pieces(self, filters: _Array) -> _Array:
        """Filters (m, a) as their pieces (m, a / unit_length, unit_length)."""
        return filters.reshape(len(filters), filters.shape[1] // self.unit_length, self.unit_length)

    def absorbed(self, hidden: _Array, lengths: _Array) -> _Array:
        """Hidden weights (m, r) that have taken over the lengths (m, pieces) of the filters: times their product."""
        taken: _Array = hidden * lengths.prod(axis=1)[:, None]
        return taken

    def balanced(self, parameters: Parameters) -> Parameters:
        """Unit pieces and ``||v|| = |w|``, which minimises the cost at given outputs."""
        pieces, w = self.pieces(parameters["filters"]), parameters["weights"]
        lengths = np.linalg.norm(pieces, axis=2)
        hidden = self.absorbed(parameters["hidden"], lengths)
        norm = np.linalg.norm(hidden, axis=1)
        active = norm * np.abs(w) > 0.0
        root = np.sqrt(norm[active] * np.abs(w[active]))
        unit = pieces[active] / np.where(lengths > 0.0, lengths, 1.0)[active, :, None]
        return {
            "filters": unit.reshape(len(unit), parameters["filters"].shape[1]),
            "hidden": hidden[active] * (root / norm[active])[:, None],
            "weights": np.sign(w[active]) * root,
        }

    def project(self, parameters: Parameters) -> Parameters:
        """Every piece longer than 1 is cut to length 1."""
        pieces = self.pieces(parameters["filters"])
        cut = pieces / np.maximum(np.linalg.norm(pieces, axis=2, keepdims=True), 1.0)
        return {**parameters, "filters": cut.reshape(parameters["filters"].shape)}


def _squares(array: _Array) -> _Array:
    """Sum of squares of each entry along the first axis."""
    total: _Array = np.sum(array * array, axis=tuple(range(1, array.ndim)))
    return total


def _sums(weights: _Array) -> _Array:
    """Sum of the sizes of the weights of each neuron."""
    total: _Array = np.abs(weights).sum(axis=tuple(range(1, weights.ndim)))
    return total


def _column(factor: _Array, like: _Array) -> _Array:
    """`factor` (m,) with as many axes as `like` (m, ...)."""
    return factor.reshape(len(factor), *(1,) * (like.ndim - 1))

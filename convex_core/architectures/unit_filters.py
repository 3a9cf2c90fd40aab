"""Neurons of filters whose length is constrained, with hidden and output weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from .defaults import OneOutput
from .protocol import Parameters

__all__ = ["UnitFilters"]

_Array = NDArray[np.float64]


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

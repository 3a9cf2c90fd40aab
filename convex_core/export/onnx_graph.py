"""Nodes and constants of an ONNX graph as they come, and the windows of its inputs."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry

__all__ = ["Graph"]


class Graph:
    """Nodes and constants as they come."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._number = count()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node; the name of its output."""
        name = name or f"{operator.lower()}_{next(self._number)}"
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{next(self._number)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def numbers(self, array: Any) -> str:
        """Add a constant in double precision; its name."""
        return self._constant(np.asarray(array, dtype=np.float64))

    def integers(self, array: Any) -> str:
        """Add a constant of integers; its name."""
        return self._constant(np.asarray(array, dtype=np.int64))

    def sum(self, value: str, axis: int) -> str:
        """Add the sum along an axis, which goes away."""
        return self.node("ReduceSum", value, self.integers([axis]), keepdims=0)

    def windows(self, flat: str, geometry: PatchGeometry, *, apart: bool = False) -> str:
        """Windows (n, K, window) of the flat inputs (n, d), or (n, K, 1, window) where each has its own filters."""
        index = geometry.index
        if (index < 0).any():  # a column of zeros, which the index -1 reads
            flat = self.node("Pad", flat, self.integers([0, 0, 0, 1]))
            index = np.where(index < 0, geometry.d, index)
        return self.node("Gather", flat, self.integers(index[:, None] if apart else index), axis=1)

    def largest(self, values: str, groups: list[NDArray[np.int64]]) -> str:
        """The largest of `values` (n, K, m) in each group of windows, (n, groups, m)."""
        longest = max(map(len, groups))
        # a window counts once among the largest, however often it is listed
        members = [np.resize(group, longest) for group in groups]
        seen = self.node("Gather", values, self.integers(members), axis=1)
        return self.node("ReduceMax", seen, self.integers([2]), keepdims=0)

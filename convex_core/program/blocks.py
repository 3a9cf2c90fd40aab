r"""Blocks: the variables of the convex program, one per (cell, output sign).

For the cell of a sign pattern with gates :math:`D_k` and an output sign :math:`\sigma = \pm 1`, the block
:math:`c \in R^p` contributes :math:`\sigma s \sum_k D_k X_k c` to the outputs and lives in the cone
:math:`\{c : \epsilon_j r_j^T c \ge 0\}` of its cell, :math:`r_j` being the merged hyperplanes and
:math:`\epsilon_j = \pm 1` the sides the cell lies on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture
from ..arrangement import merge_rows

__all__ = ["Blocks", "CellFactory"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A stack of B blocks.

    Attributes
    ----------
    G : (B, n, p) float64
        Signed gate matrices, ``outputs = sum_b G[b] @ c[b]``.
    rows : (M, p) float64
        Unit normals of the merged hyperplanes, shared by all blocks.
    sides : (B, M) int8
        Cone of block b: ``sides[b, j] * rows[j] @ c[b] >= 0``.
    active : (B, N) bool
        Sign pattern of each block on the original hyperplanes.
    sign : (B,) int8
        Output sign of each block.
    """

    G: _Array
    rows: _Array
    sides: NDArray[np.int8]
    active: NDArray[np.bool_]
    sign: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.sign)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Blocks:
        """The blocks at `index`."""
        return Blocks(self.G[index], self.rows, self.sides[index], self.active[index], self.sign[index])

    def extended(self, other: Blocks) -> Blocks:
        """These blocks followed by those of `other` (same hyperplanes)."""
        return Blocks(
            np.concatenate([self.G, other.G]),
            self.rows,
            np.concatenate([self.sides, other.sides]),
            np.concatenate([self.active, other.active]),
            np.concatenate([self.sign, other.sign]),
        )

    def keys(self) -> list[bytes]:
        """One hashable key per block: its output sign and its sides."""
        packed = np.packbits(self.sides > 0, axis=1)
        return [bytes([int(s) & 3]) + row.tobytes() for s, row in zip(self.sign, packed, strict=True)]


class CellFactory:
    """Turns sign patterns of one problem into blocks, and directions into sign patterns.

    Parameters
    ----------
    architecture : Architecture
        Says the hyperplanes and the gates.
    patches : (K, n, h) float64
        Patch matrices.
    """

    def __init__(self, architecture: Architecture, patches: _Array) -> None:
        self.architecture = architecture
        self.patches = patches
        self.hyperplanes = architecture.hyperplanes(patches)
        merged = merge_rows(self.hyperplanes)
        classes = merged.index
        real = np.flatnonzero(classes >= 0)
        _, first = np.unique(classes[real], return_index=True)
        #: original row that stands for each merged hyperplane
        self.representatives: NDArray[np.intp] = real[first]
        chosen = self.hyperplanes[self.representatives]
        self.rows: _Array = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
        self.rank = int(np.linalg.matrix_rank(self.rows)) if len(self.rows) else 0

    def sides(self, active: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Side of every merged hyperplane, +1 or -1, from sign patterns (m, N)."""
        return 2 * active[:, self.representatives].view(np.int8) - np.int8(1)

    def patterns(self, directions: _Array) -> NDArray[np.bool_]:
        """Sign patterns ``1[r . u >= 0]`` (m, N) of directions (m, p)."""
        return directions @ self.hyperplanes.T >= 0.0

    def gate_matrices(self, active: NDArray[np.bool_]) -> _Array:
        """``s * sum_k D_k X_k`` for each pattern, (m, n, p)."""
        gates = self.architecture.gates(active, self.patches).astype(np.float64)
        matrices: _Array = self.architecture.scale * np.einsum("mkn,knp->mnp", gates, self.patches)
        return matrices

    def gate_rows(self, active: NDArray[np.bool_]) -> _Array:
        """Gates of each pattern as floats (m, K n), for :meth:`pull_backs`."""
        return self.architecture.gates(active, self.patches).reshape(len(active), -1).astype(np.float64)

    def pull_backs(self, gate_rows: _Array, v: _Array) -> _Array:
        """``G^T v`` of each pattern without forming G, (m, p)."""
        weighted = self.architecture.scale * v[None, :, None] * self.patches
        pulled: _Array = gate_rows @ weighted.reshape(-1, self.patches.shape[2])
        return pulled

    def blocks(self, active: NDArray[np.bool_], sign: NDArray[np.int8]) -> Blocks:
        """Blocks of patterns (B, N) and output signs (B,)."""
        G = sign[:, None, None] * self.gate_matrices(active)
        return Blocks(G, self.rows, self.sides(active), active, sign)

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
from ..errors import BackendError

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
        #: merged hyperplane of each original row, -1 for a zero row
        self.classes: NDArray[np.int64] = classes
        real = np.flatnonzero(classes >= 0)
        _, first = np.unique(classes[real], return_index=True)
        #: original row that stands for each merged hyperplane
        self.representatives: NDArray[np.intp] = real[first]
        chosen = self.hyperplanes[self.representatives]
        self.rows: _Array = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
        #: original rows that point against the normal of their hyperplane
        self.opposite: NDArray[np.bool_] = np.zeros(len(classes), dtype=bool)
        self.opposite[real] = np.einsum("rp,rp->r", self.hyperplanes[real], self.rows[classes[real]]) < 0.0
        self.rank = int(np.linalg.matrix_rank(self.rows)) if len(self.rows) else 0

    @property
    def additive(self) -> bool:
        """Whether :meth:`ridge` has an answer."""
        v = np.zeros(self.patches.shape[1])
        return self.architecture.ridge_coefficients(v, self.patches) is not None

    def ridge(self, v: _Array) -> tuple[_Array, _Array]:
        """Coefficients a (M,) and b (p,) with ``v . atom(u) = b . u + sum_j a[j] (rows[j] . u)_+``.

        Rows on one hyperplane are merged: with r = s rows[j], s < 0, (r . u)_+ = |s| (rows[j] . u)_+ + r . u.
        """
        coefficients = self.architecture.ridge_coefficients(v, self.patches)
        if coefficients is None:
            raise BackendError(
                f"search over directions: got the architecture {self.architecture.name!r}, "
                "expected one whose atoms are sums over hyperplanes"
            )
        real = self.classes >= 0
        length = np.linalg.norm(self.hyperplanes[real], axis=1)
        a = np.zeros(len(self.rows))
        np.add.at(a, self.classes[real], coefficients[real] * length)
        b = coefficients[self.opposite] @ self.hyperplanes[self.opposite]
        return a, b

    def sides(self, active: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Side of every merged hyperplane, +1 or -1, from sign patterns (m, N)."""
        return 2 * active[:, self.representatives].view(np.int8) - np.int8(1)

    def patterns(self, directions: _Array) -> NDArray[np.bool_]:
        """Sign patterns (m, N) of a cell that holds each direction (m, p).

        The side of each merged hyperplane is taken once: on a hyperplane, parallel rows must not be split by rounding.
        """
        positive = directions @ self.rows.T >= 0.0
        # a zero row (class -1) reads a last column that is always active
        positive = np.concatenate([positive, np.ones((len(directions), 1), dtype=bool)], axis=1)
        patterns: NDArray[np.bool_] = positive[:, self.classes] != self.opposite
        return patterns

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

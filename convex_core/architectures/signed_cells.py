r"""Cells of networks whose neurons are :math:`Z = w u^T`: those of a network with one weight, times signs of w.

With r weights :math:`w \in R^r` a block is a matrix :math:`Z \in R^{r \times h}`, flattened row by row. On a cell of
the network with one weight and signs :math:`s \in \{\pm 1\}^r` of w every row satisfies :math:`s_i z_i \in` the cone
of the cell; the block's own sign says :math:`s_1`. The norm of a block is its nuclear norm, the least cost
:math:`\tfrac12 \sum (\|u\|_2^2 + \|w\|_2^2)` of neurons that sum to Z: exact if the blocks have rank one. The
relaxation ``plain`` leaves out the cones, and with them the signs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrangement import pattern_bound
from ..errors import InputError, SizeError
from ..penalties import NuclearPenalty
from ..progress import Budget
from ..status import Exactness
from .defaults import CodeList, SeveralWeights
from .linear import rank_one_neurons
from .protocol import Parameters

__all__ = ["SignedCells"]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]

_RELAXATIONS = ("cone", "plain")
# most numbers in the hyperplanes of all rows of Z, and bytes that setting up the cells takes for one of them: their
# matrix is copied, merged and decomposed (measured: 0.95 GB for 16 million)
_LARGEST, _BYTES = 1 << 25, 64
# a block has rank one if its second singular value is below this share of the first
_RANK_ONE = 1e-5


class SignedCells(SeveralWeights):
    """Codes are those of :attr:`base`, followed by whether ``s_i = s_1`` for the weights i = 2..r (none if plain)."""

    __slots__ = ()

    relaxation: str

    def check_relaxation(self) -> None:
        """Raise :class:`InputError` for an unknown relaxation."""
        if self.relaxation not in _RELAXATIONS:
            raise InputError(f"relaxation: got {self.relaxation!r}, expected one of {', '.join(_RELAXATIONS)}")

    @property
    def plain(self) -> bool:
        """Whether the cone constraints are left out."""
        return self.relaxation == "plain"

    @property
    def exactness(self) -> Exactness:
        """Exact if the blocks have rank one; the plain relaxation is only a bound."""
        return Exactness.BOUND_ONLY if self.plain else Exactness.EXACT_IF_RANK_ONE

    @property
    def penalty(self) -> NuclearPenalty:
        """Nuclear norm of Z (r, h)."""
        return NuclearPenalty((self.fan_out, self.base.geometry.h))

    @property
    def sign_bits(self) -> int:
        """Bits of a code after those of the cell of :attr:`base`."""
        return 0 if self.plain else self.fan_out - 1

    @property
    def cells_per_pattern(self) -> int:
        """A cell for each choice of the signs."""
        return 1 << self.sign_bits

    def split(self, codes: _Codes) -> tuple[_Codes, NDArray[np.int8]]:
        """Codes of the cells of :attr:`base`, and the signs s (m, r) with ``s_1 = 1``; a block's sign says the rest."""
        width = codes.shape[1] - self.sign_bits
        s = np.ones((len(codes), self.fan_out), dtype=np.int8)
        if not self.plain:
            s[:, 1:] = 2 * codes[:, width:].astype(np.int8) - 1
        return codes[:, :width], s

    def hyperplanes(self, patches: _Array) -> _Array:
        """Those of :attr:`base` for every row of Z, (r * R, r * h), the row of Z slowest; none if plain.

        Raises
        ------
        SizeError
            If they would take gigabytes.
        """
        rows = self.base.hyperplanes(patches)
        if self.plain:
            return np.zeros((0, self.fan_out * rows.shape[1]))
        numbers = self.fan_out**2 * rows.size
        if numbers > _LARGEST:
            raise SizeError(
                f"hyperplanes: got {len(rows):,} patch rows with {self.fan_out} weights a neuron, whose cells need "
                f"some {numbers * _BYTES / 1e9:.1f} GB of memory, expected at most {_LARGEST * _BYTES / 1e9:.1f} GB: "
                "fewer samples, a larger stride or the relaxation 'plain'",
                predicted=numbers,
                limit=_LARGEST,
            )
        every: _Array = np.kron(np.eye(self.fan_out), rows).astype(np.float64, copy=False)
        return every

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """Every row of Z, times its sign, is in the cone of the cell."""
        if self.plain:
            return np.zeros((len(codes), 0), dtype=np.int8)
        cells, s = self.split(codes)
        own = self.base.sides(cells, patches)
        one = 2 * cells.astype(np.int8) - 1 if own is None else own
        sides: NDArray[np.int8] = s[:, :, None] * one[:, None, :]
        return sides.reshape(len(codes), self.fan_out * one.shape[1])

    def predicted(self, patches: _Array) -> int:
        """As many as :attr:`base` has, times the signs up to one of them."""
        cells = self.base.predicted(patches)
        return (pattern_bound(self.base.hyperplanes(patches)) if cells is None else cells) << self.sign_bits

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell of :attr:`base` with every choice of the signs."""
        copies = self.cells_per_pattern
        if copies > max_patterns:
            raise SizeError(
                f"patterns: got {copies:,} sign choices for each pattern, expected at most {max_patterns:,} cells",
                predicted=self.predicted(patches),
                limit=max_patterns,
            )
        listed = self.base.patterns(patches, max_patterns=max_patterns // copies, budget=budget)
        cells = listed.active()
        width = cells.shape[1]
        codes = np.empty((len(cells), copies, width + self.sign_bits), dtype=bool)
        for copy in range(copies):
            if budget is not None:
                budget.check("the listing of the signs was stopped")
            codes[:, copy, :width] = cells
            codes[:, copy, width:] = (copy >> np.arange(self.sign_bits)) & 1
        return CodeList(codes.reshape(len(cells) * copies, -1), listed.certified)

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of each filter, and the weights with the sign of the first."""
        u, w = parameters["filters"], parameters["weights"]
        cells = self.base.codes(patches, {"filters": u, "weights": np.ones(len(u))})
        if self.plain:
            return cells
        positive = w >= 0.0
        return np.concatenate([cells, positive[:, 1:] == positive[:, :1]], axis=1)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r"""Blocks of rank one exactly; others as the cheapest neurons with the same outputs that are at hand.

        A block :math:`\sigma b a^T` in the cone is :math:`u = \pm\sqrt\sigma a`, :math:`w = \pm\sqrt\sigma b` with the
        sign that makes ``w_i s_i >= 0``. One of higher rank has the same outputs as a neuron per row of Z, at a cost
        of the sum of the norms of the rows instead of the nuclear norm. Without the cone constraints the outputs of
        the singular pairs differ from those of the block; the network is feasible all the same.
        """
        Z = C.reshape(len(C), self.fan_out, self.base.geometry.h)
        if self.plain:
            w, u, block = rank_one_neurons(Z)
            return _oriented(u, sign[block, None] * w, np.ones_like(w))
        s = self.split(codes)[1].astype(np.float64)
        singular = np.linalg.svd(Z, compute_uv=False)
        low = singular[:, 1:].max(axis=1, initial=0.0) <= _RANK_ONE * singular[:, 0]
        w, u, block = rank_one_neurons(_leading(Z[low]))
        whole = _oriented(u, w, s[low][block])
        high = ~low
        rows = s[high, :, None] * Z[high]
        length = np.linalg.norm(rows, axis=2)
        block, i = np.nonzero(length > 0.0)
        root = np.sqrt(length[block, i])
        w = np.zeros((len(block), self.fan_out))
        w[np.arange(len(block)), i] = s[high][block, i] * root
        signs = np.concatenate([sign[low], sign[high][block]])
        return {
            "filters": np.concatenate([whole["filters"], rows[block, i] / root[:, None]]),
            "weights": signs[:, None] * np.concatenate([whole["weights"], w]),
        }


def _leading(Z: _Array) -> _Array:
    """The part of rank one of each matrix (B, r, h) with the largest singular value."""
    a, sigma, bt = np.linalg.svd(Z, full_matrices=False)
    part: _Array = sigma[:, :1, None] * a[:, :, :1] * bt[:, :1, :]
    return part


def _oriented(u: _Array, w: _Array, s: _Array) -> Parameters:
    """The neurons, (u, w) or (-u, -w), whose weights agree better with the signs s."""
    turn = np.where(np.einsum("mr,mr->m", w, s) < 0.0, -1.0, 1.0)[:, None]
    return {"filters": turn * u, "weights": turn * w}

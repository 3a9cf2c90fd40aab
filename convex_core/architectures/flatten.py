r"""ReLU and a flatten layer: a convolution, a ReLU and an output weight for each patch; exact if blocks have rank one.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j \in R^K`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_k (X_k u_j)_+ w_{jk},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2)

Convex program. On the cell of a sign pattern D and signs s of the weights the neuron is linear in
:math:`Z = u w^T \in R^{h \times K}`, a matrix of rank one whose columns are in the cone of D up to their signs:

.. math::
   \min_{Z_i} \; \ell\Big(\sum_i \sum_k D_{ik} X_k z_{ik},\; y\Big) + \beta \sum_i \|Z_i\|_*
   \quad \text{s.t. } s_{ik} (2 D_{ik'} - I) X_{k'} z_{ik} \ge 0 \text{ for all } k, k' .

Without the rank this is a lower bound, and exact if an optimum has blocks of rank one. The relaxation ``plain`` leaves
out the cone constraints, and with them the signs: a weaker bound. Source: Ergen and Pilanci, Implicit Convex
Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), who state the plain nuclear norm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrangement import enumerate_patterns, pattern_bound
from ..errors import InputError, SizeError
from ..patches import PatchGeometry
from ..penalties import NuclearPenalty
from ..progress import Budget
from ..status import Exactness
from .base import ArrangementCells, CodeList, FiltersAndWeights, Parameters
from .linear import rank_one_neurons

__all__ = ["FlattenCNN"]

_Array = NDArray[np.float64]

_RELAXATIONS = ("cone", "plain")
# a block has rank one if its second singular value is below this share of the first
_RANK_ONE = 1e-5


@dataclass(frozen=True, slots=True)
class FlattenCNN(ArrangementCells, FiltersAndWeights):
    """The CNN with one ReLU and a flatten layer of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    relaxation : {"cone", "plain"}
        Nuclear norm with the cone constraints of both the pattern and the signs, or alone.

    Raises
    ------
    InputError
        For an unknown relaxation.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = FlattenCNN(patch_geometry((3,), 2))
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([2.])
    """

    geometry: PatchGeometry
    relaxation: str = "cone"

    def __post_init__(self) -> None:
        if self.relaxation not in _RELAXATIONS:
            raise InputError(f"relaxation: got {self.relaxation!r}, expected one of {', '.join(_RELAXATIONS)}")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "flatten"

    @property
    def options(self) -> dict[str, str | int]:
        """The relaxation."""
        return {"relaxation": self.relaxation}

    @property
    def exactness(self) -> Exactness:
        """Exact if the blocks have rank one; the plain relaxation is only a bound."""
        return Exactness.BOUND_ONLY if self.relaxation == "plain" else Exactness.EXACT_IF_RANK_ONE

    @property
    def penalty(self) -> NuclearPenalty:
        """Nuclear norm of Z (h, K)."""
        return NuclearPenalty((self.geometry.h, self.geometry.K))

    @property
    def scale(self) -> float:
        """1."""
        return 1.0

    @property
    def _sign_bits(self) -> int:
        """Bits of a code after those of the pattern: whether ``s_k = s_1``, k = 2..K."""
        return 0 if self.relaxation == "plain" else self.geometry.K - 1

    def _signs(self, codes: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Signs s (m, K) with ``s_1 = 1``; the sign of a block says the rest."""
        s = np.ones((len(codes), self.geometry.K), dtype=np.int8)
        s[:, 1:] = 2 * codes[:, codes.shape[1] - self._sign_bits :].astype(np.int8) - 1
        return s

    def design(self, patches: _Array) -> _Array:
        """``A_k Z = X_k z_k`` for the flattened Z, (K, n, h * K)."""
        K, n, h = patches.shape
        matrices = np.zeros((K, n, h, K))
        matrices[np.arange(K), :, :, np.arange(K)] = patches
        return matrices.reshape(K, n, h * K)

    def hyperplanes(self, patches: _Array) -> _Array:
        """Row x of every patch for every column of Z, (K * K * n, h * K), the column slowest; none if plain."""
        K, n, h = patches.shape
        if self.relaxation == "plain":
            return np.zeros((0, h * K))
        rows = np.zeros((K, K * n, h, K))
        rows[np.arange(K), :, :, np.arange(K)] = patches.reshape(K * n, h)
        return rows.reshape(K * K * n, h * K)

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """Every column of Z, times its sign, is in the cone of the pattern."""
        K, n, _ = patches.shape
        if self.relaxation == "plain":
            return np.zeros((len(codes), 0), dtype=np.int8)
        base = 2 * codes[:, : K * n].astype(np.int8) - 1
        sides: NDArray[np.int8] = self._signs(codes)[:, :, None] * base[:, None, :]
        return sides.reshape(len(codes), K * K * n)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """A patch passes where its own row is active: (m, K, n)."""
        K, n, _ = patches.shape
        return codes[:, : K * n].reshape(len(codes), K, n)

    def predicted(self, patches: _Array) -> int:
        """The closed form for the patch rows, times the signs up to one of them."""
        return pattern_bound(patches.reshape(-1, patches.shape[2])) << self._sign_bits

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every sign pattern of the patch rows with every choice of the signs."""
        copies = 1 << self._sign_bits
        rows = patches.reshape(-1, patches.shape[2])
        refusal = f"patterns: got {copies:,} sign choices for each pattern, expected at most {max_patterns:,} cells"
        if copies > max_patterns:
            raise SizeError(refusal, predicted=self.predicted(patches), limit=max_patterns)
        arrangement = enumerate_patterns(rows, max_patterns=max_patterns // copies, budget=budget)
        base = arrangement.active()
        bits = (np.arange(copies)[:, None] >> np.arange(self._sign_bits)) & 1
        codes = np.concatenate(
            [np.repeat(base, copies, axis=0), np.tile(bits.astype(bool), (len(base), 1))],
            axis=1,
        )
        return CodeList(codes, arrangement.certified)

    def atoms(self, patches: _Array, C: _Array) -> None:
        """None: a matrix in two cells with other signs has other outputs through the ReLU."""
        return

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_]) -> Parameters:
        r"""Blocks of rank one exactly; others as the cheapest neurons with the same outputs that are at hand.

        A block :math:`\sigma a b^T` in the cone is :math:`u = \pm\sqrt\sigma a`, :math:`w = \pm\sqrt\sigma b` with the
        sign that makes ``w_k s_k >= 0``. One of higher rank has the same outputs as a neuron per column of Z, at a cost
        of the sum of the norms of the columns instead of the nuclear norm. Without the cone constraints the outputs of
        the singular pairs differ from those of the block; the network is feasible all the same.
        """
        Z = C.reshape(len(C), self.geometry.h, self.geometry.K)
        if self.relaxation == "plain":
            u, w, block = rank_one_neurons(Z)
            return _oriented(u, sign[block, None] * w, np.ones_like(w))
        s = self._signs(codes).astype(np.float64)
        singular = np.linalg.svd(Z, compute_uv=False)
        low = singular[:, 1:].max(axis=1, initial=0.0) <= _RANK_ONE * singular[:, 0]
        u, w, block = rank_one_neurons(_leading(Z[low]))
        whole = _oriented(u, w, s[low][block])
        high = ~low
        columns = (s[high, None, :] * Z[high]).transpose(0, 2, 1)
        length = np.linalg.norm(columns, axis=2)
        block, k = np.nonzero(length > 0.0)
        root = np.sqrt(length[block, k])
        w = np.zeros((len(block), self.geometry.K))
        w[np.arange(len(block)), k] = s[high][block, k] * root
        signs = np.concatenate([sign[low], sign[high][block]])
        return {
            "filters": np.concatenate([whole["filters"], columns[block, k] / root[:, None]]),
            "weights": signs[:, None] * np.concatenate([whole["weights"], w]),
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and a weight for each patch."""
        return {"filters": (self.geometry.h,), "weights": (self.geometry.K,)}

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_k (X_k u_j)_+ w_jk``, (n, m)."""
        u, w = parameters["filters"], parameters["weights"]
        total: _Array = np.einsum("knm,mk->nm", np.maximum(patches @ u.T, 0.0), w)
        return total

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Signs of the responses of every patch row to each filter, and the weights with the sign of the first."""
        u, w = parameters["filters"], parameters["weights"]
        active = u @ patches.reshape(-1, patches.shape[2]).T >= 0.0
        if self.relaxation == "plain":
            return active
        positive = w >= 0.0
        return np.concatenate([active, positive[:, 1:] == positive[:, :1]], axis=1)

    def pull(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, ``sum_k w_k X_k^T D_k v`` and ``v . (X_k u)_+``."""
        u, w = parameters["filters"], parameters["weights"]
        gated = (np.einsum("knh,mh->mkn", patches, u) >= 0.0) * V[:, None, :]
        back = np.einsum("mkn,knh->mkh", gated, patches)
        return {"filters": np.einsum("mk,mkh->mh", w, back), "weights": np.einsum("mh,mkh->mk", u, back)}


def _leading(Z: _Array) -> _Array:
    """The part of rank one of each matrix (B, h, K) with the largest singular value."""
    a, sigma, bt = np.linalg.svd(Z, full_matrices=False)
    part: _Array = sigma[:, :1, None] * a[:, :, :1] * bt[:, :1, :]
    return part


def _oriented(u: _Array, w: _Array, s: _Array) -> Parameters:
    """The neurons, (u, w) or (-u, -w), whose weights agree better with the signs s."""
    turn = np.where(np.einsum("mk,mk->m", w, s) < 0.0, -1.0, 1.0)[:, None]
    return {"filters": turn * u, "weights": turn * w}

r"""Two-layer CNN with max pooling over groups of patches; the convex program is exact.

Non-convex problem (groups :math:`\Gamma_g` of patches, filters :math:`u_j \in R^h`, output weights :math:`w_j`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_g \max_{k \in \Gamma_g} (X_k u_j)_+ w_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2)

A pattern says, for each sample and group, which patch wins, or that none is active. Where patch k wins, the cell's gate
passes its row :math:`x_k`, and its cone is

.. math:: x_k^T c \ge 0,\quad (x_k - x_l)^T c \ge 0 \;\; (l \in \Gamma_g), \qquad
          \text{or for none} \quad x_l^T c \le 0 \;\; (l \in \Gamma_g) .

The patterns are found as cells of the arrangement of the patch rows and of the differences within the groups; cells
with the same winners are one. Objective and map back are those of sum pooling.

With an activation that does not fall, of slopes :math:`a, b \ge 0`, the largest response wins before the activation as
after it. For b > 0 a winner below zero counts too: a pattern says besides on which side of zero each winner is, its
gate is a or b, and its cone has :math:`\pm x_k^T c \ge 0` with that sign. Source: Ergen and Pilanci, Implicit
Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrangement.patterns import enumerate_in
from ..contracts.records import record
from ..contracts.validation import check_arguments, frozen, integer
from ..errors import InputError
from ..numerics.rounding import exact_differences
from ..patches import MAX_LENGTH, PatchGeometry
from ..progress import Budget
from .activation import RELU, Activation
from .defaults import CodeList
from .formulas import NetworkFormulas
from .formulas.max_pooling import max_pooling_formulas
from .kinds import no_free_bias
from .layers import Branch
from .protocol import Options, Parameters
from .stages import Stages
from .two_layer import PooledNeurons, TwoLayerCNN

__all__ = ["MaxPoolingCNN"]

_Array = NDArray[np.float64]
_Ints = NDArray[np.int64]
# entries of the responses held at a time, 64 MB
_STEP_ENTRIES = 8_000_000
# rotations tried until an arrangement is certified, while one has no more bits than this: those take about a second,
# but what is tried must not depend on the machine
_ROTATIONS = 8
_PATIENCE = 500_000_000


@record
@dataclass(frozen=True, slots=True)
class MaxPoolingCNN(PooledNeurons):
    """The two-layer CNN with max pooling of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pool_size : int
        Patches per axis of the patch grid that form a group, those at the end may be fewer; 0 puts all patches in one
        group. The groups do not overlap, and their maxima are added.
    activation : Activation
        By default the ReLU; its slopes may not be negative.

    Attributes
    ----------
    groups : tuple of (G,) int arrays
        The patches of each group, rising.

    Raises
    ------
    InputError
        For a negative pool size, or an activation that falls.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import patch_geometry
    >>> cnn = MaxPoolingCNN(patch_geometry((3,), 1), pool_size=2)
    >>> [group.tolist() for group in cnn.groups]
    [[0, 1], [2]]
    >>> cnn.atoms(cnn.geometry.extract(np.array([[1.0, -2.0, 3.0]])), np.array([[1.0], [-1.0]]))
    array([[4., 2.]])
    """

    geometry: PatchGeometry
    pool_size: int = 0
    activation: Activation = RELU
    groups: tuple[_Ints, ...] = field(init=False, repr=False, compare=False)
    pairs: tuple[_Ints, _Ints] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_arguments("MaxPoolingCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "max pooling")
        size = integer(self.pool_size, "pool_size", minimum=0, maximum=MAX_LENGTH)
        object.__setattr__(self, "pool_size", size)
        if min(self.activation.above, self.activation.below) < 0.0:
            raise InputError(
                f"activation: got {self.activation.name} of slopes {self.activation.above:g} and "
                f"{self.activation.below:g} with max pooling, expected none below zero: the largest response must win"
            )
        place = np.stack(np.meshgrid(*map(np.arange, self.geometry.grid), indexing="ij")).reshape(
            len(self.geometry.grid), -1
        )
        window = place // size if size else np.zeros_like(place)
        _, label = np.unique(window, axis=1, return_inverse=True)
        groups = tuple(np.flatnonzero(label.ravel() == g) for g in range(int(label.max()) + 1))
        object.__setattr__(self, "groups", tuple(frozen(group) for group in groups))
        upper = [np.triu_indices(len(group), 1) for group in groups]
        first, second = (
            np.concatenate([group[index[side]] for group, index in zip(groups, upper, strict=True)]) for side in (0, 1)
        )
        object.__setattr__(self, "pairs", (frozen(first), frozen(second)))

    @property
    def options(self) -> Options:
        """The pooling, its size and the activation."""
        return {"pooling": "max", "pool_size": self.pool_size, **self.activation.options}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return max_pooling_formulas(self)

    def hyperplanes(self, patches: _Array) -> _Array:
        """The patch rows (K * n, h), then ``x_k - x_l`` for every pair k < l of a group."""
        first, second = self.pairs
        differences = exact_differences(patches, first, second)
        return np.concatenate([patches, differences]).reshape(-1, patches.shape[2])

    @property
    def winner_below(self) -> bool:
        """Whether a group whose responses are all negative has a winner."""
        return self.activation.below > 0.0

    def _split(self, codes: NDArray[np.bool_], patches: _Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Winners (m, K, n) of codes (m, N), and for each group whether its largest response is active, (m, G, n)."""
        K, n, _ = patches.shape
        wins = codes[:, : K * n].reshape(len(codes), K, n)
        if self.winner_below:
            return wins, codes[:, K * n :].reshape(len(codes), len(self.groups), n)
        return wins, np.stack([wins[:, group].any(axis=1) for group in self.groups], axis=1)

    def _joined(self, wins: NDArray[np.bool_], active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The codes, (m, N): the winners, and what they do not say."""
        parts = [wins, active] if self.winner_below else [wins]
        return np.concatenate([part.reshape(len(part), part.shape[1] * part.shape[2]) for part in parts], axis=1)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """The slope where a patch wins its group, else zero: (m, K, n)."""
        wins, active = self._split(codes, patches)
        if self.activation.plain:
            return wins
        gates = np.zeros(wins.shape)
        for g, group in enumerate(self.groups):
            gates[:, group] = self.activation.gates(active[:, g])[:, None] * wins[:, group]
        return gates

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """A winner is not below the others of its group, and it is on its side; without one nobody is active."""
        wins, active = self._split(codes, patches)
        rows = np.zeros(wins.shape, dtype=np.int8)
        for g, group in enumerate(self.groups):
            below = wins[:, group] if self.winner_below else True
            rows[:, group] = np.where(active[:, [g]], wins[:, group].view(np.int8), -np.int8(1) * below)
        first, second = self.pairs
        differences = wins[:, first].astype(np.int8) - wins[:, second].astype(np.int8)
        both = np.concatenate([rows, differences], axis=1)
        return both.reshape(len(codes), both.shape[1] * both.shape[2])

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """The distinct winners of the cells of the arrangement, which may be at most `max_patterns` themselves."""
        rows = self.hyperplanes(patches)
        for seed in range(_ROTATIONS):
            arrangement = enumerate_in(rows, max_patterns=max_patterns, seed=seed, budget=budget)
            # a difference depends on its two rows: whether such zeros are told clearly from other small determinants is
            # a matter of the random rotation
            if arrangement.certified or len(arrangement) * len(rows) > _PATIENCE:
                break
        K, n, _ = patches.shape
        packed = [np.packbits(self._winners(active, K, n), axis=1) for _, active in arrangement.chunks()]
        width = (K + len(self.groups) * self.winner_below) * n
        distinct = np.unpackbits(np.unique(np.concatenate(packed), axis=0), axis=1, count=width)
        return CodeList(distinct.view(np.bool_), arrangement.certified)

    def _winners(self, positive: NDArray[np.bool_], K: int, n: int) -> NDArray[np.bool_]:
        """Codes (m, N) of cells given by their sides (m, R) of the hyperplanes; ties go to the first patch."""
        sides = positive.reshape(len(positive), positive.shape[1] // n, n)
        wins = np.ones_like(sides[:, :K]) if self.winner_below else sides[:, :K].copy()
        for pair, (k, other) in enumerate(zip(*self.pairs, strict=True), start=K):
            wins[:, k] &= sides[:, pair]
            wins[:, other] &= ~sides[:, pair]
        active = np.stack([(wins & sides[:, :K])[:, group].any(axis=1) for group in self.groups], axis=1)
        return self._joined(wins, active)

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array] | None:
        """Those of sum pooling if every group is a single patch; a maximum is no sum over hyperplanes.

        Where a group has a winner below zero too, codes are winners and signs, and not the sides that directions say.
        """
        if len(self.pairs[0]) or self.winner_below:
            return None
        return TwoLayerCNN(self.geometry, activation=self.activation).ridge_coefficients(v, patches)

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``sum_g max_k sigma(X_k u)`` for each row u of `C` (m, h), shape (n, m)."""
        K, n, h = patches.shape
        step = max(1, _STEP_ENTRIES // (K * n))
        rows = patches.reshape(-1, h)
        out = np.zeros((n, len(C)))
        for start in range(0, len(C), step):
            part = slice(start, start + step)
            responses = (rows @ C[part].T).reshape(K, n, -1)
            for group in self.groups:
                out[:, part] += self.activation(responses[group].max(axis=0))
        return out

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        filters, weights = parameters["filters"], parameters["weights"][:, None]
        return (Branch(self.geometry, filters, weights, self.activation, pool_size=self.pool_size, groups=self.groups),)

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """The largest response of each group counts, at a tie the first."""
        sums = parameters["filters"] @ patches.T
        counts = np.zeros(sums.shape)
        for group in self.groups:
            counts[np.arange(len(sums)), group[sums[:, group].argmax(axis=1)]] = 1.0
        return Stages(sums, self.activation(sums), counts, parameters["weights"][:, None])

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Bit (k, i): patch k wins its group in sample i, and what the winners do not say, (m, N)."""
        K, n, h = patches.shape
        u = parameters["filters"]
        responses = (u @ patches.reshape(-1, h).T).reshape(len(u), K, n)
        wins = np.zeros(responses.shape, dtype=bool)
        active = np.zeros((len(u), len(self.groups), n), dtype=bool)
        for g, group in enumerate(self.groups):
            inside = responses[:, group]
            best = inside.argmax(axis=1, keepdims=True)
            active[:, [g]] = self.activation.active(np.take_along_axis(inside, best, axis=1))
            np.put_along_axis(wins, group[best], active[:, [g]] | self.winner_below, axis=1)
        return self._joined(wins, active)

r"""Two-layer ReLU CNN with max pooling over groups of patches; the convex program is exact.

Non-convex problem (groups :math:`\Gamma_g` of patches, filters :math:`u_j \in R^h`, output weights :math:`w_j`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_g \max_{k \in \Gamma_g} (X_k u_j)_+ w_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2)

A pattern says, for each sample and group, which patch wins, or that none is active. Where patch k wins, the cell's gate
passes its row :math:`x_k`, and its cone is

.. math:: x_k^T c \ge 0,\quad (x_k - x_l)^T c \ge 0 \;\; (l \in \Gamma_g), \qquad
          \text{or for none} \quad x_l^T c \le 0 \;\; (l \in \Gamma_g) .

The patterns are found as cells of the arrangement of the patch rows and of the differences within the groups; cells
with the same winners are one. Objective and map back are those of sum pooling. Source: Ergen and Pilanci, Implicit
Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._arguments import check_arguments
from .._records import record
from ..arrangement import enumerate_patterns
from ..patches import MAX_LENGTH, PatchGeometry
from ..progress import Budget
from ..validation import frozen, integer
from .base import CodeList, Parameters
from .formulas import NetworkFormulas
from .two_layer import PooledNeurons

__all__ = ["MaxPoolingCNN"]

_Array = NDArray[np.float64]
_Ints = NDArray[np.int64]
# entries of the responses held at a time, 64 MB
_STEP_ENTRIES = 8_000_000
# rotations tried until an arrangement is certified, while one has no more bits than this: those take about a second,
# but what is tried must not depend on the machine
_ROTATIONS = 8
_PATIENCE = 500_000_000
_CONE = """\
cone = []
for d in D:  # with the winner x_k of a group, or 0: x_k >= 0 and x_k - x_l >= 0 for every l
    top = [np.einsum("kn,knh->nh", d[group], X[group]) for group in groups]
    cone.append(np.concatenate([np.concatenate([x, *(x - X[group])]) for x, group in zip(top, groups)]))"""


@record
@dataclass(frozen=True, slots=True)
class MaxPoolingCNN(PooledNeurons):
    """The two-layer ReLU CNN with max pooling of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pool_size : int
        Patches per axis of the patch grid that form a group, those at the end may be fewer; 0 puts all patches in one
        group. The groups do not overlap, and their maxima are added.

    Attributes
    ----------
    groups : tuple of (G,) int arrays
        The patches of each group, rising.

    Raises
    ------
    InputError
        For a negative pool size.

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
    groups: tuple[_Ints, ...] = field(init=False, repr=False, compare=False)
    pairs: tuple[_Ints, _Ints] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_arguments("MaxPoolingCNN", geometry=(self.geometry, PatchGeometry))
        size = integer(self.pool_size, "pool_size", minimum=0, maximum=MAX_LENGTH)
        object.__setattr__(self, "pool_size", size)
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
    def options(self) -> dict[str, str | int]:
        """The pooling and its size."""
        return {"pooling": "max", "pool_size": self.pool_size}

    @property
    def scale(self) -> float:
        """1."""
        return 1.0

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        groups = [group.tolist() for group in self.groups]
        K, several = self.geometry.K, len(groups) > 1
        inside = r"k\in\Gamma_g" if several else "k"
        outer = rf"\sum_{{g=1}}^{{{len(groups)}}} " if several else ""
        same = r"\Gamma_g\text{: the patches of group }g" if several else ""
        return self._formulas(
            pooling=f"max pooling in groups of {self.pool_size} a side" if self.pool_size else "max pooling",
            network="sum_j sum_groups max_(k in group) (X_k u_j)_+ w_j",
            program="sum_i sum_k D_ik X_k (c'_i - c_i), D_ik: the samples in which k wins its group",
            constraints="x_k^T c >= 0 and (x_k - x_l)^T c >= 0 for a winner k, x_l^T c <= 0 without; c = c_i, c'_i",
            cells=f"D = code.reshape(P, K, n)  # D_ik: the samples in which patch k wins its group\ngroups = {groups}",
            design='G = np.einsum("ikn,knh->inh", D, X)  # the rows of the winners, sum_k D_ik X_k',
            cone=_CONE,
            atoms="phi = sum(np.maximum((X[group] @ u.T).max(axis=0), 0.0) for group in groups)",
            latex=self._latex(
                network=rf"\sum_j {outer}\max_{{{inside}}}\, (X_k u_j)_+\, w_j",
                operator=rf"\sum_{{k=1}}^{{{K}}} D_{{i,k}} X_k",
                cone=(
                    r"D_{i,k} X_k c \ge 0,\quad D_{i,k} (X_k - X_l)\, c \ge 0",
                    rf"\big(I - \textstyle\sum_{{{inside}}} D_{{i,k}}\big) X_l c \le 0",
                ),
                every=r"i,\, g,\, k,\, l\in\Gamma_g" if several else r"i,\, k,\, l",
                remarks=(r"D_{i,k}\text{: samples that patch }k\text{ wins}", *filter(None, [same])),
            ),
        )

    def hyperplanes(self, patches: _Array) -> _Array:
        """The patch rows (K * n, h), then ``x_k - x_l`` for every pair k < l of a group."""
        first, second = self.pairs
        differences = patches[first] - patches[second]
        return np.concatenate([patches, differences]).reshape(-1, patches.shape[2])

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """A winner is active and not below the others of its group; without a winner nobody is active."""
        gates = self.gates(codes, patches)
        rows = gates.astype(np.int8)
        for group in self.groups:
            rows[:, group] -= ~gates[:, group].any(axis=1, keepdims=True)
        first, second = self.pairs
        differences = gates[:, first].astype(np.int8) - gates[:, second].astype(np.int8)
        both = np.concatenate([rows, differences], axis=1)
        return both.reshape(len(codes), both.shape[1] * both.shape[2])

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """The distinct winners of the cells of the arrangement, which may be at most `max_patterns` themselves."""
        rows = self.hyperplanes(patches)
        for seed in range(_ROTATIONS):
            arrangement = enumerate_patterns(rows, max_patterns=max_patterns, seed=seed, budget=budget)
            # a difference depends on its two rows: whether such zeros are told clearly from other small determinants is
            # a matter of the random rotation
            if arrangement.certified or len(arrangement) * len(rows) > _PATIENCE:
                break
        K, n, _ = patches.shape
        packed = [
            np.packbits(self._winners(active, K, n).reshape(len(active), K * n), axis=1)
            for _, active in arrangement.chunks()
        ]
        distinct = np.unpackbits(np.unique(np.concatenate(packed), axis=0), axis=1, count=K * n)
        return CodeList(distinct.view(np.bool_), arrangement.certified)

    def _winners(self, active: NDArray[np.bool_], K: int, n: int) -> NDArray[np.bool_]:
        """Gates (m, K, n) of cells given by their sides (m, R) of the hyperplanes; ties go to the first patch."""
        sides = active.reshape(len(active), -1, n)
        wins = sides[:, :K].copy()
        for pair, (k, other) in enumerate(zip(*self.pairs, strict=True), start=K):
            wins[:, k] &= sides[:, pair]
            wins[:, other] &= ~sides[:, pair]
        return wins

    def ridge_coefficients(self, v: _Array, patches: _Array) -> _Array | None:
        """``v`` for each patch if every group is a single patch; a maximum is no sum over hyperplanes."""
        return None if len(self.pairs[0]) else np.tile(v, len(patches))

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``sum_g max_k (X_k u)_+`` for each row u of `C` (m, h), shape (n, m)."""
        K, n, h = patches.shape
        step = max(1, _STEP_ENTRIES // (K * n))
        rows = patches.reshape(-1, h)
        out = np.zeros((n, len(C)))
        for start in range(0, len(C), step):
            part = slice(start, start + step)
            responses = (rows @ C[part].T).reshape(K, n, -1)
            for group in self.groups:
                out[:, part] += np.maximum(responses[group].max(axis=0), 0.0)
        return out

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Bit (k, i): patch k wins its group in sample i, (m, K * n)."""
        K, n, h = patches.shape
        u = parameters["filters"]
        responses = (u @ patches.reshape(-1, h).T).reshape(len(u), K, n)
        wins = np.zeros(responses.shape, dtype=bool)
        for group in self.groups:
            inside = responses[:, group]
            best = inside.argmax(axis=1, keepdims=True)
            active = np.take_along_axis(inside, best, axis=1) >= 0.0
            np.put_along_axis(wins, group[best], active, axis=1)
        return wins.reshape(len(u), K * n)

    def pull(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the winners held fixed, ``w sum_k X_k^T D_k v`` and ``v . atom(u)``."""
        u, w = parameters["filters"], parameters["weights"]
        K, n, h = patches.shape
        gated = self.codes(patches, parameters).reshape(len(u), K, n) * V[:, None, :]
        back = gated.reshape(len(u), K * n) @ patches.reshape(K * n, h)
        return {"filters": w[:, None] * back, "weights": np.einsum("mh,mh->m", back, u)}

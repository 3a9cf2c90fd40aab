r"""Three-layer CNN: two ReLU layers; the convex program is exact for a filter per patch, a chain of bounds for one.

Non-convex problem (filters :math:`u_{jk} \in R^h`, hidden weights :math:`w_{1j} \in R^K`, output weights
:math:`w_{2j}`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \Big(\sum_k (X_k u_{jk})_+ w_{1jk}\Big)_+ w_{2j},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|w_{1j}\|_2^2 + w_{2j}^2) \quad \text{s.t. } \|u_{jk}\|_2 \le 1 ,

with a filter for every patch (``per-patch``), or :math:`u_{jk} = u_j` (``shared``). A cell is a pattern
:math:`D_{1k}` for each patch, the signs :math:`s \in \{\pm 1\}^K` of the hidden weights (all -1 has no output) and a
pattern :math:`D_2` of the second layer. With :math:`c_k = w_{1k} u_k` its block is :math:`C = [c_1, \dots, c_K]`, its
outputs :math:`D_2 \sum_k D_{1k} X_k c_k`, its cone

.. math::
   s_k (2 D_{1k} - I) X_k c_k \ge 0 \text{ for all } k, \qquad (2 D_2 - I) \sum_k D_{1k} X_k c_k \ge 0 .

* ``per-patch``: patterns range over the product of the arrangements of the patches, and :math:`\|C\|_F` is exact.
* ``shared``: patterns range over the joint arrangement, and C has rank one, which no norm of C alone can demand.
  ``frobenius`` takes :math:`\|C\|_F`, a bound only; ``strong`` adds :math:`s_k (2 D_{1k'} - I) X_{k'} c_k \ge 0` for
  all k, k'; ``nuclear`` takes :math:`\|C\|_*` besides, which is exact if every block has rank one. Their values grow in
  this order, and that of ``per-patch`` is below them all. :class:`LiftedThreeLayerCNN` is tighter, for short filters.

With filters per patch every patch may be seen by several filters in parallel (``copies`` of the geometry): of filters
as long as the input these are parallel fully connected networks of three layers with path regularisation, as a balanced
neuron costs :math:`|w_{2j}| (\sum_k \|u_{jk}\|^2 w_{1jk}^2)^{1/2}`; their program is exact like every other one per
patch (Ergen and Pilanci, Path Regularization, NeurIPS 2023, arXiv 2110.09548).

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), whose
program is ``frobenius``; the signs, the product of the arrangements and the tighter programs are needed besides.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form, merge_rows, pattern_bound
from ..arrangement.patterns import enumerate_in
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import InputError, SizeError
from ..patches import PatchGeometry
from ..penalties import L2Penalty, NuclearPenalty, Penalty
from ..progress import Budget
from ..status import Exactness
from .activation import RELU
from .defaults import Cells, CodeList, side_by_side
from .formulas import NetworkFormulas
from .formulas.three_layer import three_layer_formulas
from .kinds import no_free_bias
from .layers import Branch
from .protocol import Options, Parameters
from .unit_filters import UnitFilters

__all__ = ["ThreeLayerCNN"]

_Array = NDArray[np.float64]
_Bits = NDArray[np.bool_]
_SHARING = ("per-patch", "shared")
_RELAXATIONS = ("frobenius", "strong", "nuclear")

#: patches beyond which the 2^K signs and sets of active patches are not written down
MAX_PATCHES = 8


@record
@dataclass(frozen=True, slots=True)
class ThreeLayerCNN(Cells, UnitFilters):
    """The three-layer CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    sharing : {"per-patch", "shared"}
        Whether every patch has its own filter.
    relaxation : {"frobenius", "strong", "nuclear"}, optional
        Convex program of the shared filter, by default the tightest, ``nuclear``.

    Raises
    ------
    InputError
        For an unknown sharing or relaxation, or a relaxation other than ``frobenius`` for filters per patch.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import Network, patch_geometry
    >>> cnn = ThreeLayerCNN(patch_geometry((2,), 1), sharing="shared")
    >>> cnn.exactness.value
    'exact if rank one'
    >>> Network(cnn, filters=[[1.0]], hidden=[[2.0, -1.0]], weights=[3.0]).predict([[1.0, 1.0], [1.0, 4.0]])
    array([3., 0.])
    """

    geometry: PatchGeometry
    sharing: str = "per-patch"
    relaxation: str = ""

    def __post_init__(self) -> None:
        check_arguments("ThreeLayerCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "three layers")
        if self.sharing not in _SHARING:
            raise InputError(f"sharing: got {self.sharing!r}, expected one of {', '.join(_SHARING)}")
        if self.relaxation == "":
            object.__setattr__(self, "relaxation", "nuclear" if self.shared else "frobenius")
        if self.relaxation == "talk":
            warnings.warn("relaxation 'talk': use 'frobenius'", DeprecationWarning, stacklevel=3)
            object.__setattr__(self, "relaxation", "frobenius")
        if self.relaxation not in _RELAXATIONS:
            raise InputError(
                f"relaxation: got {self.relaxation!r}, expected one of {', '.join(_RELAXATIONS)}, or lifted for a "
                "shared filter"
            )
        if self.shared and self.geometry.copies > 1:
            raise InputError(
                f"parallel: got {self.geometry.copies} with a shared filter, which would be the same for all of them, "
                "expected filters per patch"
            )
        if self.relaxation != "frobenius" and not self.shared:
            raise InputError(
                f"relaxation: got {self.relaxation!r} for filters per patch, where the Frobenius norm is exact, "
                "expected 'frobenius'"
            )

    @property
    def shared(self) -> bool:
        """Whether one filter serves all patches."""
        return self.sharing == "shared"

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "three-layer"

    @property
    def options(self) -> Options:
        """The sharing, the relaxation, and the parallel filters of a patch if they are several."""
        copies = self.geometry.copies
        parallel: Options = {} if copies == 1 else {"parallel": copies}
        return {"sharing": self.sharing, "relaxation": self.relaxation, **parallel}

    @property
    def exactness(self) -> Exactness:
        """Exact per patch; shared, exact if rank one for ``nuclear``, else bound only."""
        if not self.shared or self.geometry.K == 1:
            return Exactness.EXACT
        return Exactness.EXACT_IF_RANK_ONE if self.relaxation in ("nuclear", "lifted") else Exactness.BOUND_ONLY

    @property
    def penalty(self) -> Penalty:
        """Frobenius norm, or for ``nuclear`` the nuclear norm of C (K, h)."""
        return NuclearPenalty((self.geometry.K, self.geometry.h)) if self.relaxation == "nuclear" else L2Penalty()

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return three_layer_formulas(self)

    # -- its convex program
    @property
    def every_column(self) -> bool:
        """Whether each ``s_k c_k`` is in the cone of every patch, not only of its own."""
        return self.relaxation != "frobenius"

    def _sets(self) -> list[tuple[int, ...]]:
        """Sets of at least two patches: where fewer are active, the signs decide the second ReLU."""
        K = self.geometry.K
        if K > MAX_PATCHES:
            raise SizeError(
                f"patches: got {K}, expected at most {MAX_PATCHES}: a cell has a sign for each",
                predicted=K,
                limit=MAX_PATCHES,
            )
        return [chosen for size in range(2, K + 1) for chosen in combinations(range(K), size)]

    def design(self, patches: _Array) -> _Array:
        """``A_k C = X_k c_k`` for the flattened C, (K, n, K * h)."""
        return side_by_side(patches)

    def hyperplanes(self, patches: _Array) -> _Array:
        """Rows of the first layer, then of the second for each :meth:`_sets`, (R, K * h).

        The first are ``x_k . c_k`` of every patch and sample, or ``x_k' . c_k`` of every two patches, k slowest; the
        second are ``sum_{k in S} x_k . c_k`` of every set S and sample.
        """
        K, n, h = patches.shape
        own = self.design(patches)
        second = [own[list(chosen)].sum(axis=0) for chosen in self._sets()]
        if not self.every_column:
            return np.concatenate([own.reshape(K * n, K * h), *second])
        first = np.zeros((K, K * n, K, h))
        first[np.arange(K), :, np.arange(K)] = patches.reshape(K * n, h)
        return np.concatenate([first.reshape(K * K * n, K * h), *second])

    def _parts(self, codes: _Bits) -> tuple[_Bits, _Bits, _Bits]:
        """Codes as first-layer patterns (m, K, n), signs (m, K) and second-layer patterns (m, n)."""
        m, K = len(codes), self.geometry.K
        n = (codes.shape[1] - K) // (K + 1)
        return codes[:, : K * n].reshape(m, K, n), codes[:, K * n : K * n + K], codes[:, K * n + K :]

    def sides(self, codes: _Bits, patches: _Array) -> NDArray[np.int8]:
        """First-layer rows times the signs; second-layer rows only where active patches of both signs meet."""
        first, plus, second = self._parts(codes)
        m, K, n = len(codes), *patches.shape[:2]
        pattern, s, active = _signed(first), _signed(plus), first & _live(patches)
        if self.every_column:
            sides = [(s[:, :, None, None] * pattern[:, None]).reshape(m, K * K * n)]
        else:
            sides = [(s[:, :, None] * pattern).reshape(m, K * n)]
        mixed, members = _mixed(active, plus), active.transpose(0, 2, 1)
        for chosen in self._sets():
            inside = np.isin(np.arange(K), chosen)
            sides.append(np.where(mixed & (members == inside).all(axis=2), _signed(second), 0).astype(np.int8))
        return np.concatenate(sides, axis=1)

    def gates(self, codes: _Bits, patches: _Array) -> _Bits:
        """A patch passes where both layers do: (m, K, n)."""
        first, _, second = self._parts(codes)
        passing: _Bits = first & second[:, None, :]
        return passing

    def _first_sizes(self, patches: _Array) -> int:
        """Closed form for the number of first-layer patterns."""
        groups = [patches.reshape(-1, patches.shape[2])] if self.shared else list(patches)
        return math.prod(map(pattern_bound, groups))

    def most_cells(self, patches: _Array) -> int:
        """As :meth:`predicted`, with rows in general position."""
        K, n, h = patches.shape
        first = closed_form(K * n, min(K * n, h)) if self.shared else closed_form(n, min(n, h)) ** K
        return self._with_signs(patches, first)

    def predicted(self, patches: _Array) -> int:
        """First-layer patterns times signs, times the closed form of n second-layer rows where signs are mixed."""
        return self._with_signs(patches, self._first_sizes(patches))

    def _with_signs(self, patches: _Array, first: int) -> int:
        """So many first-layer patterns with every choice of signs and second-layer pattern."""
        K, n, h = patches.shape
        return int(first * (1 + (2**K - 2) * closed_form(n, min(n, K * h))))

    def _first_layer(self, patches: _Array, max_patterns: int, budget: Budget | None) -> tuple[_Bits, bool]:
        """Every first-layer pattern (P, K, n), and whether the list is certified."""
        K, n, h = patches.shape
        if self.shared:
            joint = enumerate_in(patches.reshape(-1, h), max_patterns=max_patterns, budget=budget)
            return joint.active().reshape(-1, K, n), joint.certified
        each = [enumerate_in(rows, max_patterns=max_patterns, budget=budget) for rows in patches]
        choice = np.indices([len(one) for one in each]).reshape(K, -1)
        product = np.stack([one.active()[at] for one, at in zip(each, choice, strict=True)], axis=1)
        return product, all(one.certified for one in each)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every first-layer pattern with all signs and every second-layer pattern of the rows in force.

        Some of the cells have no interior: the cone of the first layer may miss cells of the second. They do no harm,
        a block in such a cell is on the border of another one with the same outputs.
        """
        K = len(patches)
        size = self._first_sizes(patches) * (2**K - 1)
        if size > max_patterns:
            raise _too_many(size, max_patterns)
        first, certified = self._first_layer(patches, max_patterns, budget)
        active, rows = first & _live(patches), self.design(patches)
        seen: dict[bytes, tuple[_Bits, bool]] = {}
        codes: list[_Bits] = []
        total = 0
        for number in range(2**K - 1):  # all signs minus is left out
            plus = np.broadcast_to((~number >> np.arange(K)) & 1 == 1, (len(first), K))
            mixed, certain = _mixed(active, plus), _decided(active, plus)
            for pattern, on, s, both, second in zip(first, active, plus, mixed, certain, strict=True):
                if budget is not None:
                    budget.check("patterns")
                meeting = on[:, both]
                key = np.packbits(both).tobytes() + np.packbits(meeting).tobytes()
                if key not in seen:
                    seen[key] = _second_layer(np.einsum("kb,kbp->bp", meeting, rows[:, both]), max_patterns, budget)
                free, known = seen[key]
                certified &= known
                total += len(free)
                if total > max_patterns:
                    raise _too_many(total, max_patterns)
                layer = np.repeat(second[None], len(free), axis=0)
                layer[:, both] = free
                head = np.concatenate([pattern.ravel(), s])
                codes.append(np.concatenate([np.repeat(head[None], len(free), axis=0), layer], axis=1))
        return CodeList(np.concatenate(codes), certified)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Bits, patches: _Array) -> Parameters:
        r"""Per patch exactly; shared, the best part of rank one, which is exact if the block has rank one.

        Per patch with :math:`t = \|C\|_F`: :math:`u_k = s_k c_k / \|c_k\|`, :math:`w_{1k} = s_k \|c_k\| / \sqrt t`,
        :math:`w_2 = \pm\sqrt t`. Shared with the singular triple :math:`\sigma, b, a`: :math:`u = \pm a`,
        :math:`w_1 = \pm \sqrt\sigma b`, :math:`w_2 = \pm\sqrt\sigma`, the sign such that w_1 agrees with s.
        """
        K, h = self.geometry.K, self.geometry.h
        s = _signed(self._parts(codes)[1]).astype(np.float64)
        blocks = self.block_matrices(C)
        if not self.shared:
            lengths = np.linalg.norm(blocks, axis=2)
            root = np.sqrt(np.linalg.norm(lengths, axis=1))
            unit = s[:, :, None] * blocks / np.where(lengths > 0.0, lengths, 1.0)[:, :, None]
            return {
                "filters": unit.reshape(len(C), K * h),
                "hidden": s * lengths / root[:, None],
                "weights": sign * root,
            }
        left, sigma, right = np.linalg.svd(blocks, full_matrices=False)
        root = np.sqrt(sigma[:, 0])
        b, a = left[:, :, 0], right[:, 0, :]
        # where one of the two orientations is the block's own it has w_1k s_k >= 0
        turn = np.where(np.einsum("mk,mk->m", b, s) >= 0.0, 1.0, -1.0)[:, None]
        return {"filters": turn * a, "hidden": root[:, None] * turn * b, "weights": sign * root}

    def block_matrices(self, C: _Array) -> _Array:
        """The matrix of each block, a row ``w_1k u_k`` for each patch: (B, K, h)."""
        return C.reshape(len(C), self.geometry.K, self.geometry.h)

    # -- its networks
    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, or one for each patch; a hidden weight for each patch; an output weight."""
        K, h = self.geometry.K, self.geometry.h
        return {"filters": (h if self.shared else K * h,), "weights": (), "hidden": (K,)}

    def absorbed(self, hidden: _Array, lengths: _Array) -> _Array:
        """Each hidden weight takes over the length of its own patch's filter."""
        taken: _Array = hidden * lengths
        return taken

    def _responses(self, patches: _Array, parameters: Parameters) -> tuple[_Array, _Array]:
        """``X_k u_jk`` (m, K, n) and what enters the second ReLU (m, n)."""
        filters = np.broadcast_to(self.pieces(parameters["filters"]), (len(parameters["weights"]), *patches.shape[::2]))
        first: _Array = np.einsum("mkh,knh->mkn", filters, patches)
        second: _Array = np.einsum("mk,mkn->mn", parameters["hidden"], np.maximum(first, 0.0))
        return first, second

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``(sum_k (X_k u_k)_+ w_1k)_+ w_2`` of each neuron, (n, m)."""
        _, second = self._responses(patches, parameters)
        total: _Array = np.maximum(second, 0.0).T * parameters["weights"]
        return total

    def codes(self, patches: _Array, parameters: Parameters) -> _Bits:
        """First-layer pattern, signs of the hidden weights, second-layer pattern: (m, K * n + K + n)."""
        responses, second = self._responses(patches, parameters)
        return self._codes(patches, responses >= 0.0, parameters["hidden"] >= 0.0, second)

    def _codes(self, patches: _Array, first: _Bits, plus: _Bits, second: _Array) -> _Bits:
        """The same for a first-layer pattern (m, K, n), signs (m, K) and what enters the second ReLU (m, n)."""
        m, K, n = first.shape
        active = first & _live(patches)
        layer = np.where(_mixed(active, plus), second >= 0.0, _decided(active, plus))
        return np.concatenate([first.reshape(m, K * n), plus, layer], axis=1)

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        filters, weights = parameters["filters"], parameters["weights"][:, None]
        filters = filters if self.shared else self.pieces(filters)
        return (Branch(self.geometry, filters, weights, RELU, counts=parameters["hidden"], rectified=True),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates of both layers held fixed."""
        hidden = parameters["hidden"]
        first, second = self._responses(patches, parameters)
        back = np.where(second >= 0.0, V * parameters["weights"][:, None], 0.0)
        through = np.where(first >= 0.0, back[:, None, :] * hidden[:, :, None], 0.0)
        filters = np.einsum("mkn,knh->mkh", through, patches)
        return {
            "filters": filters.sum(axis=1) if self.shared else filters.reshape(parameters["filters"].shape),
            "hidden": np.einsum("mn,mkn->mk", back, np.maximum(first, 0.0)),
            "weights": np.einsum("mn,mn->m", V, np.maximum(second, 0.0)),
        }


def _signed(bits: _Bits) -> NDArray[np.int8]:
    """+1 for a set bit, -1 for another."""
    return 2 * bits.astype(np.int8) - np.int8(1)


def _live(patches: _Array) -> _Bits:
    """Patch rows that are not zero, (K, n): others, counted as active, would leave the second ReLU undecided."""
    return (merge_rows(np.concatenate(patches)).index >= 0).reshape(patches.shape[:2])


def _mixed(active: _Bits, plus: _Bits) -> _Bits:
    """Samples where active patches of both signs meet, (m, n), so that the second ReLU is undecided."""
    positive, negative = (active & of[:, :, None] for of in (plus, ~plus))
    return np.asarray(positive.any(axis=1) & negative.any(axis=1))


def _decided(active: _Bits, plus: _Bits) -> _Bits:
    """Second-layer pattern elsewhere: on where some active patch, and so all of them, has a positive sign, (m, n)."""
    return np.asarray((active & plus[:, :, None]).any(axis=1))


def _second_layer(rows: _Array, max_patterns: int, budget: Budget | None) -> tuple[_Bits, bool]:
    """Every sign pattern of the rows in force, (P, number of rows)."""
    if not len(rows):
        return np.zeros((1, 0), dtype=bool), True
    arrangement = enumerate_in(rows, max_patterns=max_patterns, budget=budget)
    return arrangement.active(), arrangement.certified


def _too_many(size: int, limit: int) -> SizeError:
    message = f"patterns: got at least {size:,} cells of two ReLU layers, expected at most {limit:,}"
    return SizeError(message, predicted=size, limit=limit)

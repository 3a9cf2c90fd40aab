r"""Blocks: the variables of the convex program, one per (cell, output sign).

For the cell of a code with gates :math:`D_k` and an output sign :math:`\sigma = \pm 1`, the block
:math:`c \in R^p` contributes :math:`\sigma s \sum_k D_k A_k c` to the outputs (:math:`A_k` the design matrices, for
most architectures the patch matrices) and lives in the cone :math:`\{c : \epsilon_j r_j^T c \ge 0\}` of its cell,
:math:`r_j` being the merged hyperplanes and :math:`\epsilon_j = \pm 1` the sides the cell lies on, 0 where a hyperplane
does not bound it. Where rows that were merged ask for both sides of their hyperplane the cell lies on it: such a
hyperplane has a second row :math:`r_{j'} = r_j`, with :math:`\epsilon_j = 1` and :math:`\epsilon_{j'} = -1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..architectures import Architecture, Patterns, no_codes
from ..arrangement import closed_form, merge_rows
from ..arrangement.rows import first_of_each
from ..arrangement.zero_tests import UNIT
from ..contracts.records import record
from ..errors import InputError
from ..numerics.jit import have_numba
from ..numerics.rounding import TINY, UNIT_ROUNDOFF, block_product, block_terms, lengths
from ..numerics.short_rows import halves, in_parts, norms, peaks
from ..numerics.threads import at_once
from ..penalties import L2Penalty, Penalty
from ..progress import Budget, around
from .gate_kernel import gated_design

__all__ = ["NEEDS", "Blocks", "CellFactory"]

_Array = NDArray[np.float64]
#: what a solver may need of an architecture's cells, by the attribute of :class:`CellFactory` that says so
NEEDS = {"additive": "atoms are sums over hyperplanes", "euclidean": "blocks have the Euclidean norm"}
# a direction is on a hyperplane when the sine of the angle between them is at most this
_ON = 1e-10
# sides found at once, 8 bytes each
_AT_ONCE = 1 << 22
# entries of the design, or of blocks, up to which a step of setting them up takes a hundredth of a second
_QUICK = 1_000_000
# bits of codes that are unpacked at once, 16 MB; the kernel makes gate matrices of them in some hundredths of a second
_BITS = 1 << 24
# singular values of the rows below this share of the largest may have been read as zero
_FLAT = 1e-10


@record
@dataclass(frozen=True, slots=True)
class Blocks:
    """A stack of B blocks.

    Attributes
    ----------
    G : (B, n, p) float64
        Signed gate matrices, ``outputs = sum_b G[b] @ c[b]``.
    rows : (M, p) float64
        Unit normals of the cones, :attr:`CellFactory.cone_rows`, shared by all blocks.
    sides : (B, M) int8
        Cone of block b: ``sides[b, j] * rows[j] @ c[b] >= 0``; 0 states nothing.
    packed : (B, ceil(N / 8)) uint8
        The bits of :attr:`active`, eight in a byte: of many samples they would be larger than all the rest.
    width : int
        Number N of bits of a code.
    sign : (B,) int8
        Output sign of each block.
    """

    G: _Array
    rows: _Array
    sides: NDArray[np.int8]
    packed: NDArray[np.uint8]
    width: int
    sign: NDArray[np.int8]

    @classmethod
    def of(
        cls, G: _Array, rows: _Array, sides: NDArray[np.int8], active: NDArray[np.bool_], sign: NDArray[np.int8]
    ) -> Blocks:
        """Blocks with the codes `active` (B, N)."""
        return cls(G, rows, sides, np.packbits(active, axis=1), active.shape[1], sign)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Code (B, N) of each block's cell: for most architectures its sign pattern on the original hyperplanes."""
        return np.unpackbits(self.packed, axis=1, count=self.width).view(np.bool_)

    def __len__(self) -> int:
        return len(self.sign)

    @property
    def largest_gate(self) -> float:
        """Largest squared Frobenius norm of a gate matrix; 0 without blocks."""
        return float(np.einsum("bnp,bnp->b", self.G, self.G).max(initial=0.0))

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Blocks:
        """The blocks at `index`; themselves, and no copy, where a mask has all."""
        if index.dtype == np.bool_ and index.all():
            return self
        return Blocks(self.G[index], self.rows, self.sides[index], self.packed[index], self.width, self.sign[index])

    def extended(self, other: Blocks) -> Blocks:
        """These blocks followed by those of `other` (same hyperplanes)."""
        if not len(self):
            return other
        return Blocks(
            np.concatenate([self.G, other.G]),
            self.rows,
            np.concatenate([self.sides, other.sides]),
            np.concatenate([self.packed, other.packed]),
            self.width,
            np.concatenate([self.sign, other.sign]),
        )

    def keys(self) -> list[bytes]:
        """One hashable key per block: its output sign and its code."""
        return _keys(self.packed, self.sign)


def block_keys(active: NDArray[np.bool_], sign: NDArray[np.int8]) -> list[bytes]:
    """One hashable key per block of the codes `active` (B, N) and the output signs `sign` (B,)."""
    return _keys(np.packbits(active, axis=1), sign)


def _keys(packed: NDArray[np.uint8], sign: NDArray[np.int8]) -> list[bytes]:
    return [bytes([int(s) & 3]) + row.tobytes() for s, row in zip(sign, packed, strict=True)]


def _look(array: _Array) -> None:
    """Let the computation around end between two steps where these are long: what is quick is made at any time."""
    if array.size > _QUICK:
        around().check("the cells were not set up")


class CellFactory:
    """Turns codes of cells of one problem into blocks, and directions into codes.

    Parameters
    ----------
    architecture : Architecture
        Says the design matrices, the hyperplanes and the gates.
    patches : (K, n, h) float64
        Patch matrices.
    """

    def __init__(self, architecture: Architecture, patches: _Array) -> None:
        self.architecture = architecture
        self.patches = patches
        #: norm of a block, and whether it is the Euclidean one
        self.penalty: Penalty = architecture.penalty
        self.euclidean = isinstance(self.penalty, L2Penalty)
        #: design matrices (K', n, p): a block's outputs are ``s * sum_k D_k design[k] @ c``
        self.design = architecture.design(patches)
        #: length of a block
        self.p = int(self.design.shape[2])
        codes = no_codes(architecture, patches)
        #: bits of a code
        self.width = int(codes.shape[1])
        #: whether the architecture says the sides of its cells itself, instead of one bit per hyperplane
        self.coded = architecture.sides(codes, patches) is not None
        # whether gates are bits, of rows that no anchor shifts
        self._bits = (
            architecture.gates(codes, patches).dtype == np.bool_ and architecture.anchors(codes, patches) is None
        )
        #: whether atoms are sums over hyperplanes, so that :meth:`ridge` has an answer
        self.additive = architecture.ridge_coefficients(np.zeros(self.design.shape[1]), patches) is not None
        _look(self.design)
        self.hyperplanes = architecture.hyperplanes(patches)
        _look(self.hyperplanes)
        merged = merge_rows(self.hyperplanes)
        _look(self.hyperplanes)
        classes = merged.index
        #: merged hyperplane of each original row, -1 for a zero row
        self.classes: NDArray[np.int64] = classes
        real = np.flatnonzero(classes >= 0)
        #: original row that stands for each merged hyperplane, the first one
        self.representatives: NDArray[np.intp] = real[first_of_each(classes[real], len(merged.rows))]
        _look(self.hyperplanes)
        chosen = self.hyperplanes[self.representatives]
        chosen = chosen / peaks(chosen)[:, None]  # the squares of a tiny row would be zero
        self.rows: _Array = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
        #: original rows that point against the normal of their hyperplane
        self.opposite: NDArray[np.bool_] = np.zeros(len(classes), dtype=bool)
        self._norms = np.zeros(len(classes))
        measured = in_parts(self._measured, *self.hyperplanes.shape)
        _look(self.hyperplanes)
        singular = np.linalg.svd(self.rows, compute_uv=False) if len(self.rows) else np.zeros(0)
        largest = singular.max(initial=0.0)
        self.rank = int(np.count_nonzero(singular > largest * max(self.rows.shape) * np.finfo(float).eps))
        _look(self.hyperplanes)
        self._bound_errors(np.array([(0.0, 0.0), *measured]).max(axis=0), singular)
        self._beside = self.rows @ np.random.default_rng(0).standard_normal(self.p) >= 0.0
        # original row and merged hyperplane, and hyperplanes of several rows: an architecture that says their sides
        # itself may ask for both
        self._several = np.zeros(0, dtype=np.intp)
        if self.coded:
            ones = np.ones(len(real), dtype=np.int64)
            self._incidence = sparse.csr_matrix((ones, (real, classes[real])), shape=(len(classes), len(self.rows)))
            self._several = np.flatnonzero(np.bincount(classes[real], minlength=len(self.rows)) > 1)
        #: rows of the cones: the merged hyperplanes, and once more those that may be wanted from both sides
        self.cone_rows: _Array = self.rows
        if len(self._several):
            self.cone_rows = np.concatenate([self.rows, self.rows[self._several]])

    def _measured(self, part: slice) -> tuple[float, float]:
        """Note the norms and the orientation of some rows.

        The largest sine between one and the normal of its hyperplane, and the largest norm of those without one.
        """
        rows, classes = self.hyperplanes[part], self.classes[part]
        real = classes >= 0
        unread = float(lengths(rows[~real]).max(initial=0.0))
        if not real.any():
            return 0.0, unread
        peak = np.where(real, peaks(rows), 1.0)
        scaled, normals = rows / peak[:, None], self.rows[classes]
        along = np.einsum("rp,rp->r", scaled, normals)
        length = np.where(real, norms(scaled), 1.0)
        self.opposite[part] = real & (along < 0.0)
        self._norms[part] = np.where(real, peak * length, 0.0)
        sine = norms(scaled - along[:, None] * normals) / length
        return float(sine[real].max()), unread

    def _bound_errors(self, measured: _Array, singular: _Array) -> None:
        """Constants of :meth:`rounding`, from what :meth:`_measured` answers."""
        p = self.hyperplanes.shape[1]
        penalty = self.penalty
        self._apart = float(measured[0]) + (2.0 * p + 8.0) * UNIT_ROUNDOFF
        long = lengths(self.design)
        K = len(self.design)
        gain = self.architecture.scale * self.architecture.gain
        # shifted rows are as long as both together, and differ from the hyperplanes by their own rounding
        self._shifted = self.architecture.anchors(np.zeros((0, self.width), dtype=bool), self.patches) is not None
        shift = float(long.max(initial=0.0)) if self._shifted else 0.0
        self._apart += 2.0 * UNIT_ROUNDOFF * self._shifted
        unit = 1.001 * gain * penalty.radius
        self._unread = unit * (K + 1) * float(measured[1])
        #: largest norm of a row of each sample, with the scale of the outputs, (n,)
        self.largest: _Array = gain * (long.max(axis=0, initial=0.0) + shift)
        #: how much an output can be at most for a block of norm 1, (n,)
        self._reach: _Array = unit * (long + shift).sum(axis=0)
        flat = float(singular[singular <= _FLAT * singular.max(initial=0.0)].max(initial=0.0))
        self._listed = 4.0 * p**0.5 * (UNIT + 2.0 * p * UNIT_ROUNDOFF) + flat
        if not len(self.hyperplanes):  # nor gates that could be those of other rows
            self._apart = self._listed = 0.0
        #: angle within which the rows of a listed cell are known, with what a projection on them loses
        self.tilt = self._listed + (p + 4.0) * UNIT_ROUNDOFF
        self._lost = 4.0 * p + 32.0 + penalty.digits_lost
        errors = getattr(self.architecture, "design_errors", None)
        # of each sample, where the rows of the design are themselves computed
        self._inexact: _Array = (
            np.zeros(len(self._reach)) if errors is None else unit * errors(self.patches).sum(axis=0)
        )
        self._crowd = int(np.bincount(self.classes[self.classes >= 0]).max(initial=0)) if len(self.rows) else 0

    def rounding(self, v: _Array, *, listed: bool) -> float:
        r"""How much larger than a computed price the correlation of `v` with an atom can be, whatever the scales.

        Parameters
        ----------
        v : (n,)
            Dual vector.
        listed : bool
            Whether the price is over a list of cells, or that of :meth:`ridge` by branch and bound, which accounts for
            its own errors.

        Notes
        -----
        With :math:`u = 2^{-53}`, the rows :math:`x_{ik}` of the design, the scale s of outputs and gates, the largest
        Euclidean norm R of a block of norm 1, and :math:`L_i = s R \sum_k \|x_{ik}\|`, the answer is

        .. math:: (2 \delta + \kappa u) \sum_i |v_i| L_i + Z \sum_i |v_i| .

        * *The gates are those of other rows.* Prices are over the cells of merged unit rows :math:`r_j`, and a list
          holds the cells of some rows :math:`\hat r_j` close by. Let c have norm 1 and lie in the cell D of these. Of
          :math:`(x^T c)_+ - D x^T c` nothing is left but where D has the wrong side of x, and there
          :math:`|x^T c| \le \|x - \|x\| \hat r\| R \le \delta \|x\| R`. So the outputs of the atom and those of the
          block of the cell differ by at most :math:`\delta L_i`; for a maximum, or a second layer, whose rows are
          differences and sums of the :math:`x_{ik}`, by twice that.
          :math:`\delta` is the largest sine between a row and the one it was merged with, measured, plus its rounding
          (2 p + 8) u; for a list also :math:`4 \sqrt p (16 \epsilon + p \epsilon)`, the tolerance within which the
          enumeration reads rows (twice that of :func:`~convex_core.arrangement.merge_rows`, between two rows of a
          class, in each coordinate), plus the largest singular value that it can have read as zero. Without
          hyperplanes it is zero.
        * *Rows that count as zero* have no hyperplane, and the gate is arbitrary: Z is s R times the largest of their
          norms, for the K rows of a sample and one of a second layer.
        * *Rows that are computed from the data*, as whitened ones are, have errors of a length that the architecture
          says (``design_errors``); an atom, which is Lipschitz in them, is off by s R times their sum over the patches.
        * *Sums.* The products of v and the rows, and their sum over n K terms in any order, lose at most
          :math:`\gamma_{nK + 2} \sum |v_i| L_i` (Higham 2002, section 3.1). :meth:`ridge` adds those of one
          hyperplane, the others in blocks. A projection r of g on a cone, its norm and that of g lose 3 (p + 3) u
          in all of :math:`\|g\| \le \sum |v_i| L_i`; norms of rows p + 3, s and R one unit each, rounding v times
          alpha 4: together 4 p + 32. What norms other than the Euclidean one lose is said by the penalty. What
          multipliers of the rows of a cone lose is in :attr:`tilt`.
        """
        terms = (
            self.design.shape[0] * len(v)
            if listed
            else self._crowd + sum(map(block_terms, self.hyperplanes.shape[:1] + self.rows.shape[:1]))
        )
        if self._shifted:
            terms *= 2  # the sums of the rows and that of the gates, times the anchor
        if self.architecture.gain != 1.0:
            terms += self.design.shape[0] + len(v) + 2  # those of the linear part, and its slope
        delta = self._apart + (self._listed if listed else 0.0)
        size = np.abs(v)
        if not ((size > 0.0) & (self._reach > 0.0)).any():
            return 0.0  # no atom has anything to correlate with
        relative = 2.0 * delta + (terms + self._lost) * UNIT_ROUNDOFF
        given = self._unread * size.sum() + size @ self._inexact
        return float(1.001 * (relative * (size @ self._reach) + given) + terms * self.p * TINY)

    def reach(self, change: _Array) -> float:
        """How much the correlation with an atom changes at most when the dual vector changes by `change` (n,)."""
        return float(1.001 * (np.abs(change) @ self._reach))

    @property
    def predicted(self) -> int:
        """Upper bound on the number of cells, in closed form."""
        own = self.architecture.predicted(self.patches)
        return closed_form(len(self.rows), self.rank) if own is None else own

    def nothing(self) -> Blocks:
        """No blocks at all: the program of the zero network."""
        return self.blocks(np.zeros((0, self.width), dtype=bool), np.zeros(0, dtype=np.int8))

    def all_cells(self, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell; :class:`SizeError` if they are more than `max_patterns`."""
        return self.architecture.patterns(self.patches, max_patterns=max_patterns, budget=budget)

    def require(self, what: str, *needs: str) -> None:
        """Raise :class:`InputError` that names the `needs`, keys of :data:`NEEDS`, that `what` does not find.

        Examples
        --------
        >>> from convex_core import Problem, load_dataset
        >>> problem = Problem.from_dataset(load_dataset("edge"), architecture="linear")
        >>> CellFactory(problem.architecture, problem.patches).require("it", "euclidean")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        convex_core.errors.InputError: it: got the architecture 'linear', expected one whose blocks ...
        """
        missing = [need for need in needs if not getattr(self, need)]
        if missing:
            raise self._unsuited(what, missing)

    def _unsuited(self, what: str, missing: Sequence[str]) -> InputError:
        expected = " and whose ".join(NEEDS[need] for need in missing)
        return InputError(f"{what}: got the architecture {self.architecture.name!r}, expected one whose {expected}")

    def ridge(self, v: _Array) -> tuple[_Array, _Array]:
        """Coefficients a (M,) and b (p,) with ``v . atom(u) = b . u + sum_j a[j] (rows[j] . u)_+``.

        Rows on one hyperplane are merged: with r = s rows[j], s < 0, (r . u)_+ = |s| (rows[j] . u)_+ + r . u.
        """
        ridge = self.architecture.ridge_coefficients(v, self.patches)
        if ridge is None:
            raise self._unsuited("ridge", ["additive"])
        coefficients, linear = ridge

        def added(part: slice) -> _Array:
            classes, size = self.classes[part], coefficients[part] * self._norms[part]
            real = classes >= 0
            return np.bincount(classes[real], size[real], len(self.rows)).astype(np.float64)

        large = len(coefficients) > _QUICK
        a, *others = at_once(added, halves(len(coefficients)) if large else [slice(None)])
        for other in others:
            a += other
        b = linear + block_product(coefficients[self.opposite], self.hyperplanes[self.opposite])
        return a, b

    def sides(self, active: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Sides of :attr:`cone_rows`, +1 or -1 (or 0: no constraint), from codes (m, N)."""
        some = max(1, _AT_ONCE // max(1, len(self.opposite)))
        if self.coded and len(active) > some:
            return np.concatenate([self.sides(active[k : k + some]) for k in range(0, len(active), some)])
        own = self.architecture.sides(active, self.patches)
        if own is not None:
            asked = np.where(self.opposite, -own, own).T.astype(np.int64)
            balance = np.asarray(self._incidence.T @ asked)
            merged, again = np.sign(balance), np.zeros((len(self._several), len(active)))
            if len(self._several):
                count = np.asarray(self._incidence[:, self._several].T @ np.abs(asked))
                both = np.abs(balance[self._several]) < count  # not all ask for one side: the cell lies on it
                merged[self._several] = np.where(both, 1, merged[self._several])
                again = -both.astype(np.int64)
            return np.ascontiguousarray(np.concatenate([merged, again]).T, dtype=np.int8)
        return 2 * np.take(active, self.representatives, axis=1).view(np.int8) - np.int8(1)

    def decided(self, codes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Codes (m, N) of cells out of those of neurons, whose rounding may tell rows of one hyperplane apart.

        A neuron on a hyperplane may be on both sides of it at once, where rows are antiparallel. One of them stands for
        all; an architecture that says its own sides leaves it to :meth:`sides`.
        """
        if self.coded:
            return codes
        standing = np.take(codes, self.representatives, axis=1)
        # a zero row (class -1) reads a last column that is always active
        standing = np.concatenate([standing, np.ones((len(codes), 1), dtype=bool)], axis=1)
        decided = standing[:, self.classes] != self.opposite
        return np.concatenate([decided, codes[:, len(self.classes) :]], axis=1)

    def patterns(self, directions: _Array) -> NDArray[np.bool_]:
        """Sign patterns (m, N) of a cell whose closure holds each direction (m, p).

        On hyperplanes rounding must not choose: its sides may be those of no cell, over which a block is zero. There
        the sides are those of a step along one generic direction.
        """
        return self._patterns(self._positive(directions))

    def _positive(self, directions: _Array) -> NDArray[np.bool_]:
        """Whether each direction (m, p) is on the positive side of each merged hyperplane, (m, M)."""
        products = directions @ self.rows.T
        on = np.abs(products) <= _ON * np.linalg.norm(directions, axis=1, keepdims=True)
        return np.where(on, self._beside, products >= 0.0)

    def _patterns(self, positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The sides of all rows (m, N) from those of the merged hyperplanes (m, M)."""
        # a zero row (class -1) reads a last column that is always active
        positive = np.concatenate([positive, np.ones((len(positive), 1), dtype=bool)], axis=1)
        patterns = np.empty((len(positive), len(self.classes)), dtype=bool)

        def fill(part: slice) -> None:
            sides = positive.take(self.classes[part], axis=1, mode="wrap")  # -1 is the last column
            np.not_equal(sides, self.opposite[part], out=patterns[:, part])

        in_parts(fill, len(self.classes))
        return patterns

    def cells(self, directions: _Array, codes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Codes (m, N) of the cells of the neurons of blocks (m, p) that come from the cells `codes` (m, N)."""
        if not self.coded:
            return self.patterns(directions)
        sign = np.ones(len(directions), dtype=np.int8)
        neurons = self.architecture.neurons(directions, sign, codes, self.patches)
        return self.architecture.codes(self.patches, neurons)

    def gate_matrices(self, active: NDArray[np.bool_]) -> _Array:
        """``s * sum_k D_k A_k`` for each code, the rows of A_k less the anchor if there is one, (m, n, p)."""
        entries = self.design.shape[1] * (self.design.shape[0] + self.p)
        by_kernel = self._bits and len(active) * entries > _QUICK and have_numba()
        some = max(1, (_BITS if by_kernel else _QUICK) // max(1, entries))
        if len(active) > some:
            parts = []
            for start in range(0, len(active), some):
                if start:
                    around().check("the blocks were not all made")
                parts.append(self.gate_matrices(active[start : start + some]))
            return np.concatenate(parts)
        gates, scale = self.architecture.gates(active, self.patches), self.architecture.scale
        if by_kernel:
            return gated_design(gates, self.design, scale)
        gates = gates.astype(np.float64)
        # for each sample one product of matrices: an einsum of all three sides takes several times as long
        matrices = np.matmul(gates.transpose(2, 0, 1), scale * self.design.transpose(1, 0, 2)).transpose(1, 0, 2)
        anchors = self.architecture.anchors(active, self.patches)
        if anchors is not None:
            matrices = matrices - (scale * gates.sum(axis=1))[:, :, None] * anchors[:, None, :]
        return np.ascontiguousarray(matrices)

    def gate_rows(self, active: NDArray[np.bool_]) -> _Array:
        """Gates of each code as floats (m, K' n), for :meth:`transpose_products`."""
        gates = self.architecture.gates(active, self.patches)
        return gates.reshape(len(active), gates.shape[1] * gates.shape[2]).astype(np.float64)

    def transpose_products(self, active: NDArray[np.bool_], gate_rows: _Array, v: _Array) -> _Array:
        """``G^T v`` of each code without forming G, (m, p); `gate_rows` are those of the codes."""
        scaled = self.architecture.scale * v
        products: _Array = gate_rows @ (scaled[None, :, None] * self.design).reshape(-1, self.p)
        anchors = self.architecture.anchors(active, self.patches)
        if anchors is not None:
            products = products - (gate_rows @ np.tile(scaled, len(self.design)))[:, None] * anchors
        return products

    def outputs(self, blocks: Blocks, C: _Array) -> _Array:
        """Outputs (n,) of blocks C (B, p), through the network itself where c alone says them."""
        live = C.any(axis=1)  # most blocks of a round are zero, and their atoms take as long as others
        atoms = self.architecture.atoms(self.patches, C[live])
        if atoms is None:
            total: _Array = np.einsum("bnp,bp->n", blocks.G, C)
            return total
        return atoms @ blocks.sign[live].astype(np.float64)

    def blocks(self, active: NDArray[np.bool_], sign: NDArray[np.int8]) -> Blocks:
        """Blocks of codes (B, N) and output signs (B,)."""
        G = self.gate_matrices(active)
        G *= sign[:, None, None]
        return Blocks.of(G, self.cone_rows, self.sides(active), active, sign)

    def blocks_around(self, directions: _Array, sign: NDArray[np.int8]) -> Blocks:
        """Blocks of the cells of :meth:`patterns` that hold the directions (B, p), and output signs (B,).

        No more codes than need be are in memory, unpacked, at once.
        """
        width = len(self.classes)
        some = max(1, _BITS // max(1, width))
        if self.coded or len(directions) <= some:
            return self.blocks(self.patterns(directions), sign)
        positive = self._positive(directions)
        G = np.empty((len(directions), self.design.shape[1], self.p))
        packed = np.empty((len(directions), -(-width // 8)), dtype=np.uint8)
        for first in range(0, len(directions), some):
            if first:
                around().check("the blocks were not all made")
            part = slice(first, first + some)
            active = self._patterns(positive[part])
            packed[part] = np.packbits(active, axis=1)
            G[part] = self.gate_matrices(active)
        G *= sign[:, None, None]
        sides = 2 * positive.view(np.int8) - np.int8(1)
        return Blocks(G, self.cone_rows, sides, packed, width, sign)

r"""Conic form of the convex program over a given set of blocks.

.. math::
   \min_{f, c} \; \ell(f, y) + \beta \sum_b \|c_b\|
   \quad \text{s.t. } f = \sum_b G_b c_b,\;\; \epsilon_{bj} r_j^T c_b \ge 0 ,

in the standard form of Clarabel: minimise :math:`\tfrac12 x^T P x + q^T x` subject to :math:`A x + s = b`, s in a
product of the zero, non-negative, second-order and exponential cones. The loss and the penalty each say their epigraph
(:class:`LossForm`, :class:`PenaltyForm`); the variables are ordered (z, loss auxiliaries, block 1, block 2, ...) with
:math:`z = f - \text{shift}` and each block (penalty auxiliaries, c). The multiplier of the equality that defines z is
the dual vector :math:`v`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..arrangement import Witnesses, cell_facets, cell_witnesses
from ..contracts.records import record
from ..losses import Loss
from ..numerics.conic_forms import ConeKind, LossForm, PenaltyForm
from ..penalties import Penalty
from .blocks import Blocks

__all__ = ["ConeRows", "ConicProgram", "all_cone_rows", "assemble", "facet_rows"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class ConeRows:
    """Which cone rows are stated: row i says ``sides[block[i], row[i]] * rows[row[i]] @ c[block[i]] >= 0``."""

    block: NDArray[np.intp]
    row: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.block)


@dataclass(frozen=True, slots=True)
class ConicProgram:
    """Data of one conic program; `cones` lists (kind, size) in the order of the rows of `A`."""

    P: sparse.csc_matrix
    q: _Array
    A: sparse.csc_matrix
    b: _Array
    cones: tuple[tuple[ConeKind, int], ...]
    n: int
    blocks: int
    block_width: int
    p: int
    output_unit: float
    value_unit: float
    gate_unit: float
    nearest: Callable[[_Array], _Array]
    constant: float = 0.0
    eliminated: bool = False

    def split(self, x: _Array) -> _Array:
        """The blocks C (B, p) of a solution vector, in the problem's own units."""
        tail = x[len(x) - self.blocks * self.block_width :]
        C = tail.reshape(self.blocks, self.block_width)[:, self.block_width - self.p :]
        return self.nearest(C * (self.output_unit / self.gate_unit))

    def multiplier(self, z: _Array) -> _Array | None:
        """The dual vector v (n,) among the multipliers, in the problem's own units; None if z was eliminated."""
        return None if self.eliminated else z[: self.n] * (self.value_unit / self.output_unit)

    def objective(self, value: float) -> float:
        """The value of the program in the problem's own units."""
        return (value + self.constant) * self.value_unit


def all_cone_rows(blocks: Blocks) -> ConeRows:
    """Every cone row of every block."""
    return ConeRows(*np.nonzero(blocks.sides))


def facet_rows(blocks: Blocks) -> NDArray[np.bool_]:
    """The rows (B, M) that bound each block's cone: the same cones, by about 2 (p - 1) rows each instead of all.

    Cones without an interior point, or thinner than rounding, keep all their rows.
    """
    if not blocks.sides.any():
        return np.zeros(blocks.sides.shape, dtype=bool)
    cells, cell = np.unique(blocks.sides, axis=0, return_inverse=True)
    inside = cell_witnesses(blocks.rows, cells)
    open_ = inside.margins > 0.0
    known = Witnesses(inside.points[open_], inside.margins[open_])
    stated = np.array(cells, dtype=bool)
    stated[open_] = cell_facets(blocks.rows, cells[open_], witnesses=known)
    return stated[cell.ravel()]


def assemble(
    blocks: Blocks, y: _Array, beta: float, cone_rows: ConeRows, *, loss: Loss, penalty: Penalty
) -> ConicProgram:
    """Build the conic program of `blocks` with the stated cone rows.

    Solvers stop at absolute tolerances, so the program is stated in units in which outputs, loss and gate matrices are
    of order one (:meth:`Loss.units` s and e, and g): with f = s f', loss = e loss', G = g G' and c = (s / g) c' the
    regularisation is beta' = beta s / (g e).
    """
    B, n, p = blocks.G.shape
    output_unit, value_unit = loss.units(y)
    gate_unit = float(np.abs(blocks.G).max(initial=0.0)) or 1.0
    beta = beta / gate_unit * (output_unit / value_unit)
    head = loss.form(y).in_units(output_unit, value_unit)
    body = penalty.form(p)
    if head.A.shape[0] == 0 and len(head.q) == n and B * p < n:
        return _reduced(blocks, head, body, beta, cone_rows, output_unit, value_unit, gate_unit)
    aux = len(body.q)
    width = aux + p
    offset = len(head.q)
    J = blocks.G.transpose(1, 0, 2).reshape(n, B * p) / gate_unit
    c_columns = (offset + width * np.arange(B)[:, None] + aux + np.arange(p)).ravel()

    # rows: z - sum_b G_b c_b = -shift, the loss's own rows, the cone rows, the penalty rows
    own_values, own_rows, own_columns, own = _block_rows(blocks, body, cone_rows)
    loss_rows = head.A.tocoo()
    above = n + head.A.shape[0]
    A = sparse.csc_matrix(
        (
            np.concatenate([np.ones(n), -J.ravel(), loss_rows.data, own_values]),
            (
                np.concatenate([np.arange(n), np.repeat(np.arange(n), B * p), n + loss_rows.row, above + own_rows]),
                np.concatenate([np.arange(n), np.tile(c_columns, n), loss_rows.col, offset + own_columns]),
            ),
        ),
        shape=(above + own, offset + B * width),
    )
    A.eliminate_zeros()
    quadratic = head.P.tocoo()
    return ConicProgram(
        P=sparse.csc_matrix(
            (quadratic.data, (quadratic.row, quadratic.col)), shape=(offset + B * width, offset + B * width)
        ),
        q=np.concatenate([head.q, np.tile(np.concatenate([beta * body.q, np.zeros(p)]), B)]),
        A=A,
        b=np.concatenate([-head.shift, head.b, np.zeros(own)]),
        cones=(("zero", n), *head.cones, ("nonnegative", len(cone_rows)), *(body.cones * B)),
        n=n,
        blocks=B,
        block_width=width,
        p=p,
        output_unit=output_unit,
        value_unit=value_unit,
        gate_unit=gate_unit,
        nearest=body.nearest,
    )


def _reduced(
    blocks: Blocks,
    head: LossForm,
    body: PenaltyForm,
    beta: float,
    cone_rows: ConeRows,
    output_unit: float,
    value_unit: float,
    gate_unit: float,
) -> ConicProgram:
    """The same program with z eliminated, for a purely quadratic loss and fewer block variables than samples."""
    B, n, p = blocks.G.shape
    aux = len(body.q)
    width = aux + p
    J = blocks.G.transpose(1, 0, 2).reshape(n, B * p) / gate_unit
    columns = (width * np.arange(B)[:, None] + aux + np.arange(p)).ravel()
    curvature = np.asarray(head.P @ J)
    quadratic = J.T @ curvature
    rows, others = np.triu_indices(B * p)
    P = sparse.csc_matrix((quadratic[rows, others], (columns[rows], columns[others])), shape=(B * width, B * width))
    q = np.tile(np.concatenate([beta * body.q, np.zeros(p)]), B)
    q[columns] += J.T @ head.q - curvature.T @ head.shift
    values, rows, own_columns, own = _block_rows(blocks, body, cone_rows)
    return ConicProgram(
        P=P,
        q=q,
        A=sparse.csc_matrix((values, (rows, own_columns)), shape=(own, B * width)),
        b=np.zeros(own),
        cones=(("nonnegative", len(cone_rows)), *(body.cones * B)),
        n=n,
        blocks=B,
        block_width=width,
        p=p,
        output_unit=output_unit,
        value_unit=value_unit,
        gate_unit=gate_unit,
        nearest=body.nearest,
        constant=float(0.5 * head.shift @ (head.P @ head.shift) - head.q @ head.shift),
        eliminated=True,
    )


def _block_rows(
    blocks: Blocks, body: PenaltyForm, cone_rows: ConeRows
) -> tuple[_Array, NDArray[np.intp], NDArray[np.intp], int]:
    """Cone rows, then penalty rows, on the block variables alone: values, rows, columns and the number of rows."""
    B, _, p = blocks.G.shape
    aux = len(body.q)
    width = aux + p
    columns = width * np.arange(B)[:, None] + aux + np.arange(p)
    Q = len(cone_rows)
    cone = -(blocks.sides[cone_rows.block, cone_rows.row][:, None] * blocks.rows[cone_rows.row])
    template = body.A.tocoo()
    height = body.A.shape[0]
    block = np.arange(B)[:, None]
    return (
        np.concatenate([cone.ravel(), np.tile(template.data, B)]),
        np.concatenate([np.repeat(np.arange(Q), p), (Q + height * block + template.row).ravel()]),
        np.concatenate([columns[cone_rows.block].ravel(), (width * block + template.col).ravel()]),
        Q + height * B,
    )

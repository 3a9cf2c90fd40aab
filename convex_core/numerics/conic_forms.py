"""Epigraphs of losses and penalties in conic form: what each must say to be solved by a conic solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SizeError

__all__ = [
    "MAX_DENSE_ENTRIES",
    "ConeKind",
    "LossForm",
    "PenaltyForm",
    "setup_seconds",
]

#: "semidefinite" of size k holds the k (k + 1) / 2 entries of a symmetric matrix, its upper triangle by columns with
#: the entries off the diagonal times sqrt(2); "exponential", of size 3, is the closure of
#: {(x, y, z) : y > 0, y exp(x / y) <= z}
ConeKind = Literal["zero", "nonnegative", "second-order", "semidefinite", "exponential"]


#: entries of the dense blocks that semidefinite cones make in the matrix of an interior-point method: with twice as
#: many Clarabel asks for tens of GB
MAX_DENSE_ENTRIES = 30_000_000


@dataclass(frozen=True, slots=True)
class LossForm:
    r"""Epigraph of a loss in :math:`z = f - \text{shift}` (n) followed by auxiliaries (k).

    The loss is the minimum over the auxiliaries of ``0.5 x'Px + q'x`` subject to ``A x + s = b`` with s in `cones`,
    where x = (z, auxiliaries) has length n + k.
    """

    shift: NDArray[np.float64]
    P: sparse.csc_matrix
    q: NDArray[np.float64]
    A: sparse.csc_matrix
    b: NDArray[np.float64]
    cones: tuple[tuple[ConeKind, int], ...]

    def in_units(self, output: float, value: float) -> LossForm:
        """The same loss over `value` of ``x / output``; cones do not feel the factor."""
        return LossForm(
            self.shift / output,
            self.P * (output * output / value),
            self.q * (output / value),
            self.A,
            self.b / output,
            self.cones,
        )


def _itself(C: NDArray[np.float64]) -> NDArray[np.float64]:
    return C


@dataclass(frozen=True, slots=True)
class PenaltyForm:
    """Epigraph of a block norm in (auxiliaries (k), c (p)): minimise ``q'auxiliaries`` with ``-A x`` in `cones`.

    Where the norm is not finite everywhere, `nearest` moves blocks (B, p) that a solver left outside by its tolerance.
    """

    q: NDArray[np.float64]
    A: sparse.csc_matrix
    cones: tuple[tuple[ConeKind, int], ...]
    nearest: Callable[[NDArray[np.float64]], NDArray[np.float64]] = _itself


def setup_seconds(constraints: int, cones: tuple[tuple[ConeKind, int], ...], quadratic: int = 0) -> float:
    """Roughly the seconds in which Clarabel sets up a program, by the nonzeros of A and P; no other Python thread runs.

    A matrix of one large semidefinite cone is ordered quickly; of many that share rows it takes five times as long. In
    17 programs of 0.08 to 1 s it took 0.6 to 1.8 times this, by the processor.

    Raises
    ------
    SizeError
        If its semidefinite cones are so large that Clarabel would end the process for lack of memory.
    """
    rows = [size * (size + 1) // 2 for kind, size in cones if kind == "semidefinite"]
    dense = sum(many**2 // 2 for many in rows)
    if dense > MAX_DENSE_ENTRIES:
        raise SizeError(
            f"semidefinite cones: got {dense:,} entries of the interior-point method's matrix, expected at most "
            f"{MAX_DENSE_ENTRIES:,}",
            predicted=dense,
            limit=MAX_DENSE_ENTRIES,
        )
    return 7e-7 * constraints + 2.5e-7 * quadratic + (5e-7 if len(rows) > 1 else 1e-7) * dense

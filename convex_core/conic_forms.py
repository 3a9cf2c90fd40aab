"""Epigraphs of losses and penalties in conic form: what each must say to be solved by a conic solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import clarabel
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["ConeKind", "LossForm", "PenaltyForm", "clarabel_cones", "clarabel_settings"]

#: "semidefinite" of size k holds the k (k + 1) / 2 entries of a symmetric matrix, its upper triangle by columns with
#: the entries off the diagonal times sqrt(2); "exponential", of size 3, is the closure of
#: {(x, y, z) : y > 0, y exp(x / y) <= z}
ConeKind = Literal["zero", "nonnegative", "second-order", "semidefinite", "exponential"]


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


@dataclass(frozen=True, slots=True)
class PenaltyForm:
    """Epigraph of a block norm in (auxiliaries (k), c (p)): minimise ``q'auxiliaries`` with ``-A x`` in `cones`."""

    q: NDArray[np.float64]
    A: sparse.csc_matrix
    cones: tuple[tuple[ConeKind, int], ...]


def clarabel_cones(cones: tuple[tuple[ConeKind, int], ...]) -> list[Any]:
    """The same cones as objects of Clarabel."""
    return [clarabel.ExponentialConeT() if kind == "exponential" else _CLARABEL[kind](size) for kind, size in cones]


_CLARABEL = {
    "zero": clarabel.ZeroConeT,
    "nonnegative": clarabel.NonnegativeConeT,
    "second-order": clarabel.SecondOrderConeT,
    "semidefinite": clarabel.PSDTriangleConeT,
}


def clarabel_settings(tol: float) -> Any:
    """Settings of Clarabel: silent, one thread, `tol` for gap and feasibility."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    return settings

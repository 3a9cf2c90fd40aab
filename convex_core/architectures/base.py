"""What an architecture must say. Solvers, certificates and SGD ask nothing else of it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from ..penalties import Penalty
from ..status import Exactness

__all__ = ["Architecture"]

_Array = NDArray[np.float64]


@runtime_checkable
class Architecture(Protocol):
    r"""A network :math:`f(X) = \sum_j w_j \varphi_{u_j}(X)` whose atoms are linear on each cell of an arrangement.

    On the cell with gates :math:`D_k` an atom is :math:`\varphi_u(X) = s \sum_k D_k X_k u`, with `s` the
    :attr:`scale`; the cell is a cone bounded by the hyperplanes of :meth:`hyperplanes`.
    """

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        ...

    @property
    def exactness(self) -> Exactness:
        """How the convex program over all patterns relates to the non-convex problem."""
        ...

    @property
    def geometry(self) -> PatchGeometry:
        """Which input entries each patch covers."""
        ...

    @property
    def pooling(self) -> str:
        """Name of the pooling over patches."""
        ...

    @property
    def penalty(self) -> Penalty:
        """Norm of a block, its dual norm and its supports over cones."""
        ...

    @property
    def scale(self) -> float:
        """Factor `s` of every atom (1 for sum pooling, 1/K for mean pooling)."""
        ...

    def hyperplanes(self, patches: _Array) -> _Array:
        """Rows (N, h) whose central arrangement has one cell per pattern; `patches` is (K, n, h)."""
        ...

    def gates(self, active: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """Which patches pass: (m, K, n) from the sign patterns `active` (m, N) on :meth:`hyperplanes`."""
        ...

    def atoms(self, patches: _Array, filters: _Array) -> _Array:
        """Outputs of the single-filter networks, (n, m), for `filters` (m, h); positively homogeneous."""
        ...

    def ridge_coefficients(self, v: _Array, patches: _Array) -> _Array | None:
        """Coefficients a (N,) with ``v . atom(u) = sum_r a[r] (hyperplane[r] . u)_+``, or None if there are none."""
        ...

    def neurons(self, C: _Array, sign: NDArray[np.int8]) -> tuple[_Array, _Array]:
        """Map nonzero blocks (B, p) with output signs (B,) back to filters (B, h) and weights (B,)."""
        ...

r"""Whitened patches: a fixed, invertible linear map before the filters, stated and carried with the network.

With the mean :math:`\mu` and the matrix :math:`W` a patch x becomes :math:`\tilde x = W (x - \mu)`, W symmetric and
positive definite. A filter of whitened patches is a filter of patches with a bias,

.. math:: \tilde x^T u + b = x^T (W u) + (b - \mu^T W u) ,

so that whitening changes no network, only what its filters cost: the penalty is on u, not on :math:`W u`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array, frozen
from ..errors import InputError

__all__ = ["Whitening"]

_Array = NDArray[np.float64]
# least level: what a direction without variance is blown up by, doubles can undo
_LEAST = 1e-10
# share of the smallest eigenvalue that must be left in single precision
_KEPT = 0.99


@record
@dataclass(frozen=True, slots=True)
class Whitening:
    """The map ``x -> matrix @ (x - mean)`` of a patch x (window,).

    Attributes
    ----------
    mean : (window,) float64
        Taken off first.
    matrix : (window, window) float64
        Symmetric, positive definite.

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> patches = np.random.default_rng(0).standard_normal((5000, 2)) @ [[2.0, 1.0], [0.0, 0.5]]
    >>> white = Whitening.of(patches, level=0.0)
    >>> np.cov(white.apply(patches).T).round(2) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    mean: _Array
    matrix: _Array

    def __post_init__(self) -> None:
        mean = finite_array(self.mean, "mean", ndim=1)
        matrix = finite_array(self.matrix, "matrix", ndim=2)
        if matrix.shape != (len(mean), len(mean)):
            raise InputError(f"matrix: got shape {matrix.shape}, expected ({len(mean)}, {len(mean)}) as the mean has")
        object.__setattr__(self, "mean", frozen(mean))
        object.__setattr__(self, "matrix", frozen(matrix))

    @classmethod
    def none(cls, window: int) -> Whitening:
        """Patches as they are."""
        return cls(np.zeros(window), np.eye(window))

    @classmethod
    def of(cls, patches: _Array, *, level: float = 0.1) -> Whitening:
        r"""Mean and :math:`(\Sigma + \lambda I)^{-1/2}` of patches (m, window).

        Lambda is `level` times the mean variance, so that directions without variance are not blown up.
        Without any variance the matrix is the identity. Its entries are numbers in single precision where that leaves
        it positive definite: any map may be the one that is stated, and a file needs half as many bytes for it.
        """
        patches = finite_array(patches, "patches", ndim=2)
        window = patches.shape[1]
        covariance = np.atleast_2d(np.cov(patches.T, ddof=0)) if len(patches) > 1 else np.zeros((window, window))
        value, vector = np.linalg.eigh(covariance)
        variance = float(np.mean(np.maximum(value, 0.0)))
        if not variance > 0.0:
            return cls(patches.mean(axis=0), np.eye(window))
        scale = np.sqrt(np.maximum(value, 0.0) + max(level, _LEAST) * variance)
        matrix = (vector / scale) @ vector.T
        matrix = 0.5 * (matrix + matrix.T)
        short = matrix.astype(np.float32).astype(np.float64)
        least = float(np.linalg.eigvalsh(short)[0])
        return cls(patches.mean(axis=0), short if least > _KEPT / float(scale.max()) else matrix)

    def apply(self, patches: NDArray[Any]) -> NDArray[Any]:
        """Whitened patches (..., window), in the precision of `patches`."""
        kind = patches.dtype
        white: NDArray[Any] = (patches - self.mean.astype(kind)) @ self.matrix.astype(kind)
        return white

    def filters(self, filters: _Array, *, biased: bool) -> tuple[_Array, _Array]:
        """Filters (m, h) of whitened patches as filters (m, window) of patches, and their offsets (m,)."""
        linear = filters[:, : len(self.mean)] @ self.matrix
        offsets = -(linear @ self.mean)
        return linear, offsets + filters[:, -1] if biased else offsets

r"""Norms of the weights of one list entry: what the program pays, its proximal map, and the dual norm of its prices.

An entry of the list, a given filter or a given gate, has the weights :math:`C \in R^{h \times R q}` for R regions and q
outputs; with a given filter :math:`h = 1`.

============ ========================================= ====================================== =====================
norm         :math:`\nu(C)`                            dual norm                              the network's penalty
============ ========================================= ====================================== =====================
``group``    :math:`\|C\|_F`                           :math:`\|G\|_F`                        a filter: l2 of its w
``l1``       :math:`\sum_{ro} \|C_{ro}\|_2`            :math:`\max_{ro} \|G_{ro}\|_2`         l1 of its weights w
``nuclear``  sum of the singular values of C           largest singular value of G            gate: l2 of its w
============ ========================================= ====================================== =====================

With :math:`h = 1` the first and the third are the same.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["NORMS", "ListNorm", "Norm"]

_Array = NDArray[np.floating]
Norm = Literal["group", "l1", "nuclear"]

#: What a norm may be called.
NORMS: tuple[str, ...] = get_args(Norm)
# where a length is divided by
_TINY = 1e-30


class ListNorm:
    """One of :data:`NORMS` on weights (P, h, R, q).

    Examples
    --------
    >>> weights = np.array([3.0, 4.0]).reshape(1, 1, 1, 2)
    >>> [ListNorm(name).value(weights) for name in NORMS]
    [5.0, 7.0, 5.0]
    >>> ListNorm("l1").prox(weights, 1.0).ravel()
    array([2., 3.])
    """

    def __init__(self, name: str) -> None:
        if name not in NORMS:
            raise InputError(f"norm: got {name!r}, expected one of {', '.join(NORMS)}")
        self.name = name

    def each(self, C: _Array) -> _Array:
        """Norm of each entry (P,)."""
        if self.name == "group":
            return np.asarray(np.sqrt(np.einsum("phrq,phrq->p", C, C)))
        if self.name == "l1":
            return np.asarray(np.sqrt(np.einsum("phrq,phrq->prq", C, C)).sum(axis=(1, 2)))
        return np.asarray(_singular_values(C).sum(axis=1))

    def value(self, C: _Array) -> float:
        """Sum over the entries."""
        return float(self.each(C).sum(dtype=np.float64))

    def dual(self, G: _Array) -> _Array:
        """Dual norm of each entry (P,)."""
        if self.name == "group":
            return np.asarray(np.sqrt(np.einsum("phrq,phrq->p", G, G)))
        if self.name == "l1":
            return np.asarray(np.sqrt(np.einsum("phrq,phrq->prq", G, G)).max(axis=(1, 2)))
        return np.asarray(_singular_values(G).max(axis=1))

    def prox(self, C: _Array, step: float) -> _Array:
        """The minimiser of ``step * value(Z) + |Z - C|^2 / 2``, in the precision of `C`."""
        size_of_step = C.dtype.type(step)
        if self.name == "nuclear" and C.shape[1] > 1:
            return _shrink_singular_values(C, size_of_step)
        axes = "prq" if self.name == "l1" else "p"
        size = np.sqrt(np.einsum(f"phrq,phrq->{axes}", C, C))
        keep = np.maximum(1 - size_of_step / np.maximum(size, C.dtype.type(_TINY)), 0)
        return np.asarray(C * (keep[:, None] if self.name == "l1" else keep[:, None, None, None]))


def _matrices(C: _Array) -> _Array:
    P, h, R, q = C.shape
    return C.reshape(P, h, R * q)


def _singular_values(C: _Array) -> _Array:
    return np.linalg.svd(_matrices(C).astype(np.float64), compute_uv=False)


def _shrink_singular_values(C: _Array, step: np.floating) -> _Array:
    """By the eigenvectors of the smaller of ``M M^T`` and ``M^T M``: several times quicker than as many SVDs."""
    M = _matrices(C)
    wide = M.shape[1] <= M.shape[2]
    square = M @ M.transpose(0, 2, 1) if wide else M.transpose(0, 2, 1) @ M
    value, vector = np.linalg.eigh(square)
    keep = np.maximum(1 - step / np.sqrt(np.maximum(value, C.dtype.type(_TINY))), 0)
    onto = (vector * keep[:, None]) @ vector.transpose(0, 2, 1)
    return np.asarray(onto @ M if wide else M @ onto).reshape(C.shape)

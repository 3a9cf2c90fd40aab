r"""Kernel: the gate matrices :math:`s \sum_k D_k A_k` of gates that are bits, part after part of the samples.

All codes pass over a part of the design while it is in the cache, and two threads share the parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..numerics.jit import njit
from ..numerics.short_rows import in_parts

__all__ = ["gate_sums", "gated_design"]

_Array = NDArray[np.float64]


def gated_design(gates: NDArray[np.bool_], design: _Array, scale: float) -> _Array:
    """``scale * sum_k gates[b, k, i] * design[k, i]`` for gates (m, K, n) and design (K, n, p), shape (m, n, p).

    Examples
    --------
    >>> gates, design = np.array([[[True, False], [True, True]]]), np.arange(8.0).reshape(2, 2, 2)
    >>> gated_design(gates, design, 1.0).tolist()
    [[[4.0, 6.0], [6.0, 7.0]]]
    """
    (m, K, n), p = gates.shape, design.shape[2]
    codes = np.require(gates, requirements=["C", "W"]).view(np.uint8)
    out = np.empty((m, n, p))

    def fill(part: slice) -> None:
        columns = np.array(design[:, part].transpose(0, 2, 1), order="C")  # a copy, which can be written to
        gate_sums(codes, columns, scale, part.start, np.empty((p, part.stop - part.start)), out)

    in_parts(fill, n, K * p)
    return out


@njit(borrowing=True)
def gate_sums(gates: NDArray[np.uint8], columns: _Array, scale: float, start: int, sums: _Array, out: _Array) -> None:
    """Fill ``out[:, start : start + size]`` from `columns` (K, p, size) of the design; `sums` (p, size) is for work."""
    K, p, size = columns.shape
    for b in range(gates.shape[0]):
        for t in range(p):
            for i in range(size):
                sums[t, i] = 0.0
        for k in range(K):
            bits = gates[b, k, start : start + size]
            for t in range(p):
                column = columns[k, t]
                total = sums[t]
                for i in range(size):  # no product with the bit: to make a float of it takes longer
                    total[i] += column[i] if bits[i] != 0 else 0.0
        for i in range(size):
            for t in range(p):
                out[b, start + i, t] = scale * sums[t, i]

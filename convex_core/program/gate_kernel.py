r"""Kernel: the gate matrices :math:`s \sum_k D_k A_k` of gates that are bits, part after part of the samples.

Two threads share the parts, and what is added up for one sample does not depend on where a part begins: the result is
the same however many cores there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..numerics.jit import njit
from ..numerics.threads import at_once

__all__ = ["gate_sums", "gated_design"]

_Array = NDArray[np.float64]

# numbers of the design in one part, so that it stays in the cache while all codes pass over it
_PART_ENTRIES = 1 << 17


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
    size = max(1, _PART_ENTRIES // (K * p))

    def fill(first: int) -> None:
        sums = np.empty((p, size))
        for start in range(first * size, n, 2 * size):
            part = np.ascontiguousarray(design[:, start : start + size].transpose(0, 2, 1))
            gate_sums(codes, part, scale, start, sums, out)

    at_once(fill, range(2))
    return out


@njit(borrowing=True)
def gate_sums(
    gates: NDArray[np.uint8], columns: _Array, scale: float, start: int, sums: _Array, out: _Array
) -> None:
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

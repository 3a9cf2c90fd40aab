r"""What batch normalisation keeps of a batch: the mean of its patch rows, and how far they spread in each direction.

With the N = n K patch rows M of a batch and :math:`M - \text{mean} = U S V^T` a linear function u of the rows is
normalised by

.. math:: \frac{M u - \text{mean}}{\|M u - \text{mean}\|} = \frac{U S\, V^T u}{\|S\, V^T u\|} = U q, \qquad
          q = \frac{S\, V^T u}{\|S\, V^T u\|} .

So it is what a vector q of length 1 makes of the *whitened* rows U. Of new rows x the normalisation with the mean and
the spreads S of that batch is :math:`q^T S^{-1} V^T (x - \text{mean})`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import locked, record
from ..contracts.validation import finite_array, integer
from ..errors import InputError
from ..numerics.rounding import UNIT_ROUNDOFF, lengths

__all__ = ["BATCH", "BatchStatistics"]

_Array = NDArray[np.float64]

#: The arrays of a file that hold a batch; older files lack the last, zeros.
BATCH = ("batch_mean", "batch_directions", "batch_spreads", "batch_rows", "batch_rest")

# spreads below this share of the largest are left out: normalised by them, outputs are known to the unit roundoff over
# the share, and a loss near zero to the square of that, which is rounding for the root of the unit roundoff. With 1e-10
# objectives of beta = 1e-10 were off by 3e-4
_FLAT = 1e-8
# units of roundoff of the largest entry that a centred row may be off by
_CENTRED = 64.0
# share by which the moments of a batch may differ from those of the same batch computed elsewhere
_SAME = 1e-8


@record
@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """The symbols of the module's formula, for r directions in which the rows vary.

    Attributes
    ----------
    mean, rest : (h,) float64
        Mean of the patch rows: the nearest doubles, and what they are off by. Beside spreads of rows that are nearly
        alike that is not nothing.
    directions : (h, r) float64
        V.
    spreads : (r,) float64
        The singular values S, > 0; those below 1e-8 of the largest are left out.
    rows : int
        N.

    Examples
    --------
    >>> batch = BatchStatistics.of(np.array([[[1.0, 5.0], [3.0, 5.0]]]))
    >>> batch.mean, batch.spreads.round(12), batch.rows
    (array([2., 5.]), array([1.41421356]), 2)
    """

    mean: _Array
    directions: _Array
    spreads: _Array
    rows: int
    rest: _Array

    @classmethod
    def of(cls, patches: _Array) -> BatchStatistics:
        """Those of the batch `patches` (K, n, h)."""
        rows = patches.reshape(-1, patches.shape[2])
        N = len(rows)
        mean = rows.mean(axis=0)
        mean = mean + (rows - mean).mean(axis=0)  # the first mean of large numbers is off by its rounding
        rest = (rows - mean).mean(axis=0)
        centred = (rows - mean) - rest
        _, spreads, Vt = np.linalg.svd(centred, full_matrices=False)
        noise = _CENTRED * UNIT_ROUNDOFF * float(np.abs(rows).max(initial=0.0)) * rows.size**0.5
        kept = spreads > max(_FLAT * float(spreads.max(initial=0.0)), noise)
        # rows and columns of their own, as they are once read from a file
        return locked(cls(mean, np.ascontiguousarray(Vt[kept].T), spreads[kept].copy(), N, rest))

    @property
    def r(self) -> int:
        """Number of directions in which the rows vary."""
        return len(self.spreads)

    def centred(self, patches: _Array) -> _Array:
        """``x - mean`` of patches (K, n, h)."""
        return (patches - self.mean) - self.rest

    def whitened(self, patches: _Array) -> _Array:
        """Rows ``S^-1 V^T (x - mean)`` of patches (K, n, h), those of U for the batch itself: (K, n, r)."""
        # an einsum treats equal rows alike wherever they lie; a product of matrices may not
        turned: _Array = np.einsum("knh,hr->knr", self.centred(patches), self.directions)
        return turned / self.spreads

    def errors(self, patches: _Array) -> _Array:
        r"""How far rows of :meth:`whitened` are at most from those of exact numbers, (K, n), for the batch itself.

        Rows w are known up to :math:`\delta`, what computing them or a response from them loses, and the mean
        :math:`\bar w` of the rows, which is that of the batch minus the doubles that stand for it. A filter q has a
        response of the length :math:`\|W q\|`, which is 1 up to :math:`e = \|W^T W - I\|`: spreads are off by the
        rounding of the largest. So the length is :math:`\delta_i + \|\bar w\| + e \|w_i\|`, both measured.
        """
        if self.r == 0:
            return np.zeros(patches.shape[:2])
        h = len(self.mean)
        steep = float(np.linalg.norm(lengths(self.directions.T) / self.spreads))
        lost: _Array = (2.0 * h + 14.0) * UNIT_ROUNDOFF * steep * lengths(self.centred(patches))
        rows = self.whitened(patches).reshape(-1, self.r)
        middle = rows.mean(axis=0)
        off = lost + (float(np.linalg.norm(middle)) + float(lost.mean()))
        centred = rows - middle
        apart = float(np.linalg.norm(centred.T @ centred - np.eye(self.r)))
        # what the rows and the sums of their products lose; spreads that are kept leave it far below 1/2
        apart += 2.1 * float(np.linalg.norm(off)) + (len(rows) + 2.0) * self.r * UNIT_ROUNDOFF
        length: _Array = off + apart * (lengths(rows).reshape(off.shape) + off)
        return length

    def responses(self, patches: _Array, filters: _Array) -> tuple[_Array, _Array]:
        """Normalised responses (m, K, n) of filters u (m, h), and ``||S V^T u||`` (m,); a filter without one has 0."""
        u = filters @ self.directions
        size = lengths(self.spreads * u)
        unit = u / np.where(size > 0.0, size, 1.0)[:, None]
        turned = np.einsum("knh,hr->knr", self.centred(patches), self.directions)
        return np.einsum("knr,mr->mkn", turned, unit), size

    def same_batch(self, other: BatchStatistics) -> bool:
        """Whether both are of one batch, up to the rounding of another machine."""
        if (self.rows, self.mean.shape) != (other.rows, other.mean.shape):
            return False
        scale = max(float(np.abs(part).max(initial=0.0)) for part in (self.mean, self.spreads, other.spreads))
        moments = [(one.directions * one.spreads**2) @ one.directions.T for one in (self, other)]
        largest = max(float(np.abs(moment).max(initial=0.0)) for moment in moments)
        return bool(
            np.abs(self.mean - other.mean).max(initial=0.0) <= _SAME * scale
            and np.abs(moments[0] - moments[1]).max(initial=0.0) <= _SAME * largest
        )

    # -- files
    def to_arrays(self) -> dict[str, Any]:
        """The arrays of a file."""
        return dict(zip(BATCH, (self.mean, self.directions, self.spreads, self.rows, self.rest), strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], h: int) -> BatchStatistics:
        """Of the arrays of a file, for patches of h entries.

        Raises
        ------
        InputError
            If one is missing, of another shape, or no such number.

        Examples
        --------
        >>> batch = BatchStatistics.of(np.array([[[1.0, 5.0], [3.0, 5.0]]]))
        >>> BatchStatistics.from_arrays(batch.to_arrays(), 2) == batch
        True
        """
        missing = [name for name in BATCH[:-1] if name not in arrays]
        if missing:
            raise InputError(f"model file: got no {', '.join(missing)}, expected them with batch normalisation")
        mean = finite_array(arrays[BATCH[0]], BATCH[0], ndim=1)
        rest = finite_array(arrays.get(BATCH[4], np.zeros(h)), BATCH[4], ndim=1)
        # a batch whose rows are all alike has no direction
        flat = np.shape(arrays[BATCH[1]]) == (h, 0) and np.shape(arrays[BATCH[2]]) == (0,)
        directions = np.zeros((h, 0)) if flat else finite_array(arrays[BATCH[1]], BATCH[1], ndim=2)
        spreads = np.zeros(0) if flat else finite_array(arrays[BATCH[2]], BATCH[2], ndim=1)
        rows = float(finite_array(arrays[BATCH[3]], BATCH[3], ndim=0))
        if mean.shape != (h,) or rest.shape != (h,) or directions.shape != (h, len(spreads)):
            raise InputError(
                f"batch_mean, batch_rest, batch_directions: got shapes {mean.shape}, {rest.shape} and "
                f"{directions.shape}, expected ({h},), ({h},) and ({h}, {len(spreads)})"
            )
        if not (spreads > 0.0).all():
            raise InputError(f"batch_spreads: got {float(spreads.min())!r}, expected numbers > 0")
        if not rows.is_integer():
            raise InputError(f"batch_rows: got {rows!r}, expected a whole number")
        count = integer(int(rows), BATCH[3])
        return locked(cls(mean.copy(), np.ascontiguousarray(directions), spreads.copy(), count, rest.copy()))

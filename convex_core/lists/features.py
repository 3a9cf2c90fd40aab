r"""Columns of the convex program over a list: what each given filter, or each given gate, sees in each region.

With patches :math:`x_k` (whitened, a one appended where filters have a bias) and regions r of the pooling grid:

* a given filter u has the column :math:`\text{pool}_{k \in r} (x_k^T u)_+`, one for each region;
* a given gate g has the columns :math:`\text{pool}_{k \in r} 1[x_k^T g \ge 0]\, x_k`, h for each region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..architectures.pooling_grid import PoolingGrid
from ..contracts.records import record
from ..contracts.validation import finite_array, frozen
from ..errors import InputError
from ..numerics.threads import at_once
from ..patches import PatchGeometry
from ..progress import Budget
from .whitening import Whitening

__all__ = ["ListFeatures"]

_Array = NDArray[np.floating]
# numbers in the largest array that is made at a time
_CHUNK = 4_000_000
# numbers that are changed in place several times: they stay in a core's cache
_CACHED = 200_000


@record
@dataclass(frozen=True, slots=True)
class ListFeatures:
    """The columns of a list on any inputs.

    Attributes
    ----------
    geometry : PatchGeometry
        Patches, and whether filters have a bias.
    whitening : Whitening
        Of the patches.
    grid : PoolingGrid
        Regions, and the pooling over them.
    directions : (P, h) float64
        Given filters, or given gates, of whitened patches.
    gated : bool
        Whether they are gates.

    Raises
    ------
    InputError
        If the parts do not fit together.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> geometry = patch_geometry((4,), 2)
    >>> grid = PoolingGrid(geometry.grid, (1,), "sum")
    >>> features = ListFeatures(geometry, Whitening.none(2), grid, [[-1.0, 1.0]], False)
    >>> features.of(np.array([[0.0, 1.0, 0.0, 2.0]])).ravel()
    array([3.])
    """

    geometry: PatchGeometry
    whitening: Whitening
    grid: PoolingGrid
    directions: NDArray[np.float64]
    gated: bool

    def __post_init__(self) -> None:
        directions = finite_array(self.directions, "directions", ndim=2)
        if directions.shape[1] != self.geometry.h:
            raise InputError(f"directions: got {directions.shape[1]} entries each, expected {self.geometry.h}")
        if self.grid.windows != self.geometry.grid:
            raise InputError(f"grid: got {self.grid.windows} windows, expected {self.geometry.grid} as in the geometry")
        if len(self.whitening.mean) != self.geometry.window:
            raise InputError(
                f"whitening: got {len(self.whitening.mean)} entries, expected {self.geometry.window}, those of a patch"
            )
        if self.gated and self.grid.pooling == "max":
            raise InputError("pooling: got max with given gates, expected mean or sum: the gates do not say who wins")
        object.__setattr__(self, "directions", frozen(directions))

    @property
    def P(self) -> int:
        """Number of filters or gates."""
        return len(self.directions)

    @property
    def h(self) -> int:
        """Weights of an entry for each region and output: the filter's length behind a gate, one for a given filter."""
        return self.geometry.h if self.gated else 1

    @property
    def N(self) -> int:
        """Number of columns."""
        return self.P * self.h * self.grid.R

    @property
    def shape(self) -> tuple[int, int, int]:
        """Entries of the list, weights of each, regions."""
        return self.P, self.h, self.grid.R

    @property
    def chunk(self) -> int:
        """Samples whose columns are computed at a time."""
        each = self.geometry.K * max(self.P, self.geometry.h) + self.N
        return int(np.clip(_CHUNK // each, 1, 512))

    def of(self, X: NDArray[np.float64], kind: type[np.floating] = np.float64) -> _Array:
        """Columns (n, N) for inputs `X` (n, d), in float64 or float32; the order is (entry, weight, region)."""
        if self.gated:
            return self._gated(np.asarray(self.geometry.windows(X), dtype=np.float64), kind)
        X = X.astype(kind, copy=False)
        linear, offsets = self.whitening.filters(self.directions, biased=self.geometry.biased)
        linear, offsets = linear.T.astype(kind), offsets.astype(kind)
        n, K = len(X), self.geometry.K
        columns = np.empty((n, self.P, self.grid.R), kind)
        size = max(1, _CACHED // (K * self.P))
        memory = np.empty((min(size, n) * K, self.P), kind)
        for start in range(0, n, size):
            rows = self.geometry.windows(X[start : start + size]).reshape(-1, self.geometry.window)
            values = np.matmul(rows, linear, out=memory[: len(rows)])
            values += offsets
            np.maximum(values, 0, out=values)
            columns[start : start + size] = self.grid.pool(values.reshape(-1, K, self.P)).transpose(0, 2, 1)
        return columns.reshape(n, self.N)

    def _gated(self, patches: NDArray[np.float64], kind: type[np.floating]) -> _Array:
        n, K, window = patches.shape
        # a gate is open or not: rounding in single precision would decide otherwise than the network does
        gates, offsets = self.whitening.filters(self.directions, biased=self.geometry.biased)
        open_ = (patches.reshape(n * K, window) @ gates.T + offsets >= 0.0).astype(kind).reshape(n, K, self.P)
        white: _Array = self.whitening.apply(patches.astype(kind, copy=False))
        if self.geometry.biased:
            white = np.concatenate([white, np.ones((n, K, 1), kind)], axis=2)
        columns = np.empty((n, self.P, self.h, self.grid.R), kind)
        regions = self.grid.regions
        scales = self.grid.scales.astype(kind)
        for r in range(self.grid.R):
            inside = regions == r
            products = open_[:, inside].transpose(0, 2, 1) @ white[:, inside]
            columns[:, :, :, r] = products * scales[r]
        return columns.reshape(n, self.N)

    def stream(
        self,
        X: NDArray[np.float64],
        kind: type[np.floating],
        budget: Budget,
        *,
        stage: str = "features",
        rows: NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[slice, _Array]]:
        """Columns of one chunk of samples after another, or of those of `rows`, two chunks at a time on two cores.

        Raises
        ------
        Interrupted
            If the budget ends before all samples are done.
        """
        size = self.chunk
        n = len(X) if rows is None else len(rows)
        parts = [slice(s, min(s + size, n)) for s in range(0, n, size)]

        def columns(part: slice) -> _Array:
            return self.of(X[part] if rows is None else X[rows[part]], kind)

        for first in range(0, len(parts), 2):
            budget.check("the columns of the list were not computed")
            budget.report(stage, f"sample {parts[first].start:,} of {n:,}", fraction=first / len(parts))
            pair = parts[first : first + 2]
            yield from zip(pair, at_once(columns, pair), strict=True)

    def all(self, X: NDArray[np.float64], kind: type[np.floating], budget: Budget) -> _Array:
        """Columns (n, N) of all samples; errors as :meth:`stream`."""
        columns = np.empty((len(X), self.N), kind)
        for part, values in self.stream(X, kind, budget):
            columns[part] = values
        return columns

r"""Pooling over regions: a filter has an output weight for each region of its places; the convex program is exact.

Non-convex problem (regions :math:`\mathcal R_r` of the places k, scales :math:`s_r`: 1 for sums,
:math:`1 / |\mathcal R_r|` for means):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_r s_r \sum_{k \in \mathcal R_r} (X_k u_j)_+ w_{jr},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_1^2)

The regulariser is the gauge of the convex hull of :math:`\pm s_r \sum_{k \in \mathcal R_r} (X_k u)_+`, so that an
extreme neuron looks at one region only. The program has a block for each cell of the rows of the patches of *one*
region:

.. math::
   \min_{c, c'} \; \ell\Big(\sum_r s_r \sum_i \sum_{k \in \mathcal R_r} D_{rik} X_k (c'_{ri} - c_{ri}),\; y\Big)
      + \beta \sum_r \sum_i (\|c_{ri}\|_2 + \|c'_{ri}\|_2)
   \quad\text{s.t. } (2 D_{rik} - I) X_k c \ge 0,\; k \in \mathcal R_r .

One region is sum or mean pooling, and as many regions as places are a flatten layer. Source: the argument of Ergen and
Pilanci (arXiv 2006.14798) for each region.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from ..arrangement import pattern_bound
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import InputError
from ..patches import PatchGeometry, patch_geometry
from .activation import RELU
from .anchored_cells import AnchoredCells
from .defaults import FiltersAndWeights, L1Weights
from .formulas import NetworkFormulas
from .formulas.regions import regions_formulas
from .kinds import no_free_bias
from .layers import Branch
from .pooling_grid import PoolingGrid, cuts_of
from .protocol import Parameters
from .stages import Stages
from .two_layer import TwoLayerCNN

__all__ = ["RegionalCells", "RegionsCNN"]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]


class RegionalCells(AnchoredCells, L1Weights, FiltersAndWeights):
    """Neurons of one filter with a weight for each region, and the cells of each region alone.

    A code says on which side of the rows of its region a cell is, (n times the places of the largest region), and which
    region that is, (R,).
    """

    __slots__ = ()

    geometry: PatchGeometry

    @property
    @abstractmethod
    def regions(self) -> NDArray[np.int64]:
        """Region of each place, (K,)."""

    @property
    @abstractmethod
    def scales(self) -> _Array:
        """What the sum over a region is multiplied by, (R,)."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and a weight for each region."""
        return {"filters": (self.geometry.h,), "weights": (len(self.scales),)}

    def _places(self, region: int) -> NDArray[np.intp]:
        return np.flatnonzero(self.regions == region)

    def _counted(self, weights: _Array) -> _Array:
        """How each place counts, (m, K), from the weights (m, R) of the regions."""
        counted: _Array = (weights * self.scales)[:, self.regions]
        return counted

    # -- cells
    def design(self, patches: _Array) -> _Array:
        """The patch matrices, each times the scale of its region."""
        return patches * self.scales[self.regions][:, None, None]

    def hyperplanes(self, patches: _Array) -> _Array:
        """The rows of all of them, (K * n, h)."""
        return patches.reshape(-1, patches.shape[2])

    def _split(self, codes: _Codes) -> tuple[_Codes, NDArray[np.intp]]:
        """Sides of the rows of the region (m, rows of the largest), and its number (m,)."""
        R = len(self.scales)
        return codes[:, :-R], codes[:, -R:].argmax(axis=1)

    def _spread(self, codes: _Codes, patches: _Array, *, outside: int, inactive: int) -> NDArray[np.int8]:
        """Of each place and sample, (m, K, n): 1 where active, `inactive`, or `outside` the region of the block."""
        active, number = self._split(codes)
        K, n, _ = patches.shape
        spread = np.full((len(codes), K, n), outside, dtype=np.int8)
        for region in np.unique(number):
            places, own = self._places(int(region)), np.flatnonzero(number == region)
            sides = active[own, : len(places) * n].reshape(len(own), len(places), n)
            spread[own[:, None], places] = np.where(sides, 1, inactive)
        return spread

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """Those of the rows of the block's own region; the others bound nothing."""
        K, n, _ = patches.shape
        return self._spread(codes, patches, outside=0, inactive=-1).reshape(len(codes), K * n)

    def gates(self, codes: _Codes, patches: _Array) -> _Codes:
        """A place of the block's own region passes where its row is active: (m, K, n)."""
        return self._spread(codes, patches, outside=0, inactive=0).astype(bool)

    def predicted(self, patches: _Array) -> int:
        """The cells of each region, in general position."""
        h = patches.shape[2]
        return sum(pattern_bound(patches[self._places(r)].reshape(-1, h)) for r in range(len(self.scales)))

    # -- each region alone
    def anchor_rows(self, patches: _Array) -> NDArray[np.intp]:
        """Every region."""
        return np.arange(len(self.scales))

    def seen_from(self, anchor: int, patches: _Array) -> tuple[TwoLayerCNN, _Array]:
        """Sum pooling over the places of one region."""
        h = patches.shape[2]
        return TwoLayerCNN(patch_geometry((h,), h)), patches[self._places(anchor)] * self.scales[anchor]

    def anchored(self, codes: _Codes, anchor: int) -> _Codes:
        """Codes of the sides of the rows of a region, and the mark of the region."""
        places = np.bincount(self.regions)
        rows = codes.shape[1] // int(places[anchor]) * int(places.max())
        found = np.zeros((len(codes), rows + len(places)), dtype=bool)
        found[:, : codes.shape[1]] = codes
        found[:, rows + anchor] = True
        return found

    # -- bridges
    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the filter among the rows of the region with the largest weight."""
        u, number = parameters["filters"], np.abs(parameters["weights"]).argmax(axis=1)
        R, n = len(self.scales), patches.shape[1]
        found = np.zeros((len(u), int(np.bincount(self.regions).max()) * n + R), dtype=bool)
        for region in np.unique(number):
            own = number == region
            rows = patches[self._places(int(region))].reshape(-1, patches.shape[2])
            found[own] = self.anchored(u[own] @ rows.T >= 0.0, int(region))
        return found

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}`, with the weight :math:`\pm \sqrt{\|c\|}` at the block's own region."""
        root = np.sqrt(self.penalty.norm(C))
        mark = codes[:, -len(self.scales) :]
        return {"filters": C / root[:, None], "weights": (sign.astype(np.float64) * root)[:, None] * mark}

    # -- its networks
    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_r s_r sum_k (X_k u_j)_+ w_jr``, k in region r, (n, m)."""
        u, w = parameters["filters"], self._counted(parameters["weights"])
        total: _Array = np.einsum("knm,mk->nm", np.maximum(patches @ u.T, 0.0), w)
        return total

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Place k counts with the weight of its region, and nothing comes after that."""
        sums = parameters["filters"] @ patches.T
        return Stages(sums, np.maximum(sums, 0.0), self._counted(parameters["weights"]), np.ones((len(sums), 1)))

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        counts = self._counted(parameters["weights"])
        return (Branch(self.geometry, parameters["filters"], np.ones((len(counts), 1)), RELU, counts=counts),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, ``sum_k w_k X_k^T D_k v`` and ``sum_k v . (X_k u)_+`` over each region."""
        u = parameters["filters"]
        gated = (np.einsum("knh,mh->mkn", patches, u) >= 0.0) * V[:, None, :]
        back = np.einsum("mkn,knh->mkh", gated, patches)
        each = np.einsum("mh,mkh->mk", u, back) * self.scales[self.regions]
        weights = np.stack([each[:, self._places(r)].sum(axis=1) for r in range(len(self.scales))], axis=1)
        return {"filters": np.einsum("mk,mkh->mh", self._counted(parameters["weights"]), back), "weights": weights}

    def balanced(self, parameters: Parameters) -> Parameters:
        """A neuron of one region for each weight, with ``||u||_2 = |w|``: together they cost ``||u||_2 ||w||_1``."""
        u, w = parameters["filters"], parameters["weights"]
        length = np.linalg.norm(u, axis=1)
        neuron, region = np.nonzero(w * length[:, None])
        weight = w[neuron, region]
        root = np.sqrt(length[neuron] * np.abs(weight))
        filters = u[neuron] * (root / length[neuron])[:, None]
        return {"filters": filters, "weights": (np.sign(weight) * root)[:, None] * np.eye(len(self.scales))[region]}


@record
@dataclass(frozen=True, slots=True)
class RegionsCNN(RegionalCells):
    """The two-layer ReLU CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pooling_grid : str
        Regions along each axis, such as ``"2"`` (on images two along both) or ``"2x3"``; of equal length but for one
        place.
    pooling : {"sum", "mean"}
        What is taken over a region.

    Raises
    ------
    InputError
        For a grid that is none, or finer than the places, or for another kind of pooling.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = RegionsCNN(patch_geometry((4,), 1), "2")
    >>> network = Network(cnn, [[1.0]], [[2.0, -1.0]])
    >>> network.predict([[1.0, 2.0, 3.0, -4.0]]), network.regulariser
    (array([3.]), 5.0)
    """

    geometry: PatchGeometry
    pooling_grid: str
    pooling: str = "sum"
    grid: PoolingGrid = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_arguments("RegionsCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "a pooling grid")
        if self.pooling not in ("sum", "mean"):
            raise InputError(f"pooling: got {self.pooling!r} with a pooling grid, expected sum or mean")
        axes = len(self.geometry.grid)
        cuts = str(self.pooling_grid).lower().split("x")
        if not all(cut.strip().isdigit() for cut in cuts) or len(cuts) not in (1, axes):
            like = "2" if axes == 1 else "2 or 2x3"
            raise InputError(
                f"pooling_grid: got {self.pooling_grid!r}, expected regions along each axis, such as {like}"
            )
        each = cuts_of(int(cuts[0]) if len(cuts) == 1 else [int(cut) for cut in cuts], axes)
        kind = cast(Literal["sum", "mean"], self.pooling)
        object.__setattr__(self, "grid", PoolingGrid(self.geometry.grid, each, kind))
        object.__setattr__(self, "pooling_grid", "x".join(map(str, each)))

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def regions(self) -> NDArray[np.int64]:
        """Region of each place, (K,)."""
        return self.grid.regions

    @property
    def scales(self) -> _Array:
        """One over the places of a region for the mean, else ones, (R,)."""
        return self.grid.scales

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return regions_formulas(self)

r"""Two-layer CNN with filters of several sizes side by side (inception), sum pooling; the convex program is exact.

Non-convex problem (branches b of filter size :math:`h_b` with patch matrices :math:`X^b_k`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_b \sum_k (X^b_k u^b_j)_+ w^b_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j \sum_b (\|u^b_j\|_2^2 + (w^b_j)^2)

The atoms are those of all branches together, so that the program has the blocks of each branch, all of which share the
outputs, and the price of a dual vector is the largest over the branches:

.. math::
   \min_{c, c'} \; \ell\Big(\sum_b \sum_i \sum_k D^b_{ik} X^b_k (c'_{bi} - c_{bi}),\; y\Big)
      + \beta \sum_b \sum_i (\|c_{bi}\|_2 + \|c'_{bi}\|_2)
   \quad\text{s.t. } (2 D^b_{ik} - I) X^b_k c \ge 0 .

A block of a shorter filter ends in zeros. Source: the argument of Ergen and Pilanci (arXiv 2006.14798) for each branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arrangement import pattern_bound
from ..contracts.records import record
from ..contracts.validation import check_arguments, frozen
from ..errors import InputError
from ..patches import PatchGeometry, patch_geometry
from .activation import RELU
from .anchored_cells import AnchoredCells
from .defaults import FiltersAndWeights
from .formulas import NetworkFormulas
from .formulas.branches import branches_formulas
from .kinds import no_free_bias
from .layers import Branch
from .protocol import Options, Parameters
from .two_layer import TwoLayerCNN

__all__ = ["BranchedCNN"]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]


@record
@dataclass(frozen=True, slots=True)
class BranchedCNN(AnchoredCells, FiltersAndWeights):
    """The two-layer CNN of the module's formula.

    A code says on which side of the patch rows of its branch a cell is, zeros for the others, and which branch that is.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the longest filters.
    branches : str
        Further filter sizes, all shorter, such as ``"2"`` or ``"2,3"``; their patches have the same stride and padding.

    Raises
    ------
    InputError
        For a filter size that is no shorter whole number, or one whose patches reach what no long filter sees.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = BranchedCNN(patch_geometry((3,), 2), "1")
    >>> network = Network(cnn, [[1.0, 0.0, 2.0]], [[1.0, 1.0]])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([9.]), 3.5)
    """

    geometry: PatchGeometry
    branches: str
    others: tuple[PatchGeometry, ...] = field(init=False, repr=False, compare=False)
    columns: tuple[NDArray[np.int64], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_arguments("BranchedCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "several filter sizes")
        g = self.geometry
        sizes = [part.strip() for part in str(self.branches).split(",")]
        longest = max(g.filter_shape[:2])
        if not all(size.isdigit() and 1 <= int(size) < longest for size in sizes) or len(set(sizes)) < len(sizes):
            raise InputError(
                f"branches: got {self.branches!r}, expected different filter sizes from 1 to {longest - 1}, "
                "such as 2 or 1,2"
            )
        seen = np.full(g.d + 1, g.K * g.window, dtype=np.int64)  # where an input entry is among the long patches
        flat = g.index.ravel()
        seen[flat[flat >= 0]] = np.flatnonzero(flat >= 0)
        others, columns = [], []
        for size in sizes:
            other = patch_geometry(g.input_shape, int(size), g.stride, g.padding, g.bias)
            column = seen[other.index]
            if ((column == g.K * g.window) & (other.index >= 0)).any():
                raise InputError(
                    f"branches: got {size} with stride {g.stride}, whose patches reach entries that no filter of size "
                    f"{longest} sees, expected a smaller stride"
                )
            others.append(other)
            columns.append(frozen(column))
        object.__setattr__(self, "branches", ",".join(sizes))
        object.__setattr__(self, "others", tuple(others))
        object.__setattr__(self, "columns", tuple(columns))

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def options(self) -> Options:
        """The further filter sizes."""
        return {"branches": self.branches}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return branches_formulas(self)

    # -- the patches of each branch
    @property
    def every(self) -> tuple[PatchGeometry, ...]:
        """The geometry of each branch, the longest filters first."""
        return (self.geometry, *self.others)

    def parts(self, patches: _Array) -> list[_Array]:
        """Patches (K_b, n, h_b) of each branch."""
        K, n, _ = patches.shape
        window = self.geometry.window
        whole = patches[:, :, :window].transpose(1, 0, 2).reshape(n, K * window)
        whole = np.concatenate([whole, np.zeros((n, 1))], axis=1)  # the last column is a padded zero
        found = [patches]
        for column in self.columns:
            part = whole[:, column].transpose(1, 0, 2)
            ones = np.ones((*part.shape[:2], int(self.geometry.biased)))
            found.append(np.ascontiguousarray(np.concatenate([part, ones], axis=2)))
        return found

    def _padded(self, part: _Array) -> _Array:
        """A block of a shorter filter ends in zeros."""
        missing = self.geometry.h - part.shape[-1]
        return np.concatenate([part, np.zeros((*part.shape[:-1], missing))], axis=-1) if missing else part

    # -- cells
    def design(self, patches: _Array) -> _Array:
        """The patch matrices of all branches, (sum of K_b, n, h)."""
        return np.concatenate([self._padded(part) for part in self.parts(patches)])

    def hyperplanes(self, patches: _Array) -> _Array:
        """Their rows."""
        return self.design(patches).reshape(-1, patches.shape[2])

    def _own(self, codes: _Codes, n: int) -> _Codes:
        """Which rows are of a block's own branch, (m, sum of K_b, n)."""
        counts = [g.K for g in self.every]
        own = np.repeat(codes[:, codes.shape[1] - len(counts) :], counts, axis=1)
        return np.repeat(own[:, :, None], n, axis=2)

    def gates(self, codes: _Codes, patches: _Array) -> _Codes:
        """A patch of the block's own branch passes where its row is active."""
        own = self._own(codes, patches.shape[1])
        active: _Codes = codes[:, : codes.shape[1] - len(self.every)].reshape(own.shape) & own
        return active

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """Those of the rows of the block's own branch; the others bound nothing."""
        own = self._own(codes, patches.shape[1])
        sides = np.where(self.gates(codes, patches), 1, -1) * own
        return sides.reshape(len(codes), own.shape[1] * own.shape[2]).astype(np.int8)

    def predicted(self, patches: _Array) -> int:
        """The cells of each branch, in general position."""
        return sum(pattern_bound(part.reshape(-1, part.shape[2])) for part in self.parts(patches))

    # -- each branch alone
    def anchor_rows(self, patches: _Array) -> NDArray[np.intp]:
        """Every branch."""
        return np.arange(len(self.every))

    def seen_from(self, anchor: int, patches: _Array) -> tuple[TwoLayerCNN, _Array]:
        """The network of one branch."""
        h = patches.shape[2]
        return TwoLayerCNN(patch_geometry((h,), h)), self._padded(self.parts(patches)[anchor])

    def anchored(self, codes: _Codes, anchor: int) -> _Codes:
        """Codes of the sides of the rows of a branch among those of all, and the mark of the branch."""
        counts = [g.K for g in self.every]
        n = codes.shape[1] // counts[anchor]
        bits = np.zeros((len(codes), sum(counts) * n), dtype=bool)
        first = sum(counts[:anchor]) * n
        bits[:, first : first + codes.shape[1]] = codes
        mark = np.zeros((len(codes), len(counts)), dtype=bool)
        mark[:, anchor] = True
        return np.concatenate([bits, mark], axis=1)

    # -- bridges
    def _filters(self, filters: _Array) -> list[_Array]:
        """The filter (m, h_b) of each branch."""
        return np.split(filters, np.cumsum([g.h for g in self.every])[:-1], axis=1)

    def padded(self, filters: _Array) -> _Array:
        """The filters of all branches one after another, each with zeros up to the longest, for pictures."""
        return np.concatenate([self._padded(part) for part in self._filters(filters)], axis=1)

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the filter of the branch with the most to say."""
        filters, weights = self._filters(parameters["filters"]), parameters["weights"]
        size = np.stack([np.linalg.norm(u, axis=1) for u in filters], axis=1) * np.abs(weights)
        branch = size.argmax(axis=1)
        m, n = len(weights), patches.shape[1]
        codes = np.zeros((m, sum(g.K for g in self.every) * n + len(filters)), dtype=bool)
        for number, (u, part) in enumerate(zip(filters, self.parts(patches), strict=True)):
            own = branch == number
            active = u[own] @ part.reshape(-1, part.shape[2]).T >= 0.0
            codes[own] = self.anchored(active, number)
        return codes

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}` and the weight :math:`\pm \sqrt{\|c\|}` in the block's own branch."""
        root = np.sqrt(self.penalty.norm(C))
        unit = C / root[:, None]
        mark = codes[:, codes.shape[1] - len(self.every) :]
        filters = [unit[:, : g.h] * mark[:, [b]] for b, g in enumerate(self.every)]
        return {
            "filters": np.concatenate(filters, axis=1),
            "weights": (sign.astype(np.float64) * root)[:, None] * mark,
        }

    # -- its networks
    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter and a weight for each branch, the filters one after another."""
        return {"filters": (sum(g.h for g in self.every),), "weights": (len(self.every),)}

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_b sum_k (X^b_k u^b_j)_+ w^b_j``, (n, m)."""
        filters, weights = self._filters(parameters["filters"]), parameters["weights"].T
        total = np.zeros((patches.shape[1], len(parameters["weights"])))
        for u, w, part in zip(filters, weights, self.parts(patches), strict=True):
            total += np.maximum(part @ u.T, 0.0).sum(axis=0) * w
        return total

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        filters, weights = self._filters(parameters["filters"]), parameters["weights"].T
        return tuple(Branch(g, u, w[:, None], RELU) for g, u, w in zip(self.every, filters, weights, strict=True))

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, that of each branch."""
        back, pooled = [], []
        filters, weights = self._filters(parameters["filters"]), parameters["weights"].T
        for u, w, part in zip(filters, weights, self.parts(patches), strict=True):
            gated = (np.einsum("knh,mh->mkn", part, u) >= 0.0) * V[:, None, :]
            own = np.einsum("mkn,knh->mh", gated, part)
            back.append(w[:, None] * own)
            pooled.append(np.einsum("mh,mh->m", own, u))
        return {"filters": np.concatenate(back, axis=1), "weights": np.stack(pooled, axis=1)}

    def sizes(self, parameters: Parameters) -> _Array:
        """``sum_b ||u^b|| |w^b|``."""
        lengths = np.stack([np.linalg.norm(u, axis=1) for u in self._filters(parameters["filters"])], axis=1)
        size: _Array = (lengths * np.abs(parameters["weights"])).sum(axis=1)
        return size

    def balanced(self, parameters: Parameters) -> Parameters:
        """A neuron for each branch of each neuron, with ``||u^b|| = |w^b|``."""
        weights = parameters["weights"]
        filters = self._filters(parameters["filters"])
        found: list[Parameters] = []
        for b, u in enumerate(filters):
            length = np.linalg.norm(u, axis=1)
            active = length * np.abs(weights[:, b]) > 0.0
            root = np.sqrt(length * np.abs(weights[:, b]))[active]
            own = [np.zeros((len(root), other.shape[1])) for other in filters]
            own[b] = u[active] * (root / length[active])[:, None]
            weight = np.zeros((len(root), len(filters)))
            weight[:, b] = np.sign(weights[active, b]) * root
            found.append({"filters": np.concatenate(own, axis=1), "weights": weight})
        return {name: np.concatenate([part[name] for part in found]) for name in ("filters", "weights")}

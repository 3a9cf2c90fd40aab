"""What an architecture must say. Solvers, certificates and SGD ask nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .._records import record
from ..arrangement import enumerate_patterns
from ..patches import PatchGeometry
from ..penalties import Penalty
from ..progress import Budget
from ..status import Exactness
from .formulas import NetworkFormulas

__all__ = [
    "Architecture",
    "ArrangementCells",
    "CodeList",
    "EuclideanCost",
    "FiltersAndWeights",
    "OneOutput",
    "Options",
    "Parameters",
    "Patterns",
    "UnitFilters",
    "side_by_side",
]

_Array = NDArray[np.float64]

#: Options of an architecture by name.
Options = dict[str, str | int | float]
#: Parameters of m neurons: ``filters`` (m, a), ``weights`` (m,) or (m, q) and, in deeper networks, ``hidden`` (m, r).
Parameters = Mapping[str, _Array]


class Patterns(Protocol):
    """A finite list of cells, each a code of bits; :class:`convex_core.arrangement.Arrangement` is one."""

    @property
    def certified(self) -> bool:
        """Whether these are provably all cells."""
        ...

    def __len__(self) -> int: ...

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Codes start..stop as (m, N) bool."""
        ...


@record
@dataclass(frozen=True, slots=True)
class CodeList:
    """Codes given explicitly as an array (P, N) of bool; `certified` if they are provably all cells.

    Examples
    --------
    >>> codes = CodeList(np.array([[True, False], [True, True]]), certified=True)
    >>> len(codes), codes.active(1).tolist()
    (2, [[True, True]])
    """

    array: NDArray[np.bool_]
    certified: bool = False

    def __len__(self) -> int:
        return len(self.array)

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Codes start..stop."""
        return self.array[start:stop]


@runtime_checkable
class Architecture(Protocol):
    r"""A network :math:`f(X) = \sum_j \varphi_{\theta_j}(X)` whose neurons are linear on each of finitely many cells.

    The convex program has a block :math:`c \in R^p` per cell and output sign :math:`\sigma = \pm 1`. Its outputs are
    :math:`\sigma s \sum_k D_k A_k c` with the :meth:`design` matrices :math:`A_k`, the gates :math:`D_k` of the cell
    and the :attr:`scale` s; it lives in a cone bounded by some of the :meth:`hyperplanes`. A cell is a code of N bits.
    For most architectures the cells are those of the arrangement of the hyperplanes, and bit j says that a cell is on
    the positive side of hyperplane j (:class:`ArrangementCells`).
    """

    # -- what it is
    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        ...

    @property
    def options(self) -> Options:
        """What, besides the name and the geometry, rebuilds it: arguments of :func:`make_architecture`."""
        ...

    @property
    def exactness(self) -> Exactness:
        """How the convex program over all cells relates to the non-convex problem."""
        ...

    @property
    def geometry(self) -> PatchGeometry:
        """Which input entries each patch covers."""
        ...

    @property
    def formulas(self) -> NetworkFormulas:
        """The network and its convex program as text, LaTeX and Python."""
        ...

    @property
    def q(self) -> int:
        """Number of outputs."""
        ...

    @property
    def single(self) -> Architecture:
        """The same network with one output: itself unless it has several."""
        ...

    # -- its convex program
    @property
    def penalty(self) -> Penalty:
        """Norm of a block, its dual norm and its supports over cones."""
        ...

    @property
    def scale(self) -> float:
        """Factor s of every block's outputs."""
        ...

    @property
    def gain(self) -> float:
        """Bound on the gates, and on how much a gate changes between two cells: what rounding errors grow by."""
        ...

    def design(self, patches: _Array) -> _Array:
        """Matrices A_k, stacked (K', n, p), from the `patches` (K, n, h)."""
        ...

    def hyperplanes(self, patches: _Array) -> _Array:
        """Rows (R, p) that may bound a cone."""
        ...

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8] | None:
        """Side of each hyperplane, +1, -1 or 0 (no constraint), (m, R); None if bit j is the side of hyperplane j."""
        ...

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """Diagonals of the gates D_k of each code (m, N), shape (m, K', n): bits, or slopes where they are others."""
        ...

    @property
    def copies(self) -> int:
        """Number of cells with the same sign pattern, which differ in the bits that a code has besides."""
        ...

    def predicted(self, patches: _Array) -> int | None:
        """Upper bound on the number of cells; None for the closed form of the arrangement of the hyperplanes."""
        ...

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell; :class:`SizeError` if they are more than `max_patterns`."""
        ...

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array] | None:
        """A (R,) and b (p,) with ``v . outputs(c) = sum_r a[r] (hyperplane[r] . c)_+ + b . c``, if there are any.

        None where the correlation with an atom is no such sum.
        """
        ...

    def atoms(self, patches: _Array, C: _Array) -> _Array | None:
        """Outputs (n, B) of blocks C (B, p) through the network itself, or None if c alone does not say them."""
        ...

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_]) -> Parameters:
        """Map nonzero blocks (B, p) with their signs (B,) and codes (B, N) back to neurons, most often B of them."""
        ...

    # -- its networks
    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one neuron."""
        ...

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """Output of each neuron by a forward pass, (n, m)."""
        ...

    def costs(self, parameters: Parameters) -> _Array:
        """What beta multiplies in the training objective, per neuron (m,)."""
        ...

    def decay(self, parameters: Parameters) -> Parameters:
        """Gradient of the sum of the costs: what weight decay is beta times."""
        ...

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """Neurons whose outputs, and costs if they are balanced, are multiplied by `factor` (m,) >= 0."""
        ...

    def balanced(self, parameters: Parameters) -> Parameters:
        """The same outputs at the least cost that rescaling can reach; neurons without output or cost are dropped."""
        ...

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """The cell each neuron is in, (m, N)."""
        ...

    def pull(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """Gradient of ``sum_j V[j] . output_j`` with respect to the parameters, for V (m, n)."""
        ...

    @property
    def unit_length(self) -> int | None:
        """Filters are made of pieces of this length, each of norm at most 1; None: the problem has no constraint."""
        ...

    def project(self, parameters: Parameters) -> Parameters:
        """The nearest parameters that satisfy the constraints of the training problem, if there are any."""
        ...


class OneOutput:
    """Defaults for an architecture with one output."""

    __slots__ = ()

    @property
    def q(self) -> int:
        """1."""
        return 1

    @property
    def single(self) -> Self:
        """The network itself."""
        return self


class ArrangementCells:
    """Defaults for an architecture whose cells are those of the arrangement of its hyperplanes."""

    __slots__ = ()

    geometry: PatchGeometry

    @property
    def copies(self) -> int:
        """1: a code is a sign pattern."""
        return 1

    def hyperplanes(self, patches: _Array) -> _Array:
        """The stacked patch rows ``[X_1; ...; X_K]``, shape (K * n, h)."""
        return patches.reshape(-1, patches.shape[2])

    def design(self, patches: _Array) -> _Array:
        """The patch matrices themselves."""
        return patches

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8] | None:
        """A bit says the side of its hyperplane."""
        return None

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """A patch passes where its own row is active: (m, K, n)."""
        return codes.reshape(codes.shape[0], patches.shape[0], patches.shape[1])

    def predicted(self, patches: _Array) -> int | None:
        """As many as the arrangement of the hyperplanes has."""
        return None

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell of the arrangement of the hyperplanes."""
        return enumerate_patterns(self.hyperplanes(patches), max_patterns=max_patterns, budget=budget)

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array] | None:
        """None: the correlation with an atom is not a sum over hyperplanes."""
        return None


class EuclideanCost:
    r"""Neurons of one filter u and output weights w: cost :math:`\tfrac12(\|u\|_2^2 + \|w\|_2^2)`, no constraint.

    The outputs are linear in w and in the length of u.
    """

    __slots__ = ()

    @property
    def gain(self) -> float:
        """1: gates are 0 or 1."""
        return 1.0

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||u||^2 + ||w||^2)``."""
        u, w = parameters["filters"], parameters["weights"]
        total: _Array = 0.5 * (_squares(u) + _squares(w))
        return total

    def decay(self, parameters: Parameters) -> Parameters:
        """The parameters themselves."""
        return parameters

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """Both parts times the square root of `factor`."""
        u, w = parameters["filters"], parameters["weights"]
        root = np.sqrt(factor)
        return {"filters": u * _column(root, u), "weights": w * _column(root, w)}

    def balanced(self, parameters: Parameters) -> Parameters:
        """``||u|| = ||w||``, which minimises the cost at given outputs."""
        u, w = parameters["filters"], parameters["weights"]
        length, size = np.sqrt(_squares(u)), np.sqrt(_squares(w))
        alive = length * size > 0.0
        u, w, length, size = u[alive], w[alive], length[alive], size[alive]
        root = np.sqrt(length * size)
        return {"filters": u * _column(root / length, u), "weights": w * _column(root / size, w)}

    @property
    def unit_length(self) -> None:
        """Nothing is constrained."""
        return

    def project(self, parameters: Parameters) -> Parameters:
        """There are no constraints."""
        return parameters


class FiltersAndWeights(OneOutput, EuclideanCost):
    """Neurons of :class:`EuclideanCost` whose filter covers a patch, by default with one weight."""

    __slots__ = ()

    geometry: PatchGeometry

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter and a weight."""
        return {"filters": (self.geometry.h,), "weights": ()}


def side_by_side(patches: _Array) -> _Array:
    """Matrices ``A_k`` with ``A_k C = X_k c_k`` for a block C of a row for each patch, flattened: (K, n, K * h)."""
    K, n, h = patches.shape
    matrices = np.zeros((K, n, K, h))
    matrices[np.arange(K), :, np.arange(K)] = patches
    return matrices.reshape(K, n, K * h)


def _squares(array: _Array) -> _Array:
    """Sum of squares of each entry along the first axis."""
    total: _Array = np.sum(array * array, axis=tuple(range(1, array.ndim)))
    return total


def _column(factor: _Array, like: _Array) -> _Array:
    """`factor` (m,) with as many axes as `like` (m, ...)."""
    return factor.reshape(len(factor), *(1,) * (like.ndim - 1))


class UnitFilters(OneOutput):
    r"""Neurons of filters in pieces of norm at most 1, hidden weights v and one output weight w.

    The cost is :math:`\tfrac12(\|v\|_2^2 + w^2)`; by default a piece is a filter of the geometry, and the output is
    linear in each piece's length.
    """

    __slots__ = ()

    geometry: PatchGeometry

    @property
    def unit_length(self) -> int:
        """Length of a patch."""
        return self.geometry.h

    @property
    def gain(self) -> float:
        """1: gates are 0 or 1."""
        return 1.0

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||v||^2 + w^2)``; v takes what pieces are longer than 1: the same outputs within the constraint."""
        w = parameters["weights"]
        lengths = np.linalg.norm(self.pieces(parameters["filters"]), axis=2)
        v = self.absorbed(parameters["hidden"], np.maximum(lengths, 1.0))
        total: _Array = 0.5 * (np.einsum("mr,mr->m", v, v) + w * w)
        return total

    def decay(self, parameters: Parameters) -> Parameters:
        """The parameters themselves, but nothing for the filters."""
        return {**parameters, "filters": np.zeros_like(parameters["filters"])}

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """Hidden and output weights times the square root of `factor`."""
        root = np.sqrt(factor)
        return {
            "filters": parameters["filters"],
            "hidden": parameters["hidden"] * root[:, None],
            "weights": parameters["weights"] * root,
        }

    def pieces(self, filters: _Array) -> _Array:
        """Filters (m, a) as their pieces (m, a / unit_length, unit_length)."""
        return filters.reshape(len(filters), filters.shape[1] // self.unit_length, self.unit_length)

    def absorbed(self, hidden: _Array, lengths: _Array) -> _Array:
        """Hidden weights (m, r) that have taken over the lengths (m, pieces) of the filters: times their product."""
        taken: _Array = hidden * lengths.prod(axis=1)[:, None]
        return taken

    def balanced(self, parameters: Parameters) -> Parameters:
        """Unit pieces and ``||v|| = |w|``, which minimises the cost at given outputs."""
        pieces, w = self.pieces(parameters["filters"]), parameters["weights"]
        lengths = np.linalg.norm(pieces, axis=2)
        hidden = self.absorbed(parameters["hidden"], lengths)
        norm = np.linalg.norm(hidden, axis=1)
        alive = norm * np.abs(w) > 0.0
        root = np.sqrt(norm[alive] * np.abs(w[alive]))
        unit = pieces[alive] / np.where(lengths > 0.0, lengths, 1.0)[alive, :, None]
        return {
            "filters": unit.reshape(len(unit), parameters["filters"].shape[1]),
            "hidden": hidden[alive] * (root / norm[alive])[:, None],
            "weights": np.sign(w[alive]) * root,
        }

    def project(self, parameters: Parameters) -> Parameters:
        """Every piece longer than 1 is cut to length 1."""
        pieces = self.pieces(parameters["filters"])
        cut = pieces / np.maximum(np.linalg.norm(pieces, axis=2, keepdims=True), 1.0)
        return {**parameters, "filters": cut.reshape(parameters["filters"].shape)}

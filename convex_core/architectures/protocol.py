r"""What an architecture must say, by who asks for it.

========================  ============================================================  =======================
side                      members                                                       who asks
========================  ============================================================  =======================
:class:`NeuronModel`      the network: shapes, outputs, costs, gradients, scaling       networks, training
:class:`CellModel`        the program: penalty, design, hyperplanes, gates, all cells   program, solvers
:class:`Architecture`     both, and the bridges: the cell of a neuron (``codes``) and   problems, certificates,
                          the neurons of a block (``neurons``)                          answers
``formulas``              the text of it                                                scripts, LaTeX, pages
========================  ============================================================  =======================

:mod:`.defaults` has what most networks inherit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from ..penalties import Penalty
from ..progress import Budget
from ..status import Exactness

__all__ = ["Architecture", "ByAnchor", "ByOutput", "CellModel", "NeuronModel", "Options", "Parameters", "Patterns"]

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


class NeuronModel(Protocol):
    r"""The network side: :math:`f(X) = \sum_j \varphi_{\theta_j}(X)`, whatever its convex program may be."""

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        ...

    @property
    def options(self) -> Options:
        """What, besides the name and the geometry, rebuilds it: arguments of :func:`make_architecture`."""
        ...

    @property
    def geometry(self) -> PatchGeometry:
        """Which input entries each patch covers."""
        ...

    @property
    def q(self) -> int:
        """Number of outputs."""
        ...

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one neuron."""
        ...

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """Output of each neuron by a forward pass, (n, m)."""
        ...

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """Gradient of ``sum_j V[j] . output_j`` with respect to the parameters, for V (m, n)."""
        ...

    def free_columns(self, patches: _Array) -> _Array:
        """What the coefficients of the part of the outputs that costs nothing multiply, (n * q, r); r is often 0."""
        ...

    def costs(self, parameters: Parameters) -> _Array:
        """What beta multiplies in the training objective, per neuron (m,)."""
        ...

    def sizes(self, parameters: Parameters) -> _Array:
        """The costs (m,) that the neurons have once rescaled, at their outputs."""
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

    def padded(self, filters: _Array) -> _Array:
        """The filters (m, a) as pictures show them, (m, k h): those of several sizes with zeros up to the longest."""
        ...

    @property
    def unit_length(self) -> int | None:
        """Filters are made of pieces of this length, each of norm at most 1; None: the problem has no constraint."""
        ...

    def project(self, parameters: Parameters) -> Parameters:
        """The nearest parameters that satisfy the constraints of the training problem, if there are any."""
        ...


class CellModel(Protocol):
    r"""The program side: a block :math:`c \in R^p` per cell and output sign :math:`\sigma = \pm 1`.

    Its outputs are :math:`\sigma s \sum_k D_k A_k c` with the :meth:`design` matrices :math:`A_k`, the gates
    :math:`D_k` of the cell and the :attr:`scale` s; it lives in a cone bounded by some of the :meth:`hyperplanes`. A
    cell is a code of N bits. For most architectures the cells are those of the arrangement of the hyperplanes, and bit
    j says that a cell is on the positive side of hyperplane j (:class:`ArrangementCells`).
    """

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

    def anchors(self, codes: NDArray[np.bool_], patches: _Array) -> _Array | None:
        """Points a (m, p) by which the rows of the design are shifted on each cell, ``A_k - 1 a^T``; None: none are."""
        ...

    @property
    def cells_per_pattern(self) -> int:
        """Number of cells with the same sign pattern, which differ in the bits that a code has besides."""
        ...

    def predicted(self, patches: _Array) -> int | None:
        """Upper bound on the number of cells; None for the closed form of the arrangement of the hyperplanes."""
        ...

    def most_cells(self, patches: _Array) -> int:
        """Upper bound on the number of cells of any data of that shape, at once: the data are not looked at."""
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


@runtime_checkable
class Architecture(NeuronModel, CellModel, Protocol):
    """A network whose neurons are linear on each of finitely many cells: both sides, and the bridges between them.

    The text of an architecture, its ``formulas``, is apart: solvers do not ask for it.
    """

    @property
    def exactness(self) -> Exactness:
        """How the convex program over all cells relates to the non-convex problem."""
        ...

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """The cell each neuron is in, (m, N)."""
        ...

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        """Map nonzero blocks (B, p) with their signs (B,) and codes (B, N) back to neurons, most often B of them.

        The `patches` are those of the cells: what a code says of them may be part of a neuron.
        """
        ...

    @property
    def single(self) -> Architecture:
        """The network with one output, and one weight, whose sign patterns the cells have; most often itself."""
        ...

    @property
    def by_output(self) -> ByOutput | None:
        """Itself if a block gives one output, so that each output can be priced alone by cells of :attr:`single`."""
        ...

    @property
    def by_anchor(self) -> ByAnchor | None:
        """Itself if each block is seen from an anchor, so that each anchor can be priced alone."""
        ...


class ByAnchor(Architecture, Protocol):
    """A network whose blocks are those of a simpler network on patches seen from one of the data patches."""

    def anchor_rows(self, patches: _Array) -> NDArray[np.intp]:
        """Numbers of the data patches that are anchors."""
        ...

    def seen_from(self, anchor: int, patches: _Array) -> tuple[Architecture, _Array]:
        """The simpler network, and its patches (K, n, p)."""
        ...

    def anchored(self, codes: NDArray[np.bool_], anchor: int) -> NDArray[np.bool_]:
        """Codes of cells of the simpler network, as cells of this one."""
        ...


class ByOutput(Architecture, Protocol):
    """A network with several outputs whose blocks give one each."""

    def coded(self, active: NDArray[np.bool_], output: int) -> NDArray[np.bool_]:
        """Codes of cells of the network with one output, as cells that give `output`."""
        ...

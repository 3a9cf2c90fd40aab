r"""Several outputs of one hidden layer; the convex program stays exact.

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \varphi_{u_j}(X) w_j^T,\; Y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_1^2), \qquad w_j \in R^q,\; Y \in R^{n \times q}

With the :math:`\ell_1` norm on the weights of a neuron the regulariser is the gauge of the convex hull of the matrices
:math:`\pm \varphi_u(X) e_o^T`: an extreme neuron has one output, and the program has a block per cell, output o and
sign, each with the penalty and the cone of the network with one output:

.. math::
   \min_c \; \ell\Big(\sum_o \sum_i G_i (c'_{io} - c_{io}) e_o^T,\; Y\Big)
      + \beta \sum_o \sum_i (\|c_{io}\| + \|c'_{io}\|) .

Outputs, targets and dual vectors are flat, (n * q,), sample by sample. A loss that is a sum over the outputs gives q
separate problems; the softmax cross-entropy couples them. :class:`VectorOutputsL2` has :math:`\|w_j\|_2^2` instead.
Source: the argument of Ergen and Pilanci (arXiv 2006.14798) for each output.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arrangement import pattern_bound
from ..contracts.records import record
from ..contracts.validation import check_arguments, integer
from ..errors import InputError
from ..patches import PatchGeometry
from ..penalties import Penalty
from ..progress import Budget
from ..status import Exactness
from .defaults import Cells, CodeList, EuclideanCost, L1Weights, output_biases
from .formulas import NetworkFormulas
from .formulas.vector_outputs import vector_outputs_formulas
from .layers import Branch, branches_of
from .protocol import Architecture, ByOutput, Options, Parameters
from .stages import Stages, stages_of

__all__ = ["SeveralOutputs", "VectorOutputs"]

_Array = NDArray[np.float64]
#: most outputs; there is a block for each of them on every cell
MAX_OUTPUTS = 1000
_Codes = NDArray[np.bool_]


@record
@dataclass(frozen=True, slots=True)
class SeveralOutputs(EuclideanCost, Cells):
    """Forward pass of a network with q outputs: a neuron of the network with one output, times weights w of each.

    Outputs, targets and dual vectors are flat, (n * q,), sample by sample.

    Parameters
    ----------
    single : Architecture
        The network with one output, of one filter and one weight per neuron (for :class:`VectorOutputs`, one or one
        for each region), and without constraints.
    q : int
        Number of outputs, 2 to :data:`MAX_OUTPUTS`.

    Raises
    ------
    InputError
        If the neurons of `single` are of another kind, or for another q.
    """

    single: Architecture
    q: int

    @property
    def _takes_weights_of_regions(self) -> bool:
        """Whether a neuron of one output may have several weights."""
        return False

    @property
    def by_output(self) -> ByOutput | None:
        """None: a block gives all outputs."""
        return None

    @property
    def by_anchor(self) -> None:
        """None: an output is priced before an anchor."""

    def __post_init__(self) -> None:
        check_arguments(type(self).__name__, single=(self.single, Architecture))
        integer(self.q, "outputs", minimum=2, maximum=MAX_OUTPUTS)
        shapes = dict(self.single.shapes)
        tail = shapes.pop("weights", None)
        fits = shapes == {"filters": (self.single.geometry.h,)} and (tail == () or self._takes_weights_of_regions)
        if self.single.unit_length is not None or not fits:
            raise InputError(
                f"outputs: got {self.q} with the architecture {self.single.name!r}, expected a single output"
            )

    @property
    def name(self) -> str:
        """That of the network with one output."""
        return self.single.name

    @property
    def geometry(self) -> PatchGeometry:  # type: ignore[override]
        """That of the network with one output."""
        return self.single.geometry

    def free_columns(self, patches: _Array) -> _Array:
        """Those of a free bias of each output, if there are any."""
        return output_biases(self.geometry, patches.shape[1], self.q)

    @property
    def scale(self) -> float:
        """That of the network with one output."""
        return self.single.scale

    def padded(self, filters: _Array) -> _Array:
        """As the network with one output shows them."""
        return self.single.padded(filters)

    @property
    def gain(self) -> float:
        """That of the network with one output."""
        return self.single.gain

    @property
    def tail(self) -> tuple[int, ...]:
        """Shape of the weights of a neuron of the network with one output: (), or its regions."""
        return self.single.shapes["weights"]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and the weights of a neuron for each output."""
        return {**self.single.shapes, "weights": (*self.tail, self.q)}

    def _units(self, parameters: Parameters) -> Parameters:
        """For each weight of a neuron of one output a neuron that has that one alone, and it is 1: (m * T, ...)."""
        m, tail = len(parameters["filters"]), self.tail
        T = math.prod(tail)
        weights = np.tile(np.eye(T).reshape(T, *tail), (m, *(1,) * len(tail)))
        return {"filters": np.repeat(parameters["filters"], T, axis=0), "weights": weights}

    def _by_unit(self, weights: _Array) -> _Array:
        """Weights to each output (m * T, q) of the neurons of :meth:`_units`."""
        return weights.reshape(len(weights) * math.prod(self.tail), self.q)

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_t phi_jt w_jt^T`` over the weights t of a neuron of one output, flat, (n * q, m)."""
        phi = self.single.outputs(patches, self._units(parameters))
        n, m, T = len(phi), len(parameters["filters"]), math.prod(self.tail)
        weights = self._by_unit(parameters["weights"]).reshape(m, T, self.q)
        total: _Array = np.einsum("nmt,mtq->nqm", phi.reshape(n, m, T), weights).reshape(n * self.q, m)
        return total

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Those of the network with one output, with a weight for each output."""
        return replace(
            stages_of(self.single, patches, self._units(parameters)), weights=self._by_unit(parameters["weights"])
        )

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        units = branches_of(self.single, self._units(parameters))
        return tuple(branch.with_weights(self._by_unit(parameters["weights"])) for branch in units)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """By that of one output, for each unit with its outputs weighted together and for each output alone."""
        n, m, T = V.shape[1] // self.q, len(V), math.prod(self.tail)
        W = V.reshape(m, n, self.q)
        units, weights = self._units(parameters), self._by_unit(parameters["weights"]).reshape(m, T, self.q)
        pulled = np.einsum("mnq,mtq->mtn", W, weights).reshape(m * T, n)
        together = self.single.gradient(patches, units, pulled)["filters"].reshape(m, T, self.geometry.h).sum(axis=1)
        phi = self.single.outputs(patches, units).reshape(n, m, T)
        alone = np.einsum("mnq,nmt->mtq", W, phi).reshape(parameters["weights"].shape)
        return {"filters": together, "weights": alone}


@record
@dataclass(frozen=True, slots=True)
class VectorOutputs(L1Weights, SeveralOutputs):
    """The network of the module's formula; its parameters are those of :class:`SeveralOutputs`.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = VectorOutputs(TwoLayerCNN(patch_geometry((3,), 2)), 2)
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([[ 2., -1.]])
    """

    @property
    def _takes_weights_of_regions(self) -> bool:
        """Where their norm is the same as that of the outputs."""
        return isinstance(self.single, L1Weights)

    @property
    def by_output(self) -> Self:
        """The network itself."""
        return self

    @property
    def options(self) -> Options:
        """Those of the network with one output, and the number of outputs."""
        return {**self.single.options, "outputs": self.q}

    @property
    def exactness(self) -> Exactness:
        """That of the network with one output."""
        return self.single.exactness

    @property
    def penalty(self) -> Penalty:
        """That of the network with one output."""
        return self.single.penalty

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return vector_outputs_formulas(self)

    @property
    def cells_per_pattern(self) -> int:
        """A cell for each output."""
        return self.q

    def coded(self, codes: _Codes, output: int) -> _Codes:
        """Codes (m, N + q) of blocks that give one of the outputs, from codes (m, N) of their cells."""
        mark = np.zeros((len(codes), self.q), dtype=bool)
        mark[:, output] = True
        return np.concatenate([codes, mark], axis=1)

    def _split(self, codes: _Codes) -> tuple[_Codes, _Codes]:
        """Codes of the cells and, (m, q), marks of the output."""
        return codes[:, : -self.q], codes[:, -self.q :]

    def design(self, patches: _Array) -> _Array:
        """The matrices of one output with every sample repeated for each output, (K', n * q, p)."""
        return np.repeat(self.single.design(patches), self.q, axis=1)

    def hyperplanes(self, patches: _Array) -> _Array:
        """Those of one output."""
        return self.single.hyperplanes(patches)

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8] | None:
        """Those of one output."""
        return self.single.sides(self._split(codes)[0], patches)

    def gates(self, codes: _Codes, patches: _Array) -> NDArray[Any]:
        """Those of one output in the samples of the block's own output, zero elsewhere, (m, K', n * q)."""
        cells, mark = self._split(codes)
        own = self.single.gates(cells, patches)[:, :, :, None] * mark[:, None, None, :]
        return own.reshape(*own.shape[:2], own.shape[2] * self.q)

    def anchors(self, codes: _Codes, patches: _Array) -> _Array | None:
        """Those of one output."""
        return self.single.anchors(self._split(codes)[0], patches)

    def predicted(self, patches: _Array) -> int:
        """The cells of one output, for each of the outputs."""
        cells = self.single.predicted(patches)
        return self.q * (pattern_bound(self.hyperplanes(patches)) if cells is None else cells)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell of one output, for each of the outputs."""
        cells = self.single.patterns(patches, max_patterns=max(1, max_patterns // self.q), budget=budget)
        codes = cells.active()
        return CodeList(np.concatenate([self.coded(codes, o) for o in range(self.q)]), cells.certified)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        """The neurons of one output, with their weights at the block's own output."""
        cells, mark = self._split(codes)
        single = self.single.neurons(C, sign, cells, patches)
        return {"filters": single["filters"], "weights": self._outer(single["weights"], mark)}

    @staticmethod
    def _outer(weights: _Array, mark: NDArray[Any]) -> _Array:
        """Weights (m, ...) of one output at the outputs that are marked, (m, ..., q)."""
        outer: _Array = weights[..., None] * mark.reshape(len(mark), *(1,) * (weights.ndim - 1), mark.shape[1])
        return outer

    def balanced(self, parameters: Parameters) -> Parameters:
        """A neuron of one output for each weight, with ``||u||_2 = |w|``: together they cost ``||u||_2 ||w||_1``."""
        w = self._by_unit(parameters["weights"])
        units = self._units(parameters)
        unit, output = np.nonzero(w * np.linalg.norm(self.paid(units["filters"]), axis=1)[:, None])
        weights = units["weights"][unit]
        weights *= w[unit, output].reshape(-1, *(1,) * len(self.tail))
        single = self.single.balanced({"filters": units["filters"][unit], "weights": weights})
        return {"filters": single["filters"], "weights": self._outer(single["weights"], np.eye(self.q)[output])}

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the filter with its largest weight, and the output of that."""
        u, w = parameters["filters"], parameters["weights"]
        output = np.abs(w).reshape(len(w), math.prod(self.tail), self.q).max(axis=1).argmax(axis=1)
        one = w[np.arange(len(w)), ..., output]
        cells = self.single.codes(patches, {"filters": u, "weights": one})
        return np.concatenate([cells, np.eye(self.q, dtype=bool)[output]], axis=1)

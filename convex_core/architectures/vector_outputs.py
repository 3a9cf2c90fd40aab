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

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arguments import check_arguments
from .._records import record
from ..arrangement import pattern_bound
from ..errors import InputError
from ..patches import PatchGeometry
from ..penalties import Penalty
from ..progress import Budget
from ..status import Exactness
from ..validation import integer
from .base import Architecture, CodeList, EuclideanCost, Options, Parameters
from .formulas import NetworkFormulas

__all__ = ["FLAT", "SeveralOutputs", "VectorOutputs"]

_Array = NDArray[np.float64]
#: most outputs; there is a block for each of them on every cell
MAX_OUTPUTS = 1000
_Codes = NDArray[np.bool_]

#: LaTeX of the order of the outputs
FLAT = r"f,\, y\text{: flat, sample by sample}"
_CELLS = "code, output = code[:, :-q], code[:, -q:]  # the last q bits mark the output of a cell"
_DESIGN = """\
G = np.einsum("inh,io->inoh", G, output).reshape(P, n * q, h)  # in the rows of the block's own output"""


@record
@dataclass(frozen=True, slots=True)
class SeveralOutputs(EuclideanCost):
    """Forward pass of a network with q outputs: a neuron of the network with one output, times weights w of each.

    Outputs, targets and dual vectors are flat, (n * q,), sample by sample.

    Parameters
    ----------
    single : Architecture
        The network with one output, of one filter and one weight per neuron, and without constraints.
    q : int
        Number of outputs, 2 to :data:`MAX_OUTPUTS`.

    Raises
    ------
    InputError
        If the neurons of `single` are of another kind, or for another q.
    """

    single: Architecture
    q: int

    def __post_init__(self) -> None:
        check_arguments(type(self).__name__, single=(self.single, Architecture))
        integer(self.q, "outputs", minimum=2, maximum=MAX_OUTPUTS)
        if self.single.unit_length is not None or self.single.shapes != {
            "filters": (self.single.geometry.h,),
            "weights": (),
        }:
            raise InputError(
                f"outputs: got {self.q} with the architecture {self.single.name!r}, expected a single output"
            )

    @property
    def name(self) -> str:
        """That of the network with one output."""
        return self.single.name

    @property
    def geometry(self) -> PatchGeometry:
        """That of the network with one output."""
        return self.single.geometry

    @property
    def scale(self) -> float:
        """That of the network with one output."""
        return self.single.scale

    @property
    def gain(self) -> float:
        """That of the network with one output."""
        return self.single.gain

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and a weight for each output."""
        return {**self.single.shapes, "weights": (self.q,)}

    def _units(self, parameters: Parameters) -> Parameters:
        """The neurons of one output with weight 1."""
        return {"filters": parameters["filters"], "weights": np.ones(len(parameters["filters"]))}

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``phi_j w_j^T``, flat, (n * q, m)."""
        phi = self.single.outputs(patches, self._units(parameters))
        n, m = phi.shape
        total: _Array = np.einsum("nm,mq->nqm", phi, parameters["weights"]).reshape(n * self.q, m)
        return total

    def pull(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """By that of one output, for each filter with its outputs weighted together and for each output alone."""
        W = V.reshape(len(V), V.shape[1] // self.q, self.q)
        units = self._units(parameters)
        together = self.single.pull(patches, units, np.einsum("mnq,mq->mn", W, parameters["weights"]))
        alone = np.einsum("mnq,nm->mq", W, self.single.outputs(patches, units))
        return {"filters": together["filters"], "weights": alone}


@record
@dataclass(frozen=True, slots=True)
class VectorOutputs(SeveralOutputs):
    """The network of the module's formula; its parameters are those of :class:`SeveralOutputs`.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = VectorOutputs(TwoLayerCNN(patch_geometry((3,), 2)), 2)
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([[ 2., -1.]])
    """

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
        """Those of the network with one output, for the one of each block."""
        one = self.single.formulas
        return NetworkFormulas(
            title=f"{one.title} and {self.q} outputs",
            network=f"{one.network}, w_j in R^{self.q}",
            cost="(||u_j||_2^2 + ||w_j||_1^2) / 2",
            program=f"{one.program}, each i with one output",
            constraints=one.constraints,
            cells=f"{_CELLS}\n{one.cells}",
            design=f"{one.design}\n{_DESIGN}",
            cone=one.cone,
            neurons=f"{one.neurons}\nw = w[:, None] * output[block]",
            atoms=one.atoms,
            outputs="(phi @ w).ravel()",
            costs="0.5 * (np.sum(u**2) + np.sum(np.abs(w).sum(axis=1) ** 2))",
            latex=replace(
                one.latex,
                network=rf"{one.latex.network}^T",
                cost=r"\|u_j\|_2^2 + \|w_j\|_1^2",
                parameters=rf"{one.latex.parameters},\; w_j\in\mathbb{{R}}^{{{self.q}}}",
                blocks=("c_{i,o}", "c_{i,o}'"),
                operator=rf"\sum_{{o=1}}^{{{self.q}}} {one.latex.operator}",
                operand=r"(c_{i,o}' - c_{i,o})\, e_o^T",
                index=r"i,\, o",
                members=r"c = c_{i,o},\, c_{i,o}'",
                every=rf"{one.latex.every},\, o",
                order=FLAT,
            ),
            copies=f"for {self.q} outputs",
        )

    @property
    def copies(self) -> int:
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

    def predicted(self, patches: _Array) -> int:
        """The cells of one output, for each of the outputs."""
        cells = self.single.predicted(patches)
        return self.q * (pattern_bound(self.hyperplanes(patches)) if cells is None else cells)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell of one output, for each of the outputs."""
        cells = self.single.patterns(patches, max_patterns=max(1, max_patterns // self.q), budget=budget)
        codes = cells.active()
        return CodeList(np.concatenate([self.coded(codes, o) for o in range(self.q)]), cells.certified)

    def ridge_coefficients(self, v: _Array, patches: _Array) -> None:
        """None: the outputs are searched one by one."""
        return

    def atoms(self, patches: _Array, C: _Array) -> None:
        """None: a block alone does not say which output it gives."""
        return

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes) -> Parameters:
        """The neurons of one output, with their weights at the block's own output."""
        cells, mark = self._split(codes)
        single = self.single.neurons(C, sign, cells)
        return {"filters": single["filters"], "weights": single["weights"][:, None] * mark}

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||u||_2^2 + ||w||_1^2)``."""
        u, w = parameters["filters"], parameters["weights"]
        total: _Array = 0.5 * (np.sum(u * u, axis=1) + np.abs(w).sum(axis=1) ** 2)
        return total

    def decay(self, parameters: Parameters) -> Parameters:
        """``u`` and ``||w||_1 sign(w)``, a subgradient."""
        u, w = parameters["filters"], parameters["weights"]
        return {"filters": u, "weights": np.abs(w).sum(axis=1, keepdims=True) * np.sign(w)}

    def balanced(self, parameters: Parameters) -> Parameters:
        """A neuron of one output for each weight, with ``||u||_2 = |w|``: together they cost ``||u||_2 ||w||_1``."""
        u, w = parameters["filters"], parameters["weights"]
        neuron, output = np.nonzero(w * np.linalg.norm(u, axis=1)[:, None])
        single = self.single.balanced({"filters": u[neuron], "weights": w[neuron, output]})
        return {"filters": single["filters"], "weights": single["weights"][:, None] * np.eye(self.q)[output]}

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the filter, and the output with the largest weight."""
        cells = self.single.codes(patches, self._units(parameters))
        mark = np.zeros(parameters["weights"].shape, dtype=bool)
        np.put_along_axis(mark, np.abs(parameters["weights"]).argmax(axis=1, keepdims=True), True, axis=1)
        return np.concatenate([cells, mark], axis=1)

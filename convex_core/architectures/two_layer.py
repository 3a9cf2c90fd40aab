r"""Two-layer CNN with sum or mean pooling; the convex program is exact.

Non-convex problem (K patches, filters :math:`u_j \in R^h`, output weights :math:`w_j`):

.. math::
   \min_{u, w} \; \ell\Big(s \sum_j \sum_k \sigma(X_k u_j) w_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2), \qquad s = 1 \text{ (sum) or } 1/K \text{ (mean)}

with the ReLU :math:`\sigma(t) = (t)_+` of the paper or another activation of two slopes, :math:`a t` above zero and
:math:`b t` below (:mod:`.activation`).

Convex program, one pair of blocks per cell i of the arrangement of the rows of :math:`X_1, \dots, X_K`:

.. math::
   \min_{c, c'} \; \ell\Big(s \sum_i \sum_k S_{ik} X_k (c'_i - c_i),\; y\Big) + \beta \sum_i (\|c_i\|_2 + \|c'_i\|_2)
   \quad \text{s.t. } (2 D_{ik} - I) X_k c_i \ge 0,\; (2 D_{ik} - I) X_k c'_i \ge 0,

with the gates :math:`S = a D + b (I - D)`, for the ReLU D itself.

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798); with one
patch as long as the input it is the fully connected program of Pilanci and Ergen, ICML 2020 (arXiv 2002.10553).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arguments import check_arguments
from .._records import record
from ..errors import InputError
from ..patches import PatchGeometry
from ..penalties import L2Penalty
from ..status import Exactness
from .activation import RELU, Activation
from .base import ArrangementCells, FiltersAndWeights, Options, Parameters
from .formulas import NetworkFormulas, NetworkLatex

__all__ = ["PooledNeurons", "TwoLayerCNN"]

_Array = NDArray[np.float64]
_POOLINGS = ("sum", "mean")
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u, w = c / root[:, None], sign * root  # (||u||^2 + w^2) / 2 = ||c||"""
_CONE = """\
rows = X.reshape(K * n, h)
cone = [(2 * bits - 1)[:, None] * rows for bits in code]  # (2 D_ik - I) X_k for all k"""


class PooledNeurons(ABC, ArrangementCells, FiltersAndWeights):
    """Neurons ``w atom(u)`` of one filter and one output weight, whatever the pooling; the program is exact."""

    __slots__ = ()

    activation: Activation

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def exactness(self) -> Exactness:
        """Exact."""
        return Exactness.EXACT

    @property
    def gain(self) -> float:
        """That of the activation."""
        return self.activation.gain

    @property
    def penalty(self) -> L2Penalty:
        """Euclidean norm of a block."""
        return L2Penalty()

    def _formulas(
        self, *, pooling: str, network: str, program: str, constraints: str, latex: NetworkLatex, **python: str
    ) -> NetworkFormulas:
        """The text of a pooling with the map back and the costs that all poolings share."""
        sigma = self.activation
        return NetworkFormulas(
            title=f"two-layer {sigma.title} CNN with {pooling}",
            network=f"{network}, {sigma.definition}" if sigma.definition else network,
            cost="(||u_j||^2 + w_j^2) / 2",
            program=program,
            constraints=constraints,
            neurons=_NEURONS,
            outputs="phi @ w",
            costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
            latex=latex,
            **python,
        )

    def _latex(
        self, *, network: str, operator: str, cone: tuple[str, ...], every: str, remarks: tuple[str, ...] = ()
    ) -> NetworkLatex:
        """The LaTeX of a pooling, with what all poolings share."""
        return NetworkLatex(
            definition=self.activation.latex_definition,
            network=network,
            cost=r"\|u_j\|_2^2 + w_j^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{self.geometry.h}}}",
            blocks=("c_i", "c_i'"),
            shape=(self.geometry.h,),
            operator=operator,
            operand="(c_i' - c_i)",
            cone=cone,
            members=r"c = c_i,\, c_i'",
            every=every,
            remarks=remarks,
        )

    @abstractmethod
    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """Pooled outputs (n, m) of the filters C (m, h)."""

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_]) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}`, :math:`w = \pm \sqrt{\|c\|}`, so that (||u||^2 + w^2) / 2 = ||c||."""
        root = np.sqrt(self.penalty.norm(C))
        return {"filters": C / root[:, None], "weights": sign.astype(np.float64) * root}

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``w_j * atom(u_j)``, (n, m)."""
        return self.atoms(patches, parameters["filters"]) * parameters["weights"]


@record
@dataclass(frozen=True, slots=True)
class TwoLayerCNN(PooledNeurons):
    """The two-layer CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pooling : {"sum", "mean"}
        Mean pooling divides the sum over the K patches by K.
    activation : Activation
        By default the ReLU.

    Raises
    ------
    InputError
        For an unknown pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> patches = cnn.geometry.extract(np.array([[1.0, -2.0, 3.0]]))
    >>> cnn.atoms(patches, np.array([[1.0, 0.0], [0.0, 1.0]]))
    array([[1., 3.]])
    """

    geometry: PatchGeometry
    pooling: str = "sum"
    activation: Activation = RELU

    def __post_init__(self) -> None:
        check_arguments("TwoLayerCNN", geometry=(self.geometry, PatchGeometry))
        if self.pooling not in _POOLINGS:
            raise InputError(f"pooling: got {self.pooling!r}, expected one of {', '.join(_POOLINGS)}")

    @property
    def options(self) -> Options:
        """The pooling and the activation."""
        return {"pooling": self.pooling, **self.activation.options}

    @property
    def scale(self) -> float:
        """1 for sum pooling, 1/K for mean pooling."""
        return 1.0 if self.pooling == "sum" else 1.0 / self.geometry.K

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        mean = self.pooling == "mean"
        scale, divided = ("1/K ", " / K") if mean else ("", "")
        K = self.geometry.K
        average = rf"\tfrac{{1}}{{{K}}}" if mean else ""
        sigma = self.activation
        gate, latex_gate = ("D_ik", "D_{i,k}") if sigma.plain else ("S_ik", "S_{i,k}")
        return self._formulas(
            pooling=f"{self.pooling} pooling",
            network=f"{scale}sum_j sum_k {sigma.text('X_k u_j')} w_j",
            program=f"{scale}sum_i sum_k {gate} X_k (c'_i - c_i){sigma.gate_definition}",
            constraints="(2 D_ik - I) X_k c_i >= 0 and (2 D_ik - I) X_k c'_i >= 0",
            cells="D = code.reshape(P, K, n)  # sign patterns D_ik: the samples in which patch k is active",
            design=f'G = np.einsum("ikn,knh->inh", {sigma.gated("D")}, X){divided}  # {scale}sum_k {gate} X_k',
            cone=_CONE,
            atoms=f"phi = sum({sigma.python('Xk @ u.T')} for Xk in X){divided}",
            latex=self._latex(
                network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} {sigma.latex('X_k u_j')}\, w_j",
                operator=rf"{average}\sum_{{k=1}}^{{{K}}} {latex_gate} X_k",
                remarks=sigma.latex_gate_definition,
                cone=(r"(2D_{i,k}-I)\, X_k c \ge 0",),
                every=r"i,\, k",
            ),
        )

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s * sum_k sigma(X_k u)`` for each row u of `C` (m, h), shape (n, m)."""
        K, n, h = patches.shape
        # one filter block at a time bounds the (K n, m) work array to about 64 MB
        step = max(1, 8_000_000 // (K * n))
        out = np.empty((n, len(C)))
        flat = patches.reshape(-1, h)
        for start in range(0, len(C), step):
            response = flat @ C[start : start + step].T
            out[:, start : start + step] = self.activation(response).reshape(K, n, -1).sum(axis=0)
        return self.scale * out

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """The slope of a patch by the side its own row is on: (m, K, n)."""
        return self.activation.gates(codes.reshape(len(codes), *patches.shape[:2]))

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array]:
        """``(a - b) s v`` for each of the K patches, (K * n,), and ``b s v . sum_k X_k``."""
        sigma, weighted = self.activation, self.scale * v
        linear: _Array = np.zeros(patches.shape[2])
        if sigma.below:  # else one pass over all rows less in every price
            linear = sigma.below * (weighted @ patches).sum(axis=0)
        return np.tile((sigma.above - sigma.below) * weighted, len(patches)), linear

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Signs of the responses of every patch row to each filter."""
        return self.activation.active(parameters["filters"] @ self.hyperplanes(patches).T)

    def pull(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, ``w s sum_k X_k^T S_k v`` and ``v . atom(u)``."""
        u, w = parameters["filters"], parameters["weights"]
        K, n, h = patches.shape
        rows = patches.reshape(-1, h)
        response = (u @ rows.T).reshape(len(u), K, n)
        gates = self.activation.gates(self.activation.active(response))
        weighted = self.scale * V
        back = (gates * weighted[:, None, :]).reshape(len(u), K * n) @ rows
        pooled = self.activation(response).sum(axis=1)
        return {"filters": w[:, None] * back, "weights": np.einsum("mn,mn->m", weighted, pooled)}

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

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrangement import pattern_bound
from ..arrangement.patterns import enumerate_in
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import InputError
from ..numerics.short_rows import in_parts
from ..patches import PatchGeometry
from ..penalties import L2Penalty
from ..progress import Budget
from ..status import Exactness
from .activation import RELU, Activation
from .defaults import ArrangementCells, CodeList, FiltersAndWeights, output_biases
from .formulas import NetworkFormulas
from .formulas.two_layer import two_layer_formulas
from .kinds import no_free_bias
from .layers import Branch
from .protocol import Options, Parameters, Patterns
from .stages import Stages

__all__ = ["AtomsAndWeights", "EvenPooling", "OwnActivation", "PooledNeurons", "TwoLayerCNN"]

_Array = NDArray[np.float64]
_POOLINGS = ("sum", "mean")
_SKIPS = ("none", "free")
# entries of the responses held at a time, 64 MB
_STEP_ENTRIES = 8_000_000


class EvenPooling:
    """A network that adds up its patches, or takes their mean."""

    __slots__ = ()

    geometry: PatchGeometry
    pooling: str

    @property
    def scale(self) -> float:
        """1 for sum pooling, 1/K for mean pooling."""
        return 1.0 if self.pooling == "sum" else 1.0 / self.geometry.K

    def check_pooling(self, beside: str = "") -> None:
        """Raise :class:`InputError` for another pooling; `beside` says with what it was asked for."""
        if self.pooling not in _POOLINGS:
            raise InputError(f"pooling: got {self.pooling!r}{beside}, expected one of {', '.join(_POOLINGS)}")

    def evenly(self, sums: _Array, active: _Array, parameters: Parameters) -> Stages:
        """The stages of one input where every patch counts the same, of one output."""
        return Stages(sums, active, np.full(sums.shape, self.scale), parameters["weights"][:, None])


class AtomsAndWeights(ArrangementCells, FiltersAndWeights):
    r"""Networks whose neurons are a weight times an atom of the cells, whatever their design, hyperplanes and gates.

    .. math:: f(X) = \sum_j w_j \varphi(u_j), \qquad \varphi(u) = s \sum_k D_k(u) A_k u, \qquad
              \text{cost } \tfrac12 (\|u_j\|_2^2 + w_j^2),

    with the gates :math:`D_k(u)` of the cell that the filter u lies in. The convex program with the Euclidean norm on
    blocks is exact if :math:`\varphi` is continuous:

    1. Scaled so that :math:`\|u\| = |w|`, which costs least, a neuron costs :math:`\|u\| |w|`, and :math:`c = |w| u`
       is a block of u's cell with the same outputs and that norm.
    2. Blocks of one cell and sign may be added up: their outputs add, the norm of the sum is at most the sum of the
       norms.
    3. A block c of a cell is the neuron :math:`u = c / \sqrt{\|c\|}`, :math:`w = \pm\sqrt{\|c\|}`, at the cost
       :math:`\|c\|`. On the border of cells their gates give the same outputs, as :math:`\varphi` is continuous.

    Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), for
    sum and mean pooling.

    By default there is a ReLU behind each row of the design. So a network that inherits from this has a ``name``, and
    says its design, or else its hyperplanes and gates; whatever more it says is for speed.
    """

    __slots__ = ()

    def hyperplanes(self, patches: _Array) -> _Array:
        """The rows of the design, (K * n, p)."""
        design = self.design(patches)
        return design.reshape(-1, design.shape[2])

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """A row of the design passes where it is active: (m, K, n)."""
        n = patches.shape[1]
        return codes.reshape(len(codes), codes.shape[1] // n, n)

    #: Exact, as above.
    exactness = Exactness.EXACT

    #: Euclidean norm of a block.
    penalty = L2Penalty()

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Sides of the hyperplanes that each filter is on."""
        return RELU.active(parameters["filters"] @ self.hyperplanes(patches).T)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}`, :math:`w = \pm \sqrt{\|c\|}`, so that (||u||^2 + w^2) / 2 = ||c||."""
        root = np.sqrt(self.penalty.norm(C))
        return {"filters": C / root[:, None], "weights": sign.astype(np.float64) * root}

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s * sum_k D_k A_k u`` with the gates of u's own cell, for each row u of `C` (m, p), shape (n, m)."""
        design = self.design(patches)
        K, n, _ = design.shape
        out = np.empty((n, len(C)))
        step = max(1, _STEP_ENTRIES // (K * n))
        for start in range(0, len(C), step):
            part = C[start : start + step]
            codes = self.codes(patches, {"filters": part, "weights": np.ones(len(part))})
            gates = self.gates(codes, patches)
            out[:, start : start + step] = np.einsum("mkn,knm->nm", gates, design @ part.T)
        return self.scale * out

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``w_j * atom(u_j)``, (n, m)."""
        return self.atoms(patches, parameters["filters"]) * parameters["weights"]

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, ``w s sum_k A_k^T D_k v`` and ``v . atom(u)``."""
        u, w = parameters["filters"], parameters["weights"]
        design = self.design(patches)
        K, n, p = design.shape
        gated = self.gates(self.codes(patches, parameters), patches) * (self.scale * V)[:, None, :]
        back = gated.reshape(len(u), K * n) @ design.reshape(K * n, p)
        return {"filters": w[:, None] * back, "weights": np.einsum("mh,mh->m", back, u)}


class PooledNeurons(AtomsAndWeights):
    """Two-layer CNNs whatever their pooling."""

    __slots__ = ()

    geometry: PatchGeometry
    activation: Activation

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def gain(self) -> float:
        """That of the activation."""
        return self.activation.gain


@record
@dataclass(frozen=True, slots=True)
class TwoLayerCNN(EvenPooling, PooledNeurons):
    r"""The two-layer CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pooling : {"sum", "mean"}
        Mean pooling divides the sum over the K patches by K.
    activation : Activation
        By default the ReLU.
    skip : {"none", "free"}
        Whether a linear function of the pooled patches is added, :math:`s \sum_k X_k z` with z free (squared loss
        only). Often it changes nothing: the filters u and -u together give a linear function already.

    Raises
    ------
    InputError
        For an unknown pooling or skip.

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
    skip: str = "none"

    def __post_init__(self) -> None:
        check_arguments("TwoLayerCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "TwoLayerCNN, whose filters have none")
        self.check_options()

    def check_options(self) -> None:
        """Raise :class:`InputError` for an unknown pooling or skip."""
        if self.skip not in _SKIPS:
            raise InputError(f"skip: got {self.skip!r}, expected one of {', '.join(_SKIPS)}")
        self.check_pooling()

    @property
    def options(self) -> Options:
        """The pooling, the activation, and a skip connection if there is one."""
        skip: Options = {} if self.skip == "none" else {"skip": self.skip}
        return {"pooling": self.pooling, **self.activation.options, **skip}

    def free_columns(self, patches: _Array) -> _Array:
        """The pooled patches of a free skip connection, then those of a free output bias."""
        biases = output_biases(self.geometry, patches.shape[1], 1)
        if self.skip == "none":
            return biases
        return np.hstack([self.scale * patches.sum(axis=0)[:, : self.geometry.window], biases])

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return two_layer_formulas(self)

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s * sum_k sigma(X_k u)`` for each row u of `C` (m, h), shape (n, m)."""
        K, n, h = patches.shape
        out = np.empty((n, len(C)))

        # all filters pass over a few samples while their responses are in the cache
        def fill(part: slice) -> None:
            np.sum(self.activation(patches[:, part] @ C.T), axis=0, out=out[part])

        in_parts(fill, n, K * max(h, len(C)))
        out *= self.scale
        return out

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Every patch counts the same."""
        sums = parameters["filters"] @ patches.T
        return self.evenly(sums, self.activation(sums), parameters)

    def predicted(self, patches: _Array) -> int | None:
        """As many as the arrangement has; of an even activation half of them."""
        if not self.activation.even:
            return None
        return max(1, pattern_bound(self.hyperplanes(patches)) // 2)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell of the arrangement; of an even activation one of each pair of opposite ones.

        There u and -u are one neuron, and the block c of a cell is the block -c of the opposite cell.
        """
        rows = self.hyperplanes(patches)
        real = np.flatnonzero(rows.any(axis=1))
        if not self.activation.even or not len(real):
            return enumerate_in(rows, max_patterns=max_patterns, budget=budget)
        found = enumerate_in(rows, max_patterns=2 * max_patterns, budget=budget)
        half = [active[active[:, real[0]]] for _, active in found.chunks()]
        return CodeList(np.concatenate(half), found.certified)

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

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        branch = Branch(
            self.geometry, parameters["filters"], parameters["weights"][:, None], self.activation, scale=self.scale
        )
        return (branch,)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
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


class OwnActivation(EvenPooling):
    """A network of an activation that is not made of two slopes; its program is exact."""

    __slots__ = ()

    #: The option that chooses it, and what it is called where free biases are refused.
    activation_name: ClassVar[str]
    called: ClassVar[str]

    def __post_init__(self) -> None:
        check_arguments(type(self).__name__, geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, self.called)
        self.check_pooling(f" with the {self.activation_name} activation")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def options(self) -> Options:
        """The pooling and the activation."""
        return {"pooling": self.pooling, "activation": self.activation_name}

    #: Exact.
    exactness = Exactness.EXACT

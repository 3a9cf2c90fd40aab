r"""Two-layer CNN with batch normalisation before the activation, full batch; the convex program is exact.

Non-convex problem (filters :math:`u_j \in R^h`, scales :math:`\gamma_j`, shifts :math:`\alpha_j`, output weights
:math:`w_j`; M are the N = n K patch rows of the batch, the mean is taken over them):

.. math::
   \min_{u, \gamma, \alpha, w} \; \ell\Big(s \sum_j \sum_k
       \sigma\Big(\gamma_j \frac{X_k u_j - \text{mean}}{\|M u_j - \text{mean}\|_2} + \frac{\alpha_j}{\sqrt N}\Big) w_j,
       \; y\Big) + \tfrac{\beta}{2} \sum_j (\gamma_j^2 + \alpha_j^2 + w_j^2) .

The filter costs nothing: its length is not felt. With :math:`M - \text{mean} = U S V^T` the normalised responses are
:math:`U q` with a vector q of length 1, any of them (:mod:`.batch_statistics`). So :math:`c = (\gamma q, \alpha)` is a
filter on the rows :math:`[U_k, 1/\sqrt N]`, :math:`\sqrt{\gamma^2 + \alpha^2}` long, and the convex program is that of
:mod:`.two_layer` with these rows in the place of the patches:

.. math::
   \min_{c, c'} \; \ell\Big(s \sum_i \sum_k S_{ik} [U_k, 1/\sqrt N] (c'_i - c_i),\; y\Big)
      + \beta \sum_i (\|c_i\|_2 + \|c'_i\|_2)
   \quad \text{s.t. } (2 D_{ik} - I) [U_k, 1/\sqrt N] c \ge 0 .

A block :math:`c = (q', \alpha)` is the neuron :math:`u = V S^{-1} q' / \|q'\|`,
:math:`\gamma = \|q'\| / \sqrt{\|c\|}`, :math:`\alpha / \sqrt{\|c\|}`, :math:`w = \pm\sqrt{\|c\|}`. New data are
normalised by the mean and the spreads of the batch, as after training. Source: Ergen, Sahiner, Ozturkler, Pauly,
Mardani and Pilanci, Demystifying Batch Normalization in ReLU Networks, ICLR 2022 (arXiv 2103.01499), with the argument
of :mod:`.two_layer` for patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import InputError
from ..numerics.rounding import UNIT_ROUNDOFF, lengths
from ..patches import PatchGeometry
from ..progress import Budget
from .activation import RELU, Activation
from .batch_statistics import BatchStatistics
from .formulas import NetworkFormulas
from .formulas.batch_norm import batch_norm_formulas
from .layers import Branch
from .protocol import Architecture, Options, Parameters, Patterns
from .two_layer import EvenPooling, PooledNeurons, TwoLayerCNN

__all__ = ["BatchNormCNN", "restored_batch", "saved_batch", "trained_on"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class BatchNormCNN(EvenPooling, PooledNeurons):
    r"""The two-layer CNN of the module's formula.

    The ``filters`` (m, h + 2) of a network are :math:`(u_j, \gamma_j, \alpha_j)`.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input, without biases of the filters: the shift is one, and what is the same in all rows goes
        with the mean.
    pooling, activation
        As for :class:`TwoLayerCNN`.
    statistics : BatchStatistics, optional
        Of the batch that the network is trained on; a :class:`Problem` says them. Without them the network is one in
        training: whatever patches it sees are the batch.

    Raises
    ------
    InputError
        For an unknown pooling, or filters with biases.

    Examples
    --------
    >>> from convex_core import Network, Problem
    >>> problem = Problem([[1.0], [3.0]], [0, 1], filter_size=1, beta=0.1, normalisation="batch")
    >>> network = Network(problem.architecture, [[5.0, 2.0, 0.0]], [1.0])  # u = 5 is as good as u = 1
    >>> network.predict(problem.X).round(6), network.regulariser, network.predict([[2.0], [4.0]]).round(6)
    (array([0.      , 1.414214]), 2.5, array([0.      , 2.828427]))
    """

    geometry: PatchGeometry
    pooling: str = "sum"
    activation: Activation = RELU
    statistics: BatchStatistics | None = None
    plain: TwoLayerCNN = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_arguments("BatchNormCNN", geometry=(self.geometry, PatchGeometry))
        if self.geometry.biased:
            raise InputError(
                f"bias: got {self.geometry.bias} with batch normalisation, whose shift is the bias, expected none or "
                "output"
            )
        self.check_pooling()
        object.__setattr__(self, "plain", TwoLayerCNN(self.geometry, self.pooling, self.activation))

    @property
    def options(self) -> Options:
        """The pooling, the activation, and that the batch is normalised."""
        return {"pooling": self.pooling, **self.activation.options, "normalisation": "batch"}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return batch_norm_formulas(self)

    # -- the batch
    def trained_on(self, patches: _Array) -> BatchNormCNN:
        """The network of the batch `patches` (K, n, h).

        Raises
        ------
        InputError
            If it has been trained on another one.
        """
        own = BatchStatistics.of(patches)
        if self.statistics is None:
            return BatchNormCNN(self.geometry, self.pooling, self.activation, own)
        if not self.statistics.same_batch(own):
            raise InputError(
                f"normalisation: got a network that was normalised by a batch of {self.statistics.rows} other patch "
                f"rows, expected one of the {own.rows} of these data: its problem is one of those data alone"
            )
        return self

    def with_batch(self, arrays: Mapping[str, Any]) -> BatchNormCNN:
        """The network of the batch whose statistics are the `arrays` of a file."""
        statistics = BatchStatistics.from_arrays(arrays, self.geometry.h)
        return BatchNormCNN(self.geometry, self.pooling, self.activation, statistics)

    def batch(self, patches: _Array) -> BatchStatistics:
        """What `patches` are normalised by."""
        return BatchStatistics.of(patches) if self.statistics is None else self.statistics

    def rows(self, patches: _Array) -> _Array:
        r"""``[U_k, 1 / sqrt(N)]``, (K, n, r + 1)."""
        batch = self.batch(patches)
        shift = np.full((*patches.shape[:2], 1), batch.rows**-0.5)
        return np.concatenate([batch.whitened(patches), shift], axis=2)

    def design_errors(self, patches: _Array) -> _Array:
        """How long the rounding errors of the rows of the design are at most, (K, n)."""
        batch = self.batch(patches)
        length: _Array = batch.errors(patches) + 2.0 * UNIT_ROUNDOFF * batch.rows**-0.5
        return length

    # -- cells: those of the network without normalisation on these rows
    def design(self, patches: _Array) -> _Array:
        """The rows ``[U_k, 1 / sqrt(N)]`` of each patch."""
        return self.rows(patches)

    def most_cells(self, patches: _Array) -> int:
        """As many as the rows have in general position in h + 1 dimensions."""
        K, n, h = patches.shape
        return int(closed_form(K * n, h + 1))

    def predicted(self, patches: _Array) -> int | None:
        """As many as the arrangement of the rows has; of an even activation half of them."""
        return self.plain.predicted(self.rows(patches))

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell of the arrangement of the rows; of an even activation one of each pair of opposite ones."""
        return self.plain.patterns(self.rows(patches), max_patterns=max_patterns, budget=budget)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """The slope of a patch by the side its own row is on: (m, K, n)."""
        return self.plain.gates(codes, patches)

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array]:
        """As without normalisation, on these rows."""
        return self.plain.ridge_coefficients(v, self.rows(patches))

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s * sum_k sigma([U_k, 1 / sqrt(N)] c)`` for each block c, (n, m)."""
        return self.plain.atoms(self.rows(patches), C)

    # -- bridges
    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Sides of the rows that ``(gamma q, alpha)`` of each neuron is on."""
        batch, (u, gamma, alpha) = self.batch(patches), self._parts(parameters)
        q = batch.spreads * (u @ batch.directions)
        size = lengths(q)
        block = np.column_stack([q * (gamma / np.where(size > 0.0, size, 1.0))[:, None], alpha])
        return self.plain.codes(self.rows(patches), {**parameters, "filters": block})

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        r""":math:`u = V S^{-1} q` with its scale and shift, and :math:`w = \pm\sqrt{\|c\|}`."""
        batch = self.batch(patches)
        root = np.sqrt(self.penalty.norm(C))
        length = lengths(C[:, :-1])
        q = C[:, :-1] / np.where(length > 0.0, length, 1.0)[:, None]
        u = (q / batch.spreads) @ batch.directions.T
        filters = np.column_stack([u, length / root, C[:, -1] / root])
        return {"filters": filters, "weights": sign.astype(np.float64) * root}

    # -- its networks
    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter with its scale and its shift, and a weight."""
        return {"filters": (self.geometry.h + 2,), "weights": ()}

    def _parts(self, parameters: Parameters) -> tuple[_Array, _Array, _Array]:
        """Filters (m, h), scales (m,) and shifts (m,)."""
        filters = parameters["filters"]
        return filters[:, :-2], filters[:, -2], filters[:, -1]

    def paid(self, filters: _Array) -> _Array:
        """The scale and the shift alone: the filter costs nothing."""
        paid = filters.copy()
        paid[:, :-2] = 0.0
        return paid

    def _shifted(self, patches: _Array, parameters: Parameters) -> tuple[_Array, _Array, _Array, BatchStatistics]:
        """What enters the activation (m, K, n), normalised responses (m, K, n), their sizes (m,), and the batch."""
        batch, (u, gamma, alpha) = self.batch(patches), self._parts(parameters)
        normalised, size = batch.responses(patches, u)
        entering = gamma[:, None, None] * normalised + (alpha * batch.rows**-0.5)[:, None, None]
        return entering, normalised, size, batch

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``s sum_k sigma(gamma (X_k u - mean) / ||M u - mean|| + alpha / sqrt(N)) w``, (n, m)."""
        entering = self._shifted(patches, parameters)[0]
        total: _Array = self.activation(entering).sum(axis=1).T * (self.scale * parameters["weights"])
        return total

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed; that of a filter is orthogonal to it, as its length is not felt."""
        u, gamma, _ = self._parts(parameters)
        w = parameters["weights"]
        entering, normalised, size, batch = self._shifted(patches, parameters)
        weighted = self.scale * V
        gates = self.activation.gates(self.activation.active(entering))
        back = gates * (w[:, None] * weighted)[:, None, :]
        along = np.einsum("mkn,mkn->m", back, normalised)
        safe = np.where(size > 0.0, size, 1.0)
        turned = np.einsum("mkn,knh->mh", back, batch.centred(patches)) @ batch.directions
        turned = turned / safe[:, None] - (along / safe**2)[:, None] * (u @ batch.directions) * batch.spreads**2
        turned[size == 0.0] = 0.0
        filters = np.column_stack(
            [gamma[:, None] * (turned @ batch.directions.T), along, back.sum(axis=(1, 2)) * batch.rows**-0.5]
        )
        return {"filters": filters, "weights": np.einsum("mn,mkn->m", weighted, self.activation(entering))}

    def _folded(self, filters: _Array) -> tuple[_Array, _Array]:
        """Filters (m, h) and biases (m,) of the same network without normalisation, on any data."""
        u, gamma, alpha = self._parts({"filters": filters})
        if self.statistics is None:  # nothing is known of a batch: directions, and no biases
            return gamma[:, None] * u, alpha
        batch = self.statistics
        along = u @ batch.directions
        size = lengths(batch.spreads * along)
        folded = (along * (gamma / np.where(size > 0.0, size, 1.0))[:, None]) @ batch.directions.T
        return folded, alpha * batch.rows**-0.5 - folded @ batch.mean - folded @ batch.rest

    def padded(self, filters: _Array) -> _Array:
        """What the patches are multiplied by in the end, (m, h): ``gamma u / ||M u - mean||``."""
        return self._folded(filters)[0]

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """The normalisation folded into filters and biases: see :mod:`convex_core.architectures.layers`."""
        g = self.geometry
        biased = PatchGeometry(g.input_shape, g.filter_shape, g.stride, g.padding, "regularised")
        filters = np.column_stack(self._folded(parameters["filters"]))
        return (Branch(biased, filters, parameters["weights"][:, None], self.activation, scale=self.scale),)


def trained_on(architecture: Architecture, patches: _Array) -> Architecture:
    """The network of the batch `patches` (K, n, h), if what it computes depends on that; else itself.

    Raises
    ------
    InputError
        If it has been trained on another one.

    Examples
    --------
    >>> from convex_core.architectures import make_architecture
    >>> from convex_core.patches import patch_geometry
    >>> cnn = make_architecture("two-layer", patch_geometry((2,), 1), normalisation="batch")
    >>> trained_on(cnn, np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).statistics.mean
    array([4.])
    """
    return architecture.trained_on(patches) if isinstance(architecture, BatchNormCNN) else architecture


def saved_batch(architecture: Architecture) -> dict[str, Any]:
    """What a file holds of the batch that an architecture was trained on; most often nothing."""
    statistics = architecture.statistics if isinstance(architecture, BatchNormCNN) else None
    return {} if statistics is None else statistics.to_arrays()


def restored_batch(architecture: Architecture, arrays: Mapping[str, Any]) -> Architecture:
    """The architecture of the batch in the `arrays` of a file.

    Raises
    ------
    InputError
        If the file has no batch, or one that is not used.
    """
    found = [name for name in arrays if name.startswith("batch_")]
    if isinstance(architecture, BatchNormCNN):
        return architecture.with_batch(arrays)
    if found:
        raise InputError(f"model file: got {found[0]} with a network that is not normalised, expected no such array")
    return architecture

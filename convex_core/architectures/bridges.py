r"""Networks whose neurons are a weight times an atom of the cells: everything about them follows from the cells.

.. math:: f(X) = \sum_j w_j \varphi(u_j), \qquad \varphi(u) = s \sum_k D_k(u) A_k u, \qquad
          \text{cost } \tfrac12 (\|u_j\|_2^2 + w_j^2),

with the gates :math:`D_k(u)` of the cell that the filter u lies in. The convex program with the Euclidean norm on
blocks is exact if :math:`\varphi` is continuous:

1. Scaled so that :math:`\|u\| = |w|`, which costs least, a neuron costs :math:`\|u\| |w|`, and :math:`c = |w| u` is a
   block of u's cell with the same outputs and that norm.
2. Blocks of one cell and sign may be added up: their outputs add, the norm of the sum is at most the sum of the norms.
3. A block c of a cell is the neuron :math:`u = c / \sqrt{\|c\|}`, :math:`w = \pm\sqrt{\|c\|}`, at the cost
   :math:`\|c\|`. On the border of cells their gates give the same outputs, as :math:`\varphi` is continuous.

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), for
sum and mean pooling.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..penalties import L2Penalty
from ..status import Exactness
from .activation import RELU
from .cells import ArrangementCells
from .neurons import FiltersAndWeights, no_neurons
from .protocol import Architecture, Parameters

__all__ = ["AtomsAndWeights", "no_codes"]

_Array = NDArray[np.float64]
# entries of the responses held at a time, 64 MB
_STEP_ENTRIES = 8_000_000


def no_codes(architecture: Architecture, patches: _Array) -> NDArray[np.bool_]:
    """The codes of no neurons, (0, N): N is the number of bits of a code."""
    return architecture.codes(patches, no_neurons(architecture))


class AtomsAndWeights(ArrangementCells, FiltersAndWeights):
    """The networks of the module's formula, whatever their design, hyperplanes, gates and scale.

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

    #: Exact, see the module's text.
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

r"""What happens inside a network of two layers, for one input: from patches to what each neuron adds to the outputs.

.. math:: z_{jk} = x_k^T u_j, \quad r_{jk} = \sigma(z_{jk}), \quad p_j = \sum_k c_{jk}\, r_{jk}, \quad
          f_o = \sum_j p_j\, w_{jo}

where :math:`c_{jk}` says how patch k counts: 1 with sum pooling, 1/K with the mean, 1 for the patch that wins its group
and 0 for the others with max pooling, the weight of the patch in a flatten layer (where :math:`w_{jo} = 1`).
An architecture that can say so has a member ``stages``; others, of more layers, have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .protocol import NeuronModel, Parameters

__all__ = ["Stages", "has_stages", "stages_of"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The symbols of the module's formula for m neurons, K patches and q outputs.

    Attributes
    ----------
    sums, active, counts : (m, K) float64
        z, r and c.
    weights : (m, q) float64
        w.
    """

    sums: _Array
    active: _Array
    counts: _Array
    weights: _Array


class _Staged(Protocol):
    def stages(self, patches: _Array, parameters: Parameters) -> Stages: ...


def has_stages(model: NeuronModel) -> bool:
    """Whether an architecture says what happens inside its networks."""
    # several outputs say it by the network with one output, unless that has a weight for each region
    if len(model.shapes["weights"]) > 1:
        return False
    return hasattr(model, "stages") and hasattr(getattr(model, "single", model), "stages")


def stages_of(model: NeuronModel, patches: _Array, parameters: Parameters) -> Stages:
    """The stages of one input with the `patches` (K, h).

    Raises
    ------
    InputError
        If the architecture has no stages.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> neuron = {"filters": np.array([[1.0, 0.0]]), "weights": np.array([2.0])}
    >>> stages_of(cnn, np.array([[1.0, -2.0], [-2.0, 3.0]]), neuron).active
    array([[1., 0.]])
    """
    if not has_stages(model):
        raise InputError(f"architecture: got {model.name!r}, expected one of two layers that tells its stages")
    return cast(_Staged, model).stages(patches, parameters)

"""A trained network: filters and output weights of an architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .architectures import Architecture
from .errors import InputError
from .validation import finite_array, frozen

__all__ = ["Network"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    r"""Network :math:`f(X) = \sum_j w_j \varphi_{u_j}(X)`.

    Attributes
    ----------
    architecture : Architecture
        Says what an atom :math:`\varphi_u` is.
    filters : (m, h) float64
        Filters :math:`u_j`; m = 0 is the zero network.
    weights : (m,) float64
        Output weights :math:`w_j`.

    Raises
    ------
    InputError
        If the shapes do not fit, or an entry is not finite.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> Network(cnn, [[1.0, 0.0]], [2.0]).predict([[1.0, -2.0, 3.0]])
    array([2.])
    """

    architecture: Architecture
    filters: _Array
    weights: _Array

    def __init__(self, architecture: Architecture, filters: ArrayLike, weights: ArrayLike) -> None:
        h = architecture.geometry.h
        if np.size(weights) == 0 and np.size(filters) == 0:
            U, w = np.zeros((0, h)), np.zeros(0)
        else:
            U = finite_array(filters, "filters", ndim=2)
            w = finite_array(weights, "weights", ndim=1)
        if U.shape[1] != h or U.shape[0] != w.shape[0]:
            raise InputError(
                f"filters, weights: got shapes {U.shape} and {w.shape}, expected (m, {h}) and (m,) with the same m"
            )
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "filters", cast(_Array, frozen(U)))
        object.__setattr__(self, "weights", cast(_Array, frozen(w)))

    @property
    def m(self) -> int:
        """Number of filters."""
        return len(self.weights)

    @property
    def regulariser(self) -> float:
        """``0.5 * sum_j (||u_j||^2 + w_j^2)``, which the objective multiplies by beta."""
        return 0.5 * float(np.sum(self.filters**2) + np.sum(self.weights**2))

    def predict(self, X: ArrayLike) -> _Array:
        """Outputs (n,) for inputs `X` (n, d)."""
        return self.predict_patches(self.architecture.geometry.extract(finite_array(X, "X", ndim=2)))

    def predict_patches(self, patches: _Array) -> _Array:
        """Outputs (n,) for patches (K, n, h) that were extracted before."""
        return self.architecture.atoms(patches, self.filters) @ self.weights

"""Adam on the CNN that the estimator trains: the same patches, whitening, regions and number of filters, none tuned.

Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, with its step and decays.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..lists import ListedNetwork

__all__ = ["AdamCNN"]

_Floats = NDArray[np.float32]
_STEP, _FIRST, _SECOND, _TINY = 1e-3, 0.9, 0.999, 1e-8


class AdamCNN:
    """Softmax cross-entropy by Adam, from filters and weights of He's size; `like` gives the layers.

    Examples
    --------
    >>> from convex_core import load_dataset, patch_geometry
    >>> from convex_core.lists import train_list
    >>> data = load_dataset("motifs")
    >>> Y = np.eye(2)[(data.y > 0).astype(int)]
    >>> like = train_list(data.X, Y, patch_geometry((10,), 3, bias="regularised"), beta=1.0, directions=5).network
    >>> AdamCNN(like, filters=20, epochs=200).fit(data.X, (data.y > 0).astype(int)).score(data.X, data.y > 0) > 0.8
    True
    """

    def __init__(self, like: ListedNetwork, *, filters: int, epochs: int, batch: int = 50, seed: int = 0) -> None:
        self.like, self.filters, self.epochs, self.batch = like, filters, epochs, batch
        self.rng = np.random.default_rng(seed)

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> Self:
        """Train on inputs (n, ...) with the classes 0, 1, ... of `y` (n,)."""
        rng, like = self.rng, self.like
        X = X.reshape(len(X), -1)
        h, R, q = like.geometry.window + 1, like.grid.R, int(y.max()) + 1
        shapes = ((self.filters, h), (self.filters * R, q), (q,))
        scales = (np.sqrt(2.0 / h), np.sqrt(2.0 / (self.filters * R)), 0.0)
        self.parameters = [
            (scale * rng.standard_normal(shape)).astype(np.float32) for shape, scale in zip(shapes, scales, strict=True)
        ]
        moments = [(np.zeros_like(part), np.zeros_like(part)) for part in self.parameters]
        Y = np.eye(q, dtype=np.float32)[y]
        t = 0
        for _ in range(self.epochs):
            order = rng.permutation(len(X))
            for s in range(0, len(X), self.batch):
                rows = order[s : s + self.batch]
                t += 1
                for part, slope, (m, v) in zip(self.parameters, self._slopes(X[rows], Y[rows]), moments, strict=True):
                    m += (1 - _FIRST) * (slope - m)
                    v += (1 - _SECOND) * (slope * slope - v)
                    part -= _STEP * m / (1 - _FIRST**t) / (np.sqrt(v / (1 - _SECOND**t)) + _TINY)
        return self

    def _patches(self, X: NDArray[np.float64]) -> _Floats:
        white = self.like.whitening.apply(self.like.geometry.windows(X.astype(np.float32)))
        return np.concatenate([white, np.ones((*white.shape[:2], 1), np.float32)], axis=2)

    def _forward(self, X: NDArray[np.float64]) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        """Patches (n, K, h), what each filter gives on them, pooled (n, P R), and outputs (n, q)."""
        U, W, b = self.parameters
        patches = self._patches(X)
        values = np.maximum(patches @ U.T, 0)
        pooled = np.ascontiguousarray(self.like.grid.pool(values).transpose(0, 2, 1)).reshape(len(X), -1)
        return patches, values, pooled.astype(np.float32), pooled @ W + b

    def _slopes(self, X: NDArray[np.float64], Y: _Floats) -> tuple[_Floats, _Floats, _Floats]:
        grid = self.like.grid
        patches, values, pooled, F = self._forward(X)
        rest = ((softmax(F, axis=1) - Y) / len(X)).astype(np.float32)
        back = (rest @ self.parameters[1].T).reshape(len(X), self.filters, grid.R) * grid.scales.astype(np.float32)
        inside = back.transpose(0, 2, 1)[:, grid.regions] * (values > 0)
        h = patches.shape[2]
        slope = inside.reshape(-1, self.filters).T @ patches.reshape(-1, h)
        return slope, pooled.T @ rest, rest.sum(axis=0)

    def score(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> float:
        """Share of the right classes."""
        X = X.reshape(len(X), -1)
        found = [self._forward(X[s : s + self.batch])[3].argmax(axis=1) for s in range(0, len(X), self.batch)]
        return float(np.mean(np.concatenate(found) == y))

r"""Prices of filters that are not in the list: how much others would still help, over what is looked at.

With the dual vector V of the list a filter u has the price :math:`\nu^*(\Phi_u^T \omega V)`, :math:`\Phi_u` (n, R) its
columns. At a price of at most beta it would not be used; above, it would lower the objective. There are too many
to look at all of them: from random directions a few steps :math:`u \leftarrow g / \|g\|` are taken, g the gradient of
the price, and the best direction met is kept. A gate's price has no slope, so that gates are only drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics.threads import at_once
from ..progress import Budget
from .features import ListFeatures
from .filters import draw_directions
from .norms import ListNorm

__all__ = ["prices_of", "search_prices"]

_Array = NDArray[np.float64]
# multiplications and additions of all steps together, at most
_WORK = 3e10
# samples up to which prices are in double precision
_PRECISE = 2000
# numbers in the largest array that is made at a time
_CHUNK = 4_000_000


def prices_of(
    features: ListFeatures, X: _Array, V: _Array, norm: ListNorm, budget: Budget, kind: type[np.floating] = np.float64
) -> _Array:
    """Price of each direction of `features` (P,), for `V` (n, q) times the weights.

    Raises
    ------
    Interrupted
        If the budget ends first.
    """
    products = np.zeros((features.N, V.shape[1]))
    for part, G in features.stream(X, kind, budget, stage="prices"):
        products += G.T @ V[part].astype(kind)
    return norm.dual(products.reshape(*features.shape, V.shape[1])).astype(np.float64)


def search_prices(
    features: ListFeatures,
    X: _Array,
    V: _Array,
    norm: ListNorm,
    patches: _Array,
    *,
    starts: int,
    steps: int,
    rng: np.random.Generator,
    budget: Budget,
) -> tuple[_Array, _Array]:
    """Directions (starts, h) that ascent met, with their prices on all samples, highest first.

    Parameters
    ----------
    features : ListFeatures
        The list, whose kind, patches and regions the directions have.
    X : (n, d)
        Inputs.
    V : (n, q)
        Dual vector times the weights.
    norm : ListNorm
        Of the weights.
    patches : (m, window)
        Patches from which directions are drawn.
    starts, steps : int
        Directions, and steps of each; with many samples there are fewer steps.
    rng : Generator
        Draws them.
    budget : Budget
        Ends the steps; what was met so far is priced.

    Raises
    ------
    Interrupted
        If the budget ends before anything is priced.
    """
    directions = draw_directions(features.geometry, features.whitening, patches, starts, rng)
    price = np.full(len(directions), -np.inf)
    if not features.gated and features.grid.pooling != "max":
        once = 6.0 * len(X) * features.geometry.K * features.geometry.h * starts
        directions, price = _ascend(features, X, V, norm, directions, min(steps, int(_WORK / once)), budget)
    if len(X) <= _PRECISE or np.isneginf(price).any():
        kind = np.float64 if len(X) <= _PRECISE else np.float32
        price = prices_of(replace(features, directions=directions), X, V, norm, budget, kind)
    order = np.argsort(-price, kind="stable")
    return directions[order], price[order]


def _ascend(
    features: ListFeatures, X: _Array, V: _Array, norm: ListNorm, directions: _Array, steps: int, budget: Budget
) -> tuple[_Array, _Array]:
    """The best direction met from each start, and its price in single precision; -inf where the budget ends first."""
    best, best_price = directions, np.full(len(directions), -np.inf)
    for step in range(steps + 1):
        if budget.stop() is not None:
            break
        price, directions_next = _priced_and_moved(features, X, V, norm, directions, move=step < steps)
        better = price > best_price
        best = np.where(better[:, None], directions, best)
        best_price = np.where(better, price, best_price)
        directions = directions_next
    return best, best_price


def _priced_and_moved(
    features: ListFeatures, X: _Array, V: _Array, norm: ListNorm, directions: _Array, *, move: bool
) -> tuple[_Array, _Array]:
    """Price of each direction, and with `move` the unit gradients of the prices, in single precision.

    All samples count: V is nearly orthogonal to the columns, and a part of the samples says nothing of the whole.
    """
    geometry, grid, kind = features.geometry, features.grid, np.float32
    linear, offsets = (part.astype(kind) for part in features.whitening.filters(directions, biased=geometry.biased))
    data, dual = X.astype(kind), V.astype(kind)
    m, K, window = len(directions), geometry.K, geometry.window
    size = max(1, _CHUNK // (K * max(window, m)))
    parts = [slice(s, min(s + size, len(X))) for s in range(0, len(X), size)]
    regions, scales = grid.regions, grid.scales.astype(kind)

    def products(part: slice) -> tuple[Any, Any]:
        rows = geometry.windows(data[part]).reshape(-1, window)
        return rows, rows @ linear.T + offsets

    def correlated(part: slice) -> NDArray[np.float32]:
        pooled = grid.pool(np.maximum(products(part)[1], 0).reshape(-1, K, m))
        return np.tensordot(pooled, dual[part], axes=(0, 0)).astype(kind)

    A = _total(correlated, parts).transpose(1, 0, 2)
    price = norm.dual(A[:, None]).astype(np.float64)
    if not move:
        return price, directions
    if norm.name == "l1":  # the slope is that of the largest price of a region and output
        A = np.where(np.abs(A) == np.abs(A).max(axis=(1, 2), keepdims=True), A, 0.0)
    A = A.astype(kind)

    def sloped(part: slice) -> NDArray[np.float32]:
        rows, values = products(part)
        pays = np.einsum("nq,mrq->nrm", dual[part], A) * scales[:, None]
        slope = ((values > 0).reshape(-1, K, m) * pays[:, regions]).reshape(-1, m)
        return np.concatenate([slope.T @ rows, slope.sum(axis=0)[:, None]], axis=1)

    total = _total(sloped, parts)
    raw, ones = total[:, :window], total[:, window:]
    gradient = (raw - ones * features.whitening.mean) @ features.whitening.matrix
    if geometry.biased:
        gradient = np.concatenate([gradient, ones], axis=1)
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    return price, np.where(length > 0.0, gradient / np.maximum(length, 1e-300), directions)


def _total(work: Callable[[slice], NDArray[np.float32]], parts: list[slice]) -> _Array:
    """The sum of `work` over the parts, two at a time on two cores."""
    found: Any = 0.0
    for first in range(0, len(parts), 2):
        for value in at_once(work, parts[first : first + 2]):
            found = found + value.astype(np.float64)
    return np.asarray(found, dtype=np.float64)

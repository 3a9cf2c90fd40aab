"""Filters followed through a sequence of networks, so that one row of a figure is one filter all along a path."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..networks.network import Network

__all__ = ["follow_filters", "unit_rows"]

#: Filters of neighbouring networks are the same one if the cosine between them is at least this.
SAME_FILTER = 0.7

_Array = NDArray[np.float64]


def follow_filters(networks: Sequence[Network]) -> tuple[_Array, NDArray[np.int8], NDArray[np.int64]]:
    """Follow the filters ``||w_j||_1 u_j`` through a sequence of two-layer networks.

    Neighbours are matched one to one by the angle between filters whose largest output weights have the same sign and
    belong to the same output; a filter without a partner continues the track that was last like it, or starts a new
    one.

    Parameters
    ----------
    networks : sequence of Network
        Of one architecture, for example at decreasing beta.

    Returns
    -------
    tracks : ndarray, shape (B, T, h)
        Track t at position b; all zeros where the filter is dead.
    signs : ndarray, shape (T,)
        Sign of the output weight.
    outputs : ndarray, shape (T,)
        The output it belongs to, 0 if there is only one; sorted by output, then +1 first.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> networks = [Network(cnn, [[1.0, 0.0]], [1.0]), Network(cnn, [[1.0, 0.1], [0.0, 1.0]], [1.0, -1.0])]
    >>> tracks, signs, outputs = follow_filters(networks)
    >>> tracks.shape, signs.tolist(), outputs.tolist(), tracks[0, 1].tolist()
    ((2, 2, 2), [1, -1], [0, 0], [0.0, 0.0])
    """
    h = networks[0].drawn.shape[1] if networks else 0
    # sign times one more than the number of the output
    groups: list[int] = []
    last: list[_Array] = []
    rows: list[dict[int, _Array]] = []
    for network in networks:
        weights = network.weights.reshape(network.m, math.prod(network.weights.shape[1:]))
        filters = network.drawn * np.abs(weights).sum(axis=1)[:, None]
        own = np.where(network.signs > 0, 1, -1) * (1 + np.abs(weights).argmax(axis=1))
        row: dict[int, _Array] = {}
        matched: set[int] = set()
        if len(filters) and last:
            cosine = unit_rows(filters) @ unit_rows(np.array(last)).T
            cosine[own[:, None] != np.array(groups)[None, :]] = -2.0
            from scipy.optimize import linear_sum_assignment  # slow to import, and seldom needed first

            for j, t in np.transpose(linear_sum_assignment(-cosine)).tolist():
                if cosine[j, t] >= SAME_FILTER:
                    row[t] = last[t] = filters[j]
                    matched.add(j)
        for j in sorted(set(range(len(filters))) - matched):
            row[len(groups)] = filters[j]
            groups.append(int(own[j]))
            last.append(filters[j])
        rows.append(row)
    tracks = np.zeros((len(networks), len(groups), h))
    for b, row in enumerate(rows):
        for t, value in row.items():
            tracks[b, t] = value
    order = sorted(range(len(groups)), key=lambda t: (abs(groups[t]), -groups[t], t))
    group = np.array([groups[t] for t in order], dtype=np.int64)
    return tracks[:, order], np.sign(group).astype(np.int8), np.abs(group) - 1


def unit_rows(rows: _Array) -> _Array:
    """Rows divided by their length; zero rows stay zero.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(norms > 0.0, norms, 1.0)

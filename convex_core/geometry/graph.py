"""The cell graph: a node for every cell, an edge for every facet between two cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ..arrangement import Arrangement
from ..contracts.records import record
from ..errors import SizeError

__all__ = ["CellGraph", "cell_graph"]

#: the layout is an eigenvalue problem in as many variables as there are cells
MAX_CELLS = 2_000


@record
@dataclass(frozen=True, slots=True)
class CellGraph:
    """All cells of an arrangement and what is next to what.

    Attributes
    ----------
    edges : ndarray (E, 2) of int64
        Pairs p < q of patterns that differ in one hyperplane.
    hyperplanes : ndarray (E,) of int64
        That hyperplane, a row of ``merged.rows``.
    positions : ndarray (P, 2)
        Places in the plane, within [-1, 1]: the two slowest eigenvectors of the graph's Laplacian (Hall 1970).
    """

    edges: NDArray[np.int64]
    hyperplanes: NDArray[np.int64]
    positions: NDArray[np.float64]


def cell_graph(arrangement: Arrangement) -> CellGraph:
    """Graph of the cells of `arrangement` with a spectral layout.

    Raises
    ------
    SizeError
        If there are more than 2,000 cells.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> len(cell_graph(enumerate_patterns(np.eye(3))).edges)  # the corners of a cube
    12
    """
    P = arrangement.count
    if P > MAX_CELLS:
        raise SizeError(f"arrangement: got {P} cells, expected at most {MAX_CELLS}", predicted=P, limit=MAX_CELLS)
    facets = arrangement.facets()
    first = np.repeat(np.arange(P), np.diff(facets.offsets))
    once = first < facets.neighbours
    edges = np.column_stack([first, facets.neighbours])[once]
    laplacian = np.zeros((P, P))
    laplacian[first, facets.neighbours] = -1.0
    laplacian[np.arange(P), np.arange(P)] = np.diff(facets.offsets)
    positions = np.zeros((P, 2))
    last = min(2, P - 1)
    positions[:, :last] = eigh(laplacian, subset_by_index=[0, last])[1][:, 1:]
    positions /= np.maximum(np.abs(positions).max(axis=0), np.finfo(float).tiny)
    return CellGraph(edges, facets.hyperplanes[once], positions)

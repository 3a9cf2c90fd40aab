"""From blocks of the convex program to filters and weights, and pruning to at most n filters.

The map back itself belongs to the architecture (:meth:`Architecture.neurons`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture
from ..numerics.short_rows import in_parts, norms
from ..penalties import L2Penalty
from .network import Network, some_at_once, take

__all__ = ["balanced", "independent_atoms", "merge_same_cells", "prune", "recover"]

_Array = NDArray[np.float64]

# share of the outputs of a neuron below which what is not at no cost is rounding
_NOTHING_ELSE = 1e-10
# of n atoms that are kept already, the part of as many that join at once: each decomposition takes a little longer, and
# m - n atoms go with few of them
_JOINING = 4


def recover(
    architecture: Architecture,
    patches: _Array,
    C: _Array,
    sign: NDArray[np.int8],
    codes: NDArray[np.bool_] | None = None,
    *,
    relative_zero: float = 1e-8,
) -> Network:
    """Network of the blocks `C` (B, p) of output signs `sign` (B,) and the codes (B, N) of the cells of `patches`.

    Blocks with ``||c|| <= relative_zero * max ||c||`` are negligible, left by an interior-point method, and dropped.
    The codes may be left out where the architecture's neurons do not depend on them.
    """
    norms = architecture.penalty.norm(C)
    active = norms > relative_zero * norms.max(initial=0.0)
    cells = np.zeros((len(C), 0), dtype=bool) if codes is None else codes
    return Network.from_parameters(architecture, architecture.neurons(C[active], sign[active], cells[active], patches))


def balanced(network: Network) -> Network:
    """The same function at the least regulariser that rescaling the neurons can reach."""
    architecture = network.architecture
    return Network.from_parameters(architecture, architecture.balanced(network.parameters), network.free)


def prune(
    network: Network, patches: _Array, *, relative_zero: float = 1e-9, stop: Callable[[], bool] = lambda: False
) -> Network:
    """The network reduced to linearly independent neurons, hence at most n, by :func:`independent_atoms`.

    Where a part of the outputs costs nothing, neurons count beside it: it takes up what they had in common with it.

    Parameters
    ----------
    network : Network
        Any network; it is balanced first.
    patches : (K, n, h) float64
        The training patches.
    relative_zero, stop
        As in :func:`independent_atoms`.
    """
    architecture = network.architecture
    network = balanced(network)
    size = network.costs
    parts: list[_Array] = []
    for some in some_at_once(patches, network.m):
        if parts and stop():
            return network
        parts.append(architecture.outputs(patches, take(network.parameters, some)))
    outputs = np.concatenate(parts, axis=1) if parts else architecture.outputs(patches, network.parameters)
    columns = architecture.free_columns(patches)
    if columns.shape[1]:
        along = np.linalg.lstsq(columns, outputs, rcond=None)[0]
        whole = np.linalg.norm(outputs, axis=0)
        outputs = outputs - columns @ along
        # of a neuron that does nothing else, rounding is left, which its cost of nearly zero would magnify
        outputs[:, np.linalg.norm(outputs, axis=0) <= _NOTHING_ELSE * whole] = 0.0
    unit = outputs / size
    keep, new = independent_atoms(unit, size, relative_zero=relative_zero, stop=stop)
    kept = {name: array[keep] for name, array in network.parameters.items()}
    factor = new / size[keep]
    free = network.free + (along.sum(axis=1) - along[:, keep] @ factor if columns.shape[1] else 0.0)
    return Network.from_parameters(architecture, architecture.scaled(kept, factor), free)


def merge_same_cells(network: Network, patches: _Array, *, relative_zero: float = 1e-6) -> Network:
    """The same function with the filters of one cell, and one sign, added up; negligible neurons go.

    Where no hyperplane has one filter on its positive side and another on its negative one, atoms that are sums over
    hyperplanes add up, as in ``(X c)_+ + (X c')_+ = (X (c + c'))_+``, and ``||c + c'|| <= ||c|| + ||c'||``: outputs
    stay, the penalty does not grow. Networks with other atoms, or another norm, lose their negligible neurons only.

    Parameters
    ----------
    network : Network
        m neurons.
    patches : (K, n, h) array
        Patch matrices.
    relative_zero : float
        A neuron is negligible below this share of the largest.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((2,), 2))
    >>> twice = Network(cnn, [[1.0, 0.0], [0.0, 1.0]], [2.0, 2.0])
    >>> merge_same_cells(twice, np.array([[[1.0, 1.0]]])).m
    1
    """
    sizes = network.sizes
    kept = np.flatnonzero(sizes > relative_zero * sizes.max(initial=0.0))
    network = Network.from_parameters(network.architecture, take(network.parameters, kept), network.free)
    architecture = network.architecture
    if network.m < 2 or not _adds_up(architecture, patches):
        return network
    c = network.filters * np.abs(network.weights)[:, None]
    by_filter = _sides(architecture.hyperplanes(patches), c)
    groups: list[tuple[float, NDArray[np.int8], list[int]]] = []
    for j in np.argsort(-network.sizes, kind="stable"):
        own = by_filter[j]
        for number, (sign, side, members) in enumerate(groups):
            if sign == network.signs[j] and (side * own).min(initial=0) >= 0:
                groups[number] = (sign, np.where(side == 0, own, side), [*members, int(j)])
                break
        else:
            groups.append((float(network.signs[j]), own, [int(j)]))
    total = np.array([c[members].sum(axis=0) for _, _, members in groups])
    signs = np.array([sign for sign, _, _ in groups], dtype=np.int8)
    return recover(architecture, patches, total, signs, relative_zero=0.0).with_free(network.free)


def _sides(rows: _Array, c: _Array) -> NDArray[np.int8]:
    """The side of each row (N, p) that each filter (m, p) is on, (m, N); 0 on its hyperplane, between two cells.

    One run of bytes for each filter: every pair is compared over all rows.
    """
    sides = np.empty((len(c), len(rows)), dtype=np.int8)
    length = np.linalg.norm(c, axis=1)[:, None]

    def fill(part: slice) -> None:
        scores = c @ rows[part].T
        sides[:, part] = np.where(np.abs(scores) <= 1e-9 * (length * norms(rows[part])), 0.0, np.sign(scores))

    in_parts(fill, len(rows), rows.shape[1] + len(c))
    return sides


def _adds_up(architecture: Architecture, patches: _Array) -> bool:
    """Whether a filter times the size of its weight is a block, and blocks of one cell are one."""
    p = architecture.design(patches[:, :1]).shape[2]
    if architecture.shapes != {"filters": (p,), "weights": ()} or not isinstance(architecture.penalty, L2Penalty):
        return False
    return architecture.ridge_coefficients(np.zeros(patches.shape[1]), patches) is not None


def independent_atoms(
    Phi: _Array, size: _Array, *, relative_zero: float = 1e-9, stop: Callable[[], bool] = lambda: False
) -> tuple[NDArray[np.intp], _Array]:
    r"""Choose linearly independent atoms with the same outputs and no larger penalty.

    While the atom matrix :math:`\Phi \in R^{n \times m}` has a null vector z, moving the sizes :math:`a \ge 0` along z
    keeps the outputs :math:`\Phi a`. At an optimum :math:`\sum_j z_j = 0` (every active atom has
    :math:`v^T \varphi = \beta`), elsewhere the sign of z is chosen so that :math:`\sum_j a_j` does not grow. The step
    ends when a size reaches zero, and that atom is dropped. Source: theory of m* <= n, Caratheodory's argument.

    Parameters
    ----------
    Phi : (n, m)
        Signed outputs of the unit filters.
    size : (m,)
        Sizes ``a > 0``.
    relative_zero : float
        Columns are dependent when their smallest singular value (of unit columns) is below this share of the largest.
    stop : callable
        Asked before every decomposition whether to end with the atoms left so far, which may be dependent.

    Returns
    -------
    keep : (k,) int
        Positions of the atoms kept, k <= n unless it was stopped.
    size : (k,) float64
        Their new sizes.

    Examples
    --------
    >>> keep, size = independent_atoms(np.array([[1.0, 2.0, 2.0]]), np.array([2.0, 1.0, 1.0]))
    >>> float(np.array([1.0, 2.0, 2.0])[keep] @ size), float(size.sum())
    (6.0, 3.0)
    """
    size = size.copy()
    length = np.linalg.norm(Phi, axis=0)
    # an atom that is zero on the data only costs
    order = np.flatnonzero(length > relative_zero * length.max(initial=0.0))
    order = order[np.argsort(-size[order], kind="stable")]
    keep, rest = order[:0], order
    while True:
        if len(keep) and stop():
            left = np.append(keep, rest)
            return left, size[left]
        null = _null_space(Phi[:, keep] / length[keep], relative_zero)
        if null.shape[1] == 0:  # independent so far: more atoms join, up to n, or some at once where n are kept already
            if not len(rest):
                return keep, size[keep]
            joining = max(len(Phi) - len(keep), 1 + len(Phi) // _JOINING)
            keep, rest = np.append(keep, rest[:joining]), rest[joining:]
            continue
        while null.shape[1]:
            z = null[:, -1] / length[keep]
            if z.sum() > 0.0:
                z = -z
            falling = z < 0.0
            ratios = np.full(len(keep), np.inf)
            ratios[falling] = size[keep][falling] / -z[falling]
            leave = int(np.argmin(ratios))
            moved = np.maximum(size[keep] + ratios[leave] * z, 0.0)
            moved[leave] = 0.0
            size[keep] = moved
            for gone in np.flatnonzero(moved == 0.0):
                null = _without(null, int(gone))
            null, keep = null[moved > 0.0], keep[moved > 0.0]


def _null_space(columns: _Array, relative_zero: float) -> _Array:
    """Orthonormal basis (m, d) of the vectors z with ``columns @ z = 0``."""
    n, m = columns.shape
    if m == 0:
        return np.zeros((0, 0))
    _, singular, Vt = np.linalg.svd(columns, full_matrices=m > n)
    rank = int(np.count_nonzero(singular > relative_zero * singular[0]))
    null: _Array = Vt[rank:].T
    return null


def _without(basis: _Array, row: int) -> _Array:
    """Orthonormal basis of the vectors in the span of `basis` (m, d) that are zero in `row`."""
    entries = basis[row]
    length = float(np.linalg.norm(entries))
    if length <= 1e-12:  # they all are
        return basis
    # a reflection takes the row to a multiple of the last unit vector, whose column is then left out
    mirror = entries.copy()
    mirror[-1] += length if mirror[-1] >= 0.0 else -length
    mirror /= np.linalg.norm(mirror)
    return basis[:, :-1] - 2.0 * np.outer(basis @ mirror, mirror[:-1])

r"""The best network whose neurons stay in their cells: where an optimum has its filters on the walls of cells.

On its cell a neuron is bilinear in its weights and its filter, and the cell is a cone, so that

.. math:: \min_{u, w} \; \ell\Big(\sum_j T_j(w_j, u_j),\, y\Big) + \tfrac\beta2 \sum_j (\|u_j\|^2 + \|w_j\|^2)
   \quad \text{s.t. } A_j u_j \ge 0

is smooth where the loss is, kinks and all: they are the constraints. Descent on the network itself ends at the first
kink that it meets. The minimum is a local one, found by sequential quadratic programs (SLSQP; D. Kraft, A software
package for sequential quadratic programming, DFVLR-FB 88-28, 1988).
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ..architectures import in_cells_of
from ..networks.network import Network
from ..problem import Problem
from ..progress import Budget

__all__ = ["settle"]

_Array = NDArray[np.float64]

# entries of the constraints, and parameters, beyond which the quadratic programs take seconds
_ENTRIES, _PARAMETERS = 250_000, 200
_STEPS, _GAIN = 200, 1e-15


class _OverError(Exception):
    """The time is over, inside a minimisation."""


def settle(problem: Problem, network: Network, *, budget: Budget | None = None) -> Network:
    """The network moved to the best one nearby whose neurons stay in their cells; itself where that is no better.

    Parameters
    ----------
    problem : Problem
        Of an architecture that says what its neurons are in their cells (``in_cells``); with others nothing is moved.
    network : Network
        Where it begins.
    budget : Budget, optional
        Time limit and cancel flag; what is cut short moves nothing.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> data = load_dataset("shift", n=4, d=4)
    >>> problem = Problem.from_dataset(data, filter_size=2, stride=2, architecture="flatten", relaxation="lifted")
    >>> network = solve(problem).network
    >>> bool(problem.objective(settle(problem, network)) <= problem.objective(network))
    True
    """
    from scipy.optimize import LinearConstraint, minimize  # slow to import: only this route pays for it

    found = in_cells_of(problem.architecture, problem.patches, network.parameters)
    if found is None or network.m == 0:
        return network
    maps, rows = found
    m, R, h = rows.shape
    r = maps.shape[2]
    if m * (h + r) > _PARAMETERS or m * R * m * (h + r) > _ENTRIES:
        return network
    constraint = np.zeros((m, R, m * (h + r)))
    for j in range(m):
        constraint[j, :, j * h : (j + 1) * h] = rows[j]
    A = constraint.reshape(m * R, -1)
    A = A[np.any(A != 0.0, axis=1)]

    def objective(x: _Array) -> tuple[float, _Array]:
        if budget is not None and budget.stop() is not None:
            raise _OverError
        u, w = x[: m * h].reshape(m, h), x[m * h :].reshape(m, r)
        by_weight = np.einsum("mnrh,mh->mnr", maps, u)
        f = np.einsum("mnr,mr->n", by_weight, w)
        back = problem.loss.gradient(f, problem.y)
        slope = np.concatenate(
            [np.einsum("mnrh,mr,n->mh", maps, w, back).ravel(), np.einsum("mnr,n->mr", by_weight, back).ravel()]
        )
        return problem.loss.value(f, problem.y) + 0.5 * problem.beta * float(x @ x), slope + problem.beta * x

    begin = np.concatenate([network.filters.ravel(), network.weights.ravel()])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # SLSQP clips what is outside by a rounding
            end = minimize(
                objective, begin, jac=True, method="SLSQP", options={"maxiter": _STEPS, "ftol": _GAIN},
                constraints=LinearConstraint(A, 0.0, np.inf),
            ).x  # fmt: skip
    except _OverError:
        return network
    if not np.isfinite(end).all():
        return network
    parameters = {"filters": end[: m * h].reshape(m, h), "weights": end[m * h :].reshape(m, r)}
    moved = problem.fitted(Network.from_parameters(problem.architecture, parameters))
    return min([network, moved], key=problem.objective)

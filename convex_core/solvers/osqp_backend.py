r"""OSQP, where the problem really is a quadratic program.

With the unit directions fixed, training the output weights is a non-negative lasso,

.. math:: \min_{a \ge 0} \; \tfrac12 \|\Phi a - y\|_2^2 + \beta \sum_j a_j , \qquad \Phi = [\sigma_j \varphi_{u_j}]_j ,

and its dual over those finitely many atoms is the projection

.. math:: \max_v \; v^T y - \tfrac12 \|v\|_2^2 \quad \text{s.t. } \Phi^T v \le \beta .

Both have the same value, which is an upper bound on the global optimum (fewer filters are allowed), never a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import osqp
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..architectures import Architecture
from ..errors import BackendError
from ..losses import SquaredLoss
from ..network import Network
from ..problem import Problem
from ..validation import finite_array, integer, positive_number

__all__ = ["FixedDirections", "QPSolution"]

_Array = NDArray[np.float64]
_TOL = 1e-9


@dataclass(frozen=True, slots=True)
class QPSolution:
    """Solution of one of the two programs.

    Attributes
    ----------
    x : ndarray
        Sizes a (m,) of the lasso, or dual vector v (n,).
    objective : float
        Value of the program at `x`, computed from `x`.
    solved : bool
        Whether OSQP claims full accuracy.
    iterations : int
        Its iterations.
    """

    x: _Array
    objective: float
    solved: bool
    iterations: int


class FixedDirections:
    """The training problem with the filters' directions fixed, re-solved quickly for one beta after another.

    Parameters
    ----------
    problem : Problem
        With the squared loss.
    directions : (m, h)
        Filters; only their directions matter.
    sign : (m,)
        Output sign of each, +1 or -1.

    Raises
    ------
    BackendError
        If the loss is not the squared loss: OSQP accepts quadratic programs only.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> solution = solve(problem)
    >>> fixed = FixedDirections(problem, solution.network.filters, solution.network.weights)
    >>> abs(fixed.solve().objective - solution.objective) < 1e-5
    True
    """

    def __init__(self, problem: Problem, directions: ArrayLike, sign: ArrayLike) -> None:
        if not isinstance(problem.loss, SquaredLoss):
            raise BackendError(f"OSQP: got loss {problem.loss.name!r}, expected the squared loss (a quadratic program)")
        U = finite_array(directions, "directions", ndim=2)
        self._architecture: Architecture = problem.architecture
        self._unit = U / np.maximum(np.linalg.norm(U, axis=1, keepdims=True), np.finfo(float).tiny)
        self._sign = np.sign(finite_array(sign, "sign", ndim=1))
        self._y = problem.y
        self._beta = problem.beta
        self._Phi = self._sign * problem.architecture.atoms(problem.patches, self._unit)
        self._solver: osqp.OSQP | None = None

    def solve(self, beta: float | None = None, *, max_iter: int = 20_000) -> QPSolution:
        """Sizes ``a >= 0`` at `beta` (the problem's own if None), warm-started from the previous call."""
        beta = self._beta if beta is None else positive_number(beta, "beta")
        n, m = self._Phi.shape
        q = np.concatenate([np.zeros(n), np.full(m, beta)])
        if self._solver is None:
            # variables (z, a) with z = Phi a - y keep the Hessian diagonal and the factor sparse
            P = sparse.csc_matrix(sparse.block_diag([sparse.eye_array(n), sparse.csc_matrix((m, m))]))
            A = sparse.vstack(
                [
                    sparse.hstack([-sparse.eye_array(n), sparse.csc_matrix(self._Phi)]),
                    sparse.hstack([sparse.csc_matrix((m, n)), sparse.eye_array(m)]),
                ],
                format="csc",
            )
            low = np.concatenate([self._y, np.zeros(m)])
            high = np.concatenate([self._y, np.full(m, np.inf)])
            self._solver = _setup(P, q, A, low, high, max_iter)
        else:
            self._solver.update(q=q)
        answer = self._solver.solve(raise_error=False)
        a = np.maximum(np.nan_to_num(np.asarray(answer.x)[n:]), 0.0)
        residual = self._Phi @ a - self._y
        value = 0.5 * float(residual @ residual) + beta * float(a.sum())
        return QPSolution(a, value, answer.info.status == "solved", int(answer.info.iter))

    def solve_dual(self, beta: float | None = None, *, max_iter: int = 20_000) -> QPSolution:
        """Dual vector v at `beta`: the projection of y on ``{v : Phi.T v <= beta}``."""
        beta = self._beta if beta is None else positive_number(beta, "beta")
        n, m = self._Phi.shape
        solver = _setup(
            sparse.csc_matrix(sparse.eye_array(n)),
            -self._y,
            sparse.csc_matrix(self._Phi.T),
            np.full(m, -np.inf),
            np.full(m, beta),
            integer(max_iter, "max_iter"),
        )
        answer = solver.solve(raise_error=False)
        v = np.nan_to_num(np.asarray(answer.x))
        return QPSolution(v, float(v @ self._y - 0.5 * (v @ v)), answer.info.status == "solved", int(answer.info.iter))

    def network(self, a: ArrayLike) -> Network:
        """The network with sizes `a` (m,) on the fixed directions."""
        size = finite_array(a, "a", ndim=1)
        alive = size > 0.0
        root = np.sqrt(size[alive])
        return Network(self._architecture, self._unit[alive] * root[:, None], self._sign[alive] * root)


def _setup(
    P: sparse.csc_matrix, q: _Array, A: sparse.csc_matrix, low: _Array, high: _Array, max_iter: int
) -> osqp.OSQP:
    solver = osqp.OSQP()
    solver.setup(
        sparse.csc_matrix(P),
        q,
        sparse.csc_matrix(A),
        low,
        high,
        verbose=False,
        eps_abs=_TOL,
        eps_rel=_TOL,
        max_iter=max_iter,
        polishing=True,
    )
    return solver

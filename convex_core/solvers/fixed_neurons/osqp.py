r"""OSQP, where the problem really is a quadratic program.

With the neurons fixed but for their sizes, training is

.. math:: \min_{a \ge 0} \; \ell(\Phi a, y) + \beta \sum_j a_j , \qquad \Phi = [\varphi_j]_j ,

where the neurons have outputs :math:`\varphi_j` at cost 1 (for two layers :math:`\pm \varphi_{u_j}` with unit
directions); for the squared loss it is a non-negative lasso. Its dual over those finitely many atoms is

.. math:: \max_v \; -\ell^*(-v) \quad \text{s.t. } \Phi^T v \le \beta .

Both have the same value, which is an upper bound on the global optimum (fewer filters are allowed), never a lower one.

OSQP takes linear constraints and convex quadratic objectives. With the loss as the least value over the auxiliaries of
such a program in :math:`x = (f - \text{shift}, \text{auxiliaries})` (:class:`LossForm`), and E the first n columns of
the identity, the two are

.. math::
   \min_{x,\, a \ge 0} \tfrac12 x^T P x + q^T x + \beta\, 1^T a
   \quad \text{s.t. } E^T x + \text{shift} = \Phi a,\; A x \le b,

   \min_{x,\, v,\, \mu \ge 0} \tfrac12 x^T P x + b^T \mu - \text{shift}^T v
   \quad \text{s.t. } P x + A^T \mu + E v = -q,\; \Phi^T v \le \beta .
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ...contracts.records import record
from ...contracts.validation import check_arguments, finite_array, integer, positive_number
from ...errors import BackendError
from ...networks.network import Network
from ...problem import Problem
from .base import FixedNeurons

__all__ = ["FixedDirections", "QPSolution", "is_quadratic"]

_Array = NDArray[np.float64]
_ACCURACY = 1e-9


@record
@dataclass(frozen=True, slots=True)
class QPSolution:
    """Solution of one of the two programs.

    Attributes
    ----------
    x : ndarray
        Sizes a (m,), or dual vector v (n,).
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


def is_quadratic(problem: Problem) -> bool:
    """Whether OSQP takes the loss: one of linear and quadratic pieces."""
    return not _others(problem)


def _others(problem: Problem) -> list[str]:
    """The cones of the loss that OSQP does not take."""
    return sorted({kind for kind, _ in problem.loss.form(problem.y).cones} - {"zero", "nonnegative"})


class FixedDirections:
    """The training problem with the neurons fixed but for their sizes, re-solved quickly for one beta after another.

    Parameters
    ----------
    problem : Problem
        With a loss of linear and quadratic pieces: squared, hinge, absolute or Huber.
    network : Network
        Its neurons are fixed but for their sizes.

    Raises
    ------
    BackendError
        If the loss needs other cones than half-lines (logistic): OSQP accepts quadratic programs only.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> solution = solve(problem)
    >>> fixed = FixedDirections(problem, solution.network)
    >>> abs(fixed.solve().objective - solution.objective) < 1e-5
    True
    """

    def __init__(self, problem: Problem, network: Network) -> None:
        check_arguments("FixedDirections", problem=(problem, Problem), network=(network, Network))
        if not is_quadratic(problem):
            raise BackendError(
                f"OSQP: got the {problem.loss.name} loss, which needs {' and '.join(_others(problem))} cones, "
                "expected a loss of linear and quadratic pieces"
            )
        self._problem = problem
        self._neurons = FixedNeurons(problem, network)
        self._Phi = self._neurons.Phi
        # units as in program.assemble: f = s f', loss = e loss', Phi = g Phi', a = (s / g) a'
        self._units = *problem.loss.units(problem.y), float(np.abs(self._Phi).max(initial=0.0)) or 1.0
        self._form = problem.loss.form(problem.y).in_units(*self._units[:2])
        self._program: _Program | None = None
        self._network = network

    def __reduce__(self) -> tuple[type[FixedDirections], tuple[Problem, Network]]:
        return FixedDirections, (self._problem, self._network)  # OSQP's workspace cannot be pickled

    def __repr__(self) -> str:
        return f"FixedDirections({self._problem!r}, {self._Phi.shape[1]} neurons)"

    def solve(self, beta: float | None = None, *, max_iter: int = 20_000) -> QPSolution:
        """Sizes ``a >= 0`` at `beta` (the problem's own if None), warm-started from the previous call."""
        beta = self._problem.beta if beta is None else positive_number(beta, "beta")
        output, value, gate = self._units
        form, (n, m) = self._form, self._Phi.shape
        k = len(form.q)
        q = np.concatenate([form.q, np.full(m, beta * output / (gate * value))])
        if self._program is None:
            # the variables (x, a) keep the Hessian diagonal and the factor sparse
            P = sparse.block_diag([form.P, sparse.csc_matrix((m, m))])
            A = _stack(
                [-sparse.eye_array(n, k), sparse.csc_matrix(self._Phi / gate)],
                [form.A, sparse.csc_matrix((form.A.shape[0], m))],
                [sparse.csc_matrix((m, k)), sparse.eye_array(m)],
            )
            low = np.concatenate([form.shift, self._lowest(), np.zeros(m)])
            high = np.concatenate([form.shift, form.b, np.full(m, np.inf)])
            self._program = _Program(P, A, low, high, integer(max_iter, "max_iter", minimum=10), 1e-3)
        x, solved, iterations = self._program.minimise(q)
        a = np.maximum(x[k:], 0.0) * (output / gate)
        objective = self._problem.loss.value(self._Phi @ a, self._problem.y) + beta * float(a.sum())
        return QPSolution(a, objective, solved, iterations)

    def sizes(self, beta: float) -> _Array:
        """The sizes of :meth:`solve`."""
        return self.solve(beta).x

    def solve_dual(self, beta: float | None = None, *, max_iter: int = 200_000) -> QPSolution:
        """Dual vector v at `beta`, feasible over these atoms, from the dual program."""
        beta = self._problem.beta if beta is None else positive_number(beta, "beta")
        output, value, gate = self._units
        form, (n, m) = self._form, self._Phi.shape
        k, rows = len(form.q), form.A.shape[0]
        program = _Program(
            sparse.block_diag([form.P, sparse.csc_matrix((n + rows, n + rows))]),
            _stack(
                [form.P, sparse.eye_array(k, n), form.A.T],
                [sparse.csc_matrix((m, k)), sparse.csc_matrix(self._Phi.T / gate), sparse.csc_matrix((m, rows))],
                [sparse.csc_matrix((rows, k + n)), sparse.eye_array(rows)],
            ),
            np.concatenate([-form.q, np.full(m, -np.inf), np.where(np.isinf(self._lowest()), 0.0, -np.inf)]),
            np.concatenate([-form.q, np.full(m, beta * output / (gate * value)), np.full(rows, np.inf)]),
            integer(max_iter, "max_iter", minimum=10),
            1e-1,
        )
        x, solved, iterations = program.minimise(np.concatenate([np.zeros(k), -form.shift, form.b]))
        loss, y = self._problem.loss, self._problem.y
        v = loss.feasible(x[k : k + n] * (value / output), y)
        v = v * min(1.0, beta / max(float((self._Phi.T @ v).max(initial=0.0)), np.finfo(float).tiny))
        return QPSolution(v, loss.dual_value(v, y), solved, iterations)

    def _lowest(self) -> _Array:
        """Lower bounds of the rows of the loss: b where the cone is zero, else none."""
        kinds = np.repeat([kind for kind, _ in self._form.cones], [size for _, size in self._form.cones])
        return np.where(kinds == "nonnegative", -np.inf, self._form.b)

    def network(self, a: ArrayLike) -> Network:
        """The network with sizes `a` (m,) of the fixed neurons."""
        return self._neurons.network(np.maximum(finite_array(a, "a", ndim=1), 0.0))


def _stack(*rows: list[Any]) -> sparse.csc_matrix:
    """A matrix of sparse blocks."""
    return sparse.csc_matrix(sparse.vstack([sparse.hstack(row) for row in rows]))


class _Program:
    """Minimise ``0.5 x'Px + q'x`` subject to ``low <= A x <= high``, for one q after another, warm-started.

    OSQP crawls on a program without any quadratic term, so a linear one is solved by proximal steps,
    ``x <- argmin q'x + near / 2 ||x - x_before||^2``, which end after finitely many. What a step leaves in the
    condition of optimality is ``near`` times its length.
    """

    def __init__(self, P: Any, A: sparse.csc_matrix, low: _Array, high: _Array, max_iter: int, near: float) -> None:
        self._near = near if P.nnz == 0 else 0.0
        self._x = np.zeros(P.shape[0])
        self._max_iter = max_iter
        import osqp  # slow to import: only this backend pays for it

        self._solver = osqp.OSQP()
        self._solver.setup(
            sparse.csc_matrix(P + self._near * sparse.eye_array(len(self._x))),
            self._x,
            sparse.csc_matrix(A),
            low,
            high,
            verbose=False,
            eps_abs=_ACCURACY,
            eps_rel=_ACCURACY,
            max_iter=max_iter // 10 if self._near else max_iter,
            polishing=True,
        )

    def minimise(self, q: _Array) -> tuple[_Array, bool, int]:
        """Minimiser, whether OSQP claims full accuracy, and its iterations, at most twice the limit."""
        iterations = 0
        while True:
            before = self._x
            self._solver.update(q=q - self._near * before)
            answer = self._solver.solve(raise_error=False)
            iterations += int(answer.info.iter)
            solved = answer.info.status == "solved"
            self._x = np.nan_to_num(np.asarray(answer.x))
            steady = bool(self._near * np.abs(self._x - before).max() <= _ACCURACY)
            if steady or iterations >= self._max_iter:
                return self._x, solved and steady, iterations

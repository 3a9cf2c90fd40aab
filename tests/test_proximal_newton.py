"""Newton's method for the restricted master with any smooth loss: Clarabel's values, and no conic call."""

import numpy as np
import pytest
from few_cases import few
from sklearn.datasets import load_digits

from convex_core import Problem, Status, solve
from convex_core.losses import HuberLoss, LogisticLoss, SoftmaxLoss, SquaredLoss
from convex_core.program import all_cone_rows, assemble
from convex_core.progress import Budget
from convex_core.solvers.backends.clarabel import solve_clarabel
from convex_core.solvers.master import restricted
from convex_core.solvers.master.proximal_newton import proximal_newton
from convex_core.solvers.master.semismooth import NewtonState, semismooth_newton
from convex_core.solvers.search import enumerated_pricer


def targets(loss, rng, n=8, q=3):
    """Targets (n,) or (n, q) that the loss takes."""
    if loss.name == "softmax":
        return np.eye(q)[np.arange(n) % q]
    return np.where(rng.standard_normal(n) > 0, 1.0, -1.0) if loss.name == "logistic" else rng.standard_normal(n)


EACH = pytest.mark.parametrize(
    "loss", [SoftmaxLoss(), LogisticLoss(), HuberLoss(0.5), SquaredLoss()], ids=lambda loss: loss.name
)


@EACH
def test_the_second_derivative_is_the_slope_of_the_first(loss):
    rng = np.random.default_rng(0)
    y = targets(loss, rng).ravel()
    f, A, step = rng.standard_normal(y.size), rng.standard_normal((y.size, 2)), 1e-6
    slope = np.stack([loss.gradient(f + step * a, y) - loss.gradient(f - step * a, y) for a in A.T], axis=1) / 2 / step
    np.testing.assert_allclose(loss.hessian_times(f, y, A), slope, atol=1e-8)


@EACH
@pytest.mark.parametrize("seed", few(range(3)))
def test_over_all_cells_it_finds_what_clarabel_finds(loss, seed):
    rng = np.random.default_rng(seed)
    y = targets(loss, rng)
    problem = Problem(rng.standard_normal((8, 4)), y, filter_size=2, beta=0.3, loss=loss)
    factory = enumerated_pricer(problem, budget=Budget(), max_patterns=10_000).factory
    pricer = enumerated_pricer(problem, budget=Budget(), max_patterns=10_000)
    price = pricer.price(-loss.gradient(0.0 * problem.y, problem.y), floor=0.0, want=60, budget=Budget(), slack=0.0)
    blocks = price.columns
    start = NewtonState(np.zeros((len(blocks), factory.p)), -loss.gradient(0.0 * problem.y, problem.y))
    answer = proximal_newton(blocks, problem.y, 0.3, loss, start, tol=1e-9, budget=Budget())
    assert answer.error <= 1e-9
    program = assemble(blocks, problem.y, 0.3, all_cone_rows(blocks), loss=loss, penalty=problem.architecture.penalty)
    other = solve_clarabel(program, tol=1e-10, budget=Budget()).C

    def objective(C):
        return loss.value(factory.outputs(blocks, C), problem.y) + 0.3 * np.linalg.norm(C, axis=1).sum()

    assert objective(answer.C) == pytest.approx(objective(other), rel=1e-8)
    assert (blocks.sides * (answer.C @ blocks.rows.T) >= -1e-12).all()
    if loss.name == "squared":
        same = semismooth_newton(blocks, problem.y, 0.3, start, tol=1e-9, budget=Budget())
        assert objective(answer.C) == pytest.approx(objective(same.C), rel=1e-9)


@pytest.mark.slow
def test_ten_classes_are_learned_without_a_conic_solver(monkeypatch):
    def never(*_, **__):
        raise AssertionError("a round asked the conic solver")

    monkeypatch.setattr(restricted, "solve_with_lazy_rows", never)
    data = load_digits()
    X, y = data.data[:20] / 16.0, np.eye(10)[data.target[:20]]
    problem = Problem(X, y, loss="softmax", input_shape=(8, 8), filter_size=2, stride=3, beta=0.3)
    solution = solve(problem, tol=1e-3)
    assert solution.status is Status.OPTIMAL
    assert (np.asarray(solution.predict(X)).argmax(axis=1) == data.target[:20]).mean() > 0.9

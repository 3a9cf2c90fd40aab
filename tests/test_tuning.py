"""Optimisers compared: steps against plain loops, the choice against every run by itself, and what ends one early."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from test_sgd import first_steps, problem

from convex_core import InputError, Problem, SizeError, Status, compare_optimisers, load_dataset, solve, train_sgd
from convex_core.training.sgd import LEARNING_RATES, OPTIMISERS, sgd_steps, tuning

GRID = (0.001, 0.01, 0.03)
SHORT = {"learning_rates": GRID, "m": 4, "seeds": (3, 5), "iterations": 60}


def plain_gradient(case, U, w, batch):
    """Gradient of the objective with a batch in place of all samples, one product after the other."""
    gradient_U, gradient_w = case.beta * U, case.beta * w
    for i in batch:
        f = sum(w[j] * max(x @ U[j], 0.0) for j in range(len(w)) for x in case.patches[:, i])
        for j in range(len(w)):
            for x in case.patches[:, i]:
                if x @ U[j] >= 0:
                    gradient_U[j] += case.n / len(batch) * (f - case.y[i]) * w[j] * x
                    gradient_w[j] += case.n / len(batch) * (f - case.y[i]) * (x @ U[j])
    return np.concatenate([gradient_U.ravel(), gradient_w])


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [2, 5])
def test_steps_of_each_optimiser_are_those_of_a_plain_loop(optimiser, batch_size):
    case, steps = problem(1, n=5), 12
    options = {"learning_rate": 0.01, "momentum": 0.8, "batch_size": batch_size, "batch_seed": 9, "iterations": steps}
    states = first_steps(case, optimiser=optimiser, **options)
    U, w = states[0]
    rng = np.random.default_rng(9)
    orders = [rng.permutation(5) for _ in range(steps)]
    batches = [order[k : k + 2] for order in orders for k in (0, 2)] if batch_size == 2 else [range(5)] * steps
    theta, first, second = np.concatenate([U.ravel(), w]), 0.0, 0.0
    for t, batch in enumerate(batches[:steps], start=1):
        g = plain_gradient(case, theta[: U.size].reshape(U.shape), theta[U.size :], batch)
        if optimiser == "sgd":
            first = 0.8 * first + g
            theta = theta - 0.01 * first
        else:
            first, second = 0.8 * first + 0.2 * g, 0.999 * second + 0.001 * g * g
            theta = theta - 0.01 * (first / (1 - 0.8**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(states[t][0].ravel(), theta[: U.size], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(states[t][1], theta[U.size :], rtol=1e-12, atol=1e-12)


def test_without_momentum_it_is_plain_gradient_descent():
    case = problem(2)
    (U, w), (U1, w1) = first_steps(case, momentum=0.0, learning_rate=0.01, batch_size=7)
    g = plain_gradient(case, U, w, range(7))
    np.testing.assert_allclose(np.concatenate([U1.ravel(), w1]), np.concatenate([U.ravel(), w]) - 0.01 * g, rtol=1e-12)


def test_the_least_of_the_grid_is_chosen_and_each_entry_is_a_run_by_itself():
    case = problem(3)
    found = compare_optimisers(case, **SHORT)
    assert [run.optimiser for run in found.runs] == ["plain", "momentum", "adam"]
    for run in found.runs:
        _, optimiser, momentum = OPTIMISERS[run.optimiser]
        for rate, row in zip(GRID, run.objective, strict=True):
            alone = train_sgd(
                case,
                optimiser=optimiser,
                momentum=momentum,
                learning_rate=rate,
                m=4,
                seeds=(3, 5),
                iterations=60,
                dense_start=True,
            )
            np.testing.assert_allclose(row, alone.best_objective, rtol=1e-10)
            if rate == run.learning_rate:
                np.testing.assert_allclose(run.result.objective, alone.objective, rtol=1e-9)
                assert run.result.settings == alone.settings
        assert run.best_objective == run.objective.min()
        assert run.best_objective == pytest.approx(case.objective(run.result.best_networks[run.result.best]), rel=1e-12)
        assert run.learning_rate == GRID[run.objective.min(axis=1).argmin()]
        assert run.at_edge == (run.learning_rate != 0.01)
        assert run.steps == 60 * 2 * 3
    assert found.runs[found.best].best_objective == min(run.best_objective for run in found.runs)


def test_a_grid_is_sorted_and_a_tie_goes_to_the_smallest_step():
    case = problem(3)
    found = compare_optimisers(case, **SHORT | {"learning_rates": GRID[::-1]})
    assert found.runs[0].learning_rates == GRID
    # steps that change nothing
    still = compare_optimisers(case, **SHORT | {"learning_rates": [1e-30, 1e-40]})
    assert [run.learning_rate for run in still.runs] == [1e-40] * 3
    assert all(np.ptp(run.objective, axis=0).max() == 0.0 for run in still.runs)


def test_what_diverges_is_not_chosen_and_does_not_disturb_the_others():
    case = problem(3)
    found = compare_optimisers(case, **SHORT | {"learning_rates": [0.01, 1e9]})
    alone = compare_optimisers(case, **SHORT | {"learning_rates": [0.01]})
    for run, other in zip(found.runs, alone.runs, strict=True):
        assert run.learning_rate == 0.01
        assert not run.result.diverged.any()
        np.testing.assert_allclose(run.result.objective, other.result.objective, rtol=1e-9)


def test_each_seed_may_have_a_step_size_of_its_own():
    case = problem(5)
    both = train_sgd(case, seeds=(1, 2), learning_rate=[0.001, 0.02], iterations=40)
    assert both.settings.learning_rate == (0.001, 0.02)
    for k, (seed, rate) in enumerate(((1, 0.001), (2, 0.02))):
        one = train_sgd(case, seeds=(seed,), learning_rate=rate, iterations=40)
        np.testing.assert_allclose(both.objective[k], one.objective[0], rtol=1e-10)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_default_step_of_adam_does_not_depend_on_the_units_of_the_targets(factor):
    case = problem(6)
    scaled = Problem(case.X, factor * case.y, architecture=case.architecture, beta=factor * case.beta)
    one, other = (train_sgd(p, optimiser="adam", seeds=(0, 1), iterations=30) for p in (case, scaled))
    np.testing.assert_allclose(other.objective, factor**2 * one.objective, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["talk", "shift", "edge"])
def test_by_its_default_rule_adam_trains_without_divergence(name):
    case = Problem.from_dataset(load_dataset(name))
    result = train_sgd(case, optimiser="adam", seeds=(0, 1, 2), iterations=1500)
    assert not result.diverged.any()
    assert np.all(result.objective[:, -1] < 0.7 * case.loss.value(np.zeros(case.n), case.y))


@pytest.mark.slow
def test_even_tuned_none_gets_below_the_certified_optimum():
    case = Problem.from_dataset(load_dataset("talk"))
    solution = solve(case, tol=1e-8)
    found = compare_optimisers(case, seeds=2, iterations=400)
    for run in found.runs:
        assert run.objective.shape == (len(LEARNING_RATES), 2)
        assert run.objective.min() >= solution.lower_bound
        assert run.best_objective <= 1.6 * solution.network_objective


def test_cancelled_all_have_taken_the_same_number_of_steps():
    flag, seen = threading.Event(), []

    def hear(report):
        seen.append(report)
        if report.round >= 40:
            flag.set()

    found = compare_optimisers(problem(), **SHORT | {"iterations": 10**6}, record_every=10, cancel=flag, progress=hear)
    assert found.status is Status.CANCELLED
    ends = [run.result.iterations[-1] for run in found.runs]
    assert min(ends) >= 40
    assert max(ends) - min(ends) <= 10
    assert all(0.0 <= report.fraction <= 1.0 for report in seen)
    assert all(name in seen[-1].message for name in ("plain SGD", "momentum SGD", "Adam"))


def test_a_time_limit_ends_a_comparison(ticking):
    ticking.tick = 1e-3
    found = compare_optimisers(problem(), **SHORT | {"iterations": 10**7}, record_every=1000, time_limit=0.4)
    assert found.status is Status.TIME_LIMIT
    assert all(run.result.iterations[-1] < 10**7 for run in found.runs)


@pytest.mark.parametrize("every", [10, 10**6])
def test_time_that_is_up_leaves_each_optimiser_as_many_steps(every, ticking):
    """Also where the next record would be far: it is not the first optimiser alone that trains until then."""
    ticking.tick = 1e-3
    found = compare_optimisers(problem(), **SHORT | {"iterations": 10**7}, record_every=every, time_limit=0.3)
    ends = {int(run.result.iterations[-1]) for run in found.runs}
    assert len(ends) == 1
    assert all(run.result.status is Status.TIME_LIMIT for run in found.runs)
    for run in found.runs:
        best = run.result.best_networks[run.result.best]
        assert problem().objective(best) == pytest.approx(run.best_objective, rel=1e-12)


@pytest.mark.parametrize("late", [0, 1, 2])
def test_nobody_goes_on_when_the_time_was_up_after_another_had_taken_its_steps(late, monkeypatch):
    """The first optimisers have taken their steps in time, the next ones just not."""
    watched, steps = tuning.watched, 12

    def records(index):
        for record in watched(problem(), *given[index]):
            up = record.iteration >= steps and (record.iteration > steps or index >= late)
            yield replace(record, status=Status.TIME_LIMIT if up else record.status)
            if up:
                return

    given = []

    def begin(case, *arguments):
        given.append(arguments)
        return records(len(given) - 1)

    monkeypatch.setattr(tuning, "watched", begin)
    found = compare_optimisers(problem(), **SHORT, record_every=4)
    assert {int(run.result.iterations[-1]) for run in found.runs} == {steps}
    assert {run.result.status for run in found.runs} == {Status.TIME_LIMIT}


def test_processor_seconds_stand_beside_those_of_the_clock():
    records = list(sgd_steps(problem(), seeds=2, iterations=300, record_every=100))
    spent = [record.cpu_seconds for record in records]
    assert spent[0] == 0.0
    assert spent == sorted(spent)
    assert spent[-1] > 0.0
    result = compare_optimisers(problem(), **SHORT).runs[0].result
    assert result.cpu_seconds.shape == result.seconds.shape == result.iterations.shape
    assert solve(problem()).seconds.cpu >= 0.0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"optimisers": ["sgd"]}, "optimisers: got"),
        ({"optimisers": []}, "optimisers: got"),
        ({"optimisers": ["adam", "adam"]}, "different"),
        ({"learning_rates": []}, "learning_rates"),
        ({"learning_rates": [0.1, 0.1]}, "different step sizes"),
        ({"learning_rates": [0.1, -1.0]}, "learning_rates"),
        ({"learning_rates": "0.1"}, "learning_rates"),
        ({"learning_rates": [0.1, np.nan]}, "learning_rates"),
        ({"iterations": 0}, "iterations"),
        ({"optimisers": None}, "optimisers: got NoneType, expected a list"),
        ({"optimisers": [["adam"]]}, "optimisers: got"),
        ({"learning_rates": 0.1}, "learning_rates: got float, expected a list"),
        ({"learning_rates": np.ones((2, 2))}, "learning_rates: got ndarray, expected a list"),
    ],
)
def test_bad_grids_are_refused(options, named):
    with pytest.raises(InputError, match=named):
        compare_optimisers(problem(), **SHORT | options)


def test_bad_optimisers_and_lists_of_step_sizes_are_refused():
    with pytest.raises(InputError, match="optimiser: got 'rmsprop', expected one of sgd, adam"):
        train_sgd(problem(), optimiser="rmsprop")
    with pytest.raises(InputError, match="one for each of the 2 seeds"):
        train_sgd(problem(), seeds=2, learning_rate=[0.1])
    with pytest.raises(SizeError, match="learning_rates, seeds, m, batch_size"):
        compare_optimisers(problem(), learning_rates=[0.1, 0.2], seeds=1000, m=100_000)


def test_step_sizes_may_be_an_array():
    grid = np.logspace(-3, -2, 2)
    found = compare_optimisers(problem(), **SHORT | {"learning_rates": grid})
    same = compare_optimisers(problem(), **SHORT | {"learning_rates": grid.tolist()})
    assert np.array_equal(found.runs[2].objective, same.runs[2].objective)
    assert found.runs[0].learning_rates == tuple(grid)


def test_one_optimiser_alone_is_a_comparison_too():
    found = compare_optimisers(problem(), optimisers=["adam"], **SHORT)
    assert [run.name for run in found.runs] == ["Adam"]
    assert found.settings.optimiser == "adam"
    assert found.best == 0

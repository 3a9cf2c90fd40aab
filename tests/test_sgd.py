"""SGD: gradients against finite differences, steps against plain loops, and what happens when it goes wrong."""

import inspect
import threading
import warnings

import numpy as np
import pytest
from few_cases import few

from convex_core.architectures import CircularCNN, MaxPoolingCNN, TwoLayerCNN
from convex_core.data import load_dataset
from convex_core.errors import InputError, SizeError
from convex_core.networks.network import Network
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.solution import solve
from convex_core.status import Scope, Status
from convex_core.training.sgd import sgd_steps, train_sgd


def problem(seed=0, n=7, d=5, h=3, *, architecture=TwoLayerCNN, beta=0.3, padding="valid", **options):
    rng = np.random.default_rng(seed)
    cnn = architecture(patch_geometry((d,), h, padding=padding), **options)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), architecture=cnn, beta=beta)


def first_steps(problem, **options):
    """Start and the next recorded state of one seed, as (U, w) pairs."""
    options = {"m": 4, "seeds": (3,), "iterations": 1, "record_every": 1, "schedule": "constant"} | options
    return [(r.filters[0], r.weights[0]) for r in sgd_steps(problem, **options)]


def gradient_of_the_first_step(problem, rate=1e-3, **options):
    (U0, w0), (U1, w1) = first_steps(problem, learning_rate=rate, momentum=0.0, **options)
    return U0, w0, (U0 - U1) / rate, (w0 - w1) / rate


def finite_differences(function, point, step=1e-6):
    gradient = np.empty_like(point)
    for at in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[at] = step
        gradient[at] = (function(point + shift) - function(point - shift)) / (2 * step)
    return gradient


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "options", [{"pooling": "sum"}, {"pooling": "mean"}, {"architecture": MaxPoolingCNN}], ids=["sum", "mean", "max"]
)
def test_full_batch_gradient_equals_finite_differences(seed, options):
    case = problem(seed, **options)
    U, w, gradient_U, gradient_w = gradient_of_the_first_step(case, batch_size=7, init_scale=1.0)
    # the comparison is meaningful only away from the kinks
    assert np.abs(case.architecture.hyperplanes(case.patches) @ U.T).min() > 1e-4

    def objective(U, w):
        return case.objective(Network(case.architecture, U, w))

    np.testing.assert_allclose(gradient_U, finite_differences(lambda V: objective(V, w), U), atol=1e-6)
    np.testing.assert_allclose(gradient_w, finite_differences(lambda v: objective(U, v), w), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batch_gradients_are_unbiased(batch_size):
    case = problem(n=6)
    *_, full_U, full_w = gradient_of_the_first_step(case, batch_size=6)
    seen = {}
    for batch_seed in range(400):
        batch = frozenset(np.random.default_rng(batch_seed).permutation(6)[:batch_size].tolist())
        if batch not in seen:
            seen[batch] = gradient_of_the_first_step(case, batch_size=batch_size, batch_seed=batch_seed)[2:]
    assert len(seen) == {1: 6, 3: 20}[batch_size]  # every batch there is, each equally likely
    mean_U, mean_w = (np.mean([g[k] for g in seen.values()], axis=0) for k in range(2))
    np.testing.assert_allclose(mean_U, full_U, atol=1e-9)
    np.testing.assert_allclose(mean_w, full_w, atol=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_steps_are_those_of_plain_loops(schedule):
    case = problem(1, n=5)
    options = {"learning_rate": 0.02, "momentum": 0.8, "batch_size": 2, "batch_seed": 9, "iterations": 5}
    states = first_steps(case, schedule=schedule, **options)
    (U, w), n, steps = states[0], 5, 5
    rng = np.random.default_rng(9)
    batches = [order[k : k + 2] for order in (rng.permutation(n) for _ in range(3)) for k in (0, 2)][:steps]
    velocity_U, velocity_w = np.zeros_like(U), np.zeros_like(w)
    for t, batch in enumerate(batches):
        gradient_U, gradient_w = case.beta * U, case.beta * w
        for i in batch:
            f = sum(w[j] * max(x @ U[j], 0.0) for j in range(4) for x in case.patches[:, i])
            for j in range(4):
                for x in case.patches[:, i]:
                    if x @ U[j] >= 0:
                        gradient_U[j] += n / 2 * (f - case.y[i]) * w[j] * x
                        gradient_w[j] += n / 2 * (f - case.y[i]) * (x @ U[j])
        rate = 0.02 * (0.5 + 0.5 * np.cos(np.pi * t / steps) if schedule == "cosine" else 1.0)
        velocity_U, velocity_w = 0.8 * velocity_U + gradient_U, 0.8 * velocity_w + gradient_w
        U, w = U - rate * velocity_U, w - rate * velocity_w
        np.testing.assert_allclose(states[t + 1][0], U, atol=1e-10)
        np.testing.assert_allclose(states[t + 1][1], w, atol=1e-10)


@pytest.mark.parametrize("batch_size", [7, 2])
def test_constrained_filters_step_by_step(batch_size):
    case = problem(1, architecture=CircularCNN, padding="circular", layers=4)
    records = list(
        sgd_steps(case, m=3, seeds=(3, 4), iterations=5, record_every=1, learning_rate=0.05, schedule="constant",
                  batch_size=batch_size)
    )  # fmt: skip
    order = np.random.default_rng(0)
    batches = (
        [range(7)] * 5 if batch_size == 7 else [b for _ in range(2) for b in order.permutation(7)[:6].reshape(3, 2)]
    )
    for s in range(2):
        state = {name: value[s] for name, value in records[0].parameters.items()}
        velocity = {name: np.zeros_like(value) for name, value in state.items()}
        for batch, record in zip(batches, records[1:], strict=False):
            patches, y = case.patches[:, list(batch)], case.y[list(batch)]
            error = case.architecture.outputs(patches, state).sum(axis=1) - y
            gradient = case.architecture.gradient(patches, state, np.tile(error, (3, 1)))
            for name in state:
                cost = case.beta * state[name] if name != "filters" else 0.0
                velocity[name] = 0.9 * velocity[name] + 7 / batch_size * gradient[name] + cost
                state[name] = state[name] - 0.05 * velocity[name]
            lengths = np.linalg.norm(state["filters"].reshape(3, 2, 3), axis=2)
            state["filters"] = state["filters"] / np.repeat(np.maximum(lengths, 1.0), 3, axis=1)
            for name in state:
                np.testing.assert_allclose(record.parameters[name][s], state[name], atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [3, 4])
def test_constrained_architectures_train_by_the_default_rule(layers):
    case = problem(2, architecture=CircularCNN, padding="circular", layers=layers, beta=0.1)
    result = train_sgd(case, iterations=1500)
    assert not result.diverged.any()
    assert np.all(result.best_objective < 0.6 * (0.5 * case.y @ case.y))
    for network, best in zip(result.best_networks, result.best_objective, strict=True):
        assert case.objective(network) == pytest.approx(best, rel=1e-12)
        assert np.all(np.linalg.norm(case.architecture.pieces(network.filters), axis=2) <= 1 + 1e-12)


def test_recorded_objectives_are_those_of_the_recorded_networks():
    case = problem(2)
    for record in sgd_steps(case, seeds=(5, 6), iterations=30, record_every=7):
        for s in range(2):
            network = Network(case.architecture, record.filters[s], record.weights[s])
            assert record.objective[s] == pytest.approx(case.objective(network), rel=1e-12)


def test_best_and_final_networks_belong_to_the_history():
    case = problem(3)
    result = train_sgd(case, iterations=200, learning_rate=0.004, schedule="constant", batch_size=2)
    np.testing.assert_array_equal(result.best_objective, result.objective.min(axis=1))
    for s in range(5):
        assert case.objective(result.best_networks[s]) == pytest.approx(result.best_objective[s], rel=1e-12)
        assert case.objective(result.final_networks[s]) == pytest.approx(result.objective[s, -1], rel=1e-12)
    assert result.best_objective[result.best] == result.best_objective.min()
    assert np.any(result.best_objective < result.objective[:, -1])  # noisy steps: the last is not always the best
    assert result.iterations[[0, -1]].tolist() == [0, 200]
    assert result.status is Status.ITERATION_LIMIT
    assert np.all(np.diff(result.seconds) >= 0)


def test_a_seed_gives_its_run_whatever_stands_beside_it():
    case = problem(4)
    together = train_sgd(case, seeds=(0, 1, 2), iterations=50)
    alone = train_sgd(case, seeds=(2,), iterations=50)
    np.testing.assert_allclose(alone.objective[0], together.objective[2], rtol=1e-9)
    assert alone.settings.learning_rate[0] == together.settings.learning_rate[2]
    assert not np.allclose(together.objective[0], together.objective[1])
    again = train_sgd(case, seeds=(0, 1, 2), iterations=50)
    np.testing.assert_array_equal(again.objective, together.objective)


@pytest.mark.parametrize("scale", [0.1, 2.0])
def test_first_outputs_have_the_stated_norm(scale):
    case = problem(5)
    record = next(sgd_steps(case, init_scale=scale))
    for U, w in zip(record.filters, record.weights, strict=True):
        size = np.linalg.norm(Network(case.architecture, U, w).predict(case.X))
        assert size == pytest.approx(scale * np.linalg.norm(case.y), rel=1e-10)


@pytest.mark.parametrize("name", few(["talk", "patterns2d", "edge", "planted", "digits"], 2))
def test_defaults_train_without_divergence(name):
    case = Problem.from_dataset(load_dataset(name))
    result = train_sgd(case, iterations=800)
    assert not result.diverged.any()
    zero_network = 0.5 * case.y @ case.y
    assert np.all(result.objective[:, -1] < 0.35 * zero_network)


def test_on_the_talks_data_seeds_stall_above_the_certified_optimum_and_none_goes_below():
    case = Problem.from_dataset(load_dataset("talk"), beta=0.1)
    solution = solve(case, tol=1e-8)
    assert solution.scope is Scope.GLOBAL
    result = train_sgd(case)
    assert np.all(result.objective >= solution.lower_bound)
    excess = result.best_objective / solution.objective - 1
    assert np.count_nonzero(excess > 1e-2) >= 3
    assert excess.min() < 0.05


def test_data_of_zeros_is_harmless():
    cnn = TwoLayerCNN(patch_geometry((4,), 2))
    ones = np.ones((3, 4))
    for X, y in ((np.zeros((3, 4)), np.ones(3)), (ones, np.zeros(3)), (np.zeros((3, 4)), np.zeros(3))):
        result = train_sgd(Problem(X, y, architecture=cnn, beta=1.0), iterations=200)
        assert not result.diverged.any()
        np.testing.assert_allclose(result.best_objective, 0.5 * y @ y, atol=1e-3)


def test_divergence_is_marked_silently_and_the_others_go_on():
    case = Problem.from_dataset(load_dataset("motifs"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = train_sgd(
            case, learning_rate=0.014, batch_size=12, schedule="constant", seeds=range(8), iterations=1000
        )
    assert result.diverged.any()
    assert not result.diverged.all()
    assert np.all(np.isinf(result.objective[result.diverged, -1]))
    assert np.all(result.objective[~result.diverged, -1] < 1.0)
    assert np.all(np.isfinite(result.best_objective))
    for network, best in zip(result.best_networks, result.best_objective, strict=True):
        assert case.objective(network) == pytest.approx(best, rel=1e-12)


def test_when_all_diverge_the_run_ends():
    result = train_sgd(problem(6), learning_rate=1e6, iterations=10_000, record_every=100)
    assert result.diverged.all()
    assert result.status is Status.STALLED
    assert result.iterations[-1] < 10_000
    np.testing.assert_array_equal(result.best_objective, result.objective[:, 0])


def test_cancelling_returns_what_there_is():
    cancel = threading.Event()
    reports = []

    def stop_at_twenty(progress):
        reports.append(progress)
        if progress.round >= 20:
            cancel.set()

    result = train_sgd(problem(7), record_every=10, cancel=cancel, progress=stop_at_twenty)
    assert result.status is Status.CANCELLED
    assert result.iterations.tolist() == [0, 10, 20]
    assert [report.round for report in reports] == [0, 10, 20]
    assert {report.stage for report in reports} == {"sgd"}
    assert reports[-1].upper == result.best_objective.min()
    assert reports[-1].fraction == 20 / 5000


def test_a_time_limit_ends_the_run_between_two_records(ticking):
    ticking.tick = 1e-3
    result = train_sgd(problem(8), iterations=10**8, record_every=10**7, time_limit=0.2)
    assert result.status is Status.TIME_LIMIT
    assert 0 < result.iterations[-1] < 10**7
    assert len(result.final_networks) == 5


def test_the_stream_is_the_run():
    case = problem(9)
    records = list(sgd_steps(case, iterations=50, record_every=20))
    result = train_sgd(case, iterations=50, record_every=20)
    assert [record.iteration for record in records] == result.iterations.tolist() == [0, 20, 40, 50]
    np.testing.assert_array_equal(np.stack([record.objective for record in records], axis=1), result.objective)
    assert [record.status for record in records] == [None, None, None, Status.ITERATION_LIMIT]
    with pytest.raises(ValueError, match="read-only"):
        records[0].filters[0] = 0.0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"m": 0}, "m"),
        ({"m": 2.5}, "m"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, -1)}, "seeds"),
        ({"seeds": "12"}, "seeds"),
        ({"seeds": 0}, "seeds"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"schedule": "linear"}, "schedule"),
        ({"momentum": 1.0}, "momentum"),
        ({"momentum": -0.1}, "momentum"),
        ({"momentum": float("nan")}, "momentum"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 8}, "batch_size"),
        ({"batch_seed": -1}, "batch_seed"),
        ({"iterations": 0}, "iterations"),
        ({"init_scale": 0.0}, "init_scale"),
        ({"record_every": 0}, "record_every"),
        ({"iterations": 10**8, "record_every": 1}, "record_every"),
    ],
)
def test_bad_settings_are_refused_at_the_call(options, named):
    with pytest.raises(InputError) as caught:
        sgd_steps(problem(), **options)
    assert str(caught.value).startswith(f"{named}: got")


def test_too_wide_networks_are_refused_before_memory_is_spent():
    with pytest.raises(SizeError) as caught:
        train_sgd(problem(), m=100_000, seeds=range(1000))
    assert caught.value.predicted > caught.value.limit


def test_a_number_of_seeds_is_that_many():
    problem = Problem.from_dataset(load_dataset("edge"))
    three = train_sgd(problem, seeds=3, iterations=20)
    assert three.seeds == (0, 1, 2)
    assert np.array_equal(three.objective, train_sgd(problem, seeds=(0, 1, 2), iterations=20).objective)


def test_a_run_takes_what_its_steps_take_and_calls_an_unknown_setting_so():
    assert inspect.signature(train_sgd).parameters == inspect.signature(sgd_steps).parameters
    assert inspect.signature(train_sgd).return_annotation == "SGDResult"
    with pytest.raises(TypeError, match=r"^got an unexpected keyword argument 'rate'$"):
        train_sgd(Problem.from_dataset(load_dataset("talk")), rate=0.1)

"""Limits hold: whatever a computation is doing when it is stopped, it ends, with a network that is worth having."""

import sys
import threading
import time
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import EVERY
from problem_cases import patch_problem

from convex_core import (
    METHODS,
    InputError,
    Interrupted,
    Network,
    Problem,
    Scope,
    SizeError,
    Status,
    TwoLayerCNN,
    audit,
    beta_max,
    certify,
    closed_form,
    count_patterns,
    enumerate_patterns,
    load_dataset,
    patch_geometry,
    sample_patterns,
    solve,
    solve_path,
    train_sgd,
)
from convex_core.architectures import make_architecture
from convex_core.arrangement import patterns as listing
from convex_core.arrangement.bits import distinct_rows
from convex_core.arrangement.rows import fewest_cells
from convex_core.cli import main
from convex_core.networks.recovery import independent_atoms
from convex_core.numerics.threads import _controller
from convex_core.progress import Budget, _wait, still_running, within
from convex_core.solvers import search as searched
from convex_core.solvers.incumbent import Incumbent
from convex_core.solvers.search import searched_pricer
from convex_core.training.multistart import local_search

solving = sys.modules[solve.__module__]
searching = sys.modules[local_search.__module__]
ARCHITECTURES = list(every_architecture())
#: those that `every_architecture` leaves to tests of their own
NEWEST = [
    pytest.param(make_architecture("two-layer", patch_geometry((6,), 2, 2, bias=bias), **options), id=name)
    for name, bias, options in (
        ("branches", "none", {"branches": "1"}),
        ("threshold", "none", {"activation": "threshold"}),
        ("quadratic", "none", {"activation": "quadratic"}),
        ("free bias", "free", {}),
        ("output bias", "output", {}),
        ("skip", "none", {"skip": "free"}),
        ("regions, two outputs", "none", {"pooling_grid": "3", "outputs": 2}),
    )
]
#: looks at a flag after it was set: a computation asks on its way out of each stage, and never goes on
AFTERWARDS = 400


class After:
    """A cancel flag that is set from its k-th look on."""

    def __init__(self, k):
        self.k, self.looks = k, 0

    def is_set(self):
        self.looks += 1
        return self.looks > self.k


def zero_objective(problem):
    return problem.loss.value(np.zeros(problem.size), problem.y)


# -- cancelled at any moment
@pytest.mark.slow
@pytest.mark.parametrize("architecture", [*ARCHITECTURES, *NEWEST])
def test_a_run_cancelled_at_any_look_has_valid_bounds_and_no_network_worse_than_zero(architecture):
    seed = [case.values[0] for case in [*ARCHITECTURES, *NEWEST]].index(architecture)
    method = list(METHODS)[seed % len(METHODS)]
    try:
        problem = tiny_problem(architecture, EVERY[seed % len(EVERY)] if architecture.q == 1 else None, seed=seed)
    except InputError:  # not with every loss
        problem = tiny_problem(architecture, seed=seed)
    try:
        full = solve(problem, method=method)
    except InputError:
        return
    for k in (0, 1, 4, 15, 60):
        flag = After(k)
        solution = solve(problem, method=method, cancel=flag)
        assert flag.looks <= k + AFTERWARDS
        assert solution.network_objective == pytest.approx(problem.objective(solution.network), rel=1e-12)
        assert solution.network_objective <= zero_objective(problem)
        assert solution.lower_bound <= full.network_objective * (1.0 + 1e-9)
        assert (solution.scope is Scope.GLOBAL) == np.isfinite(solution.lower_bound)
        if flag.looks <= k:  # it ended by itself
            assert solution.network_objective == pytest.approx(full.network_objective, rel=1e-5)
        elif solution.status is not Status.CANCELLED:
            assert solution.relative_gap <= 1e-6 or solution.status in (Status.STALLED, Status.BOUND_REACHED)


@pytest.mark.slow
@pytest.mark.parametrize("k", [*range(12), 20, 40, 80, 160, 320])
def test_everything_else_can_be_cancelled_at_any_look(k):
    problem = patch_problem(0, n=4, K=2)
    network = random_network(problem, 3, 0)
    rows = problem.architecture.hyperplanes(problem.patches)
    best = solve(problem).network_objective

    def searched(flag):
        found = local_search(problem, starts=3, cancel=flag)
        assert best * (1.0 - 1e-9) <= problem.objective(found) <= zero_objective(problem)

    def followed(flag):
        path = solve_path(problem, points=3, cancel=flag)
        assert all(s.network_objective <= zero_objective(problem) for s in path)

    def trained(flag):
        result = train_sgd(problem, seeds=(0,), iterations=200, cancel=flag)
        assert result.best_objective[0] <= result.objective[0, 0]

    def certified(flag):
        certificate = certify(problem, network, cancel=flag)
        assert certificate.objective == pytest.approx(problem.objective(network))
        assert certificate.lower_bound <= best * (1.0 + 1e-9)

    def audited(flag):
        judged = audit(problem, network, cancel=flag)
        assert judged.certificate.lower_bound <= best * (1.0 + 1e-9)
        assert judged.own_objective <= problem.objective(network)

    for work in (
        searched,
        followed,
        trained,
        certified,
        audited,
        lambda flag: beta_max(problem, cancel=flag),
        lambda flag: enumerate_patterns(rows, cancel=flag),
        lambda flag: count_patterns(rows, cancel=flag),
        lambda flag: sample_patterns(rows, 50, method="ascent", cancel=flag),
    ):
        flag = After(k)
        try:
            work(flag)
        except Interrupted as stop:
            status, looks = stop.status, flag.looks
        else:
            status, looks = Status.CANCELLED, k + 1
        assert (status, looks > k) == (Status.CANCELLED, True)
        assert flag.looks <= k + AFTERWARDS


# -- a stage that does not look
def test_a_computation_that_never_looks_is_left():
    release, after = threading.Event(), []

    def stubborn(budget):
        release.wait(60.0)
        after.append(budget.stop())

    with pytest.raises(Interrupted) as stop:
        within(Budget(time_limit=0.01), stubborn)  # would take a minute
    assert stop.value.status is Status.TIME_LIMIT
    assert still_running()
    release.set()
    _wait()
    assert not still_running()
    assert after == [Status.CANCELLED]


def test_errors_and_progress_come_in_the_callers_thread():
    here = []

    def work(budget):
        budget.report("solve", "one")
        budget.report("solve", "two")
        raise InputError("x: got this, expected that")

    with pytest.raises(InputError, match="got this"):
        within(Budget(time_limit=60.0, progress=lambda _: here.append(threading.current_thread())), work)
    assert here == [threading.current_thread()] * 2


def test_an_error_of_the_progress_callback_ends_the_computation():
    ended = threading.Event()

    def work(budget):
        while budget.stop() is None:
            budget.report("solve", "going on")
        ended.set()

    def refuse(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within(Budget(time_limit=600.0, progress=refuse), work)
    assert ended.wait(60.0)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["prune", "bfgs"])
def test_whoever_leaves_a_local_search_evaluates_no_network_and_blas_keeps_its_one_thread(stage, monkeypatch):
    problem = patch_problem(0)
    cancel, release, evaluated, threads = threading.Event(), threading.Event(), [], []
    real, predict, caller = getattr(searching, stage), Network.predict_patches, threading.current_thread()
    begun = count(int(stage == "prune"))  # one start is improved, so that there is a network to hand out

    def hangs(*args, **options):
        answer = real(*args, **options)
        if next(begun) and not cancel.is_set():
            cancel.set()
            release.wait(60.0)
            threads.extend(one["num_threads"] for one in _controller().info() if one["user_api"] == "blas")
        return answer

    def watched(self, patches):
        if threading.current_thread() is caller and self.m:
            evaluated.append(self.m)
        return predict(self, patches)

    monkeypatch.setattr(searching, stage, hangs)
    monkeypatch.setattr(Network, "predict_patches", watched)
    found = local_search(problem, starts=3, cancel=cancel)
    assert not evaluated
    release.set()
    _wait()
    assert threads
    assert set(threads) == {1}
    monkeypatch.undo()
    assert found.m > 0
    assert problem.objective(found) < zero_objective(problem)


def test_a_search_whose_time_is_over_decomposes_no_large_matrix(monkeypatch):
    problem = patch_problem(0)
    ended, sizes, svd = threading.Event(), [], np.linalg.svd

    def decomposed(columns, *args, **options):
        if ended.is_set():
            sizes.append(columns.shape)
        return svd(columns, *args, **options)

    monkeypatch.setattr(np.linalg, "svd", decomposed)
    monkeypatch.setattr(searching, "SETTINGS", replace(searching.SETTINGS, moment=0.0))  # every matrix is large
    found = local_search(problem, starts=1, cancel=ended, progress=lambda _: ended.set())
    _wait()
    assert ended.is_set()
    assert not sizes
    assert problem.objective(found) < zero_objective(problem)


def test_a_search_whose_time_is_over_decomposes_for_a_moment_and_no_longer(monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    problem = Problem(X, Y, filter_size=2, beta=0.5, outputs=2)  # neurons are split: six times as many columns as rows
    ended, calls, svd = threading.Event(), [], np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda *args, **kw: (ended.is_set() and calls.append(1)) or svd(*args, **kw))
    monkeypatch.setattr(searching, "SETTINGS", replace(searching.SETTINGS, moment=2.0 * 12**2 * 13))
    found = local_search(problem, starts=1, cancel=ended, progress=lambda _: ended.set())
    _wait()
    assert 0 < len(calls) <= 2
    assert problem.objective(found) < zero_objective(problem)


def test_atoms_whose_reduction_is_stopped_give_the_same_outputs_at_no_larger_size():
    rng = np.random.default_rng(3)
    Phi, size = rng.standard_normal((6, 40)), rng.uniform(0.5, 2.0, 40)
    left = []
    for k in (0, 1, 2, 5, 20, 80):
        keep, new = independent_atoms(Phi, size, stop=After(k).is_set)
        np.testing.assert_allclose(Phi[:, keep] @ new, Phi @ size, rtol=1e-9)
        assert new.sum() <= size.sum() * (1.0 + 1e-12)
        left.append(len(keep))
    assert left[0] == 40
    assert left[-1] <= 6
    assert sorted(left, reverse=True) == left


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["make_pricer", "generate_columns", "network_of", "certify_known"])
def test_a_stage_that_hangs_does_not_keep_the_answer(stage, monkeypatch, ticking):
    problem = patch_problem(0)
    release = threading.Event()
    module = searched if stage == "make_pricer" else solving
    real, main_thread = getattr(module, stage), threading.current_thread()

    def hangs(*args, **options):
        if threading.current_thread() is not main_thread:
            ticking.now += 60.0  # all the time there is
            ticking.wait = 0.01
            release.wait(60.0)
        return real(*args, **options)

    monkeypatch.setattr(module, stage, hangs)
    solution = solve(problem, time_limit=60.0)
    release.set()
    _wait()
    assert solution.status is Status.TIME_LIMIT or (stage == "certify_known" and solution.relative_gap <= 1e-6)
    assert solution.network_objective <= zero_objective(problem)
    assert solution.patterns_bound >= 36
    assert solution.predictions == pytest.approx(solution.network.predict(problem.X))


def test_what_column_generation_proved_outlasts_a_hanging_end(monkeypatch):
    problem = patch_problem(0)
    release = threading.Event()
    monkeypatch.setattr(solving, "network_of", lambda *_, **__: release.wait(60.0))
    cancel = threading.Event()
    solution = solve(problem, cancel=cancel, progress=lambda r: cancel.set() if r.stage == "certify" else None)
    release.set()
    _wait()
    assert solution.scope is Scope.GLOBAL
    assert solution.lower_bound == pytest.approx(0.68511304, rel=1e-5)
    assert solution.rounds > 0


# -- never worse than what was known
@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    architecture=st.sampled_from([case.values[0] for case in ARCHITECTURES]),
    method=st.sampled_from([m for m in METHODS if m != "cvxpy"]),
    loss=st.sampled_from(EVERY),
    seed=st.integers(0, 10_000),
    beta=st.floats(-2.0, 0.7).map(lambda t: 10.0**t),
)
def test_a_solution_is_never_worse_than_zero_or_than_a_network_it_met(architecture, method, loss, seed, beta):
    problem = tiny_problem(architecture, loss if architecture.q == 1 else None, seed=seed, beta=beta)
    met = [zero_objective(problem)]
    with pytest.MonkeyPatch.context() as patch:
        offer = Incumbent.offer
        patch.setattr(Incumbent, "offer", lambda self, one: (met.append(one.objective), offer(self, one))[1])
        try:
            solution = solve(problem, method=method)
        except InputError:
            return
    assert len(met) > 1
    assert problem.objective(solution.network) <= min(met) * (1.0 + 1e-12)


@pytest.mark.parametrize("seed", few(range(6), 5))
def test_a_point_of_a_path_is_never_worse_than_zero_or_than_the_network_before(seed):
    problem = tiny_problem([case.values[0] for case in ARCHITECTURES][7 * seed % len(ARCHITECTURES)], seed=seed)
    path = solve_path(problem, points=5)
    for before, after in zip(path, path[1:] if isinstance(path, list) else list(path)[1:], strict=False):
        here = after.problem
        assert here.objective(after.network) <= zero_objective(here)
        assert here.objective(after.network) <= here.objective(before.network) * (1.0 + 1e-12)


def test_an_audits_own_network_is_never_worse_than_the_audited_one():
    problem = patch_problem(1)
    network = solve(problem, tol=1e-10).network
    assert audit(problem, network, max_rounds=1).own.network_objective <= problem.objective(network)


# -- a limit that does not depend on the machine
def same(one, other):
    arrays = [
        (a, b)
        for name in ("C", "active", "sign", "predictions")
        for a, b in [(getattr(one, name), getattr(other, name))]
    ]
    arrays += [(one.network.parameters[name], other.network.parameters[name]) for name in one.network.parameters]
    arrays.append((one.dual, other.dual))
    rounds = [[(r.upper, r.lower, r.columns, r.violation) for r in s.history] for s in (one, other)]
    return all(np.array_equal(a, b) for a, b in arrays) and rounds[0] == rounds[1] and one.status is other.status


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [*ARCHITECTURES, *NEWEST])
def test_limited_rounds_give_the_same_bits_twice(architecture):
    problem, limit = tiny_problem(architecture, n=4, seed=1), 3
    one, other = (solve(problem, max_rounds=limit) for _ in range(2))
    assert one.rounds <= limit
    assert same(one, other)


@pytest.mark.parametrize("method", ["auto", "branch-and-bound", "sampled", "gated"])
def test_limited_rounds_do_not_depend_on_the_clock(method, monkeypatch):
    rng = np.random.default_rng(5)
    cnn = TwoLayerCNN(patch_geometry((9,), 3))
    problem = Problem(rng.standard_normal((8, 9)), rng.standard_normal(8), architecture=cnn, beta=0.05)
    calm = solve(problem, method=method, max_rounds=2, time_limit=1e9)
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0 * next(ticks))
    assert same(calm, solve(problem, method=method, max_rounds=2, time_limit=1e9))
    monkeypatch.undo()
    assert same(calm, solve(problem, method=method, max_rounds=2))


def test_branch_and_bound_does_not_depend_on_the_threads():
    rng = np.random.default_rng(2)
    problem = Problem(
        rng.standard_normal((9, 12)),
        rng.standard_normal(9),
        architecture=TwoLayerCNN(patch_geometry((12,), 4)),
        beta=0.05,
    )
    answers = []
    for threads in (1, 2, 5):
        pricer = searched_pricer(problem)
        pricer._threads = threads
        pricer._pool = type(pricer._pool)(threads)
        search = searched.CellSearch(pricer, "branch-and-bound", None, 1, 0, None, 0.0, 0.0)
        answers.append(solving.solve_over(problem, search, tol=1e-6, budget=Budget(max_rounds=4)))
    assert same(answers[0], answers[1])
    assert same(answers[0], answers[2])


def test_one_round_is_fewer_than_all_and_says_so():
    problem = Problem.from_dataset(load_dataset("talk"))
    solution = solve(problem, max_rounds=2)
    assert (solution.rounds, solution.status) == (2, Status.ITERATION_LIMIT)
    assert solution.lower_bound <= solve(problem).objective <= solution.network_objective
    path = solve_path(problem, points=3, max_rounds=1)
    assert [s.rounds for s in path] == [1, 1, 1]
    with pytest.raises(InputError, match="max_rounds: got 2 with the method clarabel"):
        solve(problem, method="clarabel", max_rounds=2)


# -- what would never end is refused, or not begun
@pytest.mark.parametrize(
    "words",
    [
        "path --dataset talk --points 10000000",
        "path --dataset talk --refine 10000000",
        "path --dataset talk --betas " + ",".join(map(str, range(1, 10_002))),
        "path --dataset talk --points 0",
        "solve --dataset talk --max-rounds 0",
        "solve --dataset talk --max-patterns -1",
        "solve --dataset talk --stride 100000000000000000000000000",
        "solve --dataset talk --filter-size 100000000000000000000000000",
        "solve --dataset talk --pooling max --pool-size 100000000000000000000000000",
        "solve --dataset talk --architecture circular --layers 100000000",
        "sgd --dataset talk --iterations 1000000000",
        "benchmark talk --repeat 1000000000",
    ],
)
def test_numbers_without_end_are_one_sentence(words, capsys):
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "got" in err
    assert "expected" in err


@given(st.integers(0, 2**20), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_no_arrangement_has_fewer_cells_than_it_must(seed, n, h):
    rows = np.random.default_rng(seed).integers(-1, 2, (n + 1, h)).astype(float)
    counted = count_patterns(rows)
    assert fewest_cells(counted.merged_rows, counted.rank) <= counted.patterns
    assert counted.patterns <= closed_form(counted.merged_rows, counted.rank)


def test_a_hopeless_list_is_not_begun(monkeypatch):
    def begun(*_, **__):
        raise AssertionError("listing was begun")

    monkeypatch.setattr(listing, "enumerate_half", begun)
    rows = np.random.default_rng(0).standard_normal((60, 40))
    with pytest.raises(SizeError, match="60 rows of rank 40"):
        enumerate_patterns(rows, max_patterns=2_000_000)


@given(st.integers(0, 2**20), st.integers(0, 30), st.sampled_from([1, 5, 64, 65, 700, 5000]))
@settings(max_examples=60, deadline=None)
def test_distinct_rows_are_those_of_numpy(seed, m, width):
    rng = np.random.default_rng(seed)
    bits = rng.random((4, width))[rng.integers(0, 4, m)] < 0.5
    assert np.array_equal(distinct_rows(bits), np.unique(bits, axis=0).reshape(-1, width))

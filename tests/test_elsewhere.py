"""One proof in an executor: the bound of a run here, whoever loses what, and whenever it is stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from few_cases import few
from test_sphere import problem_of_rows, random_rows
from test_transport import long_filters

from convex_core import Problem, Scope, Status, certify, load_dataset, solve
from convex_core.errors import InputError
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.pricing import cone_parts
from convex_core.solvers.pricing.cone_search import Cones
from convex_core.solvers.pricing.sphere import SpherePricer, _Side
from convex_core.solvers.pricing.transport import TransportPricer
from convex_core.solvers.search import searched_pricer

PRICERS = {"cones": SpherePricer, "signs": TransportPricer}


class Here(Executor):
    """Does what is submitted at once."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Lossy(Here):
    """Loses every third part in a worker, and refuses every fifth."""

    def __init__(self):
        self.sent = 0

    def submit(self, fn, /, *args, **kwargs):
        self.sent += 1
        if self.sent % 5 == 0:
            raise RuntimeError("cannot schedule new futures")
        if self.sent % 3:
            return super().submit(fn, *args, **kwargs)
        future = Future()
        if self.sent % 2:
            future.cancel()
        else:
            future.set_exception(BrokenExecutor("killed"))
        return future


class Deaf(Executor):
    """Never answers; what it is sent rings a bell."""

    def __init__(self, bell=None):
        self.sent, self.bell = [], bell

    def submit(self, fn, /, *args, **kwargs):
        self.sent.append(Future())
        if self.bell is not None:
            self.bell.set()
        return self.sent[-1]


def hard(n=10, h=4, seed=0):
    """Rows and a dual vector that need thousands of cones."""
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(random_rows(rng, "gaussian", 4 * n, h))
    return problem, rng.standard_normal(problem.n)


def price(name, problem, v, *, executor=None, budget=None, floor=0.0):
    pricer = PRICERS[name](CellFactory(problem.architecture, problem.patches), executor=executor)
    return pricer.price(v, floor=floor, want=5, budget=budget or Budget(), slack=1e-8, prove=True)


@pytest.fixture
def small_parts(monkeypatch):
    """Parts so small that a proof takes rounds."""
    settings = cone_parts.PartSettings(parts=7, look=2, first=20, growth=2, most=100)
    monkeypatch.setattr(cone_parts, "SETTINGS", settings)


@pytest.mark.parametrize("name", PRICERS)
@pytest.mark.parametrize("kind", few(["gaussian", "near", "integers", "flat"]))
@pytest.mark.parametrize("floor", few([0.9, 1.1, 0.0], 2))
@pytest.mark.usefixtures("small_parts")
def test_the_bound_is_that_of_a_run_here(name, kind, floor):
    for seed, h in enumerate((1, 2, 3, 5)):
        rng = np.random.default_rng(seed)
        problem = problem_of_rows(random_rows(rng, kind, 9, h))
        v = rng.standard_normal(problem.n)
        reached = price(name, problem, v).bound
        alone = price(name, problem, v, floor=floor * reached)
        sent = price(name, problem, v, floor=floor * reached, executor=Here())
        assert sent.bound == pytest.approx(alone.bound, rel=3e-8)
        assert sent.bound >= alone.value.max(initial=0.0) * (1 - 1e-12)
        assert sent.value.max(initial=0.0) == pytest.approx(alone.value.max(initial=0.0), rel=1e-8)


@pytest.mark.parametrize("name", PRICERS)
@pytest.mark.usefixtures("small_parts")
def test_who_loses_parts_changes_nothing(name):
    problem, v = hard()
    whole, lossy = price(name, problem, v, executor=Here()), Lossy()
    told = []
    part = price(name, problem, v, executor=lossy, budget=Budget(progress=told.append))
    assert lossy.sent > 10
    assert (part.bound, part.value.tolist()) == (whole.bound, whole.value.tolist())
    assert any("parts: they are searched here" in report.message for report in told)


@pytest.mark.parametrize("name", PRICERS)
@pytest.mark.usefixtures("small_parts")
def test_a_shut_down_executor_is_no_loss(name):
    problem, v = hard(n=5)
    with ThreadPoolExecutor(1) as shut:
        pass
    assert price(name, problem, v, executor=shut).bound == price(name, problem, v, executor=Here()).bound


@pytest.mark.parametrize("name", PRICERS)
def test_without_an_answer_a_stop_leaves_an_honest_bound(name, monkeypatch):
    monkeypatch.setattr(cone_parts, "SETTINGS", cone_parts.PartSettings(look=3))
    problem, v = hard()
    exact, bell = price(name, problem, v).bound, threading.Event()
    deaf = Deaf(bell)
    found = price(name, problem, v, executor=deaf, budget=Budget(cancel=bell))
    assert found.stopped is Status.CANCELLED
    assert found.bound >= exact * (1 - 1e-12)
    assert np.isfinite(found.bound) == (name == "cones")  # a first look at every root was taken here
    assert all(future.cancelled() for future in deaf.sent)


def test_the_time_limit_ends_what_never_answers(monkeypatch, ticking):
    monkeypatch.setattr(cone_parts, "SETTINGS", cone_parts.PartSettings(look=3))
    problem, v = hard()
    exact = price("cones", problem, v).bound
    ticking.tick = ticking.wait = 0.02
    found = price("cones", problem, v, executor=Deaf(), budget=Budget(time_limit=1.0))
    assert found.stopped is Status.TIME_LIMIT
    assert exact * (1 - 1e-12) <= found.bound < np.inf


def test_parts_left_open_are_searched_on_from_where_they_are():
    """A cone that is handed on keeps its bound, its rounding error and its place in the tree."""
    problem, v = hard(n=6, h=3)
    factory = CellFactory(problem.architecture, problem.patches)
    a, linear = factory.ridge(v)
    side, halt = _Side(1, factory.rows, a, linear), np.zeros(1, dtype=bool)
    roots = Cones.roots(np.array(side.roots()))
    whole = cone_parts.search_part(cone_parts.ConePart(factory.rows, a, linear, roots, 0.0, 1e-8, 1.0, 10**6), halt)
    assert len(whole.left) == 0
    open_now, bound, best = roots, 0.0, 0.0
    for _ in range(10_000):
        found = cone_parts.search_part(cone_parts.ConePart(factory.rows, a, linear, open_now, best, 1e-8, 1.0, 3), halt)
        assert max(found.bound, bound, found.left.highest) >= whole.best * (1 - 1e-12)
        bound, best, open_now = max(bound, found.bound), max(best, found.best), found.left
        if not len(open_now):
            break
    assert open_now.level.size == 0
    assert bound == pytest.approx(whole.bound, rel=2e-8)
    halted = cone_parts.search_part(
        cone_parts.ConePart(factory.rows, a, linear, roots, 0.0, 1e-8, 1.0, 10**6), np.ones(1, dtype=bool)
    )
    assert len(halted.left) == len(roots)


def test_a_certificate_in_an_executor_is_that_of_the_threads():
    for problem in (
        Problem.from_dataset(load_dataset("talk"), filter_size=4, stride=1, beta=0.1),
        long_filters(n=12),
        Problem.from_dataset(load_dataset("edge")),
    ):
        solution = solve(problem, tol=1e-6)
        found = certify(problem, solution.network, executor=Here(), tol=1e-6)
        alone = certify(problem, solution.network, pricer=searched_pricer(problem), tol=1e-6)
        assert (found.scope, found.status) == (Scope.GLOBAL, alone.status)
        assert found.lower_bound == pytest.approx(alone.lower_bound, rel=1e-6)
        assert found.patterns is None


def test_what_is_no_executor_or_cannot_be_searched_is_refused():
    problem = Problem.from_dataset(load_dataset("edge"))
    network = solve(problem).network
    with pytest.raises(InputError, match=r"executor: got an int, expected a concurrent.futures.Executor"):
        certify(problem, network, executor=3)
    with pytest.raises(InputError, match="executor: got one and a pricer, expected one of them"):
        certify(problem, network, executor=Here(), pricer=searched_pricer(problem))
    pooled = Problem.from_dataset(load_dataset("edge"), pooling="max")
    with pytest.raises(InputError, match="search over directions"):
        certify(pooled, solve(pooled).network, executor=Here())


@pytest.mark.slow
def test_two_processes_one_of_which_is_killed():
    problem, v = hard(n=30, h=5)
    alone = price("cones", problem, v, executor=Here())
    killed = []

    class Killing(ProcessPoolExecutor):
        """Kills a worker after the first answer: where one dies while they start, the other may wait for ever."""

        def submit(self, fn, /, *args, **kwargs):
            future = super().submit(fn, *args, **kwargs)
            future.add_done_callback(self._kill)
            return future

        def _kill(self, _):
            if not killed:
                killed.append(next(iter(self._processes)))
                os.kill(killed[0], signal.SIGKILL)

    pool = Killing(2, multiprocessing.get_context("spawn"))
    try:
        found = price("cones", problem, v, executor=pool)
    finally:  # a broken pool may wait for ever
        pool.shutdown(wait=False, cancel_futures=True)
    assert killed
    assert found.bound == alone.bound
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert price("cones", problem, v, executor=pool).bound == alone.bound

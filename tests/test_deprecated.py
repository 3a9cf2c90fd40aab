"""Old spellings, kept for one version: each works, and says once what to write instead."""

import inspect
import threading

import numpy as np
import pytest
from problem_cases import patch_problem

import convex_core
from convex_core import Bounds, CircularCNN, InputError, Interrupted, Problem, Status, ThreeLayerCNN, arrangement, lists
from convex_core.architectures import make_architecture
from convex_core.bounding import bounds, chain, sandwich
from convex_core.patches import patch_geometry
from convex_core.progress import Budget

ROWS = np.random.default_rng(0).integers(-9, 9, (30, 6))
#: every public function that took a budget, called so that it takes a while
TOOK_A_BUDGET = {
    "count_patterns": lambda **limits: convex_core.count_patterns(ROWS, **limits),
    "enumerate_patterns": lambda **limits: convex_core.enumerate_patterns(ROWS, **limits),
    "sample_patterns": lambda **limits: convex_core.sample_patterns(ROWS, 10, **limits),
    "stream_patterns": lambda **limits: list(arrangement.stream_patterns(ROWS, **limits)),
    "characteristic_polynomial": lambda **limits: arrangement.characteristic_polynomial(ROWS.tolist(), **limits),
    "exact_count": lambda **limits: arrangement.exact_count(ROWS.tolist(), **limits),
    "train_sgd": lambda **limits: convex_core.train_sgd(patch_problem(0), **limits),
    "sgd_steps": lambda **limits: list(convex_core.sgd_steps(patch_problem(0), **limits)),
    "local_search": lambda **limits: convex_core.local_search(patch_problem(0), starts=1, **limits),
}


def ended(call, **limits):
    """How a call ended that was cancelled before it began: by an exception, with a status, or with the zero network."""
    try:
        answer = call(**limits)
    except Interrupted as stop:
        return stop.status
    answer = answer[-1] if isinstance(answer, list) else answer
    return getattr(answer, "status", None) or (Status.CANCELLED if answer.m == 0 else None)


@pytest.mark.parametrize("name", TOOK_A_BUDGET)
def test_a_budget_is_still_taken_for_the_limits_it_holds(name):
    cancel = threading.Event()
    cancel.set()
    call = TOOK_A_BUDGET[name]
    assert ended(call, cancel=cancel) is Status.CANCELLED
    message = f"^{name}: got budget, use time_limit, cancel and progress$"
    with pytest.warns(DeprecationWarning, match=message):
        assert ended(call, budget=Budget(cancel=cancel)) is Status.CANCELLED
    with pytest.warns(DeprecationWarning, match=message), pytest.raises(InputError, match="cancel: got it beside"):
        call(budget=Budget(), cancel=cancel)
    with pytest.warns(DeprecationWarning, match=message), pytest.raises(InputError, match="budget: got 60"):
        call(budget=60)


@pytest.mark.filterwarnings("ignore:.* got budget:DeprecationWarning")
def test_the_clock_of_a_budget_goes_on():
    seen = []
    budget = Budget(time_limit=60.0, progress=seen.append)
    budget.started -= 50.0
    convex_core.train_sgd(patch_problem(0), seeds=1, iterations=3, budget=budget)
    assert 50.0 <= seen[0].seconds <= seen[-1].seconds < 60.0
    budget.started -= 50.0
    with pytest.raises(Interrupted):
        convex_core.train_sgd(patch_problem(0), seeds=1, iterations=3, budget=budget)


@pytest.mark.parametrize("module", [convex_core, arrangement, lists])
def test_what_may_take_long_is_told_its_limits_in_one_way(module):
    functions = [thing for name in module.__all__ if inspect.isfunction(thing := getattr(module, name))]
    taken = {function.__name__: set(inspect.signature(function).parameters) for function in functions}
    limited = {
        name for name, parameters in taken.items() if parameters & {"budget", "time_limit", "cancel", "progress"}
    }
    assert limited
    for name in limited:
        assert "budget" not in taken[name]
        assert {"time_limit", "cancel", "progress"} <= taken[name], name


def problem_of(architecture):
    rng = np.random.default_rng(0)
    return Problem(rng.standard_normal((3, 4)), rng.standard_normal(3), architecture=architecture, beta=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* got budget:DeprecationWarning")
def test_chains_and_sandwiches_are_bounds():
    circular = problem_of(CircularCNN(patch_geometry((4,), 2, padding="circular")))
    with pytest.warns(DeprecationWarning, match="^sandwich: use bounds$"):
        found = sandwich(circular, starts=1, budget=Budget(time_limit=60.0))
    assert found.to_dict() == bounds(circular, starts=1, tol=1e-7).to_dict()
    geometry = patch_geometry((4,), 2, 2)
    apart, shared = (problem_of(ThreeLayerCNN(geometry, sharing)) for sharing in ("per-patch", "shared"))
    with pytest.warns(DeprecationWarning, match="^chain: use bounds, of an architecture with sharing='shared'$"):
        found = chain(apart, starts=1)
    assert found.to_dict() == bounds(shared, starts=1).to_dict()
    for old, other in ((sandwich, shared), (chain, circular)):
        with (
            pytest.warns(DeprecationWarning, match="use bounds"),
            pytest.raises(InputError, match="problem: got the architecture"),
        ):
            old(other)


def test_old_words_are_understood():
    with pytest.warns(DeprecationWarning, match="^relaxation 'talk': use 'frobenius'$"):
        old = make_architecture("three-layer", patch_geometry((4,), 2, 2), sharing="shared", relaxation="talk")
    assert old == make_architecture("three-layer", old.geometry, sharing="shared", relaxation="frobenius")
    path = convex_core.solve_path(convex_core.Problem.from_dataset(convex_core.load_dataset("edge")), points=3)
    with pytest.warns(DeprecationWarning, match="^Path.alive: use active_filters$"):
        assert path.alive.tolist() == path.active_filters.tolist() == [s.active_filters for s in path]


def test_names_that_left_the_front_door_are_still_found_there():
    with pytest.warns(DeprecationWarning, match="^convex_core.Budget: use time_limit, cancel and progress"):
        assert convex_core.Budget is Budget
    for name, now in (("chain", chain), ("sandwich", sandwich), ("Chain", Bounds), ("Sandwich", Bounds)):
        with pytest.warns(DeprecationWarning, match=f"^convex_core.{name}: use [bB]ounds$"):
            assert getattr(convex_core, name) is now
    assert "Budget" not in dir(convex_core)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        convex_core.Nothing  # noqa: B018

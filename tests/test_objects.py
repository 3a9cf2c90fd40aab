"""Everything public as an object: equal, hashed, shown, pickled and copied; and called with its arguments swapped."""

from __future__ import annotations

import copy
import dataclasses
import enum
import inspect
import pickle
import sys
import typing
from functools import cache

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem
from loss_cases import EVERY
from problem_cases import patch_problem

import convex_core as cc
from convex_core.losses import SoftmaxLoss

CLASSES = [thing for name in cc.__all__ if inspect.isclass(thing := getattr(cc, name))]
FUNCTIONS = [name for name in cc.__all__ if inspect.isfunction(getattr(cc, name))]


@cache
def objects() -> tuple[object, ...]:
    """Objects as their users meet them, of every public class."""
    problem = patch_problem(0)
    solution = cc.solve(problem)
    network = solution.network
    trained = cc.train_sgd(problem, seeds=[0, 1], iterations=20)
    path = cc.solve_path(problem, points=3)
    path.preview(0.5 * path.beta_max)  # sets up a solver
    compared = cc.compare_optimisers(problem, learning_rates=[0.01], seeds=1, iterations=3)
    ways = cc.two_ways(problem, trained.best_networks[0], network, points=3)
    fixed = cc.FixedDirections(problem, network)
    fixed.solve()
    circular = cc.CircularCNN(cc.patch_geometry((3,), 2, padding="circular"))
    deep = cc.ThreeLayerCNN(cc.patch_geometry((4,), 2, 2))
    rows = problem.patches.reshape(-1, 2)
    arrangement = cc.enumerate_patterns(rows)
    arrangement.index_of(arrangement.active())  # sets up a table
    told = []
    cc.solve(problem, progress=told.append)
    report = solution.report(path=path)
    swept = cc.sweep({"dataset": "edge", "data.n": 4, "seed": [0, 1]}, workers=1)
    architectures = [param.values[0] for param in every_architecture()]
    return (
        problem, solution, solution.certificate, solution.seconds, *solution.history, network, fixed,
        cc.audit(problem, network), cc.audit(problem, cc.Network(problem.architecture, [], [])),
        *cc.sgd_steps(problem, seeds=[0], iterations=3), trained, trained.settings, ways,
        compared, *compared.runs,
        path, path.preview(0.5 * path.beta_max), cc.minimum_norm(problem),
        arrangement, cc.count_patterns(rows), cc.sample_patterns(rows, 5),
        cc.bounds(tiny_problem(deep), starts=2), cc.bounds(tiny_problem(circular), starts=2), told[-1],
        report, cc.verify(report), swept, *swept.rows,
        *(cc.load_dataset(name, seed=0) for name in ("talk", "bars")), problem.architecture.geometry,
        cc.patch_geometry((28, 28, 3), 5, 3), cc.Model(network, 0.1, problem.loss, solution.dual, None),
        *EVERY, SoftmaxLoss(), *architectures,
        *(random_network(tiny_problem(architecture), 3, 0) for architecture in architectures),
        *cc.Status, *cc.Scope, *cc.Exactness,
        cc.ConvexCoreError("a"), cc.InputError("b"), cc.BackendError("c"),
        cc.SizeError("d", predicted=10, limit=5), cc.Interrupted("e", status=cc.Status.CANCELLED),
    )  # fmt: skip


def arrays(thing, seen=None):
    """Every array that `thing` holds, however deep."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, enum.Enum)):
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield thing
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from arrays(getattr(thing, field.name), seen)
    elif isinstance(thing, (tuple, list)):
        for part in thing:
            yield from arrays(part, seen)
    elif isinstance(thing, typing.Mapping):
        yield from arrays(list(thing.values()), seen)


def is_record(thing) -> bool:
    return dataclasses.is_dataclass(thing)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_public_class_is_tried(kind):
    protocol = getattr(kind, "_is_protocol", False)
    assert protocol or any(isinstance(thing, kind) for thing in objects()), f"objects() makes no {kind.__name__}"


def test_comparing_and_hashing_never_raise():
    things = objects()
    for thing in things:
        assert thing == thing
        assert isinstance(hash(thing), int)
        assert thing not in (None, 0, "thing")
    for a in things:
        for b in things:
            same = a == b
            assert isinstance(same, bool)
            assert same == (b == a)
            assert not same or hash(a) == hash(b)


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy])
def test_a_copy_is_equal_and_read_only(copied):
    for thing in objects():
        twin = copied(thing)
        assert type(twin) is type(thing)
        if is_record(thing):
            assert twin == thing
            assert hash(twin) == hash(thing)
            assert repr(twin) == repr(thing)
            assert not [array for array in arrays(twin) if array.flags.writeable], type(thing)


def test_every_protocol_of_pickle_keeps_arrays_read_only():
    solution = next(thing for thing in objects() if isinstance(thing, cc.Solution))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(solution, protocol))
        assert twin == solution
        assert not [array for array in arrays(twin) if array.flags.writeable]


def test_arrays_are_read_only_from_the_start():
    for thing in objects():
        assert not [array for array in arrays(thing) if array.flags.writeable], type(thing)


def test_a_repr_is_one_short_line_that_begins_with_the_name():
    for thing in objects():
        line = repr(thing)
        assert len(line) < 200
        assert "\n" not in line
        assert "array(" not in line
        if is_record(thing) or isinstance(thing, cc.FixedDirections):
            assert line.startswith(f"{type(thing).__name__}(")


def test_a_repr_stays_short_whatever_the_names_and_sizes():
    data = cc.Dataset("name " * 100, np.ones((2, 3)), [1.0, 2.0], description="word " * 500)
    deep = cc.patch_geometry((10**6,), 10**6, 10**6)
    model = cc.Model(cc.Network(cc.TwoLayerCNN(deep), [], []), 1e-300, None, np.zeros(0), None)
    for thing in (data, deep, model, cc.Progress("stage", "message " * 100)):
        assert len(repr(thing)) < 200


def test_equality_is_by_content():
    a, b = patch_problem(0), patch_problem(0)
    assert a == b
    assert hash(a) == hash(b)
    assert a != patch_problem(1)
    assert a != a.with_beta(0.2)
    assert len({a, b, a.with_beta(0.2)}) == 2
    assert a.architecture == b.architecture
    minus = cc.Network(a.architecture, [[0.0, 1.0]], [-0.0])
    plus = cc.Network(a.architecture, [[-0.0, 1.0]], [0.0])
    assert minus == plus
    assert hash(minus) == hash(plus)
    nan = cc.PathPreview(float("nan"), minus, 1.0, 0.0)
    assert nan == dataclasses.replace(nan, beta=-float("nan"))
    assert hash(nan) == hash(dataclasses.replace(nan, beta=-float("nan")))


def test_an_unpickled_path_previews_as_before():
    path = cc.solve_path(patch_problem(0), points=3)
    beta = 0.4 * path.beta_max
    wanted = path.preview(beta)
    for twin in (pickle.loads(pickle.dumps(path)), copy.deepcopy(path)):
        assert twin.preview(beta) == wanted


#: what each noun is called in annotations, and something of the kind
@cache
def nouns() -> dict[str, object]:
    problem = patch_problem(0)
    solution = cc.solve(problem)
    return {
        "Problem": problem,
        "Network": solution.network,
        "Solution": solution,
        "Architecture": problem.architecture,
        "PatchGeometry": problem.architecture.geometry,
        "Loss": problem.loss,
        "Dataset": cc.load_dataset("talk"),
    }


def taken(function) -> dict[str, str]:
    """Parameters that take a noun, with the noun."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        words = str(parameter.annotation).replace("|", " ").replace("None", "").split()
        if len(words) == 1 and words[0].strip("'") in NOUNS:
            found[name] = words[0].strip("'")
    return found


NOUNS = ("Problem", "Network", "Solution", "Architecture", "PatchGeometry", "Loss", "Dataset")
#: results are made by the library alone
RESULTS = {"Solution", "Audit", "PathPreview", "Bounds", "MinimumNorm", "Model", "Path"}
CALLED = {name: getattr(cc, name) for name in cc.__all__ if inspect.isfunction(getattr(cc, name))}
CALLED |= {kind.__name__: kind for kind in CLASSES if dataclasses.is_dataclass(kind) and kind.__name__ not in RESULTS}
CALLED |= {"Problem.from_dataset": cc.Problem.from_dataset, "FixedDirections": cc.FixedDirections}
TAKING = {name: function for name, function in CALLED.items() if taken(function)}


def arguments(function) -> dict[str, object]:
    """Something for every parameter without a default."""
    given = {name: nouns()[noun] for name, noun in taken(function).items()}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in given and parameter.default is inspect.Parameter.empty and "VAR" not in parameter.kind.name:
            given[name] = {"complete": True, "beta": 0.1}.get(name, "somewhere")
    return given


def test_these_functions_take_a_noun():
    wanted = {"audit", "certify", "solve", "solve_path", "train_sgd", "sgd_steps", "save_model", "save_dataset"}
    wanted |= {"Problem.from_dataset", "Network", "FixedDirections", "TwoLayerCNN", "network_from_arrays"}
    assert wanted <= TAKING.keys()


@pytest.mark.parametrize("name", TAKING)
def test_another_noun_is_refused_in_one_sentence(name):
    function = TAKING[name]
    for parameter, noun in taken(function).items():
        for other in [value for kind, value in nouns().items() if kind != noun] + ["text", 3.0, np.ones((2, 2))]:
            with pytest.raises(cc.InputError) as caught:
                function(**(arguments(function) | {parameter: other}))
            message = str(caught.value)
            assert message.startswith(f"{name}: got ")
            assert type(other).__name__ in message
            assert noun in message or "swapped" in message
            assert "\n" not in message


#: two arguments, either of which is refused in the place of the other, and those after them
PAIRS = {
    "audit": ("problem", "network"),
    "certify": ("problem", "network"),
    "FixedDirections": ("problem", "network"),
    "save_model": ("target", "solution"),
    "save_dataset": ("dataset", "path"),
    "network_from_arrays": ("architecture", "arrays"),
    "two_ways": ("problem", "start", "end"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_swapped_arguments_are_said_to_be_swapped(name):
    first, second, *rest = PAIRS[name]
    given = arguments(TAKING[name]) | ({"arrays": {}} if second == "arrays" else {})
    with pytest.raises(cc.InputError) as caught:
        TAKING[name](given[second], given[first], *(given[other] for other in rest))
    assert str(caught.value).endswith(f"expected ({', '.join(PAIRS[name])}): the arguments are swapped")


def test_whoever_takes_two_nouns_is_tried_with_them_swapped():
    several = {name for name, function in TAKING.items() if len(set(taken(function).values())) > 1}
    assert several <= PAIRS.keys()


def test_the_sentences_name_what_was_given_and_a_way_out():
    problem, network = nouns()["Problem"], nouns()["Network"]
    with pytest.raises(cc.InputError) as caught:
        cc.audit(network, problem)
    expected = "audit: got (Network, Problem), expected (problem, network): the arguments are swapped"
    assert str(caught.value) == expected
    with pytest.raises(cc.InputError) as caught:
        cc.solve(nouns()["Dataset"])
    expected = "solve: got a Dataset for problem, expected a Problem, for example Problem.from_dataset(dataset)"
    assert str(caught.value) == expected
    with pytest.raises(cc.InputError) as caught:
        cc.Problem(problem.X, problem.y, architecture=problem.architecture, beta=0.1, loss=cc.HuberLoss)
    assert str(caught.value) == "Problem: got a type for loss, expected a Loss"


def test_an_architecture_of_somebody_else_is_one_by_its_members():
    class Mine:
        """Delegates to another one, as a wrapper of a user would."""

        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

    problem = nouns()["Problem"]
    assert cc.Network(Mine(problem.architecture), [[1.0, 0.0]], [1.0]).m == 1


def test_every_result_of_the_library_is_a_record():
    """Frozen dataclasses with arrays; those with sparse matrices are parts of programs, and no results."""
    for module in [sys.modules[name] for name in sorted(sys.modules) if name.startswith("convex_core.")]:
        for kind in vars(module).values():
            if dataclasses.is_dataclass(kind) and inspect.isclass(kind) and kind.__module__.startswith("convex_core."):
                held = " ".join(str(field.type) for field in dataclasses.fields(kind))
                frozen = kind.__dataclass_params__.frozen and kind.__dataclass_params__.eq
                if (
                    frozen
                    and ("Array" in held or "_Floats" in held)
                    and "sparse" not in held
                    and "figures" not in module.__name__
                ):
                    assert kind.__eq__.__module__ == "convex_core.contracts.records", f"{kind} is not a @record"


def test_a_path_compares_with_an_array_and_takes_no_writing():
    path = cc.solve_path(nouns()["Problem"], points=3)
    assert (path == np.zeros(3)) is False
    for copied in (path, pickle.loads(pickle.dumps(path))):
        assert not copied._quick._rising.flags.writeable


@pytest.mark.parametrize("given", [{"time_limit": "3"}, {"cancel": True}, {"progress": 3}])
def test_limits_of_a_wrong_kind_are_one_sentence(given):
    with pytest.raises(cc.InputError, match=f"{next(iter(given))}: got"):
        cc.solve(nouns()["Problem"], **given)

"""The fuzz command: a few seconds of it pass, its judge objects to what is wrong, and a failure is kept small."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from few_cases import few
from fuzz import __main__ as command
from fuzz import judge, networks
from fuzz.kept import JUDGED, Kept, WrongError
from problem_cases import patch_problem

import convex_core as cc
from convex_core.architectures import make_architecture
from convex_core.numerics.threads import one_core


@pytest.fixture(scope="module")
def solved():
    return cc.solve(patch_problem(0), tol=1e-8)


def objection(check, *arguments):
    with pytest.raises(WrongError) as caught:
        check(*arguments)
    return str(caught.value)


def test_the_judge_agrees_with_an_answer(solved):
    problem = solved.problem
    networks.check_network(problem, solved.network, solved.network_objective, problem.y, "squared", None)
    networks.check_bound(problem, solved.dual, solved.lower_bound, problem.y, "squared", None, 0)


def test_the_judge_objects_to_another_objective_bound_dual_or_balance(solved):
    problem, y = solved.problem, solved.problem.y
    value, bound, dual = solved.network_objective, solved.lower_bound, solved.dual
    wrong = (1.0 + 1e-6) * value
    assert "objective by the judge" in objection(
        networks.check_network, problem, solved.network, wrong, y, "squared", None
    )
    higher = (1.0 + 1e-6) * bound
    assert "above the dual objective" in objection(networks.check_bound, problem, dual, higher, y, "squared", None, 0)
    longer = (1.0 + 1e-5) * dual
    assert "above beta" in objection(networks.check_bound, problem, longer, 0.0, y, "squared", None, 0)
    biased = cc.Problem(problem.X, y, filter_size=2, stride=2, bias="output", beta=problem.beta)
    assert "off the balance" in objection(networks.check_bound, biased, dual, 0.0, y, "squared", None, 0)


#: every network of the mix whose program is exact, with the options and the bias that it asks for
PLANTED = [
    *((name, {}, None) for name in ("two-layer", "linear", "flatten", "circular", "three-layer")),
    *(("two-layer", {"activation": name}, None) for name in ("absolute", "residual", "maxout")),
    ("two-layer", {"activation": "leaky", "slope": 0.2}, "regularised"), ("two-layer", {"pooling": "mean"}, "output"),
    ("two-layer", {"normalisation": "batch"}, None), ("linear", {"outputs": 2}, None),
    *(case for case in networks.TOGETHER if case[1] not in ({"layers": 4}, {"outputs": 2, "output_norm": "l2"})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "bias"), few(PLANTED, 12))
def test_the_judge_objects_to_the_smallest_faults_in_every_network(name, options, bias):
    padding = "circular" if name == "circular" else "valid"
    architecture = make_architecture(name, cc.PatchGeometry((3,), (2,), (1,), padding, bias or "none"), **options)
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((4, 3)), rng.standard_normal((4, architecture.q) if architecture.q > 1 else 4)
    problem = cc.Problem(X, y, architecture=architecture, beta=0.05)
    with one_core():
        found = cc.solve(problem, tol=1e-8, max_rounds=50)
    network, value, dual = found.network, found.network_objective, found.dual
    assert network.m > 0
    networks.check_network(problem, network, value, y, "squared", None)
    networks.check_bound(problem, dual, found.lower_bound, y, "squared", None, 0, network)

    said = objection(networks.check_network, problem, network, (1.0 + 1e-7) * value, y, "squared", None)
    assert "objective by the judge" in said
    # what a filter is multiplied by does not matter to its signs, but for its own sign
    factor = -1.0 if options.get("activation") == "threshold" else 0.99
    changed = dict(network.parameters) | {"filters": factor * network.parameters["filters"]}
    other = cc.Network(architecture, **changed, free=network.free)
    said = objection(networks.check_network, problem, other, value, y, "squared", None)
    assert "objective by the judge" in said
    higher = (1.0 + 1e-6) * found.lower_bound
    said = objection(networks.check_bound, problem, dual, higher, y, "squared", None, 0, network)
    assert "above the dual objective" in said
    longer = (1.0 + 1e-6) * dual
    assert "above beta" in objection(networks.check_bound, problem, longer, 0.0, y, "squared", None, 0, network)


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_the_judge_knows_the_rounding_of_outputs_that_cancel(loss):
    y = np.array([0.3, -0.2])
    problem = cc.Problem([[0.7, -0.2], [0.6, 0.1]], y, filter_size=2, beta=1e-12, loss=cc.make_loss(loss))
    network = cc.Network(problem.architecture, [[4e4, 3e4], [4e4, 3e4]], [5e4, 1e-5 - 5e4])
    value = problem.objective(network)
    networks.check_network(problem, network, value + 1e-6, y, loss, None)
    for wrong in (value + 1e-3, value - 1e-3):
        assert "objective by the judge" in objection(networks.check_network, problem, network, wrong, y, loss, None)


def test_rows_that_are_alike_have_corners():
    spec = {"geometry": {"bias": "none"}}
    for P in (np.ones((3, 1, 3)), np.tile([[1.0, -1.0, 2.0, 0.0]], (2, 3, 1))):
        for seed in range(100):
            found = judge.corners(spec, P, P.shape[2], np.random.default_rng(seed))
            unit = found / np.linalg.norm(found, axis=1, keepdims=True)
            assert np.abs(unit @ P.reshape(-1, P.shape[2]).T).max() < 1e-11


def test_batch_normalisation_of_samples_that_are_nearly_alike_is_judged_without_rounding():
    # two rows that differ by 1e-13 of numbers near 0.1: their normalised responses are +-1/sqrt(2) exactly
    X = [[-0.0462815436, -0.1362542275], [-0.0462815436 - 1.1e-13, -0.1362542275 - 1.6e-13]]
    problem = cc.Problem(X, [-0.6, -2.2], filter_size=2, beta=0.07, normalisation="batch")
    spec = networks.spec_of(problem.architecture)
    P = judge.patches(problem.X, spec["geometry"])
    filters = np.array([[0.3, -0.7, 1.0, 0.0], [-1.1, 0.2, -1.0, 0.0]])
    assert np.abs(judge.pooled(spec, P, filters)).max(axis=0) == pytest.approx([0.5**0.5] * 2, rel=1e-12)


#: what the judge says where a number of the answer is another
WORDS = {"network_objective": "objective by the judge", "lower_bound": "lower bound .* above"}


@pytest.mark.parametrize(("fault", "word"), few(WORDS.items()))
def test_small_cases_find_a_fault_planted_in_every_answer(fault, word, monkeypatch):
    solve = cc.solve

    def planted(*arguments, **options):
        found = solve(*arguments, **options)
        told = {name: getattr(found, name) for name in ("network", "dual", "scope", "status", "exactness", *WORDS)}
        return SimpleNamespace(**told | {fault: (1.0 + 1e-6) * told[fault]})

    objections = 0
    for seed in range(10):
        JUDGED.clear()
        networks.small_case(np.random.default_rng(seed), Kept())
        if JUDGED["optima"]:
            monkeypatch.setattr(cc, "solve", planted)
            with pytest.raises(WrongError, match=word):
                networks.small_case(np.random.default_rng(seed), Kept())
            monkeypatch.setattr(cc, "solve", solve)
            objections += 1
    assert objections > 2


def test_a_failure_is_kept_with_the_fewest_samples_and_the_line_that_repeats_it(tmp_path, monkeypatch, capsys):
    def case(rng, kept):
        def check(X, y):
            if (X[:, 0] > 0.0).any():
                raise WrongError("a positive entry")

        kept.update(said="signs")
        kept.run(check, np.array([[-1.0], [2.0], [-3.0], [4.0]]), np.zeros(4))

    monkeypatch.setitem(command.KINDS, "signs", (case, 1))
    assert command.main(["--only", "signs", "--case", "7", "--keep", str(tmp_path)]) == 1
    assert "python -m tests.fuzz --only signs --case 7" in capsys.readouterr().out
    found = json.loads((tmp_path / "signs-7.json").read_text())
    assert (found["again"], found["said"]) == ("python -m tests.fuzz --only signs --case 7", "signs")
    assert np.load(tmp_path / "signs-7.npz")["X"].tolist() == [[4.0]]


def test_a_refusal_that_is_no_sentence_fails():
    def check(X, y):
        raise cc.InputError("no")

    with pytest.raises(WrongError, match="without got and expected"):
        Kept().run(check, np.zeros((1, 1)), np.zeros(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds", ["small,small-path", "solve,audit,path", "norm,bounds,list,estimator", "file,link,command"]
)
def test_a_few_seconds_of_it_pass(kinds, tmp_path):
    assert command.main(["--minutes", "0.03", "--seed", "1", "--only", kinds, "--keep", str(tmp_path)]) == 0
    assert not list(tmp_path.iterdir())

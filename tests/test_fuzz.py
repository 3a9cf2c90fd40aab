"""The fuzz command: a few seconds of it pass, its judge objects to what is wrong, and a failure is kept small."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fuzz import __main__ as command
from fuzz import networks
from fuzz.kept import Kept, WrongError
from problem_cases import patch_problem

import convex_core as cc


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
@pytest.mark.parametrize("kinds", ["solve,audit,path", "norm,bounds,list,estimator", "file,link,command"])
def test_a_few_seconds_of_it_pass(kinds, tmp_path):
    assert command.main(["--minutes", "0.03", "--seed", "1", "--only", kinds, "--keep", str(tmp_path)]) == 0
    assert not list(tmp_path.iterdir())

"""The talk's experiments: what is found, saved and drawn, and how they stop."""

import json
import math
import os
import threading
from dataclasses import replace

import numpy as np
import pytest

from convex_core import InputError, Scope, Status, load_dataset
from convex_core.cli import main
from convex_core.experiments import EXPERIMENTS, run_experiment
from convex_core.experiments.run import arm_problem
from convex_core.figures.experiment import experiment_accuracy, experiment_objective, experiment_page

needs_images = pytest.mark.skipif(
    not os.environ.get("CONVEX_CORE_DATA"), reason="CONVEX_CORE_DATA does not name a data folder"
)


@pytest.fixture(scope="module")
def talk():
    return run_experiment("talk", iterations=2000)


def test_the_talks_synthetic_experiment(talk):
    best = talk.arms[0].solution
    assert best.scope is Scope.GLOBAL
    assert best.network_objective == pytest.approx(0.09274745985414, abs=1e-11)
    assert talk.training.seeds == (0, 1, 2, 3, 4)
    assert talk.training.objective.shape == (5, len(talk.training.iterations))
    assert talk.training.objective.min() > best.lower_bound
    assert talk.training.iterations[-1] == 2000
    assert talk.training.test_accuracy is None
    assert talk.stopped is None


def test_the_same_seed_gives_the_same_result(talk):
    again = run_experiment("talk", iterations=2000)
    assert np.array_equal(again.training.objective, talk.training.objective)
    assert again.arms[0].solution.network_objective == talk.arms[0].solution.network_objective
    other = run_experiment("talk", iterations=20, seed=1)
    assert other.arms[0].solution.network_objective != talk.arms[0].solution.network_objective


def test_figures_say_what_was_found(talk):
    chart = experiment_objective(talk)
    best = talk.arms[0].solution
    line = next(trace for trace in chart.figure.data if trace.name.startswith("convex program"))
    # over the proved lower bound, relative to it
    excess = (best.network_objective - best.lower_bound) / best.lower_bound
    assert list(line.y) == pytest.approx([max(excess, 1e-12)] * 3)
    seeds = [trace for trace in chart.figure.data if trace.legendgroup == "SGD"]
    assert [trace.showlegend for trace in seeds] == [True] + [False] * (len(seeds) - 1)
    seed = seeds[talk.training.seeds.index(0)]
    row = talk.training.objective[talk.training.seeds.index(0)]
    assert np.allclose(seed.y, row / best.lower_bound - 1.0)
    # on a logarithmic axis that the curve fills: a tenth of the records are among the first 20 steps
    assert chart.figure.layout.xaxis.type == "log"
    assert talk.training.iterations[:20].tolist() == list(range(20))
    assert np.all(np.diff(talk.training.iterations) >= 1)
    # the marker stands where the training clock passes the convex program's time
    after = talk.training.iterations[talk.training.seconds >= best.seconds.total]
    assert line.x[1] == (after[0] if len(after) else 2000)
    assert f"{best.network_objective:.6g}" in chart.alt
    axis = chart.figure.layout.yaxis
    assert [float(text.replace(",", "")) for text in axis.ticktext] == pytest.approx(axis.tickvals)
    assert experiment_accuracy(talk) is None
    page = experiment_page(talk)
    assert "Our choices" in page
    assert all(choice.split(",")[0] in page for choice in talk.plan.chosen)
    assert "exact" in page


def test_the_command_saves_what_it_prints(tmp_path, capsys):
    out, page = tmp_path / "r.json", tmp_path / "r.html"
    options = ["--iterations", "100", "--seeds", "3", "--out", str(out), "--html", str(page), "--json"]
    assert main(["experiment", "talk", *options]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert printed["our_choices"]
    assert printed["arms"][0]["exactness"] == "exact"
    assert printed["sgd"]["seeds"] == [3]
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["magic"], "experiment: got 'magic'"),
        (["talk", "--beta", "0"], "beta"),
        (["talk", "--iterations", "0"], "iter"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    assert main(["experiment", *arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_cancelled_experiment_keeps_what_is_finished():
    cancel = threading.Event()

    def stop_at_sgd(report):
        if report.stage == "sgd":
            cancel.set()

    result = run_experiment("talk", cancel=cancel, progress=stop_at_sgd)
    assert result.stopped is Status.CANCELLED
    assert result.arms[0].solution.status is Status.OPTIMAL
    assert result.training.iterations[-1] < EXPERIMENTS["talk"].iterations
    early = threading.Event()
    early.set()
    nothing = run_experiment("talk", cancel=early)
    assert (nothing.arms, nothing.training) == ((), None)
    with pytest.raises(InputError, match="stopped before SGD"):
        experiment_objective(nothing)
    assert "Convex programs" in experiment_page(nothing)


@pytest.mark.slow
@needs_images
def test_an_image_experiment_says_what_is_exact_and_what_is_not(monkeypatch):
    plan = EXPERIMENTS["mnist"]
    # the other programs over 50 dimensions take a minute, and the euclidean one several seconds with all 99 images
    arms = tuple(arm for arm in plan.arms if arm.name in ("euclidean", "two-layer"))
    assert load_dataset(plan.dataset, **plan.dataset_options).X.shape == (99, 50)
    few = {**plan.dataset_options, "n": 33}
    monkeypatch.setitem(EXPERIMENTS, "mnist", replace(plan, arms=arms, dataset_options=few))
    result = run_experiment("mnist", iterations=50, seeds=[0])
    by_name = {arm.plan.name: arm for arm in result.arms}
    certified = by_name["two-layer"].solution
    assert certified.problem.X.shape == (33, 50)
    assert certified.scope is Scope.GLOBAL
    assert certified.relative_gap <= 1e-6
    arm = by_name["euclidean"].solution
    assert arm.scope is Scope.RESTRICTED
    assert math.isinf(arm.lower_bound)
    assert arm.network_objective == pytest.approx(arm.problem.objective(arm.network))
    dataset = load_dataset(plan.dataset, **plan.dataset_options)
    words = {a.name: arm_problem(plan, a, dataset).architecture.exactness.value for a in plan.arms}
    assert words["spectral"] == "bound only"
    assert words["nuclear"] == "exact"  # the lift is a norm that neurons attain, whatever its rank
    for arm in result.arms:
        assert 0.0 <= arm.test_accuracy <= 1.0
    assert result.training.test_accuracy.shape == result.training.objective.shape
    assert experiment_accuracy(result).table["iteration"][-1] == 50


@pytest.mark.slow
def test_a_quick_experiment_has_the_quick_programs_only(monkeypatch, capsys):
    plan = EXPERIMENTS["digits"]
    few = {**plan.dataset_options, "n": 10, "n_test": 20}
    monkeypatch.setitem(EXPERIMENTS, "digits", replace(plan, dataset_options=few))
    assert main(["experiment", "digits", "--quick", "--seeds", "0", "--iterations", "50", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [arm["name"] for arm in found["arms"]] == [arm.name for arm in plan.arms if arm.quick]
    # what SGD trains is that of the plan's first program, whichever are solved
    whole = run_experiment("digits", seeds=[0], iterations=50)
    assert found["sgd"]["objective"][0] == pytest.approx(whole.training.objective[0])

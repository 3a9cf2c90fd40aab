"""Losses on the command line and in model files."""

import json

import numpy as np
import pytest
from loss_cases import OTHERS, each, problem_with

from convex_core import InputError, load_model, save_model, solve
from convex_core.cli import main

ARGUMENTS = {"huber": ["--delta", "0.3"]}


def run(capsys, *args):
    code = main([*args, "--json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if code == 0 else printed.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "hinge", "absolute", "huber"])
def test_solve_audit_and_sgd_take_a_loss(capsys, tmp_path, name):
    loss = ["--loss", name, *ARGUMENTS.get(name, [])]
    data = ["--dataset", "edge", "--filter-size", "2", "--beta", "0.5"]
    model, trained = str(tmp_path / "model.npz"), str(tmp_path / "sgd.npz")
    code, solved = run(capsys, "solve", *data, *loss, "--out", model)
    assert code == 0
    assert (solved["loss"], solved["status"], solved["scope"]) == (name, "optimal", "global")
    assert solved.get("delta") == (0.3 if name == "huber" else None)
    # the model file says the loss, which may be overruled
    data = ["--dataset", "edge"]
    _, judged = run(capsys, "audit", model, *data)
    assert (judged["loss"], judged["objective"]) == (name, pytest.approx(solved["network_objective"]))
    assert judged["relative_gap"] <= 1e-6
    _, other = run(capsys, "audit", model, *data, "--loss", "squared")
    assert other["loss"] == "squared"
    assert other["lower_bound"] <= other["objective"] != judged["objective"]
    data = ["--dataset", "edge", "--filter-size", "2", "--beta", "0.5"]
    _, descent = run(capsys, "sgd", *data, *loss, "--iterations", "200", "--seeds", "0,1", "--out", trained)
    assert min(descent["best_objective"]) >= solved["lower_bound"]
    _, audited = run(capsys, "audit", trained, "--dataset", "edge")
    assert (audited["loss"], audited["objective"]) == (name, pytest.approx(descent["objective"]))
    _, path = run(capsys, "path", *data[:4], *loss, "--points", "3")
    assert (path["loss"], path["status"]) == (name, "optimal")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--dataset", "talk", "--loss", "hinge"], "y: got the target -0.287388 with the hinge loss, expected labels"),
        (["--dataset", "edge", "--loss", "l1"], "loss: got 'l1', expected one of squared"),
        (["--dataset", "edge", "--delta", "1"], "delta: got 1.0 with the squared loss, expected it only with the loss"),
        (["--dataset", "edge", "--loss", "huber", "--delta", "-1"], "delta: got -1.0, expected a finite number > 0"),
    ],
)
def test_what_does_not_fit_is_one_sentence(capsys, args, message):
    code, error = run(capsys, "solve", *args)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


@each(OTHERS)
def test_model_files_say_the_loss(tmp_path, loss):
    save_model(tmp_path / "m.npz", solve(problem_with(loss)))
    assert load_model(tmp_path / "m.npz").loss == loss


@pytest.mark.parametrize(
    ("key", "value"), [("loss", "none"), ("delta", -1.0), ("delta", np.nan), ("delta", [1.0, 2.0])]
)
def test_a_damaged_loss_is_refused(tmp_path, key, value):
    from convex_core import HuberLoss

    save_model(tmp_path / "m.npz", solve(problem_with(HuberLoss())))
    arrays = dict(np.load(tmp_path / "m.npz")) | {key: np.array(value)}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=f"{key}: got"):
        load_model(tmp_path / "bad.npz")

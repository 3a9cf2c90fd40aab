"""A person's own files on the command line: what was understood is one line on standard error, refusals exit with 2."""

import json

import numpy as np
import pytest

from convex_core import Problem, make_loss, solve
from convex_core.cli import main
from convex_core.data import Dataset, read_dataset
from convex_core.networks.classes import accuracies

X = np.random.default_rng(0).normal(size=(10, 3)).round(3)
Y = np.arange(10) % 2


@pytest.fixture
def write(tmp_path):
    def write(labels, header="a,b,c,y", first=False, name="mine.csv"):
        rows = [[*map(str, x), str(y)] for x, y in zip(X, labels, strict=True)]
        rows = [[row[-1], *row[:-1]] for row in rows] if first else rows
        (tmp_path / name).write_text("\n".join([*([header] if header else []), *map(",".join, rows)]) + "\n")
        return str(tmp_path / name)

    return write


@pytest.fixture
def run(capsys):
    def run(*argv):
        assert main([*map(str, argv), "--json"]) == 0
        out, err = capsys.readouterr()
        assert err.startswith("convex_core: Read from mine.")
        assert err.count("\n") == 1
        return json.loads(out), err

    return run


@pytest.fixture
def fail(capsys):
    def fail(*argv):
        assert main([*map(str, argv)]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        return err

    return fail


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
@pytest.mark.parametrize("values", [(0, 1), (1, 2), (3, 8), (0.5, 1.5)])
def test_any_two_values_are_the_classes_of_a_binary_loss(loss, values, write, run):
    path = write(np.where(Y == 1, values[1], values[0]))
    result, said = run("solve", "--data", path, "--loss", loss, "--beta", 0.5, "--filter-size", 2)
    signs = Dataset("signs", X, 2.0 * Y - 1.0)
    solution = solve(Problem.from_dataset(signs, loss=make_loss(loss), beta=0.5, filter_size=2))
    assert result["network_objective"] == pytest.approx(solution.network_objective, rel=1e-6)
    assert result["train_accuracy"] == accuracies(solution.network, signs)[0]
    assert f"taken as the 2 classes {values[0]} (-1, 5 samples) and {values[1]} (+1, 5 samples)" in said


@pytest.mark.slow
@pytest.mark.parametrize("values", [(1, 2), (1, 2, 3), (-3, 0, 7), ("cat", "dog")])
def test_softmax_has_an_output_for_each_class_and_no_other(values, write, run):
    labels = [values[k % len(values)] for k in range(10)]
    path = write(labels)
    result, said = run("solve", "--data", path, "--loss", "softmax", "--beta", 0.5, "--filter-size", 2)
    assert result["outputs"] == len(values)
    numbered = Dataset("numbered", X, np.arange(10) % len(values))
    problem = Problem.from_dataset(numbered, loss=make_loss("softmax"), beta=0.5, filter_size=2)
    assert result["network_objective"] == pytest.approx(solve(problem).network_objective, rel=1e-5)
    assert f"the {len(values)} classes {values[0]} (" in said


def test_one_class_is_refused_by_losses_of_classes(write, fail):
    assert "single class 2" in fail("solve", "--data", write([2] * 10), "--loss", "softmax")
    assert "expected labels -1 and +1" in fail("solve", "--data", write([2] * 10), "--loss", "logistic")


def test_numbers_stay_numbers_for_the_squared_loss(write, run):
    path = write(Y)
    result, said = run("solve", "--data", path, "--beta", 0.5)
    solution = solve(Problem.from_dataset(Dataset("plain", X, Y), beta=0.5))
    assert result["network_objective"] == pytest.approx(solution.network_objective, rel=1e-6)
    assert "taken as" not in said


@pytest.mark.parametrize("command", ["solve", "path", "patterns", "sgd"])
def test_every_command_takes_a_target(command, write, run, fail):
    quick = {"path": ("--points", 2), "sgd": ("--iterations", 20), "patterns": (), "solve": ()}[command]
    path = write(Y, header=None, first=True)
    assert "--target" in fail(command, "--data", path)
    _, said = run(command, "--data", path, "--target", "first", *quick)
    assert "y is column 1" in said
    path = write(Y, header="kind,a,b,c", first=True)
    _, said = run(command, "--data", path, "--target", "kind", *quick)
    assert "y is column 1 ('kind')" in said
    assert "got 'size'" in fail(command, "--data", path, "--target", "size")
    assert "with --dataset" in fail(command, "--dataset", "edge", "--target", "first")


def test_audit_takes_a_target_and_the_classes_of_the_model(write, run, tmp_path):
    path, model = write(np.where(Y == 1, 8, 3), header="kind,a,b,c", first=True), tmp_path / "model.npz"
    options = ("--data", path, "--target", "kind")
    solved, _ = run("solve", *options, "--loss", "hinge", "--beta", 0.5, "--filter-size", 2, "--out", model)
    judged, said = run("audit", model, *options)
    assert judged["objective"] == pytest.approx(solved["network_objective"], rel=1e-9)
    assert judged["train_accuracy"] == solved["train_accuracy"]
    assert "taken as the 2 classes 3 (-1" in said


def test_what_was_used_can_be_saved_and_used_again(write, run, tmp_path):
    path = write(np.where(Y == 1, "dog", "cat"))
    first, _ = run("solve", "--data", path, "--loss", "hinge", "--save-data", tmp_path / "again.npz")
    back = read_dataset(tmp_path / "again.npz")
    assert (back.labels, back.name) == (("cat", "dog"), "mine")
    second, _ = run("solve", "--data", tmp_path / "again.npz", "--loss", "hinge")
    assert second["network_objective"] == pytest.approx(first["network_objective"], rel=1e-9)


def test_rows_of_a_matrix_have_no_target(tmp_path, fail):
    np.save(tmp_path / "rows.npy", X)
    assert "expected the matrix alone" in fail("patterns", "--rows", tmp_path / "rows.npy", "--target", "first")

"""Command line: one JSON object or one line of regret, and the numbers of the library."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import convex_core
from convex_core.cli import main
from convex_core.cli.inputs import option_value
from convex_core.cli.output import running
from convex_core.data import load_dataset, read_dataset, save_dataset
from convex_core.export.model import load_model
from convex_core.presentation.text import jsonable

SOLVE_FIELDS = {
    "objective", "lower_bound", "relative_gap", "scope", "status", "exactness", "patterns", "patterns_bound",
    "active_filters", "network_objective", "rounds", "seconds",
}  # fmt: skip
PATTERN_FIELDS = {
    "rows", "merged_rows", "rank", "patterns", "closed_form", "bound", "certified", "max_zero", "min_nonzero",
    "seconds",
}  # fmt: skip
SMALL = ("--dataset", "edge", "--option", "n=4")


def strict(text):
    """Parse JSON; NaN and Infinity, which are not JSON, fail."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))


def said(err):
    """What stderr says, but for the compilation of kernels where nobody has compiled them before."""
    return "".join(line for line in err.splitlines(keepends=True) if "compiling kernels" not in line)


@pytest.fixture
def run(capsys):
    """Run a command that must succeed; its JSON object."""

    def call(*argv):
        assert main([*map(str, argv), "--json"]) == 0
        out, err = capsys.readouterr()
        err = said(err)
        if "--data" in argv:  # what was understood of the file
            assert err.startswith("convex_core: ")
            assert err.count("\n") == 1
        else:
            assert err == ""
        assert out.count("\n") == 1
        return strict(out)

    return call


@pytest.fixture
def fail(capsys):
    """Run a command that must be refused; the line that says why."""

    def call(*argv):
        assert main([str(a) for a in argv]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("convex_core: error: ")
        assert err.count("\n") == 1
        return err

    return call


# --- solve


def test_solve_on_the_talks_data(run, tmp_path):
    out, data = tmp_path / "model.npz", tmp_path / "data.npz"
    result = run("solve", "--dataset", "talk", "--beta", 0.1, "--tol", 1e-8, "--out", out, "--save-data", data)
    assert result.keys() >= SOLVE_FIELDS
    assert result["seconds"].keys() == {"patterns", "build", "solve", "certify", "total", "cpu"}
    assert (result["scope"], result["status"], result["exactness"]) == ("global", "optimal", "exact")
    assert (result["patterns"], result["patterns_bound"]) == (4072, 4072)
    assert 0 <= result["relative_gap"] <= 1e-8
    assert result["lower_bound"] <= result["network_objective"]
    assert result["network_objective"] == pytest.approx(result["objective"], abs=1e-7)
    assert 1 <= result["active_filters"] <= 6
    assert result["test_accuracy"] is None
    # the files hold what was reported: the objective follows from them with numpy alone
    saved, model = np.load(data), np.load(out)
    np.testing.assert_array_equal(saved["X"], load_dataset("talk").X)
    X, U, w = saved["X"], model["filters"], model["weights"]
    f = sum(np.maximum(X[:, k : k + 10] @ U.T, 0) @ w for k in (0, 5))
    objective = 0.5 * np.sum((f - saved["y"]) ** 2) + 0.05 * (np.sum(U**2) + np.sum(w**2))
    assert objective == pytest.approx(result["network_objective"], rel=1e-9)
    assert load_model(out).beta == 0.1


def test_solve_reads_the_data_it_saved(run, tmp_path):
    data = tmp_path / "data.npz"
    first = run("solve", *SMALL, "--seed", 3, "--save-data", data)
    second = run("solve", "--data", data)
    assert first["seed"] == second["seed"] == 3
    assert second["objective"] == pytest.approx(first["objective"], rel=1e-6)
    assert second["filter_shape"] == [2]


@pytest.mark.slow
@pytest.mark.parametrize("cells", ["used", "all"])
def test_solve_writes_a_script_that_runs(run, tmp_path, cells):
    script = tmp_path / "program.py"
    result = run("solve", *SMALL, "--pooling", "max", "--tol", 1e-8, "--script", script, "--script-cells", cells)
    assert ("this is the whole program" in script.read_text()) == (cells == "all")
    done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    values = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    assert values == pytest.approx([result["objective"], result["network_objective"]], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("cells", ["used", "all"])
def test_a_script_of_the_zero_network_finds_it(run, tmp_path, cells):
    script = tmp_path / "program.py"
    result = run("solve", *SMALL, "--beta", 1e6, "--script", script, "--script-cells", cells)
    assert result["active_filters"] == 0
    done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    values = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    assert values == pytest.approx([result["objective"]] * 2, rel=1e-6)


def test_a_script_of_too_much_data_is_refused_before_solving(fail, tmp_path, monkeypatch):
    monkeypatch.setattr("convex_core.export.script.MAX_SCRIPT_BYTES", 1000)
    monkeypatch.setattr("convex_core.cli.solve.solve", lambda *_, **__: pytest.fail("solved first"))
    assert "script: got" in fail("solve", *SMALL, "--script", tmp_path / "program.py")


def test_options_that_would_do_nothing_are_refused(fail):
    assert "script-cells: got 'all' without --script" in fail("solve", *SMALL, "--script-cells", "all")


def test_a_method_that_does_not_fit_the_problem_is_bad_input(fail):
    message = fail("solve", *SMALL, "--pooling", "max", "--method", "branch-and-bound")
    assert "expected one whose atoms are sums over hyperplanes" in message


def test_files_of_one_command_do_not_replace_each_other(fail, tmp_path):
    data = tmp_path / "d.npz"
    save_dataset(load_dataset("edge", n=4), data)
    before = data.read_bytes()
    assert "which is also a file that is read" in fail("solve", "--data", data, "--out", tmp_path / "." / "d.npz")
    assert "which is also a file that is read" in fail("sgd", "--data", data, "--out", data)
    assert "which is also a file that is read" in fail("patterns", "--data", data, "--out", data)
    # the ending that is appended counts
    assert "which is also a file that is read" in fail("solve", "--data", data, "--save-data", tmp_path / "d")
    assert data.read_bytes() == before
    both = ("--out", tmp_path / "m.npz", "--script", tmp_path / "m.npz")
    assert "which is also that of --out" in fail("solve", *SMALL, *both)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("option", ["--out", "--script"])
def test_a_full_disk_is_one_line(fail, option):
    assert "/dev/full" in fail("solve", *SMALL, option, "/dev/full")


def test_a_bad_case_of_the_benchmark_is_one_line(fail):
    assert "case: got 'nosuch'" in fail("benchmark", "nosuch")
    assert "repeat: got 0" in fail("benchmark", "--repeat", 0)


def test_solve_reads_csv(run, tmp_path):
    dataset = load_dataset("edge", n=4)
    np.savetxt(tmp_path / "d.csv", np.c_[dataset.X, dataset.y], delimiter=",", header="a,b,c,d,e,f,g,h,y", comments="")
    options = ("--filter-size", 2, "--stride", 1, "--beta", 0.1)
    a, b = run("solve", "--data", tmp_path / "d.csv", *options), run("solve", *SMALL, *options)
    assert a["objective"] == pytest.approx(b["objective"], rel=1e-6)


def test_accuracies_are_sign_agreements(run, tmp_path):
    out = tmp_path / "model.npz"
    result = run("solve", *SMALL, "--out", out)
    dataset, network = load_dataset("edge", n=4), load_model(out).network
    right = np.sign(network.predict(dataset.X_test)) == dataset.y_test
    assert result["test_accuracy"] == pytest.approx(right.mean())
    assert result["train_accuracy"] == 1.0
    assert run("solve", *SMALL, "--option", "n_test=0")["test_accuracy"] is None


def test_geometry_arguments_reach_the_problem(run):
    result = run(
        "solve", "--dataset", "patterns2d", "--option", "n=4", "--filter-size", "2,1", "--stride", "2x2",
        "--padding", "circular", "--pooling", "mean", "--method", "clarabel",
    )  # fmt: skip
    assert (result["filter_shape"], result["stride"]) == ([2, 1], [2, 2])
    assert (result["padding"], result["pooling"], result["method"]) == ("circular", "mean", "clarabel")
    assert result["scope"] == "global"


def test_infinities_become_null(run):
    result = run("solve", "--dataset", "talk", "--method", "sampled")
    assert result["scope"] == "restricted"
    assert result["lower_bound"] is None
    assert result["relative_gap"] is None
    assert jsonable({"x": [np.float32("nan"), -np.inf, np.int64(3)]}) == {"x": [None, None, 3]}


# --- patterns


def test_patterns_of_a_matrix(run, tmp_path):
    rows = np.array([[1, 0], [0, 1], [1, 1], [2, 2], [0, 0], [-1, -1]])
    np.save(tmp_path / "rows.npy", rows)
    result = run("patterns", "--rows", tmp_path / "rows.npy")
    assert result.keys() >= PATTERN_FIELDS
    assert (result["rows"], result["merged_rows"], result["rank"]) == (6, 3, 2)
    assert (result["patterns"], result["closed_form"], result["certified"]) == (6, 6, True)
    assert result["bound"] >= 6
    assert result["seconds"] >= 0


def test_patterns_of_a_dataset_equal_the_solvers(run):
    arguments = ("--dataset", "motifs", "--option", "n=5", "--filter-size", 2, "--stride", 3)
    counted, solved = run("patterns", *arguments), run("solve", *arguments)
    assert counted["patterns"] == solved["patterns"]
    assert counted["rows"] == 5 * 3


@pytest.mark.slow
def test_patterns_does_not_import_what_it_does_not_need(tmp_path):
    np.save(tmp_path / "rows.npy", np.eye(3))
    code = (
        "import sys; from convex_core.cli import main; "
        f"status = main(['patterns', '--rows', {str(tmp_path / 'rows.npy')!r}, '--json']); "
        "heavy = {'streamlit', 'plotly', 'cvxpy', 'sklearn', 'pandas', 'rich'} & set(sys.modules); "
        "sys.exit(status or ' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert strict(done.stdout)["patterns"] == 8


# --- sgd and audit


def test_sgd_then_audit(run, tmp_path):
    model = tmp_path / "sgd.npz"
    trained = run("sgd", *SMALL, "--seeds", "4,7", "--iterations", 300, "--out", model)
    assert trained["seeds"] == [4, 7]
    assert trained["objective"] == min(trained["best_objective"])
    assert trained["best_seed"] in (4, 7)
    history = trained["history"]
    assert history["iterations"][-1] == trained["settings"]["iterations"] == 300
    assert [min(line) for line in history["objective"]] == trained["best_objective"]
    assert len(history["seconds"]) == len(history["iterations"]) == len(history["objective"][0])

    audited = run("audit", model, *SMALL)
    assert audited["objective"] == pytest.approx(trained["objective"], rel=1e-12)
    assert audited["filters"] == trained["settings"]["m"] == 5
    optimum = run("solve", *SMALL)
    assert audited["lower_bound"] <= optimum["network_objective"] * (1 + 1e-9)
    assert audited["scope"] == "global"
    assert audited["beta"] == 0.1


def test_audit_of_bare_filters_and_weights(run, tmp_path):
    solved = tmp_path / "solved.npz"
    optimum = run("solve", *SMALL, "--tol", 1e-9, "--out", solved)
    arrays = np.load(solved)
    np.savez(tmp_path / "bare.npz", filters=arrays["filters"], weights=arrays["weights"])
    bare = run("audit", tmp_path / "bare.npz", *SMALL, "--tol", 1e-4)
    assert bare["objective"] == pytest.approx(optimum["network_objective"], rel=1e-12)
    assert bare["status"] == "optimal"
    full = run("audit", solved, *SMALL, "--tol", 1e-8)
    assert full["status"] == "optimal"
    other = run("audit", solved, *SMALL, "--beta", 0.2)
    assert other["objective"] > full["objective"]
    assert other["beta"] == 0.2


def test_diverged_seeds_are_null(run):
    result = run("sgd", *SMALL, "--learning-rate", 1e6, "--iterations", 500)
    assert result["status"] == "stalled"
    assert result["final_objective"] == [None] * 5
    assert all(result["diverged"])
    assert all(value > 0 for value in result["best_objective"])


def test_sgd_compares_tuned_optimisers(run, tmp_path):
    model = tmp_path / "best.npz"
    options = ("--seeds", "1,2", "--iterations", 60)
    found = run("sgd", *SMALL, *options, "--optimizer", "all", "--learning-rates", "0.1,0.01", "--out", model)
    runs = found["optimisers"]
    assert [one["optimiser"] for one in runs] == ["plain", "momentum", "adam"]
    for one, kind, momentum in zip(runs, ("sgd", "sgd", "adam"), (0, 0.9, 0.9), strict=True):
        assert one["learning_rates"] == [0.01, 0.1]
        least = [min(row) for row in one["objective"]]
        assert one["best_objective"] == min(least)
        assert one["learning_rate"] == [0.01, 0.1][least.index(min(least))]
        assert one["at_edge"]
        assert one["steps"] == 2 * 2 * 60
        given = ("--learning-rate", one["learning_rate"], "--momentum", momentum)
        alone = run("sgd", *SMALL, *options, "--optimizer", kind, *given)
        assert alone["objective"] == pytest.approx(one["best_objective"], rel=1e-9)
        assert alone["settings"]["optimiser"] == kind
    assert found["objective"] == min(one["best_objective"] for one in runs)
    assert run("audit", model, *SMALL)["objective"] == pytest.approx(found["objective"], rel=1e-12)


# --- datasets and text


def test_datasets_lists_them_all(run, monkeypatch):
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    entries = {entry["name"]: entry for entry in run("datasets")["datasets"]}
    assert tuple(entries) == convex_core.dataset_names()
    assert entries["talk"]["patterns_bound"] == 4072
    assert entries["digits"]["n_test"] > 100
    assert not entries["mnist"]["available"]
    assert entries["mnist"]["n"] is None


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("solve", *SMALL), ["lower bound", "global", "test accuracy"]),
        (("patterns", *SMALL), ["closed form", "certified"]),
        (("sgd", *SMALL, "--iterations", "10"), ["best objective", "step size"]),
        (
            ("sgd", *SMALL, "--iterations", "10", "--optimizer", "all"),
            ["tuned over the step", "Adam"],
        ),
        (("datasets",), ["talk", "Edge detector"]),
    ],
)
def test_without_json_it_is_for_people(argv, says, capsys):
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert said(err) == ""
    for words in says:
        assert words in out


@pytest.mark.parametrize("argv", [["--help"], ["solve", "--help"], ["patterns", "--help"], ["audit", "--help"]])
def test_help_is_no_error(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


# --- bad input


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "COMMAND"),
        (("frobnicate",), "frobnicate"),
        (("solve",), "--dataset"),
        (("solve", "--dataset", "nosuch"), "nosuch"),
        (("solve", "--dataset", "talk", "--data", "x.npz"), "not allowed"),
        (("solve", "--dataset", "talk", "--unknown", "1"), "--unknown"),
        (("solve", "--dataset", "talk", "--bet", "1"), "--bet"),
        (("solve", "--dataset", "talk", "--filter-size", "16"), "filter"),
        (("solve", "--dataset", "talk", "--filter-size", "0"), "filter"),
        (("solve", "--dataset", "talk", "--filter-size", "3,3"), "filter"),
        (("solve", "--dataset", "talk", "--filter-size", "three"), "three"),
        (("solve", "--dataset", "talk", "--stride", "0"), "stride"),
        (("solve", "--dataset", "talk", "--stride", "-1"), "stride"),
        (("solve", "--dataset", "talk", "--padding", "reflect"), "reflect"),
        (("solve", "--dataset", "talk", "--beta", "0"), "beta"),
        (("solve", "--dataset", "talk", "--beta", "-0.1"), "beta"),
        (("solve", "--dataset", "talk", "--beta", "nan"), "beta"),
        (("solve", "--dataset", "talk", "--beta", "inf"), "beta"),
        (("solve", "--dataset", "talk", "--beta", "lots"), "lots"),
        (("solve", "--dataset", "talk", "--pooling", "median"), "median"),
        (("solve", "--dataset", "talk", "--method", "magic"), "magic"),
        (("solve", "--dataset", "talk", "--tol", "0"), "tol"),
        (("solve", "--dataset", "talk", "--time-limit", "-1"), "time_limit"),
        (("solve", "--dataset", "talk", "--seed", "-1"), "seed"),
        (("solve", "--dataset", "talk", "--seed", "x"), "seed"),
        (("solve", "--dataset", "talk", "--option", "n"), "KEY=VALUE"),
        (("solve", "--dataset", "talk", "--option", "n=0"), "n: got 0"),
        (("solve", "--dataset", "talk", "--option", "n=many"), "many"),
        (("solve", "--dataset", "talk", "--option", "colour=3"), "colour"),
        (("solve", "--dataset", "talk", "--option", "seed=3"), "--seed"),
        (("solve", "--dataset", "digits", "--option", "classes=3,3"), "classes"),
        (("solve", "--dataset", "talk", "--out", "no/such/folder/m.npz"), "out"),
        (("solve", "--dataset", "talk", "--save-data", "no/such/folder/d.npz"), "save-data"),
        (("solve", "--dataset", "talk", "--script", "no/such/folder/p.py"), "script"),
        (("solve", "--dataset", "talk", "--method", "clarabel", "--max-patterns", "100"), "at most 100"),
        (("patterns", "--dataset", "talk", "--max-patterns", "1000"), "1000"),
        (("patterns", "--dataset", "talk", "--rows", "r.npy"), "not allowed"),
        (("patterns", "--rows", "nowhere.npy"), "no such file"),
        (("patterns", "--rows", "r.npy", "--stride", "2"), "rows"),
        (("sgd", "--dataset", "talk", "--seeds", "1,,2"), "1,,2"),
        (("sgd", "--dataset", "talk", "--momentum", "1"), "momentum"),
        (("sgd", "--dataset", "talk", "--batch-size", "7"), "batch_size"),
        (("sgd", "--dataset", "talk", "--learning-rate", "0"), "learning_rate"),
        (("sgd", "--dataset", "talk", "--optimizer", "lbfgs"), "expected one of sgd, adam, all"),
        (("sgd", "--dataset", "talk", "--learning-rates", "1,2"), "only with --optimizer all"),
        (("sgd", "--dataset", "talk", "--optimizer", "all", "--learning-rate", "1"), "learning-rate"),
        (("sgd", "--dataset", "talk", "--optimizer", "all", "--momentum", "0.5"), "momentum"),
        (("sgd", "--dataset", "talk", "--optimizer", "all", "--learning-rates", "1,0"), "learning_rates"),
        (("sgd", "--dataset", "talk", "--out", "."), "out"),
        (("audit", "nowhere.npz", "--dataset", "talk"), "no such file"),
        (("audit", "--dataset", "talk"), "MODEL"),
    ],
)
def test_bad_arguments(argv, says, fail):
    assert says in fail(*argv)


X, Y = np.arange(12.0).reshape(3, 4), np.ones(3)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"X": X, "y": np.ones(2)}, "2 targets"),
        ({"X": np.ones(3), "y": Y}, "(3,)"),
        ({"X": np.where(X == 5, np.nan, X), "y": Y}, "NaN"),
        ({"X": X, "y": [1, np.inf, 1]}, "infinite"),
        ({"X": np.ones((0, 4)), "y": np.ones(0)}, "empty"),
        ({"X": X}, "expected y"),
        ({"X": np.array([[None]]), "y": [1]}, "pickled"),
        ({"X": np.array([["a"]]), "y": [1]}, "dtype"),
    ],
)
def test_bad_data(arrays, says, fail, tmp_path):
    np.savez(tmp_path / "bad.npz", **arrays)
    for command in ("solve", "sgd", "patterns"):
        assert says in fail(command, "--data", tmp_path / "bad.npz")


def test_bad_data_files(fail, tmp_path):
    np.savez(tmp_path / "whole.npz", X=X, y=Y)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-30])
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "words.csv").write_text("1,2\nthree,4\n")
    assert "expected an NPZ" in fail("solve", "--data", tmp_path / "cut.npz")
    assert "empty" in fail("solve", "--data", tmp_path / "empty.csv")
    assert "three" in fail("solve", "--data", tmp_path / "words.csv")
    assert "no such file" in fail("solve", "--data", tmp_path / "gone.npz")
    assert "directory" in fail("solve", "--data", tmp_path)
    assert "option" in fail("solve", "--data", tmp_path / "whole.npz", "--option", "n=3")


@pytest.mark.parametrize(
    ("rows", "says"),
    [(np.ones(3), "(3,)"), ([[1.0, np.nan]], "NaN"), (np.ones((0, 2)), "empty"), ([["a"]], "dtype")],
)
def test_bad_rows(rows, says, fail, tmp_path):
    np.save(tmp_path / "rows.npy", rows)
    assert says in fail("patterns", "--rows", tmp_path / "rows.npy")


def test_rows_that_are_pickled_or_cut(fail, tmp_path):
    np.save(tmp_path / "rows.npy", np.array([[{}]]), allow_pickle=True)
    assert "pickled" in fail("patterns", "--rows", tmp_path / "rows.npy")
    np.save(tmp_path / "rows.npy", np.eye(4))
    (tmp_path / "rows.npy").write_bytes((tmp_path / "rows.npy").read_bytes()[:-8])
    assert "truncated" in fail("patterns", "--rows", tmp_path / "rows.npy")


def test_a_million_patterns_are_refused_by_the_guard(fail, tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).standard_normal((800, 3)))  # 638,402 patterns
    assert "600000" in fail("patterns", "--rows", tmp_path / "rows.npy", "--max-patterns", 600_000)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"weights": np.ones(2)}, "filters"),
        ({"filters": np.ones((2, 10))}, "weights"),
        ({"filters": np.ones((2, 9)), "weights": np.ones(2)}, "(2, 9)"),
        ({"filters": np.ones((2, 10)), "weights": np.ones(3)}, "(3,)"),
        ({"filters": np.full((2, 10), np.nan), "weights": np.ones(2)}, "NaN"),
        ({"filters": np.array([[{}]]), "weights": np.ones(1)}, "pickled"),
        ({"filters": np.ones((2, 10)), "weights": np.ones(2), "stride": [5]}, "got no"),
    ],
)
def test_bad_models(arrays, says, fail, tmp_path):
    np.savez(tmp_path / "model.npz", **arrays)
    assert says in fail("audit", tmp_path / "model.npz", "--dataset", "talk")


def test_audit_refuses_a_second_geometry_and_other_data(fail, run, tmp_path):
    model = tmp_path / "model.npz"
    run("sgd", *SMALL, "--iterations", 1, "--out", model)
    assert "filter-size" in fail("audit", model, *SMALL, "--filter-size", 2)
    assert "columns" in fail("audit", model, "--dataset", "talk")
    assert "beta" in fail("audit", model, *SMALL, "--beta", 0)


# --- the process


def test_a_real_process_prints_one_line_and_exits_2():
    command = [sys.executable, "-m", "convex_core", "solve", "--dataset", "talk", "--stride", "0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "convex_core: error: stride: got 0, expected an integer in [1, 1000000000]\n"


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_traceback():
    command = [sys.executable, "-m", "convex_core", "datasets", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_first_interrupt_asks_for_what_there_is():
    before = signal.getsignal(signal.SIGINT)
    with running() as (progress, cancel):
        assert progress is None  # not a terminal
        assert not cancel.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.wait(60.0)
        assert signal.getsignal(signal.SIGINT) is before  # the second one is the usual one
    assert signal.getsignal(signal.SIGINT) is before


def test_commands_run_outside_the_main_thread(capsys):
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(main(["patterns", *SMALL, "--json"])))
    thread.start()
    thread.join()
    assert statuses == [0]
    assert strict(capsys.readouterr().out)["patterns"] > 0


def test_progress_is_drawn_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["sgd", *SMALL, "--iterations", "20", "--json"]) == 0
    out, err = capsys.readouterr()
    assert strict(out)["status"] == "iteration limit"
    assert "sgd: step" in err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=12", 12),
        ("noise=0.5", 0.5),
        ("flag=true", True),
        ("classes=none", None),
        ("classes=3,8", (3, 8)),
        ("classes=[3, 8]", (3, 8)),
        ("selection=random", "random"),
        ("path=/data/x=1,2.npz", "/data/x=1,2.npz"),
    ],
)
def test_options_are_read_as_what_they_look_like(text, value):
    key, parsed = option_value(text)
    assert key == text.partition("=")[0]
    assert parsed == value
    assert type(parsed) is type(value)


def test_saved_data_keeps_the_test_part(run, tmp_path):
    data = tmp_path / "d.npz"
    run("solve", *SMALL, "--save-data", data)
    assert len(read_dataset(data).y_test) == 200


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("redirection", "status"), [(">/dev/full", 1), (">&-", 2)])
def test_standard_output_that_takes_nothing_is_one_line(redirection, status):
    command = f"{sys.executable} -m convex_core datasets {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stderr.startswith("convex_core: error: standard output: got ")
    assert done.stderr.count("\n") == 1


def test_a_gated_program_is_never_called_exact(capsys):
    assert main(["solve", "--dataset", "edge", "--method", "gated", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exactness"] == "bound only"
    assert main(["solve", "--dataset", "edge", "--method", "gated", "--exact"]) == 2
    assert "exact: got the method gated" in capsys.readouterr().err


def test_an_option_given_twice_is_refused(capsys):
    assert main(["solve", "--dataset", "edge", "--option", "n=4", "--option", "n=5"]) == 2
    assert "option: got n, n, expected each once" in capsys.readouterr().err

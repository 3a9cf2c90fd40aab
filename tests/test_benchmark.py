"""The benchmark: audited from the data alone, every contender named or excused, ours certified. Seconds are no test."""

import json
import math
import re
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from problem_cases import TWO_LAYER_OPTIMA, patch_problem

from convex_core import InputError, count_patterns, solve
from convex_core.benchmark import CASES, CountInstance, SolveInstance, audit_blocks, audit_network, run_benchmark
from convex_core.benchmark import run as run_module
from convex_core.benchmark.adam import AdamCNN
from convex_core.benchmark.cases import Case, with_directions
from convex_core.benchmark.contenders import OURS, contenders
from convex_core.benchmark.memory import peak_memory, reset_peak
from convex_core.benchmark.peers import PEERS, Peers
from convex_core.benchmark.results import header_line
from convex_core.benchmark.training import TrainInstance
from convex_core.cli import main
from convex_core.estimators import ConvexCNNClassifier
from convex_core.program import CellFactory
from convex_core.progress import Budget

FIELDS = {
    "case", "solver", "objective", "gap", "violation", "cells", "median_seconds", "seconds", "median_cpu_seconds",
    "cpu_seconds", "ratio", "peak_bytes", "note",
}  # fmt: skip


@pytest.fixture(scope="module")
def nobody():
    """An interpreter without peers."""
    peers = Peers()
    peers.versions = {}
    return peers


@pytest.fixture
def tiny(monkeypatch):
    """Three cases that take a fraction of a second in place of the real ones."""
    cases = {
        case.name: case
        for case in (
            Case("cells", "five lines", lambda: CountInstance(np.random.default_rng(0).standard_normal((5, 2)), 10)),
            Case("all", "every pattern", lambda: SolveInstance(patch_problem(0), 1e-7), quick=True),
            Case("given", "given patterns", lambda: with_directions(8, 3, 6, 0.1), quick=True),
            Case("path", "a path", lambda: with_directions(8, 3, 6, 0.1, path=4, tol=1e-6)),
            Case("missing", "no data", _missing),
        )
    }
    monkeypatch.setattr(run_module, "CASES", cases)
    return cases


def _missing():
    raise InputError("data: got nothing, expected files")


def by_solver(report, case):
    return {row.solver: row for row in report.rows if row.case == case}


# --- the audit


def test_the_audit_computes_the_formula():
    problem = patch_problem(1)
    rng = np.random.default_rng(3)
    U, w = rng.standard_normal((4, 2)), rng.standard_normal(4)
    value = 0.0
    for i in range(problem.n):
        f = sum(w[j] * max(0.0, float(problem.patches[k, i] @ U[j])) for j in range(4) for k in range(3))
        value += 0.5 * (f - problem.y[i]) ** 2
    value += 0.5 * problem.beta * (np.sum(U**2) + np.sum(w**2))
    verdict = audit_network(problem, U, w)
    assert verdict.objective == pytest.approx(value, rel=1e-13)
    assert (verdict.violation, verdict.filters) == (0.0, 4)


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_the_audit_agrees_with_a_certified_solution(pooling):
    solution = solve(patch_problem(2, pooling=pooling), tol=1e-8)
    factory = CellFactory(solution.problem.architecture, solution.problem.patches)
    sides = factory.sides(solution.active)
    verdict = audit_blocks(solution.problem, solution.C, solution.sign, factory.rows, sides)
    assert verdict.objective == pytest.approx(solution.objective, rel=1e-9)
    assert verdict.violation <= 1e-9
    # the other side of every hyperplane is as wrong as it can be seen to be
    wrong = audit_blocks(solution.problem, solution.C, solution.sign, factory.rows, -sides)
    unit = solution.C / np.linalg.norm(solution.C, axis=1).max()
    assert wrong.violation == pytest.approx(np.abs(unit @ factory.rows.T).max())
    assert wrong.objective == verdict.objective


def test_nothing_is_the_zero_network():
    problem = patch_problem(0)
    verdict = audit_blocks(problem, np.zeros((3, 2)), np.ones(3, np.int8), np.eye(2), np.ones((3, 2), np.int8))
    assert verdict.objective == pytest.approx(0.5 * problem.y @ problem.y)
    assert (verdict.violation, verdict.filters) == (0.0, 0)


# --- the cases


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("cells") and name != "cells-threshold-6"])
def test_cells_are_as_many_as_the_closed_form_says(name):
    instance = CASES[name].make()
    assert count_patterns(instance.rows).patterns == instance.cells


def test_given_patterns_are_distinct_and_beta_is_a_share_of_their_own_maximum():
    instance = with_directions(20, 4, 50, 0.1)
    problem = instance.problem
    active = problem.X @ instance.directions.T >= 0
    assert instance.directions.shape == (50, 4)
    assert len(np.unique(active, axis=1).T) == 50
    # at ten times beta the zero network is optimal over these patterns, a little below it is not
    path = with_directions(20, 4, 50, 0.1, path=3)
    assert path.betas == pytest.approx(problem.beta * np.array([10.0, math.sqrt(10.0), 1.0]))
    cnn = with_directions(10, 8, 20, 0.05, filter_size=3)
    assert cnn.problem.patches.shape == (6, 10, 3)


def test_names_are_unique_and_the_quick_ones_few():
    assert all(name == case.name for name, case in CASES.items())
    assert 3 <= sum(case.quick for case in CASES.values()) < len(CASES)


# --- a run


@pytest.mark.slow
def test_every_solver_has_a_row_and_ours_is_certified(tiny):
    report = run_benchmark(repeat=2, time_limit=20.0)
    assert {row.case for row in report.rows} == set(tiny)
    for row in report.rows:
        assert row.seconds or row.note, row
        assert set(row.to_dict()) == FIELDS
    for case, tol in (("all", 1e-7), ("given", 1e-8), ("path", 1e-6)):
        rows = by_solver(report, case)
        assert 0.0 <= rows[OURS].gap <= tol
        assert rows[OURS].ratio == 1.0
        assert rows[OURS].violation <= 1e-9
        assert len(rows[OURS].seconds) == 2
        for row in rows.values():
            if row.seconds:
                assert row.objective >= rows[OURS].objective * (1 - 1e-5)
                assert row.median > 0.0
                assert row.median_cpu > 0.0
                assert len(row.cpu) == len(row.seconds)
    assert by_solver(report, "all")[OURS].objective == pytest.approx(TWO_LAYER_OPTIMA[0], abs=1e-7)
    for name in ("Clarabel, whole", "CVXPY (Clarabel)", "CVXPY (SCS)", "CVXPY, a variable a pattern"):
        row = by_solver(report, "all")[name]
        assert row.objective == pytest.approx(TWO_LAYER_OPTIMA[0], rel=1e-4)
        assert row.gap <= 1e-4
        assert row.violation <= 1e-4
    sampled = by_solver(report, "all")["Clarabel, 100 random patterns"]
    assert sampled.objective >= TWO_LAYER_OPTIMA[0] - 1e-7
    assert {row.cells for row in by_solver(report, "cells").values()} == {10}
    assert by_solver(report, "missing")[OURS].note.startswith("skipped: data")
    assert "4 points" in by_solver(report, "path")[OURS].note
    # on a terminal the table is drawn
    drawn = report.text(width=160)
    assert "━" in drawn
    assert OURS in drawn
    assert "Clarabel, whole" in drawn


@pytest.mark.slow
def test_quick_and_named_cases(tiny, monkeypatch):
    monkeypatch.setattr(run_module, "contenders", lambda *args, **options: {OURS: contenders(*args, **options)[OURS]})
    assert {row.case for row in run_benchmark(quick=True, repeat=1).rows} == {"all", "given"}
    assert {row.case for row in run_benchmark(["cells"], repeat=1).rows} == {"cells"}


def test_rows_come_as_they_finish(tiny):
    coming = []
    flag = threading.Event()

    def take(row):
        coming.append(row)
        if row.solver == "Clarabel, whole":
            flag.set()

    report = run_benchmark(["all", "given"], repeat=1, on_row=take, cancel=flag)
    assert [row.solver for row in coming] == [OURS, "Clarabel, whole"]
    assert tuple(coming) == report.rows
    assert coming[1].gap is not None
    assert coming[1].ratio > 0.0
    words = coming[0].line().split()
    assert words[:2] == ["all", OURS]
    assert header_line().split()[:2] == ["case", "solver"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are measured on Linux only")
def test_the_peak_is_that_of_the_work_alone():
    reset_peak()
    before = peak_memory()
    block = np.ones(20_000_000)
    during = peak_memory()
    assert during - before >= 0.9 * block.nbytes
    del block
    reset_peak()
    assert peak_memory() <= during - 0.9 * 160_000_000


def test_a_path_cut_short_is_not_compared_with_its_last_beta(nobody):
    found = contenders(with_directions(8, 3, 6, 0.1, path=4, tol=1e-6), peers=nobody, repeat=1, time_limit=20.0)
    flag = threading.Event()

    def progress(report):
        if "point 3 of 4" in report.message:
            flag.set()

    cut = found[OURS](Budget(cancel=flag, progress=progress))
    assert (cut.objective, cut.lower) == (None, None)
    assert cut.note.startswith("cancelled, ")
    assert cut.note.endswith("4 asked for")
    whole, alone = found[OURS](Budget()), found[f"{OURS}, last beta alone"](Budget())
    assert whole.objective == pytest.approx(alone.objective, rel=2e-6)
    assert whole.lower <= alone.objective


def test_missing_peers_are_excused_with_a_word(nobody):
    instance = with_directions(8, 3, 6, 0.1)
    found = contenders(instance, peers=nobody, repeat=1, time_limit=5.0)
    assert next(iter(found)) == OURS
    for name in PEERS:
        with pytest.raises(Exception, match="not installed"):
            found[name](Budget())


def test_a_program_that_is_too_large_is_skipped(nobody):
    found = contenders(SolveInstance(patch_problem(0, n=40, K=6, h=6), 1e-6), peers=nobody, repeat=1, time_limit=5.0)
    for name in ("Clarabel, whole", "CVXPY, a variable a pattern"):
        with pytest.raises(InputError, match="skipped: the whole program"):
            found[name](Budget())


@pytest.mark.slow
def test_a_peer_runs_in_its_own_process(tmp_path, monkeypatch):
    """A stand-in for adelie's module answers with the whole solution: the path from files to the table is ours."""
    instance = with_directions(8, 3, 6, 0.1)
    factory = CellFactory(instance.problem.architecture, instance.problem.patches)
    active = factory.patterns(instance.directions)
    package = tmp_path / "adelie"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import numpy as np\n"
        "from types import SimpleNamespace as N\n"
        "glm = N(gaussian=lambda y, dtype: y)\n"
        "constraint = N(linear=lambda A, low, high: A)\n"
        "class Row:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def toarray(self): return self.x\n"
        "class Path(list):\n"
        "    shape = property(lambda s: (len(s),))\n"
        "def grpnet(X, glm, *, constraints, groups, penalty, lmda_path, intercept, early_exit, progress_bar):\n"
        "    assert X.shape[1] == 3 * len(groups) == 3 * len(constraints) and not intercept\n"
        "    assert np.all(np.diff(lmda_path) < 0)\n"
        "    return N(betas=Path([Row(np.zeros(X.shape[1]))] * len(lmda_path)))\n"
    )
    info = tmp_path / "adelie-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adelie\nVersion: 9.9\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    peers = Peers(sys.executable)
    assert peers.versions["adelie"] == "9.9"
    outcome = contenders(instance, peers=peers, repeat=2, time_limit=5.0)["adelie"](Budget())
    assert len(outcome.runs) == 2
    assert outcome.peak is None or outcome.peak > 1_000_000
    assert outcome.objective == pytest.approx(0.5 * instance.problem.y @ instance.problem.y)
    assert "9.9" in outcome.note
    assert "20 betas" in outcome.note
    assert len(active) == 6
    (package / "__init__.py").write_text("raise RuntimeError('broken')")
    with pytest.raises(Exception, match="failed"):
        contenders(instance, peers=peers, repeat=1, time_limit=5.0)["adelie"](Budget())


def test_cancelling_returns_the_rows_so_far(tiny):
    flag = threading.Event()

    def progress(report):
        if "CVXPY" in report.message:
            flag.set()

    report = run_benchmark(["all", "given"], repeat=1, cancel=flag, progress=progress)
    assert {row.case for row in report.rows} == {"all"}
    assert report.rows[0].gap <= 1e-7


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"names": ["nosuch"]}, "case"),
        ({"repeat": 0}, "repeat"),
        ({"time_limit": 0.0}, "time-limit"),
        ({"peer_python": "/nosuch/python"}, "peer-python"),
        ({"peer_python": "/bin/true"}, "peer-python"),
    ],
)
def test_bad_arguments(options, says):
    with pytest.raises(InputError, match=says):
        run_benchmark(**options)


# --- the command


@pytest.mark.slow
def test_command_line(tiny, capsys):
    assert main(["benchmark", "all", "cells", "--repeat", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"machine", "settings", "rows"}
    assert result["machine"]["cores"] >= 1
    assert result["machine"]["clarabel"][0].isdigit()
    assert all(set(row) == FIELDS for row in result["rows"])
    assert all(row["peak_bytes"] is None or 1e7 < row["peak_bytes"] < 1e10 for row in result["rows"])
    assert result["rows"][0]["gap"] <= 1e-7
    assert main(["benchmark", "all", "--repeat", "1"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert captured.err.splitlines()[1].split()[:2] == ["all", OURS]
    assert lines[0].startswith("processor ")
    assert lines[2].split()[:4] == ["case", "solver", "objective", "gap"]
    assert lines[3].split()[:2] == ["all", OURS]


# --- training


@pytest.mark.slow
def test_training_is_scored_on_the_same_splits_with_the_certificate_of_the_worst(monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.random((60, 5, 5)) + 0.5 * np.eye(3)[labels][:, :, None].repeat(5, 2).repeat(2, 1)[:, :5]
    instance = TrainInstance(images, labels, 40, 2, {"n_filters": 8, "beta": 0.5})
    monkeypatch.setattr(run_module, "CASES", {"train-small": Case("train-small", "small images", lambda: instance)})
    report = run_benchmark(["train"])
    rows = by_solver(report, "train-small")
    assert list(rows) == [
        OURS, f"{OURS}, given gates", "Adam, same CNN", "SVC", "MLPClassifier", "LogisticRegression",
    ]  # fmt: skip
    for row in rows.values():
        assert len(row.seconds) == 2
        assert re.fullmatch(r"accuracy [01]\.\d{4} \(.*\) on 2 splits", row.note)
    assert 0.0 <= rows[OURS].gap <= 1e-3
    assert rows["SVC"].objective is rows["SVC"].gap is None


def test_adam_follows_the_slope_of_the_cross_entropy():
    rng = np.random.default_rng(0)
    X, y = rng.random((9, 25)), np.arange(9) % 3
    like = ConvexCNNClassifier(input_shape=(5, 5), n_filters=1, beta=1.0, tol=0.5).fit(X, y).network_
    model = AdamCNN(like, filters=4, epochs=1).fit(X, y)
    model.parameters = [part.astype(np.float64) for part in model.parameters]
    Y = np.eye(3, dtype=np.float32)[y]

    def loss():
        F = model._forward(X)[3]
        return float((np.log(np.exp(F).sum(axis=1)) - (F * Y).sum(axis=1)).mean())

    for part, slope in zip(model.parameters, model._slopes(X, Y), strict=True):
        place = np.unravel_index(np.abs(slope).argmax(), slope.shape)
        part[place] += 1e-4
        above = loss()
        part[place] -= 2e-4
        assert (above - loss()) / 2e-4 == pytest.approx(slope[place], rel=2e-2)
        part[place] += 1e-4


def test_a_suite_stands_for_its_cases(tiny):
    assert {row.case for row in run_benchmark(["missing"]).rows} == {"missing"}
    with pytest.raises(InputError, match="case: got 'pat', expected one of"):
        run_benchmark(["pat"])

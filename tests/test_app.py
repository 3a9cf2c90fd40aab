"""The app without a browser: what a page shows is what the library says, and nothing in the address breaks it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_helpers import (
    APP,
    ROOT,
    alts,
    charts,
    facts,
    finish_sgd,
    folded,
    html,
    numbers,
    open_page,
    poll,
    testing,
    upload,
)

from convex_core.arrangement import count_patterns
from convex_core.certificate import certify
from convex_core.data import Dataset, dataset_info, dataset_names, load_dataset
from convex_core.errors import InputError
from convex_core.figures.chart import Chart
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.solution import solve
from convex_core.training.sgd import compare_optimisers, train_sgd
from convex_core.training.ways import two_ways
from pages._ui import layout, shell, verdict
from pages._ui.dataset import data_input
from pages._ui.state import scales, spec
from pages._ui.training import runs
from pages._ui.work import jobs
from pages._ui.work.jobs import Job

TOYS = [name for name in dataset_names() if not dataset_info(name).needs_files]


def shown_script(app: Any) -> str:
    return str(app.code[0].value)


# ---------------------------------------------------------------- shell


def test_every_file_in_pages_is_in_the_navigation() -> None:
    files = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert files == {page.file for page in shell.PAGES}


def test_every_page_enters_the_shell_first() -> None:
    for page in shell.PAGES:
        source = (ROOT / "pages" / f"{page.file}.py").read_text()
        enters = source.index("shell.enter(__file__)")
        assert "convex_core" not in source[:enters].split('"""', 2)[2]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["dataset", "solve", "convex_vs_sgd"])
def test_first_screen_has_at_most_five_controls(file: str) -> None:
    app = open_page(file, data="shift")
    every = {w.key for w in [*app.slider, *app.select_slider, *app.number_input, *app.selectbox]}
    every -= {"filter"} | ({"sample"} if file != "dataset" else set())  # Inside the network, further down
    buttons = {b.key for b in app.button} & {"run", "cancel"}
    assert 1 <= len((every - folded(app)) | buttons) <= 5


# ---------------------------------------------------------------- dataset


#: by default signals, an image and classes
FEW = ("talk", "patterns2d", "motifs3")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in FEW else pytest.mark.slow) for n in TOYS])
def test_dataset_page_shows_the_library_s_numbers(name: str) -> None:
    app = open_page("dataset", data=name)
    data = load_dataset(name)
    problem = Problem.from_dataset(data)
    K, n, h = problem.patches.shape
    shown = facts(app)
    assert shown["patches K"] == str(K)
    assert shown["patch rows N = nK"] == f"{n * K:,}"
    assert shown["sign patterns P"] == f"{count_patterns(problem.patches.reshape(n * K, h)).patterns:,}"
    assert data.description in app.markdown[0].value
    matrices = numbers(charts(app)[1]["data"][0]["z"])
    assert np.array_equal(matrices[:, :h], problem.patches[0, :40])
    assert all(alts(app))


def test_dataset_link_is_obeyed() -> None:
    app = open_page("dataset", data="bars", seed="7", h="5", stride="3", n="8", noise="0.3", padding="zero", sample="2")
    data = load_dataset("bars", seed=7, n=8, noise=0.3)
    geometry = patch_geometry(data.input_shape, 5, 3, "zero")
    assert facts(app)["patches K"] == str(geometry.K)
    assert f"{geometry.K} windows of size 5, stride 3, zero padding" in alts(app)[0]
    assert f"target y = {data.y[2]:.3g}" in alts(app)[0]


def test_too_many_patterns_are_bounded_not_counted() -> None:
    app = open_page("dataset", data="talk", n="60", d="32", h="16", stride="1")
    shown = facts(app)
    assert shown["sign patterns P"].startswith("≤ ")
    assert shown["to solve"] == "sampled"


@pytest.mark.slow
@pytest.mark.parametrize("value", ["999", "nan", "abc", "-1", "2.5", "", "1e999", "0.123", "🙂"])
@pytest.mark.parametrize("file", ["dataset", "solve"])
def test_nothing_in_the_address_breaks_a_page(file: str, value: str) -> None:
    keys = (
        "data",
        "seed",
        "h",
        "stride",
        "beta",
        "n",
        "d",
        "noise",
        "padding",
        "pooling",
        "activation",
        "slope",
        "bias",
        "network",
        "loss",
        "delta",
        "sample",
        "method",
        "tol",
        "limit",
    )
    app = open_page(file, **dict.fromkeys(keys, value))
    assert app.selectbox(key="data").value in dataset_names()
    assert 1 <= app.slider(key="h").value <= scales.MAX_FILTER
    assert 1 <= app.slider(key="stride").value <= scales.MAX_STRIDE
    assert app.select_slider(key="beta").value in scales.BETAS
    assert 0 <= app.number_input(key="seed").value <= scales.MAX_SEED


def test_a_filter_longer_than_the_input_is_shortened_and_says_so() -> None:
    app = open_page("dataset", data="edge", h="16")
    assert facts(app)["patches K"] == "1"
    assert "longer than the input: 8 is used" in app.warning[0].value


def test_another_dataset_brings_its_own_defaults_and_reset_goes_back() -> None:
    app = open_page("dataset", data="edge", seed="5")
    app.slider(key="h").set_value(4).run()
    app.selectbox(key="data").set_value("talk").run()
    assert (app.slider(key="h").value, app.slider(key="stride").value) == (10, 5)
    app.button(key="reset").click().run()
    assert app.selectbox(key="data").value == scales.DEFAULT_DATA
    assert app.slider(key="h").value == load_dataset(scales.DEFAULT_DATA).default_filter[0]
    assert app.number_input(key="seed").value == 0
    assert not app.exception


GOOD_CSV = b"a,b,c,y\n1,2,3,4\n1,2,5,-4\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("words.csv", b"hello there\nworld\n"),
        ("nan.csv", b"1,2,3\n4,nan,6\n"),
        ("ragged.csv", b"1,2,3\n4,5\n"),
        ("fake.npz", b"PK\x03\x04 not really"),
        ("binary.csv", bytes(range(256))),
        ("big.csv", b"1," * 300_000 + b"1\n"),
    ],
)
def test_bad_upload_is_one_sentence_and_loses_nothing(name: str, content: bytes) -> None:
    app = open_page("dataset", data="bars", seed="2")
    before = facts(app)
    upload(app, name, content)
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value
    assert "/tmp" not in app.error[0].value
    assert app.selectbox(key="data").value == "bars"
    assert facts(app) == before


def test_pickled_objects_are_refused() -> None:
    out = io.BytesIO()
    np.savez(out, X=np.array([{"a": 1}], dtype=object), y=np.ones(1))
    app = open_page("dataset", data="bars")
    upload(app, "evil.npz", out.getvalue())
    assert len(app.error) == 1


@pytest.mark.slow
def test_upload_becomes_the_session_s_data_and_no_other_s() -> None:
    first = open_page("dataset")
    upload(first, "mine.csv", GOOD_CSV)
    assert first.selectbox(key="data").value == spec.CUSTOM
    assert facts(first)["patch rows N = nK"] == "2"
    other = open_page("dataset", data=spec.CUSTOM)
    assert spec.CUSTOM not in other.selectbox(key="data").options
    assert other.selectbox(key="data").value == scales.DEFAULT_DATA
    first.switch_page("pages/convex_vs_sgd.py").run()
    assert first.selectbox(key="data").value == spec.CUSTOM


@pytest.mark.parametrize(("cell", "accepted"), [("9.0", True), ("nan", False), ("inf", False)])
def test_edited_table_becomes_the_session_s_data(cell: str, accepted: bool) -> None:
    def edit(cell: str) -> None:
        from convex_core.data import load_dataset
        from pages._ui.dataset import data_input

        base = load_dataset("patterns2d", seed=1)
        frame = data_input.table(base)
        frame.iloc[0, 0] = float(cell)
        data_input.take_table(frame, base)

    app = testing.AppTest.from_function(edit, args=(cell,), default_timeout=120).run()
    assert not app.exception
    assert ("_custom_dataset" in app.session_state) is accepted
    assert ("_upload_error" in app.session_state) is not accepted
    if accepted:
        data = app.session_state["_custom_dataset"]
        assert data.X[0, 0] == 9.0
        assert data.input_shape == (4, 4)
        assert np.array_equal(data.X[1:], load_dataset("patterns2d", seed=1).X[1:])


def test_content_decides_the_hash_of_own_data() -> None:
    X = np.zeros((600, 1000))
    changed = X.copy()
    changed[431, 77] = 1e-9
    assert spec.digest(Dataset("a", X, X[:, 0])) != spec.digest(Dataset("a", changed, X[:, 0]))


def test_downloads_read_back() -> None:
    data = load_dataset("patterns2d", seed=4)
    npz, table = data_input.data_downloads(data)
    with np.load(io.BytesIO(npz.data()), allow_pickle=False) as arrays:  # type: ignore[arg-type]
        assert np.array_equal(arrays["X"], data.X)
    assert str(table.data()).splitlines()[0].split(",")[-1] == "y"


# ---------------------------------------------------------------- solve


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", [{"data": "shift"}, {"data": "edge", "beta": "1"}, {"data": "talk", "pooling": "mean"}]
)
def test_solve_page_shows_the_library_s_numbers(query: dict[str, str]) -> None:
    app = open_page("solve", **query)
    beta = float(query["beta"]) if "beta" in query else None
    problem = Problem.from_dataset(load_dataset(query["data"]), beta=beta, pooling=query.get("pooling", "sum"))
    solution = solve(problem, tol=1e-8)
    shown = facts(app)
    assert float(shown["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["proved lower bound"]) == pytest.approx(solution.lower_bound, rel=1e-7)
    assert shown["sign patterns"] == f"{solution.patterns:,}"
    assert app.header[0].value.startswith(f"{solution.active_filters} filter")
    assert ":green-badge[program: exact] :green-badge[scope: global] :green-badge[status: optimal]" in [
        m.value for m in app.markdown
    ]
    upper = next(t for t in charts(app)[0]["data"] if t["name"] == "upper bound")
    assert upper["y"][-1] == pytest.approx(solution.objective, rel=1e-7)
    assert f"\\tfrac{{{problem.beta:g}}}{{2}}" in app.latex[0].value
    assert all(alts(app))


def test_beta_above_beta_max_is_the_zero_network() -> None:
    app = open_page("solve", data="edge", beta="100")
    assert app.header[0].value.startswith("The zero network")


@pytest.mark.slow
def test_sampled_patterns_are_never_called_optimal() -> None:
    app = open_page("solve", data="talk", n="40", d="32", h="16", stride="4", limit="1", beta="10")
    text = " ".join([app.header[0].value, *(m.value for m in app.markdown)])
    assert "orange-badge[scope: restricted]" in text
    assert "upper bound only" in text
    assert "status: optimal" not in text
    assert facts(app)["proved lower bound"] == "–"
    assert "over the sampled patterns only" in alts(app)[0]
    assert "global optimum may be lower" in "".join(e.proto.body for e in app.get("html"))


def test_a_method_for_small_programs_says_when_it_is_too_large() -> None:
    app = open_page("solve", data="bars", method="cvxpy")
    assert "expected at most 1,500" in app.error[0].value
    assert not app.header


def test_shown_script_is_the_library_s() -> None:
    app = open_page("solve", data="shift")
    expected = verdict.script(solve(Problem.from_dataset(load_dataset("shift")), tol=1e-8))
    assert shown_script(app) == expected.strip()
    compile(shown_script(app), "script", "exec")


@pytest.mark.slow
def test_whole_script_has_every_pattern_and_the_same_value(tmp_path: Path) -> None:
    solution = solve(Problem.from_dataset(load_dataset("shift", n=4)), tol=1e-8)
    file = tmp_path / "program.py"
    file.write_text(verdict.whole_script(solution))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
    values = [
        float(v) for v in re.findall(r"objective (?:of the network, )?.*?([0-9.]+e?-?[0-9]*)$", done.stdout, re.M)
    ]
    assert values == pytest.approx([solution.objective] * len(values), rel=1e-6)
    assert values


def test_solution_downloads_hold_the_solution() -> None:
    solution = solve(Problem.from_dataset(load_dataset("shift")), tol=1e-8)
    files = {entry.file_name: entry.data() for entry in verdict.solution_downloads(solution)}
    with np.load(io.BytesIO(files["model.npz"]), allow_pickle=False) as arrays:  # type: ignore[arg-type]
        assert np.array_equal(arrays["filters"], solution.network.filters)
    assert json.loads(files["result.json"])["objective"] == solution.objective


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (2.34e-9, "2e-09"),
        (0.0, "below 1e-12"),
        (float("inf"), "–"),
        (0.5, "50 %"),
        (0.0123, "1.2 %"),
        (12.5, "1,250 %"),
    ],
)
def test_gap_text(gap: float, text: str) -> None:
    assert verdict.gap_text(gap) == text


# ---------------------------------------------------------------- convex vs SGD


@pytest.mark.slow
def test_sgd_page_shows_the_run_and_audits_it() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="3", iterations="500", first="7")
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    assert run.rows == (7, 8, 9)
    problem = Problem.from_dataset(load_dataset("shift"))
    solution = solve(problem, tol=1e-8)
    shown = facts(app)
    assert float(shown["convex program"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["best SGD seed"]) == pytest.approx(run.objective[:, -1].min(), rel=1e-7)
    lines = charts(app)[0]["data"]
    assert [line["name"] for line in lines[:3]] == ["seed 7", "seed 8", "seed 9"]
    assert run.objective[:, -1].min() >= solution.lower_bound
    moments = np.unique(np.linspace(0, run.objective.shape[1] - 1, 240).round().astype(int))
    drawn = run.objective[1, moments]
    np.testing.assert_allclose(numbers(lines[1]["y"]), drawn / solution.lower_bound - 1.0, rtol=1e-6)
    app.segmented_control(key="up").set_value("objective").run()
    assert np.array_equal(numbers(charts(app)[0]["data"][1]["y"]), drawn)
    for across, seconds in (("wall clock", run.seconds), ("processor time", run.cpu_seconds)):
        app.segmented_control(key="across").set_value(across).run()
        assert np.array_equal(numbers(charts(app)[0]["data"][2]["x"]), seconds[2, moments])
    ways = two_ways(problem, run.networks[1], run.solution.network)
    app.segmented_control(key=f"stalled {run.key}").set_value(8).run()
    assert f"{ways.weights[0]:.6g} to the optimum at {ways.weights[-1]:.6g}" in alts(app)[1]
    assert "downhill all the way" in alts(app)[1]
    app.button(key="audit").click().run()
    assert not app.exception
    for certificate, network in zip(app.session_state["_sgd_audit"], run.networks, strict=True):
        again = certify(problem, network, dual=solution.dual)
        assert certificate.objective == pytest.approx(again.objective)
        assert certificate.lower_bound == pytest.approx(again.lower_bound, rel=1e-6)
    assert "at most" in alts(app)[-1]


@pytest.mark.slow
def test_run_downloads_hold_the_run() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500")
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    with np.load(io.BytesIO(runs.run_download(run).data()), allow_pickle=False) as arrays:  # type: ignore[arg-type]
        assert np.array_equal(arrays["objective"], run.objective)
        assert arrays["filters"].shape == (2, run.width, 3)


def test_all_numbers_are_json_without_nan() -> None:
    chart = Chart(None, "One number.", {"x": [1.0, float("nan")], "y": [None, 2]}, "a-chart")
    numbers_file = layout.chart_downloads([chart])[-1]
    text = str(numbers_file.data())
    assert json.loads(text)["a-chart"] == {"description": "One number.", "x": [1.0, None], "y": [None, 2]}
    assert "NaN" not in text


@pytest.mark.slow
def test_reset_leaves_no_curves_of_the_settings_before() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500")
    finish_sgd(app)
    app.button(key="reset").click().run()
    assert not app.exception
    assert not any("have changed" in info.value for info in app.info)
    finish_sgd(app)
    assert layout.palette().sgd in {line["line"]["color"] for line in charts(app)[0]["data"]}
    assert len(app.session_state["_sgd_run"].rows) == app.slider(key="runs").value
    # only Reset does that: a change after it keeps the curves
    app.slider(key="runs").set_value(3).run()
    assert "have changed" in app.info[0].value


@pytest.mark.slow
def test_changed_settings_are_not_shown_as_the_old_run() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500")
    finish_sgd(app)
    app.slider(key="runs").set_value(3).run()
    # the old curves stay, without colour and with a sentence; one button asks for new ones
    assert "changed" in app.info[0].value
    drawn = {line["line"]["color"] for line in charts(app)[0]["data"]}
    assert drawn == {layout.palette().muted, layout.palette().dead}
    names = [line["name"] for line in charts(app)[0]["data"][:3]]
    assert names[:2] == ["seed 0", "seed 1"]
    assert names[2].startswith("certified optimum")
    assert not app.header
    assert [b.key for b in app.button if b.proto.type == "primary"] == ["run"]
    app.button(key="run").click().run()
    assert not app.exception
    finish_sgd(app)
    assert len(app.session_state["_sgd_run"].rows) == 3
    assert layout.palette().sgd in {line["line"]["color"] for line in charts(app)[0]["data"]}


@pytest.mark.slow
def test_old_curves_stay_until_new_ones_arrive() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500")
    finish_sgd(app)
    app.select_slider(key="beta").set_value("0.2").run()
    with jobs.gate("job").turn("another session"):
        app.button(key="run").click().run()
        assert not app.exception
        assert app.session_state["_sgd_job"].waiting
        assert len(charts(app)) == 1
        assert layout.palette().dead in {line["line"]["color"] for line in charts(app)[0]["data"]}
    finish_sgd(app)
    problem = Problem.from_dataset(load_dataset("shift"), beta=0.2)
    assert float(facts(app)["convex program"]) == pytest.approx(solve(problem, tol=1e-8).network_objective, rel=1e-7)


@pytest.mark.slow
def test_what_was_cancelled_before_it_began_says_so_and_can_be_run() -> None:
    first = open_page("convex_vs_sgd", data="shift", seed="3")  # the convex program is kept for everyone
    finish_sgd(first)
    with jobs.gate("job").turn("another session"):
        app = open_page("convex_vs_sgd", data="shift", seed="3", runs="2", iterations="500")
        app.button(key="cancel").click().run()
        poll(app, lambda: "_sgd_job" not in app.session_state)
    assert "Cancelled" in app.info[0].value
    app.button(key="run").click().run()
    finish_sgd(app)
    assert app.session_state["_sgd_run"].rows == (0, 1)


@pytest.mark.slow
def test_settings_changed_while_it_runs_begin_again() -> None:
    app = open_page("convex_vs_sgd", data="talk", runs="5", iterations="20000")
    first = app.session_state["_sgd_job"]
    first.poll()
    app.select_slider(key="iterations").set_value("500")
    app.slider(key="runs").set_value(2).run()
    assert not app.exception
    assert first.is_set()
    finish_sgd(app)
    assert app.session_state["_sgd_run"].rows == (0, 1)


@pytest.mark.slow
def test_cancel_keeps_what_there_is() -> None:
    app = open_page("convex_vs_sgd", data="talk", runs="10", iterations="20000", width="64")
    job = app.session_state["_sgd_job"]
    while not job.reports:
        job.poll()
        time.sleep(0.05)
    app.button(key="cancel").click().run()
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    assert run.status == "cancelled"
    assert run.iterations[-1] < 20000
    assert f"Ended after {run.iterations[-1]:.0f} of 20000 steps (cancelled)" in html(app)


@pytest.mark.slow
@pytest.mark.parametrize("value", ["999", "nan", "abc", "-1", ""])
def test_sgd_settings_from_the_address_are_checked(value: str) -> None:
    keys = (
        "rate",
        "runs",
        "iterations",
        "momentum",
        "batch",
        "width",
        "scale",
        "first",
        "schedule",
        "optimiser",
        "up",
        "across",
    )
    app = open_page("convex_vs_sgd", data="shift", **dict.fromkeys(keys, value))
    if "_sgd_job" in app.session_state:
        app.session_state["_sgd_job"].cancel()
    assert 1 <= app.slider(key="runs").value <= runs.MAX_SEEDS
    assert 0 <= app.slider(key="momentum").value <= 0.99
    assert app.select_slider(key="iterations").value in runs.ITERATIONS
    assert app.selectbox(key="optimiser").value in runs.CHOICES


@pytest.mark.slow
def test_without_a_lower_bound_no_excess_is_drawn() -> None:
    sampled = {"data": "talk", "n": "40", "d": "32", "h": "16", "stride": "4", "beta": "10"}
    app = open_page("convex_vs_sgd", **sampled, runs="2", iterations="500", up="excess")
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    assert run.solution.lower_bound == -np.inf
    assert "no lower bound above zero" in html(app)
    picture = charts(app)[0]
    assert picture["layout"]["yaxis"]["title"]["text"] == "training objective"
    assert not any("certified" in line.get("name", "") or "optimum" in line.get("name", "") for line in picture["data"])
    assert "above the convex value" in app.header[0].value
    assert "optimum" not in app.header[0].value


@pytest.mark.slow
@pytest.mark.parametrize(("optimiser", "kind", "momentum"), [("Adam", "adam", 0.9), ("plain SGD", "sgd", 0.0)])
def test_the_optimiser_is_the_one_that_is_chosen(optimiser: str, kind: Any, momentum: float) -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500", optimiser=optimiser)
    finish_sgd(app)
    alone = train_sgd(
        Problem.from_dataset(load_dataset("shift")), seeds=2, iterations=500, optimiser=kind, momentum=momentum
    )
    np.testing.assert_allclose(app.session_state["_sgd_run"].ends, alone.objective[:, -1], rtol=1e-9)


@pytest.mark.slow
def test_tuned_optimisers_are_those_of_the_library() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500", optimiser=runs.TUNED)
    assert not app.warning
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    problem = Problem.from_dataset(load_dataset("shift"))
    wanted = compare_optimisers(problem, seeds=2, iterations=500)
    assert run.rows == ("plain SGD", "momentum SGD", "Adam")
    for shown, one in zip(run.comparison.runs, wanted.runs, strict=True):
        np.testing.assert_allclose(shown.objective, one.objective, rtol=1e-9)
    best = wanted.runs[wanted.best]
    assert float(facts(app)["best of training"]) == pytest.approx(best.best_objective, rel=1e-7)
    assert app.header[0].value.startswith(f"The best, {best.name}, ends ")
    assert [line["name"] for line in charts(app)[0]["data"][:3]] == list(run.rows)
    for network, one in zip(run.networks, wanted.runs, strict=True):
        assert problem.objective(network) == pytest.approx(one.best_objective, rel=1e-9)
    tuning = next(alt for alt in alts(app) if "is lowest at step size" in alt)
    assert all(f"{one.name} is lowest at step size {one.learning_rate:g}" in tuning for one in wanted.runs)
    app.button(key="audit").click().run()
    assert not app.exception
    assert "momentum SGD: " in alts(app)[-1]


# ---------------------------------------------------------------- home


@pytest.mark.slow
def test_home_headline_is_the_certified_optimum() -> None:
    from pages._ui.work import warm

    path = warm.home().path.result(timeout=120)
    app = testing.AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    dial = charts(app)[0]
    start = len(path) - 1 - dial["layout"]["sliders"][0]["active"]
    shown = [a["text"] for a in dial["layout"]["annotations"]]
    assert shown[0].startswith(f"<b>{path[start].active_filters} of ")
    assert shown[1].startswith(f"optimum {path[start].network_objective:.6g}, certified gap")
    assert len(dial["frames"]) == len(path)
    assert path[0].active_filters == 0
    assert all(s.scope == "global" and s.relative_gap <= warm.HOME_TOL for s in path)
    warm.home().curves.cancel()


# ---------------------------------------------------------------- background work


def test_a_job_nobody_watches_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.work.jobs.HEARTBEAT_SECONDS", 0.2)
    ended = threading.Event()

    def work(job: Job) -> None:
        while not job.is_set():
            time.sleep(0.01)
        ended.set()

    Job(work)
    assert ended.wait(60.0)


def test_a_watched_job_reports_and_returns() -> None:
    def work(job: Job) -> str:
        job.report(1)
        return "done"

    job = Job(work)
    while job.poll():
        time.sleep(0.01)
    assert (list(job.reports), job.result, job.error) == ([1], "done", None)
    with jobs.gate("job").turn("another session", lambda: True) as has:
        assert has


def test_jobs_wait_for_the_gate_and_can_be_cancelled_there() -> None:
    with jobs.gate("job").turn("another session"):
        job = Job(lambda job: pytest.fail("ran without the gate"))
        assert job.waiting
        job.cancel()
        while job.poll():
            time.sleep(0.01)
    assert job.result is None


def test_an_expected_failure_is_a_sentence() -> None:
    def work(job: Job) -> None:
        raise InputError("m: got 0, expected at least 1")

    job = Job(work)
    while job.poll():
        time.sleep(0.01)
    assert job.error == "m: got 0, expected at least 1"

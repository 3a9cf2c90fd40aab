"""The page Filters and path without a browser: its numbers are the library's, and nothing is called what it is not."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import numpy as np
import pytest
from app_helpers import charts, facts, folded, numbers, open_page, poll

from convex_core.data import Dataset, load_dataset
from convex_core.losses import make_loss
from convex_core.patches import patch_geometry
from convex_core.path import Path as BetaPath
from convex_core.path import solve_path
from convex_core.problem import Problem
from pages._ui.path import runs
from pages._ui.path.runs import PathRun, path_downloads, stride_values
from pages._ui.state import own_link, scales
from pages._ui.state.spec import DataSpec, ProblemSpec
from pages._ui.work import keep


def finish(app: Any, charts: int = 3) -> None:
    """Poll until the worker has ended."""
    poll(app, lambda: len(app.get("plotly_chart")) >= charts or bool(app.error))


def captions(app: Any) -> str:
    return "".join(element.proto.body for element in app.get("html") if "cc-caption" in element.proto.body)


@pytest.fixture(scope="module")
def path() -> BetaPath:
    return solve_path(Problem.from_dataset(load_dataset("shift")), points=10)


@pytest.mark.slow
def test_the_page_shows_the_library_s_numbers(path: BetaPath) -> None:
    app = open_page("filters_and_path", data="shift", points="10", dial="19.6")
    finish(app)
    shown = facts(app)
    assert float(shown["βmax"]) == pytest.approx(path.beta_max, rel=1e-5)
    assert shown["active filters"] == f"{path.active_filters.min()} to {path.active_filters.max()}"
    assert shown["sign patterns"] == f"{path[0].patterns:,}"
    assert app.header[0].value.startswith("10 certified optima, largest gap ")
    turn, norms, values = charts(app)
    # one dial: exact points, and a preview between any two of them
    labels = [float(step["label"]) for step in turn["layout"]["sliders"][0]["steps"]]
    assert labels[::2] == pytest.approx(path.betas[::-1], rel=5e-3)
    between = np.sqrt(path.betas[1:] * path.betas[:-1])[::-1]
    assert labels[1::2] == pytest.approx(between, rel=5e-3)
    lines = {frame["name"]: [a["text"] for a in frame["layout"]["annotations"]] for frame in turn["frames"]}
    for b, solution in enumerate(path):
        assert lines[str(2 * b)][1].startswith(f"optimum {solution.network_objective:.5g}"[:12])
        assert "certified gap" in lines[str(2 * b)][1]
    quick = path.preview(float(between[-1]))
    assert lines["1"][1] == f"preview {quick.objective:.6g}, the optimum is at least {quick.lower_bound:.6g}"
    assert not [w for w in (*app.select_slider, *app.slider) if w.key == "beta"]
    assert numbers(norms["data"][2]["y"]).tolist() == path.active_filters.tolist()
    drawn = {trace.get("name"): trace for trace in values["data"]}
    assert numbers(drawn["objective"]["y"]) == pytest.approx(path.objective, rel=1e-6)
    assert numbers(drawn["lower bound"]["y"]) == pytest.approx(path.lower_bound, rel=1e-6)
    assert len(drawn["preview"]["y"]) == 9
    assert all(element.proto.alt for element in app.get("plotly_chart"))
    assert sum(len(element.proto.spec) for element in app.get("plotly_chart")) < 1_000_000
    assert app.session_state["dial"] == "19.6"


@pytest.mark.slow
def test_another_loss_has_its_own_path() -> None:
    app = open_page("filters_and_path", data="shift", points="10", loss="logistic")
    finish(app)
    own = solve_path(Problem.from_dataset(load_dataset("shift"), loss=make_loss("logistic")), points=10)
    assert float(facts(app)["βmax"]) == pytest.approx(own.beta_max, rel=1e-5)
    upper = next(trace for trace in charts(app)[2]["data"] if trace.get("name") == "objective")
    assert numbers(upper["y"]) == pytest.approx(own.objective, rel=2e-6)


@pytest.mark.slow
def test_first_screen_has_at_most_five_controls() -> None:
    app = open_page("filters_and_path", data="shift", points="10")
    kinds = ("slider", "select_slider", "number_input", "selectbox")
    advanced = folded(app)
    every = {w.key for kind in kinds for w in app.get(kind)}
    assert every - advanced == {"data", "h", "stride"}
    assert {"points", "span", "pathtol"} <= advanced


@pytest.mark.slow
def test_small_multiples_over_stride() -> None:
    app = open_page("filters_and_path", data="edge", points="10")
    finish(app)
    app.button(key="compare").click().run()
    finish(app, charts=8)
    data = load_dataset("edge")
    strides = [1, 2, 3, 4]
    headings = [h.value for h in app.subheader]
    assert [h for h in headings if h.startswith("Stride ")] == [f"Stride {s}" for s in strides]
    for s, spec in zip(strides, charts(app)[3:7], strict=True):
        own = solve_path(Problem.from_dataset(data, stride=s), points=10)
        assert numbers(spec["data"][2]["y"]).tolist() == own.active_filters.tolist()
        assert f"βmax {own.beta_max:.4g}, gap" in captions(app)
    app.slider(key="h").set_value(3).run()
    finish(app)
    assert not any(h.value.startswith("Stride ") for h in app.subheader)


@pytest.mark.slow
def test_sampled_patterns_are_called_restricted() -> None:
    app = open_page(
        "filters_and_path", data="talk", n="40", d="32", h="16", stride="4", points="10", span="0.3", pathtol="1e-4"
    )
    finish(app)
    assert "over sampled patterns, upper bounds only" in app.header[0].value
    assert "certified" not in app.header[0].value
    shown = facts(app)
    assert (shown["largest relative gap"], shown["sign patterns"]) == ("–", "sampled")
    assert "lower bound" not in [trace.get("name") for trace in charts(app)[2]["data"]]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path takes its time, on whatever machine; and nobody has asked for it before."""

    def after_a_while(problem: Problem, *, progress: Any, **options: Any) -> Any:
        def report(item: Any) -> None:
            time.sleep(0.1)
            progress(item)

        return solve_path(problem, progress=report, **options)

    monkeypatch.setattr(runs, "solve_path", after_a_while)
    keep._shelf.clear()


@pytest.mark.usefixtures("slow")
def test_a_job_can_be_cancelled_and_tried_again() -> None:
    app = open_page("filters_and_path", data="digits", points="40", span="0.001", pathtol="1e-8")
    job = app.session_state["_path"]
    job.cancel()
    poll(app, lambda: not job.poll())
    app.run()
    assert not app.exception
    if job.result is None:  # stopped before its first point
        assert app.error or app.info
        app.button(key="_path_again").click().run()
        app.session_state["_path"].cancel()
    else:
        assert "points are finished" in app.warning[0].value
        assert len(job.result.path) < 40


@pytest.mark.slow
@pytest.mark.usefixtures("slow")
def test_another_problem_cancels_the_running_job() -> None:
    app = open_page("filters_and_path", data="digits", points="40", span="0.001", pathtol="1e-8")
    first = app.session_state["_path"]
    app.select_slider(key="points").set_value("10")  # the other one is over sooner
    app.selectbox(key="data").set_value("shift").run()
    assert first.is_set()
    finish(app)
    assert (
        facts(app)["sign patterns"]
        == f"{solve_path(Problem.from_dataset(load_dataset('shift')), points=2)[0].patterns}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("value", ["999", "nan", "abc", "-1", "", "1e999"])
def test_nothing_in_the_address_breaks_the_page(value: str) -> None:
    app = open_page(
        "filters_and_path",
        **dict.fromkeys(("points", "span", "pathtol", "beta", "h", "stride", "seed"), value),
        data="shift",
    )
    finish(app)
    assert app.select_slider(key="points").value in runs.POINTS
    assert app.select_slider(key="span").value in runs.SPANS
    assert app.select_slider(key="pathtol").value in runs.GAPS
    assert 1 <= app.slider(key="stride").value <= scales.MAX_STRIDE
    assert app.header


@pytest.mark.parametrize(
    ("h", "stride", "expected"), [(10, 5, [1, 2, 3, 5]), (10, 2, [1, 2, 3, 4]), (14, 1, [1, 2]), (15, 8, [1])]
)
def test_strides_to_compare(h: int, stride: int, expected: list[int]) -> None:
    data = load_dataset("talk")
    found = stride_values(ProblemSpec(DataSpec("talk"), h, stride, "valid", "sum", 1.0), data)
    assert found == expected
    assert all(patch_geometry((15,), h, s).K > 1 for s in found[:-1])


def test_downloads_hold_the_path(path: BetaPath) -> None:
    npz, text = path_downloads(PathRun("key", path, (path.preview(1.0),)))
    with np.load(io.BytesIO(npz.data()), allow_pickle=False) as arrays:  # type: ignore[arg-type]
        for b, solution in enumerate(path):
            assert np.array_equal(arrays["filters"][arrays["point"] == b], solution.network.filters)
        assert np.array_equal(arrays["objective"], path.objective)
    record = json.loads(str(text.data()))
    assert record["objective"] == path.objective.tolist()
    assert record["filters_alive"] == path.active_filters.tolist()
    assert record["previews"]["betas"] == [1.0]


@pytest.mark.slow
def test_data_of_one_number_have_a_spline_with_its_knots() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 6)).round(3)
    own = own_link.encode(Dataset("custom", x[:, None], y))
    app = open_page("filters_and_path", data="custom", own=own, bias="free")
    finish(app, charts=4)
    assert not app.error
    knots = charts(app)[3]
    assert any("Larger marks" in text for text in captions(app).splitlines())
    marks = next(trace for trace in knots["data"] if trace["mode"] == "markers" and "symbol" in trace["marker"])
    assert marks["marker"]["symbol"] is not None

"""Figures: what is drawn is what the results say, in numbers, and every one has a text and a table."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

import convex_core.figures
from convex_core.certificate import certify
from convex_core.data import load_dataset
from convex_core.errors import InputError
from convex_core.figures.chart import Chart, blank, log_ticks
from convex_core.figures.colours import DARK, LIGHT, Palette, cividis, palette
from convex_core.figures.signals import patch_matrices, sample_windows
from convex_core.figures.solving import bounds, seconds
from convex_core.figures.training import audit, has_excess, loss_by_iteration, loss_by_seconds
from convex_core.figures.training_curves import FLOOR
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.solution import Solution, solve
from convex_core.training.sgd import train_sgd

FIGURES = Path(convex_core.figures.__file__).parent
BETAS = (20.0, 3.0, 0.5)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.from_dataset(load_dataset("edge", n=6))


@pytest.fixture(scope="module")
def path(problem: Problem) -> tuple[Solution, ...]:
    return tuple(solve(problem.with_beta(beta), tol=1e-8) for beta in BETAS)


def check(chart: Chart) -> None:
    """What holds for every chart."""
    assert chart.alt.endswith(".")
    assert re.search(r"\d", chart.alt)
    rows = list(csv.reader(io.StringIO(chart.csv())))
    assert rows[0] == list(chart.table)
    assert len(rows) == 1 + len(next(iter(chart.table.values())))
    json.dumps(dict(chart.table))
    assert chart.figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert len(chart.html()) < 1_000_000


def luminance(colour: str) -> float:
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_the_page(colours: Palette) -> None:
    for name, wanted in (
        ("ink", 7.0),
        ("muted", 4.5),
        ("convex", 4.5),
        ("sgd", 4.5),
        ("positive", 4.5),
        ("negative", 4.5),
        *((number, 4.5) for number in range(len(colours.lines))),
    ):
        a, b = sorted(
            (
                luminance(colours.lines[name] if isinstance(name, int) else getattr(colours, name)),
                luminance(colours.paper),
            )
        )
        assert (b + 0.05) / (a + 0.05) >= wanted, name


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_curves_of_training_are_told_apart_by_colour_and_dash(colours: Palette) -> None:
    drawn = [colours.line(number) for number in range(25)]
    assert len(set(drawn)) == 25
    # next to each other neither is the same
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in pairwise(drawn[:5]))
    assert colours.convex not in colours.lines
    assert colours.lines[0] == colours.sgd


def test_zero_is_transparent_and_the_scale_symmetric() -> None:
    scale = palette(dark=False).diverging
    assert [stop for stop, _ in scale] == [0.0, 0.5, 0.5, 1.0]
    assert str(scale[1][1]).endswith(",0)")
    assert str(scale[2][1]).endswith(",0)")
    assert LIGHT.sign(-1) != LIGHT.sign(1) != LIGHT.sign(0)


def test_cividis_darkens_monotonically() -> None:
    sums = [sum(map(int, cividis(t)[4:-1].split(","))) for t in np.linspace(0, 1, 21)]
    assert sums == sorted(sums)


def test_chart_rejects_a_ragged_table() -> None:
    with pytest.raises(InputError, match="equal lengths"):
        Chart(blank(100), "x.", {"a": [1], "b": [1, 2]})


@pytest.mark.parametrize("dark", [False, True])
def test_exported_html_needs_no_network(dark: bool, path: tuple[Solution, ...]) -> None:
    page = bounds(path[-1].history).html(dark=dark)
    assert palette(dark).paper in page
    assert "Plotly.newPlot" in page
    assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=", page)


@pytest.mark.parametrize("padding", ["valid", "zero", "circular"])
def test_signal_windows(padding: str) -> None:
    data = load_dataset("talk")
    geometry = patch_geometry((15,), 10, 5, padding)  # type: ignore[arg-type]
    chart = sample_windows(data, geometry, 2)
    check(chart)
    bars, windows = chart.figure.data
    assert np.array_equal(bars.y, data.X[2])
    assert f"{geometry.K} windows" in chart.alt
    covered = ~np.isnan(np.array(windows.z, dtype=float))
    assert covered.sum() == np.count_nonzero(geometry.index >= 0)
    assert chart.table["windows covering it"] == covered.sum(axis=0).tolist()


def test_image_windows_are_where_the_patches_are() -> None:
    data = load_dataset("patterns2d")
    geometry = patch_geometry(data.input_shape, 2, 1)
    chart = sample_windows(data, geometry, 0)
    check(chart)
    assert len(chart.figure.layout.shapes) == geometry.K
    last = chart.figure.layout.shapes[-1]
    assert (round(last.x0), round(last.y0)) == (2, 2)
    assert np.array_equal(chart.figure.data[0].z, data.X[0].reshape(4, 4))


def test_no_such_sample() -> None:
    data = load_dataset("talk")
    with pytest.raises(InputError, match="sample: got 6, expected 0 to 5"):
        sample_windows(data, patch_geometry((15,), 10, 5), 6)


def test_patch_matrices_hold_the_patches() -> None:
    patches = np.random.default_rng(0).standard_normal((3, 4, 2))
    chart = patch_matrices(patches)
    check(chart)
    z = np.array(chart.figure.data[0].z)
    assert np.array_equal(z[:, [0, 1, 3, 4, 6, 7]], patches.transpose(1, 0, 2).reshape(4, 6))
    assert np.isnan(z[:, [2, 5]]).all()
    assert chart.figure.data[0].zmid == 0


def test_patch_matrices_say_what_is_left_out() -> None:
    chart = patch_matrices(np.ones((20, 60, 3)))
    assert "the first 8 matrices and the first 40 rows" in chart.alt


def test_bounds_are_the_history(path: tuple[Solution, ...]) -> None:
    history = path[-1].history
    chart = bounds(history)
    check(chart)
    lower, upper, gap = chart.figure.data
    assert list(upper.y) == [r.upper for r in history]
    assert [v for v in lower.y if v is not None] == [r.lower for r in history if np.isfinite(r.lower)]
    assert gap.y[-1] == pytest.approx(max((history[-1].upper - history[-1].lower) / history[-1].upper, 1e-12))
    with pytest.raises(InputError, match="at least one"):
        bounds(())


def test_seconds_add_up(path: tuple[Solution, ...]) -> None:
    chart = seconds(path[-1])
    check(chart)
    assert sum(chart.table["seconds"]) <= path[-1].seconds.total * 1.001


def test_loss_curves_show_the_run(path: tuple[Solution, ...]) -> None:
    solution = path[-1]
    run = train_sgd(solution.problem, seeds=(3, 4), iterations=40)
    line = {"upper": solution.network_objective, "lower": solution.lower_bound}
    by_iteration = loss_by_iteration(run.objective, run.iterations, run.seeds, **line)
    check(by_iteration)
    assert [t.name for t in by_iteration.figure.data[:2]] == ["seed 3", "seed 4"]
    assert np.array_equal(by_iteration.figure.data[1].y, run.objective[1])
    assert np.array_equal(by_iteration.figure.frames[-1].data[0].y, run.objective[0])
    assert len(by_iteration.figure.frames[0].data[0].y) == 1
    by_seconds = loss_by_seconds(run.objective, run.seconds, run.seeds, convex_seconds=0.25, **line)
    check(by_seconds)
    finished, convex = by_seconds.figure.data[-2:]
    assert list(finished.y) == run.objective[:, -1].tolist()
    assert (convex.x[0], convex.y[0]) == (0.25, solution.network_objective)


def test_the_excess_is_measured_from_the_proved_bound(path: tuple[Solution, ...]) -> None:
    solution = path[-1]
    run = train_sgd(solution.problem, seeds=(3, 4), iterations=40)
    line = {"upper": solution.network_objective, "lower": solution.lower_bound, "relative": True}
    wanted = (run.objective - solution.lower_bound) / solution.lower_bound
    assert np.all(wanted > 0.0)
    chart = loss_by_iteration(run.objective, run.iterations, run.seeds, **line)
    check(chart)
    axis = chart.figure.layout.yaxis
    assert axis.type == "log"
    assert axis.title.text == "excess over the optimum"
    for s, trace in enumerate(chart.figure.data[:2]):
        np.testing.assert_allclose(trace.y, wanted[s], rtol=1e-12)
        np.testing.assert_allclose(trace.customdata, run.objective[s])
        np.testing.assert_allclose(chart.table[f"excess of seed {s + 3}"], wanted[s])
    assert 10.0 ** axis.range[0] <= wanted.min() <= wanted.max() <= 10.0 ** axis.range[1]
    assert f"{100 * wanted[:, -1].min():.3g} %" in chart.alt
    seconds = [run.seconds, 2.0 * run.seconds]
    timed = loss_by_seconds(run.objective, seconds, run.seeds, convex_seconds=0.25, clock="processor", **line)
    check(timed)
    np.testing.assert_allclose(timed.figure.data[1].x, seconds[1])
    assert timed.figure.layout.xaxis.title.text == "processor seconds"
    assert timed.figure.data[-1].y[0] >= 10.0 ** timed.figure.layout.yaxis.range[0]


def test_zeros_and_rounding_have_a_place_on_the_axis_of_the_excess() -> None:
    values = [[2.0, 1.0, 1.0 - 1e-16], [np.inf, np.inf, np.inf]]
    chart = loss_by_iteration(values, [0, 1, 2], (0, 1), upper=1.0, lower=1.0, relative=True)
    assert chart.figure.data[0].y.tolist() == [1.0, FLOOR, FLOOR]
    assert np.isnan(chart.figure.data[1].y).all()
    assert all(math.isfinite(end) for end in chart.figure.layout.yaxis.range)
    gone = loss_by_iteration([[np.inf, np.inf]], [0, 1], (0,), upper=1.0, lower=1.0, relative=True)
    assert "has diverged" in gone.alt


def test_an_optimum_that_is_not_certified_is_not_called_so() -> None:
    chart = loss_by_iteration([[4.0, 2.0]], [0, 1], (0,), upper=1.1, lower=1.0, relative=True)
    assert chart.figure.layout.yaxis.title.text == "excess over the proved lower bound"
    assert "at most 100 % to 100 % above the optimum, measured from the proved lower bound" in chart.alt
    assert "between 1 and 1.1" in chart.alt
    assert not any("certified" in trace.name for trace in chart.figure.data)
    assert chart.figure.data[1].y[0] == pytest.approx(0.1)
    plain = loss_by_iteration([[4.0, 2.0]], [0, 1], (0,), upper=1.1, lower=1.0)
    assert not any("certified" in trace.name for trace in plain.figure.data)


@pytest.mark.parametrize("lower", [-np.inf, 0.0, -1.0, np.nan])
def test_without_a_bound_above_zero_there_is_no_excess(lower: float) -> None:
    assert not has_excess(lower)
    with pytest.raises(InputError, match="proved lower bound above zero"):
        loss_by_iteration([[4.0, 2.0]], [0, 1], (0,), upper=1.0, lower=lower, relative=True)


def test_a_diverged_seed_ends_and_a_restricted_value_is_not_called_optimum() -> None:
    values = np.array([[4.0, 2.0, 1.5], [4.0, np.inf, np.inf]])
    chart = loss_by_iteration(values, [0, 1, 2], (0, 1), upper=1.0, lower=-np.inf)
    check(chart)
    assert np.isnan(chart.figure.data[1].y[1:]).all()
    names = [trace.name for trace in chart.figure.data]
    assert "convex value (restricted)" in names
    assert not any("certified" in name or "proved" in name for name in names)
    assert "without a lower bound" in chart.alt


def test_loss_curves_reject_wrong_lengths() -> None:
    with pytest.raises(InputError, match="seeds by recorded moments"):
        loss_by_iteration(np.ones((2, 3)), [0, 1], (0, 1), upper=1.0, lower=0.5)


def test_audit_states_the_proved_distance(path: tuple[Solution, ...]) -> None:
    solution = path[-1]
    run = train_sgd(solution.problem, seeds=(0, 1), iterations=40)
    certificates = [certify(solution.problem, n, dual=solution.dual) for n in run.final_networks]
    chart = audit(certificates, run.seeds, upper=solution.network_objective, lower=solution.lower_bound)
    check(chart)
    for certificate, excess in zip(certificates, chart.table["at most % above"], strict=True):
        assert excess == pytest.approx(100 * (certificate.objective / solution.lower_bound - 1))
        assert excess >= 0


@pytest.mark.slow
def test_figures_do_not_know_streamlit() -> None:
    modules = sorted(".".join(path.relative_to(FIGURES).with_suffix("").parts) for path in FIGURES.rglob("[a-z]*.py"))
    assert "arrangement.circle" in modules
    code = "import sys; " + "; ".join(f"import convex_core.figures.{m}" for m in modules)
    code += "; print('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------- colours, ticks, pages


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.3), (1.0, 20000.0), (1e-12, 1.0), (0.9, 1.4), (3.0, 4.0), (7, 1e9)])
def test_ticks_of_a_logarithmic_axis_are_whole_numbers_within_it(low: float, high: float) -> None:
    places, texts = log_ticks(low, high)
    assert len(places) <= 8
    assert all(low <= p <= high for p in places)
    assert [float(text.replace(",", "")) for text in texts] == places
    assert places == sorted(set(places))


def test_a_downloaded_page_has_a_title() -> None:
    figure = go.Figure(go.Scatter(y=[1, 2]))
    assert "<title>Beta dial</title>" in Chart(figure, "two points", name="beta-dial").html()
    assert "<title>A &lt;b&gt;</title>" in Chart(figure, "", name="a-<b>").html()


def test_an_optimum_of_zero_is_drawn_on_a_plain_axis() -> None:
    chart = loss_by_iteration([[4.0, 2.0, 0.5]], [0, 10, 20], [7], upper=0.0, lower=0.0)
    axis = chart.figure.layout.yaxis
    assert axis.type != "log"
    assert axis.range[0] < 0.0 < 4.0 < axis.range[1]
    assert loss_by_seconds([[4.0, 0.5]], [0.0, 0.2], [7], upper=0.0, lower=0.0, convex_seconds=0.1).alt

"""Inside the network and predictions, on the pages: every number is that of the forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from app_helpers import alts, charts, finish_sgd, html, numbers, open_page, sentences

from convex_core.data import load_dataset
from convex_core.figures.inside import filter_by_filter
from convex_core.networks.inside import look_inside
from convex_core.networks.network import Network
from convex_core.problem import Problem
from convex_core.solution import solve


def drawn(app: Any, begins: str) -> dict[str, Any]:
    """The figure whose text begins like that."""
    return next(chart for chart, alt in zip(charts(app), alts(app), strict=True) if alt.startswith(begins))


def check_inside(app: Any, network: Network, x: np.ndarray, target: float, number: int) -> None:
    """What is drawn is one forward pass of the network."""
    inside = look_inside(network, x)
    j = filter_by_filter(inside)[number - 1]
    heats = [numbers(trace["z"]) for trace in drawn(app, f"Filter {number}: ")["data"]]
    np.testing.assert_allclose(heats[0], network.filters[[j]])
    np.testing.assert_allclose(heats[1], inside.patches * network.filters[j])
    np.testing.assert_allclose(heats[1].sum(axis=1), heats[2][:, 0], atol=1e-12)
    np.testing.assert_allclose(heats[3][:, 0], np.maximum(heats[2][:, 0], 0.0))
    pooled, weight, share = inside.pooled[j], inside.weights[j, 0], inside.shares[j, 0]
    assert f"Pooled **{pooled:.4g}** × output weight **{weight:.4g}** = **{share:.4g}**" in sentences(app)
    bars = drawn(app, "filter 1 ")["data"][0]
    adds = numbers(bars["x"])
    assert adds[number - 1] == pytest.approx(share)
    predicted = network.predict(x[None])[0]
    assert adds[-1] == pytest.approx(predicted, rel=1e-9)
    if network.m <= 10:
        assert adds[:-1].sum() == pytest.approx(predicted, rel=1e-9)
    assert f"The prediction is {predicted:.4g}, the target {target:.4g}." in html(app)


@pytest.mark.slow
def test_on_solve_a_sample_is_followed_through_a_filter() -> None:
    app = open_page("solve", data="shift", sample="3", filter="2")
    problem = Problem.from_dataset(load_dataset("shift"))
    network = solve(problem, tol=1e-8).network
    check_inside(app, network, problem.X[3], problem.y[3], 2)
    app.number_input(key="sample").set_value(1)
    app.number_input(key="filter").set_value(1).run()
    assert not app.exception
    check_inside(app, network, problem.X[1], problem.y[1], 1)
    # a link to more than there is
    app.number_input(key="filter").set_value(999).run()
    check_inside(app, network, problem.X[1], problem.y[1], network.m)


@pytest.mark.slow
def test_predictions_stand_beside_targets_and_a_press_chooses_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages._ui import inside

    app = open_page("solve", data="shift")
    problem = Problem.from_dataset(load_dataset("shift"))
    solution = solve(problem, tol=1e-8)
    picture = drawn(app, f"{problem.n} samples; the prediction misses")["data"]
    assert np.array_equal(numbers(picture[1]["y"]), problem.y)
    np.testing.assert_allclose(numbers(picture[2]["y"]), solution.predictions, atol=1e-9)
    pressed = {"predictions": {"selection": {"points": [{"customdata": 4}]}}}
    monkeypatch.setattr(inside.st, "session_state", pressed)
    inside.choose_sample("predictions")
    assert pressed["sample"] == 4
    pressed["predictions"] = {"selection": {"points": []}}
    inside.choose_sample("predictions")
    assert pressed["sample"] == 4


@pytest.mark.slow
def test_images_are_maps_and_several_outputs_have_one_each() -> None:
    app = open_page("solve", data="patterns2d", sample="2")
    picture = drawn(app, "Filter 1: ")
    titles = [note["text"] for note in picture["layout"]["annotations"]]
    assert titles[0] == "filter"
    assert titles[2:5] == ["products", "sums", "ReLU"]
    maps = [numbers(trace["z"]) for trace in picture["data"]]
    np.testing.assert_allclose(maps[4], np.maximum(maps[3], 0.0))
    np.testing.assert_allclose(maps[2], maps[0] * maps[1])
    assert np.any(np.isclose(maps[3], maps[2].sum()))
    several = open_page("solve", data="digits", classes="all", network="several outputs", n="20", sample="2")
    assert not several.exception
    assert "the output of the own class is the largest for" in " ".join(alts(several))
    assert len(several.selectbox(key="inside_output").options) == 10


@pytest.mark.slow
def test_beside_sgd_each_class_has_its_output() -> None:
    app = open_page("convex_vs_sgd", data="motifs3", network="several outputs", loss="softmax", stride="3",
                    runs="1", iterations="200", sample="1")  # fmt: skip
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    outputs = look_inside(run.solution.network, run.problem.X[1]).outputs
    assert len(app.selectbox(key="inside_output").options) == len(outputs) == 3
    for output in (0, 2):
        app.selectbox(key="inside_output").select_index(output).run()
        assert not app.exception
        assert f"The prediction is {outputs[output]:.4g}, the largest is that of" in html(app)


@pytest.mark.slow
def test_what_cannot_be_opened_says_so() -> None:
    app = open_page("solve", data="talk", network="three-layer, per patch", h="3", stride="3")
    assert "that is for networks of two layers" in html(app)
    zero = open_page("solve", data="shift", beta="100")
    assert "it has no filters" in html(zero)


@pytest.mark.slow
def test_beside_sgd_every_trained_network_can_be_opened() -> None:
    app = open_page("convex_vs_sgd", data="shift", runs="2", iterations="500", sample="2")
    finish_sgd(app)
    run = app.session_state["_sgd_run"]
    problem = run.problem
    check_inside(app, run.solution.network, problem.X[2], problem.y[2], 1)
    app.segmented_control(key="inside_network").set_value("seed 1").run()
    check_inside(app, run.networks[1], problem.X[2], problem.y[2], 1)

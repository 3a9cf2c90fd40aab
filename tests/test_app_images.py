"""The Real images page through AppTest."""

import html
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_app import facts

from convex_core.data import load_dataset
from convex_core.experiments import EXPERIMENTS, run_experiment
from pages._ui import experiments
from pages._ui.jobs import solver_gate

APP = str(Path(__file__).resolve().parent.parent / "app.py")


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    """No image files, and the digits' experiment on fewer images with two of its programs."""
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    plan = EXPERIMENTS["digits"]
    few = {**plan.dataset_options, "n": 10, "n_test": 50}
    monkeypatch.setitem(EXPERIMENTS, "digits", replace(plan, dataset_options=few, arms=(plan.arms[0], plan.arms[-1])))


def open_page(**query):
    app = AppTest.from_file(APP, default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    app.switch_page("pages/real_images.py")
    return app.run()


def finished(app, title, seconds=120):
    end = time.monotonic() + seconds
    while any(button.key == f"cancel_{title}" for button in app.button):
        assert time.monotonic() < end, "the experiment did not end"
        time.sleep(0.3)
        app.run()
    assert not app.exception
    return app


def programs(app):
    return next(item.value for item in app.dataframe if "program" in item.value)


def test_the_quick_part_of_the_digits_is_there_without_a_click_and_its_numbers_are_the_librarys():
    app = finished(open_page(image_beta="5", image_runs=2, image_steps="200"), "Quick part")
    expected = run_experiment("digits", beta=5.0, seeds=[0, 1], iterations=200, quick=True)
    frame = programs(app)
    (arm,) = expected.arms
    assert frame["program"].tolist() == ["two-layer CNN, certified"]
    assert frame["network's objective"][0] == pytest.approx(arm.solution.network_objective, rel=1e-9)
    assert frame["scope"][0] == "global"
    assert frame["test accuracy"][0] == f"{arm.test_accuracy:.1%}"
    assert float(facts(app)["best SGD seed"]) == pytest.approx(expected.training.objective[:, -1].min(), rel=1e-5)
    assert len(app.get("plotly_chart")) == 2
    said = html.unescape("".join(e.proto.body for e in app.get("html")))
    assert "Not in this result: spectral l1 program (the talk's)." in said
    text = " ".join(item.value for item in app.markdown)
    assert all(choice in text for choice in expected.plan.chosen)


def test_another_session_has_the_quick_part_at_once_but_not_on_its_own_images():
    first = finished(open_page(image_beta="2", image_runs=1, image_steps="200"), "Quick part")
    second = open_page(image_beta="2", image_runs=1, image_steps="200")
    assert "_images_quick" not in second.session_state
    assert programs(second).equals(programs(first))
    key = repr(experiments.Settings("digits", 2.0, (0,), 200))
    assert experiments.finished(key, None) is not None
    assert experiments.finished(key, load_dataset("digits")) is None


def test_every_program_is_solved_when_asked_for():
    app = finished(open_page(image_beta="5", image_runs=1, image_steps="200"), "Quick part")
    app.button(key="whole").click().run()
    finished(app, "Experiment")
    assert "whole" not in {button.key for button in app.button}
    frame = programs(app)
    expected = run_experiment("digits", beta=5.0, seeds=[0], iterations=200)
    shown = dict(zip(frame["program"], frame["network's objective"], strict=True))
    assert shown == {arm.plan.label: pytest.approx(arm.solution.network_objective, rel=1e-9) for arm in expected.arms}
    words = dict(zip(frame["program"], frame["exactness"], strict=True))
    assert words["spectral l1 program (the talk's)"] == "bound only"
    scopes = dict(zip(frame["program"], frame["scope"], strict=True))
    assert scopes["two-layer CNN, certified"] == "global"
    # other settings show their quick part, at once
    app.select_slider(key="image_beta").set_value("10").run()
    finished(app, "Quick part")
    assert len(programs(app)) == 1
    assert "whole" in {button.key for button in app.button}


def test_the_quick_part_stays_while_the_rest_runs_and_a_cancelled_one_says_so():
    app = finished(open_page(image_beta="5", image_runs=1, image_steps="200"), "Quick part")
    before = programs(app)
    gate = solver_gate()
    gate.acquire()
    try:
        app.button(key="whole").click().run()
        assert programs(app).equals(before)
        app.button(key="cancel_Experiment").click().run()
    finally:
        gate.release()
    finished(app, "Experiment")
    assert "Cancelled before anything was finished" in app.info[0].value
    assert programs(app).equals(before)
    app.button(key="_images_whole_again").click().run()
    finished(app, "Experiment")
    assert len(programs(app)) == 2


def test_without_files_the_page_says_how_to_get_them():
    app = open_page(images="MNIST")
    assert not app.exception
    assert "MNIST is not on this computer" in app.info[0].value
    assert not app.dataframe


@pytest.mark.parametrize(
    "query",
    [{"image_beta": "nan"}, {"image_runs": 999}, {"image_steps": "7"}, {"images": "../etc", "image_steps": "200"}],
)
def test_addresses_outside_the_range_fall_back(query):
    app = open_page(**{"images": "MNIST", **query})
    assert not app.exception

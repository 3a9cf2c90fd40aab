"""The Real images page through AppTest."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from convex_core.experiments import EXPERIMENTS, run_experiment

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


def finished(app, seconds=120):
    end = time.monotonic() + seconds
    while any(button.key == "cancel_Experiment" for button in app.button):
        assert time.monotonic() < end, "the experiment did not end"
        time.sleep(0.3)
        app.run()
    return app


def test_the_built_in_digits_run_without_a_click_and_the_numbers_are_the_librarys():
    app = finished(open_page(image_beta="5", image_runs=1, image_steps="200"))
    assert not app.exception
    frame = next(item.value for item in app.dataframe if "program" in item.value)
    expected = run_experiment("digits", beta=5.0, seeds=[0], iterations=200)
    shown = dict(zip(frame["program"], frame["network's objective"], strict=True))
    assert shown == {arm.plan.label: pytest.approx(arm.solution.network_objective, rel=1e-9) for arm in expected.arms}
    words = dict(zip(frame["program"], frame["exactness"], strict=True))
    assert words["spectral l1 program (the talk's)"] == "bound only"
    scopes = dict(zip(frame["program"], frame["scope"], strict=True))
    assert scopes["two-layer CNN, certified"] == "global"
    text = " ".join(item.value for item in app.markdown)
    assert all(choice in text for choice in expected.plan.chosen)


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

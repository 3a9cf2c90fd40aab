"""The talk's experiment on the Real images page, through AppTest."""

import html
from dataclasses import replace

import numpy as np
import pytest
from app_helpers import facts, open_page, poll

from convex_core.data import load_dataset
from convex_core.experiments import EXPERIMENTS, run_experiment
from pages._ui.images import experiments
from pages._ui.work import keep
from pages._ui.work.jobs import gate


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    """No image files, and the digits' experiment on fewer images with two of its programs."""
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    plan = EXPERIMENTS["digits"]
    few = {**plan.dataset_options, "n": 10, "n_test": 50}
    monkeypatch.setitem(EXPERIMENTS, "digits", replace(plan, dataset_options=few, arms=(plan.arms[0], plan.arms[-1])))


def finished(app, title):
    poll(app, lambda: all(button.key != f"cancel_{title}" for button in app.button))
    return app


def programs(app):
    return next(item.value for item in app.dataframe if "program" in item.value)


@pytest.mark.slow
def test_the_quick_part_of_the_digits_is_there_without_a_click_and_its_numbers_are_the_librarys():
    app = finished(open_page("real_images", image_beta="5", image_runs=2, image_steps="200"), "Quick part")
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


@pytest.mark.slow
def test_another_session_has_the_quick_part_at_once_but_not_on_its_own_images(monkeypatch):
    first = finished(open_page("real_images", image_beta="2", image_runs=1, image_steps="200"), "Quick part")
    second = open_page("real_images", image_beta="2", image_runs=1, image_steps="200")
    assert "_images_quick" not in second.session_state
    assert programs(second).equals(programs(first))
    settings = experiments.Settings("digits", 2.0, (0,), 200)
    assert keep.find("experiment", repr(settings)) is not None
    begun = []
    monkeypatch.setattr(experiments.calls, "background", lambda *_, place, **__: begun.append(place))
    for data, quick in ((None, True), (load_dataset("digits"), True), (None, False)):
        experiments.experiment("slot", "key", settings, data, quick=quick, title="Quick part")
    assert begun == ["experiment", "", ""]


@pytest.mark.slow
def test_every_program_is_solved_when_asked_for():
    app = finished(open_page("real_images", image_beta="5", image_runs=1, image_steps="200"), "Quick part")
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


@pytest.mark.slow
def test_the_quick_part_stays_while_the_rest_runs_and_a_cancelled_one_says_so():
    app = finished(open_page("real_images", image_beta="5", image_runs=1, image_steps="200"), "Quick part")
    before = programs(app)
    with gate("job").turn("another session"):
        app.button(key="whole").click().run()
        assert programs(app).equals(before)
        app.button(key="cancel_Experiment").click().run()
    finished(app, "Experiment")
    assert "Cancelled before anything was finished" in app.info[0].value
    assert programs(app).equals(before)
    app.button(key="_images_whole_again").click().run()
    finished(app, "Experiment")
    assert len(programs(app)) == 2


def test_without_files_the_page_says_how_to_get_them():
    app = open_page("real_images", images="MNIST")
    assert not app.exception
    assert "MNIST is not on this computer" in app.info[0].value
    assert not app.dataframe


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [{"image_beta": "nan"}, {"image_runs": 999}, {"image_steps": "7"}, {"images": "../etc", "image_steps": "200"}],
)
def test_addresses_outside_the_range_fall_back(query):
    app = open_page("real_images", **{"images": "MNIST", **query})
    assert not app.exception


@pytest.mark.slow
def test_fewer_images_than_the_talks_are_trained_on_and_said(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "mnist.npz", images=rng.integers(0, 256, (50, 28, 28), dtype=np.uint8), labels=np.arange(50) % 10
    )
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    plan = EXPERIMENTS["mnist"]
    monkeypatch.setitem(EXPERIMENTS, "mnist", replace(plan, arms=plan.arms[-1:]))
    app = open_page("real_images", images="MNIST", image_runs=1, image_steps="200", image_beta="10")
    finished(app, "Quick part")
    assert not app.error
    said = "50 images of MNIST are there, and the experiment takes 99 for training: it trains on 40 and tests on 10."
    assert [w.value for w in app.warning] == [said]
    few = load_dataset("mnist", path=str(tmp_path / "mnist.npz"), n=40, n_test=None)
    expected = run_experiment("mnist", dataset=few, beta=10.0, seeds=[0], iterations=200, quick=True)
    (arm,) = expected.arms
    assert programs(app)["network's objective"][0] == pytest.approx(arm.solution.network_objective, rel=1e-9)


def test_old_links_lead_to_the_talk_and_new_ones_to_ten_classes():
    old = open_page("real_images", images="MNIST")
    assert old.session_state["images_view"] == "The talk's experiment"
    assert old.query_params["images_view"] == "The talk's experiment"  # for those who get the link next
    new = open_page("real_images", ten="MNIST")
    assert new.session_state["images_view"] == "Ten classes"
    assert "MNIST is not on this computer" in new.info[0].value

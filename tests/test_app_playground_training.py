"""SGD and the filter added by hand, as the playground shows them: the library's runs, with the library's bounds."""

from itertools import pairwise

import numpy as np
import pytest
from playground_cases import dual, highest, loss, outputs, penalty, scaled, solved

from convex_core import train_sgd
from pages._ui.playground import sgd
from pages._ui.playground.answers import Desk, answer
from pages._ui.playground.scenes import FIRST, SCENES, built_in

#: Scenes with activations and biases that have costs of their own.
NEW = ["spline", "staircase", "square", "folds"]
SETTINGS = {"optimiser": "gradient descent", "m": 5, "seeds": 8, "iterations": 6000}


def pull(scene, desk, *, run="a", have=0, **settings):
    """One request for frames."""
    request = {"id": 1, "kind": "sgd", "scene": scene, "run": run, "have": have, "sgd": SETTINGS | settings}
    reply = answer(request, desk)
    assert reply["error"] is None
    return reply["sgd"]


def whole(scene, desk=None, **settings):
    """All frames of a run, pulled one after another."""
    desk, frames = desk or Desk(), []
    while True:
        part = pull(scene, desk, have=len(frames), **settings)
        frames += part["frames"]
        if part["done"]:
            return frames, part["settings"]


def test_the_stream_is_one_run_of_full_batch_gradient_descent():
    scene = built_in("talk")
    frames, settings = whole(scene.to_dict(), iterations=400, seeds=3)
    problem = scene.problem()
    once = train_sgd(
        problem, m=5, seeds=3, momentum=0.0, batch_size=problem.n, iterations=400, record_every=13, dense_start=True
    )
    assert [frame["it"] for frame in frames] == once.iterations.tolist()
    np.testing.assert_allclose(np.array([frame["objective"] for frame in frames]).T, once.objective, rtol=1e-12)
    assert settings["rate"] == list(once.settings.learning_rate)
    assert settings["seeds"] == [0, 1, 2]
    assert "gradient descent" in settings["text"]
    assert "3 seeds" in settings["text"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [FIRST, "sphere", "anywhere", "moons", "line", *NEW])
def test_every_frame_says_what_its_networks_are_worth(name):
    scene, desk = built_in(name).to_dict(), Desk()
    best = solved(scene, desk=desk)["optimum"]["objective"]
    frames, _ = whole(scene, desk, iterations=300, seeds=2, optimiser="momentum")
    for frame in frames[:: len(frames) // 6]:
        for s, net in enumerate(frame["nets"]):
            f = outputs(scene, *scaled(scene, net), net["free"])
            objective = loss(scene, f) + scene["beta"] * penalty(scene, net)
            assert frame["objective"][s] == pytest.approx(objective, rel=1e-6)
            assert frame["lower"][s] <= best * (1.0 + 1e-7)
            assert best <= frame["objective"][s] * (1.0 + 1e-7)
            high = highest(scene, dual(scene, f)) / scene["beta"]
            assert frame["ceiling"][s] == pytest.approx(high, rel=1e-5)


@pytest.mark.slow
def test_gradient_descent_is_stuck_from_all_eight_starts_in_the_first_scene():
    scene = built_in(FIRST).to_dict()
    frames, _ = whole(scene)
    best = solved(scene)["optimum"]["objective"]
    assert min(frames[-1]["objective"]) > 1.1 * best
    assert min(frames[-1]["ceiling"]) > 2.0  # and each of them could see which filter it is missing
    before = min(frames, key=lambda frame: abs(frame["it"] - 3000))
    np.testing.assert_allclose(before["objective"], frames[-1]["objective"], rtol=2e-2)


@pytest.mark.slow
def test_gradient_descent_moves_no_filter_of_a_staircase_and_misses_the_best_from_every_start():
    scene = built_in("staircase").to_dict()
    best = solved(scene)["optimum"]["objective"]
    frames, _ = whole(scene)
    for first, last in zip(frames[0]["nets"], frames[-1]["nets"], strict=True):
        assert first["filters"] == last["filters"]
        assert first["weights"] != last["weights"]
    assert min(frames[-1]["objective"]) > 1.5 * best


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", sgd.OPTIMISERS)
def test_most_starts_are_stuck_in_the_deep_trap_with_and_without_momentum(optimiser):
    scene = built_in("deep").to_dict()
    frames, _ = whole(scene, optimiser=optimiser)
    excess = np.array(frames[-1]["objective"]) / solved(scene)["optimum"]["objective"] - 1.0
    assert np.count_nonzero(excess > 0.3) >= 5


@pytest.mark.slow
def test_gradient_descent_can_miss_the_only_filter_of_a_single_sample():
    scene = built_in("one").to_dict()
    optimum = solved(scene)["optimum"]
    frames, _ = whole(scene, m=2)
    assert len(optimum["sizes"]) == 1
    assert sum(value > 1.4 * optimum["objective"] for value in frames[-1]["objective"]) >= 4


@pytest.mark.slow
def test_frames_lie_densely_at_the_start_and_are_few():
    frames, _ = whole(built_in("one").to_dict())
    at = np.array([frame["it"] for frame in frames])
    assert at[:20].tolist() == list(range(20))
    assert 80 <= len(frames) <= 150
    assert at[-1] == 6000


def test_a_pull_gives_what_was_not_received_and_a_dropped_run_is_made_again():
    scene, desk = built_in(FIRST).to_dict(), Desk()
    first = pull(scene, desk)["frames"]
    again = pull(scene, desk, have=1)["frames"]  # as if all but one had been lost
    assert again[: len(first) - 1] == first[1:]
    later = pull(scene, Desk(), have=len(first))  # another desk knows nothing of the run
    while not later["frames"]:
        later = pull(scene, desk, have=len(first))
    assert later["frames"][0]["it"] > first[-1]["it"]


def test_another_run_takes_the_place_of_the_last_one():
    scene, desk = built_in(FIRST).to_dict(), Desk()
    pull(scene, desk, run="a")
    old = desk.run
    pull(scene, desk, run="b")
    assert desk.run is not old
    assert pull({**scene, "beta": 0.2}, desk, run="b")["frames"][0]["it"] == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"optimiser": "adam"}, {"m": 0}, {"m": 1000}, {"seeds": 0}, {"seeds": []}, {"seeds": [0, -1]}, {"seeds": 1e9},
        {"iterations": 0}, {"iterations": 10**9}, {"iterations": float("nan")},
    ],
)  # fmt: skip
def test_bad_settings_get_one_sentence(bad):
    reply = answer({"id": 1, "kind": "sgd", "scene": built_in(FIRST).to_dict(), "run": "a", "sgd": SETTINGS | bad})
    assert "expected" in reply["error"]
    assert reply["sgd"] is None


def steps(scene, network, most=40):
    """Filters added until the ceiling is reached."""
    desk, lower = Desk(), None
    for _ in range(most):
        reply = answer({"id": 1, "kind": "add", "scene": scene, "network": network, "best_lower": lower}, desk)
        assert reply["error"] is None
        yield reply["added"]
        if reply["added"]["done"]:
            return
        network, lower = reply["added"], reply["added"]["best_lower"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SCENES if name != "empty"])
def test_adding_the_missing_filter_again_and_again_closes_the_bounds(name):
    scene = built_in(name).to_dict()
    best = solved(scene)["optimum"]
    done = list(steps(scene, {"filters": [], "weights": []}))
    values = [step["objective"] for step in done]
    bounds = [step["best_lower"] for step in done]
    assert all(after <= before * (1.0 + 1e-6) for before, after in pairwise(values))
    assert all(after >= before for before, after in pairwise(bounds))
    assert max(bounds) <= best["objective"] * (1.0 + 1e-9)
    assert values[-1] == pytest.approx(best["objective"], rel=2e-3)
    if done[-1]["done"]:
        assert values[-1] == pytest.approx(best["objective"], rel=1e-5)
    for step in done[:: max(1, len(done) // 5)]:
        f = outputs(scene, *scaled(scene, step), step["free"])
        assert step["ceiling"] == pytest.approx(highest(scene, dual(scene, f)) / scene["beta"], rel=1e-5)
        assert loss(scene, f) + scene["beta"] * np.abs(scaled(scene, step)[1]).sum() == pytest.approx(step["objective"])


@pytest.mark.slow
def test_the_added_filter_is_the_peak_of_the_network_before():
    scene = built_in(FIRST).to_dict()
    frames, _ = whole(scene)
    network = frames[-1]["nets"][1]
    step = next(steps(scene, network))
    peak = np.array(frames[-1]["peak"][1])
    assert abs(float(peak @ step["added"])) == pytest.approx(1.0, abs=1e-6)
    assert step["objective"] < frames[-1]["objective"][1]
    assert step["best_lower"] >= frames[-1]["lower"][1]


def test_a_bound_that_is_none_is_not_believed():
    scene = built_in(FIRST).to_dict()
    best = solved(scene)["optimum"]["objective"]
    for claimed in (1e9, float("nan"), "0.5", True, None):
        network = {"filters": [], "weights": []}
        added = answer({"id": 1, "kind": "add", "scene": scene, "network": network, "best_lower": claimed})["added"]
        assert added["best_lower"] <= best


@pytest.mark.parametrize(
    "network",
    [
        None, [], {"filters": [[1.0]], "weights": [1.0]}, {"filters": [[1.0, 0.0]], "weights": [1.0, 2.0]},
        {"filters": [["a", 0.0]], "weights": [1.0]}, {"filters": [[float("inf"), 0.0]], "weights": [1.0]},
        {"filters": [[1.0, 0.0]] * 100, "weights": [1.0] * 100},
    ],
)  # fmt: skip
def test_a_bad_network_gets_one_sentence(network):
    reply = answer({"id": 1, "kind": "add", "scene": built_in(FIRST).to_dict(), "network": network})
    assert "expected" in reply["error"]
    assert reply["added"] is None

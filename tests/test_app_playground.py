"""What the playground claims about its scenes is the library's, and true: optimum, bounds, ceiling, after any edit."""

import json
import os

import numpy as np
import pytest
from playground_cases import dual, highest, loss, outputs, phi, solved

from convex_core import solve
from pages._ui.playground import answers
from pages._ui.playground.answers import Desk, answer
from pages._ui.playground.scene import read_scene
from pages._ui.playground.scenes import FIRST, SCENES, built_in

ALL = list(SCENES)
#: Edits of a scene; fifty take minutes.
EDITS = 50 if "PLAYGROUND_WHOLE" in os.environ else 8


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_scene_has_the_optimum_of_the_whole_program(name):
    scene = built_in(name)
    whole = solve(scene.problem(), method="clarabel", tol=1e-9)
    optimum = solved(scene.to_dict())["optimum"]
    assert (optimum["status"], optimum["scope"]) == ("optimal", "global")
    assert optimum["objective"] == pytest.approx(whole.network_objective, rel=1e-6)
    assert 0.0 <= optimum["gap"] <= 1e-8
    assert optimum["patterns"] == whole.patterns


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_the_ceiling_is_the_highest_point_of_the_dual_function(name):
    scene = built_in(name).to_dict()
    optimum = solved(scene)["optimum"]
    v = np.array(optimum["dual"])
    assert optimum["ceiling"] == pytest.approx(highest(scene, v) / scene["beta"], rel=1e-8, abs=1e-12)
    at_peak = abs(float((v @ phi(scene, optimum["peak"]))[0])) / scene["beta"]
    assert at_peak == pytest.approx(optimum["ceiling"], rel=1e-6, abs=1e-12)
    if optimum["sizes"]:  # it is touched at every filter
        touched = np.abs(v @ phi(scene, optimum["filters"])) / scene["beta"]
        large = np.abs(optimum["sizes"]) > 1e-3 * np.abs(optimum["sizes"]).max()
        np.testing.assert_allclose(touched[large], 1.0, atol=1e-4)


def biases(scene):
    """Biases that a scene can have: the library has a program, and a direction has two or three numbers."""
    h = int(np.prod(scene["filter"]))
    slopes = scene["activation"] not in ("quadratic", "threshold") and scene["pooling"] != "max"
    drawn = {"none": h > 1, "output": h > 1, "regularised": h < 3, "free": slopes}
    return [name for name, there in drawn.items() if there]


def edited(scene, rng):
    """A scene with one thing changed, as by hand."""
    scene = json.loads(json.dumps(scene))
    n, d = len(scene["y"]), len(scene["X"][0])
    kinds = ["entry", "entry", "entry", "target", "beta", "pooling", "activation", "bias", "add", "remove", "shift"]
    kind = rng.choice(kinds)
    if kind == "entry":
        scene["X"][rng.integers(n)][rng.integers(d)] = float(np.round(rng.uniform(-2.0, 2.0), 2))
    elif kind == "target":
        value = rng.uniform(-2.0, 2.0)
        scene["y"][rng.integers(n)] = float(np.round(value, 2) if scene["loss"] == "squared" else np.sign(value))
    elif kind == "beta":
        scene["beta"] = float(np.round(10.0 ** rng.uniform(-1.5, 0.5), 3))
    elif kind == "pooling":
        # the ties of many pixels take seconds to list
        scene["pooling"] = str(rng.choice(["sum", "mean", *(["max"] if scene["view"] != "pixels" else [])]))
        scene["activation"] = "relu"
        scene["bias"] = scene["bias"] if scene["bias"] in biases(scene) else biases(scene)[0]
    elif kind == "activation" and scene["pooling"] != "max":
        own = ["quadratic", "threshold"] if scene["bias"] != "free" else []
        scene["activation"] = str(rng.choice(["relu", "leaky", "absolute", "residual", *own]))
    elif kind == "bias":
        scene["bias"] = str(rng.choice(biases(scene)))
    elif kind == "add" and n < 12:
        scene["X"].append([float(np.round(x, 1)) for x in rng.uniform(-2.0, 2.0, d)])
        scene["y"].append(float(rng.choice([-1.0, 1.0])))
    elif kind == "remove" and n > 2:
        where = int(rng.integers(n))
        del scene["X"][where], scene["y"][where]
    elif kind == "shift":
        where = int(rng.integers(n))
        scene["X"][where] = scene["X"][where][1:] + scene["X"][where][:1]
    return scene


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_after_edits_the_network_still_is_what_the_numbers_say(name):
    rng = np.random.default_rng(ALL.index(name))
    scene, desk = built_in(name).to_dict(), Desk()
    for _ in range(EDITS):
        scene = edited(scene, rng)
        reply = solved(scene, desk=desk)
        optimum = reply["optimum"]
        f = outputs(scene, optimum["filters"], optimum["sizes"], optimum["free"])
        np.testing.assert_allclose(f, optimum["predictions"], atol=1e-9)
        objective = loss(scene, f) + scene["beta"] * float(np.abs(optimum["sizes"]).sum())
        assert objective == pytest.approx(optimum["objective"], rel=1e-9, abs=1e-12)
        assert objective <= reply["zero"] * (1.0 + 1e-12) + 1e-12
        assert optimum["ceiling"] <= 1.0 + 1e-6
        if optimum["scope"] == "global":
            assert optimum["lower_bound"] <= optimum["objective"]
            assert optimum["gap"] <= 1e-6
        else:
            assert optimum["lower_bound"] is None
            assert optimum["gap"] is None
    f = outputs(scene, optimum["filters"], optimum["sizes"], optimum["free"])
    # a network of the optimum's own has no peak to speak of either
    assert highest(scene, dual(scene, f)) / scene["beta"] <= 1.0 + 1e-2


@pytest.mark.parametrize(("i", "e", "value"), [(1, 1, -2.0), (2, 0, 2.0), (2, 1, 2.0)])
def test_an_optimum_has_no_filters_that_do_nothing(i, e, value):
    scene = built_in("moons").to_dict()
    scene["X"][i][e] = value
    sizes = np.abs(solved(scene)["optimum"]["sizes"])
    assert sizes.min() > 1e-3 * sizes.max()


@pytest.mark.parametrize("name", ["spline", "folds"])
def test_the_best_filters_with_free_biases_bend_at_data(name):
    scene = built_in(name).to_dict()
    optimum = solved(scene)["optimum"]
    response = np.column_stack([scene["X"], np.ones(len(scene["y"]))]) @ np.array(optimum["filters"]).T
    assert response.shape[1] > 1
    np.testing.assert_allclose(np.abs(response).min(axis=0), 0.0, atol=1e-9)
    assert optimum["free"][0] != 0.0


def test_exclusive_or_is_one_squared_filter_in_a_single_cell():
    optimum = solved(built_in("square").to_dict())["optimum"]
    assert (len(optimum["sizes"]), optimum["patterns"]) == (1, 1)
    assert "the only cell" in optimum["status_text"]
    scene = built_in("square")
    assert (np.sign(optimum["predictions"]) == scene.y).mean() > 0.9


def test_thresholds_that_fire_everywhere_have_a_direction_where_there_is_one():
    scene = {**built_in(FIRST).to_dict(), "activation": "threshold", "y": [2.0, 2.0, 2.0, 2.0], "beta": 0.5}
    scene["X"] = [[1.0, 0.5, 2.0, 1.0], [0.1, 1.3, 1.1, 0.5], [0.3, 0.7, 0.5, 2.0], [1.2, 1.7, 0.7, 1.2]]
    optimum = solved(scene)["optimum"]
    everywhere = [u for u in optimum["filters"] if (phi(scene, u) == 3.0).all()]
    assert everywhere
    assert all(np.linalg.norm(u) == pytest.approx(1.0) for u in everywhere)
    scene["X"][0] = [-1.0, -0.5, -2.0, -1.0]  # no direction fires at opposite patches
    optimum = solved(scene)["optimum"]
    everywhere = [u for u in optimum["filters"] if (phi(scene, u) == 3.0).all()]
    assert everywhere == [[0.0, 0.0]]


def test_above_the_largest_beta_no_filter_is_left_and_the_ceiling_is_not_reached():
    scene = {**built_in(FIRST).to_dict(), "beta": 900.0}
    reply = solved(scene)
    assert reply["optimum"]["filters"] == []
    assert reply["optimum"]["objective"] == pytest.approx(reply["zero"], rel=1e-14)
    assert reply["optimum"]["ceiling"] == pytest.approx(highest(scene, np.array(scene["y"])) / 900.0, rel=1e-9)
    assert reply["optimum"]["ceiling"] < 1.0


@pytest.mark.parametrize("y", [[0.0, 0.0], [1.0, -1.0]])
def test_without_data_no_network_is_the_best_network(y):
    scene = {**built_in("empty").to_dict(), "y": y}
    reply = solved(scene)
    assert reply["optimum"]["sizes"] == []
    assert reply["optimum"]["objective"] == reply["zero"] == pytest.approx(0.5 * sum(t * t for t in y))
    assert reply["optimum"]["ceiling"] == 0.0
    assert np.linalg.norm(reply["optimum"]["peak"]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("activation", "bias"),
    [("quadratic", "none"), ("threshold", "none"), ("threshold", "regularised"), ("relu", "free"), ("relu", "output")],
)
def test_without_data_every_network_has_an_optimum_a_run_and_a_step_by_hand(activation, bias):
    scene = {**built_in("empty").to_dict(), "activation": activation, "bias": bias}
    desk = Desk()
    optimum = solved(scene, desk=desk)["optimum"]
    assert (optimum["status"], optimum["scope"]) == ("optimal", "global")
    assert np.isfinite(optimum["peak"]).all()
    request = {"id": 1, "kind": "add", "scene": scene, "network": {"filters": [], "weights": []}, "best_lower": None}
    added = answer(request, desk)
    assert added["error"] is None
    assert added["added"]["objective"] == pytest.approx(optimum["objective"])
    settings = {"optimiser": "momentum", "m": 2, "seeds": 2, "iterations": 20}
    pulled = answer({"id": 1, "kind": "sgd", "scene": scene, "sgd": settings, "run": "a", "have": 0}, desk)
    assert pulled["error"] is None
    assert json.loads(json.dumps(pulled, allow_nan=False))["sgd"]["frames"]


def test_cells_are_searched_again_only_when_the_patches_change():
    desk, scene = Desk(), built_in(FIRST).to_dict()
    solved(scene, desk=desk)
    kept = desk.cells
    solved({**scene, "beta": 0.3, "y": [1.0, 0.0, 0.5, -1.0]}, desk=desk)
    assert desk.cells is kept
    solved({**scene, "pooling": "mean"}, desk=desk)
    assert desk.cells is not kept


def test_what_is_let_go_where_it_was_held_last_is_not_solved_again(monkeypatch, ticking):
    desk, scene = Desk(), built_in(FIRST).to_dict()
    held = solved(scene, desk=desk, final=False)
    monkeypatch.setattr(answers, "solve_scene", None)
    released = solved(scene, desk=desk)
    assert released["optimum"] == held["optimum"]
    assert released["link"] is not None
    assert held["link"] is None


def test_what_is_too_large_to_be_live_is_solved_when_it_is_let_go(ticking):
    rng = np.random.default_rng(0)
    scene = built_in("anywhere").to_dict() | {
        "X": np.round(rng.uniform(-2.0, 2.0, (8, 10)), 1).tolist(),
        "y": [1.0, -1.0] * 4,
        "shape": [10],
        "filter": [3],
    }
    desk = Desk()
    dragged = solved(scene, desk=desk, final=False)
    assert (dragged["live"], dragged["optimum"]) == (False, None)
    assert "about" in dragged["estimate"]
    assert solved(scene, desk=desk)["optimum"]["scope"] == "global"
    # the cells are there now: beta and targets are live
    again = solved({**scene, "beta": 0.4}, desk=desk, final=False)
    assert again["live"]
    assert again["optimum"]["scope"] == "global"


def test_free_biases_of_many_patches_are_solved_when_they_are_let_go(ticking):
    rng = np.random.default_rng(0)
    scene = built_in(FIRST).to_dict() | {
        "X": np.round(rng.uniform(-2.0, 2.0, (7, 8)), 1).tolist(),
        "y": [1.0, -1.0, 0.5, 0.0, 1.0, -0.5, 0.3],
        "shape": [8],
        "filter": [3],
        "bias": "free",
    }
    dragged = solved(scene, desk=Desk(), final=False)
    assert (dragged["live"], dragged["optimum"]) == (False, None)
    assert "about" in dragged["estimate"]
    # those of few are live
    few = {**scene, "X": [x[:4] for x in scene["X"][:4]], "y": scene["y"][:4], "shape": [4]}
    assert solved(few, desk=Desk(), final=False)["optimum"]["scope"] == "global"


def test_too_many_cells_are_sampled_and_nothing_is_called_proved(ticking):
    rng = np.random.default_rng(0)
    scene = built_in("anywhere").to_dict() | {
        "X": np.round(rng.uniform(-2.0, 2.0, (12, 16)), 2).tolist(),
        "y": [1.0, -1.0] * 6,
        "shape": [16],
        "filter": [3],
    }
    desk = Desk()
    optimum = solved(scene, desk=desk)["optimum"]
    kept = desk.cells
    assert optimum["scope"] == "restricted"
    # the sample serves every beta, held or let go: another search of the same length would find no more
    assert solved({**scene, "beta": 0.4}, desk=desk)["optimum"]["scope"] == "restricted"
    assert solved({**scene, "beta": 0.5}, desk=desk, final=False)["optimum"]["scope"] == "restricted"
    assert desk.cells is kept
    assert optimum["lower_bound"] is None
    assert optimum["gap"] is None
    assert "nothing is proved" in optimum["status_text"]
    assert optimum["objective"] < solved({**scene, "beta": 1e3})["zero"]


#: faults that a stranger's request can have, and a word of the sentence that says so
FAULTS = {
    "not a request": (None, "kind"),
    "no kind": ({"id": 1}, "kind"),
    "unknown kind": ({"kind": "format"}, "kind"),
    "no scene": ({"kind": "solve"}, "scene"),
    "unknown scene": ({"kind": "scene", "name": "nowhere"}, "scene"),
    "id": ({"kind": "solve", "id": 1e400}, "id"),
    "no settings of SGD": ({"kind": "sgd", "scene": built_in(FIRST).to_dict()}, "sgd"),
    "no network": ({"kind": "add", "scene": built_in(FIRST).to_dict()}, "network"),
}
#: fields of a scene that make no problem
BAD_FIELDS = {
    "X": [None, [], [[]], [["a"]], [[1.0], [1.0, 2.0]], [[float("nan")] * 4] * 4, [[1e9] * 4] * 4, [[0.0] * 4] * 13],
    "y": [None, [], [1.0], [float("inf")] * 4, [[1.0]] * 4, ["a"] * 4],
    "shape": [None, [], [0], [4.5], [5], [2, 2], ["4"], [10**9]],
    "filter": [None, [0], [1], [4], [5], [1, 2], [2.5], [-1], [True]],
    "stride": [None, [0], [5], [1, 1], ["1"], [float("nan")]],
    "pooling": [None, "median", 1, ["sum"]],
    "activation": [None, "tanh"],
    "slope": [None, 2.0, float("nan"), "0.1", True],
    "bias": [None, "regularized"],
    "loss": [None, "hinge", "logistic"],  # the targets are no classes
    "beta": [None, 0.0, -1.0, float("nan"), float("inf"), 1e-9, "0.1", True],
    "view": [None, "plane", "line", "pixels", "film"],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_request_gets_one_sentence(fault):
    request, word = FAULTS[fault]
    reply = answer(request)
    assert word in reply["error"]
    assert "\n" not in reply["error"]
    json.dumps(reply, allow_nan=False)


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD_FIELDS.items() for v in values])
def test_a_bad_scene_gets_one_sentence(field, value):
    reply = answer({"id": 3, "kind": "solve", "final": True, "scene": {**built_in(FIRST).to_dict(), field: value}})
    assert reply["error"] is not None
    assert "got" in reply["error"]
    assert reply["id"] == 3
    assert reply["optimum"] is None


def test_every_answer_is_plain_json(monkeypatch):
    monkeypatch.setattr(answers, "LIMIT_SECONDS", 1e-9)  # nothing is ready in this time
    reply = answer({"id": 1, "kind": "solve", "scene": built_in("talk").to_dict(), "final": False})
    assert json.loads(json.dumps(reply, allow_nan=False)) == reply
    assert reply["error"] is None


def test_a_scene_is_read_as_it_is_written():
    for name in ALL:
        scene = built_in(name)
        again = read_scene(json.loads(json.dumps(scene.to_dict())))
        assert again.key == scene.key
        assert again.to_dict() == scene.to_dict()


def test_sending_hands_the_scene_over():
    sent = []
    reply = answer({"id": 1, "kind": "send", "scene": built_in("line").to_dict()}, send=sent.append)
    assert reply["sent"]
    assert sent[0].key == built_in("line").key
    assert not answer({"id": 1, "kind": "send", "scene": built_in("line").to_dict()})["sent"]

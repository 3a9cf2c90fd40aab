"""The browser's own maths agree with the library, and its pure modules with what they say of themselves."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
from playground_modules import MODULES, ROOT, evaluated, needs_node, node, problem_of, scenes, states, told

from convex_core import Network, Scope, TwoLayerCNN, certify, count_patterns
from pages._ui.playground.answers import answer
from pages._ui.playground.linker import LinkError, linked
from pages._ui.playground.scene import read_scene
from pages._ui.playground.scenes import FIRST, SCENES, built_in

pytestmark = needs_node
#: Rounding of a sum of a hundred terms of size ten.
CLOSE = 1e-12


def _compared(chosen):
    """Scenes with a random network and directions, their problem, and the browser's values."""
    rng = np.random.default_rng(1)
    cases = []
    for scene in chosen:
        h, free = int(np.prod(scene["filter"])), scene["bias"] == "free"
        a = h + (scene["bias"] in ("regularised", "free"))
        network = {"filters": rng.standard_normal((3, a)).tolist(), "weights": rng.standard_normal(3).tolist()}
        directions = rng.standard_normal((5, a))
        directions /= np.linalg.norm(directions[:, :h] if free and h > 1 else directions, axis=1, keepdims=True)
        cases.append({"scene": scene, "network": network, "directions": directions.tolist()})
    return [(case, problem_of(case["scene"]), values) for case, values in zip(cases, evaluated(cases), strict=True)]


@pytest.fixture(scope="module")
def compared():
    """Every scene."""
    return _compared(scenes())


@pytest.fixture(scope="module")
def some():
    """Every ninth scene, which leaves none of the views, poolings, activations and losses out."""
    return _compared(list(scenes())[::9])


def _atoms(problem, filters):
    """Outputs (n, m) of neurons with these filters and weights of one."""
    filters = np.atleast_2d(filters)
    return problem.architecture.outputs(problem.patches, {"filters": filters, "weights": np.ones(len(filters))})


def _heights(problem, scene, v, U):
    """The dual function at drawn directions U (m, a): with a free bias the largest value over all that matter."""
    if scene["bias"] != "free":
        return v @ _atoms(problem, U)
    rows = problem.patches[:, :, :-1].reshape(-1, problem.patches.shape[2] - 1)
    if rows.shape[1] == 1:  # by the place of its knot
        reach = 1.0 + np.abs(rows).max()
        with np.errstate(divide="ignore"):
            knots = np.clip(U[:, 1] / np.abs(U[:, 0]), -reach, reach)
        return v @ _atoms(problem, np.column_stack([np.where(U[:, 0] < 0.0, -1.0, 1.0), knots]))
    best = []
    for u in U:
        values = v @ _atoms(problem, [[*u, -response] for response in rows @ u])
        best.append(values[np.abs(values).argmax()])
    return np.array(best)


def _close(got, expected, scale=1.0):
    np.testing.assert_allclose(got, expected, rtol=CLOSE, atol=CLOSE * max(1.0, scale))


@pytest.mark.slow
def test_patches_and_what_a_filter_makes_of_them_are_those_of_the_library(compared):
    for case, problem, values in compared:
        np.testing.assert_array_equal(np.array(values["patches"]).transpose(1, 0, 2), problem.patches)
        atoms = _atoms(problem, case["directions"]).T
        _close(values["phi"], atoms)
        _close(np.array(values["shares"]).sum(axis=2), atoms)


@pytest.mark.slow
def test_outputs_loss_objective_and_dual_vector_are_those_of_the_library(compared):
    for case, problem, values in compared:
        network = Network(problem.architecture, case["network"]["filters"], case["network"]["weights"])
        f = network.predict(problem.X.reshape(-1, *case["scene"]["shape"]))
        _close(values["outputs"], f)
        _close(values["atSamples"], f)
        sizes = problem.architecture.sizes(network.parameters)
        np.testing.assert_allclose(np.abs(values["sizes"]), sizes, rtol=CLOSE)
        value = problem.whole_loss.value(f, problem.y)
        _close(values["loss"], value, value)
        _close(values["objective"], value + problem.beta * sizes.sum(), value)
        _close(values["zero"], problem.loss.value(np.zeros(problem.size), problem.y))
        _close(values["dual"], -problem.loss.gradient(f, problem.y))
        if values["level"] is not None and len(set(problem.y)) > 1:
            _close(problem.whole_loss.value(f + values["level"], problem.y), problem.loss.value(f, problem.y), value)


@pytest.mark.parametrize("chosen", ["some", pytest.param("compared", marks=pytest.mark.slow)])
def test_the_dual_function_is_v_times_what_a_filter_makes_of_the_samples(chosen, request):
    for case, problem, values in request.getfixturevalue(chosen):
        v = np.array(values["dual"])
        scale = float(np.abs(v).sum() * np.abs(problem.patches).max() ** 2 * problem.patches.shape[0])
        for name in ("vphi", "fast", *(["linear"] if values["linear"] else [])):
            _close(values[name], v @ _atoms(problem, values["filters"]), scale)
        places = np.array(case["directions"])
        places = places[:, :-1] if values["form"] == "knees" else places
        _close(np.abs(values["fast"]), np.abs(_heights(problem, case["scene"], v, places)), scale)


@pytest.mark.parametrize("chosen", ["some", pytest.param("compared", marks=pytest.mark.slow)])
def test_the_curve_and_the_height_maps_are_the_dual_function(chosen, request):
    for case, problem, values in request.getfixturevalue(chosen):
        v = np.array(values["dual"])
        if "angles" in values:
            angles = np.radians(values["angles"])
            u, heights, close = np.column_stack([np.cos(angles), np.sin(angles)]), values["heights"], 1e-10
        else:
            u, heights = np.array([pixel["u"] for pixel in values["pixels"]]), [p["height"] for p in values["pixels"]]
            close = 1e-5  # kept in single precision
        expected = _heights(problem, case["scene"], v, u) / problem.beta
        heights = np.array(heights)
        if values["form"] in ("knees", "knots"):  # of either sign where two biases are equally good
            heights, expected = np.abs(heights), np.abs(expected)
        if values["form"] == "steps" and "angles" in values:  # a wall has the heights of both its sides
            walls = np.diff(values["angles"], prepend=np.nan) == 0.0
            assert walls.sum() >= values["cells"] - 1
            away = np.abs(np.subtract.outer(values["angles"], np.array(values["angles"])[walls])).min(axis=1) > 1e-9
            heights, expected = heights[away], expected[away]
        np.testing.assert_allclose(heights, expected, rtol=close, atol=close * np.abs(expected).max())


@pytest.mark.slow
def test_no_direction_is_higher_than_the_peak_and_the_library_finds_no_higher_one(compared):
    rng = np.random.default_rng(2)
    for case, problem, values in compared:
        v, found = np.array(values["dual"]), values["peak"]
        height = abs(found["value"])
        u = np.array(found["u"])
        if u.any():
            assert abs(np.linalg.norm(u) - 1.0) < 1e-12
        else:
            assert values["form"] == "steps"
        _close(abs(_heights(problem, case["scene"], v, u[None])[0]), height, height)
        _close(found["ceiling"], height / problem.beta, height / problem.beta)
        some = rng.standard_normal((400, len(u)))
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        assert np.abs(_heights(problem, case["scene"], v, some)).max() <= height * (1 + 1e-9)
        network = Network(problem.architecture, case["network"]["filters"], case["network"]["weights"])
        certificate = certify(problem, network)
        if values["form"] == "steps" and certificate.scope is Scope.RESTRICTED:
            continue  # some borders between cells may be atoms of their own
        assert certificate.scope is Scope.GLOBAL
        exact = len(u) == 2 or case["scene"]["pooling"] != "max" or problem.patches.shape[0] == 1
        np.testing.assert_allclose(height, certificate.tau, rtol=1e-9 if exact else 1e-4)


@pytest.mark.slow
def test_cells_of_the_circle_are_as_many_as_the_library_counts(compared):
    counted = 0
    for case, problem, values in compared:
        if "cells" in values:
            architecture, patches = problem.architecture, problem.patches
            if values["form"] in ("steps", "knees", "knots"):  # not all of what it lists is a cell of directions
                rows = patches if values["form"] == "knots" else architecture.hyperplanes(patches)
                rows = patches if values["form"] == "steps" else rows
                assert values["cells"] == count_patterns(rows.reshape(-1, rows.shape[-1])).patterns, case
                continue
            listed = len(architecture.patterns(patches, max_patterns=10_000))
            # of an even activation the library needs one of each pair of opposite cells
            halved = isinstance(architecture, TwoLayerCNN) and architecture.activation.even
            assert values["cells"] == (2 * listed if halved else listed), case
            counted += 1
    assert counted > 50


@pytest.fixture(scope="module")
def shown():
    """States with real answers of some scenes, and what the browser derives from them."""
    every = [state for scene in list(scenes(3))[::17] for state in states(scene)]
    return list(zip(every, told(every), strict=True))


@pytest.mark.slow
def test_what_the_browser_draws_is_what_the_library_answered(shown):
    for state, seen in shown:
        numbers, optimum = seen["numbers"], state["answer"]["optimum"]
        np.testing.assert_allclose(seen["outputs"]["optimum"], optimum["predictions"], rtol=0, atol=1e-9)
        if seen["show"] == "optimum":
            expected = {name: optimum[name] for name in ("objective", "ceiling", "peak", "gap")}
            assert numbers == {**expected, "lower": optimum["lower_bound"], "active": len(optimum["sizes"])}
            assert seen["v"] == optimum["dual"]
        elif seen["show"] == "sgd":
            frame, seed = state["sgd"]["frames"][state["frame"]], state["seed"]
            if frame["objective"][seed] is None:  # the infinite objective of a seed that diverged is no JSON either
                assert "has diverged" in seen["story"]["plain"]
                continue
            assert [numbers[name] for name in ("objective", "lower", "ceiling", "peak")] == [
                frame[name][seed] for name in ("objective", "lower", "ceiling", "peak")
            ]
            assert seen["seeds"][seed]["objective"] == frame["objective"][seed]
        else:
            step = state["hand"]["steps"][-1]
            assert (numbers["objective"], numbers["lower"]) == (step["objective"], step["best_lower"])
        # recomputed in the browser, for neurons whose two layers are balanced; those of a frame come with nine digits
        balanced = numbers["objective"] - (_unbalanced(state) if seen["show"] == "sgd" else 0.0)
        np.testing.assert_allclose(seen["objective"], balanced, rtol=1e-6, atol=1e-9)
        certified = state["answer"]["optimum"]["scope"] == "global"
        close = 1e-4 if len(numbers["peak"]) == 3 and state["scene"]["pooling"] == "max" else 1e-5
        if certified:
            np.testing.assert_allclose(seen["peak"]["ceiling"], numbers["ceiling"], rtol=close, atol=1e-6)


def _unbalanced(state):
    """What half the squares of a frame's weights cost more than the products of the two layers."""
    net = state["sgd"]["frames"][state["frame"]]["nets"][state["seed"]]
    architecture = problem_of(state["scene"]).architecture
    neurons = {name: np.array(net[name]) for name in ("filters", "weights")}
    return state["scene"]["beta"] * float((architecture.costs(neurons) - architecture.sizes(neurons)).sum())


@pytest.mark.slow
def test_the_sentence_about_every_state_fits_and_says_what_the_library_found(shown):
    for state, seen in shown:
        text = seen["story"]["plain"]
        assert 10 < len(text) <= 116, text
        assert not re.search(r"undefined|NaN|null|Infinity", text), text
        sizes = state["answer"]["optimum"]["sizes"]
        if seen["show"] == "optimum" and not (state["hover"] or state["pin"]) and sizes:
            assert text.startswith(f"Optimum, {len(sizes)} filter"), text
        if (state["hover"] or {}).get("kind") == "filter":
            size = f"{sizes[state['hover']['j']]:+.2f}".replace("-", "\N{MINUS SIGN}")
            size = "0.00" if size.endswith("0.00") else size
            assert f"size {size})" in text, text


@pytest.mark.slow
def test_pure_modules_hold_what_their_own_tests_say():
    run = node(
        "--test", "--test-reporter=tap", *sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(re.search(r"^# pass (\d+)$", run.stdout, re.MULTILINE)[1]) > 0


@pytest.mark.slow
def test_the_library_takes_whatever_sgd_can_be_trained_with():
    code = (
        f"const {{ TRAINING_CHOICES }} = await import({str(MODULES / 'controls.js')!r});"
        "console.log(JSON.stringify(TRAINING_CHOICES.map(([name, , , values]) => [name, values.map(([one]) => one)])));"
    )
    run = node("--input-type=module", "--eval", code)
    assert run.returncode == 0, run.stderr
    choices = dict(json.loads(run.stdout))
    assert set(choices) == {"optimiser", "m", "seeds", "iterations"}
    scene = built_in(FIRST).to_dict()
    for values in itertools.zip_longest(*choices.values()):
        chosen = {
            name: listed[-1] if value is None else value
            for (name, listed), value in zip(choices.items(), values, strict=True)
        }
        reply = answer({"id": 1, "kind": "sgd", "scene": scene, "sgd": chosen, "run": "a", "have": 0})
        assert reply["error"] is None, chosen
        assert reply["sgd"]["settings"]["iterations"] == chosen["iterations"]


@pytest.mark.slow
def test_samples_can_be_added_as_long_as_the_browser_offers_it():
    code = (
        f"const {{ addSample, mayAdd }} = await import({str(MODULES / 'edits.js')!r});"
        f"const starts = {json.dumps([built_in(name).to_dict() for name in SCENES])};"
        "const filled = (scene) => { while (!mayAdd(scene)) scene = addSample(scene); return scene; };"
        "console.log(JSON.stringify(starts.map(filled)));"
    )
    run = node("--input-type=module", "--eval", code)
    assert run.returncode == 0, run.stderr
    for name, full in zip(SCENES, json.loads(run.stdout), strict=True):
        assert len(read_scene(full).y) == len(full["y"]) > len(built_in(name).y), name


@pytest.mark.slow
def test_the_library_takes_whatever_the_controls_make_of_a_scene():
    starts = json.dumps([built_in(name).to_dict() for name in SCENES])
    code = (
        f"const {{ choices, setControl }} = await import({str(MODULES / 'settings.js')!r});"
        "let state = 7; const draw = (count) => (state = (state * 48271) % 2147483647) % count;"
        'const names = ["filter", "stride", "pooling", "activation", "bias", "loss"]; const made = [];'
        f"for (let scene of {starts}) for (let step = 0; step < 40; step++) {{"
        "  const name = names[draw(names.length)], options = choices(scene, name);"
        "  const { value, refused } = options[draw(options.length)], next = setControl(scene, name, value);"
        "  if (refused && next !== scene) throw new Error(name); made.push(scene = next); }"
        "console.log(JSON.stringify(made));"
    )
    run = node("--input-type=module", "--eval", code)
    assert run.returncode == 0, run.stderr
    made = json.loads(run.stdout)
    seen = {(scene["activation"], scene["bias"], scene["pooling"]) for scene in made}
    for scene in made:
        read_scene(scene).problem()  # raises if it is none
    own = {(name, bias) for name in ("quadratic", "threshold") for bias in ("none", "output", "regularised")}
    assert own < {(activation, bias) for activation, bias, _ in seen}
    assert {pooling for _, bias, pooling in seen if bias == "free"} == {"sum", "mean"}


def test_pure_modules_know_nothing_of_the_page():
    for name in ("maths", "circle", "sphere", "sphere_peak", "heights", "peak", "edits", "settings", "scene_history",
                 "focus", "derive", "story", "words", "activations", "circle_curve", "dual_function", "dual_knees",
                 "dual_slopes", "dual_squares", "dual_steps", "frames", "sphere_walk"):  # fmt: skip
        text = re.sub(r"/\*\*.*?\*/", "", (MODULES / f"{name}.js").read_text(), flags=re.DOTALL)
        assert not re.search(r"\b(document|window\.|Math\.random|Date|performance)\b", text), name


def test_the_modules_are_joined_into_one_that_node_understands(tmp_path):
    whole = tmp_path / "whole.mjs"
    whole.write_text(linked(MODULES), encoding="utf-8")
    run = node("--check", str(whole))
    assert run.returncode == 0, run.stderr
    assert not re.search(r"^import ", whole.read_text(), re.MULTILINE)
    assert len(re.findall(r"^export ", whole.read_text(), re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ("export function one() {}\nconst twice = 1;\n", "got the name twice again, expected it in other.js alone"),
        ("export { one };\n", "expected export function, const or class"),
        ("export default function () {}\n", "expected it in main.js alone"),
        ("export function one() {}\nconst [a, b] = [1, 2];\n", "expected one name for each constant"),
        ("export function two() {}\n", "got one, expected one of the exports of other.js"),
        ('import { a as b } from "./main.js";\nexport function one() {}\n', "expected import"),
    ],
)
def test_modules_that_break_the_rules_of_joining_are_refused(tmp_path, other, fault):
    (tmp_path / "main.js").write_text(
        'import { one } from "./other.js";\n\nconst twice = 2;\nexport default function () {\n  return one(twice);\n}\n'
    )
    (tmp_path / "other.js").write_text(other)
    with pytest.raises(LinkError, match=fault):
        linked(tmp_path)

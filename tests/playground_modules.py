"""Random scenes of the playground, and the JavaScript that the browser runs on them, run by node."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convex_core import Problem
from pages._ui.playground.answers import Desk, answer

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "assets" / "playground"
NODE = shutil.which("node")


def _release() -> int:
    """Major version of node, 0 without it."""
    if NODE is None:
        return 0
    return int(subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout.lstrip("v").split(".")[0])


#: the timers that tests can turn by hand are those of version 20
needs_node = pytest.mark.skipif(_release() < 20, reason="node 20 or newer is not installed")

#: how the data look: input shape, filter, stride, bias, samples
LAYOUTS = {
    "signals": [
        ((6,), (2,), (1,), "none", 4),
        ((7,), (2,), (2,), "regularised", 3),
        ((6,), (3,), (1,), "none", 4),
        ((5,), (2,), (1,), "free", 3),
        ((6,), (3,), (2,), "free", 4),
        ((6,), (2,), (2,), "output", 4),
    ],
    "pixels": [
        ((3, 4), (1, 2), (1, 2), "none", 3),
        ((4, 3), (3, 1), (1, 1), "none", 3),
        ((3, 3), (2, 1), (1, 1), "free", 3),
    ],
    "plane": [((2,), (2,), (1,), "none", 9), ((2,), (2,), (1,), "regularised", 9), ((2,), (2,), (1,), "free", 7)],
    "line": [((1,), (1,), (1,), "regularised", 6), ((1,), (1,), (1,), "free", 6)],
}
ACTIVATIONS = [("relu", 0.1), ("leaky", 0.2), ("leaky", -0.4), ("absolute", 0.1), ("residual", 0.1),
               ("quadratic", 0.1), ("threshold", 0.1)]  # fmt: skip


def node(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run node in the folder of the tests in JavaScript."""
    assert NODE is not None
    return subprocess.run([NODE, *arguments], cwd=ROOT / "tests" / "js", input=given, capture_output=True, text=True)


def scenes(seed: int = 0) -> Iterator[dict[str, Any]]:
    """A scene of every view, pooling, activation and loss that go together; a zero patch and ties among them."""
    rng = np.random.default_rng(seed)
    for view, layouts in LAYOUTS.items():
        kinds = itertools.product(layouts, ("sum", "mean", "max"), ACTIVATIONS, ("squared", "logistic"))
        for (shape, filter_shape, stride, bias, n), pooling, (activation, slope), loss in kinds:
            own = activation in ("quadratic", "threshold")
            if pooling == "max" and (activation == "absolute" or slope < 0.0 or own or bias == "free"):
                continue
            if own and bias == "free":
                continue
            X = np.round(rng.uniform(-2.0, 2.0, (n, int(np.prod(shape)))), 2)
            if view == "signals":
                X[0, : filter_shape[0]] = 0.0
                X[1, : filter_shape[0]] = X[2, : filter_shape[0]]
            y = rng.choice([-1.0, 1.0], n) if loss == "logistic" else np.round(rng.uniform(-2.0, 2.0, n), 2)
            yield {
                "name": "random", "edited": True, "X": X.tolist(), "y": y.tolist(), "shape": list(shape),
                "filter": list(filter_shape), "stride": list(stride), "pooling": pooling, "activation": activation,
                "slope": slope, "bias": bias, "loss": loss, "beta": float(rng.choice([0.05, 0.3, 2.0])), "view": view,
            }  # fmt: skip


def problem_of(scene: dict[str, Any]) -> Problem:
    """The library's problem of a scene."""
    options = {"slope": scene["slope"]} if scene["activation"] == "leaky" else {}
    X = np.array(scene["X"]).reshape(-1, *scene["shape"])
    return Problem(
        X, scene["y"], filter_size=scene["filter"], stride=scene["stride"], bias=scene["bias"], beta=scene["beta"],
        loss=scene["loss"], pooling=scene["pooling"], activation=scene["activation"], **options,
    )  # fmt: skip


def states(scene: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """States of the browser about a scene, with real answers: the optimum, a run of SGD, steps by hand."""
    desk = Desk()
    solved = _asked(desk, "solve", scene, final=True)
    state = {
        "scene": scene, "answer": solved, "fresh": True, "show": "optimum", "seed": 0, "frame": 0, "playing": False,
        "sgd": None, "sgdFresh": False, "hand": None, "handFresh": False, "hover": None, "pin": None, "error": None,
        "estimate": None,
    }  # fmt: skip
    u = solved["optimum"]["peak"]
    yield state
    yield from ({**state, "hover": {"kind": "filter", "j": j}} for j in range(len(solved["optimum"]["sizes"])))
    yield from ({**state, "hover": {"kind": kind, "u": u}} for kind in ("cell", "direction"))
    for i in range(len(scene["X"])):
        yield {**state, "hover": {"kind": "sample", "i": i}}
        yield {**state, "pin": {"kind": "patch", "i": i, "k": 0}}
    run: dict[str, Any] = {"run": "a", "frames": [], "done": False}
    wanted = {"optimiser": "momentum", "m": 4, "seeds": 2, "iterations": 400}
    while not run["done"]:
        pulled = _asked(desk, "sgd", scene, sgd=wanted, run="a", have=len(run["frames"]))["sgd"]
        run = {**run, **pulled, "frames": run["frames"] + pulled["frames"]}
    last = len(run["frames"]) - 1
    for frame, seed in itertools.product((0, last // 2, last), (0, 1)):
        yield {**state, "show": "sgd", "sgd": run, "sgdFresh": True, "frame": frame, "seed": seed}
    network, lower, steps = {"filters": [], "weights": []}, None, []
    for _ in range(3):
        added = _asked(desk, "add", scene, network=network, best_lower=lower)["added"]
        network, lower = {name: added[name] for name in network}, added["best_lower"]
        steps.append(added)
        hand = {"start": {"filters": [], "weights": []}, "steps": list(steps)}
        yield {**state, "show": "hand", "hand": hand, "handFresh": True}
        if added["done"]:
            break


def _asked(desk: Desk, kind: str, scene: dict[str, Any], **more: Any) -> dict[str, Any]:
    reply = answer({"id": 1, "kind": kind, "scene": scene, **more}, desk)
    assert reply["error"] is None, reply["error"]
    return reply


def evaluated(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser's modules make of scenes with a network and directions."""
    return _through("evaluate.mjs", cases)


def told(states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser derives from states, and the sentence that it says about each."""
    return _through("tell.mjs", states)


def _through(script: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    run = node(script, given=json.dumps(given))
    assert run.returncode == 0, run.stderr
    results: list[dict[str, Any]] = json.loads(run.stdout)
    return results

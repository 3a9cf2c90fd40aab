"""How tests play: a visitor, a scene, the numbers on the screen, and whether they are the library's."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from convex_core import Scope, Solution, solve
from pages._ui.playground import link
from pages._ui.playground.answers import Desk, answer
from pages._ui.playground.scene import Scene
from pages._ui.playground.scenes import FIRST

from .conftest import OPEN_MS, WAIT_MS, Visit

SHOWN = ("objective", "lower-bound", "gap", "active-filters", "ceiling")
PATIENCE_SECONDS = WAIT_MS / 1000.0


def visitor(context: Any) -> Visit:
    """A page in which nothing begins to move by itself."""
    visit = Visit(context)
    visit.page.set_viewport_size({"width": 1280, "height": 720})
    visit.page.emulate_media(reduced_motion="reduce")
    return visit


def open_scene(visit: Visit, server: str, name: str) -> None:
    """The page with a scene and its optimum."""
    visit.page.goto(f"{server}/playground?play={name}")
    visit.page.locator(".cc-play").wait_for(timeout=OPEN_MS)
    agree(visit)


def shown(visit: Visit) -> dict[str, str]:
    """The numbers on the screen at full precision; empty texts while nothing is known."""
    return {name: visit.page.locator(f'[data-cc="{name}"]').first.get_attribute("data-value") or "" for name in SHOWN}


def scene_in(address: str) -> Scene:
    """The scene that an address carries."""
    asked = parse_qs(urlparse(address).query).get(link.KEY, [FIRST])[0]
    return link.decode(asked)


def agree(visit: Visit, *, after: Scene | None = None) -> Scene:
    """Wait until the numbers shown are those of the scene in the address, by solutions of its own; that scene.

    `after` is the scene before an edit, which may still be shown for a moment. The largest relative difference is kept
    in the visit's list of differences.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    known: dict[str, tuple[Solution, dict[str, Any]]] = {}
    while True:
        visit.page.wait_for_timeout(60)
        address, numbers = visit.page.url, shown(visit)
        assert time.monotonic() < end, (address, numbers)
        if numbers["objective"]:
            scene = scene_in(address)
            if after is not None and scene.key == after.key:
                continue
            if address not in known:
                known[address] = solve(scene.problem(), tol=1e-9), _answered(scene)
            solution, optimum = known[address]
            if float(numbers["objective"]) == pytest.approx(solution.network_objective, rel=1e-6, abs=1e-12):
                break
    differences = [abs(float(numbers["objective"]) - solution.network_objective) / max(solution.network_objective, 1.0)]
    if solution.scope is Scope.GLOBAL:
        lower = float(numbers["lower-bound"])
        assert lower <= solution.network_objective * (1.0 + 1e-12) + 1e-300
        assert lower == pytest.approx(solution.lower_bound, rel=1e-6, abs=1e-12)
        assert 0.0 <= float(numbers["gap"]) <= 1e-6
        differences.append(abs(lower - solution.lower_bound) / max(abs(solution.lower_bound), 1.0))
        # several networks may be optimal: their filters are those of the same solver on the same scene, to its end
        whole = visit.page.locator(".cc-status").get_attribute("data-tone") == "proved"
        if whole and optimum["status"] == "optimal":
            assert int(numbers["active-filters"]) == len(optimum["sizes"]), (address, numbers, optimum)
            for name, key in (("objective", "objective"), ("lower-bound", "lower_bound"), ("ceiling", "ceiling")):
                assert float(numbers[name]) == pytest.approx(optimum[key], rel=1e-9, abs=1e-12), (address, optimum)
    assert 0 <= int(numbers["active-filters"]) <= len(scene.y)
    assert float(numbers["ceiling"]) <= 1.0 + 1e-6
    if int(numbers["active-filters"]):
        assert float(numbers["ceiling"]) >= 1.0 - 1e-4
    visit.differences.append(max(differences))
    return scene


def _answered(scene: Scene) -> dict[str, Any]:
    """The optimum as the page is told it, computed here from nothing."""
    request = {"id": 1, "kind": "solve", "scene": scene.to_dict(), "final": True}
    optimum: dict[str, Any] = answer(request, Desk())["optimum"]
    return optimum


def sliders(visit: Visit) -> Any:
    """Entries, points and targets."""
    return visit.page.get_by_role("slider", name=re.compile(r"^(sample \d+, entry|target|point) \d+$"))


def middle(visit: Visit, name: str) -> tuple[float, float]:
    box = visit.page.get_by_role("slider", name=name, exact=True).bounding_box()
    return box["x"] + box["width"] / 2.0, box["y"] + box["height"] / 2.0


def number(visit: Visit, name: str) -> float | None:
    """One of the numbers on the screen at full precision; None while it is not known."""
    text = visit.page.locator(f'[data-cc="{name}"]').first.get_attribute("data-value")
    return float(text) if text else None


def wait_for(visit: Visit, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds of the page."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, shown(visit)
        visit.page.wait_for_timeout(60)

"""The Sweep page in a browser: a press on a field chooses its row, which opens on Solve."""

from __future__ import annotations

from typing import Any

from convex_core.data import load_dataset
from convex_core.problem import Problem
from convex_core.solution import solve

from .conftest import WAIT_MS, Visit


def test_a_field_that_is_pressed_opens_on_solve(server: str, visit: Visit, context: Any) -> None:
    page = visit.page
    visit.open(f"{server}/sweep?data=edge&n=4&sweep_y=Loss")
    page.wait_for_selector(".st-key-sweep_map .js-plotly-plot .main-svg", timeout=WAIT_MS)
    visit.settle()
    box = page.locator(".st-key-sweep_map .nsewdrag").first.bounding_box()
    # the last column, the second row from below
    columns, rows = page.evaluate(
        "() => { const z = document.querySelector('.st-key-sweep_map .js-plotly-plot').calcdata[0][0].z;"
        " return [z[0].length, z.length] }"
    )
    page.mouse.click(
        box["x"] + box["width"] * (columns - 0.5) / columns, box["y"] + box["height"] * (rows - 1.5) / rows
    )
    page.wait_for_function(
        "() => document.querySelector('.st-key-_sweep_row input')?.value.startsWith('loss hinge')", timeout=WAIT_MS
    )
    visit.settle()
    beta = float(page.locator(".st-key-_sweep_row input").input_value().split("beta ")[1])
    target = page.get_by_role("link", name="Open on Solve").get_attribute("href")
    visit.open(f"{server}/{target}")
    solution = solve(Problem.from_dataset(load_dataset("edge", n=4), beta=beta, loss="hinge"), tol=1e-8)
    page.wait_for_selector(f".cc-fact b >> text={solution.network_objective:.5g}", timeout=WAIT_MS)
    visit.assert_clean()

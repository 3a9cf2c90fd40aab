"""Work that takes its time, in a browser: no more of it than is asked for, told apart, and none for a closed tab."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import SLOW_JOBS, WAIT_MS, Visit, running_server

#: Runs in the server: no solve ends while another file is there, and solves and workers leave a line in a file.
WATCHED = """
import sys
import time
from pathlib import Path
import convex_core
import pages._ui.work.jobs as jobs

def note(*words):
    with open({file!r}, "a") as out:
        print(*words, file=out)

module = sys.modules["convex_core.solution"]
solve = module.solve
def slow_solve(problem, **options):
    note("solve", problem.n, problem.beta)
    while Path({file!r} + ".wait").exists():
        time.sleep(0.05)
    return solve(problem, **options)
module.solve = slow_solve

run = jobs.Job._run
def watched_run(self, *arguments):
    note("job begins")
    run(self, *arguments)
    note("job", self.result.status)
jobs.Job._run = watched_run
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that tells what it does: its address and its log."""
    log = tmp_path_factory.mktemp("watched") / "log"
    log.touch()
    with running_server(SLOW_JOBS + WATCHED.format(file=str(log))) as address:
        yield address, log


def test_five_quick_steps_start_at_most_two_solves(watched: tuple[str, Path], visit: Visit) -> None:
    address, log = watched
    visit.open(f"{address}/solve?data=shift")
    visit.page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    visit.settle()
    before, wait = len(log.read_text().splitlines()), Path(f"{log}.wait")
    wait.touch()
    thumb = visit.page.get_by_role("slider", name="Regularisation β")
    thumb.focus()
    try:
        for _ in range(5):
            thumb.press("ArrowRight")
        visit.quiet(1000)
    finally:
        wait.unlink()
    visit.page.wait_for_url("**beta=0.32**", timeout=WAIT_MS)
    visit.rest()
    started = log.read_text().splitlines()[before:]
    assert started[-1] == "solve 12 0.32"
    assert len(started) <= 2
    visit.assert_clean()


def test_closing_the_tab_ends_its_worker(watched: tuple[str, Path], context: Any) -> None:
    address, log = watched
    before = len(log.read_text().splitlines())
    visit = Visit(context)
    visit.open(f"{address}/convex_vs_sgd?data=shift&iterations=20000&width=64&runs=10")
    visit.page.wait_for_selector("text=/Iteration [0-9]+ of/", timeout=WAIT_MS)
    visit.page.close()
    end = time.monotonic() + WAIT_MS / 1000
    while "job cancelled" not in (lines := log.read_text().splitlines()[before:]) and time.monotonic() < end:
        time.sleep(0.2)
    assert lines[-2:] == ["job begins", "job cancelled"]


def test_seeds_are_told_apart_while_they_run_and_old_curves_stay(watched: tuple[str, Path], visit: Visit) -> None:
    page = visit.page
    visit.open(f"{watched[0]}/convex_vs_sgd?data=shift&iterations=20000&width=16&runs=6")
    page.wait_for_selector("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg", timeout=WAIT_MS)
    page.get_by_role("button", name="Cancel").click()
    # the colour and the dash of every curve of what was trained so far
    page.wait_for_selector(".st-key-curves .legendlines path", state="attached", timeout=WAIT_MS)
    visit.settle()
    styles = page.evaluate(
        "() => [...document.querySelectorAll('.st-key-curves .traces')]"
        ".filter(e => /^seed/.test(e.textContent))"
        ".map(e => { const line = e.querySelector('.legendlines path');"
        " return `${line.style.stroke} ${line.style.strokeDasharray}`; })"
    )
    assert len(styles) == len(set(styles)) == 6
    box = page.locator(".st-key-curves .js-plotly-plot").bounding_box()
    thumb = page.get_by_role("slider", name="SGD seeds")
    thumb.focus()
    thumb.press("ArrowLeft")
    page.wait_for_selector("text=/The settings have changed/", timeout=WAIT_MS)
    visit.settle()
    assert page.locator(".st-key-curves .js-plotly-plot").bounding_box()["height"] == box["height"]
    faded = page.evaluate(
        "() => new Set([...document.querySelectorAll('.st-key-curves .scatterlayer .js-line')]"
        ".map(e => e.style.stroke)).size"
    )
    assert faded <= 2

"""A newcomer comes from the first page to a certified network for data of their own, and its report, by six presses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from convex_core import verify

from .conftest import ROOT, WAIT_MS, Visit

#: What is pressed, in order, as docs/app.md lists it.
PRESSES = (
    "Bring your own data",
    "Your own data",
    "Upload",
    "These data are in use: solve them",
    "Download",
    "Report · HTML",
)


def test_a_newcomer_comes_to_a_certified_network_of_own_data_and_its_report(
    server: str, visit: Visit, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((8, 6)).round(2)
    y = np.maximum(X[:, 1:4] @ [1.0, -1.0, 0.5], 0.0).round(2)
    table = tmp_path / "mine.csv"
    np.savetxt(table, np.column_stack([X, y]), "%g", ",", header="a,b,c,d,e,f,y", comments="")
    visit.open(f"{server}/")
    page, walked = visit.page, []

    def press(name: str, role: str) -> None:
        page.get_by_role(role, name=name, exact=True).locator("visible=true").first.click()
        walked.append(name)

    def entry(name: str, place: Any) -> None:
        place.get_by_text(name, exact=True).locator("visible=true").first.click()
        walked.append(name)

    entry("Bring your own data", page.get_by_test_id("stMain"))
    page.locator("h1", has_text="Dataset").wait_for(timeout=WAIT_MS)
    entry("Your own data", page.get_by_test_id("stMain"))
    with page.expect_file_chooser() as choosing:
        press("Upload", "button")
    choosing.value.set_files(table)
    page.wait_for_url("**own=**", timeout=WAIT_MS)
    entry("These data are in use: solve them", page)
    page.locator("h1", has_text="Solve").wait_for(timeout=WAIT_MS)
    page.get_by_text("certified gap").first.wait_for(timeout=WAIT_MS)
    entry("Download", page)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        entry("Report · HTML", page)
    report = tmp_path / "report.html"
    waiting.value.save_as(report)
    found = verify(report)
    assert found.holds, found.summary()
    said = report.read_text(encoding="utf-8")
    assert "8 samples" in said or "n = 8" in said
    assert tuple(walked) == PRESSES
    listed = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
    section = listed.partition("Six presses")[2].partition("##")[0]
    assert tuple(re.findall(r"\d\. .*?\*([^*]+)\*", section)) == PRESSES

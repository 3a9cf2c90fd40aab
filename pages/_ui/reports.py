"""Reports as downloads: made when they are asked for, with the link to what is on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from convex_core.data import Dataset
from convex_core.path import Path
from convex_core.reports import Report, make_report
from convex_core.solution import Solution

from .layout import Download
from .state.spec import CUSTOM

__all__ = ["here", "report_downloads"]

#: Numbers in a report beyond which its page would be too large; the JSON has no such limit.
MAX_NUMBERS = 35_000


def report_downloads(
    solution: Solution, data: Dataset, options: Mapping[str, Any], *, path: Path | None = None, label: str = "Report"
) -> list[Download]:
    """A report of `solution` as a page and as JSON; `options` are those of the dataset."""
    # the download is made in a thread of its own, which knows no page
    make = partial(_made, solution, data, dict(options), path, here())
    entries = [Download(f"{label} · JSON", "report.json", "application/json", lambda: make().json())]
    held = [solution] if path is None else [solution, *path]
    numbers = solution.problem.X.size + sum(
        found.problem.size + found.network.filters.size + found.network.weights.size for found in held
    )
    if numbers <= MAX_NUMBERS:
        entries.insert(0, Download(f"{label} · HTML", "report.html", "text/html", lambda: make().html()))
    return entries


def here() -> str | None:
    """The address of what is on the screen; none where the data do not fit into one."""
    url = st.context.url
    if url is None or (st.query_params.get("data") == CUSTOM and "own" not in st.query_params):
        return None
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    return f"{url}?{query}" if query else url


def _made(solution: Solution, data: Dataset, options: Mapping[str, Any], path: Path | None, link: str | None) -> Report:
    return make_report(solution, dataset=data, options=options, path=path, link=link)

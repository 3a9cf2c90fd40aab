"""Reports as downloads: made when they are asked for, with the link to what is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from convex_core.bounding import Bounds
from convex_core.data import Dataset
from convex_core.experiments import Recognition
from convex_core.path import Path
from convex_core.reports import Report, listed_letters, make_listed_report, make_report
from convex_core.solution import Solution

from .layout import Download
from .state.spec import CUSTOM
from .work.drawn import drawn

__all__ = ["bounds_downloads", "here", "recognition_downloads", "report_downloads"]

#: Numbers in a report beyond which its page would be too large; the JSON has no such limit.
MAX_NUMBERS = 35_000
#: The same for the letters of arrays that are written in base64.
MAX_PACKED = 750_000
#: Why there is no page then.
TOO_LARGE = " (as a page above 1 MB)"


def report_downloads(
    solution: Solution,
    data: Dataset,
    options: Mapping[str, Any],
    *,
    path: Path | None = None,
    label: str = "Report",
    stem: str = "report",
) -> list[Download]:
    """A report of `solution` as a page and as JSON; `options` are those of the dataset, `stem` is the files' name."""
    make = partial(make_report, solution, dataset=data, options=dict(options), path=path, link=here())
    held = [solution] if path is None else [solution, *path]
    return _downloads(make, _numbers(held) <= MAX_NUMBERS, label, stem)


def bounds_downloads(found: Bounds, data: Dataset) -> list[Download]:
    """A report of all bounds around the optimum, likewise."""
    make = partial(make_report, found.links[-1].solution, dataset=data, bounds=found, link=here())
    held = [link.solution for link in found.programs]
    return _downloads(make, _numbers(held) <= MAX_NUMBERS, "Report", "report")


def recognition_downloads(found: Recognition, options: Mapping[str, Any]) -> list[Download]:
    """A report of training on images, which it names; `options` are those of the dataset."""
    make = partial(make_listed_report, found, options=dict(options), link=here())
    return _downloads(make, drawn(listed_letters, found) <= MAX_PACKED, "Report", "report")


def _downloads(make: Callable[[], Report], fits: bool, label: str, stem: str) -> list[Download]:
    """Both files; a download is made in a thread of its own, which knows no page."""
    alone = "" if fits else TOO_LARGE
    entries = [Download(f"{label} · JSON{alone}", f"{stem}.json", "application/json", lambda: make().json())]
    if fits:
        entries.insert(0, Download(f"{label} · HTML", f"{stem}.html", "text/html", lambda: make().html()))
    return entries


def _numbers(solutions: list[Solution]) -> int:
    return solutions[0].problem.X.size + sum(
        found.problem.size + found.network.filters.size + found.network.weights.size for found in solutions
    )


def here() -> str | None:
    """The address of what is on the screen; none where the data do not fit into one."""
    url = st.context.url
    if url is None or (st.query_params.get("data") == CUSTOM and "own" not in st.query_params):
        return None
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    return f"{url}?{query}" if query else url

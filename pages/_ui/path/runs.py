"""The path over beta in the background: its settings, its worker, and finished paths that sessions share."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from convex_core.data import Dataset
from convex_core.path import Path, PathPreview, solve_path
from convex_core.problem import Problem
from convex_core.progress import Progress
from convex_core.solution import Solution

from .. import verdict
from ..layout import Download
from ..state.controls import bound
from ..state.spec import ProblemSpec
from ..work import calls, compute, keep
from ..work.jobs import Job

__all__ = [
    "PathOptions",
    "PathRun",
    "advanced_controls",
    "nearest",
    "options",
    "path",
    "path_downloads",
    "stride_values",
    "strides",
]

#: A path ends after this, whatever the address asks for; what is finished by then is shown.
TIME_LIMIT = 60.0
#: Previews between two neighbouring exact points.
PREVIEWS = 1
#: Strides and points of the comparison over strides.
STRIDES, STRIDE_POINTS = 4, 10
POINTS = ("10", "20", "30", "40")
SPANS = ("0.3", "0.1", "0.03", "0.01", "0.003", "0.001")
GAPS = ("1e-4", "1e-6", "1e-8")


@dataclass(frozen=True, slots=True)
class PathOptions:
    """Exact points from beta_max down to `smallest` times it, each to the relative gap `tol`."""

    points: int = 20
    smallest: float = 0.01
    tol: float = 1e-6


@dataclass(frozen=True, slots=True)
class PathRun:
    """A path that has ended, and previews between its points."""

    key: str
    path: Path
    previews: tuple[PathPreview, ...]

    @property
    def complete(self) -> bool:
        """Whether every point that was asked for is there, none of them cut short."""
        return len(self.path) == len(self.path.requested) and not any(s.status in keep.CUT for s in self.path)


def advanced_controls() -> None:
    """Grid and tolerance of the path."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            st.select_slider("Exact points", POINTS, "20", **bound("points", "20"))
        with st.container(width=210):
            st.select_slider("Smallest β ÷ βmax", SPANS, "0.01", **bound("span", "0.01"))
        with st.container(width=210):
            st.select_slider("Relative gap of each point", GAPS, "1e-6", **bound("pathtol", "1e-6"))


def options() -> PathOptions:
    """What the controls say."""
    state = st.session_state
    return PathOptions(int(state["points"]), float(state["span"]), float(state["pathtol"]))


def path(slot: str, key: str, problem: Problem, wanted: PathOptions) -> PathRun | None:
    """The path with its previews; None while it runs."""
    found: PathRun | None = calls.background(
        slot,
        key,
        lambda job: _follow(job, key, problem, wanted),
        "Path",
        place="path",
        whole=lambda run: run.complete,
    )
    return found


def strides(slot: str, key: str, spec: ProblemSpec, data: Dataset, wanted: PathOptions) -> dict[int, Path] | None:
    """The path at several strides, by stride; None while it runs."""
    problems = {
        stride: compute.problem(changed.key, changed, data)
        for stride in stride_values(spec, data)
        for changed in [replace(spec, stride=stride)]
    }
    coarse = replace(wanted, points=min(wanted.points, STRIDE_POINTS))
    found: dict[int, Path] | None = calls.background(
        slot, key, lambda job: _over_strides(job, problems, coarse), "Strides"
    )
    return found


def stride_values(spec: ProblemSpec, data: Dataset) -> list[int]:
    """Four strides, the chosen one among them; none after the first that leaves a single patch."""
    found = []
    for stride in (*range(1, STRIDES), max(STRIDES, spec.stride)):
        found.append(stride)
        if compute.geometry(replace(spec, stride=stride), data).K == 1:
            break
    return found


def nearest(found: Path, dial: str | None) -> Solution:
    """The exact point of a path that is nearest to where its dial stands; halfway if nobody has turned it."""
    try:
        beta = float(dial or "nan")
    except ValueError:
        beta = math.nan
    if not (math.isfinite(beta) and beta > 0.0):
        return found[verdict.halfway(found.solutions)]
    return min(found, key=lambda point: abs(math.log(point.problem.beta / beta)))


def path_downloads(run: PathRun) -> list[Download]:
    """Every network of the path as NPZ, and its numbers as JSON."""
    return [
        Download("Path · NPZ", "path.npz", "application/octet-stream", lambda: _npz(run.path)),
        Download("Path · JSON", "path.json", "application/json", lambda: _json(run)),
    ]


def _follow(job: Job, key: str, problem: Problem, wanted: PathOptions) -> PathRun:
    path = _solve(job, problem, wanted)
    betas = path.betas
    between = [
        float(np.exp(x))
        for low, high in zip(np.log(betas[1:]), np.log(betas[:-1]), strict=True)
        for x in np.linspace(high, low, PREVIEWS + 2)[1:-1]
    ]
    return PathRun(key, path, tuple(path.preview(beta) for beta in between))


def _over_strides(job: Job, problems: dict[int, Problem], wanted: PathOptions) -> dict[int, Path]:
    paths: dict[int, Path] = {}
    for number, (stride, problem) in enumerate(problems.items()):
        if job.is_set():
            break
        paths[stride] = _solve(job, problem, wanted, (number, len(problems), f"stride {stride}, "))
    return paths


def _solve(job: Job, problem: Problem, wanted: PathOptions, part: tuple[int, int, str] = (0, 1, "")) -> Path:
    """The path; `part` says which part of the job it is, of how many, and what the reports begin with."""
    number, total, prefix = part

    def report(item: Progress) -> None:
        share = (number + (item.fraction or 0.0)) / total
        job.report(replace(item, message=prefix + item.message, fraction=share))

    return solve_path(
        problem,
        points=wanted.points,
        smallest=wanted.smallest,
        tol=wanted.tol,
        time_limit=job.share(TIME_LIMIT) / total,
        max_patterns=compute.MAX_PATTERNS,
        cancel=job,
        progress=report,
    )


def _npz(path: Path) -> bytes:
    out = io.BytesIO()
    arrays: dict[str, Any] = {
        "betas": path.betas,
        "beta_max": path.beta_max,
        "objective": path.objective,
        "lower_bound": path.lower_bound,
        "alive": path.active_filters,
        # point of each filter, then all filters one below the other
        "point": np.repeat(np.arange(len(path)), path.active_filters),
        "filters": np.concatenate([s.network.filters for s in path]),
        "weights": np.concatenate([s.network.weights for s in path]),
    }
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def _json(run: PathRun) -> str:
    path = run.path

    def plain(values: Any) -> list[float | None]:
        return [v if np.isfinite(v) else None for v in np.asarray(values, dtype=float).tolist()]

    numbers = {
        "beta_max": path.beta_max,
        "scope": str(path.scope),
        "status": str(path.status),
        "betas": plain(path.betas),
        "objective": plain(path.objective),
        "lower_bound": plain(path.lower_bound),
        "relative_gap": plain(path.relative_gap),
        "filters_alive": path.active_filters.tolist(),
        "filter_norms": [norms.tolist() for norms in path.filter_norms],
        "previews": {
            "betas": [p.beta for p in run.previews],
            "objective": [p.objective for p in run.previews],
            "lower_bound": plain([p.lower_bound for p in run.previews]),
        },
        "seconds": path.seconds,
    }
    return json.dumps(numbers, indent=1)

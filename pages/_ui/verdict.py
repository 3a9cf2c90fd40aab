"""What is proved about a solution, in words, numbers and files."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from convex_core.architectures import formulas_of
from convex_core.data import Dataset
from convex_core.export.model import save_model
from convex_core.export.script import MAX_SCRIPT_CELLS, cvxpy_script, whole_cvxpy_script
from convex_core.networks.classes import accuracies
from convex_core.solution import Solution
from convex_core.status import Scope, Status

from .layout import Download, Fact, large

__all__ = [
    "cells",
    "class_names",
    "gap_text",
    "halfway",
    "has_whole_script",
    "headline",
    "record",
    "script",
    "solution_downloads",
    "solution_facts",
    "whole_script",
]


def gap_text(gap: float) -> str:
    """A relative gap for people: 2e-09, or 5 %; below 1e-12 it is rounding; a dash without a lower bound."""
    if not math.isfinite(gap):
        return "–"
    if gap >= 1e-3:
        return f"{100.0 * gap:,.{0 if gap >= 0.1 else 1}f} %"
    return f"{gap:.0e}" if gap >= 1e-12 else "below 1e-12"


def headline(solution: Solution) -> None:
    """The verdict as one sentence, and the three words every result carries."""
    m = solution.active_filters
    what = "the zero network" if m == 0 else "1 filter" if m == 1 else f"{m} filters"
    if solution.scope is Scope.GLOBAL:
        proof = f"certified gap {gap_text(solution.relative_gap)}"
    else:
        proof = "an upper bound only"
    optimal = solution.status is Status.OPTIMAL and solution.scope is Scope.GLOBAL
    reached = optimal or (solution.status is Status.BOUND_REACHED and solution.scope is Scope.GLOBAL)
    badges = [
        (f"program: {solution.exactness}", "green" if solution.exactness == "exact" else "orange"),
        (f"scope: {solution.scope}", "green" if solution.scope is Scope.GLOBAL else "orange"),
        (f"status: {solution.status}", "green" if reached else "orange"),
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="verdict"):
        st.header(f"{what[0].upper()}{what[1:]}, {proof}", anchor=False, width="content")
        st.markdown(" ".join(f":{colour}-badge[{word}]" for word, colour in badges), width="content")
    words = (
        (solution.exactness, solution.scope, solution.status)
        if solution.exactness != "exact"
        else (
            solution.scope,
            solution.status,
        )
    )
    notes = [word.text for word in words if not optimal]
    if notes:
        st.caption(" ".join(notes))


def halfway(path: Sequence[Solution]) -> int:
    """Position in a path over beta where more than half of the filters are active."""
    most = max(s.active_filters for s in path)
    return next(i for i, s in enumerate(path) if 2 * s.active_filters > most or s.active_filters == most)


def solution_facts(solution: Solution, data: Dataset) -> list[Fact]:
    """The row of numbers under the verdict."""
    bound = f"{solution.lower_bound:.8g}" if math.isfinite(solution.lower_bound) else "–"
    listed, note = cells(solution)
    items = [
        Fact(f"{solution.network_objective:.8g}", "objective of the network", f"convex value {solution.objective:.8g}"),
        Fact(bound, "proved lower bound", f"relative gap {gap_text(solution.relative_gap)}"),
        Fact(listed, "sign patterns", note),
        Fact(str(solution.rounds or "–"), "rounds", solution.method),
        Fact(f"{solution.seconds.total:.2f} s", "in all", f"data seed {data.seed if data.seed is not None else '–'}"),
    ]
    score = None if solution.problem.reconstructs else accuracies(solution.network, data)[1]
    if score is not None and data.y_test is not None:
        items.append(Fact(f"{100 * score:.1f} %", "test accuracy", f"{len(data.y_test)} held-out samples"))
    return items


def cells(solution: Solution) -> tuple[str, str]:
    """Number of sign patterns, and what there is to say about it."""
    architecture, listed = solution.problem.architecture, solution.patterns
    most = f"at most {large(solution.patterns_bound)}"
    if listed is None:
        return ("not counted" if solution.scope is Scope.GLOBAL else "sampled"), most
    copies = formulas_of(architecture).copies
    return f"{listed // architecture.cells_per_pattern:,}", f"each {copies}" if copies else most


def class_names(solution: Solution, data: Dataset) -> tuple[str, ...]:
    """Names of the outputs of a network with one for each class; none for a single output."""
    q = solution.problem.architecture.q
    if q == 1:
        return ()
    return data.labels if data.labels is not None and len(data.labels) == q else tuple(map(str, range(q)))


def record(solution: Solution) -> dict[str, Any]:
    """The numbers of a solution with its network, ready for JSON."""
    network = solution.network
    return {**solution.to_dict(), "filters": network.filters.tolist(), "weights": network.weights.tolist()}


def solution_downloads(solution: Solution) -> list[Download]:
    """The model, the numbers and the code."""
    entries = [
        Download("Model · NPZ", "model.npz", "application/octet-stream", lambda: _model(solution)),
        Download("Result · JSON", "result.json", "application/json", lambda: json.dumps(record(solution), indent=1)),
    ]
    if len(solution.active):
        entries.append(Download("CVXPY code · PY", "program.py", "text/x-python", lambda: script(solution)))
    if has_whole_script(solution):
        entries.append(
            Download("CVXPY, every pattern · PY", "whole_program.py", "text/x-python", lambda: whole_script(solution))
        )
    return entries


def has_whole_script(solution: Solution) -> bool:
    """Whether there are more cells than one, and few enough for one script."""
    return solution.patterns is not None and 1 < solution.patterns <= MAX_SCRIPT_CELLS


def script(solution: Solution) -> str:
    """The program over the cells of this solution as a runnable CVXPY script."""
    return cvxpy_script(solution.problem, solution.active, complete=False)


def whole_script(solution: Solution) -> str:
    """The program over every cell as a runnable CVXPY script."""
    return whole_cvxpy_script(solution.problem)


def _model(solution: Solution) -> bytes:
    out = io.BytesIO()
    save_model(out, solution)
    return out.getvalue()

"""Train ten classes: bounds closing and accuracy on the left, and what there is to look at on the right."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import streamlit as st

from convex_core.experiments import Recognition
from convex_core.figures.colours import Palette
from convex_core.figures.recognition import recognition_curves
from convex_core.status import Status

from .. import layout
from ..work import calls
from ..work.jobs import Job
from . import parts, training

__all__ = ["tab"]

SLOT, AGAIN = "_ten_job", "_ten_again"
#: Height of the curves: above the fold of a projector.
HEIGHT = 300
#: Smallest gap that the running chart shows.
LEAST = 1e-4


def tab(place: st.delta_generator.DeltaGenerator, row: st.delta_generator.DeltaGenerator) -> None:
    """Draw the whole tab; `place` gets the downloads, the `row` of tabs what is chosen about the training."""
    with row:
        wanted = training.controls()
        again = st.empty()
    found = training.images(wanted)
    if found is None:
        return
    key = f"{wanted} {found.data.n}"
    verdict = st.empty()
    left, right = st.columns([1, 1.9], gap="medium")
    with left:
        shown = calls.background(
            SLOT,
            key,
            training.work(wanted, found),
            "Training",
            # images of a session's own, and training again, are for this session alone
            place="" if found.own or st.session_state.get(AGAIN) == key else "recognition",
            whole=training.whole,
            live=_live,
            patience=training.PATIENCE,
        )
        if shown is not None:
            curves = recognition_curves(shown, height=HEIGHT, colours=layout.colours())
            layout.chart(curves, "The bounds close", key="ten_curves")
            layout.caption(_reach(shown))
    with right:
        if shown is None:
            with verdict.container(gap=None):
                st.subheader(f"Training on {found.data.n:,} images in {found.data.classes} classes …", anchor=False)
                layout.caption(
                    "Upper bound: what this network costs. Lower bound: over these filters, none costs less. They meet:"
                )
            parts.strip(found.data, "Training images", "training_images")
        else:
            _say(verdict, shown)
            parts.show(shown)
    if shown is not None:
        again.button("Train again", icon=":material/replay:", on_click=_again, args=(key,), key="ten_again")
        layout.caption(
            f"{shown.data.description} Seed {shown.seed}: of the split, of the filters and of the quarter that β is "
            "chosen on. Nothing was tuned on test images; nearest neighbours and logistic regression are those of "
            "scikit-learn with its defaults, on the pixels."
        )
        charts = [recognition_curves(shown), *parts.charts(shown)]
        layout.downloads(place, [*training.downloads(shown), *layout.chart_downloads(charts)])


def _again(key: str) -> None:
    st.session_state.pop(SLOT, None)
    st.session_state[AGAIN] = key


def _say(verdict: st.delta_generator.DeltaGenerator, found: Recognition) -> None:
    """What came out, in plain English; how far the proof reaches is part of it."""
    c = found.certificate
    others = ", ".join(f"{b.name} {100 * b.accuracy:.1f} %" for b in found.baselines)
    if c.lower_bound > 0.0:
        proof = (
            f"Certified over these {c.listed} filters (scope: {c.scope}): no other weights are better by more than "
            f"{_percent(c.relative_gap)}."
        )
    else:
        proof = f"Nothing is proved yet about these {c.listed} filters."
    if found.status is not Status.RESTRICTED_OPTIMUM:
        proof += f" {found.status.text}"
    with verdict.container(gap=None):
        st.subheader(
            f"{100 * found.accuracy:.1f} % of unseen images right{f'; {others}' if others else ''}", anchor=False
        )
        layout.caption(proof)


def _reach(found: Recognition) -> str:
    """What is known about other filters, and the numbers behind the verdict."""
    c = found.certificate
    if not c.looked:
        beyond = "Other filters were not looked at."
    elif c.price > 1.0:
        beyond = (
            f"Other filters would still help: of {c.looked} that were looked at, the best one earns {c.price:.2g} "
            "times what it costs."
        )
    else:
        beyond = f"None of {c.looked} other filters that were looked at would help."
    return (
        f"Between {c.lower_bound:.6g} and {c.objective:.6g} (relative duality gap {c.relative_gap:.1e}) at β = "
        f"{c.beta:.3g} after {found.seconds:.1f} s. Grey: values of β that were tried. {beyond}"
    )


def _live(job: Job) -> None:
    """Gap and accuracy while the worker runs; these charts are updated in place."""
    points = [step.point for step in list(job.reports) if step.point is not None]
    if len(points) < 2:
        return
    palette = layout.colours()
    rows = [
        {
            "seconds": p.seconds,
            "gap": max(p.gap, LEAST),
            "right": None if math.isnan(p.accuracy) else 100 * p.accuracy,
            "beta": f"{p.beta:.3g}{'' if p.chosen else ' tried'}",
            "colour": palette.convex if p.chosen else palette.muted,
        }
        for p in points
    ]
    logarithmic = {"type": "log", "domain": [LEAST, 1], "clamp": True}
    _curve(rows, "gap", "gap of bounds", logarithmic, palette, [1.0, 0.1, 0.01, 1e-3])
    _curve(rows, "right", "right, %", {"zero": False}, palette, None)


def _curve(
    rows: list[dict[str, Any]],
    field: str,
    title: str,
    scale: dict[str, Any],
    palette: Palette,
    ticks: list[float] | None,
) -> None:
    """One quantity over seconds; Vega draws on where Plotly would begin anew."""
    axis = {"title": title, "gridColor": palette.faint, "labelColor": palette.muted, "titleColor": palette.muted}
    y_axis = {**axis, "tickCount": 4} if ticks is None else {**axis, "format": "~g", "values": ticks}
    spec = {
        "mark": {"type": "line", "point": {"size": 26}},
        "height": HEIGHT // 2 - 8,
        "encoding": {
            "x": {
                "field": "seconds", "type": "quantitative", "scale": {"zero": True, "nice": False},
                "axis": {**axis, "title": "seconds" if ticks is None else None, "tickCount": 6},
            },
            "y": {"field": field, "type": "quantitative", "scale": scale, "axis": y_axis},
            # the accuracy is one line, the gap one for each beta
            **({} if ticks is None else {"detail": {"field": "beta"}}),
            "color": {"field": "colour", "type": "nominal", "scale": None} if ticks else {"value": palette.convex},
        },
    }  # fmt: skip
    st.vega_lite_chart(pa.Table.from_pylist(rows), spec, key=f"ten_live_{field}", width="stretch")


def _percent(share: float) -> str:
    """A share as a percentage that is not too small a claim.

    Examples
    --------
    >>> _percent(0.00084), _percent(0.013)
    ('0.09 %', '1.3 %')
    """
    digits = 2 if share < 0.01 else 1
    return f"{math.ceil(100 * share * 10**digits) / 10**digits:.{digits}f} %"

"""A dial over beta in the address: its slider turns in the browser alone, and the link follows when it rests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from . import guard
from .layout import ASSETS
from .state import address

__all__ = ["follow"]

_component = st.components.v2.component("convex_core_dial", js=(ASSETS / "dial.js").read_text())


@guard.fragment
def follow(chart: str, betas: Sequence[float], start: int) -> None:
    """Turn the dial of a chart to where the address says, and the address to where the visitor turns the dial.

    Parameters
    ----------
    chart : str
        Key of a chart with one slider.
    betas : sequence of float
        Increasing, one for each position of the slider.
    start : int
        The position without a word in the address.
    """
    labels = [f"{beta:.3g}" for beta in betas]
    asked = st.query_params.get("dial")
    at = _position(asked, betas, labels, start)
    if asked is not None and asked != labels[at]:
        _keep(at, labels, start)
    # read by address.tell: a link may ask for a beta that the dial does not have
    st.session_state["dial"] = labels[at]
    address.drawn("dial")
    key = f"{chart}_position"
    with st.container(key=f"{chart}_link"):
        _component(
            key=key,
            data={"chart": chart, "at": at, "label": "Regularisation β"},
            on_turned_change=lambda: _keep(st.session_state[key].get("turned"), labels, start),
        )


def _position(asked: str | None, betas: Sequence[float], labels: Sequence[str], start: int) -> int:
    """The position of a label, or the nearest to a number."""
    if asked is None or asked in labels:
        return start if asked is None else labels.index(asked)
    try:
        beta = float(asked)
    except ValueError:
        return start
    if not (math.isfinite(beta) and beta > 0.0):
        return start
    return min(range(len(betas)), key=lambda i: abs(math.log(betas[i] / beta)))


def _keep(turned: object, labels: Sequence[str], start: int) -> None:
    """Put the position into the address; that without a word is left out."""
    if not isinstance(turned, (int, float)) or not 0 <= turned < len(labels):
        return
    label = labels[int(turned)]
    if label != labels[start]:
        st.query_params["dial"] = label
    elif "dial" in st.query_params:
        del st.query_params["dial"]

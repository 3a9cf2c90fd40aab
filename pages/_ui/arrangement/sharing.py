"""Why sharing a filter matters: the same data with other ways to connect, and how the numbers grow."""

from __future__ import annotations

from functools import partial

import streamlit as st

from convex_core.data import Dataset
from convex_core.figures.arrangement.disc import disc
from convex_core.figures.arrangement.growth import growth, growth_times
from convex_core.figures.chart import Chart

from .. import layout
from ..state.current import CurrentProblem
from ..work import compute
from . import cells
from .pictures import current_scene

__all__ = ["sharing"]


def sharing(key: str, current: CurrentProblem, data: Dataset, K: int) -> list[Chart]:
    """The fully connected network on the same data, and how the numbers of patterns grow."""
    palette = layout.colours()
    n, d = data.X.shape
    h = compute.geometry(current.spec, data).h
    size = cells.size(f"{key} connected", data.X, n)
    every = cells.growths(f"{key} growth", current.spec, current.dataset, n)
    titles = ("samples n", "patches K", "filter length h")
    grown = [
        cells.chart(f"growth {key} {title} {palette.dark}", partial(growth, g, title, colours=palette))
        for g, title in zip(every, titles, strict=True)
    ]
    times = cells.chart(f"times {key} {palette.dark}", lambda: growth_times(every, colours=palette))
    st.subheader("How the number of patterns grows", anchor=False)
    layout.caption(f"{times.alt} Everything else stays as chosen above.")
    headings = ("More samples", "More patches", "Longer filters", "Measured time")
    for column, item, heading in zip([*st.columns(2, gap="large")] * 2, [*grown, times], headings, strict=True):
        with column:
            layout.chart(item, heading, key=item.name)
    st.subheader("Why sharing a filter matters", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(sharing_text(n, K, h, d, size))
    with right:
        connected = _connected(key, data, size)
    return [*grown, times, *connected]


def _connected(key: str, data: Dataset, size: cells.Size) -> list[Chart]:
    """The arrangement of a fully connected unit, as a disc; a picture of a circle would say nothing."""
    key, d = f"{key} connected", data.X.shape[1]
    picture = cells.picture(key, data.X, cells.whole(key, data.X), 3, False, None)
    scene = current_scene(key, picture, 1)
    if picture is None or scene is None or len(picture.axes) < 3:
        return []
    chart = cells.chart(
        f"{key} disc {scene.colours.dark} {scene.paint.two_greys}", lambda: disc(scene, name="connected")
    )
    total = layout.large(size.count.patterns) if size.count else f"at most {layout.large(size.closed)}"
    note = (
        f"One hyperplane a sample in {d} dimensions; a slice that meets {scene.arrangement.count:,} of {total} cells."
    )
    layout.chart(chart, "Fully connected", note, key="connected")
    return [chart]


def sharing_text(n: int, K: int, h: int, d: int, size: cells.Size) -> str:
    """The numbers of the three ways to connect, in words."""
    own = layout.large(cells.unshared(K, n, h))
    text = (
        f"**One shared filter** sees {K * n} rows in only {h} dimensions, so the number of cells grows like "
        f"{_power(h - 1)}, polynomially in the data.\n\n"
        f"**A filter for every patch** would multiply the patches' arrangements: up to {own} patterns.\n\n"
        f"**A fully connected unit** sees {n} rows in {d} dimensions: "
        f"{layout.large(size.count.patterns if size.count else size.closed)} patterns here, doubling with every sample "
        f"until n exceeds {d}, then growing like {_power(d - 1)}."
    )
    n_over = cells.overtaking(K, h, d)
    if n_over is not None:
        text += f" In general position it has more patterns than the convolution from **n = {n_over}** on."
    return text


def _power(exponent: int) -> str:
    return "a constant" if exponent == 0 else "$n$" if exponent == 1 else f"$n^{{{exponent}}}$"

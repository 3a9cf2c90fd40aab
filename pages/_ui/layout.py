"""How a page looks: heading with its actions, facts, charts with text and table, downloads."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import streamlit as st

from convex_core.figures.chart import Chart
from convex_core.figures.colours import Palette, palette
from convex_core.figures.compare import on_same_axes
from convex_core.figures.enlarge import ENLARGED, enlarged

from . import pinned, present, stage
from .sent import Sent
from .state import controls

__all__ = [
    "Download",
    "Fact",
    "caption",
    "chart",
    "chart_downloads",
    "colours",
    "facts",
    "faded",
    "header",
    "large",
    "remarks",
]

ASSETS = Path(__file__).resolve().parents[2] / "assets"

_copy_link = st.components.v2.component(
    "convex_core_copy_link",
    html='<button type="button"><span>Copy link</span></button>',
    css=(ASSETS / "copy_link.css").read_text(),
    js=(ASSETS / "copy_link.js").read_text(),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the row under the controls."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """One entry of the download menu; `data` is called only when it is clicked."""

    label: str
    file_name: str
    mime: str
    data: Callable[[], str | bytes]


def colours() -> Palette:
    """The palette of the theme the visitor has."""
    return palette(dark=st.context.theme.type == "dark")


def faded() -> Palette:
    """The same without colour, for what was drawn with other settings than those that are chosen now."""
    present = colours()
    return replace(
        present,
        convex=present.muted,
        sgd=present.dead,
        sgd_fill=present.faint,
        convex_fill=present.faint,
        lines=(present.dead,),
    )


def header(title: str, lede: str) -> st.delta_generator.DeltaGenerator:
    """Title, one plain sentence, and the actions; returns the place that :func:`downloads` fills later."""
    if present.on():
        present.bar(title)
        return st.empty()
    with st.container(key="header", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.title(title, anchor=False, width="content")
            st.space("stretch")
            _scenes()
            pinned.button()
            present.enter_button()
            st.button("Reset", icon=":material/restart_alt:", on_click=controls.reset, key="reset")
            with st.container(width=96):
                _copy_link(key="copy_link", on_theme_change=lambda: None)
            place = st.empty()
        st.html(f'<p class="cc-lede">{html.escape(lede)}</p>')
    pinned.offer()
    return place


def _scenes() -> None:
    """The page's scenes as a menu."""
    scenes = stage.current().scenes
    if scenes:
        st.menu_button(
            "Scenes",
            range(len(scenes)),
            format_func=lambda k: scenes[k].name,
            icon=":material/theaters:",
            key="scenes",
            on_click=_show_scene,
        )


def _show_scene() -> None:
    chosen = st.session_state["scenes"]
    if chosen is not None:
        present.show_scene(int(chosen))


def downloads(place: st.delta_generator.DeltaGenerator, entries: Iterable[Download]) -> None:
    """Fill the download menu of the page's header, the last thing on a page; what is presented has none."""
    pinned.ended()
    if present.on():
        return
    with place.popover("Download", icon=":material/download:"):
        for entry in entries:
            st.download_button(
                entry.label,
                entry.data,
                entry.file_name,
                entry.mime,
                on_click="ignore",
                width="stretch",
                key=f"download_{entry.file_name}",
            )


def chart_downloads(charts: Sequence[Chart]) -> list[Download]:
    """An interactive page (HTML, works offline) and the numbers (CSV) of each chart, and all numbers as JSON."""
    dark = st.context.theme.type == "dark"
    entries: list[Download] = []
    for item in charts:
        entries.append(
            Download(f"{item.title} · HTML", f"{item.name}.html", "text/html", partial(item.html, dark=dark))
        )
        entries.append(Download(f"{item.title} · CSV", f"{item.name}.csv", "text/csv", item.csv))
    entries.append(Download("All numbers · JSON", "numbers.json", "application/json", lambda: _numbers(charts)))
    return entries


def _numbers(charts: Sequence[Chart]) -> str:
    """What the charts say, as JSON; numbers that JSON does not have become null."""
    tables = {
        item.name: {
            "description": item.alt,
            **{name: [_plain(v) for v in column] for name, column in item.table.items()},
        }
        for item in charts
    }
    return json.dumps(tables, indent=1)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def facts(items: Sequence[Fact]) -> None:
    """The row of numbers."""
    cells = "".join(
        f'<div class="cc-fact"><span>{html.escape(f.label)}</span><b>{html.escape(f.value)}</b>'
        f"<small>{html.escape(f.note)}</small></div>"
        for f in items
    )
    st.html(f'<div class="cc-facts">{cells}</div>')


def chart(
    item: Chart | Callable[[], Chart],
    title: str,
    note: str = "",
    *,
    key: str,
    picked: Callable[[], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> None:
    """A chart under its heading, with its text alternative and its data; `picked` runs after a click on a point.

    `beside` draws controls in the row of the heading; a chart that depends on them is made after that, by a function.
    """
    with _frame(key):
        with st.container(horizontal=True, vertical_alignment="center", key=f"head_{key}"):
            st.subheader(title, anchor=False, width="content")
            if beside is not None:
                beside()
            item = item() if callable(item) else item
            st.space("stretch")
            _data_popover(item, key)
        if note:
            caption(note)
        _plot(item, key, picked)


def bare_chart(item: Chart, *, key: str) -> None:
    """A chart that brings its own headline; its data below it."""
    with _frame(key):
        _plot(item, key)
        with st.container(horizontal=True, horizontal_alignment="right"):
            _data_popover(item, key)


def plain_chart(item: Chart, *, key: str, picked: Callable[[], None] | None = None) -> None:
    """A chart whose numbers are all written on it; `picked` runs after a click on a point."""
    _plot(item, key, picked)


def _frame(key: str) -> st.delta_generator.DeltaGenerator:
    """Where a chart lies with its heading; the main picture's can be found by the presenter's style."""
    return st.container(gap=None, key=f"main_{key}" if key in stage.current().main else None)


def _plot(item: Chart, key: str, picked: Callable[[], None] | None = None) -> None:
    """Draw a chart, and beside it that of the pinned state where there is one."""
    if key in stage.current().compared:
        pinned.remember(key, item)
        before = pinned.current()
        if before is not None and key in before.charts:
            _pair(before, item, key, picked)
            return
    _draw(item, item.plain(), key, picked)


def _pair(before: pinned.Pinned, item: Chart, key: str, picked: Callable[[], None] | None) -> None:
    """The pinned chart as A and the present one as B."""
    one, other = on_same_axes(before.charts[key], item)
    words = pinned.differences(before)
    with st.container(key=f"pair_{key}"):
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown(f"**A**: {words[0]}")
            _draw(before.charts[key], one.to_dict(), f"{key}_a", None)
        with right:
            st.markdown(f"**B**: {words[1]}")
            _draw(item, other.to_dict(), key, picked)


def _draw(item: Chart, plain: dict[str, Any], key: str, picked: Callable[[], None] | None) -> None:
    natural, most = plain["layout"].get("height"), stage.height(key.removesuffix("_a"))
    height: Any = "content" if most is None else most if natural is None else min(most, int(natural))
    if present.on():
        plain = enlarged(plain)
        # the presenter's style gives the main picture the rest of the screen
        height = (
            "stretch"
            if key.removesuffix("_a") in stage.current().main
            else round(ENLARGED * (natural if most is None else height))
        )
    st.plotly_chart(
        Sent(plain),
        key=key,
        height=height,
        alt=item.alt,
        on_select=picked or "ignore",
        selection_mode="points",
        config={
            "displaylogo": False,
            "modeBarButtons": [["toImage"]],
            "displayModeBar": True,
            "responsive": True,
            # read by pictures.js, which presses that button
            "toImageButtonOptions": {"filename": f"{stage.name()}-{item.name}", "title": item.title},
        },
    )


def _data_popover(item: Chart, key: str) -> None:
    if present.on():
        return
    rows = len(next(iter(item.table.values()), ()))
    with st.popover("Data", icon=":material/table:", type="tertiary", key=f"{key}_table"):
        st.caption(item.alt)
        # not by way of pandas: a page has a dozen tables, and is drawn at every press of a key
        st.dataframe(pa.table(dict(item.table)), hide_index=True, height=min(360, 40 + 35 * rows))


def caption(text: str) -> None:
    """A line under a heading; plain text."""
    st.html(f'<p class="cc-caption">{html.escape(text)}</p>')


def large(count: float) -> str:
    """A count that may be astronomical: digits while they can be read, then words, then a power of ten.

    Examples
    --------
    >>> large(16_777_216), large(4.2949e9), large(1.2e40), large(float("inf"))
    ('16,777,216', '4.29 billion', '1.2 × 10⁴⁰', 'more than 10³⁰⁰')
    """
    if count < 10**9:
        return f"{count:,.0f}"
    for power, word in ((9, "billion"), (12, "trillion")):
        if count < 10 ** (power + 3):
            return f"{count / 10**power:.3g} {word}"
    if count >= 10**300:
        return "more than 10³⁰⁰"
    mantissa, exponent = f"{count:.1e}".split("e+")
    return f"{mantissa} × 10{exponent.translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def remarks(lines: Sequence[str]) -> None:
    """What was changed about the visitor's wishes, one sentence each."""
    for line in lines:
        st.warning(line, icon=":material/info:")

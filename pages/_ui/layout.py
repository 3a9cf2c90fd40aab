"""How a page looks: heading with its actions, facts, charts with text and table, downloads."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import streamlit as st

from convex_core.figures.chart import Chart
from convex_core.figures.palette import Palette, palette

from . import controls

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
    return replace(present, convex=present.muted, sgd=present.dead, sgd_fill=present.faint, convex_fill=present.faint)


def header(title: str, lede: str) -> st.delta_generator.DeltaGenerator:
    """Title, one plain sentence, and the actions; returns the place that :func:`downloads` fills later."""
    left, right = st.columns([1.55, 1], vertical_alignment="top", gap="small")
    with left:
        st.title(title, anchor=False)
        st.html(f'<p class="cc-lede">{html.escape(lede)}</p>')
    with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("Reset", icon=":material/restart_alt:", on_click=controls.reset, key="reset")
        with st.container(width=96):
            _copy_link(key="copy_link", on_theme_change=lambda: None)
        return st.empty()


def downloads(place: st.delta_generator.DeltaGenerator, entries: Iterable[Download]) -> None:
    """Fill the download menu of the page's header."""
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
            Download(f"{item.title} · HTML", f"{item.name}.html", "text/html", lambda c=item: c.html(dark=dark))
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


def chart(item: Chart, title: str, note: str = "", *, key: str, picked: Callable[[], None] | None = None) -> None:
    """A chart under its heading, with its text alternative and its data; `picked` runs after a click on a point."""
    with st.container(gap=None):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(title, anchor=False)
            st.space("stretch")
            _data_popover(item, key)
        if note:
            caption(note)
        _plot(item, key, picked)


def bare_chart(item: Chart, *, key: str) -> None:
    """A chart that brings its own headline; its data below it."""
    _plot(item, key)
    with st.container(horizontal=True, horizontal_alignment="right"):
        _data_popover(item, key)


def _plot(item: Chart, key: str, picked: Callable[[], None] | None = None) -> None:
    st.plotly_chart(
        item.figure,
        key=key,
        alt=item.alt,
        on_select=picked or "ignore",
        selection_mode="points",
        config={"displaylogo": False, "displayModeBar": False, "responsive": True},
    )


def _data_popover(item: Chart, key: str) -> None:
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

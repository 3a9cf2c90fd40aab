"""The frame around every page: configuration, navigation, style, and the way in for a cold deep link."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# imported once, before any script thread needs it: two threads importing it at the same time can see half of it
import pandas as pd  # noqa: F401
import streamlit as st

from . import address, guard, warm
from .controls import ARRIVING

__all__ = ["PAGES", "PageInfo", "enter", "page", "run"]

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
_READY = "_shell_ready"
_PAGE = "_shell_page"


@dataclass(frozen=True, slots=True)
class PageInfo:
    """One entry of the navigation; `file` is the stem of a file in pages/ and the page's address."""

    file: str
    title: str
    icon: str
    section: str


PAGES = (
    PageInfo("home", "Home", ":material/home:", "Start"),
    PageInfo("dataset", "Dataset", ":material/table_chart:", "Experiment"),
    PageInfo("arrangement", "Arrangement", ":material/hub:", "Experiment"),
    PageInfo("solve", "Solve", ":material/verified:", "Experiment"),
    PageInfo("filters_and_path", "Filters and path", ":material/timeline:", "Experiment"),
    PageInfo("convex_vs_sgd", "Convex vs SGD", ":material/compare_arrows:", "Experiment"),
    PageInfo("three_layer", "Three layers", ":material/layers:", "Experiment"),
    PageInfo("real_images", "Real images", ":material/image:", "Experiment"),
)


def run() -> None:
    """Configure the app, build the navigation and run the chosen page; the whole of app.py."""
    st.session_state[_READY] = True
    _configure()
    chosen = st.navigation(_navigation(), expanded=True)
    st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")
    st.html(ASSETS / "style.css")
    warm.wait()
    before = st.session_state.get(_PAGE)
    moved = before is not None and before != chosen.url_path
    st.session_state[_PAGE] = chosen.url_path
    place = st.empty()
    address.arrive(first=before is None, moved=moved)
    # read by controls.bound: a widget is about to appear on another page than the one its value comes from
    st.session_state[ARRIVING] = moved and not address.restoring()
    try:
        with guard.guarded():
            chosen.run()
    finally:
        st.session_state[ARRIVING] = False
        address.tell(place)


def enter() -> None:
    """Make a page work as a cold deep link; the first statement of every page.

    On a server's very first visit Streamlit does not know yet that app.py uses st.navigation, and runs the page's
    file alone. Declaring the navigation here and running again brings the visitor to the page inside the shell.
    """
    if not st.session_state.get(_READY):
        st.session_state[_READY] = True
        _configure()
        st.navigation(_navigation())
        st.rerun()


def _configure() -> None:
    # a local icon: Streamlit would fetch an emoji's picture from elsewhere
    st.set_page_config(
        page_title="convex core",
        page_icon=str(ASSETS / "icon.png"),
        layout="wide",
        initial_sidebar_state="auto",
    )


def page(file: str) -> str:
    """Path of a page for st.page_link."""
    return str(ROOT / "pages" / f"{file}.py")


def _navigation() -> dict[str, list[st.Page]]:
    sections: dict[str, list[st.Page]] = {}
    for info in PAGES:
        entry = st.Page(
            ROOT / "pages" / f"{info.file}.py",
            title=info.title,
            icon=info.icon,
            # the default page's own name is reserved, but does not lead to it
            url_path="start" if info.file == "home" else info.file,
            default=info.file == "home",
        )
        sections.setdefault(info.section, []).append(entry)
        if info.file == "home":
            named = st.Page(ROOT / "pages" / "home.py", title=info.title, url_path="home", visibility="hidden")
            sections[info.section].append(named)
    return sections

"""The frame around every page: configuration, navigation, style, and the way in for a cold deep link.

The first visitor of a server reads a line of text before the library is imported, and so nothing here imports it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from . import stage
from .work import opening

__all__ = ["PAGES", "PageInfo", "enter", "page", "run"]

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
_READY = "_shell_ready"
_MENU = "client.showSidebarNavigation"
#: A run that begins within this time of the first may have begun before it.
EARLY_SECONDS = 10.0
_shown_since = -EARLY_SECONDS
#: Width of the menu.
SIDEBAR_PX = 212
#: The first page: it has an address without a name, and this one.
NAMED, DEFAULT = "home", "start"


@dataclass(frozen=True, slots=True)
class PageInfo:
    """One entry of the navigation; `file` is the stem of a file in pages/ and the page's address.

    A `whole` page takes the window for itself: the menu is folded away.
    """

    file: str
    title: str
    icon: str
    section: str
    whole: bool = False


PAGES = (
    PageInfo("home", "Home", ":material/home:", "Start"),
    PageInfo("tour", "Tour", ":material/explore:", "Start", whole=True),
    PageInfo("playground", "Playground", ":material/gesture:", "Start", whole=True),
    PageInfo("dataset", "Dataset", ":material/table_chart:", "Experiment"),
    PageInfo("arrangement", "Arrangement", ":material/hub:", "Experiment"),
    PageInfo("solve", "Solve", ":material/verified:", "Experiment"),
    PageInfo("filters_and_path", "Filters and path", ":material/timeline:", "Experiment"),
    PageInfo("sweep", "Sweep", ":material/grid_on:", "Experiment"),
    PageInfo("convex_vs_sgd", "Convex vs SGD", ":material/compare_arrows:", "Experiment"),
    PageInfo("three_layer", "Three layers", ":material/layers:", "Experiment"),
    PageInfo("real_images", "Real images", ":material/image:", "Experiment"),
)


def run() -> None:
    """Configure the app, build the navigation and run the chosen page; the whole of app.py."""
    st.session_state[_READY] = True
    # the menu is drawn with the navigation, and has its width and its icon from before: as the last run had them
    before = st.session_state.get(stage.PAGE)
    _configure(before or NAMED)
    place = opening.begin()
    if _show_menu():
        st.navigation(_navigation())
        st.rerun()
    chosen = st.navigation(_navigation(), expanded=True)
    if chosen.url_path == NAMED:
        chosen = st.navigation(_navigation(named=True), expanded=True)
    file = NAMED if chosen.url_path in ("", DEFAULT) else chosen.url_path
    if file != (before or NAMED):
        _configure(file)
    st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")
    st.html(ASSETS / "style.css")
    if st.context.is_embedded:
        st.html(ASSETS / "embed.css")
    opening.wait(place)
    from .arrival import show  # imported by now

    show(chosen, file, before, place)


def enter(file: str) -> None:
    """Make the page in `file` work as a cold deep link; the first statement of every page.

    On a server's very first visit Streamlit does not know yet that app.py uses st.navigation, and runs the page's
    file alone. Declaring the navigation here and running again brings the visitor to the page inside the shell.
    """
    if not st.session_state.get(_READY):
        st.session_state[_READY] = True
        _configure(Path(file).stem)
        _show_menu()
        st.navigation(_navigation())
        st.rerun()


def _show_menu() -> bool:
    """Let the menu be seen; whether this session's browser may have been told otherwise.

    It is hidden in the configuration: Streamlit lists the files of pages/ before the first script has run. What a
    browser knows of the configuration is sent when a run begins.
    """
    global _shown_since
    if st.get_option(_MENU) is False:
        st.set_option(_MENU, True)
        _shown_since = time.monotonic()
    early = time.monotonic() - _shown_since < EARLY_SECONDS and _MENU not in st.session_state
    st.session_state[_MENU] = True
    return early


def _configure(file: str) -> None:
    """Say how the window of a page looks: a menu that is told two things one after the other may keep the first.

    No two pages have the same title; history.js tells by it which page is at work.
    """
    info = next((info for info in PAGES if info.file == file), PAGES[0])
    st.set_page_config(
        page_title=f"{info.title} · convex core",
        # a local icon: Streamlit would fetch an emoji's picture from elsewhere
        page_icon=str(ASSETS / "icon.png"),
        layout="wide",
        # as narrow as its longest entry allows: on a projector the picture needs the width
        initial_sidebar_state="collapsed" if info.whole else SIDEBAR_PX,
    )


def page(file: str) -> str:
    """Path of a page for st.page_link."""
    return str(ROOT / "pages" / f"{file}.py")


def _navigation(*, named: bool = False) -> dict[str, list[st.Page]]:
    """All pages; the first is there twice, and `named` says that the menu shows it under its own name."""
    sections: dict[str, list[st.Page]] = {}
    for info in PAGES:
        entries = sections.setdefault(info.section, [])
        entry = partial(st.Page, ROOT / "pages" / f"{info.file}.py", title=info.title, icon=info.icon)
        if info.file == NAMED:
            # the default page's own name is reserved, but does not lead to it
            entries.append(entry(url_path=DEFAULT, default=True, visibility="hidden" if named else "visible"))
            entries.append(entry(url_path=NAMED, visibility="visible" if named else "hidden"))
        else:
            entries.append(entry(url_path=info.file))
    return sections

"""The first visitor of a server reads a line before the library is imported, and sees nothing of it afterwards."""

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from app_helpers import APP, ROOT, open_page

from pages._ui.work import opening


class Place:
    """What is on the screen in the place of the text."""

    def __init__(self):
        self.now = []

    def empty(self):
        self.now = []

    @contextmanager
    def container(self):
        self.now = []
        yield


class Screen:
    """Streamlit as far as the opening needs it: a session, and the place at the top of a run."""

    def __init__(self):
        self.session_state, self.place = {}, Place()

    def empty(self):
        self.place.now = []
        return self.place

    def title(self, text, **_):
        self.place.now.append(text)

    markdown = info = title


def opened(monkeypatch, alive):
    """A screen with a thread that imports as long as `alive` is not set."""
    screen, thread = Screen(), threading.Thread(target=alive.wait, daemon=True)
    thread.start()
    monkeypatch.setattr(opening, "st", screen)
    monkeypatch.setattr(opening, "_thread", thread)
    monkeypatch.setattr(opening, "LINE_SECONDS", 0.01)
    return screen


def test_the_shell_and_the_top_of_every_page_import_nothing_of_the_library():
    heavy = {"convex_core", "numba", "scipy", "pages._ui.arrival"}
    code = f"import sys; import pages._ui.shell; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_text_stands_from_the_first_moment_through_the_next_run_until_everything_is_there(monkeypatch):
    imported = threading.Event()
    screen = opened(monkeypatch, imported)
    place = opening.begin()
    assert place.now[0] == "convex core"
    assert place.now[-1] == opening.LIBRARY
    imported.set()
    opening.wait(place)
    again = opening.begin()  # the run after a rerun, with everything imported
    assert again.now[0] == "convex core"
    opening.end(again)
    assert again.now == []
    assert opening.begin().now == []
    assert screen.session_state == {}


def test_nothing_is_said_where_everything_is_imported(monkeypatch):
    imported = threading.Event()
    imported.set()
    screen = opened(monkeypatch, imported)
    opening._thread.join()
    place = opening.begin()
    opening.wait(place)
    opening.end(place)
    assert place.now == []
    assert screen.session_state == {}


def test_an_import_that_fails_is_an_error_of_whoever_imports_next(monkeypatch):
    monkeypatch.setattr(opening, "_EVERYTHING", "pages._ui.nowhere")
    opening._import()  # no thread dies with a traceback, and the page says what is missing


def test_nothing_of_it_is_left_on_a_page():
    app = open_page("dataset")
    assert [title.value for title in app.title] == ["Dataset"]
    assert not [line for line in app.info if opening.LIBRARY in line.value]


@pytest.mark.parametrize("_", ["a page is run", "the one before was run"])
def test_a_page_that_was_run_is_not_the_main_module_of_the_next_test(_):
    """Processes that a test spawns would begin by running it: dask's and the workers of sweeps hang or end at once."""
    assert getattr(sys.modules["__main__"], "__file__", None) != APP
    open_page("dataset")

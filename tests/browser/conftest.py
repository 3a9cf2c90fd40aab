"""A fresh server and a real browser; without either the tests are skipped and say why."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Patience with what always comes, however slow the machine: a server, and its first page, for which kernels may be
#: compiled; and whatever a page that is there shows, which takes at most 10 s where two browsers share two cores.
START_SECONDS = 120.0
OPEN_MS = 180_000
WAIT_MS = 45_000
#: An emulated graphics card draws the 3-D pictures and nothing else: without `--disable-gpu-compositing` it puts pages
#: together too, and took about 100 ms of CPU a frame for the playground.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu-compositing",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # scripts that a thread of their own fetches are parsed anew on every page, a third of what it costs
    "--disable-features=BackgroundResourceFetch",
    # pages of one address share a process, which need not start anew for each: an eighth of what a page costs
    "--process-per-site",
)
#: The window of a visitor.
WINDOW = {"width": 1400, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent) + os.sep  # a text: all tests of the run pass here, thousands
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


#: Counts in the page what is sent to the server.
COUNTED = """
window.ccSent = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (...given) { window.ccSent += 1; return send.apply(this, given); };
"""
#: Keeps how much had been sent when a text changed.
CHANGED = """(selector) => {
  const text = () => document.querySelector(selector)?.textContent, before = text(), sent = window.ccSent;
  window.ccAsked = null;
  new MutationObserver((_, observer) => {
    if (text() === before) return;
    window.ccAsked = window.ccSent - sent;
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true, characterData: true });
}"""


class Visit:
    """A page with a record of what went wrong on it."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.add_init_script(COUNTED)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.sent: list[object] = []
        self.differences: list[float] = []
        self.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: self.sent.append(frame)))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._check)

    def _check(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, url: str) -> None:
        """Go there and wait until the script has run."""
        self.page.goto(url)
        self.page.wait_for_selector("h1", timeout=OPEN_MS)
        self.settle(OPEN_MS)

    def settle(self, patience: float = WAIT_MS) -> None:
        """Wait until nothing runs."""
        self.page.wait_for_selector("[data-test-script-state='notRunning']", timeout=patience)

    def rest(self) -> None:
        """Wait until nothing runs and nothing more is sent: what asks again and again has its answer."""
        self.quiet(1500)
        self.settle()

    def quiet(self, milliseconds: float) -> None:
        """Wait until nothing has been sent for a while."""
        end, sent = time.monotonic() + WAIT_MS / 1000, -1
        while sent != len(self.sent):
            assert time.monotonic() < end, "the page goes on asking"
            sent = len(self.sent)
            self.page.wait_for_timeout(milliseconds)

    def turn_dial(self, headline: str) -> None:
        """Press the right end of the dial until its headline has changed, which asks nobody; later the link follows.

        While plotly.js draws anew a press is lost.
        """
        end = time.monotonic() + WAIT_MS / 1000
        assert self.page.evaluate("window.ccSent") > 0  # the page was asked for
        self.page.evaluate(CHANGED, headline)
        while (asked := self.page.evaluate("window.ccAsked")) is None:
            assert time.monotonic() < end, "the dial does not turn"
            rail = self.page.locator(".slider-rail-touch-rect").first.bounding_box()
            self.page.mouse.click(rail["x"] + rail["width"] - 2, rail["y"] + rail["height"] / 2)
            self.page.wait_for_timeout(500)
        assert asked == 0

    def assert_clean(self) -> None:
        """No exception box, no page error, no request to anywhere else."""
        assert self.page.locator("[data-testid='stException']").count() == 0
        assert self.errors == []
        assert self.outside == []


#: Runs in the server: on no machine a job ends before its visitor has done something.
SLOW_JOBS = """
import time
import pages._ui.work.jobs as jobs

report = jobs.Job.report
def slow_report(self, item):
    report(self, item)
    time.sleep(0.2)
jobs.Job.report = slow_report
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(before: str = "", port: int | None = None) -> Iterator[str]:
    """A server of its own on a free port, unless a port is given; yields its address.

    `before` is Python that runs in the server's process before Streamlit starts.
    """
    port = free_port() if port is None else port
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
    }
    arguments = ["streamlit", "run", "app.py", *(f"--{key}={value}" for key, value in options.items())]
    code = f"{before}\nimport sys\nfrom streamlit.web.cli import main\nsys.argv = {arguments!r}\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.kill()  # asked to end it waits for what a browser has left open, and for what it computes ahead
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer within {START_SECONDS:g} s")


@pytest.fixture(scope="session")
def port() -> int:
    """Where one fresh server comes after the other: the browser knows the scripts that are fetched from there."""
    return free_port()


@pytest.fixture
def fresh_server(profile: Any, port: int) -> Iterator[str]:
    """A server that nobody has visited."""
    with running_server(port=port) as address:
        yield address
        for page in profile.pages:  # what a failed test leaves open would be the first to visit the next
            if page.url.startswith(address):
                page.close()


@pytest.fixture(scope="session")
def server(profile: Any) -> Iterator[str]:
    """One server for the tests that do not mind earlier visits: what it does before the first takes seconds."""
    with running_server() as address:
        # an empty page that stays, and with it the process in which the browser shows the others
        profile.new_page().goto(f"{address}/_stcore/health")
        yield address


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium with a profile on disk: only there compiled scripts are kept from one page to the next."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch_persistent_context(
                tmp_path_factory.mktemp("profile"),
                executable_path=executable,
                args=ARGUMENTS,
                viewport=WINDOW,
                color_scheme="light",
            )
        except api.Error as error:
            pytest.skip(f"no chromium could be started: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def chromium(profile: Any) -> Any:
    """The same browser, for contexts that share nothing with others."""
    return profile.browser


@pytest.fixture(scope="module")
def context(profile: Any) -> Iterator[Any]:
    """Somebody who keeps nothing from one file of tests to the next, apart from the cache."""
    yield profile
    page = profile.new_page()
    session = profile.new_cdp_session(page)
    for left in profile.storage_state()["origins"]:
        session.send("Storage.clearDataForOrigin", {"origin": left["origin"], "storageTypes": "local_storage"})
    profile.clear_cookies()
    page.close()


@pytest.fixture
def visit(context: Any) -> Iterator[Visit]:
    """A page on which nothing may go wrong: no exception, no error of a script, no request to anywhere else."""
    opened = Visit(context)
    yield opened
    opened.assert_clean()
    opened.page.close()

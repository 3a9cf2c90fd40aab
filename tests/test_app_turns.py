"""Who computes next: visitors take turns, whoever asks most, and a request that is not wanted any more has none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("streamlit")

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from pages._ui.work import calls, visitor
from pages._ui.work.turns import Turns

PATIENCE_SECONDS = 30.0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def served(first: str, requests: list[str]) -> list[str]:
    """Whose turns follow one another when `requests` come, in that order, while `first` has its turn."""
    turns, order = Turns(), [first]

    def ask(who: str) -> None:
        with turns.turn(who):
            order.append(who)

    threads = []
    with turns.turn(first):
        for at, who in enumerate(requests):
            threads.append(threading.Thread(target=ask, args=(who,)))
            threads[-1].start()
            until(lambda at=at: len(turns._queue) == at + 1)  # type: ignore[misc]
        assert turns.waiting == len(set(requests))
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert turns.waiting == 0
    return order


@pytest.mark.parametrize(
    ("requests", "order"),
    [
        ("bcd", "abcd"),  # first come, first served
        ("aab", "abaa"),  # whoever has just been has to wait
        ("bbbbc", "abcbbb"),  # many requests of one visitor are not many turns
        ("bbccab", "abcabcb"),
    ],
)
def test_visitors_take_turns(requests: str, order: str) -> None:
    assert "".join(served("a", list(requests))) == order


def test_who_leaves_has_no_turn_and_a_failure_gives_it_back() -> None:
    turns, answers = Turns(), []
    left = threading.Event()

    def ask() -> None:
        with turns.turn("b", left.is_set) as has:
            answers.append(has)

    thread = threading.Thread(target=ask)
    with turns.turn("a"):
        thread.start()
        until(lambda: turns.waiting == 1)
        left.set()
        thread.join(PATIENCE_SECONDS)
        assert (answers, turns.waiting) == ([False], 0)
    with pytest.raises(ZeroDivisionError), turns.turn("a"):
        _ = 1 / 0
    with turns.turn("c") as has:
        assert has


def test_the_share_of_a_limit_is_what_lets_all_have_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for waiting, seconds in ((0, 6.0), (1, 3.0), (2, 2.0), (20, 1.0)):
        monkeypatch.setattr(Turns, "waiting", waiting)
        assert Turns().share(6.0, 1.0) == seconds
        assert Turns().share(0.5, 1.0) == 0.5


def script(parts: list[str] | None, *requests: RerunData, stop: bool = False) -> Any:
    """A script of Streamlit's that draws `parts` of a page, or all, and what was asked since."""
    asked = ScriptRequests()
    for request in requests:
        assert asked.request_rerun(request)
    if stop:
        asked.request_stop()
    return SimpleNamespace(script_requests=asked, fragment_ids_this_run=parts, session_id="s")


def of(part: str | None, *, polls: bool = False) -> RerunData:
    return RerunData(widget_states=WidgetStates(), fragment_id=part, is_auto_rerun=polls)


@pytest.mark.parametrize(
    ("context", "gone"),
    [
        (script(["live"]), None),
        (script(["live"], of("live")), RerunException),  # the same with newer settings
        (script(["live"], of("live"), of("live")), RerunException),
        (script(["live"], of("other")), None),  # it has its turn after this one
        (script(["live", "other"], of("other")), None),
        (script(None, of("live")), None),  # what is drawn is more than was asked for
        (script(["live"], of("live", polls=True)), None),
        (script(["live"], of(None)), RerunException),
        (script(None, of(None)), RerunException),
        (script(["live"], stop=True), StopException),
    ],
)
def test_whoever_asks_for_something_newer_or_closes_the_tab_leaves(
    monkeypatch: pytest.MonkeyPatch, context: Any, gone: type[BaseException] | None
) -> None:
    monkeypatch.setattr(visitor, "get_script_run_ctx", lambda suppress_warning=False: context)
    assert visitor.gone() is (gone is not None)
    flag = calls._WhoLeft()
    assert flag.is_set() is (gone is not None)
    if gone is None:
        visitor.leave()
        return
    with pytest.raises(gone):
        visitor.leave()
    assert visitor.gone() is (gone is StopException)

"""What a time limit cut short is drawn for whoever waited, and is nobody else's answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from app_helpers import testing, visit

from convex_core.errors import Interrupted
from convex_core.status import Status
from pages._ui.arrangement import cells
from pages._ui.dataset import cost
from pages._ui.three_layers import around
from pages._ui.work import calls, compute, keep
from pages._ui.work.drawn import drawn
from pages._ui.work.jobs import gate
from pages._ui.work.turns import Turns


def hurried(solution: Any) -> Any:
    return replace(solution, status=Status.TIME_LIMIT)


def cut_links(bounds: Any) -> Any:
    return replace(
        bounds, links=(replace(bounds.links[0], solution=hurried(bounds.links[0].solution)), *bounds.links[1:])
    )


def first_time(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, cut: Callable[[Any], Any]) -> list[str]:
    """The first call of a function is cut short, as on a cold server; returns the list of its calls."""
    calls: list[str] = []
    works = getattr(module, name)

    def function(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        found = works(*arguments, **options)
        return cut(found) if len(calls) == 1 else found

    monkeypatch.setattr(module, name, function)
    return calls


def interrupted(_: Any) -> Any:
    raise Interrupted("patterns", status=Status.TIME_LIMIT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "cut", "file", "query"),
    [
        (around, "bounds", cut_links, "three_layer", {"circular_seed": "77"}),
        (around, "bounds", cut_links, "three_layer", {"kind": "Two ReLU layers", "relu_seed": "77", "relu_n": "3"}),
        (compute, "solve", hurried, "solve", {"data": "shift", "seed": "77"}),
        (cost, "count_patterns", interrupted, "dataset", {"data": "shift", "seed": "77"}),
        (cells, "count_patterns", interrupted, "arrangement", {"data": "shift", "seed": "78"}),
        (cells, "enumerate_patterns", interrupted, "arrangement", {"data": "edge", "seed": "79"}),
    ],
    ids=["circular", "two ReLU layers", "solve", "estimate", "count", "list"],
)
def test_the_next_visitor_gets_a_whole_answer(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, cut: Any, file: str, query: dict[str, str]
) -> None:
    calls = first_time(monkeypatch, module, name, cut)
    waited = visit(file, query)
    assert calls
    begun = len(calls)
    visit(file, query)
    assert len(calls) > begun
    # the whole answer is kept, and everyone's
    ended = len(calls)
    visit(file, query)
    assert len(calls) == ended
    assert waited.title


def test_who_waited_is_not_made_to_wait_again() -> None:
    def page() -> None:
        import streamlit as st

        from pages._ui.work import keep

        def make() -> int:
            st.session_state["calls"] = st.session_state.get("calls", 0) + 1
            keep.cut_short()
            return 7

        with keep.apart():
            st.caption(str(keep.kept("test place", "slow question", make)))
            # what is made of it is not everyone's either
            st.caption(str(keep.kept("test place", "made of it", lambda: 8)))
        with keep.apart():
            st.caption(str(keep.kept("test place", "something else", lambda: 9)))

    app = testing.AppTest.from_function(page, default_timeout=120).run()
    app.run()
    assert not app.exception
    assert [c.value for c in app.caption] == ["7", "8", "9"]
    assert app.session_state["calls"] == 1
    assert keep.find("test place", "slow question") is None
    assert keep.find("test place", "made of it") is None
    assert keep.find("test place", "something else") == 9


def test_the_shelf_has_no_more_bytes_than_its_bound_whatever_is_asked_and_goes_on_answering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep._shelf.clear()
    monkeypatch.setattr(keep, "MOST_BYTES", 1_000_000)
    made: list[int] = []

    def make(number: int) -> np.ndarray:
        made.append(number)
        return np.full(25_000, float(number))  # 200 kB

    held = keep.kept("first place", "0", lambda: make(0))
    # one bound for all kinds of questions: three places, and drawings
    for number in range(12):
        assert keep.kept(f"place {number % 3}", str(number), lambda n=number: make(n))[0] == number  # type: ignore[misc]
        assert drawn(make, -number)[0] == -number
        assert keep.find("first place", "0") is held  # asked for all the time
        assert keep._shelf().answers.bytes <= 1_000_000
    assert 1 < len(keep._shelf().answers) <= 4
    assert keep.find("place 0", "0") is None
    # what is dropped while somebody has it stays as it is for them, and is made anew for others
    before = keep.kept("place 2", "11", lambda: make(11))
    for number in range(20, 26):
        keep.put("place 0", str(number), make(number))
    assert keep.find("place 2", "11") is None
    again = keep.kept("place 2", "11", lambda: make(11))
    assert again is not before
    assert (again == before).all()
    assert made.count(11) == 2
    keep._shelf.clear()


def test_what_is_kept_for_one_session_has_a_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        import numpy as np
        import streamlit as st

        from pages._ui.work import keep

        def make() -> np.ndarray:
            st.session_state["calls"] = st.session_state.get("calls", 0) + 1
            keep.cut_short()
            return np.zeros(25_000)  # 200 kB

        for number in (*range(5), 4, 3, 0):
            with keep.apart():
                keep.kept("own place", number, make)

    monkeypatch.setattr(keep, "MOST_OWN_BYTES", 500_000)
    app = testing.AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    assert app.session_state["calls"] == 6
    assert app.session_state[keep._OWN].bytes <= 500_000


def test_two_who_ask_at_once_wait_for_one_answer() -> None:
    calls, begun, go_on = [], threading.Event(), threading.Event()

    def make() -> int:
        calls.append(1)
        begun.set()
        go_on.wait(60.0)
        return 5

    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(keep.kept("busy place", "question", make))) for _ in range(3)
    ]
    threads[0].start()
    assert begun.wait(60.0)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(60.0)
    assert answers == [5, 5, 5]
    assert len(calls) == 1


def test_an_answer_that_fails_is_asked_for_again() -> None:
    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keep.kept("failing place", "question", fail)
    assert keep.kept("failing place", "question", lambda: 3) == 3


def test_an_answer_whose_time_was_used_up_is_for_who_waited_alone() -> None:
    def page() -> None:
        import time

        import streamlit as st

        from convex_core.status import Status
        from pages._ui.work import calls, keep

        class Answer:
            status = Status.CANCELLED

        with keep.apart():
            calls.run("run place", "slow", lambda budget: time.sleep(0.05), 0.01)
        with keep.apart():
            calls.run("run place", "cancelled", lambda budget: Answer())
        with keep.apart():
            calls.run("run place", "quick", lambda budget: st.caption(f"{budget.time_limit:g}") and 1, 30.0)

    app = testing.AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    assert [c.value for c in app.caption] == ["30"]
    assert keep.find("run place", "slow") is keep.find("run place", "cancelled") is None
    assert keep.find("run place", "quick") == 1


def test_what_a_page_waits_for_does_not_wait_for_what_runs_in_the_background() -> None:
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(calls.run("gate", "second", lambda _: "second")))
    with gate("job").turn("somebody"):
        answers.append(calls.run("gate", "first", lambda _: "first"))
    assert answers == ["first"]
    with gate("live").turn("somebody"):
        waiting.start()
        answers.append(calls.run("gate", "light", lambda _: "light", heavy=False))
        waiting.join(0.2)
        assert answers == ["first", "light"]
    waiting.join(10)
    assert answers == ["first", "light", "second"]


def test_where_others_wait_an_answer_has_less_time_and_is_made_again_when_nobody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def page() -> None:
        import streamlit as st

        from pages._ui.work import calls, keep

        def make(budget: object) -> float:
            if budget.time_limit < 6.0:  # type: ignore[attr-defined]
                keep.cut_short()
            return float(budget.time_limit)  # type: ignore[attr-defined]

        with keep.apart():
            st.caption(f"{calls.run('shared place', 'question', make, 6.0):g}")

    waiting = [3]
    monkeypatch.setattr(Turns, "waiting", property(lambda _: waiting[0]))
    app = testing.AppTest.from_function(page, default_timeout=120).run()
    for _ in range(2):
        assert [c.value for c in app.caption] == ["1.5"]
        assert "1.5 of 6 seconds" in app.info[0].value
        assert keep.find("shared place", "question") is None
        app.run()
    waiting[0] = 0
    app.run()
    assert ([c.value for c in app.caption], len(app.info)) == (["6"], 0)
    assert keep.find("shared place", "question") == 6.0


def test_a_whole_result_from_the_background_is_everyones() -> None:
    def page() -> None:
        import streamlit as st

        from pages._ui.work import calls

        made = st.session_state.setdefault("made", [])
        for name in ("whole", "part"):

            def work(job: object, name: str = name) -> str:
                made.append(name)
                return name

            found = calls.background(
                f"slot {name}", "question", work, name, place=f"from {name}", whole=lambda result: result == "whole"
            )
            st.caption(str(found))

    for expected in (["whole", "part"], ["part"]):
        app = testing.AppTest.from_function(page, default_timeout=120).run()
        app.run()
        assert [c.value for c in app.caption] == ["whole", "part"]
        assert app.session_state["made"] == expected

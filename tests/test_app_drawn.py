"""Drawings of shared answers are made once, and never taken for those of another answer."""

from __future__ import annotations

from pages._ui.work import keep
from pages._ui.work.drawn import drawn

MADE = []


def picture(answer, word="", *, size=1):
    MADE.append((id(answer), word, size))
    return [len(MADE)]


def test_a_drawing_is_made_once_for_an_answer_and_its_settings():
    MADE.clear()
    one, equal = [1], [1]
    first = drawn(picture, one, "a", size=2)
    assert drawn(picture, one, "a", size=2) is first
    others = [drawn(picture, one, "b", size=2), drawn(picture, one, "a", size=3), drawn(picture, equal, "a", size=2)]
    assert all(other is not first for other in others)
    assert len(MADE) == 4


def test_functions_of_a_page_that_is_drawn_again_are_the_same_and_those_of_another_page_are_not():
    answer = object()
    code = "def picture(answer):\n    return [1]\n"

    def page(file):
        names = {}
        exec(compile(code, file, "exec"), names)  # as a page is run
        return names["picture"]

    first = drawn(page("solve.py"), answer)
    assert drawn(page("solve.py"), answer) is first
    assert drawn(page("dataset.py"), answer) is not first


def test_what_was_not_used_for_long_goes_and_no_new_answer_takes_its_place(monkeypatch):
    keep._shelf.clear()
    monkeypatch.setattr(keep, "MOST_BYTES", 20_000)
    for at in range(300):
        answer = [at]  # numbers of objects are used again once these are gone
        assert drawn(lambda given: list(given), answer) == [at]
    assert 1 < len(keep._shelf().answers) < 100
    keep._shelf.clear()

"""What is kept has no more bytes than were said, and whoever asks gets the right answer whatever was dropped."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from convex_core import Problem
from convex_core.architectures import lifted_cells
from convex_core.contracts import kept as module
from convex_core.contracts.kept import Kept

MEGABYTE = 1_000_000


def zeros(megabytes: float) -> np.ndarray:
    return np.zeros(int(megabytes * MEGABYTE / 8))


@pytest.mark.parametrize("size", [0.001, 0.3, 0.9, 3.0])
def test_many_times_the_bound_is_asked_for_and_the_bound_holds(size: float) -> None:
    kept = Kept(2 * MEGABYTE)
    for number in range(40):
        answer = kept.answer(number % 25, lambda n=number % 25: np.full(int(size * MEGABYTE / 8), float(n)))
        assert (answer == number % 25).all()
        assert kept.bytes <= 2 * MEGABYTE or len(kept) == 1
        assert kept.bytes >= len(kept) * answer.nbytes
    # as many as have room, and the last one always
    assert len(kept) == min(25, max(1, int(2.0 / size)))
    assert kept.find(39 % 25) is not None


def test_what_was_used_longest_ago_goes_first() -> None:
    kept = Kept(int(3.5 * MEGABYTE))
    for name in "abc":
        kept.put(name, zeros(1))
    assert kept.find("a") is not None
    kept.put("d", zeros(1))
    assert [name for name in "abcd" if kept.find(name, None) is not None] == ["a", "c", "d"]


def test_an_answer_that_is_nothing_is_an_answer_and_an_error_is_none() -> None:
    kept, calls = Kept(MEGABYTE), []

    def make() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept.answer("nothing", make)
    assert [kept.answer("nothing", make) for _ in range(3)] == [None] * 3
    assert len(calls) == 2
    assert kept.find("nothing", "not there") is None
    assert kept.find("something", "not there") == "not there"


def test_arrays_that_several_share_count_once_and_as_long_as_one_has_them() -> None:
    kept, table = Kept(10 * MEGABYTE), zeros(2)
    for name in "abc":
        kept.put(name, {"own": zeros(1), "table": table, "part of it": table[5:9]})
    assert 5 * MEGABYTE <= kept.bytes < 5.1 * MEGABYTE
    for name, rest in zip("abc", (4, 3, 0), strict=True):
        kept.forget(name)
        assert rest * MEGABYTE <= kept.bytes < rest * MEGABYTE + 20_000
    assert (kept.bytes, len(kept), kept._holders) == (0, 0, {})


@dataclass
class Slotted:
    __slots__ = ("inside",)
    inside: Any


def closed_over(array: np.ndarray) -> Any:
    return lambda: array


HIDDEN = {
    "view": lambda array: array[::2],
    "list": lambda array: [[array]],
    "tuple in a dictionary": lambda array: {"a": (array,)},
    "key": lambda array: {array.tobytes(): 1},
    "slot": Slotted,
    "array of objects": lambda array: np.array([array, None], dtype=object),
    "function": closed_over,
    "text": lambda array: "x" * array.nbytes,
}


@pytest.mark.parametrize("where", HIDDEN)
def test_bytes_are_found_wherever_they_are(where: str) -> None:
    kept = Kept(10 * MEGABYTE)
    kept.put("question", HIDDEN[where](zeros(1)))
    assert MEGABYTE <= kept.bytes < 1.1 * MEGABYTE
    kept.put("question", None)
    assert 0 < kept.bytes < 1000


def test_keys_are_weighed_too_and_modules_are_nobodys() -> None:
    kept = Kept(10 * MEGABYTE)
    kept.put(zeros(1).tobytes(), np)
    assert MEGABYTE <= kept.bytes < 1.1 * MEGABYTE


def test_what_an_answer_makes_when_it_is_first_used_is_counted_before_long() -> None:
    kept = Kept(5 * MEGABYTE)
    for number in range(4 * module._YOUNG):
        kept.answer(number, list).append(zeros(1))
    assert len(kept) <= 5 + module._YOUNG
    # and an answer that is put anew, or gone, is not weighed for the one before
    for number in range(3 * module._YOUNG):
        kept.put("same", [number])
        kept.put(number, [number])
        kept.forget(number)
    assert kept.find("same") == [3 * module._YOUNG - 1]
    for number in range(4 * module._YOUNG):
        kept.forget(number)
    kept.forget("same")
    assert (kept.bytes, kept._holders) == (0, {})


def test_many_threads_get_right_answers_while_everything_is_dropped() -> None:
    kept, wrong = Kept(MEGABYTE // 2), []

    def ask(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for number in rng.integers(20, size=200).tolist():
            answer = kept.answer(number, lambda n=number: np.full(5_000 * (1 + n % 3), float(n)))
            if not (answer == number).all():
                wrong.append(number)
            if number == 7:
                kept.forget(number)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert not wrong
    assert 0 < kept.bytes <= MEGABYTE // 2
    for number in range(20):
        kept.forget(number)
    assert (kept.bytes, len(kept), kept._holders) == (0, 0, {})


def test_the_library_keeps_cells_in_pieces_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Kept(140_000)
    monkeypatch.setattr(lifted_cells, "KEPT", own)
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((4, 6)), rng.standard_normal((4, 2))
        problem = Problem(X, y, filter_size=3, stride=3, beta=0.1, relaxation="lifted", outputs=2, output_norm="l2")
        architecture: Any = problem.architecture
        found.append((architecture, problem.patches, architecture._pieces(problem.patches)))
        assert architecture._pieces(problem.patches) is found[-1][2]
        assert own.bytes <= 140_000 or len(own) == 1
    assert len(own) < 6
    architecture, patches, pieces = found[0]
    again = architecture._pieces(patches)
    assert again is not pieces
    assert (again.codes == pieces.codes).all()
    assert (again.facets == pieces.facets).all()

"""Clarabel on one program, here or as a process of its own that :mod:`.interior_point` starts by the path of this file.

The process does without the package, whose import takes longer than most programs. It reads a line of JSON and the
arrays it announces, native doubles and 64-bit integers, and answers in the same way. The line ``{"stop": true}`` ends
the iterations of a program that is being solved; when the input closes, whatever happened to the other side, the
process ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import clarabel

__all__ = ["READY", "solved"]

#: what a process says once it can be asked
READY = b"ready\n"

_CONES = {
    "zero": clarabel.ZeroConeT,
    "nonnegative": clarabel.NonnegativeConeT,
    "second-order": clarabel.SecondOrderConeT,
    "semidefinite": clarabel.PSDTriangleConeT,
    "exponential": lambda _size: clarabel.ExponentialConeT(),
}


def solved(
    P: Any, q: Any, A: Any, b: Any, cones: Iterable[tuple[str, int]], tol: float, stop: Callable[[], bool] | None
) -> Any:
    """The answer of Clarabel: silent, on one thread, `tol` for gap and feasibility, ended at an iteration by `stop`.

    None where it gave up: a panic of its own (an eigenvalue method that did not converge, say), which is no Exception.
    """
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    solver = clarabel.DefaultSolver(P, q, A, b, [_CONES[kind](size) for kind, size in cones], settings)
    if stop is not None:
        solver.set_termination_callback(lambda _info: stop())
    try:
        return solver.solve()
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def _serve() -> None:
    """Answer until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to its whole group; the other side decides
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # nothing else gets between the answers
        answers.write(READY)
        answers.flush()
        programs: SimpleQueue[dict[str, Any]] = SimpleQueue()
        stopped = threading.Event()
        threading.Thread(target=_read, args=(programs, stopped), daemon=True).start()
        while True:
            begin = time.process_time()
            answer = solved(**programs.get(), stop=stopped.is_set)
            if answer is None:
                answers.write(b"null\n")
                answers.flush()
                continue
            x, z = array("d", answer.x), array("d", answer.z)
            line = {
                "status": str(answer.status),
                "value": answer.obj_val,
                "iterations": answer.iterations,
                "seconds": time.process_time() - begin,
                "lengths": [len(x), len(z)],
            }
            answers.write(json.dumps(line).encode() + b"\n" + x.tobytes() + z.tobytes())
            answers.flush()


def _read(programs: SimpleQueue[dict[str, Any]], stopped: threading.Event) -> None:
    """Read programs, and whether to stop, as long as somebody writes."""
    source = sys.stdin.buffer

    def values(kind: str, length: int) -> array[Any]:
        return array(kind, source.read(8 * length))

    def matrix(shape: list[int], nonzeros: int, ordered: bool) -> SimpleNamespace:
        return SimpleNamespace(
            data=values("d", nonzeros),
            indices=values("q", nonzeros),
            indptr=values("q", shape[1] + 1),
            shape=shape,
            has_canonical_format=ordered,
        )

    try:
        while line := source.readline():
            asked = json.loads(line)
            if "stop" in asked:
                stopped.set()
                continue
            P, A = matrix(*asked["P"]), matrix(*asked["A"])
            q, b = values("d", A.shape[1]), values("d", A.shape[0])
            programs.put({"P": P, "q": q, "A": A, "b": b, "cones": asked["cones"], "tol": asked["tol"]})
    finally:
        os._exit(0)  # half a line is what somebody leaves who was ended while writing


if __name__ == "__main__":
    _serve()

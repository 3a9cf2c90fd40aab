r"""Conic programs by Clarabel's interior-point method, in a process of its own where that takes long to set up.

.. math::
   \min_x \; \tfrac12 x^T P x + q^T x \quad \text{s.t. } A x + s = b,\; s \in \text{a product of cones}

Clarabel orders and assembles its matrix in one call, in which no other Python thread can run: none that sets a cancel
flag, none of another visitor of the app, none that hears Ctrl-C. No setting of Clarabel makes it much shorter, and no
release lets other threads in. So a program whose set-up would be felt is solved by another process, which is ended when
it is late. It is started for the first such program of a computation, answers the following ones too, and ends with
the computation. The answers are the same bit by bit: both run :func:`.clarabel_process.solved`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..errors import BackendError
from . import clarabel_process
from .conic_forms import ConeKind, setup_seconds
from .jit import spent_elsewhere

__all__ = ["SPARE_SECONDS", "InteriorPoint", "NotBegunError", "kept", "minimise"]

_Array = NDArray[np.float64]

#: seconds by which setting up a program may miss the end of the time
SPARE_SECONDS = 0.05
# seconds of a set-up, by its estimate, from which on another process is asked: a cancel flag should be heard within
# 0.3 s, also where the set-up takes twice as long. A process costs 0.2 to 0.35 s of a processor to start, which is what
# a small program with such a set-up takes, and a tenth of a large one
_FELT = 0.1
# seconds between two looks at whether to stop, and from then on for the iteration that is under way
_LOOK = 0.02
_GRACE = 0.05


@record
@dataclass(frozen=True, slots=True)
class InteriorPoint:
    """What Clarabel answered; nothing here is trusted until it has been certified from the data.

    Attributes
    ----------
    x : (n,) float64
        Minimiser, or where it was stopped.
    z : (m,) float64
        Multipliers.
    value : float
        Its own objective.
    status : str
        Its own word.
    iterations : int
        Its iterations.
    """

    x: _Array
    z: _Array
    value: float
    status: str
    iterations: int


class NotBegunError(Exception):
    """A program would take longer to set up than there is time."""


def minimise(
    P: sparse.csc_matrix,
    q: _Array,
    A: sparse.csc_matrix,
    b: _Array,
    cones: tuple[tuple[ConeKind, int], ...],
    *,
    tol: float,
    stop: Callable[[], bool] | None = None,
    remaining: float = math.inf,
) -> InteriorPoint | None:
    """Solve a conic program, or as much of it as there is time for.

    Parameters
    ----------
    P : (n, n), q : (n,), A : (m, n), b : (m,)
        The program; of P the upper triangle counts.
    cones : tuple of (kind, size)
        In the order of the rows of A.
    tol : float
        Absolute and relative gap and feasibility tolerance.
    stop : callable, optional
        Asked at every iteration, in another process every 0.02 s, whether to stop.
    remaining : float
        Seconds left; a program that takes longer to set up is not begun.

    Returns
    -------
    InteriorPoint or None
        None if it was stopped where there was no answer yet, or if Clarabel gave up.

    Raises
    ------
    NotBegunError
        If it takes longer to set up than there is time.
    SizeError
        If its semidefinite cones are so large that Clarabel would end the process for lack of memory.
    BackendError
        If the other process was ended by somebody else.

    Examples
    --------
    >>> eye = sparse.eye_array(2, format="csc")
    >>> answer = minimise(0.0 * eye, np.ones(2), -eye, np.array([-1.0, -2.0]), (("nonnegative", 2),), tol=1e-9)
    >>> answer.status, [round(float(x), 6) for x in answer.x]
    ('Solved', [1.0, 2.0])
    """
    setup = setup_seconds(A.nnz, cones, P.nnz)
    if setup > remaining + SPARE_SECONDS:
        raise NotBegunError
    idle = kept.get()
    interpreter = bool(sys.executable) and not getattr(sys, "frozen", False)
    if setup > _FELT and idle is not None and interpreter and not _forbidden:
        with suppress(_NotStartedError):
            return _ask(_Program(P, q, A, b, cones, tol), idle, stop or _never)
    answer = clarabel_process.solved(P, q, A, b, cones, tol, stop)
    if answer is None:
        return None
    return InteriorPoint(
        np.array(answer.x), np.array(answer.z), float(answer.obj_val), str(answer.status), int(answer.iterations)
    )


@dataclass(frozen=True, slots=True)
class _Program:
    """A program as another process reads it."""

    P: sparse.csc_matrix
    q: _Array
    A: sparse.csc_matrix
    b: _Array
    cones: tuple[tuple[ConeKind, int], ...]
    tol: float

    def parts(self) -> Iterator[bytes]:
        """A line that says what follows, and the arrays."""
        sizes = {
            name: [list(M.shape), M.nnz, bool(M.has_canonical_format)] for name, M in (("P", self.P), ("A", self.A))
        }
        yield json.dumps({**sizes, "cones": self.cones, "tol": self.tol}).encode() + b"\n"
        for M in (self.P, self.A):
            yield np.asarray(M.data, dtype=np.float64).tobytes()
            yield np.asarray(M.indices, dtype=np.int64).tobytes()
            yield np.asarray(M.indptr, dtype=np.int64).tobytes()
        for vector in (self.q, self.b):
            yield np.asarray(vector, dtype=np.float64).tobytes()


def _never() -> bool:
    return False


class _NotStartedError(Exception):
    """There is no other process where this one runs."""


class _Process:
    """Another process, asked for one program at a time."""

    def __init__(self) -> None:
        # what lies beside the file must not be taken for modules of the standard library, and a path that was changed
        # while the program ran counts as well
        command = [sys.executable, "-P", "-S", clarabel_process.__file__]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path, **one},
            )
        except (OSError, ValueError) as error:  # forbidden here, or no interpreter to be found
            raise _NotStartedError from error
        self.owner = os.getpid()
        self.told = False
        self._ready = False
        self._sent = threading.Event()
        self._talk: threading.Thread | None = None

    def ask(self, program: _Program, stop: Callable[[], bool]) -> InteriorPoint | None:
        """The answer; None if there is none, and then the process must be ended."""
        news: SimpleQueue[InteriorPoint | Exception | None] = SimpleQueue()
        self._sent.clear()
        self._talk = threading.Thread(target=self._exchange, args=(program, news), daemon=True, name="interior point")
        self._talk.start()
        until = math.inf
        while True:
            with suppress(Empty):
                answer = news.get(timeout=_LOOK)
                if isinstance(answer, Exception):
                    raise answer
                return answer
            if time.monotonic() > until:
                return None
            if not self.told and stop():
                if not self._sent.is_set():
                    return None
                self.told, until = True, time.monotonic() + _GRACE
                with suppress(OSError):  # it has ended, which the exchange says
                    self._write(b'{"stop": true}\n')

    def _write(self, part: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(part)
        self._process.stdin.flush()

    def _exchange(self, program: _Program, news: SimpleQueue[InteriorPoint | Exception | None]) -> None:
        try:
            news.put(self._answer(program))
        except (OSError, ValueError):  # a broken pipe, half an answer, or none
            said = "Clarabel: the process that solved a program ended, expected an answer (too little memory?)"
            news.put(BackendError(said) if self._ready else _NotStartedError())

    def _answer(self, program: _Program) -> InteriorPoint | None:
        source = self._process.stdout
        assert source is not None
        self._ready = self._ready or source.readline() == clarabel_process.READY
        for part in program.parts() if self._ready else ():
            self._write(part)
        self._sent.set()
        line = json.loads(source.readline())
        if line is None:
            return None
        x, z = (np.frombuffer(source.read(8 * length)).copy() for length in line["lengths"])
        spent_elsewhere(line["seconds"])
        return InteriorPoint(x, z, line["value"], line["status"], line["iterations"])

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        if self._talk is not None:
            self._talk.join(1.0)  # at once: the other ends of its pipes are closed
        if self._talk is None or not self._talk.is_alive():
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # what could not be written
                    if pipe is not None:
                        pipe.close()


#: the processes that a computation keeps for its next programs; None: it keeps none, and everything is solved here
kept: ContextVar[list[_Process] | None] = ContextVar("kept", default=None)
# whether one could not be started: then none can
_forbidden = False


def _ask(program: _Program, idle: list[_Process], stop: Callable[[], bool]) -> InteriorPoint | None:
    """The answer of an idle process, or of a new one, which is idle afterwards unless it is time to stop."""
    global _forbidden
    process: _Process | None = None
    answer: InteriorPoint | None = None
    try:
        while process is None and idle:
            with suppress(IndexError):  # another thread was quicker
                process = idle.pop()
            if process is not None and process.owner != os.getpid():  # this process is a copy of the one that asks it
                process = None
        process = _Process() if process is None else process
        answer = process.ask(program, stop)
    except _NotStartedError:
        _forbidden = True
        raise
    finally:
        if process is not None:
            # once a computation is left nothing ends what it keeps, and what was told to stop may not have read it yet
            if answer is None or process.told or stop():
                process.end()
            else:
                idle.append(process)
    return answer

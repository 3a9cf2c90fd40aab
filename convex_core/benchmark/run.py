"""Run cases, one contender after another on the same machine, and collect the table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..contracts.validation import integer, positive_number
from ..errors import BackendError, InputError, Interrupted, SizeError
from ..progress import Budget, CancelFlag, ProgressCallback
from .cases import CASES, Case
from .clock import Spent
from .contenders import OURS, Contender, Outcome, contenders, warm_up
from .machine import describe_machine
from .memory import peak_memory, reset_peak
from .peers import Peers
from .results import Report, Row

__all__ = ["run_benchmark"]


def run_benchmark(
    names: Sequence[str] = (),
    *,
    quick: bool = False,
    repeat: int = 3,
    time_limit: float = 60.0,
    peer_python: str | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    on_row: Callable[[Row], None] | None = None,
) -> Report:
    """Compare this library with the solvers that are installed.

    Parameters
    ----------
    names : sequence of str
        Cases, keys of :data:`CASES`, or suites, as ``train``; by default all of them, or the quick ones.
    quick : bool
        Only the cases that take seconds.
    repeat : int
        Runs of each solver; fewer when they would exceed `time_limit` together.
    time_limit : float
        Seconds for one solver on one case.
    peer_python : str, optional
        Interpreter in which scnn and adelie are looked for, by default the running one.
    cancel : object with ``is_set()``, optional
        When set, the rows so far are returned.
    progress : callable, optional
        Called before every run.
    on_row : callable, optional
        Called with every row as soon as it is there.

    Raises
    ------
    InputError
        For an unknown case, a bad number, or an interpreter that does not run.
    """
    unknown = [name for name in names if not _suite(name)]
    if unknown:
        raise InputError(f"case: got {unknown[0]!r}, expected one of {', '.join(CASES)}")
    repeat = integer(repeat, "repeat", maximum=1000)
    time_limit = positive_number(time_limit, "time-limit")
    chosen = [case for name in names for case in _suite(name)] or [
        case for case in CASES.values() if case.quick or not quick
    ]
    peers = Peers() if peer_python is None else Peers(peer_python)
    whole = Budget(cancel=cancel, progress=progress)
    whole.report("benchmark", "loading compiled kernels")
    warm_up()
    rows: list[Row] = []
    for number, case in enumerate(chosen):
        if whole.stop() is not None:
            break
        for row in _run_case(case, peers, repeat, time_limit, whole, number / len(chosen)):
            rows.append(row)
            if on_row is not None:
                on_row(row)
    versions = {f"peer {name}": version for name, version in peers.versions.items()}
    settings = {"repeat": repeat, "time_limit": time_limit, "cases": [case.name for case in chosen]}
    return Report(tuple(rows), describe_machine() | versions, settings)


def _suite(name: str) -> list[Case]:
    """The case `name`, or all cases of a suite, whose names begin with it: cells, given, mnist, train."""
    return [CASES[name]] if name in CASES else [case for key, case in CASES.items() if key.startswith(f"{name}-")]


def _run_case(case: Case, peers: Peers, repeat: int, time_limit: float, whole: Budget, done: float) -> Iterator[Row]:
    """One row after another; this library comes first, and its certified bound and seconds serve all."""
    try:
        instance = case.make()
    except InputError as error:
        yield Row(case.name, OURS, note=f"skipped: {error}")
        return
    lower: float | None = None
    ours: tuple[Spent, ...] = ()
    for name, contender in contenders(instance, peers=peers, repeat=repeat, time_limit=time_limit).items():
        if whole.stop() is not None:
            return
        whole.report("benchmark", f"{case.title}: {name}", fraction=done)
        reset_peak()
        outcome = _repeat(contender, repeat, time_limit, whole)
        if name == OURS:
            lower, ours = outcome.lower, outcome.runs
        yield _row(case.name, name, outcome, lower, ours)


def _repeat(contender: Contender, repeat: int, time_limit: float, whole: Budget) -> Outcome:
    """Run until `repeat` runs are there, or one more would exceed the time limit; the last answer is audited."""
    runs: list[Spent] = []
    while True:
        try:
            outcome = contender(Budget(time_limit=time_limit, cancel=whole.cancel))
        except (BackendError, Interrupted, SizeError) as stopped:
            return Outcome((), note=str(stopped))
        runs.extend(outcome.runs)
        enough = outcome.repeated or len(runs) >= repeat
        walls = [run.wall for run in runs]
        if enough or sum(walls) + max(walls) > time_limit or whole.stop() is not None:
            peak = outcome.peak if outcome.repeated else peak_memory()
            return outcome._replace(runs=tuple(runs), peak=peak)


def _row(case: str, solver: str, outcome: Outcome, lower: float | None, ours: tuple[Spent, ...]) -> Row:
    row = Row(
        case,
        solver,
        outcome.objective,
        violation=outcome.violation,
        cells=outcome.cells,
        seconds=tuple(run.wall for run in outcome.runs),
        cpu=tuple(run.cpu for run in outcome.runs),
        peak=outcome.peak,
        note=outcome.note,
    )
    if outcome.lower is not None:
        lower = outcome.lower  # its own: one beta of a path has another bound than the path's last point
    if outcome.objective is not None and lower is not None and outcome.objective > 0.0:
        row = replace(row, gap=max(outcome.objective - lower, 0.0) / outcome.objective)
    if row.median is not None and ours:
        row = replace(row, ratio=row.median / statistics.median(run.wall for run in ours))
    return row

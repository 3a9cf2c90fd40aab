"""Checking a report: everything that it claims is computed again, and nothing else is believed.

The seal, a checksum, finds what was changed by accident; a forger can make a new one, and the computations of
:mod:`~convex_core.reports.claims` are what he cannot pass.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from ..contracts.strict_json import parse, seal
from ..data import Dataset
from ..data.npz import check_file
from ..errors import InputError, Interrupted
from ..progress import Budget, CancelFlag, ProgressCallback, within
from ..solvers.search import MAX_PATTERNS
from .document import Report
from .kinds import kind_of
from .same_page import check_page
from .verdicts import Check, Verdict, Verification

__all__ = ["verify"]

#: Largest file that is read, and the longest page.
MAX_FILE_BYTES, MAX_PAGE_CHARACTERS = 1 << 25, 2_000_000


def verify(
    source: str | FilePath | Report,
    *,
    data: str | FilePath | Dataset | None = None,
    max_patterns: int = MAX_PATTERNS,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Verification:
    r"""Compute everything that a report claims again from the data in it, and compare.

    The problem is rebuilt; the network's outputs, its objective, the dual value and the gap are computed; the largest
    price of the dual vector is searched over **all** cells where the claim is global; cells are counted; data with a
    name, seed and options are drawn again; words follow from numbers; every point of a path is treated like the
    solution; a page is compared with its JSON. What cannot be computed again, as seconds, is named in the answer.

    Parameters
    ----------
    source : str, Path or Report
        A file of :meth:`Report.save`, the page or the JSON.
    data : str, Path or Dataset, optional
        For a report of training on images, which names its images and has a hash of them: the file they are in, where
        the library does not find them itself.
    max_patterns : int
        Most sign patterns that may be listed.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`. What was not computed in time is ``undecided``, and then so is the report.

    Returns
    -------
    Verification
        With ``holds`` true only if every claim was computed again and agrees: outputs within 1e-11 of the neurons'
        largest sum, bounds within 1e-9 of the objective.

    Raises
    ------
    InputError
        If the file is no report, cut off, of an unknown version, or holds something that fits nowhere; or if `data`
        cannot be read, or are given to a report that has its own.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from convex_core import Problem, load_dataset, solve
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "report.json"
    >>> _ = solve(Problem.from_dataset(load_dataset("edge", n=4))).report(file)
    >>> verify(file).verdict.value
    'holds'
    >>> text = file.read_text()
    >>> _ = file.write_text(text.replace('"beta": 0.1', '"beta": 0.2'))
    >>> [check.name for check in verify(file).differences][:2]
    ['seal', 'objective']
    """
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    name, report, written = _read(source)
    document = report.to_dict()
    kind = kind_of(document)
    state = kind.rebuild(document, name)
    checks = [_sealed(document)]
    if written is not None:
        checks += check_page(written, kind.page(state, document, report.text), document["made"]["convex_core"])
    for about, stage in kind.stages(state, checks, data, max_patterns):
        try:
            budget.check(about)
            within(budget, stage)
        except Interrupted:
            checks.append(Check(about, Verdict.UNDECIDED, "could not be checked in the time allowed"))
    found = tuple(checks)  # what goes on after the end is heard of no more
    verdicts = {check.verdict for check in found}
    worst = next(v for v in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS) if v in verdicts)
    return Verification(worst, found, budget.seconds, kind.records)


_OPENING, _CLOSING = '<script type="application/json" id="report">', "</script>"


def _read(source: str | FilePath | Report) -> tuple[str, Report, str | None]:
    """A name for messages, the report, and the page around it."""
    if isinstance(source, Report):
        return "report", source, None
    if not isinstance(source, (str, FilePath)):
        raise InputError(f"verify: got {type(source).__name__}, expected the path of a report, or a Report")
    file = check_file(source, MAX_FILE_BYTES)
    name = file.name[-80:]
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name}: got bytes that are no UTF-8 text, expected a report, .json or .html") from None
    except OSError as error:
        raise InputError(f"{name}: got {error.strerror or error}, expected a readable file") from error
    if not text.lstrip().startswith("<"):
        parse(text, name)
        return name, Report(text), None
    if len(text) > MAX_PAGE_CHARACTERS:
        raise InputError(f"{name}: got {len(text):,} characters, expected a page of at most {MAX_PAGE_CHARACTERS:,}")
    _, *inside = text.split(_OPENING)
    if len(inside) != 1 or _CLOSING not in inside[0]:
        raise InputError(f"{name}: got a page without a whole report in it, expected one, perhaps it is cut off")
    written = inside[0].partition(_CLOSING)[0]
    parse(written, name)
    return name, Report(written), text


def _sealed(document: dict[str, Any]) -> Check:
    if document["seal"] == seal(document):
        return Check("seal", Verdict.HOLDS, "unbroken: nothing in the file was changed after it was written")
    return Check("seal", Verdict.FAILS, "broken: something in the file was changed after it was written")

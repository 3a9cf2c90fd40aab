"""What a report holds, as one JSON object: everything that is needed to compute its claims again.

Numbers are written with all their digits, so that reading gives the same doubles. The names are those of model files
and of ``to_dict()``.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import scipy

from ..bounding import Bounds
from ..contracts.files import write_text
from ..contracts.records import record
from ..contracts.strict_json import parse, seal
from ..contracts.validation import check_arguments
from ..data import Dataset, dataset_info, dataset_names
from ..errors import InputError, SizeError
from ..networks.network import Network
from ..path import Path
from ..presentation.text import jsonable
from ..problem import Problem
from ..solution import Solution
from ..version import __version__
from .drawn import drawn_again
from .reading import FORMAT, VERSION, rebuild

__all__ = ["FORMAT", "MAX_PAGE_BYTES", "VERSION", "Report", "check_page_size", "make_report"]

#: Largest page: it is sent by mail, and opened on phones.
MAX_PAGE_BYTES = 1_000_000
#: Bytes of a page without its data, its path and its network: style, words and pictures.
_PAGE_ALONE = 150_000


@record
@dataclass(frozen=True, slots=True)
class Report:
    """A solved problem with everything that is claimed about it: as a page for people, and as JSON for machines.

    :meth:`Solution.report` makes it, and :func:`verify` computes all of it again.

    Attributes
    ----------
    text : str
        The JSON: format and version, versions of the software, data, problem, network, predictions, certificate with
        its dual vector, settings and record of the run, the path over beta if there is one, a link, and the seal.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve, verify
    >>> data = load_dataset("edge", n=4)
    >>> report = solve(Problem.from_dataset(data)).report(dataset=data)
    >>> report.to_dict()["certificate"]["scope"], len(report.html()) < 1_000_000, verify(report).holds
    ('global', True, True)
    """

    text: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON as a dictionary."""
        return parse(self.text, "report")

    def json(self) -> str:
        """The JSON, one line for each of its parts."""
        return self.text

    def html(self) -> str:
        """One page that works offline, in light and dark, on paper and on a phone; the JSON is inside.

        Raises
        ------
        SizeError
            If it would exceed :data:`MAX_PAGE_BYTES`; the JSON has no such limit.
        """
        from .kinds import kind_of  # drawing is needed here only

        document = self.to_dict()
        kind = kind_of(document)
        written = kind.page(kind.rebuild(document, "report"), document, self.text)
        if len(written.encode()) > MAX_PAGE_BYTES:
            raise _too_large(len(written.encode()))
        return written

    def save(self, target: str | FilePath) -> None:
        """Write `target`: the page where the name ends in .html, the JSON where it ends in .json.

        Raises
        ------
        InputError
            For another ending, or if the file cannot be written.
        """
        write_text(target, self.html() if ending(target) == ".html" else self.json(), "report")


def ending(target: str | FilePath, name: str = "report") -> str:
    """``.html`` or ``.json``; `name` is what a person called the file.

    Raises
    ------
    InputError
        For another one.

    Examples
    --------
    >>> ending("mine/Report.HTML")
    '.html'
    """
    suffix = FilePath(target).suffix.lower()
    if suffix not in (".html", ".json"):
        raise InputError(f"{name}: got {FilePath(target).name[-80:]!r}, expected a name that ends in .html or .json")
    return suffix


def make_report(
    solution: Solution,
    *,
    dataset: Dataset | None = None,
    options: Mapping[str, Any] | None = None,
    path: Path | None = None,
    bounds: Bounds | None = None,
    link: str | None = None,
) -> Report:
    """What :meth:`Solution.report` makes; arguments and errors as there. `bounds` is what :meth:`Bounds.report` adds.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> solution = solve(Problem([[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0], filter_size=2, beta=0.01))
    >>> make_report(solution).to_dict()["data"]["y"]
    [1.0, -1.0]
    """
    check_arguments("report", solution=(solution, Solution))
    problem = solution.problem
    if dataset is not None:
        check_arguments("report", dataset=(dataset, Dataset))
        if not np.array_equal(dataset.X, problem.X):
            raise InputError(
                f"dataset: got {dataset.name[:60]!r} with other inputs than the solution's, expected its own"
            )
    if link is not None:
        check_arguments("report", link=(link, str))
    if path is not None:
        check_arguments("report", path=(path, Path))
        if len(path) and path[0].problem.with_beta(problem.beta) != problem:
            raise InputError("path: got that of another problem, expected one of the solution's, whatever its beta")
    if bounds is not None:
        check_arguments("report", bounds=(bounds, Bounds))
        if bounds.links[-1].solution != solution:
            raise InputError("bounds: got those around another solution, expected those whose tightest program it is")
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made": made_now(),
        "data": _data(problem, dataset, options),
        "problem": problem.to_dict(),
        "network": _network(solution.network),
        "predictions": solution.predictions.tolist(),
        "certificate": _certificate(solution),
        "run": _run(solution),
        "path": None if path is None or not len(path) else _path(path),
        "link": link,
    }
    if bounds is not None:
        document["bounds"] = _bounds(bounds)
    document = jsonable(document)
    document["seal"] = seal(document)
    text = json_text(document)
    if rebuild(parse(text, "report"), "report").point.problem != problem:  # nothing is written that cannot be read
        raise InputError(
            f"report: got the architecture {problem.architecture.name!r} with the loss {problem.loss.name!r}, expected "
            "those that a name and options rebuild"
        )
    return Report(text)


def made_now() -> dict[str, str]:
    """Versions and date."""
    return {
        "convex_core": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def json_text(document: Mapping[str, Any]) -> str:
    """The document with a line for each of its parts."""
    lines = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def check_page_size(problem: Problem) -> None:
    """Refuse a problem whose data alone would make a page too large, before any time is spent on it.

    Raises
    ------
    SizeError
        Says how large.

    Examples
    --------
    >>> from convex_core import load_dataset
    >>> check_page_size(Problem.from_dataset(load_dataset("talk")))
    """
    numbers = json.dumps(problem.X.tolist())
    if len(numbers) + _PAGE_ALONE > MAX_PAGE_BYTES:
        raise _too_large(len(numbers) + _PAGE_ALONE)


def _too_large(size: int) -> SizeError:
    return SizeError(
        f"report: got a page of {size:,} bytes, data included, expected at most {MAX_PAGE_BYTES:,}; report.json has no "
        "such limit",
        predicted=size,
        limit=MAX_PAGE_BYTES,
    )


def _data(problem: Problem, dataset: Dataset | None, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The data, and how the library draws them anew if it does."""
    q = problem.architecture.q
    y = problem.y if q == 1 else problem.y.reshape(-1, q)
    source = None
    if dataset is not None and dataset.name in dataset_names() and not dataset_info(dataset.name).needs_files:
        given = dict(options or {})
        # data of the same name may have been changed, their targets alone too
        if drawn_again(problem, dataset.name, dataset.seed, given):
            source = {"dataset": dataset.name, "seed": dataset.seed, "options": given}
    return {
        "name": "unnamed data" if dataset is None else _whole(dataset.name),
        "description": "" if dataset is None else _whole(dataset.description),
        "source": source,
        "X": problem.X.tolist(),
        "y": y.tolist(),
    }


def _whole(text: str) -> str:
    """`text` as UTF-8 can write it: names of files may hold bytes that are none."""
    return text.encode("utf-8", "replace").decode()


def _network(network: Network) -> dict[str, Any]:
    arrays = network.parameters if not len(network.free) else {**network.parameters, "free": network.free}
    return {name: array.tolist() for name, array in arrays.items()}


def _certificate(solution: Solution) -> dict[str, Any]:
    """The claims; what was only proved about sampled cells is none."""
    proved = math.isfinite(solution.lower_bound)
    return {
        "objective": solution.network_objective,
        "lower_bound": solution.lower_bound,
        "relative_gap": solution.relative_gap,
        "scope": solution.scope.value,
        "status": solution.status.value,
        "exactness": solution.exactness.value,
        "active_filters": solution.active_filters,
        "patterns": solution.patterns,
        "patterns_bound": solution.patterns_bound,
        "price": solution.certificate.price if proved else None,
        "dual": solution.dual.tolist() if proved else None,
    }


def _run(solution: Solution) -> dict[str, Any]:
    seconds = solution.seconds
    return {
        "method": solution.method,
        "tol": solution.tol,
        "seed": solution.seed,
        "seconds": {stage: getattr(seconds, stage) for stage in ("patterns", "build", "solve", "certify", "total")},
        "rounds": [{"upper": item.upper, "lower": item.lower, "columns": item.columns} for item in solution.history],
    }


def _point(solution: Solution) -> dict[str, Any]:
    return {
        "tol": solution.tol,
        "method": solution.method,
        "network": _network(solution.network),
        "certificate": _certificate(solution),
    }


def _bounds(bounds: Bounds) -> dict[str, Any]:
    """The programs but for the tightest, which is the report's own, and the best network."""
    others = [link for link in bounds.programs if link is not bounds.links[-1]]
    return {
        "programs": [{"label": link.label, **_point(link.solution)} for link in others],
        "network": _network(bounds.network),
        "objective": bounds.value,
        "lower_bound": bounds.lower_bound,
        "relative_gap": bounds.relative_gap,
        "status": bounds.status.value,
    }


def _path(path: Path) -> dict[str, Any]:
    points = [{"beta": point.problem.beta, **_point(point)} for point in path]
    return {"beta_max": path.beta_max, "scope": path.beta_max_scope.value, "points": points}

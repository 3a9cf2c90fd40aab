"""What problems and answers can do besides: say themselves as text, dictionary and HTML, be drawn, be saved.

Their classes inherit it from here, so that each way of saying an answer exists once: ``to_dict()`` is what the command
line prints as JSON, ``summary()`` what it prints as text, and notebooks show the same lines. What lies above these
classes (figures, scripts, files) is imported when it is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .text import aligned, counted, html_table, jsonable, number

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..auditing import Audit
    from ..certificate import Certificate
    from ..data import Dataset
    from ..figures import Chart
    from ..path import Path
    from ..problem import Problem
    from ..reports import Report
    from ..solution import Solution

__all__ = [
    "Answer", "AuditAnswer", "CertificateAnswer", "ProblemAnswer",
    "SolutionAnswer", "drawn",
]  # fmt: skip

_Pairs = list[tuple[str, str]]


class Answer(ABC):
    """Something that can be said as lines of a name and a value, and as a dictionary."""

    __slots__ = ()

    @abstractmethod
    def lines(self) -> _Pairs:
        """What a person wants to know, in order: a name and a value each."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python, ready for :mod:`json`: numbers that are not finite are None."""

    def summary(self) -> str:
        """The lines a person wants to know, one value each."""
        return aligned(self.lines())

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self.lines())


class ProblemAnswer(Answer):
    """What a :class:`~convex_core.Problem` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """What it is, without the data: sizes, patches, architecture, loss and beta.

        Examples
        --------
        >>> from convex_core import Problem
        >>> Problem([[1.0, 2.0], [0.0, 1.0]], [1, 0], filter_size=1, beta=0.5).to_dict()["patches"]
        2
        """
        problem = cast("Problem", self)
        architecture = problem.architecture
        return {
            "n": problem.n,
            "d": architecture.geometry.d,
            "patches": architecture.geometry.K,
            **architecture.geometry.to_dict(),
            "architecture": architecture.name,
            **architecture.options,
            "loss": problem.loss.name,
            **problem.loss.options,
            "beta": problem.beta,
        }

    def network_text(self) -> str:
        """The network in one line."""
        problem = cast("Problem", self)
        architecture, geometry = problem.architecture, problem.architecture.geometry
        sizes, stride = (" x ".join(map(str, axis)) for axis in (geometry.filter_shape, geometry.stride))
        options = "".join(f", {name.replace('_', ' ')} {value}" for name, value in architecture.options.items())
        bias = f" with a {geometry.bias} bias" if geometry.biased else ""
        bias += ", a free output bias" if geometry.output_bias else ""
        return (
            f"{architecture.name} CNN{options}, filters {sizes}{bias}, stride {stride}, {geometry.padding} padding, "
            f"{counted(geometry.K, 'patch', 'patches')}, beta {problem.beta:g}"
        )

    def lines(self) -> _Pairs:
        """Samples, network, loss and word."""
        problem = cast("Problem", self)
        exactness = problem.architecture.exactness
        return [
            ("samples", f"{problem.n} of length {problem.architecture.geometry.d}"),
            ("network", self.network_text()),
            ("loss", problem.loss.name),
            ("exactness", f"{exactness}: {exactness.text}"),
        ]

    def to_script(self) -> str:
        """The convex program over every cell as a CVXPY script of its own: :func:`whole_cvxpy_script`."""
        from ..export.script import whole_cvxpy_script

        return whole_cvxpy_script(cast("Problem", self))

    def plot(self, **options: Any) -> Chart:
        """The patch matrices as a :class:`~convex_core.figures.Chart`; `options` as of the figure."""
        from ..figures import patch_matrices

        return patch_matrices(cast("Problem", self).patches, **options)


class SolutionAnswer(Answer):
    """What a :class:`~convex_core.Solution` can do."""

    __slots__ = ()

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Outputs of the network for new inputs, (n,) or (n, q): :meth:`Network.predict`.

        Examples
        --------
        >>> from convex_core import Problem, solve
        >>> X, y = [[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0]
        >>> solution = solve(Problem(X, y, filter_size=2, beta=0.01))
        >>> bool(abs(solution.predict(X) - solution.predictions).max() < 1e-12)
        True
        """
        return cast("Solution", self).network.predict(X)

    def save(self, target: str | FilePath | IO[bytes]) -> None:
        """Write a model file: :func:`save_model`."""
        from ..export.model import save_model

        save_model(target, cast("Solution", self))

    def report(
        self,
        target: str | FilePath | None = None,
        *,
        dataset: Dataset | None = None,
        options: Mapping[str, Any] | None = None,
        path: Path | None = None,
        link: str | None = None,
    ) -> Report:
        """A report: data, program, pictures, certificate and how to make it again; :func:`verify` checks it.

        Parameters
        ----------
        target : str or Path, optional
            Where to write it: the page where the name ends in .html, the JSON where it ends in .json.
        dataset : Dataset, optional
            What the data are called, and where they come from.
        options : mapping, optional
            With which :func:`load_dataset` was asked for it, besides name and seed.
        path : Path, optional
            The path over beta of the same problem, to be shown and certified too.
        link : str, optional
            Address that shows the same state.

        Raises
        ------
        InputError
            If dataset or path belong to another problem, or if the file cannot be written.
        SizeError
            If the page would be too large; the JSON has no limit.

        Examples
        --------
        >>> from convex_core import Problem, solve
        >>> solution = solve(Problem([[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0], filter_size=2, beta=0.01))
        >>> solution.report().to_dict()["certificate"]["status"]
        'optimal'
        """
        from ..reports import make_report

        made = make_report(cast("Solution", self), dataset=dataset, options=options, path=path, link=link)
        if target is not None:
            made.save(target)
        return made

    def to_script(self) -> str:
        """The convex program over the cells in use as a CVXPY script of its own: :func:`cvxpy_script`."""
        from ..export.script import used_cells_script

        solution = cast("Solution", self)
        return used_cells_script(solution.problem, solution.active)

    def to_dict(self) -> dict[str, Any]:
        """Bounds, words, counts and seconds, and the problem; the network is in a model file, and in :attr:`network`.

        Examples
        --------
        >>> from convex_core import Problem, solve
        >>> answer = solve(Problem([[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0], filter_size=2, beta=0.01)).to_dict()
        >>> answer["status"], answer["scope"], answer["n"]
        ('optimal', 'global', 2)
        """
        solution = cast("Solution", self)
        seconds = solution.seconds
        values = {
            "objective": solution.objective,
            "lower_bound": solution.lower_bound,
            "relative_gap": solution.relative_gap,
            "scope": solution.scope.value,
            "status": solution.status.value,
            "exactness": solution.exactness.value,
            "patterns": solution.patterns,
            "patterns_bound": solution.patterns_bound,
            "active_filters": solution.active_filters,
            "network_objective": solution.network_objective,
            "rounds": solution.rounds,
            "seconds": {k: getattr(seconds, k) for k in ("patterns", "build", "solve", "certify", "total", "cpu")},
            "method": solution.method,
            "tol": solution.tol,
            **solution.problem.to_dict(),
        }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> _Pairs:
        """Network, objective, bounds, words, counts and seconds."""
        solution = cast("Solution", self)
        seconds = solution.seconds
        patterns = "not listed" if solution.patterns is None else f"{solution.patterns:,}"
        return [
            ("network", solution.problem.network_text()),
            ("objective", f"{number(solution.objective, 10)} convex, {number(solution.network_objective, 10)} network"),
            ("lower bound", f"{number(solution.lower_bound, 10)} ({solution.scope}: {solution.scope.text})"),
            ("relative gap", number(solution.relative_gap, 3)),
            ("status", f"{solution.status}: {solution.status.text}"),
            ("exactness", f"{solution.exactness}: {solution.exactness.text}"),
            ("patterns", f"{patterns} (bound {solution.patterns_bound:,})"),
            ("active filters", str(solution.active_filters)),
            ("method", f"{solution.method}, {counted(solution.rounds, 'round')}"),
            (
                "seconds",
                f"{seconds.total:.2f} (patterns {seconds.patterns:.2f}, build {seconds.build:.2f}, "
                f"solve {seconds.solve:.2f}, certify {seconds.certify:.2f})",
            ),
        ]

    def plot(self, what: str = "filters", **options: Any) -> Chart:
        """A picture: the ``filters``, their ``norms``, the ``bounds``, the ``seconds``, or what some networks have.

        Those are the ``atoms`` of thresholds, the ``reconstructions`` of an autoencoder, the ``skip`` connection as two
        ReLUs, and the ``directions`` of filters behind batch normalisation.

        Parameters
        ----------
        what : str
            Which picture.
        **options
            As of the figure, for example ``colours``.

        Raises
        ------
        InputError
            If there is no such picture.
        """
        from .. import figures

        solution = cast("Solution", self)
        pictures: Mapping[str, Any] = {
            "filters": lambda: figures.network_filters(solution.network, **options),
            "norms": lambda: figures.filter_norms(solution.network, **options),
            "bounds": lambda: figures.bounds(solution.history, scope=solution.scope, **options),
            "seconds": lambda: figures.seconds(solution, **options),
            "atoms": lambda: figures.threshold_atoms(solution, **options),
            "skip": lambda: figures.skip_as_two_relus(solution, **options),
            "directions": lambda: figures.normalised_directions(solution, **options),
            "reconstructions": lambda: figures.reconstructions(
                solution.network, options.pop("X", solution.problem.X), **options
            ),
        }
        return drawn(what, pictures)


class CertificateAnswer(Answer):
    """What a :class:`~convex_core.Certificate` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Bounds and words."""
        c = cast("Certificate", self)
        values = {
            "objective": c.objective,
            "lower_bound": c.lower_bound,
            "relative_gap": c.relative_gap,
            "scope": c.scope.value,
            "status": c.status.value,
            "exactness": c.exactness.value,
            "patterns": c.patterns,
            "restricted_lower_bound": c.restricted_lower_bound,
            "tau": c.tau,
        }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> _Pairs:
        """Objective, bounds and words."""
        c = cast("Certificate", self)
        return [
            ("objective", number(c.objective, 10)),
            ("lower bound", f"{number(c.lower_bound, 10)} ({c.scope}: {c.scope.text})"),
            ("relative gap", number(c.relative_gap, 3)),
            ("status", f"{c.status}: {c.status.text}"),
            ("exactness", f"{c.exactness}: {c.exactness.text}"),
        ]


class AuditAnswer(Answer):
    """What an :class:`~convex_core.Audit` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The certificate, and what the network's own patterns allow."""
        audit = cast("Audit", self)
        values = {
            **audit.certificate.to_dict(),
            "own_objective": audit.own_objective,
            "own_patterns": 0 if audit.own is None else audit.own.certificate.patterns,
            "filters": audit.network.m,
        }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> _Pairs:
        """The certificate's, and the optimum over the network's own patterns."""
        audit = cast("Audit", self)
        objective, bound, gap, *words = audit.certificate.lines()
        own = f"{number(audit.own_objective, 10)} is the optimum over the network's own sign patterns"
        return [objective, bound, gap, ("own patterns", own), *words]

    def plot(self, **options: Any) -> Chart:
        """The network's filters as a :class:`~convex_core.figures.Chart`; `options` as of the figure."""
        from ..figures import network_filters

        return network_filters(cast("Audit", self).network, **options)


def drawn(what: str, pictures: Mapping[str, Any]) -> Chart:
    """The picture that `what` is the name of."""
    if what not in pictures:
        raise InputError(f"plot: got {what!r}, expected one of {', '.join(pictures)}")
    return cast("Chart", pictures[what]())

"""What answers over several problems can do: paths over beta, their end, and bounds by several programs.

As in :mod:`.answers`, what lies above these classes is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .answers import Answer, drawn
from .text import jsonable, number, table

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..bounding.links import Bounds
    from ..data import Dataset
    from ..figures import Chart
    from ..interpolation import MinimumNorm
    from ..path import Path
    from ..reports import Report

__all__ = ["BoundsAnswer", "MinimumNormAnswer", "PathAnswer"]

_Pairs = list[tuple[str, str]]


class PathAnswer(Answer):
    """What a :class:`~convex_core.Path` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Every point with its bounds, norms, filters and weights."""
        path = cast("Path", self)
        values: dict[str, Any] = {
            "beta_max": path.beta_max,
            "beta_max_scope": path.beta_max_scope.value,
            "betas": path.betas,
            "objective": path.objective,
            "lower_bound": path.lower_bound,
            "relative_gap": path.relative_gap,
            "active_filters": path.active_filters,
            "filter_norms": path.filter_norms,
            "filters": [s.network.filters for s in path],
            "weights": [s.network.weights for s in path],
            "point_status": [s.status.value for s in path],
            "point_seconds": [s.seconds.total for s in path],
            "scope": path.scope.value,
            "status": path.status.value,
            "points_requested": len(path.requested),
            "seconds": path.seconds,
        }
        if len(path):
            first = path[0]
            values |= {
                "exactness": first.exactness.value,
                "patterns": first.patterns,
                "patterns_bound": first.patterns_bound,
                "method": first.method,
                **{key: value for key, value in first.problem.to_dict().items() if key != "beta"},
            }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> _Pairs:
        """Where it begins, words, points and seconds."""
        path = cast("Path", self)
        return [
            ("beta max", f"{number(path.beta_max, 10)} ({path.beta_max_scope}): the zero network from here on"),
            ("scope", f"{path.scope}: {path.scope.text}"),
            ("status", f"{path.status}: {path.status.text}"),
            ("points", f"{len(path)} of {len(path.requested)}"),
            ("seconds", f"{path.seconds:.2f}"),
        ]

    def summary(self) -> str:
        """The lines a person wants to know, and a row for every point."""
        rows = [
            (
                number(s.problem.beta, 6),
                number(s.network_objective, 10),
                number(s.lower_bound, 10),
                number(s.relative_gap, 3),
                str(s.active_filters),
                f"{s.seconds.total:.2f}",
            )
            for s in cast("Path", self)
        ]
        points = table(("beta", "objective", "lower bound", "relative gap", "filters", "seconds"), rows)
        return f"{super().summary()}\n\n{points}"

    def plot(self, what: str = "norms", **options: Any) -> Chart:
        """A picture of it: the ``norms`` of the filters along beta, the ``objective``, or the ``knots`` of a spline."""
        from .. import figures

        path = cast("Path", self)
        pictures: Mapping[str, Any] = {
            "norms": lambda: figures.norm_map(path, **options),
            "objective": lambda: figures.objective_path(path, **options),
            "knots": lambda: figures.spline_knots(path, **options),
        }
        return drawn(what, pictures)


class MinimumNormAnswer(Answer):
    """What :class:`~convex_core.MinimumNorm` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Norm, bound, misfit, the values over beta, the network and the problem."""
        found = cast("MinimumNorm", self)
        problem = {name: value for name, value in found.solution.problem.to_dict().items() if name != "beta"}
        values = {
            "norm": found.norm,
            "lower_bound": found.lower_bound,
            "relative_gap": found.relative_gap,
            "misfit": found.misfit,
            "margin": found.margin,
            "betas": found.betas,
            "values": found.values,
            "filters": found.network.filters,
            "weights": found.network.weights,
            "free": found.network.free,
            "scope": found.solution.scope.value,
            "exactness": found.solution.exactness.value,
            "status": found.status.value,
            "seconds": found.seconds,
            **problem,
        }
        return cast("dict[str, Any]", jsonable(values))

    def plot(self, **options: Any) -> Chart:
        """The way to the norm, beta falling, as a :class:`~convex_core.figures.Chart`; `options` as of the figure."""
        from ..figures import least_norm

        return least_norm(cast("MinimumNorm", self), **options)

    def lines(self) -> _Pairs:
        """The norm between its bounds, and how well it fits."""
        found = cast("MinimumNorm", self)
        fit = "the smallest margin misses 1 by" if found.margin else "the outputs miss the targets by"
        return [
            ("least norm", f"{number(found.norm, 10)}, no less than {number(found.lower_bound, 10)}"),
            ("gap", f"{found.relative_gap:.1e}"),
            ("fit", f"{fit} {found.misfit:.1e} at most"),
            ("filters", f"{found.network.m}"),
            ("scope", f"{found.solution.scope}: {found.solution.scope.text}"),
            ("exactness", f"{found.solution.exactness}: {found.solution.exactness.text}"),
            ("status", f"{found.status}: {found.status.text}"),
            ("seconds", f"{found.seconds:.2f}"),
        ]


class BoundsAnswer(Answer):
    """What :class:`~convex_core.Bounds` can do."""

    __slots__ = ()

    def _values(self) -> list[tuple[str, float, str]]:
        bounds = cast("Bounds", self)
        links = [(link.label, link.value, str(link.exactness)) for link in bounds.links]
        above = bounds.ceiling
        ceiling = [] if above is None else [(above.label, above.solution.network_objective, "network")]
        return [*links, ("best network", bounds.value, "network"), *ceiling]

    def to_dict(self) -> dict[str, Any]:
        """Every program with its value and its word, and the best network's objective."""
        bounds = cast("Bounds", self)
        values = {
            "links": [{"label": label, "value": value, "meaning": word} for label, value, word in self._values()],
            "lower_bound": bounds.lower_bound,
            "value": bounds.value,
            "relative_gap": bounds.relative_gap,
        }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> _Pairs:
        """Every program and the network."""
        bounds = cast("Bounds", self)
        lines = [(label, f"{number(value, 10)} ({word})") for label, value, word in self._values()]
        return [
            *lines,
            ("lower bound", number(bounds.lower_bound, 10)),
            ("relative gap", number(bounds.relative_gap, 3)),
        ]

    def report(
        self,
        target: str | FilePath | None = None,
        *,
        dataset: Dataset | None = None,
        options: Mapping[str, Any] | None = None,
        link: str | None = None,
    ) -> Report:
        """A report of all bounds and the best network, with that of the tightest program; :func:`verify` checks it.

        Parameters and errors are those of :meth:`Solution.report`.

        Examples
        --------
        >>> from convex_core import CircularCNN, Problem, bounds, patch_geometry, verify
        >>> cnn = CircularCNN(patch_geometry((3,), 2, padding="circular"))
        >>> found = bounds(Problem([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0]], [1.0, -1.0], architecture=cnn, beta=0.1))
        >>> report = found.report()
        >>> [program["label"] for program in report.to_dict()["bounds"]["programs"]], verify(report).holds
        (['spectral', 'filters of length 1'], True)
        """
        from ..reports import make_report

        bounds = cast("Bounds", self)
        made = make_report(bounds.links[-1].solution, dataset=dataset, options=options, bounds=bounds, link=link)
        if target is not None:
            made.save(target)
        return made

    def plot(self, **options: Any) -> Chart:
        """The chain of values as a :class:`~convex_core.figures.Chart`; `options` as of the figure."""
        from ..figures.sandwich import sandwich

        labels, values, words = zip(*self._values(), strict=True)
        return sandwich(labels, values, words, **options)

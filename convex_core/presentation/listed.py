"""What answers over a list can do besides: be saved, say themselves as a dictionary and as text."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

from ..errors import InputError
from .answers import Answer
from .text import jsonable, number

if TYPE_CHECKING:
    from pathlib import Path

    from ..lists.solution import ListedSolution

__all__ = ["ListedAnswer"]


class ListedAnswer(Answer):
    """What a :class:`~convex_core.lists.ListedSolution` can do."""

    __slots__ = ()

    def save(self, target: str | Path | IO[bytes]) -> None:
        """Write a model file: :func:`convex_core.export.listed.save_listed` with the numbers of the certificate."""
        from ..export.listed import save_listed

        solution = cast("ListedSolution", self)
        c = solution.certificate
        save_listed(target, solution.network, beta=c.beta, objective=c.objective, lower_bound=c.lower_bound)

    def to_script(self) -> str:
        """Refused: a script of its own would need the whole list and all columns of the data.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            "to_script: got a network over a list, expected one over cells: its columns are not written out; save() "
            "keeps the network and both bounds"
        )

    def to_dict(self) -> dict[str, Any]:
        """Bounds, words, sizes and how beta was chosen; the network is in a model file."""
        solution = cast("ListedSolution", self)
        network, c = solution.network, solution.certificate
        values = {
            "objective": c.objective,
            "lower_bound": c.lower_bound,
            "relative_gap": c.relative_gap,
            "scope": c.scope.value,
            "status": solution.status.value,
            "beta": c.beta,
            "listed": c.listed,
            "gated": c.gated,
            "price": c.price,
            "looked": c.looked,
            "active_filters": network.m,
            "outputs": network.q,
            "pooling": network.grid.pooling,
            "pooling_cuts": network.grid.cuts,
            **network.geometry.to_dict(),
            "iterations": solution.iterations,
            "rounds": solution.rounds,
            "seconds": solution.seconds,
            "seed": solution.seed,
            "path": [
                {"beta": p.beta, "measure": p.measure, "active": p.active, "relative_gap": p.relative_gap}
                for p in solution.path
            ],
        }
        return cast("dict[str, Any]", jsonable(values))

    def lines(self) -> list[tuple[str, str]]:
        """Network, bounds, words and counts."""
        solution = cast("ListedSolution", self)
        network, c = solution.network, solution.certificate
        size = " x ".join(map(str, network.geometry.filter_shape))
        return [
            ("network", f"{network.m} filters {size}, {network.grid.R} regions, {network.q} outputs"),
            ("objective", number(c.objective, 10)),
            ("lower bound", f"{number(c.lower_bound, 10)} ({c.scope}: {c.scope.text})"),
            ("relative gap", number(c.relative_gap, 3)),
            ("status", f"{solution.status}: {solution.status.text}"),
            ("certificate", c.text),
            ("beta", f"{c.beta:g}, {'chosen among ' + str(len(solution.path)) if solution.path else 'given'}"),
            ("seconds", f"{solution.seconds:.2f}"),
        ]

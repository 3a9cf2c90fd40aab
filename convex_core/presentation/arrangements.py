"""What arrangements can do besides: say themselves as text, dictionary and HTML, and be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .answers import Answer

if TYPE_CHECKING:
    from ..arrangement import Arrangement
    from ..figures import Chart

__all__ = ["ArrangementAnswer"]


class ArrangementAnswer(Answer):
    """What an :class:`~convex_core.Arrangement` can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Counts, without the patterns themselves."""
        arrangement = cast("Arrangement", self)
        N, h = arrangement.rows.shape
        return {
            "rows": N,
            "dimension": h,
            "hyperplanes": len(arrangement.merged.rows),
            "rank": arrangement.rank,
            "patterns": arrangement.count,
            "certified": bool(arrangement.certified),
            "seconds": arrangement.seconds,
        }

    def lines(self) -> list[tuple[str, str]]:
        """Rows, hyperplanes, patterns and seconds."""
        found = self.to_dict()
        certain = "certified" if found["certified"] else "not certified"
        return [
            ("rows", f"{found['rows']:,} in R^{found['dimension']}"),
            ("hyperplanes", f"{found['hyperplanes']:,}, rank {found['rank']}"),
            ("sign patterns", f"{found['patterns']:,} ({certain})"),
            ("seconds", f"{found['seconds']:.2f}"),
        ]

    def plot(self, **options: Any) -> Chart:
        """The cells as a circle (rows of two entries) or on a sphere (of three); `options` as of :func:`scene_of`."""
        from ..figures.arrangement.view import view

        return view(cast("Arrangement", self), **options)

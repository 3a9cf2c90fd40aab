"""What a report says about the programs around a network's optimum: in a sentence, in a picture and in a table."""

from __future__ import annotations

from html import escape

from ..presentation.text import counted, number
from ..status import Status
from .drawing import Drawing, Scale, ticks
from .pictures import WIDTH, Picture
from .state import Around, Point, State
from .words import PROVED, gap, percent

__all__ = ["headline", "lead", "section", "values"]

ROW = 26.0


def headline(around: Around) -> str:
    """The verdict in one line."""
    what = counted(around.network.m, "neuron")
    if around.relative_gap is None:
        return f"{what}, an upper bound only"
    if around.relative_gap <= PROVED:
        return f"{what}, proved best"
    return f"{what}, at most {percent(around.relative_gap)} from the best"


def lead(around: Around) -> str:
    """What that means, for somebody who reads one paragraph."""
    best = f"The best network that was found has the objective {number(around.objective, 10)}."
    if around.lower_bound is None:
        return f"{best} Not every cell of the convex programs was covered, so that nothing is proved about others."
    count = counted(len(around.below) + 1, "convex program")
    meet = " Both meet, so that it is the optimum." if around.status is Status.OPTIMAL else ""
    return (
        f"{best} By {count} around it no network of this kind, whatever its number of neurons, can have less than "
        f"{number(around.lower_bound, 10)}.{meet}"
    )


def values(state: State) -> list[tuple[str, str, float | None]]:
    """Label, what it is, and value of every bound and network, from below to above."""
    around = state.around
    assert around is not None
    below = [*around.below, (around.label, state.point)]
    rows: list[tuple[str, str, float | None]] = [
        (label, f"lower bound, program {point.claims.exactness}", point.claims.lower_bound) for label, point in below
    ]
    rows.append(("best network", "upper bound", around.objective))
    if around.above is not None:
        rows.append((around.above[0], "network, upper bound", around.above[1].claims.objective))
    return rows


def section(state: State) -> str:
    """All bounds, as a picture and as a table."""
    around = state.around
    assert around is not None
    drawn = _picture(state)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "what", "value", "gap to its network", "blocks"))
    points = dict((*around.programs, (around.label, state.point)))
    body = "".join(_row(label, what, value, points.get(label)) for label, what, value in values(state))
    return (
        '<section aria-labelledby="bounds">\n<h2 id="bounds">Bounds around the optimum</h2>\n'
        f'<div class="pictures">\n<figure>\n<figcaption><p>{escape(drawn.note)}</p></figcaption>\n{drawn.svg}\n'
        f'</figure>\n<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'
        "</div>\n"
        f"<p>What follows is about the tightest program, {escape(around.label)}, and the network of its solution.</p>\n"
        "</section>"
    )


def _row(label: str, what: str, value: float | None, point: Point | None) -> str:
    own = ("–", "–") if point is None else (gap(point.claims.relative_gap), str(point.claims.active_filters))
    cells = (what, "–" if value is None else number(value, 10), *own)
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'


def _picture(state: State) -> Picture:
    """A row for each bound: below the optimum in one colour, networks in the other, the band between shaded."""
    rows = values(state)
    known = [value for _, _, value in rows if value is not None]
    around = state.around
    assert around is not None
    low, high = min(known), max(known)
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    bottom = ROW * len(rows) + 8
    drawing = Drawing(WIDTH, bottom + 38)
    x = Scale(low - pad, high + pad, 132, WIDTH - 14)
    if around.lower_bound is not None:
        drawing.rect(x(around.lower_bound), 4, x(around.objective) - x(around.lower_bound), bottom - 4, "bar")
    at = ticks(low - pad, high + pad, 4)
    for mark in at:
        drawing.line(x(mark), 4, x(mark), bottom, "hair")
    for place, (label, what, value) in enumerate(rows):
        y = ROW * place + 18
        drawing.text(124, y + 4, label, "label", "end")
        if value is not None:
            drawing.circle(x(value), y, 5, "ring" if "upper" in what else "dot convex")
    drawing.axis_x(x, bottom, at, [f"{mark:g}" for mark in at], "objective")
    note = "Dots are proved lower bounds of convex programs, rings are networks: the optimum lies between them."
    alt = "; ".join(f"{label}, {what}: {'none' if value is None else f'{value:.6g}'}" for label, what, value in rows)
    return Picture("Bounds", note, drawing.svg(alt))

"""The curves of training runs above the certified optimum: their axes, the bounds as lines, and the replay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import draft
from .chart import blank, log_ticks
from .colours import Palette

__all__ = [
    "FLOOR",
    "FRAMES",
    "curves",
    "excess",
    "has_excess",
    "optimum_text",
    "replay",
    "row_name",
    "shown_values",
    "upper_name",
]

#: Steps of the replay.
FRAMES = 40
#: An excess below this is drawn here: it is rounding, and a logarithmic axis has no zero.
FLOOR = 1e-12
#: Relative gap within which bounds are one line on the screen, and the upper one is called the certified optimum.
ONE_LINE = 1e-4
#: Room below the lowest line for its name, as a share of the room above it.
NAME_SHARE = 0.28

_Array = NDArray[np.float64]


def has_excess(lower: float) -> bool:
    """Whether an excess can be measured: from a proved lower bound above zero.

    Examples
    --------
    >>> has_excess(0.25), has_excess(0.0), has_excess(-math.inf)
    (True, False, False)
    """
    return 0.0 < lower < math.inf


def excess(objective: ArrayLike, lower: float) -> _Array:
    """``(P - L) / L``: how far objectives P are, at most, above the optimum, as a share of it.

    L is the proved lower bound. The optimum P* lies above it, so that the true excess ``(P - P*) / P*`` is no larger;
    with a certified optimum the two differ by its relative gap. Measured from L no training can look better than the
    optimum.

    Parameters
    ----------
    objective : array_like
        Objectives, of any shape.
    lower : float
        The proved lower bound, > 0.

    Raises
    ------
    InputError
        If there is no such bound, or it is not above zero.

    Examples
    --------
    >>> excess([1.5, 1.0], 1.0).tolist()
    [0.5, 0.0]
    """
    if not has_excess(lower):
        raise InputError(f"lower: got {lower}, expected a proved lower bound above zero to measure an excess from")
    return (np.asarray(objective, dtype=np.float64) - lower) / lower


def row_name(seed: int | str) -> str:
    """What a curve is called: by its seed, or by its own name.

    Examples
    --------
    >>> row_name(3), row_name("Adam")
    ('seed 3', 'Adam')
    """
    return seed if isinstance(seed, str) else f"seed {seed}"


def shown_values(values: _Array, lower: float, relative: bool) -> _Array:
    """What is drawn: objectives, or the excess, which a logarithmic axis shows from `FLOOR` on."""
    return np.maximum(excess(values, lower), FLOOR) if relative else values


def curves(
    values: _Array,
    x: _Array,
    seeds: Sequence[int | str],
    upper: float,
    lower: float,
    relative: bool,
    reach: float,
    colours: Palette,
) -> tuple[Any, str]:
    """The figure with a line for each seed and for the bounds, and how the seeds end, in words."""
    figure = blank(400, bottom=96, top=48)
    shown = shown_values(values, lower, relative)
    for s, seed in enumerate(seeds):
        colour, dash = colours.line(s)
        figure.add_trace(
            draft.Scatter(
                x=x[s],
                y=shown[s],
                name=row_name(seed),
                mode="lines",
                line={"color": colour, "width": 1.8, "dash": dash},
                customdata=values[s],
                hovertemplate=f"{row_name(seed)}, %{{x:.4g}}: %{{customdata:.6g}}"
                + (", %{y:.3%} above" if relative else "")
                + "<extra></extra>",
            )
        )
    if relative:
        _excess_axis(figure, shown, upper, lower, reach, colours)
        return figure, _ending_above(shown, upper, lower)
    _bounds(figure, float(x.min()), reach, upper, lower, colours)
    bottom = _axes(figure, values, upper, colours)
    names = [f"{upper_name(upper, lower)} {upper:.4g}"]
    level = upper
    if math.isfinite(lower) and not _certified(upper, lower):
        names.append(f"dashed: proved lower bound {lower:.4g}")
        level = max(lower, bottom)
    _name_line(figure, reach, math.log10(level) if upper > 0.0 else level, names, colours)
    return figure, _ending(values)


def _certified(upper: float, lower: float) -> bool:
    """Whether the bounds are so close that they are one line."""
    return math.isfinite(lower) and upper - lower <= ONE_LINE * abs(upper)


def upper_name(upper: float, lower: float) -> str:
    """What the upper bound is called: the certified optimum where the lower one is the same line."""
    if _certified(upper, lower):
        return "certified optimum"
    return "best network of the convex program" if math.isfinite(lower) else "convex value (restricted)"


def _bounds(figure: Any, start: float, stop: float, upper: float, lower: float, colours: Palette) -> None:
    lines = [(upper_name(upper, lower), upper, "solid", 2.6)]
    if math.isfinite(lower):
        lines.append(("proved lower bound", lower, "dash", 1.6))
    for name, value, dash, width in lines:
        figure.add_trace(
            draft.Scatter(
                x=[start, stop],
                y=[value, value],
                name=name,
                mode="lines",
                showlegend=False,
                line={"color": colours.convex, "width": width, "dash": dash},
                hovertemplate=f"{name}: %{{y:.8g}}<extra></extra>",
            )
        )


def _name_line(figure: Any, right: float, level: float, lines: Sequence[str], colours: Palette) -> None:
    """Names below a line, where no curve is: a legend that holds so long a name has one column on a phone."""
    figure.add_annotation(
        x=right, y=level, text="<br>".join(lines), showarrow=False, xanchor="right", yanchor="top", align="right",
        font={"color": colours.convex, "size": 12},
    )  # fmt: skip


def _excess_axis(figure: Any, shown: _Array, upper: float, lower: float, reach: float, colours: Palette) -> None:
    """Decades in per cent, from below the lowest curve on, and the convex program's own excess: its gap."""
    gap = float(shown_values(np.array([upper]), lower, True)[0])
    seen = shown[np.isfinite(shown)]
    least, most = float(seen.min(initial=1.0)), float(seen.max(initial=FLOOR))
    low, high = math.floor(math.log10(0.6 * least)), math.log10(1.3 * max(most, 10.0 * least))
    low = max(low, math.floor(high) - 9)
    off = gap < 10.0**low
    name, level = upper_name(upper, lower), max(gap, 10.0**low)
    words = f"proved within {gap:.0e}, below this axis" if off else f"proved within {100.0 * gap:.2g} %"
    _name_line(figure, reach, math.log10(level), [f"{name},", words], colours)
    figure.add_trace(
        draft.Scatter(
            x=[0.0, reach],
            y=[level] * 2,
            name=name,
            mode="lines",
            showlegend=False,
            cliponaxis=False,
            line={"color": colours.convex, "width": 2.6, "dash": "dash" if off else "solid"},
            hovertemplate=f"{upper_name(upper, lower)}: at most {gap:.2e} above the optimum<extra></extra>",
        )
    )
    ticks, _ = log_ticks(10.0**low, 10.0**high)
    what = "excess over the optimum" if _certified(upper, lower) else "excess over the proved lower bound"
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text=what,
        type="log",
        range=[low - NAME_SHARE * (high - low), high],
        gridcolor=colours.faint,
        zeroline=False,
        tickvals=ticks,
        ticktext=[f"{100.0 * tick:g} %" for tick in ticks],
    )


def _ending_above(shown: _Array, upper: float, lower: float) -> str:
    ends = _ends(shown)
    if not len(ends):
        return "has diverged"
    least, most = (f"{100.0 * end:.3g} %" for end in (ends.min(), ends.max()))
    if _certified(upper, lower):
        return f"ends {least} to {most} above the optimum"
    return f"ends at most {least} to {most} above the optimum, measured from the proved lower bound,"


def _axes(figure: Any, values: _Array, upper: float, colours: Palette) -> float:
    """Logarithmic objective with a range that shows the plateau; the first steps may leave it.

    Returns the least value above the room for names.
    """
    ends = _ends(values)
    if upper <= 0.0:
        # the zero network is perfect: a logarithm has no place for it
        top = float(np.nanmax(values, initial=0.0, where=np.isfinite(values))) or 1.0
        figure.update_xaxes(showgrid=False, zeroline=False)
        figure.update_yaxes(
            title_text="training objective",
            range=[-NAME_SHARE * top, 1.04 * top],
            gridcolor=colours.faint,
            zeroline=False,
        )
        return 0.0
    first = float(np.nanmax(values)) if np.isfinite(values).any() else 2.0 * upper
    top = min(first, max(20.0 * upper, 1.5 * float(np.max(ends, initial=upper))))
    span = math.log10(top / upper) or 1.0
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text="training objective",
        type="log",
        range=[math.log10(upper) - (0.06 + NAME_SHARE) * span, math.log10(upper) + 1.04 * span],
        gridcolor=colours.faint,
        zeroline=False,
        dtick="D2" if span < 2.5 else 1,
        tickformat=".3~g",
    )
    return upper * math.pow(10.0, -0.06 * span)


def _ends(values: _Array) -> _Array:
    last: _Array = values[:, -1]
    return last[np.isfinite(last)]


def _ending(values: _Array) -> str:
    ends = _ends(values)
    return f"ends at {ends.min():.6g} to {ends.max():.6g}" if len(ends) else "has diverged"


def optimum_text(upper: float, lower: float) -> str:
    """The end of a sentence: what is known of the optimum."""
    if math.isfinite(lower) and not _certified(upper, lower):
        return f"the optimum is proved to lie between {lower:.8g} and {upper:.8g}."
    if math.isfinite(lower):
        return f"the certified optimum is {upper:.8g}, at least {lower:.8g} is proved."
    return f"the convex value over sampled patterns is {upper:.8g}, without a lower bound."


def replay(figure: Any, values: _Array, steps: _Array, colours: Palette) -> None:
    """Play, pause and a slider whose frames reveal the curves up to a moment."""
    S, T = values.shape
    stops = np.unique(np.linspace(1, T, min(FRAMES, T)).round().astype(int))
    figure.frames = [
        draft.Frame(
            name=str(int(steps[stop - 1])),
            traces=list(range(S)),
            data=[draft.Scatter(x=steps[:stop], y=values[s, :stop]) for s in range(S)],
        )
        for stop in stops
    ]
    play = {"frame": {"duration": 60, "redraw": False}, "transition": {"duration": 0}, "fromcurrent": True}
    still = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "y": 0,
                "xanchor": "left",
                "yanchor": "top",
                # in pixels, not in shares of a height that a phone has less of
                "pad": {"t": 52},
                "buttons": [
                    {"label": "▶", "method": "animate", "args": [None, play]},
                    {"label": "❚❚", "method": "animate", "args": [[None], still]},
                ],
            }
        ],
        sliders=[
            {
                "active": len(stops) - 1,
                "x": 0,
                "len": 1,
                "y": 0,
                "pad": {"t": 38, "l": 110},
                "currentvalue": {
                    "prefix": "iteration ",
                    "xanchor": "right",
                    "font": {"size": 13, "color": colours.ink},
                },
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "bgcolor": colours.sgd,
                "activebgcolor": colours.sgd,
                "bordercolor": colours.sgd,
                "ticklen": 0,
                "minorticklen": 0,
                "steps": [
                    {"label": frame["name"], "method": "animate", "args": [[frame["name"]], still]}
                    for frame in figure.frames
                ],
            }
        ],
    )

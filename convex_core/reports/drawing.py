"""Small drawings as inline SVG: coordinates with one decimal, colours by class, so that a page decides on the theme."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drawing", "Scale", "ticks"]

_Array = NDArray[np.float64]

#: Shades of each sign in a picture of numbers.
SHADES = 16


class Scale:
    """From numbers to places, straight or logarithmic."""

    def __init__(self, low: float, high: float, start: float, end: float, *, log: bool = False) -> None:
        self.log = log
        low, high = (math.log10(low), math.log10(high)) if log else (low, high)
        if not high > low:
            low, high = low - 0.5, high + 0.5
        self._low, self._high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The place of a number."""
        place = math.log10(value) if self.log else value
        return self._start + (place - self._low) / (self._high - self._low) * (self._end - self._start)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two, at most about as many as `most`.

    Examples
    --------
    >>> ticks(0.0, 1.0), ticks(-3.0, 7.0)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-2.0, 0.0, 2.0, 4.0, 6.0])
    """
    span = high - low
    if not span > 0.0:
        return [low]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


class Drawing:
    """An SVG in the making, `width` x `height` units."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        self._parts.append(f'<path class="{kind}" d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"/>')

    def curve(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Straight from one point to the next."""
        places = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._parts.append(f'<path class="{kind}" d="M{places}"/>')

    def circle(self, x: float, y: float, r: float, kind: str) -> None:
        """A dot or a ring."""
        self._parts.append(f'<circle class="{kind}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}"/>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A rectangle."""
        self._parts.append(
            f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0.0))}" height="{_n(height)}"/>'
        )

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """A line of text."""
        name = f' class="{kind}"' if kind else ""
        end = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(f'<text{name} x="{_n(x)}" y="{_n(y)}"{end}>{escape(words)}</text>')

    def cells(self, values: _Array, x: float, y: float, size: float, extent: float, *, frame: bool = True) -> None:
        """A matrix (rows, columns) as squares of side `size`: a colour for each sign, stronger where larger."""
        rows, columns = values.shape
        if frame:
            self.rect(x, y, columns * size, rows * size, "frame")
        share = np.nan_to_num(np.clip(values / extent, -1.0, 1.0)) if extent > 0.0 else np.zeros_like(values)
        shades = np.round(share * SHADES).astype(int)
        for shade in (int(s) for s in np.unique(shades) if s):
            squares = "".join(
                f"M{_n(x + j * size)} {_n(y + i * size)}h{_n(size)}v{_n(size)}h-{_n(size)}z"
                for i, j in zip(*np.nonzero(shades == shade), strict=True)
            )
            kind = "positive" if shade > 0 else "negative"
            self._parts.append(f'<path class="cell {kind}" fill-opacity="{abs(shade) / SHADES:.2g}" d="{squares}"/>')

    def axis_x(self, scale: Scale, y: float, at: Sequence[float], words: Sequence[str], title: str) -> None:
        """Texts of ticks below `y`, and what they count."""
        for value, word in zip(at, words, strict=True):
            self.text(scale(value), y + 15, word, "tick", "middle")
        self.text((scale(at[0]) + scale(at[-1])) / 2 if len(at) else self.width / 2, y + 31, title, "tick", "middle")

    def axis_y(self, scale: Scale, left: float, right: float, at: Sequence[float], words: Sequence[str]) -> None:
        """Hairlines from `left` to `right`, and their numbers."""
        for value, word in zip(at, words, strict=True):
            self.line(left, scale(value), right, scale(value), "hair")
            self.text(left - 6, scale(value) + 4, word, "tick", "end")

    def svg(self, alt: str) -> str:
        """The whole element, with what it shows in words."""
        return (
            f'<svg viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img" aria-label="{escape(alt)}">'
            f"{''.join(self._parts)}</svg>"
        )


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")

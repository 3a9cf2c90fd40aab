"""Colours with one meaning each, in a light and a dark version (Okabe & Ito 2008, safe for colour-blind readers).

=============  =====================================================================
green          convex: certified values; solid for an upper, dashed for a lower bound
purple         SGD; where several curves of training are told apart, the first of them
orange, blue   positive and negative: filter entries, output weights, classes +1 / -1
grey           zero, dead, unused
Cividis        order: patch index, magnitude
=============  =====================================================================

A dash pattern or a marker always repeats what a colour says. The light theme's are darker than the originals: they are
also colours of text, which needs a contrast of 4.5 to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DARK", "DASHES", "LIGHT", "Palette", "cividis", "palette", "rgb"]

#: A second cue beside the colour of a curve.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Stops of Cividis (Nunez, Anderton & Renslow 2018).
_CIVIDIS = (
    (0, 32, 76),
    (0, 42, 102),
    (41, 59, 110),
    (77, 77, 109),
    (103, 97, 112),
    (128, 118, 117),
    (156, 140, 112),
    (186, 165, 103),
    (219, 193, 84),
    (255, 233, 69),
)


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme's colours.

    Attributes
    ----------
    ink, muted, faint, paper : str
        Text, secondary text, hairlines and background.
    convex, sgd, positive, negative, dead : str
        Colours of meaning, see the module's table.
    convex_fill, sgd_fill, window : str
        The first two as a tint, and a tint for patch windows.
    lines : tuple of str
        Curves of training that are told apart: SGD's colour first, green never.
    """

    dark: bool
    ink: str
    muted: str
    faint: str
    paper: str
    convex: str
    convex_fill: str
    sgd: str
    sgd_fill: str
    positive: str
    negative: str
    dead: str
    window: str
    lines: tuple[str, ...]

    @property
    def diverging(self) -> list[list[float | str]]:
        """Blue to orange through full transparency at 0, so that zero is the page's own background."""
        low, high = _listed(self.negative), _listed(self.positive)
        return [
            [0.0, f"rgba({low},1)"],
            [0.5, f"rgba({low},0)"],
            [0.5, f"rgba({high},0)"],
            [1.0, f"rgba({high},1)"],
        ]

    def ordered(self, position: float) -> str:
        """Cividis at a position in [0, 1], without the end that would vanish in the background."""
        return cividis(0.28 + 0.72 * position if self.dark else 0.93 * position)

    def line(self, number: int) -> tuple[str, str]:
        """Colour and dash of one of several curves; 25 of them are told apart.

        Examples
        --------
        >>> LIGHT.line(0), LIGHT.line(5)
        (('#A2427A', 'solid'), ('#A2427A', 'dash'))
        """
        turn = number // len(self.lines)
        return self.lines[number % len(self.lines)], DASHES[(number + turn) % len(DASHES)]

    def sign(self, value: float) -> str:
        """The colour of a sign."""
        return self.positive if value > 0 else self.negative if value < 0 else self.dead


LIGHT = Palette(
    dark=False,
    ink="#22262B",
    muted="#6B6F76",
    faint="#E2E0D9",
    paper="#FFFFFF",
    convex="#00795C",
    convex_fill="rgba(0,121,92,0.14)",
    sgd="#A2427A",
    sgd_fill="rgba(162,66,122,0.16)",
    positive="#B8560B",
    negative="#0072B2",
    dead="#C9C7C0",
    window="rgba(0,114,178,0.10)",
    lines=("#A2427A", "#0072B2", "#B8560B", "#7A6A00", "#22262B"),
)

DARK = Palette(
    dark=True,
    ink="#E9E7E2",
    muted="#A3A7AD",
    faint="#343A42",
    paper="#14171B",
    convex="#2CC79B",
    convex_fill="rgba(44,199,155,0.16)",
    sgd="#E39CC5",
    sgd_fill="rgba(227,156,197,0.18)",
    positive="#F0A030",
    negative="#56B4E9",
    dead="#4A5058",
    window="rgba(86,180,233,0.14)",
    lines=("#E39CC5", "#56B4E9", "#F0A030", "#F0E442", "#E9E7E2"),
)


def palette(dark: bool = False) -> Palette:
    """The colours of the light or the dark theme.

    Examples
    --------
    >>> palette().paper, palette(dark=True).paper
    ('#FFFFFF', '#14171B')
    """
    return DARK if dark else LIGHT


def cividis(position: float) -> str:
    """The Cividis colour at a position in [0, 1].

    Examples
    --------
    >>> cividis(0.0), cividis(1.0)
    ('rgb(0,32,76)', 'rgb(255,233,69)')
    """
    x = min(max(position, 0.0), 1.0) * (len(_CIVIDIS) - 1)
    k = min(int(x), len(_CIVIDIS) - 2)
    mixed = (round(a + (x - k) * (b - a)) for a, b in zip(_CIVIDIS[k], _CIVIDIS[k + 1], strict=True))
    return "rgb(" + ",".join(str(c) for c in mixed) + ")"


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour in hex, or as :func:`cividis` says one, 0 to 255.

    Examples
    --------
    >>> rgb("#FF8000"), rgb("rgb(0,32,76)")
    ((255, 128, 0), (0, 32, 76))
    """
    said = colour.startswith("rgb(")
    red, green, blue = map(int, colour[4:-1].split(",")) if said else bytes.fromhex(colour[1:7])
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as WCAG 2 defines it.

    Examples
    --------
    >>> contrast("#ffffff", "#000000"), contrast("#777777", "#777777")
    (21.0, 1.0)
    """
    light, dark = sorted(map(_luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [channel / 255 for channel in rgb(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _listed(colour: str) -> str:
    return ",".join(map(str, rgb(colour)))

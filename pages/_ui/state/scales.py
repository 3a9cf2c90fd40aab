"""Which values the controls of a problem have, and the nearest of them to what an address says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from convex_core.patches import Bias, Padding

from . import address

__all__ = [
    "BETAS", "BIASES", "CLASSES", "DEFAULT_DATA", "DELTAS", "MAX_FILTER", "MAX_SEED", "MAX_STRIDE", "OPTIONS",
    "PADDINGS",
    "POOLINGS", "SLOPES", "integer", "nearest", "nearest_beta",
]  # fmt: skip

#: Ten values of beta a decade, two digits each, so that a link reads well.
BETAS = (
    *(
        f"{float(mantissa) * 10.0**power:.3g}"
        for power in (-3, -2, -1, 0, 1)
        for mantissa in ("1", "1.3", "1.6", "2", "2.5", "3.2", "4", "5", "6.3", "7.9")
    ),
    "100",
)

DEFAULT_DATA = "motifs"
PADDINGS: tuple[Padding, ...] = get_args(Padding)
POOLINGS = ("sum", "mean")
SLOPES = ("0", "0.01", "0.05", "0.1", "0.2", "0.5", "1")
BIASES: tuple[Bias, ...] = get_args(Bias)
DELTAS = ("0.05", "0.1", "0.2", "0.5", "1", "2", "5")
CLASSES = ("two", "all")
MAX_FILTER = 16
MAX_STRIDE = 8
MAX_SEED = 9999

#: Generator options that have a control: label, smallest, largest, step. The limits keep a page interactive.
OPTIONS: Mapping[str, tuple[str, float, float, float]] = {
    "n": ("Samples n", 2, 60, 1),
    "d": ("Signal length d", 4, 32, 1),
    "side": ("Image side", 3, 8, 1),
    "m": ("Planted filters", 1, 4, 1),
    "noise": ("Noise", 0.0, 1.0, 0.05),
}


def _whole(low: int, high: int) -> Callable[[str], bool]:
    """Whether a text is a whole number in a range."""

    def fits(text: str) -> bool:
        try:
            value = float(text)
        except ValueError:
            return False
        return value.is_integer() and low <= value <= high

    return fits


address.SHARED |= {
    "beta": BETAS.__contains__,
    "h": _whole(1, MAX_FILTER),
    "stride": _whole(1, MAX_STRIDE),
    "seed": _whole(0, MAX_SEED),
}


def nearest(value: float, values: Sequence[str]) -> str:
    """The value of a slider that is the nearest one."""
    return min(values, key=lambda text: abs(float(text) - value))


def nearest_beta(beta: float) -> str:
    """The nearest beta that the slider has."""
    return nearest(beta, BETAS)


def integer(value: object, default: int, low: int, high: int) -> int:
    """A value of a control as an integer in range, whatever the address said."""
    return int(min(max(value, low), high)) if isinstance(value, (int, float)) else default

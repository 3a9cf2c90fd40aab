"""Options of the architectures, each declared once: command line, model files and pages read them here."""

from __future__ import annotations

from dataclasses import dataclass

from ..contracts.records import record
from .activation import EVERY_ACTIVATION

__all__ = ["OPTIONS", "Option"]


@record
@dataclass(frozen=True, slots=True)
class Option:
    """One option of one or more architectures.

    Attributes
    ----------
    kind : type
        Of its value: str, int or float.
    help : str
        What it is, for the command line.
    metavar : str, optional
        What stands for the value there.
    """

    kind: type[str] | type[int] | type[float]
    help: str
    metavar: str | None = None


#: Every option that some architecture has, by the name it has in :func:`make_architecture` and in model files.
OPTIONS: dict[str, Option] = {
    "pooling": Option(str, "two-layer: sum, mean or max (default: sum)"),
    "pool_size": Option(int, "max pooling: patches per group (default: all)", "G"),
    "activation": Option(str, f"two-layer: one of {', '.join(EVERY_ACTIVATION)} (default: relu)"),
    "slope": Option(float, "activation leaky: slope below zero, from -1 to 1 (default: 0.1)"),
    "skip": Option(str, "two-layer: none, or free: a linear function of the patches at no cost (default: none)"),
    "branches": Option(str, "two-layer: further, shorter filter sizes side by side, such as 2 or 1,2", "H,H"),
    "pooling_grid": Option(
        str, "two-layer: regions along each axis that a filter has a weight for, such as 2 or 2x3 (default: one)", "R"
    ),
    "normalisation": Option(
        str, "two-layer: none, or batch: responses less their mean, over their norm, with a scale and a shift"
    ),
    "outputs": Option(int, "two-layer, linear: number of outputs (default: 1)", "Q"),
    "output_norm": Option(
        str, "several outputs, flatten: l1 or l2 norm of a neuron's weights (default: l1, flatten l2)"
    ),
    "layers": Option(int, "circular: number of layers (default: 3)", "L"),
    "sharing": Option(str, "three-layer: shared or per-patch filters (default: per-patch)"),
    "parallel": Option(int, "three-layer: filters side by side that see each patch (default: 1)", "M"),
    "relaxation": Option(
        str,
        "which convex program, where there are several; lifted is the tightest, for short filters",
    ),
}

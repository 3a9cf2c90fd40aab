"""What a kind of network leaves to be chosen: its convex program, its layers, what stands beside the ReLUs.

One table declares them. The menu *Advanced*, the spec of a problem and the links from a row of a sweep are made of it,
and a test holds it against the options of the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convex_core.architectures import OPTIONS

from .spec import NETWORKS, SEVERAL, has_several_outputs, reconstructs

__all__ = ["CHOICES", "Choice", "choices_of", "chosen", "kind_of"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A control of one or more kinds of network.

    Attributes
    ----------
    key : str
        In the address.
    option : str
        The option of the architecture, a key of ``OPTIONS``.
    label, help : str
        What the control says.
    values : tuple of str
        The first is the library's default, and is not passed on.
    kinds : tuple of str
        The kinds of network that have it.
    """

    key: str
    option: str
    label: str
    values: tuple[str, ...]
    kinds: tuple[str, ...]
    help: str

    def value(self, text: str) -> str | int | float:
        """A text of the control as the library takes it."""
        return OPTIONS[self.option].kind(text)


_PROGRAM = "Convex program"
_L2 = "With the cones of the cells, without them, or lifted to second moments: exact for filters of up to four entries."

CHOICES: tuple[Choice, ...] = (
    Choice("flat_program", "relaxation", _PROGRAM, ("cone", "plain", "lifted"), ("flatten",), _L2),
    Choice(
        "l2_program",
        "relaxation",
        _PROGRAM,
        ("cone", "plain", "lifted"),
        (f"{SEVERAL}, l2 bound", "autoencoder, l2 bound"),
        _L2,
    ),
    Choice(
        "max_program",
        "relaxation",
        _PROGRAM,
        ("cone", "plain"),
        (f"{SEVERAL}, max pooling, l2 bound",),
        "With the cones of the cells, or without them.",
    ),
    Choice(
        "circular_program",
        "relaxation",
        _PROGRAM,
        ("default", "nuclear", "spectral", "weighted"),
        ("circular",),
        "The nuclear norm of a lift, exact for three layers, or one of two bounds in the frequency domain.",
    ),
    Choice(
        "shared_program",
        "relaxation",
        _PROGRAM,
        ("nuclear", "lifted", "strong", "frobenius"),
        ("three-layer, shared",),
        "The nuclear norm with more cones, second moments for filters of up to four entries, the Frobenius norm with "
        "more cones, or that of the paper.",
    ),
    Choice(
        "parallel",
        "parallel",
        "Filters of each patch",
        ("1", "2", "3"),
        ("three-layer, per patch",),
        "Filters side by side that see the same patch. With filters as long as the input these are parallel fully "
        "connected networks of three layers.",
    ),
    Choice(
        "layers",
        "layers",
        "Layers",
        ("3", "4", "5", "6"),
        ("circular", "circular, spectral bound"),
        "Of the circular network; with more than three its programs are bounds.",
    ),
    Choice(
        "group",
        "pool_size",
        "Patches in a maximum",
        ("all", "1", "2", "3", "4", "5", "6", "7", "8"),
        ("max pooling", f"{SEVERAL}, max pooling", f"{SEVERAL}, max pooling, l2 bound"),
        "The largest response of so many neighbours.",
    ),
    Choice(
        "grid",
        "pooling_grid",
        "Pooling grid",
        ("none", "2", "3", "4", "5", "6", "1x2", "2x1", "2x2", "1x3", "3x1", "2x3", "3x2", "3x3"),
        ("two-layer", SEVERAL),
        "Regions along each axis: a filter has an output weight for each of them.",
    ),
    Choice(
        "normalisation",
        "normalisation",
        "Normalisation",
        ("none", "batch"),
        ("two-layer",),
        "Batch: the responses of a filter are centred and divided by their length over all patches of all samples, "
        "before a scale and a shift.",
    ),
    Choice(
        "skip",
        "skip",
        "Skip connection",
        ("none", "free"),
        ("two-layer",),
        "A linear function of the patches beside the ReLUs, at no cost.",
    ),
    Choice(
        "branches",
        "branches",
        "Further filter sizes",
        ("none", "1", "2", "3", "4", "1,2", "1,3", "2,3", "2,4", "3,4", "1,2,3", "2,3,4"),
        ("two-layer",),
        "Shorter filters side by side with the others, as in an inception module.",
    ),
)


def choices_of(kind: str) -> tuple[Choice, ...]:
    """The controls of a kind of network."""
    return tuple(choice for choice in CHOICES if kind in choice.kinds)


def chosen(kind: str, state: Mapping[Any, Any]) -> tuple[tuple[str, str | int | float], ...]:
    """The options that the controls of a kind say, whatever the address said; defaults are left out."""
    return tuple(
        (choice.option, choice.value(str(state[choice.key])))
        for choice in choices_of(kind)
        if state.get(choice.key) in choice.values[1:]
    )


def kind_of(
    architecture: str, options: Mapping[str, Any], *, several: bool = False, autoencoder: bool = False
) -> tuple[str, dict[str, str]] | None:
    """The kind of network with these options, and what its controls say; None where no kind has them all.

    `several` asks for one with several outputs, `autoencoder` for one whose targets are its inputs.

    Examples
    --------
    >>> kind_of("flatten", {"relaxation": "lifted"})
    ('flatten', {'flat_program': 'lifted'})
    >>> kind_of("circular", {"layers": 9}) is None
    True
    """
    for kind, (name, own) in NETWORKS.items():
        if (has_several_outputs(kind), reconstructs(kind)) != (several, autoencoder):
            continue
        if name != architecture or any(options.get(key) != value for key, value in own.items()):
            continue
        told = {}
        for key, value in options.items():
            if key in own:
                continue
            found = [one for one in choices_of(kind) if one.option == key and str(value) in one.values]
            if not found:
                break
            told[found[0].key] = str(value)
        else:
            return kind, told
    return None

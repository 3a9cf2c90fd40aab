"""Architectures of one kind, for what exists for that kind only: chains of bounds, figures."""

from __future__ import annotations

from typing import TypeVar

from ..errors import InputError
from ..patches import PatchGeometry

__all__ = ["no_free_bias", "of_kind"]

_Kind = TypeVar("_Kind")


def no_free_bias(geometry: PatchGeometry, network: str) -> None:
    """Raise :class:`InputError` if filters have free biases, which the convex program of this `network` has not."""
    if geometry.bias == "free":
        raise InputError(
            f"bias: got free biases of the filters with {network}, expected none, regularised or output; free ones "
            "have an exact program in two-layer networks with sum or mean pooling"
        )


def of_kind(architecture: object, kind: type[_Kind], what: str, name: str) -> _Kind:
    """`architecture` if it is a `kind`, for what is defined for one kind of network only.

    Raises
    ------
    InputError
        Says of `what` the architecture comes, and that `name` was expected.
    """
    if not isinstance(architecture, kind):
        raise InputError(
            f"{what}: got the architecture {getattr(architecture, 'name', architecture)!r}, expected {name!r}"
        )
    return architecture

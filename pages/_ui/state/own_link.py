"""A visitor's own data inside a link, where they are small: who opens it sees the same data."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from convex_core.data import Dataset
from convex_core.errors import InputError

from . import limits
from .spec import CUSTOM

__all__ = ["BROKEN", "MAX_CHARACTERS", "decode", "encode", "pack", "unpack"]

#: Longest value in an address; servers and mail programs take 8,000 characters, browsers more.
MAX_CHARACTERS = 6_000
#: Most numbers that are tried: a page is drawn at every press of a key.
MAX_NUMBERS = 2_000
#: Most that a link may unpack to.
MAX_BYTES = 200_000
#: What reading a stranger's text can raise.
BROKEN = (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error, zlib.error)


def encode(data: Dataset) -> str | None:
    """The dataset as text for an address, exact to the last digit; None if it is too large for one.

    Examples
    --------
    >>> decode(encode(Dataset("custom", [[0.1, 2.0]], [1.0]))).X.tolist()
    [[0.1, 2.0]]
    """
    if data.X.size + (0 if data.X_test is None else data.X_test.size) > MAX_NUMBERS:
        return None
    fields = {
        "X": data.X.tolist(),
        "y": data.y.tolist(),
        "shape": data.input_shape,
        "filter": data.default_filter,
        "stride": data.default_stride,
        "beta": data.default_beta,
    }
    if data.X_test is not None and data.y_test is not None:
        fields |= {"X_test": data.X_test.tolist(), "y_test": data.y_test.tolist()}
    if data.labels is not None:
        fields["labels"] = data.labels
    return pack(fields)


def pack(fields: Mapping[str, Any]) -> str | None:
    """Fields of numbers and words as text for an address; None if they are too large for one."""
    packed = zlib.compress(json.dumps(fields, separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return text if len(text) <= MAX_CHARACTERS else None


def unpack(text: str) -> Any:
    """What was packed.

    Raises
    ------
    One of :data:`BROKEN`
        If the text is no such thing.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError("too long")
    unpacked = zlib.decompressobj()
    plain = unpacked.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), MAX_BYTES)
    if unpacked.unconsumed_tail or not unpacked.eof:
        raise ValueError("too large or cut off")
    return json.loads(plain)


def decode(text: str) -> Dataset:
    """The dataset in an address.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        fields = unpack(text)
        labels = fields.get("labels")
        data = Dataset(
            CUSTOM,
            fields["X"],
            fields["y"],
            input_shape=tuple(fields["shape"]),
            X_test=fields.get("X_test"),
            y_test=fields.get("y_test"),
            description=f"Own data of whoever made the link: {len(fields['y'])} samples.",
            # written by a stranger, shown as text with markup
            labels=None if labels is None else tuple(re.sub(r"[^\w .,+-]", " ", str(name))[:40] for name in labels),
            default_filter=tuple(fields["filter"]),
            default_stride=tuple(fields["stride"]),
            default_beta=fields["beta"],
        )
        limits.check(data)
    except BROKEN as error:
        raise InputError("the own data in it cannot be read, the link is incomplete or was changed") from error
    return data

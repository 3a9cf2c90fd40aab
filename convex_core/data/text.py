"""Bytes of a data file as text: unpacked if they are gzip, decoded by their byte order mark or as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib

from ..errors import InputError

__all__ = ["decoded", "unpacked"]

_GZIP = b"\x1f\x8b"
# UTF-32 first: its little-endian mark begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufeff\ufffe\uffff]")


def unpacked(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """`data`, unpacked if they are gzip by content, and whether they were.

    Raises
    ------
    InputError
        If they are damaged, nested, or unpack to more than `max_bytes`.

    Examples
    --------
    >>> unpacked(gzip.compress(b"1,2"), 10), unpacked(b"1,2", 10)
    ((b'1,2', True), (b'1,2', False))
    """
    if not data.startswith(_GZIP):
        return data, False
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            inner = stream.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"gzip: got a damaged file ({error}), expected a whole one") from error
    if len(inner) > max_bytes:
        raise InputError(f"gzip: got more than {max_bytes} bytes unpacked, expected at most that")
    if not inner or inner.startswith(_GZIP):
        raise InputError(f"gzip: got {'gzip in gzip' if inner else 'nothing'} unpacked, expected data")
    return inner, True


def decoded(data: bytes) -> tuple[str, str | None]:
    r"""Text with ``\n`` at the ends of lines, and the name of the encoding unless it is plain UTF-8.

    Without a byte order mark it is UTF-8, and Windows-1252 or Latin-1 where the bytes are no UTF-8.

    Raises
    ------
    InputError
        If the bytes are no text.

    Examples
    --------
    >>> decoded("x;Größe\r\n".encode("latin-1"))
    ('x;Größe\n', 'Windows-1252 or Latin-1')
    """
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(codec)
            except UnicodeDecodeError as error:
                raise InputError(f"text: got {error.reason} at byte {error.start}, expected {name} text") from error
            # most that is no text at all and happens to begin with a mark decodes to unassigned characters
            return _clean(text, f"UTF-8 or {name}" if codec != "utf-8" else name), None if codec == "utf-8" else name
    try:
        return _clean(data.decode("utf-8"), "UTF-8"), None
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return _clean(text, "UTF-8, UTF-16 or Latin-1"), "Windows-1252 or Latin-1"


def _clean(text: str, encoding: str) -> str:
    """`text` with one kind of line end; InputError if it holds characters that no text has."""
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        shown = f"{ord(found[0]):#04x}"
        raise InputError(
            f"line {line}: got the control character {shown}, which no text has, expected text as {encoding}"
        )
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text

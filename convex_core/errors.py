"""Exceptions: one root, and every message says what was got and what was expected."""

from __future__ import annotations

__all__ = ["BackendError", "ConvexCoreError", "InputError", "SizeError"]


class ConvexCoreError(Exception):
    """Root of every exception that ``convex_core`` raises on purpose."""


class InputError(ConvexCoreError, ValueError):
    """Bad input; the message is one sentence with what was got and what was expected."""


class SizeError(InputError):
    """The work asked for would exceed a stated limit.

    Parameters
    ----------
    message : str
        One sentence for a person.
    predicted : int
        The predicted size (for example the number of sign patterns).
    limit : int
        The limit that `predicted` exceeds.
    """

    def __init__(self, message: str, *, predicted: int, limit: int) -> None:
        super().__init__(message)
        self.predicted = predicted
        self.limit = limit


class BackendError(ConvexCoreError):
    """A solver backend is missing, or was given a problem that it does not accept."""

"""Exceptions: one root, and every message says what was got and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .status import Status

__all__ = ["BackendError", "ConvexCoreError", "InputError", "Interrupted", "SizeError"]


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

    def __reduce__(self) -> tuple[Callable[..., SizeError], tuple[str]]:
        return partial(SizeError, predicted=self.predicted, limit=self.limit), (str(self),)


class BackendError(ConvexCoreError):
    """A solver backend is missing, or was given a problem that it does not accept."""


class Interrupted(ConvexCoreError):  # noqa: N818 - a request, not an error
    """A computation without a valid partial answer was cancelled or ran out of time.

    Parameters
    ----------
    message : str
        What was stopped.
    status : Status
        ``Status.CANCELLED`` or ``Status.TIME_LIMIT``.
    """

    def __init__(self, message: str, *, status: Status) -> None:
        super().__init__(f"{message}: {status.value}")
        self.message = message
        self.status = status

    def __reduce__(self) -> tuple[Callable[..., Interrupted], tuple[str]]:
        return partial(Interrupted, status=self.status), (self.message,)

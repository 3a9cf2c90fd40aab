"""What checking a report says: claim by claim, and on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..contracts.records import record
from ..presentation.answers import Answer
from ..presentation.text import jsonable

__all__ = ["Check", "Verdict", "Verification"]


class Verdict(StrEnum):
    """What was found out about a report, or one of its claims; :attr:`text` is the sentence for a person."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"

    @property
    def text(self) -> str:
        """The verdict as one sentence."""
        return _VERDICT_TEXT[self]


_VERDICT_TEXT = {
    Verdict.HOLDS: "Every claim was computed again from the data in the report, and agrees.",
    Verdict.FAILS: "Something in the report is not what the data in it say.",
    Verdict.UNDECIDED: "It could not be checked in full in the time or the size allowed; what was checked agrees.",
}
#: What no later computation can say anything about.
RECORDS = (
    "seconds, method, wanted gap, seed, rounds, how a run without a proof ended, date, versions, link, and what is "
    "said about data that are not the library's own are records, and cannot be computed again"
)


@record
@dataclass(frozen=True, slots=True)
class Check:
    """One claim, and what it was compared with.

    Attributes
    ----------
    name : str
        What it is about.
    verdict : Verdict
        Whether it holds.
    text : str
        What was claimed and what was found.
    """

    name: str
    verdict: Verdict
    text: str


@record
@dataclass(frozen=True, slots=True, repr=False)
class Verification(Answer):
    """Whether a report holds, claim by claim; :func:`verify` makes it.

    Attributes
    ----------
    verdict : Verdict
        ``holds`` if every claim does, ``does not hold`` if one does not, ``undecided`` if one could not be checked.
    checks : tuple of Check
        Every claim in order.
    seconds : float
        What it took.
    unchecked : str
        What such a report says that no later computation can say anything about.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    seconds: float
    unchecked: str = RECORDS

    def __repr__(self) -> str:
        return f"Verification({self.verdict}, {len(self.checks)} claims, {self.seconds:.2f} s)"

    @property
    def holds(self) -> bool:
        """Whether every claim was computed again and agrees."""
        return self.verdict is Verdict.HOLDS

    @property
    def differences(self) -> tuple[Check, ...]:
        """The claims that do not hold."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAILS)

    def to_dict(self) -> dict[str, Any]:
        """Verdict and claims."""
        checks = [{"name": c.name, "verdict": c.verdict.value, "text": c.text} for c in self.checks]
        found: dict[str, Any] = jsonable(
            {"verdict": self.verdict.value, "holds": self.holds, "checks": checks, "seconds": self.seconds}
        )
        return found

    def lines(self) -> list[tuple[str, str]]:
        """The verdict, then every claim; those along a path that hold are counted."""
        along = [check for check in self.checks if check.name.startswith("path ")]
        shown = [check for check in self.checks if check not in along or check.verdict is not Verdict.HOLDS]
        claims = [
            (check.name, check.text if check.verdict is Verdict.HOLDS else f"{check.verdict.upper()}: {check.text}")
            for check in shown
        ]
        if along:
            agree = sum(check.verdict is Verdict.HOLDS for check in along)
            claims.append(("path", f"{agree} of {len(along)} claims about its points agree"))
        return [
            ("verdict", f"{self.verdict}. {self.verdict.text}"),
            *claims,
            ("not checked", self.unchecked),
            ("seconds", f"{self.seconds:.2f}"),
        ]

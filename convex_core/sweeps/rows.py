"""One row of a sweep: what was asked, what was found, and how it is written as a line of JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contracts.records import record
from ..contracts.strict_json import parse
from ..errors import InputError

__all__ = ["FAILED", "REFUSED", "SweepRow"]

#: instead of a status: the settings are no problem, which would be so again
REFUSED = "refused"
#: instead of a status: something else went wrong, as a worker that was killed; a sweep that goes on tries it again
FAILED = "failed"


@record
@dataclass(frozen=True, slots=True)
class SweepRow:
    """The answer to one task. Rows are equal if they say the same; what depends on the machine is not compared.

    Attributes
    ----------
    key : str
        Hash of the settings.
    settings : mapping
        As asked, defaults included; None where the dataset or the network decides.
    status : str
        How the run ended, a value of :class:`Status`; ``refused`` for settings that are no problem, ``failed`` for
        what went wrong otherwise. Both have an `error`.
    problem : mapping
        The problem that was solved, as :meth:`Problem.to_dict` says it: sizes, patches, network, loss and beta.
    objective : float or None
        Objective of the network found, an upper bound on the optimum.
    lower_bound, relative_gap : float or None
        Of the certificate; None where there is no global lower bound.
    scope, exactness : str or None
        What the bound covers; how the convex program relates to the training problem.
    filters : int or None
        Filters of the network.
    patterns : int or None
        Cells of the program; None if they were sampled or not counted.
    rounds : int or None
        Rounds of column generation.
    train_accuracy, test_accuracy : float or None
        Shares in [0, 1]; None where there are no classes, or no test part.
    error : str or None
        One sentence.
    version : str
        Of the library that computed it.
    seconds, cpu_seconds : float
        Wall-clock and processor seconds of the task; not compared.
    """

    key: str
    settings: Mapping[str, Any]
    status: str
    problem: Mapping[str, Any] = field(default_factory=dict)
    objective: float | None = None
    lower_bound: float | None = None
    relative_gap: float | None = None
    scope: str | None = None
    exactness: str | None = None
    filters: int | None = None
    patterns: int | None = None
    rounds: int | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    error: str | None = None
    version: str = ""
    seconds: float = field(default=0.0, compare=False)
    cpu_seconds: float = field(default=0.0, compare=False)

    @property
    def finished(self) -> bool:
        """Whether there is no use in trying again."""
        return self.status != FAILED

    def value(self, name: str) -> Any:
        """A result, or a setting as it was used: what was left to the dataset is what the dataset said.

        Examples
        --------
        >>> row = SweepRow("a1", {"beta": None, "seed": 3}, "optimal", {"beta": 0.1}, objective=2.0)
        >>> row.value("beta"), row.value("seed"), row.value("objective")
        (0.1, 3, 2.0)
        """
        if name in _RESULTS:
            return getattr(self, name)
        used = self.problem.get("filter_shape" if name == "filter_size" else name, self.settings.get(name))
        return _plain_size(used) if name in ("filter_size", "stride") and isinstance(used, list) else used

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON, in the order of the fields."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def to_line(self) -> bytes:
        """The row as one line of JSON, the line's end included.

        Examples
        --------
        >>> row = SweepRow("a1", {"beta": 0.1}, "optimal", objective=1 / 3)
        >>> SweepRow.from_line(row.to_line(), "rows.jsonl") == row
        True
        """
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes, name: str) -> SweepRow:
        """The row of a line; `name` says where the line stands.

        Raises
        ------
        InputError
            If it is no row.
        """
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise InputError(f"{name}: got bytes that are no text, expected a row of a sweep") from None
        values = parse(text, name)
        try:
            row = cls(**values)
        except TypeError:
            raise InputError(f"{name}: got no row of a sweep, expected the names key, settings, status, ...") from None
        for field_ in dataclasses.fields(cls):
            if not isinstance(getattr(row, field_.name), _KINDS[field_.name]):
                raise InputError(
                    f"{name}: got {field_.name} {getattr(row, field_.name)!r:.60}, expected that of a row of a sweep"
                )
        return row


def _plain_size(sizes: list[int]) -> int | str:
    """Sizes of all axes as one number where they are equal, and as a text otherwise.

    Examples
    --------
    >>> _plain_size([3, 3]), _plain_size([3, 2])
    (3, '3 x 2')
    """
    return sizes[0] if len(set(sizes)) == 1 else " x ".join(map(str, sizes))


_NUMBER = (int, float, type(None))
_WORD = (str, type(None))
_KINDS: dict[str, type | tuple[type, ...]] = {
    "key": str,
    "settings": Mapping,
    "status": str,
    "problem": Mapping,
    **dict.fromkeys(("objective", "lower_bound", "relative_gap", "train_accuracy", "test_accuracy"), _NUMBER),
    **dict.fromkeys(("scope", "exactness", "error"), _WORD),
    **dict.fromkeys(("filters", "patterns", "rounds"), (int, type(None))),
    "version": str,
    "seconds": (int, float),
    "cpu_seconds": (int, float),
}
_RESULTS = tuple(name for name in _KINDS if name not in ("settings", "problem"))

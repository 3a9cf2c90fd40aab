"""What the recognition of images can do besides: be reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path

    from ..experiments import Recognition
    from ..reports import Report

__all__ = ["RecognitionAnswer"]


class RecognitionAnswer:
    """What a :class:`~convex_core.experiments.Recognition` can do."""

    __slots__ = ()

    def report(
        self,
        target: str | Path | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        link: str | None = None,
    ) -> Report:
        """A report as a page or as JSON: the network, the list, both bounds and what it says about the test part.

        The images are not in it, they are named: by dataset, seed and options where the library has them, and always by
        a hash of their numbers; :func:`convex_core.verify` finds them again, or asks for their file.

        Parameters
        ----------
        target : str or Path, optional
            Where to write it: the page where the name ends in .html, the JSON where it ends in .json.
        options : mapping, optional
            With which :func:`convex_core.load_dataset` was asked for the images, besides name and seed.
        link : str, optional
            Address that shows the same state.

        Raises
        ------
        InputError
            If the file cannot be written.
        SizeError
            If the page would be too large; the JSON has no limit.

        Examples
        --------
        >>> from convex_core import load_dataset, verify
        >>> from convex_core.experiments import recognise
        >>> asked = {"classes": "all", "n": 100, "n_test": 50, "pool": 1}
        >>> found = recognise(load_dataset("digits", **asked), filters=20, beta=2.0)
        >>> verify(found.report(options=asked)).verdict.value
        'holds'
        """
        from ..reports import make_listed_report

        made = make_listed_report(cast("Recognition", self), options=options, link=link)
        if target is not None:
            made.save(target)
        return made

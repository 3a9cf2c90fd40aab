"""``verify``: everything that a report claims, computed again from the data in it."""

from __future__ import annotations

import argparse
from typing import Any

from ..presentation.text import aligned
from ..reports import verify
from .inputs import pattern_limit
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Check and report; the exit status is 1 unless every claim was computed again and agrees."""
    with running() as (progress, cancel):
        found = verify(
            args.file,
            data=args.data,
            max_patterns=pattern_limit(args),
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    args.status = 0 if found.holds else 1
    return {"file": args.file, **found.to_dict()}, aligned([("file", args.file), *found.lines()])

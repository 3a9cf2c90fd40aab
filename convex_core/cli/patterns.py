"""``patterns``: the exact number of sign patterns of a matrix, or of the patches of a dataset."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ..arrangement import count_patterns, polynomial_bound
from ..data import read_npy
from ..errors import InputError
from ..patches import patch_geometry
from ..progress import Budget
from .inputs import make_dataset
from .output import aligned, number, running

__all__ = ["MAX_PATTERNS", "run"]

#: Patterns counted without asking: some ten seconds.
MAX_PATTERNS = 100_000_000


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Count and report; the seconds exclude imports and the compilation of kernels."""
    if args.rows is not None:
        if args.filter_size is not None or args.stride is not None or args.padding is not None or args.option:
            raise InputError("rows: got a matrix and options of a dataset, expected the matrix alone")
        rows, n, K = read_npy(args.rows), None, 1
    else:
        dataset = make_dataset(args)
        geometry = patch_geometry(
            dataset.input_shape,
            dataset.default_filter if args.filter_size is None else args.filter_size,
            dataset.default_stride if args.stride is None else args.stride,
            args.padding or "valid",
        )
        n, K = dataset.n, geometry.K
        rows = geometry.extract(dataset.X).reshape(-1, geometry.h)
    # compiles the kernels, or loads them from the cache
    count_patterns(np.eye(3))
    with running() as (progress, cancel):
        budget = Budget(time_limit=args.time_limit, cancel=cancel, progress=progress)
        count = count_patterns(rows, max_patterns=args.max_patterns, budget=budget)
    bound = polynomial_bound(count.rows if n is None else n, K, count.rank)
    result = {
        "rows": count.rows,
        "merged_rows": count.merged_rows,
        "rank": count.rank,
        "patterns": count.patterns,
        "closed_form": count.closed_form,
        "bound": bound,
        "certified": count.certified,
        "certified_reason": count.certified_reason,
        "max_zero": count.max_zero,
        "min_nonzero": count.min_nonzero,
        "seconds": count.seconds,
    }
    text = aligned(
        [
            (
                "rows",
                f"{count.rows:,} in R^{rows.shape[1]}, {count.merged_rows:,} different hyperplanes, rank {count.rank}",
            ),
            ("patterns", f"{count.patterns:,}"),
            ("closed form", f"{count.closed_form:,} in general position"),
            ("bound", f"{number(bound, 4)}, O((nK/r)^r)"),
            ("certified", f"{'yes' if count.certified else 'no'}: {count.certified_reason}"),
            ("seconds", f"{count.seconds:.4f}"),
        ]
    )
    return result, text

"""``patterns``: the exact number of sign patterns of a matrix, or of the patches of a dataset; list or sample them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..arrangement import (
    Arrangement,
    PatternCount,
    SampledPatterns,
    closed_form,
    count_patterns,
    enumerate_patterns,
    merge_rows,
    polynomial_bound,
    sample_patterns,
)
from ..arrangement.sampling import Method
from ..contracts.files import replacing
from ..data import read_npy
from ..errors import InputError, Interrupted, SizeError
from ..patches import patch_geometry
from ..presentation.text import aligned, number
from ..progress import Budget, limits
from .inputs import check_outputs, make_dataset
from .output import running

__all__ = ["MAX_PATTERNS", "SAMPLING", "run"]

#: Patterns counted without asking: some ten seconds.
MAX_PATTERNS = 100_000_000
#: Ways to draw patterns.
SAMPLING: tuple[str, ...] = get_args(Method)
#: patterns unpacked at a time while writing
_CHUNK = 1 << 14


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Count or sample, and report; the seconds exclude imports and the compilation of kernels."""
    if args.method is not None and args.sample is None:
        raise InputError(f"method: got {args.method!r} without --sample, expected the number of patterns to draw")
    if args.sample is not None and args.sample < 1:
        raise InputError(f"sample: got {args.sample}, expected an integer >= 1")
    method: Any = args.method or "uniform"
    if method not in SAMPLING:
        raise InputError(f"method: got {method!r}, expected one of {', '.join(SAMPLING)}")
    check_outputs(reads=(args.data, args.rows), out=args.out)
    rows, n, K = _rows(args)
    with running() as (progress, cancel):
        budget = Budget(time_limit=args.time_limit, cancel=cancel, progress=progress)
        counting = budget if args.sample is None else budget.part(0.5)
        found: PatternCount | Arrangement | None
        if args.out is not None and args.sample is None:
            found = enumerate_patterns(rows, max_patterns=args.max_patterns, **limits(budget))
        else:
            try:
                found = count_patterns(rows, max_patterns=args.max_patterns, **limits(counting))
            except (SizeError, Interrupted):
                if args.sample is None:
                    raise
                found = None  # too many to count, which is when sampling is wanted
        draws = None
        if args.sample is not None:
            draws = sample_patterns(rows, args.sample, method=method, seed=args.seed, **limits(budget))
    result, pairs = _counted(rows, n, K, found)
    if draws is not None:
        result["sample"], line = _sampled(draws, result["patterns"])
        pairs.append(line)
    if args.out is not None:
        _write(args.out, rows, draws if isinstance(found, PatternCount) or found is None else found)
        result["out"] = str(args.out)
        pairs.append(("written", str(args.out)))
    return result, aligned(pairs)


def _rows(args: argparse.Namespace) -> tuple[NDArray[np.float64], int | None, int]:
    """The rows, and the samples n and patches K they come from if they do."""
    if args.rows is not None:
        given = (getattr(args, name) for name in ("filter_size", "stride", "padding", "bias", "target"))
        if args.option or any(value is not None for value in given):
            raise InputError("rows: got a matrix and options of a dataset, expected the matrix alone")
        return read_npy(args.rows), None, 1
    dataset = make_dataset(args)
    geometry = patch_geometry(
        dataset.input_shape,
        dataset.default_filter if args.filter_size is None else args.filter_size,
        dataset.default_stride if args.stride is None else args.stride,
        args.padding or "valid",
        args.bias or "none",
    )
    return geometry.extract(dataset.X).reshape(-1, geometry.h), dataset.n, geometry.K


def _counted(
    rows: NDArray[np.float64], n: int | None, K: int, found: PatternCount | Arrangement | None
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The fields and lines about the count; None where it is not known."""
    distinct = merge_rows(np.asarray(rows, dtype=np.float64)).rows
    rank = found.rank if found else int(np.linalg.matrix_rank(distinct))
    bound = polynomial_bound(len(rows) if n is None else n, K, rank)
    most = closed_form(len(distinct), rank)
    result: dict[str, Any] = {"rows": len(rows), "merged_rows": len(distinct), "rank": rank}
    result |= {"closed_form": most, "bound": bound}
    result["patterns"] = None if found is None else found.patterns if isinstance(found, PatternCount) else found.count
    for name in ("certified", "certified_reason", "max_zero", "min_nonzero", "seconds"):
        result[name] = getattr(found, name, None)
    pairs = [("rows", f"{len(rows):,} in R^{rows.shape[1]}, {len(distinct):,} different hyperplanes, rank {rank}")]
    if found is None:
        pairs.append(("patterns", "too many to count"))
    else:
        pairs.append(("patterns", f"{result['patterns']:,}"))
    pairs.append(("closed form", f"{most:,} in general position"))
    pairs.append(("bound", f"{number(bound, 4)}, O((nK/r)^r)"))
    if found is not None:
        pairs.append(("certified", f"{'yes' if found.certified else 'no'}: {found.certified_reason}"))
        pairs.append(("seconds", f"{found.seconds:.4f}"))
    return result, pairs


def _sampled(draws: SampledPatterns, patterns: int | None) -> tuple[dict[str, Any], tuple[str, str]]:
    """The fields and the line about the draws."""
    distinct = len(draws.distinct())
    share = None if patterns is None else distinct / patterns
    fields = {
        "draws": len(draws),
        "method": draws.method,
        "distinct": distinct,
        "share_seen": share,
        "acceptance": draws.acceptance,
        "certified": draws.certified,
    }
    seen = "" if share is None else f", {100 * share:.4g} % of all"
    return fields, ("sample", f"{len(draws):,} {draws.method} draws, {distinct:,} different patterns{seen}")


def _write(path: str, rows: NDArray[np.float64], patterns: Arrangement | SampledPatterns | None) -> None:
    """Write ``rows`` (N, h), the activations 1[rows . u >= 0] packed as ``active`` (m, ceil(N / 8)), and ``complete``.

    ``np.unpackbits(active, axis=1, count=N, bitorder="little")`` gives them back.
    """
    assert patterns is not None
    parts: Iterable[NDArray[np.bool_]] = (
        patterns.active(start, start + _CHUNK) for start in range(0, len(patterns), _CHUNK)
    )
    active = np.concatenate([np.packbits(part, axis=1, bitorder="little") for part in parts])
    complete = isinstance(patterns, Arrangement) and patterns.certified
    with replacing(path, "out") as file:  # np.savez would add a suffix to a path
        np.savez_compressed(file, rows=rows, active=active, complete=np.array(complete))

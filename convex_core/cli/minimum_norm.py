"""``minimum-norm``: the network of least norm that fits the targets, or separates the classes with a margin."""

from __future__ import annotations

import argparse
from typing import Any

from ..export.model import save_network
from ..interpolation import minimum_norm
from ..presentation.text import aligned
from .inputs import check_outputs, describe, make_dataset, make_problem, search_options
from .onnx_file import check_installed, write_asked
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Solve and report."""
    check_outputs((args.data,), out=args.out, onnx=args.onnx)
    check_installed(args)
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    with running() as (progress, cancel):
        found = minimum_norm(
            problem,
            margin=args.margin,
            **search_options(args),
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    if args.out is not None:
        save_network(args.out, found.network)
    exported, said = write_asked(args, found.network)
    result = {**found.to_dict(), "tol": args.tol, **exported, **describe(dataset)}
    return result, f"{aligned([('data', dataset.description), *said])}\n{found.summary()}"

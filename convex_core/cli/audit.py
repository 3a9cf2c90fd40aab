"""``audit``: a certificate for a network from a file, whoever trained it."""

from __future__ import annotations

import argparse
import time
from typing import Any

from ..architectures import OPTIONS
from ..audit import audit, network_from_arrays
from ..data import read_npz
from ..errors import InputError
from ..export.text import aligned
from ..losses import SquaredLoss, make_loss
from ..model_io import Model, load_model
from ..problem import Problem
from .inputs import accuracies, describe, make_dataset, make_problem
from .output import running

__all__ = ["run"]

_GEOMETRY = ("input_shape", "filter_shape", "stride", "padding")


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Certify and report."""
    dataset = make_dataset(args)
    model = _read(args)
    if model is None:
        problem = make_problem(dataset, args)
        network, dual = network_from_arrays(problem.architecture, read_npz(args.model)), None
    else:
        network, dual = model.network, model.dual
        known = (args.beta, model.beta, dataset.default_beta)
        beta = next(value for value in known if value is not None)
        loss = model.loss or SquaredLoss()
        if args.loss is not None or args.delta is not None:
            loss = make_loss(args.loss or loss.name, delta=args.delta)
        data = dataset.numbered() if network.architecture.q > 1 else dataset
        problem = Problem(data.X, data.y, architecture=network.architecture, beta=beta, loss=loss)
        if dual is not None and len(dual) != problem.size:
            dual = None  # it belongs to other data; the network's own residual serves
    start = time.perf_counter()
    with running() as (progress, cancel):
        judged = audit(
            problem,
            network,
            dual=dual,
            tol=args.tol,
            seed=args.seed,
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    seconds = time.perf_counter() - start
    result = {
        **judged.to_dict(),
        "seconds": {"certify": seconds, "total": seconds},
        **accuracies(dataset, network),
        **describe(dataset),
        **problem.to_dict(),
    }
    lines = [
        ("data", dataset.description),
        ("network", f"{args.model}, {network.m} filters, beta {problem.beta:g}"),
        *judged.lines(),
        ("seconds", f"{seconds:.2f}"),
    ]
    return result, aligned(lines)


def _read(args: argparse.Namespace) -> Model | None:
    """The model with its own geometry, or None when the file holds filters and weights alone."""
    arrays = read_npz(args.model)
    if not any(key in arrays for key in _GEOMETRY):
        return None
    given = [name for name in ("filter_size", "stride", "padding", "bias", *OPTIONS) if getattr(args, name) is not None]
    if given:
        raise InputError(
            f"{given[0].replace('_', '-')}: got a value and a model with its own geometry, expected one of the two"
        )
    return load_model(args.model)

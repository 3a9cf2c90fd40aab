"""``audit``: a certificate for a network from a file, whoever trained it."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import OPTIONS
from ..auditing import audit
from ..contracts.validation import finite_array
from ..data import read_npz
from ..errors import InputError
from ..export.model import Model, load_model
from ..losses import SquaredLoss, make_loss
from ..networks.state_dict import RESULTS, read_network
from ..numerics.jit import clock
from ..presentation.text import aligned
from ..problem import Problem, suited
from .inputs import accuracies, describe, make_dataset, make_problem
from .output import running

__all__ = ["run"]

_GEOMETRY = ("input_shape", "filter_shape", "stride", "padding")


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Certify and report."""
    dataset = make_dataset(args)
    arrays = read_npz(args.model)
    model = _read(args, arrays)
    if model is None:
        problem = make_problem(dataset, args)
        reading = read_network(problem.architecture, arrays)
        network, dual, understood = reading.network, _results(arrays), reading.sentence
    else:
        network, dual, understood = model.network, model.dual, f"a model of this library with {model.network.m} filters"
        known = (args.beta, model.beta, dataset.default_beta)
        beta = next(value for value in known if value is not None)
        loss = model.loss or SquaredLoss()
        if args.loss is not None or args.delta is not None:
            loss = make_loss(args.loss or loss.name, delta=args.delta)
        q = network.architecture.q
        if args.autoencoder:
            targets = dataset.X[:, 0] if q == 1 else dataset.X
            problem = Problem(dataset.X, targets, architecture=network.architecture, beta=beta, loss=loss)
        else:
            dataset = suited(dataset, loss, outputs=q)
            data = dataset.numbered() if q > 1 else dataset
            problem = Problem(data.X, data.y, architecture=network.architecture, beta=beta, loss=loss)
        if args.data is not None:
            args.understood = dataset.description
    if dual is not None and len(dual) != problem.size:
        understood += f"; its dual vector, of length {len(dual)}, belongs to other data and is not used"
        dual = None  # the network's own residual serves
    start = clock()
    with running() as (progress, cancel):
        found = audit(
            problem,
            network,
            dual=dual,
            tol=args.tol,
            seed=args.seed,
            time_limit=args.time_limit,
            max_rounds=args.max_rounds,
            cancel=cancel,
            progress=progress,
        )
    seconds = clock() - start
    result = {
        **found.to_dict(),
        "model": understood,
        "seconds": {"certify": seconds, "total": seconds},
        **accuracies(dataset, problem, network),
        **describe(dataset),
        **problem.to_dict(),
    }
    lines = [
        ("data", dataset.description),
        ("network", f"{args.model}: {understood}"),
        ("beta", f"{problem.beta:g}"),
        *found.lines(),
        ("seconds", f"{seconds:.2f}"),
    ]
    return result, aligned(lines)


def _read(args: argparse.Namespace, arrays: dict[str, NDArray[Any]]) -> Model | None:
    """The model with its own geometry, or None when the file holds filters and weights alone."""
    if not any(key in arrays for key in _GEOMETRY):
        return None
    given = [name for name in ("filter_size", "stride", "padding", "bias", *OPTIONS) if getattr(args, name) is not None]
    if given:
        raise InputError(
            f"{given[0].replace('_', '-')}: got a value and a model with its own geometry, expected one of the two"
        )
    return load_model(args.model)


def _results(arrays: dict[str, NDArray[Any]]) -> NDArray[np.float64] | None:
    """The dual vector that lies beside bare filters and weights; what else may lie there is checked too."""
    for name in RESULTS:
        if name in arrays:
            finite_array(arrays[name], name, ndim=1)
    return arrays.get("dual")

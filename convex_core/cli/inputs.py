"""From arguments to a dataset and a problem, and checks that should fail before the work and not after it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, TypedDict

from ..architectures import OPTIONS
from ..contracts.files import check_writable
from ..data import Dataset, dataset_info, load_dataset, read_dataset
from ..errors import InputError
from ..losses import make_loss
from ..networks import classes
from ..networks.network import Network
from ..problem import Problem, suited
from ..solvers.search import MAX_PATTERNS
from ..status import Exactness

__all__ = [
    "accuracies",
    "check_outputs",
    "dataset_options",
    "describe",
    "make_dataset",
    "make_problem",
    "option_value",
    "pattern_limit",
    "search_options",
]


class SearchOptions(TypedDict):
    """Arguments of ``solve`` that do not depend on the problem."""

    method: str
    tol: float
    max_rounds: int | None
    seed: int
    max_patterns: int


def make_dataset(args: argparse.Namespace) -> Dataset:
    """The dataset of ``--dataset`` with its ``--option``, or of ``--data``."""
    if args.data is not None:
        if args.option:
            raise InputError(f"option: got {args.option[0]!r} with --data, expected options only with --dataset")
        return _said(args, read_dataset(args.data, target=args.target))
    if args.target is not None:
        raise InputError(f"target: got {args.target!r} with --dataset, expected a file of --data")
    options = dataset_options(args)
    if "seed" in options:
        raise InputError(f"option: got seed={options['seed']}, expected --seed")
    dataset = load_dataset(args.dataset, seed=args.seed, **options)
    if dataset_info(args.dataset).needs_files:
        args.understood = dataset.description
    return dataset


def dataset_options(args: argparse.Namespace) -> dict[str, Any]:
    """What ``--option`` says, by name."""
    given = [option_value(text) for text in args.option]
    options = dict(given)
    if len(options) < len(given):
        raise InputError(f"option: got {', '.join(key for key, _ in given)}, expected each once")
    return options


def search_options(args: argparse.Namespace) -> SearchOptions:
    """How the cells are searched and when that ends, but for time: what every command that solves has."""
    return {
        "method": args.method,
        "tol": args.tol,
        "max_rounds": args.max_rounds,
        "seed": args.seed,
        "max_patterns": pattern_limit(args),
    }


def pattern_limit(args: argparse.Namespace) -> int:
    """Most sign patterns that are listed."""
    return MAX_PATTERNS if args.max_patterns is None else int(args.max_patterns)


def _said(args: argparse.Namespace, dataset: Dataset) -> Dataset:
    """A file's `dataset` with targets for the loss, and what was understood of it kept for standard error."""
    if hasattr(args, "loss"):  # the command has a problem
        loss = None if args.loss is None else make_loss(args.loss, delta=args.delta)
        if not args.autoencoder:
            dataset = suited(dataset, loss, outputs=args.outputs or 1)
    args.understood = dataset.description
    return dataset


def make_problem(dataset: Dataset, args: argparse.Namespace) -> Problem:
    """The problem of the arguments; what is not given is the dataset's default.

    Raises
    ------
    InputError
        Besides the problem's own errors, if only an exact program is wanted and this one is a bound.
    """
    problem = Problem.from_dataset(
        dataset,
        filter_size=args.filter_size,
        stride=args.stride,
        padding=args.padding,
        bias=args.bias or "none",
        architecture=args.architecture,
        **{name: value for name in OPTIONS if (value := getattr(args, name)) is not None},
        beta=args.beta,
        loss=make_loss(args.loss or "squared", delta=args.delta),
        autoencoder=args.autoencoder,
    )
    architecture = problem.architecture
    if args.exact and getattr(args, "method", None) == "gated":
        raise InputError(
            "exact: got the method gated, whose program has no cones and is a bound, expected another method"
        )
    if args.exact and architecture.exactness is not Exactness.EXACT:
        options = ", ".join(f"{name} {value}" for name, value in architecture.options.items())
        raise InputError(
            f"exact: got the architecture {architecture.name} with {options} and filters of length "
            f"{architecture.geometry.h}, whose convex program is {architecture.exactness.value}, expected an exact one"
        )
    return problem


def describe(dataset: Dataset) -> dict[str, Any]:
    """Which data, as JSON fields."""
    return {"dataset": dataset.name, "seed": dataset.seed}


def accuracies(dataset: Dataset, problem: Problem, network: Network) -> dict[str, float | None]:
    """Shares of samples whose class is right, as JSON fields; None as in :func:`classification.accuracies`.

    An autoencoder says no class.
    """
    train, test = (None, None) if problem.reconstructs else classes.accuracies(network, dataset)
    return {"train_accuracy": train, "test_accuracy": test}


def check_outputs(reads: tuple[str | None, ...] = (), **paths: str | None) -> None:
    """Raise :class:`InputError` if a file cannot be written, or would replace another one of the same command.

    Called before any work is done. `paths` are what the options write, `reads` what the command reads.
    """
    taken = {os.path.realpath(path): "a file that is read" for path in reads if path is not None}
    for option, path in paths.items():
        if path is None:
            continue
        name = option.replace("_", "-")
        check_writable(path, name)
        file, real = Path(path), os.path.realpath(path)
        # several streams may end in /dev/null
        if real in taken and (file.is_file() or not file.exists()):
            raise InputError(f"{name}: got {path!r}, which is also {taken[real]}, expected a file of its own")
        taken[real] = f"that of --{name}"


def option_value(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` with the value read as JSON where it is JSON, ``3,8`` as a tuple, and as text otherwise."""
    key, equals, value = text.partition("=")
    key = key.strip().replace("-", "_")
    if not equals or not key.isidentifier():
        raise InputError(f"option: got {text!r}, expected KEY=VALUE")
    if value.lower() in ("none", "true", "false"):
        return key, {"none": None, "true": True, "false": False}[value.lower()]
    for candidate in (value, f"[{value}]"):
        try:
            parsed = json.loads(candidate)
        except ValueError:
            continue
        return key, tuple(parsed) if isinstance(parsed, list) else parsed
    return key, value

"""The arguments of every command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn, get_args

from ..architectures import ARCHITECTURES, OPTIONS
from ..benchmark import CASES
from ..errors import InputError
from ..experiments import EXPERIMENTS
from ..losses import LOSSES
from ..patches import Bias, Padding
from ..solution import METHODS
from ..training.sgd import LEARNING_RATES
from ..version import __version__
from . import (
    app,
    audit,
    benchmark,
    datasets,
    experiment,
    minimum_norm,
    path,
    patterns,
    report,
    sgd,
    solve,
    sweep,
    verify,
    warm_up,
)
from .onnx_file import add_onnx

__all__ = ["build_parser"]


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are :class:`InputError`, so that they are one line like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def build_parser(program: str) -> argparse.ArgumentParser:
    """The parser; ``args.run(args)`` gives the result as a mapping and as text."""
    parser = _Parser(
        prog=program,
        description="Train ReLU CNNs to certified global optima by convex optimization.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"convex-core {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Callable[..., Any], summary: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        return sub

    sub = command("solve", solve.run, "Solve the convex program, recover the network, certify it.")
    _add_solving(sub)
    sub.add_argument("--out", metavar="MODEL.npz", help="write the network and its certificate")
    add_onnx(sub)
    sub.add_argument("--save-data", metavar="DATA.npz", help="write the dataset")
    sub.add_argument("--script", metavar="PROGRAM.py", help="write the convex program as a self-contained CVXPY script")
    sub.add_argument(
        "--script-cells",
        choices=("used", "all"),
        help="cells (sign patterns) of the script: those the solution uses, or all (default: used)",
    )

    sub = command("report", report.run, "Solve, and write a report: a page, and the JSON that computes it all again.")
    _add_solving(sub)
    sub.add_argument(
        "--out",
        metavar="REPORT.html",
        required=True,
        help="write this page and the JSON of the same name beside it; with a name that ends in .json the JSON alone",
    )
    sub.add_argument("--path", type=_int, metavar="POINTS", help="add the path over beta with so many points")
    sub.add_argument("--link", metavar="URL", help="an address that shows the same, to be printed in the report")

    sub = command("verify", verify.run, "Compute everything that a report claims again, and say whether it holds.")
    sub.add_argument(
        "file", metavar="REPORT", help="a report, the page or the JSON; exit status 0 if it holds, 1 if not"
    )
    sub.add_argument("--data", metavar="IMAGES", help="for a report of training on images: the file they are in")
    sub.add_argument("--max-patterns", type=_int, help="leave it undecided beyond this many sign patterns to list")
    _add_time_limit(sub)

    sub = command("path", path.run, "Certified optima from beta_max, where every filter is dead, down to a small beta.")
    _add_data(sub)
    _add_geometry(sub)
    _add_architecture(sub)
    _add_loss(sub)
    sub.set_defaults(beta=None)
    sub.add_argument("--betas", type=_floats, metavar="B,B,...", help="values > 0 (default: a grid from beta_max)")
    sub.add_argument("--points", type=_int, help="points of the grid (default: 20); not with --betas")
    sub.add_argument("--smallest", type=_float, help="last beta over beta_max (default: 0.01); not with --betas")
    sub.add_argument(
        "--refine",
        type=_int,
        default=0,
        metavar="K",
        help="points added where the active set changes most (default: 0)",
    )
    sub.add_argument("--method", default="auto", help=f"one of {', '.join(METHODS)} (default: auto)")
    sub.add_argument("--tol", type=_float, default=1e-6, help="relative gap of each point (default: 1e-6)")
    sub.add_argument("--max-patterns", type=_int, help="refuse, or sample, beyond this many sign patterns")
    _add_time_limit(sub)
    _add_max_rounds(sub)

    sub = command(
        "sweep", sweep.run, "Solve every problem of a grid, a row each: an option with several values is an axis."
    )
    _add_grid(sub)

    sub = command("patterns", patterns.run, "Count the sign patterns of an arrangement exactly; list or sample them.")
    sources = _add_data(sub)
    sources.add_argument("--rows", metavar="ROWS.npy", help="matrix of hyperplane normals, one a row")
    _add_geometry(sub)
    sub.add_argument(
        "--max-patterns",
        type=_int,
        default=patterns.MAX_PATTERNS,
        help=f"give up beyond this many (default: {patterns.MAX_PATTERNS:,})",
    )
    sub.add_argument("--sample", type=_int, metavar="N", help="draw N patterns as well")
    sub.add_argument("--method", help=f"how to draw: one of {', '.join(patterns.SAMPLING)} (default: uniform)")
    sub.add_argument(
        "--out",
        metavar="PATTERNS.npz",
        help="write the patterns, all or the draws: rows (N, h), and active (m, ceil(N/8)) packed along the rows, "
        "read by numpy.unpackbits(active, axis=1, count=N, bitorder='little')",
    )
    _add_time_limit(sub)

    sub = command(
        "minimum-norm", minimum_norm.run, "The network of least norm that fits the targets, the limit of a small beta."
    )
    _add_data(sub)
    _add_geometry(sub)
    _add_architecture(sub)
    sub.set_defaults(beta=None, loss=None, delta=None)
    sub.add_argument("--margin", action="store_true", help="separate labels -1 and +1 with a margin of 1 instead")
    sub.add_argument("--method", default="auto", help=f"one of {', '.join(METHODS)} (default: auto)")
    sub.add_argument("--tol", type=_float, default=1e-6, help="relative gap to reach (default: 1e-6)")
    sub.add_argument("--max-patterns", type=_int, help="refuse, or sample, beyond this many sign patterns")
    _add_time_limit(sub)
    _add_max_rounds(sub)
    sub.add_argument("--out", metavar="MODEL.npz", help="write the network")
    add_onnx(sub)

    sub = command("sgd", sgd.run, "Train by mini-batch SGD or Adam, several initialisations at once, or compare both.")
    _add_problem(sub)
    sub.add_argument("--seeds", type=_ints, default=(0, 1, 2, 3, 4), metavar="S,S,...", help="initialisations")
    sub.add_argument("--m", type=_int, help="filters per network (default: n + 1)")
    sub.add_argument(
        "--optimizer",
        "--optimiser",
        dest="optimiser",
        default="sgd",
        help="sgd, adam, or all: plain SGD, SGD with momentum 0.9 and Adam, each tuned over --learning-rates "
        "(default: sgd)",
    )
    sub.add_argument("--learning-rate", type=_float, help="first step size (default: from the data)")
    sub.add_argument(
        "--learning-rates",
        type=_floats,
        metavar="R,R,...",
        help="with --optimizer all: the step sizes that each is tuned over, chosen on the training objective "
        f"(default: {','.join(f'{rate:g}' for rate in LEARNING_RATES)})",
    )
    sub.add_argument("--schedule", default="cosine", help="cosine or constant (default: cosine)")
    sub.add_argument("--momentum", type=_float, default=0.9, help="in [0, 1), 0 is plain SGD (default: 0.9)")
    sub.add_argument("--batch-size", type=_int, help="samples per step (default: half of them, at most 64)")
    sub.add_argument("--iterations", type=_int, default=5000, help="steps (default: 5000)")
    sub.add_argument("--init-scale", type=_float, default=0.1, help="first outputs over targets (default: 0.1)")
    sub.add_argument("--record-every", type=_int, help="steps between two records (default: about 250 records)")
    _add_time_limit(sub)
    sub.add_argument("--out", metavar="MODEL.npz", help="write the best network")
    add_onnx(sub)

    sub = command("audit", audit.run, "Certify how far a given network is, at most, from the global optimum.")
    sub.add_argument(
        "model",
        metavar="MODEL.npz",
        help="a model file of this library; or filters (m, h) and weights (m,) alone; or the arrays of two layers, "
        "named as by PyTorch (...weight) or Keras (...kernel); an array that is not used is refused by name",
    )
    _add_problem(sub)
    sub.add_argument("--tol", type=_float, default=1e-6, help="relative gap that counts as optimal (default: 1e-6)")
    _add_time_limit(sub)
    _add_max_rounds(sub)

    sub = command("benchmark", benchmark.run, "Compare with the solvers that are installed, by one audit.")
    sub.add_argument(
        "names", nargs="*", metavar="NAME", help=f"cases, or suites as train (default: all): {', '.join(CASES)}"
    )
    sub.add_argument("--quick", action="store_true", help="only the cases that take seconds")
    sub.add_argument("--repeat", type=_int, default=3, help="runs of each solver (default: 3)")
    sub.add_argument(
        "--time-limit", type=_float, default=60.0, metavar="SECONDS", help="per solver and case (default: 60)"
    )
    sub.add_argument(
        "--peer-python", metavar="PATH", help="interpreter with scnn (pip name pyscnn) or adelie (needs numpy < 2)"
    )

    sub = command("experiment", experiment.run, "One of the talk's experiments: convex programs against SGD.")
    sub.add_argument("name", help=f"one of {', '.join(EXPERIMENTS)}")
    sub.add_argument("--seed", type=_int, default=0, help="seed of data, sampled patterns and batches (default: 0)")
    sub.add_argument("--seeds", type=_ints, default=(0, 1, 2, 3, 4), metavar="S,S,...", help="initialisations of SGD")
    sub.add_argument("--beta", type=_float, help="regularisation > 0; default: the experiment's")
    sub.add_argument("--iterations", type=_int, help="steps of SGD; default: the experiment's")
    sub.add_argument("--quick", action="store_true", help="leave out the programs that take tens of seconds")
    _add_time_limit(sub)
    sub.add_argument("--out", metavar="RESULT.json", help="write everything that was found")
    sub.add_argument("--html", metavar="RESULT.html", help="write a self-contained page with the figures")

    command("datasets", datasets.run, "List the built-in datasets.")
    command("warm-up", warm_up.run, "Compile the kernels and keep them, so that nobody waits for them afterwards.")

    sub = command("app", app.run, "Start the app in a browser.")
    sub.add_argument("--port", type=_int, help="default: 8501, or the next one that is free")
    sub.add_argument("--no-browser", action="store_true", help="only serve it")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--dataset", metavar="NAME", help="a built-in dataset (see the command datasets)")
    group.add_argument(
        "--data",
        metavar="FILE",
        help="NPZ with X or images, and y (or the usual names); a table with a sample a line (CSV, TSV, text); time "
        "series (.ts); or the JSON of a report; also packed with gzip",
    )
    parser.add_argument(
        "--target",
        metavar="NAME|first|last",
        help="which column of a table is y (default: the one called y, label, class or target, else the last one where "
        "there is no doubt)",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of the built-in dataset, for example n=12 or classes=3,8; may be repeated",
    )
    parser.add_argument("--seed", type=_int, default=0, help="seed of the dataset and of sampling (default: 0)")
    return group


def _add_grid(parser: argparse.ArgumentParser) -> None:
    """Axes, how each task is solved, where it runs, and where the rows go."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument(
        "--dataset", type=_words, metavar="NAME,...", help="built-in datasets (see the command datasets)"
    )
    group.add_argument("--data", action="append", metavar="FILE", help="a file as for solve; may be repeated")
    parser.add_argument("--target", metavar="NAME|first|last", help="which column of a table is y, as for solve")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="option of the datasets, as for solve"
    )
    parser.add_argument(
        "--vary", action="append", default=[], metavar="KEY=V,V,...", help="option of the datasets with several values"
    )
    parser.add_argument("--seed", type=_axis(_int), metavar="S,...", help="of datasets and of sampling (default: 0)")
    parser.add_argument("--beta", type=_axis(_float), metavar="B,...", help="values > 0 (default: the dataset's)")
    parser.add_argument("--filter-size", type=_axis(_sizes), metavar="H,HxW,...", help="default: the dataset's")
    parser.add_argument("--stride", type=_axis(_sizes), metavar="S,SxS,...", help="default: the dataset's")
    for name, (choices, default) in {
        "padding": (get_args(Padding), "valid"),
        "bias": (get_args(Bias), "none"),
        "architecture": (tuple(ARCHITECTURES), "two-layer"),
        "loss": (tuple(LOSSES), "squared"),
    }.items():
        some = f"some of {', '.join(choices)} (default: {default})"
        parser.add_argument(f"--{name}", type=_words, metavar="NAME,...", help=some)
    parser.add_argument("--delta", type=_axis(_float), metavar="D,...", help="huber: where the quadratic part ends")
    for name, option in OPTIONS.items():
        listed = option.metavar is None or "," not in option.metavar  # what has commas itself is one value
        read = _axis(_READERS[option.kind]) if listed else _READERS[option.kind]
        metavar = f"{option.metavar or 'NAME'},..." if listed else option.metavar
        parser.add_argument(f"--{name.replace('_', '-')}", type=read, metavar=metavar, help=option.help)
    parser.add_argument(
        "--autoencoder", action="store_const", const=True, help="the targets are the inputs, as for solve"
    )
    parser.add_argument("--method", default="auto", help=f"one of {', '.join(METHODS)} (default: auto)")
    parser.add_argument("--tol", type=_float, default=1e-6, help="relative gap to reach (default: 1e-6)")
    parser.add_argument("--max-patterns", type=_int, help="refuse, or sample, beyond this many sign patterns")
    _add_max_rounds(parser)
    parser.add_argument(
        "--task-limit", type=_float, metavar="SECONDS", help="stop each task then, with its best answer"
    )
    parser.add_argument(
        "--time-limit", type=_float, metavar="SECONDS", help="stop the whole then, with the rows so far"
    )
    parser.add_argument(
        "--out", metavar="ROWS.jsonl", help="write every row as it comes, a line of JSON each; none of them is lost"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the rows that --out has")
    parser.add_argument("--table", metavar="TABLE.parquet", help="write the table, as Parquet or with .csv as CSV")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_int, metavar="N", help="processes (default: one for each core)")
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="of the scheduler of a dask cluster, such as tcp://host:8786, that does the work",
    )


def _add_geometry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter-size", type=_sizes, metavar="H|H,W", help="default: the dataset's")
    parser.add_argument("--stride", type=_sizes, metavar="S|S,S", help="default: the dataset's")
    parser.add_argument("--padding", choices=get_args(Padding), help="default: valid")
    parser.add_argument(
        "--bias",
        choices=get_args(Bias),
        help="none; regularised, of the filters; output, free; free, both (default: none)",
    )


def _add_problem(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_geometry(parser)
    parser.add_argument("--beta", type=_float, help="regularisation > 0; default: the dataset's")
    _add_architecture(parser)
    _add_loss(parser)


def _add_solving(parser: argparse.ArgumentParser) -> None:
    """A problem, and how to solve it."""
    _add_problem(parser)
    parser.add_argument("--method", default="auto", help=f"one of {', '.join(METHODS)} (default: auto)")
    parser.add_argument("--tol", type=_float, default=1e-6, help="relative gap to reach (default: 1e-6)")
    parser.add_argument("--max-patterns", type=_int, help="refuse, or sample, beyond this many sign patterns")
    _add_time_limit(parser)
    _add_max_rounds(parser)


def _add_architecture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--architecture", default="two-layer", help=f"one of {', '.join(ARCHITECTURES)} (default: two-layer)"
    )
    for name, option in OPTIONS.items():
        read = _READERS[option.kind]
        parser.add_argument(f"--{name.replace('_', '-')}", type=read, metavar=option.metavar, help=option.help)
    parser.add_argument("--exact", action="store_true", help="refuse a convex program that is only a bound")
    parser.add_argument(
        "--autoencoder",
        action="store_true",
        help="the targets are the inputs; filters as long as the input unless --filter-size says otherwise",
    )


def _add_loss(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--loss", help=f"one of {', '.join(LOSSES)} (default: squared)")
    parser.add_argument("--delta", type=_float, help="huber: where the quadratic part ends (default: 1)")


def _add_time_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--time-limit", type=_float, metavar="SECONDS", help="stop then with the best answer so far")


def _add_max_rounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-rounds",
        type=_int,
        metavar="R",
        help="rounds of column generation at each beta, a limit with the same result on every run (default: 500)",
    )


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number") from None


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an integer") from None


def _ints(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected integers such as 0,1,2") from None


def _floats(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected numbers such as 1,0.1") from None


def _axis(read: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Several values, separated by commas."""
    return lambda text: [read(part) for part in text.split(",")]


def _words(text: str) -> list[str]:
    return text.split(",")


def _sizes(text: str) -> int | tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an integer, or one per axis such as 3,2") from None
    return sizes[0] if len(sizes) == 1 else sizes


_READERS: dict[type, Callable[[str], Any]] = {str: str, int: _int, float: _float}

"""``sweep``: every problem of a grid solved and certified, a row each, in processes or on a dask cluster."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from ..data import read_dataset
from ..errors import BackendError, InputError
from ..presentation.sweeps import TABLES
from ..sweeps import sweep
from ..sweeps.settings import DATA_OPTION, NETWORK
from .inputs import check_outputs, dataset_options, option_value
from .output import running

__all__ = ["run"]

# seconds that a scheduler is waited for
_CONNECT = 10.0


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Sweep, write the rows and the table, and report."""
    if args.resume and args.out is None:
        raise InputError("resume: got it without --out, expected a file to go on with")
    if args.table is not None and not args.table.lower().endswith(TABLES):
        raise InputError(f"table: got {args.table!r:.200}, expected a name that ends in {' or '.join(TABLES)}")
    check_outputs(reads=tuple(args.data or ()), out=args.out, table=args.table)
    grid = _grid(args)
    with _executor(args.dask) as executor, running() as (progress, cancel):
        found = sweep(
            grid,
            executor,
            workers=args.workers,
            out=args.out,
            resume=args.resume,
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    if args.table is not None:
        found.save(args.table)
    return found.to_dict(), found.summary()


def _grid(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say: what is not given is not part of it."""
    names = ("beta", "seed", *NETWORK)
    grid = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    grid |= {name: getattr(args, name) for name in ("method", "tol", "max_rounds", "max_patterns", "task_limit")}
    if args.data is not None:
        if args.option or args.vary:
            text = (args.option + args.vary)[0]
            raise InputError(f"option: got {text!r} with --data, expected options only with --dataset")
        understood = [read_dataset(path, target=args.target) for path in args.data]
        args.understood = " ".join(dataset.description for dataset in understood)
        return {"dataset": understood, **grid}
    if args.target is not None:
        raise InputError(f"target: got {args.target!r} with --dataset, expected a file of --data")
    options = dataset_options(args)
    varied = dict(map(_varied, args.vary))
    both = sorted(options.keys() & varied.keys())
    if both or len(varied) < len(args.vary):
        raise InputError(f"vary: got {(both or list(varied))[0]} twice, expected each option once")
    if "seed" in options or "seed" in varied:
        raise InputError("option: got seed, expected --seed")
    every = {f"{DATA_OPTION}{name}": value for name, value in (options | varied).items()}
    return {"dataset": args.dataset, **every, **grid}


def _varied(text: str) -> tuple[str, list[Any]]:
    """``KEY=VALUE,VALUE`` as an axis."""
    key, equals, values = text.partition("=")
    if not equals or not values:
        raise InputError(f"vary: got {text!r}, expected KEY=VALUE,VALUE")
    return option_value(f"{key}=0")[0], [option_value(f"{key}={value}")[1] for value in values.split(",")]


@contextmanager
def _executor(address: str | None) -> Iterator[Executor | None]:
    """The workers of a dask cluster; None without an address."""
    if address is None:
        yield None
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise BackendError("dask: got no dask.distributed, expected pip install 'convex-core[cluster]'") from error
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"dask: got {address!r:.200} ({why}), expected the address of a scheduler") from error
    try:
        yield client.get_executor()
    finally:
        client.close()

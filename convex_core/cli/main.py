"""Entry point: parse, run one command, print its result, turn every expected failure into one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from ..errors import ConvexCoreError, InputError
from .output import print_json
from .parser import build_parser

__all__ = ["main"]

PROGRAM = "convex_core"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        0 with a result on stdout, and one line on stderr about a file of data; 2 on bad input and 1 on any other
        expected failure, with one line on stderr.

    Examples
    --------
    >>> main(["solve", "--dataset", "nosuch"])
    2
    """
    with warnings.catch_warnings():
        # stderr holds progress, what was understood of a file of data, and the one line of a failure, nothing else
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        try:
            args = build_parser(PROGRAM).parse_args(argv)
            if sys.stdout is None:
                raise InputError("standard output: got a closed stream, expected an open one for the result")
            result, text = args.run(args)
            if understood := getattr(args, "understood", ""):
                print(f"{PROGRAM}: {understood}", file=sys.stderr)
            if args.json:
                print_json(result)
            else:
                print(text)
            sys.stdout.flush()
        except InputError as error:
            return _fail(error, 2)
        except (ConvexCoreError, MemoryError) as error:
            return _fail(error, 1)
        except KeyboardInterrupt:
            return _fail("interrupted", 130)
        except BrokenPipeError:
            # the reader has gone (``| head``); keep the interpreter from flushing into the closed pipe
            _silence()
            return 1
        except OSError as error:  # files have errors of their own: this is standard output, on a full disk say
            _silence()
            return _fail(f"standard output: got {error.strerror or error}, expected a writable stream", 1)
    return 0


def _silence() -> None:
    """Send what is left in standard output nowhere, so that the interpreter does not fail on it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: object, status: int) -> int:
    """Print the one line and give back the exit status."""
    sentence = " ".join(str(reason).split()) or type(reason).__name__
    print(f"{PROGRAM}: error: {sentence}", file=sys.stderr)
    return status

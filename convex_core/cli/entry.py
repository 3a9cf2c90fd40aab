"""Entry point: parse, run one command, print its result, turn every expected failure into one line."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from ..errors import ConvexCoreError, InputError
from ..interruption import INTERRUPTED, PROGRAM, TERMINATED, Terminated
from .output import interrupted, print_json, say, silence
from .parser import build_parser

__all__ = ["main"]


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
        expected failure, with one line on stderr; 1 also for a report that does not hold, with what differs on stdout.
        130 after Ctrl-C and 143 after SIGTERM, with one line too, and the best answer so far on stdout if there is one.

    Examples
    --------
    >>> main(["solve", "--dataset", "nosuch"])
    2
    """
    interrupted.clear()
    with warnings.catch_warnings():
        # stderr holds progress, what was understood of a file of data, and the one line of a failure, nothing else
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        try:
            args = _parsed(argv)
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
            if interrupted.is_set():
                return _fail("interrupted, the result is the best so far", INTERRUPTED)
        except InputError as error:
            return _fail(error, 2)
        except (ConvexCoreError, MemoryError) as error:
            return _fail(error, INTERRUPTED if interrupted.is_set() else 1)
        except Terminated:
            return _fail("terminated", TERMINATED)
        except KeyboardInterrupt:
            return _fail("interrupted", INTERRUPTED)
        except BrokenPipeError:
            # the reader has gone (``| head``); keep the interpreter from flushing into the closed pipe
            silence(sys.stdout)
            return 1
        except OSError as error:  # files have errors of their own: this is standard output, on a full disk say
            silence(sys.stdout)
            return _fail(f"standard output: got {error.strerror or error}, expected a writable stream", 1)
    status: int = getattr(args, "status", 0)
    return status


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    try:
        return build_parser(PROGRAM).parse_args(argv)
    except SystemExit:  # --help
        if sys.stdout is not None:
            sys.stdout.flush()
        raise


def _fail(reason: object, status: int) -> int:
    """Print the one line and give back the exit status."""
    sentence = " ".join(str(reason).split()) or type(reason).__name__
    say(f"{PROGRAM}: error: {sentence}")
    return status

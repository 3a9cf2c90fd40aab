"""``python -m convex_core``."""

import os
import sys

from ._deadline import still_running
from .cli import main as command

__all__ = ["main"]


def main() -> int:
    """Run the command line; the exit status."""
    status = command()
    if still_running():  # the result is out: nobody waits for what a time limit or Ctrl-C has left behind
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())

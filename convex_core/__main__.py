"""``python -m convex_core``, and ``convex-core``."""

import os
import sys

from .cli import main as command
from .interruption import end_at_once, is_command, unwind
from .progress import still_running

__all__ = ["main"]


def main() -> int:
    """Run the command of this process; once its result is out, a signal ends the process at once.

    Nobody waits then for what a time limit or Ctrl-C has left behind.
    """
    if not is_command() and __name__ != "__main__":
        return command()
    try:
        unwind()
        status = command()
    finally:
        end_at_once()
    if still_running():
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())

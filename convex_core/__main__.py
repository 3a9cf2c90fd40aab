"""``python -m convex_core``, and ``convex-core``."""

import sys

from ._signals import end_at_once, is_command, unwind
from .cli import main as command

__all__ = ["main"]


def main() -> int:
    """Run the command of this process; once its result is out, a signal ends the process at once."""
    if not is_command() and __name__ != "__main__":
        return command()
    try:
        unwind()
        return command()
    finally:
        end_at_once()


if __name__ == "__main__":
    sys.exit(main())

"""Command line: ``python -m convex_core solve | path | patterns | sgd | audit | benchmark | experiment | ...``.

Results go to stdout (with ``--json`` exactly one JSON object), progress to stderr when it is a terminal. Exit status 0
means that there is a result, 2 bad input, 1 a computation without one, or a report that does not hold; what went wrong
is one line on stderr.
"""

from .entry import main

__all__ = ["main"]

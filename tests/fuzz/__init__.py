"""Random inputs for hours: ``python -m tests.fuzz --minutes 30``.

Every case is made from one seed, which is printed when it fails, and judged without the library: forward passes,
losses, duals and prices are written again in ``judge.py``. The kinds of cases are in ``__main__.py``; a case raises
``WrongError``, or whatever the library should not have raised.
"""

from __future__ import annotations

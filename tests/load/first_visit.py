"""What the first visitor of a server waits for where nothing is compiled yet: `python tests/load/first_visit.py`.

A script, not a test: what it says is about a machine. A server of its own with an empty cache of kernels is visited
without a browser, then another one that finds the kernels of the first. What the first one took more, together with the
process that compiles for it, is what kernels cost. Seconds are by the clock, and mean something on a quiet machine
only. Exit status 1 if there is no text within 3 s of the visit, or if kernels cost more than 20 CPU seconds.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from load.client import Answer, Session  # noqa: E402
from load.process import Process, server_process  # noqa: E402

TEXT_SECONDS, KERNEL_CPU = 3.0, 20.0
#: Longest wait for the kernels, and how often they are looked for.
PATIENCE, LOOK = 600.0, 0.1
#: Lines of text that are told.
LINES = 4


@dataclass
class Reader(Session):
    """A visitor that notes when it could read what, by the clock and in processor seconds of the server."""

    process: Process | None = None
    began: float = field(default_factory=time.monotonic)
    texts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def _take(self, told: Any, errors: list[str]) -> int:
        element = told.delta.new_element
        kind = element.WhichOneof("type")
        if self.process is not None and kind in ("markdown", "heading", "alert"):
            # a line that counts seconds is one line
            text = getattr(element, kind).body.split(":")[0].splitlines()[0]
            self.texts.setdefault(text, (time.monotonic() - self.began, self.process.seconds))
        return super()._take(told, errors)


async def read(address: str, process: Process) -> tuple[Reader, Answer]:
    """Open the first page and stay until it is whole."""
    reader = Reader(address, "home", patience=PATIENCE, process=process)
    answer = await reader.open()
    await reader.settle()
    await reader.close()
    return reader, answer


def compiled(process: Process) -> bool:
    """Wait until there is a file for every kernel and nobody compiles; False if that is not seen."""
    from convex_core.warm_up import kept_on_disk  # after the cache was named

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if kept_on_disk() and not process.children:
            return True
        time.sleep(LOOK)
    return False


def visit(name: str) -> tuple[float, float, bool]:
    """Visit a server: seconds to the first text, processor seconds to all kernels, whether they are there."""
    from browser.conftest import running_server

    start = time.monotonic()
    with running_server() as address:
        process = server_process(address)
        print(f"{name}\n{'answers':24} {time.monotonic() - start:6.2f} s {process.seconds:6.2f} CPU s")
        began = time.monotonic()
        reader, answer = asyncio.run(read(address, process))
        whole = time.monotonic() - began, process.seconds
        ready = compiled(process)
        spent = process.seconds + process.waited
        kernels = time.monotonic() - began, spent
    for text, (seconds, cpu) in sorted(reader.texts.items(), key=lambda item: item[1])[:LINES]:
        print(f"{text[:24]:24} {seconds:6.2f} s {cpu:6.2f} CPU s")
    print(f"{'page is whole':24} {whole[0]:6.2f} s {whole[1]:6.2f} CPU s")
    print(f"{'all kernels are there':24} {kernels[0]:6.2f} s {kernels[1]:6.2f} CPU s")
    print(*answer.errors, sep="\n", end="")
    first = min((seconds for seconds, _ in reader.texts.values()), default=float("inf"))
    return first, spent, ready and not answer.errors


def main() -> int:
    """Visit a server with an empty cache, then one with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache
        first, cold, well = visit("nothing is compiled")
        _, warm, again = visit("everything is compiled")
    print(f"first text after {first:.2f} s, kernels cost {cold - warm:.2f} CPU s")
    within = well and again and first <= TEXT_SECONDS and cold - warm <= KERNEL_CPU
    print("within both limits" if within else "over a limit")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())

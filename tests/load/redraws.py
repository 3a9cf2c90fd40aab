"""How long a page takes, and how much it sends: `python tests/load/redraws.py [page ...]`.

A script, not a test: what it says is about a machine. On a server of its own, a visitor without a browser opens each
page, then moves one slider to and fro between values that the server has seen, so that everything is cached and only
drawn again. Processor time of the server is what to look at on a machine that others use too. Exit status 1 if a cached
redraw takes more than 150 ms in the median, or sends more than 60 kB where no picture changed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import running_server  # noqa: E402

from load.client import Answer, Session  # noqa: E402
from load.process import Process, server_process  # noqa: E402

#: Pages with the two values of a setting between which they go.
PAGES = {
    "home": ("", ()),
    "dataset": ("h", (3, 4)),
    "arrangement": ("h", (3, 4)),
    "solve": ("beta", ("0.1", "0.126")),
    "filters_and_path": ("h", (3, 4)),
    "convex_vs_sgd": ("beta", ("0.1", "0.126")),
    "three_layer": ("circular_h", (3, 2)),
}
#: Moves that are measured, and those before them.
MOVES, BEFORE = 20, 4
REDRAW_MS, PRESS_KB = 150.0, 60.0


async def measure(address: str, page: str, process: Process) -> bool:
    """One page as a line of the table; whether it is within both budgets."""
    key, values = PAGES[page]
    session = Session(address, page)
    cpu = process.seconds
    opened = await session.open()
    await session.settle()
    first = process.seconds - cpu
    answers: list[Answer] = []
    cached = 0.0
    if key:
        for at in range(BEFORE):
            await session.set(key, values[at % 2])
            await session.settle()
        cpu = process.seconds
        for at in range(MOVES):
            answers.append(await session.set(key, values[at % 2]))
            await session.settle()
        cached = (process.seconds - cpu) / MOVES
    await session.close()
    again = Session(address, page)
    cpu = process.seconds
    second = await again.open()
    await again.settle()
    other = process.seconds - cpu
    await again.close()
    errors = [error for answer in (opened, *answers, second) for error in answer.errors]
    median = 1000 * statistics.median(a.seconds for a in answers) if answers else float("nan")
    # a slider that changes its own pictures sends them; all else is what every press costs
    sent = statistics.median(a.sent for a in answers) / 1000 if answers else float("nan")
    pictures = statistics.median(a.picture_bytes for a in answers) / 1000 if answers else 0.0
    print(
        f"{page:18} {opened.seconds:7.2f} {first:7.2f} {second.seconds:8.2f} {other:8.2f} {opened.sent / 1000:8.0f} "
        f"{median:9.0f} {1000 * cached:9.0f} {sent:9.0f} {pictures:9.0f}",
        *errors,
    )
    return not errors and (not answers or (1000 * cached <= REDRAW_MS and sent - pictures <= PRESS_KB))


async def run(address: str, pages: list[str]) -> bool:
    """All pages, one after the other."""
    process = server_process(address)
    print(
        f"{'':18} {'first visit':>15} {'next visitor':>17} {'':>8} {'cached redraw':>19} {'one press':>19}\n"
        f"{'page':18} {'s':>7} {'CPU s':>7} {'s':>8} {'CPU s':>8} {'kB':>8} {'ms':>9} {'CPU ms':>9} {'kB':>9} "
        f"{'pictures':>9}"
    )
    return all([await measure(address, page, process) for page in pages])


def main() -> int:
    """Read the arguments, start a server, and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", metavar="page", help=f"of {', '.join(PAGES)}; by default all")
    args = parser.parse_args()
    unknown = sorted(set(args.pages) - set(PAGES))
    if unknown:
        parser.error(f"got {', '.join(unknown)}, expected pages of {', '.join(PAGES)}")
    with running_server() as address:
        well = asyncio.run(run(address, args.pages or list(PAGES)))
    print("within the budgets" if well else "over a budget")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

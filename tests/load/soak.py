"""Does the app leak? `python tests/load/soak.py --minutes 30 --csv soak.csv`.

A script, not a test: what it says is about a machine. A server of its own on this machine alone has visitors of all
kinds, one after the other at `--visitors` places: each opens a page with settings of its own, moves sliders, and
leaves; they look at what they see for a moment, which `--pace 5` makes five times shorter. Every page is seen once
before. Memory and threads of the server are written down every five seconds. After the first half, in which caches
fill, lines are fitted to them; exit status 1 if memory or threads surely rise by more an hour than `--megabytes` and
`--threads` say, two standard errors off, or if anything went wrong. Half an hour says something; three minutes say that
the script runs.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import running_server  # noqa: E402

from load.client import Session  # noqa: E402
from load.process import Process, server_process  # noqa: E402

#: Pages, and the data sets that visitors come with; a page without sliders is looked at, the first one has no name.
PAGES = (
    "", "dataset", "solve", "arrangement", "filters_and_path", "convex_vs_sgd", "three_layer", "playground", "sweep",
)  # fmt: skip
DATA = ("talk", "edge", "shift", "planted")
LOOK = 5.0
#: What follows within seconds is alike and says nothing new: a line is fitted to the means of so many parts of a curve.
PARTS = 12


@dataclass
class Record:
    """What was seen of the server, and of its visitors."""

    curve: list[tuple[float, float, int, int]] = field(default_factory=list)
    visits: int = 0
    answers: int = 0
    errors: list[str] = field(default_factory=list)


async def visits(address: str, until: float, rng: random.Random, pace: float, record: Record) -> None:
    """One visitor after the other, each a session that ends."""
    while time.monotonic() < until:
        page = rng.choice(PAGES)
        session = Session(address, page, {"data": rng.choice(DATA), "seed": str(rng.randint(0, 9))})
        answers = [await session.open()]
        for _ in range(rng.randint(0, 6)):
            await session.settle()
            keys = session.sliders()
            if time.monotonic() >= until or answers[-1].errors or not keys:
                break
            answers.append(await session.move(rng.choice(keys), rng))
            await asyncio.sleep(rng.uniform(0.1, 0.8) / pace)
        await session.close()
        record.visits += 1
        record.answers += len(answers)
        record.errors += [f"{page or 'first page'}: {error}" for answer in answers for error in answer.errors]


async def watch(process: Process, until: float, record: Record) -> None:
    """A row of the curve every few seconds."""
    begin = time.monotonic()
    while time.monotonic() < until:
        record.curve.append((time.monotonic() - begin, process.megabytes, process.threads, record.visits))
        await asyncio.sleep(LOOK)


async def run(address: str, minutes: float, visitors: int, seed: int, pace: float) -> Record:
    """All visits."""
    record, process = Record(), server_process(address)
    for page in PAGES:  # what a page loads once is no leak
        session = Session(address, page)
        await session.open()
        await session.settle()
        await session.close()
    until = time.monotonic() + 60.0 * minutes
    await asyncio.gather(
        watch(process, until, record),
        *(visits(address, until, random.Random(1000 * seed + place), pace, record) for place in range(visitors)),
    )
    return record


def slope(seconds: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """What the values rise by in an hour, and the standard error of that."""
    parts = min(PARTS, len(values))
    seconds, values = (np.array([part.mean() for part in np.array_split(x, parts)]) for x in (seconds, values))
    line, rest = np.polyfit(seconds, values, 1), len(values) - 2
    scatter = np.sqrt(((values - np.polyval(line, seconds)) ** 2).sum() / max(1, rest))
    spread = np.sqrt(((seconds - seconds.mean()) ** 2).sum())
    return 3600.0 * float(line[0]), 3600.0 * float(scatter / spread)


def judged(record: Record, megabytes: float, threads: float) -> bool:
    """Say what was seen, and whether it is flat."""
    seconds, memory, count, _ = np.array(record.curve).T
    late = seconds >= seconds[-1] / 2.0
    rise, error = slope(seconds[late], memory[late])
    more, more_error = slope(seconds[late], count[late])
    print(
        f"{record.visits} visits, {record.answers} answers, {len(record.errors)} errors",
        *sorted(set(record.errors))[:9],
        sep="\n  ",
    )
    print(f"memory: {memory[0]:.0f} MB at first, {memory.max():.0f} at most, {memory[-1]:.0f} at last")
    middle, spread = memory[late].mean(), np.ptp(memory[late]) / 2.0
    print(
        f"after the first half it is {middle:.0f} MB, up and down by {100 * spread / middle:.1f} %, and rises by "
        f"{rise:.0f} MB an hour, give or take {2 * error:.0f}"
    )
    print(
        f"threads: {count[0]:.0f} at first, {count.max():.0f} at most, {count[-1]:.0f} at last; "
        f"{more:+.0f} an hour, give or take {2 * more_error:.0f}"
    )
    flat = rise - 2 * error <= megabytes and more - 2 * more_error <= threads
    print("flat" if flat else "not flat")
    return flat and not record.errors


def main() -> int:
    """Read the arguments, start a server, and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--visitors", type=int, default=4, help="at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pace", type=float, default=1.0, help="how many times shorter visitors look at what they see")
    parser.add_argument("--csv", type=Path, help="file for the curve")
    parser.add_argument("--megabytes", type=float, default=60.0, help="an hour that memory may rise by")
    parser.add_argument("--threads", type=float, default=6.0, help="an hour that threads may rise by")
    args = parser.parse_args()
    if not (0.5 <= args.minutes <= 24 * 60 and 1 <= args.visitors <= 50 and 0.1 <= args.pace <= 100):
        parser.error("expected 0.5 to 1440 minutes, 1 to 50 visitors, and a pace from 0.1 to 100")
    with running_server() as address:
        record = asyncio.run(run(address, args.minutes, args.visitors, args.seed, args.pace))
    if args.csv is not None:
        with args.csv.open("w", newline="") as file:
            csv.writer(file).writerows([("seconds", "megabytes", "threads", "visits"), *record.curve])
    return 0 if judged(record, args.megabytes, args.threads) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Many visitors at once: `python tests/load/sessions.py --sessions 20 --seconds 180`.

A script, not a test: what it says is about a machine. It starts a server of its own on this machine alone, opens that
many sessions without browsers, and lets each move sliders of one page, one after the other with a pause between, until
the seconds are over; then it says what happened and ends the server. With `--rounds` others come when all have left, to
other data: what memory is kept then is that of caches if it stays, and a leak if it grows. Exit status 1 if anything
went wrong, if half of all answers took longer than `--median`, or if some session got less than half as many answers as
another of its page.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import running_server  # noqa: E402

from load.client import Answer, Session  # noqa: E402
from load.process import Process, server_process  # noqa: E402

#: Pages, and the sliders that are moved on each.
SLIDERS = {
    "solve": ("beta", "h", "stride"),
    "dataset": ("h", "stride", "n"),
    "arrangement": ("h", "stride", "samples"),
    "filters_and_path": ("h", "stride"),
}
MOST_SESSIONS, MOST_SECONDS = 100, 600
#: Seconds between two looks at the server's process.
LOOK = 1.0


@dataclass
class Visitor:
    """A session, and what it saw."""

    session: Session
    answers: list[Answer] = field(default_factory=list)

    async def stay(self, until: float, pause: float, rng: random.Random) -> None:
        """Move sliders until the time is over."""
        await asyncio.sleep(rng.uniform(0.0, 2.0))
        self.answers.append(await self.session.open())
        await self.session.settle()
        while time.monotonic() < until and not self.answers[-1].errors:
            keys = [key for key in SLIDERS[self.session.page] if key in self.session.sliders()]
            if keys:
                self.answers.append(await self.session.move(rng.choice(keys), rng))
            await self.session.settle()
            await asyncio.sleep(rng.uniform(0.5, 1.5) * pause)
        await self.session.close()


async def watch(process: Process, until: float) -> list[tuple[float, int]]:
    """Memory and threads, once a second."""
    seen = []
    while time.monotonic() < until:
        seen.append((process.megabytes, process.threads))
        await asyncio.sleep(LOOK)
    return seen


async def run(address: str, sessions: int, seconds: float, pause: float, rounds: int) -> bool:
    """All rounds; whether all was well but for the median, which is the caller's."""
    process = server_process(address)
    for page in SLIDERS:  # what is compiled and cached once is not what many visitors wait for
        await Visitor(Session(address, page)).stay(0.0, 0.0, random.Random(0))
    print(f"{sessions} sessions, {seconds:g} s, pauses of about {pause:g} s", flush=True)
    return all([await visits(address, process, sessions, seconds, pause, at) for at in range(rounds)])


async def visits(address: str, process: Process, sessions: int, seconds: float, pause: float, number: int) -> bool:
    """One round."""
    pages = list(SLIDERS)
    seeds = [number * sessions + at // len(pages) for at in range(sessions)]
    visitors = [Visitor(Session(address, pages[at % len(pages)], {"seed": str(seed)})) for at, seed in enumerate(seeds)]
    until, cpu = time.monotonic() + seconds, process.seconds
    seen, *_ = await asyncio.gather(
        watch(process, until),
        *(visitor.stay(until, pause, random.Random(sessions * number + at)) for at, visitor in enumerate(visitors)),
    )
    cpu = process.seconds - cpu
    for page in pages:
        line([v for v in visitors if v.session.page == page], page)
    moves = line(visitors, "all")
    counts = {page: [len(v.answers) - 1 for v in visitors if v.session.page == page] for page in pages}
    fair = all(2 * min(of) >= max(of) for of in counts.values() if of)
    print("moves of each session:", "; ".join(f"{page} {sorted(of)}" for page, of in counts.items()))
    memory, threads = zip(*seen, strict=True)
    await asyncio.sleep(10 * LOOK)
    print(
        f"memory MB: {memory[0]:.0f} at first, {max(memory):.0f} at most, {process.megabytes:.0f} after all have left"
    )
    print(f"threads: {threads[0]} at first, {max(threads)} at most, {process.threads} after all have left")
    print(f"server: {cpu:.1f} s of processor time, {1000 * cpu / max(1, len(moves)):.0f} ms for each answer")
    errors = [error for visitor in visitors for answer in visitor.answers for error in answer.errors]
    print(f"errors: {len(errors)}", *sorted(set(errors)), sep="\n  ", flush=True)
    run.median = statistics.median(moves) if moves else float("inf")  # type: ignore[attr-defined]
    return not errors and fair


def line(visitors: list[Visitor], name: str) -> list[float]:
    """Say how long the answers to moves took."""
    moves = [answer.seconds for visitor in visitors for answer in visitor.answers[1:]]
    opened = [visitor.answers[0].seconds for visitor in visitors if visitor.answers]
    if len(moves) > 1:
        high = statistics.quantiles(moves, n=20)[-1]
        print(
            f"{name:18} {len(moves):5} answers, median {statistics.median(moves):.2f} s, 95 % within {high:.2f} s, "
            f"longest {max(moves):.2f} s; first visit {statistics.median(opened):.2f} s"
        )
    return moves


def main() -> int:
    """Read the arguments, start a server, and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds that a visitor looks at an answer, on average"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often that many come")
    parser.add_argument("--median", type=float, default=1.5, help="seconds that half of all answers may take")
    args = parser.parse_args()
    if not (1 <= args.sessions <= MOST_SESSIONS and 1 <= args.seconds * args.rounds <= MOST_SECONDS):
        parser.error(f"at most {MOST_SESSIONS} sessions and {MOST_SECONDS} seconds in all")
    with running_server() as address:
        well = asyncio.run(run(address, args.sessions, args.seconds, args.pause, args.rounds))
    quick = run.median <= args.median  # type: ignore[attr-defined]
    print("as asked" if well and quick else "not as asked")
    return 0 if well and quick else 1


if __name__ == "__main__":
    sys.exit(main())

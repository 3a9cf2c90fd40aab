"""One large certificate on many workers: `python tests/load/cluster.py [--problem talk|digits]`.

A script, not a test. It certifies one network three times: by two threads, by two processes, and by an executor that
searches one part after the other and writes down what each took. The first two are measured. From the third follows a
*simulation* of 2 to 64 workers: parts of a round go to whoever is free, a part costs `--overhead` seconds more, and
what is done between rounds is done by one. No cluster was there when it says what 64 workers take.
"""

from __future__ import annotations

import argparse
import heapq
import multiprocessing
import pickle
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import convex_core as cc  # noqa: E402
from convex_core.solvers.pricing.elsewhere import Elsewhere  # noqa: E402
from convex_core.solvers.search import searched_pricer  # noqa: E402
from load.process import Process  # noqa: E402

WORKERS = (1, 2, 4, 8, 16, 32, 64)


class Recording(Executor):
    """Does what is submitted at once, and writes down processor seconds and bytes, round by round."""

    def __init__(self) -> None:
        self.rounds: list[list[tuple[float, int]]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it here."""
        size, begin, future = len(pickle.dumps((fn, args))), time.thread_time(), Future()
        future.set_result(fn(*args, **kwargs))
        self.rounds[-1].append((time.thread_time() - begin, size))
        return future


def problem_of(name: str) -> cc.Problem:
    """Filters of five entries, which are searched by cones, or of nine, by row signs."""
    if name == "talk":
        return cc.Problem.from_dataset(cc.load_dataset("talk", n=60), filter_size=5, stride=1, beta=0.05)
    data = cc.load_dataset("digits", pool=1, selection="first", n=40)
    return cc.Problem.from_dataset(data, filter_size=3, stride=3, beta=0.5)


def makespan(seconds: list[float], workers: int) -> float:
    """When the last of some parts is done, each given to whoever is free first."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def said(name: str, found: cc.Certificate, cpu: float, clock: float) -> None:
    """One line."""
    print(f"{name:22} lower bound {found.lower_bound:.8f}, {cpu:.2f} s of processor time, {clock:.2f} s by the clock")


def main() -> None:
    """Read the arguments, measure, simulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", choices=("talk", "digits"), default="talk")
    parser.add_argument(
        "--overhead", type=float, default=0.003, help="seconds of the way there and back, for each part"
    )
    args = parser.parse_args()
    problem = problem_of(args.problem)
    network = cc.solve(problem, tol=1e-3, method="branch-and-bound", max_rounds=8).network
    cc.certify(problem, network, time_limit=2.0)  # kernels

    cpu, begin = time.process_time(), time.perf_counter()
    found = cc.certify(problem, network, pricer=searched_pricer(problem))
    said("two threads", found, time.process_time() - cpu, time.perf_counter() - begin)

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        cc.certify(problem, network, executor=pool, time_limit=5.0)  # they start, and load their kernels
        workers = [Process(process.pid) for process in multiprocessing.active_children()]
        own, theirs, begin = time.process_time(), sum(worker.seconds for worker in workers), time.perf_counter()
        found = cc.certify(problem, network, executor=pool)
        cpu = time.process_time() - own + sum(worker.seconds for worker in workers) - theirs
        said("two processes", found, cpu, time.perf_counter() - begin)

    recording, run = Recording(), Elsewhere.run

    def next_round(self: Elsewhere, *given: Any) -> Any:
        recording.rounds.append([])
        return run(self, *given)

    Elsewhere.run = next_round  # type: ignore[method-assign]
    begin = time.process_time()
    found = cc.certify(problem, network, executor=recording)
    whole = time.process_time() - begin
    parts = [seconds for each in recording.rounds for seconds, _ in each]
    between = max(0.0, whole - sum(parts))
    size = sum(size for each in recording.rounds for _, size in each)
    said("recorded", found, whole, whole)
    print(
        f"{len(recording.rounds)} rounds, {len(parts)} parts of at most {max(parts):.2f} s, {size / 1e6:.1f} MB sent;"
    )
    print(f"{between:.2f} s between the rounds; simulated with {1000 * args.overhead:g} ms for each part:")
    for workers_ in WORKERS:
        spent = between + sum(makespan([t + args.overhead for t, _ in each], workers_) for each in recording.rounds)
        print(f"  {workers_:3} workers: {spent:6.2f} s, {whole / spent:5.1f} times as quick as one after the other")


if __name__ == "__main__":
    main()

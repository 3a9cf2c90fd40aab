"""How late computations end: `python tests/load/limits.py [word ...]`, the cases with one of the words in their name.

A script, not a test: what it says is about a machine. Every verb is asked to end after 0.3, 1 and 3 seconds, by its
time limit and once by a cancel flag, for every architecture and for sizes at which it does not end by itself. A line of
the table says what was asked, what the call took by the clock and in processor seconds, and what went on in a thread
that was left. The data of each call are its own, so that nothing is remembered. Late is what both the clock and the
processor say, or what a left thread took. Where others use the machine the clock says little: with `--processor` the
limits themselves are processor seconds of this process. Exit status 1 if any call is more than 0.3 s late.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from architecture_cases import random_network  # noqa: E402

import convex_core as cc  # noqa: E402
from convex_core.progress import _wait, still_running  # noqa: E402
from convex_core.training.multistart import local_search  # noqa: E402
from convex_core.warm_up import compile_kernels  # noqa: E402

LIMITS, CANCELLED, LATE = (0.3, 1.0, 3.0), 0.5, 0.3
#: Verbs by name, each with a problem, a network and its limits.
VERBS: dict[str, Callable[[Any, Any, dict[str, Any]], Any]] = {
    "solve": lambda problem, _, limits: cc.solve(problem, **limits),
    "certify": lambda problem, network, limits: cc.certify(problem, network, **limits),
    "path": lambda problem, _, limits: cc.solve_path(problem, points=5, **limits),
    "local_search": lambda problem, _, limits: local_search(problem, **limits),
    "audit": lambda problem, network, limits: cc.audit(problem, network, **limits),
    "bounds": lambda problem, _, limits: cc.bounds(problem, **limits),
    "minimum_norm": lambda problem, _, limits: cc.minimum_norm(problem, **limits),
    "beta_max": lambda problem, _, limits: cc.beta_max(problem, **limits),
}


@dataclass(frozen=True)
class Case:
    """A network and the sizes of its data; inputs are signals of length `d`."""

    name: str
    n: int
    d: int
    h: int
    stride: int = 1
    beta: float = 0.01
    loss: str = "squared"
    options: dict[str, Any] = field(default_factory=dict)

    def problem(self, seed: int) -> Any:
        """Gaussian data of its own."""
        rng = np.random.default_rng(seed)
        options = dict(self.options)
        q = int(options.get("outputs", 1))
        y = rng.standard_normal((self.n, q)) if q > 1 else rng.standard_normal(self.n)
        if self.loss == "softmax":
            y = np.arange(self.n) % q
        elif self.loss in ("logistic", "hinge"):
            y = np.where(y >= 0.0, 1.0, -1.0)
        return cc.Problem(
            rng.standard_normal((self.n, self.d)), y, filter_size=self.h, stride=self.stride, beta=self.beta * self.n,
            loss=self.loss, **options,
        )  # fmt: skip


def cases() -> Iterator[Case]:
    """Every architecture, in sizes from the smallest that take long to large ones."""

    def case(name: str, n: int, d: int, h: int, stride: int = 1, *, loss: str = "squared", **options: Any) -> Case:
        words = f"{name} n={n} h={h}" + ("" if loss == "squared" else f" {loss}")
        return Case(words, n, d, h, stride, loss=loss, options=options)

    sizes = ((6, 12, 8), (60, 18, 6, 3), (5000, 9, 3, 3), (200, 200, 200), (40, 60, 20, 10))
    for size in sizes:
        yield case("sum", *size)
    for loss in ("logistic", "hinge", "absolute", "huber"):
        for size in ((30, 18, 6, 3), (5000, 9, 3, 3)):
            yield case("sum", *size, loss=loss)
    for size in ((30, 18, 6, 3), (2000, 9, 3, 3), (200, 200, 200)):
        yield case("mean leaky", *size, pooling="mean", activation="leaky")
        yield case("sum skip", *size, skip="free")
        yield case("sum bias", *size, bias="free")
        yield case("sum output bias", *size, bias="output")
        yield case("threshold", *size, activation="threshold")
        yield case("quadratic", *size, activation="quadratic")
        yield case("max", *size, pooling="max")
        yield case("branches", *size, branches="2")
        yield case("linear", *size, architecture="linear")
        yield case("pooling grid", *size, pooling_grid="1" if size[2] > 100 else "2")
        yield case("flatten", *size, architecture="flatten")
        yield case("flatten plain", *size, architecture="flatten", relaxation="plain")
        yield case("flatten l1", *size, architecture="flatten", output_norm="l1")
        yield case("three-layer", *size, architecture="three-layer")
        yield case("three-layer shared", *size, architecture="three-layer", sharing="shared")
        for q in (3, 10):
            yield case(f"outputs {q}", *size, outputs=q)
            yield case(f"outputs {q} l2", *size, outputs=q, output_norm="l2")
        yield case("outputs 3 l2 plain", *size, outputs=3, output_norm="l2", relaxation="plain")
        yield case("outputs 3", *size, outputs=3, loss="softmax")
        yield case("max outputs 3", *size, outputs=3, pooling="max")
    for n, d, h, stride in ((10, 9, 3, 3), (5, 12, 4, 4), (14, 4, 4, 1), (200, 6, 2, 2), (4, 200, 200, 1)):
        yield case("flatten lifted", n, d, h, stride, architecture="flatten", relaxation="lifted")
        yield case("outputs 2 lifted", n, d, h, stride, outputs=2, output_norm="l2", relaxation="lifted")
        yield case("outputs 10 lifted", n, d, h, stride, outputs=10, output_norm="l2", relaxation="lifted")
    for n, d, h, stride in ((4, 6, 2, 2), (6, 6, 3, 3), (10, 9, 3, 3), (60, 6, 2, 2)):
        yield case("three-layer lifted", n, d, h, stride, architecture="three-layer", sharing="shared",
                   relaxation="lifted")  # fmt: skip
    for relaxation in ("spectral", "nuclear"):
        for n, d, h in ((10, 6, 3), (100, 10, 10), (2000, 6, 6), (60, 60, 20)):
            yield case(f"circular {relaxation}", n, d, h, architecture="circular", relaxation=relaxation)
    yield case("circular 4 layers", 30, 8, 4, architecture="circular", layers=4, relaxation="weighted")
    for method in cc.METHODS:
        yield Case(f"method {method}", 30, 9, 3, 3, options={"method": method})


@dataclass(frozen=True)
class Flag:
    """A cancel flag that is set after some time."""

    end: float

    def is_set(self) -> bool:
        """Whether it is."""
        return time.perf_counter() >= self.end


def measured(case: Case, verb: str, asked: float, *, cancelled: bool, seed: int) -> tuple[float, bool, str]:
    """One call as a line of the table: how late it was, whether it ended by itself."""
    options = dict(case.options)
    method = options.pop("method", None)
    problem = Case(case.name, case.n, case.d, case.h, case.stride, case.beta, case.loss, options).problem(seed)
    network = random_network(problem, 5, seed) if verb in ("certify", "audit") else None
    limits: dict[str, Any] = {"cancel": Flag(time.perf_counter() + asked)} if cancelled else {"time_limit": asked}
    if method is not None and verb in ("solve", "path", "minimum_norm"):
        limits["method"] = method
    begin, cpu = time.perf_counter(), time.process_time()
    try:
        answer = VERBS[verb](problem, network, limits)
        said = str(getattr(answer, "status", "-"))
    except cc.Interrupted as stop:
        said = f"interrupted: {stop.status}"
    except cc.InputError as error:  # not for this network
        return 0.0, True, f"{type(error).__name__}: {error}"[:90]
    clock, cpu = time.perf_counter() - begin, time.process_time() - cpu
    went_on, after = still_running(), time.process_time()
    _wait()
    left = time.process_time() - after
    late = max(min(clock, cpu) - asked, left if went_on else 0.0)
    print(
        f"{case.name:34} {verb:13} {'cancel' if cancelled else 'limit':6} {asked:5.1f} {clock:7.2f} {cpu:7.2f} "
        f"{left:6.2f}  {said:28} {'OVER' if late > LATE else ''}",
        flush=True,
    )
    return late, clock < 0.9 * asked, said


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--verbs", default=",".join(VERBS))
    parser.add_argument("--limits", default=",".join(map(str, LIMITS)))
    parser.add_argument("--by", default="limit,cancel")
    parser.add_argument("--processor", action="store_true", help="limits in processor seconds")
    asked = parser.parse_args()
    compile_kernels()
    if asked.processor:
        time.perf_counter = time.process_time
    print(f"{'case':34} {'verb':13} {'by':6} {'asked':>5} {'clock':>7} {'CPU':>7} {'left':>6}  answer")
    over, seed = [], 0
    for case in cases():
        if asked.words and not any(word in case.name for word in asked.words):
            continue
        for verb in asked.verbs.split(","):
            if case.options.get("method") and verb not in ("solve", "path", "minimum_norm"):
                continue
            ends = [(False, float(seconds)) for seconds in asked.limits.split(",") if "limit" in asked.by]
            ends += [(True, CANCELLED)] if "cancel" in asked.by else []
            for cancelled, seconds in ends:
                seed += 1
                late, ended, said = measured(case, verb, seconds, cancelled=cancelled, seed=seed)
                if late > LATE:
                    over.append((late, case.name, verb, seconds, "cancel" if cancelled else "limit"))
                if said.startswith(("InputError", "SizeError")):
                    print(f"{case.name:34} {verb:13} {said}")
                    break
                if ended:
                    break  # a longer limit would not be felt
    for late, name, verb, seconds, by in sorted(over, reverse=True):
        print(f"{late:6.2f} s late: {name}, {verb}, {by} {seconds:g} s")
    print(f"{len(over)} calls over" if over else "every call within its limit")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())

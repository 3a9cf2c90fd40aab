"""``python -m tests.fuzz --minutes M [--seed S] [--only KIND,KIND] [--case SEED] [--keep FOLDER]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np

from convex_core.progress import still_running

from .answers import bounds_case, estimator_case, list_case, minimum_norm_case
from .commands import command_case
from .files import file_case
from .kept import JUDGED, REFUSALS, Kept, repeat, save
from .links import link_case, page_case
from .networks import audit_case, path_case, small_case, small_path_case, solve_case

#: What is tried, and how often beside the others: less of what takes most time.
KINDS = {
    "small": (small_case, 300),
    "small-path": (small_path_case, 60),
    "solve": (solve_case, 40),
    "audit": (audit_case, 10),
    "path": (path_case, 5),
    "norm": (minimum_norm_case, 7),
    "bounds": (bounds_case, 2),
    "list": (list_case, 12),
    "estimator": (estimator_case, 2),
    "file": (file_case, 10),
    "link": (link_case, 5),
    "command": (command_case, 9),
    "page": (page_case, 0.3),
}


def run_case(kind, seed, folder):
    """One case; the error if it failed, after it was kept."""
    kept = Kept()
    try:
        KINDS[kind][0](np.random.default_rng(seed), kept)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        path = save(folder, kind, seed, error, kept)
        print(f"FAILED  {repeat(kind, seed)}\n        {error!r}"[:600], f"\n        kept in {path}", flush=True)
        return error
    return None


def told(judged):
    """What the judge agreed with, in words."""
    return "".join(f"{judged[word]} {word} judged, " for word in ("problems", "bounds", "optima") if judged[word])


def main(argv=None):
    """Run cases until the time is over; 1 if some failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, help="of the first case (default: from the clock); the others follow")
    parser.add_argument("--only", help=f"some of {', '.join(KINDS)}, separated by commas")
    parser.add_argument("--case", type=int, help="one case again, of the one kind that --only names")
    parser.add_argument("--keep", default="fuzz-failures", help="folder for what fails")
    args = parser.parse_args(argv)
    kinds = list(KINDS) if args.only is None else args.only.split(",")
    if any(kind not in KINDS for kind in kinds):
        parser.error(f"--only: got {args.only}, expected some of {', '.join(KINDS)}")
    if args.case is not None:
        if len(kinds) != 1:
            parser.error("--case: got several kinds, expected one by --only")
        return int(run_case(kinds[0], args.case, args.keep) is not None)
    seed = int(time.time()) if args.seed is None else args.seed
    print(f"seed {seed}, {args.minutes:g} minutes of {', '.join(kinds)}", flush=True)
    weights = np.array([KINDS[kind][1] for kind in kinds], dtype=float)
    order = np.random.default_rng(seed)
    done, failed, spent, judged = Counter(), Counter(), Counter(), {kind: Counter() for kind in kinds}
    end = time.monotonic() + 60.0 * args.minutes
    with suppress(KeyboardInterrupt):  # what was judged until then is told
        while time.monotonic() < end:
            kind = kinds[int(order.choice(len(kinds), p=weights / weights.sum()))]
            begun = time.process_time()
            JUDGED.clear()
            failed[kind] += run_case(kind, int(order.integers(2**31)), args.keep) is not None
            done[kind] += 1
            judged[kind] += JUDGED
            spent[kind] += time.process_time() - begun
    for kind in kinds:
        rate = done[kind] / max(spent[kind], 1e-9)
        print(f"{kind}: {done[kind]} cases, {failed[kind]} failed, {told(judged[kind])}", end="")
        print(f"{spent[kind]:.1f} CPU seconds, {rate:.2f} a second")
    print(f"all: {done.total()} cases, {failed.total()} failed, {told(sum(judged.values(), Counter()))}", end="")
    print(f"{spent.total():.1f} CPU seconds")
    said = ", ".join(f"{word} {times}" for word, times in REFUSALS.most_common(12))
    print(f"refused in a sentence: {REFUSALS.total()} times ({said})")
    return int(failed.total() > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    code = main()
    if still_running():  # inside a call that cannot be ended, for which the interpreter would wait
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)

"""One case: what it did, the smallest inputs on which it still fails, and the files that are kept of it."""

from __future__ import annotations

import json
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from convex_core import ConvexCoreError, InputError, Interrupted


class WrongError(AssertionError):
    """The judge says otherwise."""


def sentence(error, *, expects=True):
    """A refusal is one sentence, of what was got and what was expected."""
    text = str(error)
    if expects and isinstance(error, InputError) and ("got" not in text or "expected" not in text):
        raise WrongError(f"a refusal without got and expected: {text!r}") from error
    if "\n" in text.strip() or len(text) > 2000:
        raise WrongError(f"a refusal that is no single sentence: {text[:200]!r}") from error


class Kept(dict):
    """What is known of a case when it fails."""

    def run(self, check, X, y):
        """``check(X, y)``; where it fails, again with fewer samples, and the smallest failure is raised."""
        self.update(X=X, y=y)
        try:
            accepted(check, X, y)
        except Exception as error:
            smallest = error
            position = 0
            while len(X) > 1 and position < len(X):
                fewer = np.delete(X, position, axis=0), np.delete(y, position, axis=0)
                try:
                    accepted(check, *fewer)
                except Exception as again:
                    if type(again) is type(error):
                        smallest, (X, y) = again, fewer
                        continue
                position += 1
            self.update(X=X, y=y)
            raise smallest from None


#: what was refused, by the first words, and how often: a run that is all refusals tries nothing
REFUSALS: Counter[str] = Counter()

#: what the judge has agreed with in this case: "problems" (outputs and objective of a network), "bounds" below them,
#: and "optima" other than the zero network, where the two meet
JUDGED: Counter[str] = Counter()


def accepted(check, *inputs, expects=True):
    """Run a check; refusals in one sentence are answers, which say what was expected unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=RuntimeWarning, module="convex_core")
        try:
            check(*inputs)
        except ConvexCoreError as refusal:
            REFUSALS[str(refusal).split(":")[0][:40]] += 1
            if not isinstance(refusal, Interrupted):
                sentence(refusal, expects=expects)


def repeat(kind, seed):
    """The line that runs a case again."""
    return f"python -m tests.fuzz --only {kind} --case {seed}"


def save(folder, kind, seed, error, kept):
    """Write what failed as JSON, and its arrays and bytes as NPZ; the path of the JSON."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{seed}.json"
    arrays = {key: value for key, value in kept.items() if isinstance(value, np.ndarray)}
    arrays |= {key: np.frombuffer(value, np.uint8) for key, value in kept.items() if isinstance(value, bytes)}
    words = {key: value for key, value in kept.items() if key not in arrays}
    told = "".join(traceback.format_exception(error))[-4000:]
    path.write_text(json.dumps({"again": repeat(kind, seed), "error": repr(error), **words, "trace": told}, indent=1))
    if arrays:
        np.savez(path.with_suffix(".npz"), **arrays)
    return path

"""What a page can do with a visitor's own data, checked where they come in: on every page after that they are fine."""

from __future__ import annotations

import numpy as np

from convex_core.contracts.validation import moderate
from convex_core.data import Dataset
from convex_core.errors import InputError
from convex_core.problem import Problem

__all__ = ["MAX_ENTRIES", "MAX_LENGTH", "MAX_SAMPLES", "check"]

#: Most entries of X, most samples, most entries of a sample; the command line has no such limits.
MAX_ENTRIES, MAX_SAMPLES, MAX_LENGTH = 200_000, 5_000, 10_000
#: Smallest magnitude but zero: the length of a patch of such entries is still a number.
MIN_MAGNITUDE = 1e-100


def check(data: Dataset) -> None:
    """Refuse data that are too large for a page, or that the library refuses once there is a problem about them.

    Raises
    ------
    InputError
        One sentence with what was got and what was expected.
    """
    for name, X in (("X", data.X), ("X_test", data.X_test)):
        if X is not None and (X.size > MAX_ENTRIES or len(X) > MAX_SAMPLES or X.shape[1] > MAX_LENGTH):
            raise InputError(
                f"{name}: got {len(X):,} samples of {X.shape[1]:,} entries, expected at most {MAX_SAMPLES:,} of "
                f"at most {MAX_LENGTH:,}, and at most {MAX_ENTRIES:,} in all, on this page"
            )
    for name, array in (("X_test", data.X_test), ("y_test", data.y_test)):
        if array is not None:
            moderate(array, name)
    small = np.abs(data.X)[(data.X != 0.0) & (np.abs(data.X) < MIN_MAGNITUDE)]
    if len(small):
        raise InputError(f"X: got an entry of magnitude {small.min():g}, expected 0 or at least {MIN_MAGNITUDE:g}")
    Problem.from_dataset(data)

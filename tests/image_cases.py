"""Images for tests of files, and a check that a refusal is one sentence."""

import numpy as np
import pytest

from convex_core import InputError

RNG = np.random.default_rng(5)
GRAY = RNG.integers(0, 256, (24, 8, 12), dtype=np.uint8)
GRAY[0, 0, :2] = 0, 255
RGB = RNG.integers(0, 256, (24, 8, 12, 3), dtype=np.uint8)
LABELS = np.arange(24) % 10
#: Options that leave images as they are.
PLAIN = {"n": 10, "n_test": 5, "pool": 1, "flatten": False, "pad": 0}


def refused(function, *arguments, **options):
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "got" in message
    assert "expected" in message
    return message


def save(folder, name="mnist.npz", **arrays):
    np.savez(folder / name, **arrays)
    return str(folder)

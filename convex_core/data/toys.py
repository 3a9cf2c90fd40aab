"""Toy datasets: small, seeded, each made to show one thing.

Every generator draws its training part first and its test part after it from
``numpy.random.default_rng(seed)``, so that the training data do not depend on `n_test`. The default sizes
keep the number of sign patterns of the default filter, at most 2 sum_{t<h} C(nK - 1, t), below 100,000.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import integer
from ..errors import InputError
from .dataset import Dataset

__all__ = ["bars", "edge", "motifs", "motifs3", "patterns2d", "planted", "shift", "talk"]

#: Largest number of samples and of entries a generator makes.
MAX_SAMPLES = 10_000
MAX_ENTRIES = 10_000_000

_Array = NDArray[np.float64]

#: The two motifs, unit norm: a spike and a slope.
MOTIFS = np.array([[-1.0, 2.0, -1.0], [-1.0, 0.0, 1.0]]) / np.sqrt([[6.0], [2.0]])
#: The same and a plateau.
THREE_MOTIFS = np.concatenate([MOTIFS, np.full((1, 3), 1.0 / math.sqrt(3.0))])


def _sizes(seed: int, n: int, n_test: int, d: int, *, minimum: int) -> np.random.Generator:
    """Make the generator for `seed`, after checking the sizes."""
    integer(seed, "seed", minimum=0)
    integer(n, "n", maximum=MAX_SAMPLES)
    integer(n_test, "n_test", minimum=0, maximum=MAX_SAMPLES)
    integer(d, "d", minimum=minimum, maximum=10_000)
    if (n + n_test) * d > MAX_ENTRIES:
        raise InputError(f"n, d: got {(n + n_test) * d} entries in all, expected at most {MAX_ENTRIES}")
    return np.random.default_rng(seed)


def _noise_level(noise: float) -> float:
    try:
        level = float(noise)
    except (TypeError, ValueError):
        level = math.nan
    if not 0.0 <= level <= 100.0:
        raise InputError(f"noise: got {noise!r}, expected a number in [0, 100]")
    return level


def _classes(n: int) -> _Array:
    """+1, -1, +1, ... : both classes for every n > 1, balanced."""
    return np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def _with_classes(
    name: str,
    train: tuple[_Array, _Array],
    test: tuple[_Array, _Array],
    *,
    seed: int,
    labels: tuple[str, ...],
    description: str,
    default_filter: tuple[int, ...],
    default_stride: tuple[int, ...],
    input_shape: tuple[int, ...] = (),
) -> Dataset:
    """Make a Dataset of a training and a (possibly empty) test part."""
    held_out = len(test[1]) > 0
    return Dataset(
        name,
        *train,
        input_shape=input_shape,
        X_test=test[0] if held_out else None,
        y_test=test[1] if held_out else None,
        seed=seed,
        description=f"{description}; seed {seed}.",
        labels=labels,
        default_filter=default_filter,
        default_stride=default_stride,
        default_beta=0.1,
    )


def talk(*, seed: int = 0, n: int = 6, d: int = 15) -> Dataset:
    """Gaussian inputs with Gaussian targets: nothing to learn, so all fit is memory.

    ``rng = default_rng(seed); X = rng.standard_normal((n, d)); y = rng.standard_normal(n)``. With 6 samples
    of 15 entries, filters of length 10 and stride 5 there are 12 patch rows in R^10 and 4,072 sign patterns:
    the synthetic set of the talk (its random numbers and its beta are not stated; ours are).

    Examples
    --------
    >>> talk().X.shape
    (6, 15)
    """
    rng = _sizes(seed, n, 0, d, minimum=1)
    X = rng.standard_normal((n, d))
    y = rng.standard_normal(n)
    kernel = min(10, d)
    return Dataset(
        "talk",
        X,
        y,
        seed=seed,
        description=f"Gaussian X ({n} x {d}) and y, both from seed {seed}; there is nothing to learn.",
        default_filter=(kernel,),
        default_stride=(5,),
        default_beta=0.1,
    )


def edge(*, seed: int = 0, n: int = 12, d: int = 8, noise: float = 0.1, n_test: int = 200) -> Dataset:
    """Edge detector: one step per signal, up (y = +1) or down (y = -1); two filters of length 2 suffice.

    The solution to look for is the edge detector (-1, 1) with a positive weight and (1, -1) with a negative
    one.

    Examples
    --------
    >>> edge().y[:2].tolist()
    [1.0, -1.0]
    """
    rng = _sizes(seed, n, n_test, d, minimum=2)
    level = _noise_level(noise)
    parts = []
    for size in (n, n_test):
        y = _classes(size)
        at = rng.integers(1, d, size=size)
        height = rng.uniform(0.5, 1.5, size=size)
        step = np.where(np.arange(d) < at[:, None], -0.5, 0.5) * (y * height)[:, None]
        parts.append((step + level * rng.standard_normal((size, d)), y))
    return _with_classes(
        "edge",
        *parts,
        seed=seed,
        labels=("falling edge", "rising edge"),
        description=f"One step per signal at a random place, height 0.5 to 1.5, Gaussian noise {level:g}",
        default_filter=(2,),
        default_stride=(1,),
    )


def motifs(*, seed: int = 0, n: int = 12, d: int = 10, noise: float = 0.1, n_test: int = 200) -> Dataset:
    """Spike (y = +1) or slope (y = -1), three samples wide, at a random place: the filters find the motifs.

    The spike is (-1, 2, -1)/sqrt 6 and the slope (-1, 0, 1)/sqrt 2, both times 2.

    Examples
    --------
    >>> motifs(noise=0).X.shape
    (12, 10)
    """
    rng = _sizes(seed, n, n_test, d, minimum=3)
    level = _noise_level(noise)
    parts = []
    for size in (n, n_test):
        y = _classes(size)
        parts.append((_plant(rng, MOTIFS[(y < 0).astype(int)], d, level), y))
    return _with_classes(
        "motifs",
        *parts,
        seed=seed,
        labels=("slope", "spike"),
        description=f"A spike or a slope of width 3 at a random place, Gaussian noise {level:g}",
        default_filter=(3,),
        default_stride=(1,),
    )


def motifs3(*, seed: int = 0, n: int = 9, d: int = 8, noise: float = 0.3, n_test: int = 200) -> Dataset:
    """Three classes: a spike (y = 0), a slope (y = 1) or a plateau (y = 2), three samples wide, at a random place.

    The plateau is (1, 1, 1)/sqrt 3 times 2, the others as in motifs. For a network with an output for each class and
    the softmax loss.

    Examples
    --------
    >>> data = motifs3()
    >>> data.y[:4].tolist(), data.labels
    ([0.0, 1.0, 2.0, 0.0], ('spike', 'slope', 'plateau'))
    """
    rng = _sizes(seed, n, n_test, d, minimum=3)
    level = _noise_level(noise)
    parts = []
    for size in (n, n_test):
        number = np.arange(size) % 3
        parts.append((_plant(rng, THREE_MOTIFS[number], d, level), number.astype(np.float64)))
    return _with_classes(
        "motifs3",
        *parts,
        seed=seed,
        labels=("spike", "slope", "plateau"),
        description=f"A spike, a slope or a plateau of width 3 at a random place, Gaussian noise {level:g}",
        default_filter=(3,),
        default_stride=(1,),
    )


def _plant(rng: np.random.Generator, motif: _Array, d: int, level: float) -> _Array:
    """Signals (n, d) of noise, each with twice its own motif (n, 3) at a random place."""
    at = rng.integers(0, d - 2, size=len(motif))
    X: _Array = level * rng.standard_normal((len(motif), d))
    X[np.arange(len(motif))[:, None], at[:, None] + np.arange(3)] += 2.0 * motif
    return X


def bars(*, seed: int = 0, n: int = 10, d: int = 10, noise: float = 0.1, n_test: int = 200) -> Dataset:
    """Alternating bars, one wide (y = +1) or two wide (y = -1): the filters are local frequencies.

    Fine bars are +1, -1, +1, -1, ...; coarse bars are +1, +1, -1, -1, ...

    Examples
    --------
    >>> bars(noise=0).X[1, :8].tolist()
    [-1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0]
    """
    rng = _sizes(seed, n, n_test, d, minimum=4)
    level = _noise_level(noise)
    parts = []
    for size in (n, n_test):
        y = _classes(size)
        width = np.where(y > 0, 1, 2)[:, None]
        phase = rng.integers(0, 4, size=size)[:, None]
        wave = np.where((np.arange(d) + phase) // width % 2 == 0, 1.0, -1.0)
        parts.append((wave + level * rng.standard_normal((size, d)), y))
    return _with_classes(
        "bars",
        *parts,
        seed=seed,
        labels=("coarse bars", "fine bars"),
        description=f"Alternating bars of width 1 or 2 at a random phase, Gaussian noise {level:g}",
        default_filter=(4,),
        default_stride=(2,),
    )


def planted(
    *, seed: int = 0, n: int = 20, d: int = 8, h: int = 3, m: int = 2, noise: float = 0.1, n_test: int = 200
) -> Dataset:
    """Targets made by a hidden ReLU CNN, plus noise: training can dig the planted filters out again.

    y = sum_j w_j sum_k (X_k u_j)_+ + noise sigma e, with Gaussian X and e, unit filters u_j, weights w_j =
    +1, -1, +1, ... and sigma the standard deviation of the clean training targets. The test targets are
    clean.

    Examples
    --------
    >>> planted().X_test.shape
    (200, 8)
    """
    rng = _sizes(seed, n, n_test, d, minimum=1)
    level = _noise_level(noise)
    integer(h, "h", maximum=d)
    integer(m, "m", maximum=100)
    filters = rng.standard_normal((m, h))
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    X = rng.standard_normal((n, d))
    clean = _relu_cnn(X, filters)
    y = clean + level * float(clean.std()) * rng.standard_normal(n)
    X_test = rng.standard_normal((n_test, d))
    shown = "; ".join("(" + ", ".join(f"{v:.3f}" for v in u) + ")" for u in filters[:4])
    return Dataset(
        "planted",
        X,
        y,
        X_test=X_test if n_test else None,
        y_test=_relu_cnn(X_test, filters) if n_test else None,
        seed=seed,
        description=(
            f"Gaussian X; y from a hidden sum-pooled ReLU CNN with {m} unit filters of length {h}, stride 1, "
            f"weights +1, -1, ..., plus {level:g} sigma of noise; seed {seed}. Planted: {shown}."
        ),
        default_filter=(h,),
        default_stride=(1,),
        default_beta=0.1,
    )


def shift(*, seed: int = 0, n: int = 12, d: int = 8, noise: float = 0.0, n_test: int = 200) -> Dataset:
    """Circular shifts of two templates, one per class: a shift moves patches about but makes no new ones.

    Without noise the nK patch rows repeat, only 2d of them are different, and the arrangement stays small
    however many shifts are in the data; this is why a CNN needs so few patterns.

    Examples
    --------
    >>> a, b = shift().X[0], shift().X[2]
    >>> sorted(a) == sorted(b)
    True
    """
    rng = _sizes(seed, n, n_test, d, minimum=2)
    level = _noise_level(noise)
    templates = rng.standard_normal((2, d))
    parts = []
    for size in (n, n_test):
        y = _classes(size)
        by = rng.integers(0, d, size=size)
        shifted = (np.arange(d) - by[:, None]) % d
        X = templates[(y < 0).astype(int)[:, None], shifted]
        parts.append((X + level * rng.standard_normal((size, d)), y))
    return _with_classes(
        "shift",
        *parts,
        seed=seed,
        labels=("template B", "template A"),
        description=f"Random circular shifts of two Gaussian templates, Gaussian noise {level:g}",
        default_filter=(min(3, d),),
        default_stride=(1,),
    )


def patterns2d(*, seed: int = 0, n: int = 12, side: int = 4, noise: float = 0.1, n_test: int = 200) -> Dataset:
    """Small images of one horizontal (y = +1) or vertical (y = -1) bar: 2 x 2 filters detect lines.

    Examples
    --------
    >>> patterns2d().input_shape
    (4, 4)
    """
    integer(side, "side", minimum=2, maximum=100)
    rng = _sizes(seed, n, n_test, side * side, minimum=4)
    level = _noise_level(noise)
    parts = []
    for size in (n, n_test):
        y = _classes(size)
        at = rng.integers(0, side, size=size)
        images = level * rng.standard_normal((size, side, side))
        across = y > 0
        images[np.flatnonzero(across), at[across], :] += 1.0
        images[np.flatnonzero(~across), :, at[~across]] += 1.0
        parts.append((images.reshape(size, side * side), y))
    return _with_classes(
        "patterns2d",
        *parts,
        input_shape=(side, side),
        seed=seed,
        labels=("vertical bar", "horizontal bar"),
        description=f"{side} x {side} images of one bar at a random place, Gaussian noise {level:g}",
        default_filter=(2, 2),
        default_stride=(2, 2),
    )


def _relu_cnn(X: _Array, filters: _Array) -> _Array:
    """sum_j (-1)^j sum_k (X_k u_j)_+ with stride 1 and no padding."""
    windows = np.lib.stride_tricks.sliding_window_view(X, filters.shape[1], axis=1)
    units: _Array = np.maximum(windows @ filters.T, 0.0).sum(axis=1)
    return units @ _classes(len(filters))

"""Real images: scikit-learn's digits (built in), MNIST and CIFAR-10 (files, or a download on request)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..validation import integer
from .dataset import Dataset
from .formats import LabelledImages, read_cifar_batches, read_images
from .preprocessing import Preprocessing

__all__ = ["DATA_VARIABLE", "Selection", "cifar10", "digits", "find_images", "locate_images", "mnist"]

#: Environment variable that names a directory with image files.
DATA_VARIABLE = "CONVEX_CORE_DATA"

Selection = Literal["first", "random", "balanced"]

_CIFAR_BATCHES = tuple(f"data_batch_{k}" for k in range(1, 6))


def digits(
    *,
    seed: int = 0,
    classes: Sequence[int] | None = (3, 8),
    n: int = 20,
    n_test: int | None = None,
    selection: Selection = "balanced",
    crop: int = 0,
    pool: int = 2,
    standardise: bool = False,
    flatten: bool = False,
    pad: int = 0,
) -> Dataset:
    """Handwritten 8 x 8 digits from scikit-learn: real data, no download, and still an exact arrangement.

    With the default 20 images of two classes, mean-pooled to 4 x 4, and 2 x 2 filters of stride 2 there are
    80 patch rows in R^4 and at most 164,480 sign patterns. All remaining images of the two classes are the
    test part.

    Parameters
    ----------
    seed : int
        Seed of the train / test split.
    classes : pair of int, or None
        The first is y = +1, the second y = -1; None: digits 0-4 are +1 and 5-9 are -1.
    n, n_test : int
        Training and test images; `n_test` None: all that remain.
    selection : {"balanced", "random", "first"}
        Equally many of both classes drawn at random, n at random, or the first n in the file's order.
    crop, pool, standardise, flatten, pad
        See :class:`Preprocessing`.

    Examples
    --------
    >>> digits().X.shape
    (20, 16)
    """
    pixels, labels = _scikit_learn_digits()
    source = LabelledImages(pixels.reshape(-1, 8, 8) / 16.0, labels.astype(np.int64), "scikit-learn digits")
    steps = Preprocessing(crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset("digits", source, classes, n, n_test, selection, steps, seed, "8 x 8 images, values / 16")


def _scikit_learn_digits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (1797, 64), 0 to 16, and labels (1797,), from scikit-learn's own file: importing it takes two seconds."""
    package = importlib.util.find_spec("sklearn")
    for folder in () if package is None else package.submodule_search_locations or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data, bunch.target


def mnist(
    *,
    seed: int = 0,
    classes: Sequence[int] | None = None,
    n: int = 99,
    n_test: int | None = 500,
    selection: Selection = "first",
    crop: int = 0,
    pool: int = 4,
    standardise: bool = False,
    flatten: bool = True,
    pad: int = 1,
    path: str | None = None,
    download: bool = False,
) -> Dataset:
    """MNIST, as in the talk's experiment: 99 images, d = 50, filters of length 3 with stride 1.

    The talk does not say how it came to d = 50, nor its labels; ours: 28 x 28 mean-pooled 4 x 4 to 7 x 7,
    flattened, one zero appended, digits 0-4 against 5-9, and beta = 1.

    Parameters
    ----------
    seed, classes, n, n_test, selection, crop, pool, standardise, flatten, pad
        As for :func:`digits`. The test images follow the training images (or are drawn with them, without
        overlap).
    path : str, optional
        NPZ with `images` and `labels`, IDX image file, or a directory with such files; default: the directory
        named by the environment variable ``CONVEX_CORE_DATA``.
    download : bool
        Fetch the set from OpenML (about 15 MB, cached by scikit-learn) instead.

    Raises
    ------
    InputError
        If the images are not found, not readable, or fewer than asked for.
    """
    source = _images("mnist", path, download)
    steps = Preprocessing(crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset("mnist", source, classes, n, n_test, selection, steps, seed, "28 x 28 images, 8-bit values / 255")


def cifar10(
    *,
    seed: int = 0,
    classes: Sequence[int] | None = None,
    n: int = 99,
    n_test: int | None = 500,
    selection: Selection = "first",
    grayscale: bool = True,
    crop: int = 0,
    pool: int = 4,
    standardise: bool = False,
    flatten: bool = True,
    pad: int = 0,
    path: str | None = None,
    download: bool = False,
) -> Dataset:
    """CIFAR-10, in the manner of the talk's experiment: 99 images as signals, filters of length 3, stride 1.

    Ours: grayscale, 32 x 32 mean-pooled 4 x 4 to 8 x 8, flattened (d = 64), classes 0-4 (airplane to deer)
    against 5-9 (dog to truck), beta = 1.

    Parameters
    ----------
    seed, classes, n, n_test, selection, crop, pool, standardise, flatten, pad, path, download
        As for :func:`mnist`; `path` may also be a CIFAR python batch, or the directory of the batches.
    grayscale : bool
        Rec. 601 luma; False keeps the three channels, which every filter then covers.

    Raises
    ------
    InputError
        As :func:`mnist`.
    """
    source = _images("cifar10", path, download)
    steps = Preprocessing(grayscale=grayscale, crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset(
        "cifar10",
        source,
        classes,
        n,
        n_test,
        selection,
        steps,
        seed,
        "32 x 32 RGB images, 8-bit values / 255",
    )


def locate_images(name: str, path: str | None = None) -> list[Path]:
    """The files that hold the images of `name`: one file, or several CIFAR batches.

    Parameters
    ----------
    name : str
        ``"mnist"`` or ``"cifar10"``.
    path : str, optional
        A file or a directory; default: the directory named by ``CONVEX_CORE_DATA``. In a directory the standard
        files are looked for first (``train-images-idx3-ubyte[.gz]``, ``data_batch_1`` to ``data_batch_5``, also in
        ``cifar-10-batches-py``), then ``NAME.npz`` and ``NAME_*.npz`` in alphabetical order.

    Raises
    ------
    InputError
        If there is no place to look, or nothing is found in the directory.
    """
    place = path or os.environ.get(DATA_VARIABLE)
    if not place:
        raise InputError(
            f"{name}: got no path, expected path=FILE, the variable {DATA_VARIABLE}=DIRECTORY or download=True"
        )
    if not isinstance(place, str):
        raise InputError(f"path: got {place!r}, expected the name of a file or directory")
    folder = Path(place)
    if not folder.is_dir():
        return [folder]
    standard = []
    if name == "mnist":
        standard = [folder / f"train-images-idx3-ubyte{suffix}" for suffix in ("", ".gz")]
    elif name == "cifar10":
        for batches in (folder, folder / "cifar-10-batches-py"):
            found = [batches / batch for batch in _CIFAR_BATCHES if (batches / batch).is_file()]
            if found:
                return found
    for file in (*standard, folder / f"{name}.npz", *sorted(folder.glob(f"{name}_*.npz"))):
        if file.is_file():
            return [file]
    raise InputError(f"{folder}: got no file of {name}, expected its standard files or {name}*.npz")


def find_images(name: str, path: str | None = None) -> LabelledImages:
    """The images in the files of :func:`locate_images`.

    Raises
    ------
    InputError
        If they are not found or cannot be read.
    """
    files = locate_images(name, path)
    return read_images(files[0]) if len(files) == 1 else read_cifar_batches(files)


def _images(name: Literal["mnist", "cifar10"], path: str | None, download: bool) -> LabelledImages:
    if not isinstance(download, bool):
        raise InputError(f"download: got {download!r}, expected true or false")
    return _openml(name) if download else find_images(name, path)


def _openml(name: Literal["mnist", "cifar10"]) -> LabelledImages:
    """Download the set from OpenML, in the order of the original training files."""
    from sklearn.datasets import fetch_openml

    title, shape = {"mnist": ("mnist_784", (28, 28)), "cifar10": ("CIFAR_10", (3, 32, 32))}[name]
    try:
        bunch = fetch_openml(title, version=1, as_frame=False)
        pixels = np.asarray(bunch.data, dtype=np.float64).reshape(-1, *shape) / 255.0
        labels = np.asarray(bunch.target).astype(np.int64)
    # urllib, http, parser and cache errors have no common root; each means that there are no images
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: got no download from openml.org ({reason}), expected a connection") from error
    images = pixels.transpose(0, 2, 3, 1) if len(shape) == 3 else pixels
    return LabelledImages(images, labels, f"OpenML {title}")


def _signs(labels: NDArray[np.int64], classes: Sequence[int] | None) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """+1 / -1 / 0 (not used) for every label, and the names of -1 and +1."""
    if classes is None:
        return np.where(labels <= 4, 1.0, -1.0), ("classes 5-9", "classes 0-4")
    if isinstance(classes, str) or not isinstance(classes, Sequence) or len(classes) != 2 or classes[0] == classes[1]:
        raise InputError(f"classes: got {classes!r}, expected two different labels, or None for 0-4 against 5-9")
    plus, minus = (integer(c, "classes", minimum=0) for c in classes)
    for label in (plus, minus):
        if not np.any(labels == label):
            raise InputError(f"classes: got {label}, expected labels between {labels.min()} and {labels.max()}")
    return np.where(labels == plus, 1.0, 0.0) - np.where(labels == minus, 1.0, 0.0), (
        f"class {minus}",
        f"class {plus}",
    )


def _training_rows(y: NDArray[np.float64], n: int, selection: Selection, seed: int) -> NDArray[np.intp]:
    """All usable rows in the order of use: the first n are the training part."""
    usable = np.flatnonzero(y)
    if selection != "first":
        usable = np.random.default_rng(seed).permutation(usable)
    if selection == "balanced":
        share = {1.0: (n + 1) // 2, -1.0: n // 2}
        chosen = [usable[y[usable] == sign][:count] for sign, count in share.items()]
        if any(len(part) < count for part, count in zip(chosen, share.values(), strict=True)):
            raise InputError(f"n: got {n}, expected at most {[int(np.sum(y == s)) for s in share]} of the two classes")
        train = np.concatenate(chosen)
        usable = np.concatenate([train, usable[~np.isin(usable, train)]])
    return usable


def _dataset(
    name: str,
    source: LabelledImages,
    classes: Sequence[int] | None,
    n: int,
    n_test: int | None,
    selection: Selection,
    steps: Preprocessing,
    seed: int,
    units: str,
) -> Dataset:
    integer(seed, "seed", minimum=0)
    if selection not in get_args(Selection):
        raise InputError(f"selection: got {selection!r}, expected one of {', '.join(get_args(Selection))}")
    y, names = _signs(source.labels, classes)
    available = int(np.count_nonzero(y))
    integer(n, "n", maximum=available)
    held_out = available - n if n_test is None else integer(n_test, "n_test", minimum=0)
    if n + held_out > available:
        raise InputError(f"n_test: got {n} + {held_out} images, expected at most {available} in {source.source}")
    rows = _training_rows(y, n, selection, seed)
    train, test = rows[:n], rows[n : n + held_out]
    X, X_test, shape = steps.apply(source.images[train], source.images[test] if held_out else None)
    how = {"first": "the first ones in the file", "random": f"drawn with seed {seed}"}.get(
        selection, f"balanced, drawn with seed {seed}"
    )
    done = ", then ".join((units, *steps.steps))
    spatial = shape[:2]
    filter_side = 3 if len(spatial) == 1 else 2
    return Dataset(
        name,
        X,
        y[train],
        input_shape=shape,
        X_test=X_test,
        y_test=y[test] if held_out else None,
        seed=None if selection == "first" else seed,
        labels=names,
        description=(
            f"{source.source}: {n} training and {held_out} test images, {how}; "
            f"y = +1 for {names[1]}, -1 for {names[0]}; {done}."
        ),
        default_filter=tuple(min(filter_side, k) for k in spatial),
        default_stride=(1,) if len(spatial) == 1 else (2, 2),
        default_beta=0.5 if name == "digits" else 1.0,
    )

"""Real images: scikit-learn's digits (built in), MNIST and CIFAR-10 (files, or a download on request)."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import integer
from ..errors import InputError
from .dataset import Dataset
from .formats import read_cifar_batches, read_images
from .labelled import LabelledImages, labelled_images
from .locate import DATA_VARIABLE, locate
from .preprocessing import Preprocessing
from .selection import ALL_CLASSES, Selection, image_targets, some, training_rows

__all__ = [
    "DATA_VARIABLE",
    "cifar10",
    "count_images",
    "digits",
    "find_images",
    "locate_images",
    "mnist",
]

#: Classes 0 to 9 of CIFAR-10, as its authors name them.
_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
#: Test images of MNIST and CIFAR-10 by default; as many as remain if they are fewer.
_TEST_IMAGES = 500


def digits(
    *,
    seed: int = 0,
    classes: Sequence[int | str] | str | None = (3, 8),
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
    classes : pair of int or str, "all", or None
        Two labels or names of classes, the first is y = +1, the second y = -1; None: digits 0-4 are +1 and 5-9 are -1;
        ``"all"``: every digit is a class of its own, y = 0, 1, ..., 9.
    n, n_test : int
        Training and test images; `n_test` None: all that remain.
    selection : {"balanced", "random", "first"}
        Equally many of each class drawn at random, n at random, or the first n in the file's order.
    crop, pool, standardise, flatten, pad
        See :class:`Preprocessing`.

    Examples
    --------
    >>> digits().X.shape, digits(classes="all", n=100).classes
    ((20, 16), 10)
    """
    steps = Preprocessing(crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset("digits", _digits(), classes, n, n_test, selection, steps, seed)


def _digits() -> LabelledImages:
    pixels, labels = _scikit_learn_digits()
    return labelled_images(pixels.reshape(-1, 8, 8), labels, "scikit-learn digits", scale=16.0)


def _scikit_learn_digits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (1797, 64), 0 to 16, and labels (1797,), from scikit-learn's own file: importing it takes two seconds."""
    package = importlib.util.find_spec("sklearn")
    for folder in () if package is None else package.submodule_search_locations or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = _table(file)
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data, bunch.target


@functools.cache
def _table(file: Path) -> NDArray[np.float64]:
    """The numbers of a file of text, which take longer to read than whatever is made of them."""
    table: NDArray[np.float64] = np.loadtxt(file, delimiter=",")
    table.setflags(write=False)
    return table


def mnist(
    *,
    seed: int = 0,
    classes: Sequence[int | str] | str | None = None,
    n: int = 99,
    n_test: int | None = _TEST_IMAGES,
    selection: Selection = "first",
    crop: int = 0,
    pool: int = 4,
    standardise: bool = False,
    flatten: bool = True,
    pad: int = 1,
    path: str | os.PathLike[str] | None = None,
    download: bool = False,
    scale: float | None = None,
) -> Dataset:
    """MNIST, as in the talk's experiment: 99 images, d = 50, filters of length 3 with stride 1.

    The talk does not say how it came to d = 50, nor its labels; ours: 28 x 28 mean-pooled 4 x 4 to 7 x 7,
    flattened, one zero appended, digits 0-4 against 5-9, and beta = 1.

    Parameters
    ----------
    seed, classes, n, n_test, selection, crop, pool, standardise, flatten, pad
        As for :func:`digits`. The test images follow the training images (or are drawn with them, without
        overlap); 500, the default, are fewer where fewer remain. Where a file has two classes and not ten, `classes`
        None makes the smaller label, or the first name, -1.
    path : str or Path, optional
        NPZ with `images` and `labels`, IDX image file, or a directory with such files or with a sub-folder of pictures
        for each class (:func:`read_images`, :func:`locate_images`); default: the directory named by the environment
        variable ``CONVEX_CORE_DATA``.
    download : bool
        Fetch the set from OpenML (about 15 MB, cached by scikit-learn) instead.
    scale : float, optional
        What to divide the pixels by; default: found from the values (:func:`labelled_images`) and said in the
        description. Values whose scale cannot be known are refused without it.

    Raises
    ------
    InputError
        If the images are not found, not readable, or fewer than asked for.
    """
    source = _images("mnist", path, download, scale)
    steps = Preprocessing(crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset("mnist", source, classes, n, n_test, selection, steps, seed)


def cifar10(
    *,
    seed: int = 0,
    classes: Sequence[int | str] | str | None = None,
    n: int = 99,
    n_test: int | None = _TEST_IMAGES,
    selection: Selection = "first",
    grayscale: bool = True,
    crop: int = 0,
    pool: int = 4,
    standardise: bool = False,
    flatten: bool = True,
    pad: int = 0,
    path: str | os.PathLike[str] | None = None,
    download: bool = False,
    scale: float | None = None,
) -> Dataset:
    """CIFAR-10, in the manner of the talk's experiment: 99 images as signals, filters of length 3, stride 1.

    Ours: grayscale, 32 x 32 mean-pooled 4 x 4 to 8 x 8, flattened (d = 64), classes 0-4 (airplane to deer)
    against 5-9 (dog to truck), beta = 1.

    Parameters
    ----------
    seed, classes, n, n_test, selection, crop, pool, standardise, flatten, pad, path, download, scale
        As for :func:`mnist`; `path` may also be a CIFAR-10 batch, python or binary, or the directory of the batches.
    grayscale : bool
        Rec. 601 luma; False keeps the three channels, which every filter then covers.

    Raises
    ------
    InputError
        As :func:`mnist`.
    """
    source = _images("cifar10", path, download, scale)
    if source.names is None and np.isin(source.labels, range(len(_CIFAR_NAMES))).all():
        # only where each class has a target of its own are they needed
        source = replace(source, names=_CIFAR_NAMES) if classes == ALL_CLASSES else source
    steps = Preprocessing(grayscale=grayscale, crop=crop, pool=pool, standardise=standardise, flatten=flatten, pad=pad)
    return _dataset("cifar10", source, classes, n, n_test, selection, steps, seed)


def locate_images(name: str, path: str | os.PathLike[str] | None = None) -> list[Path]:
    """The files that hold the images of `name`: one file or folder of pictures, or several CIFAR batches.

    Parameters
    ----------
    name : str
        ``"mnist"`` or ``"cifar10"``.
    path : str or Path, optional
        A file or a directory; default: the directory named by ``CONVEX_CORE_DATA``. In a directory the standard
        files are looked for first (IDX files, whatever their punctuation and packing; ``data_batch_1`` to
        ``data_batch_5``, also ``.bin``), then ``NAME.npz`` and ``NAME_*.npz`` in alphabetical order, then a sub-folder
        of pictures for each class; also in ``MNIST/raw``, ``cifar-10-batches-py`` and the like.

    Raises
    ------
    InputError
        If there is no place to look, or nothing is found in the directory.
    """
    return list(locate(name, path).files)


def find_images(name: str, path: str | os.PathLike[str] | None = None, *, scale: float | None = None) -> LabelledImages:
    """The images in the files of :func:`locate_images`; the source says what else was there.

    Raises
    ------
    InputError
        If they are not found or cannot be read.
    """
    found = locate(name, path)
    if len(found.files) == 1:
        source = read_images(found.files[0], scale=scale)
    else:
        source = read_cifar_batches(list(found.files), scale=scale)
    if not found.unused:
        return source
    return replace(source, source=f"{source.source} (not used: {some(found.unused)})")


def count_images(
    name: str, path: str | os.PathLike[str] | None = None, classes: Sequence[int | str] | str | None = None
) -> int:
    """Images of the classes that can be used: the largest n + n_test that the dataset `name` takes.

    Parameters
    ----------
    name : str
        ``"digits"``, ``"mnist"`` or ``"cifar10"``.
    path, classes
        As for :func:`mnist`; the digits have no path.

    Raises
    ------
    InputError
        If the images are not found, not readable, or have no such classes.
    """
    source = _digits() if name == "digits" else find_images(name, path)
    return int(np.count_nonzero(image_targets(source, classes).used))


def _images(
    name: Literal["mnist", "cifar10"], path: str | os.PathLike[str] | None, download: bool, scale: float | None
) -> LabelledImages:
    if not isinstance(download, bool):
        raise InputError(f"download: got {download!r}, expected true or false")
    return _openml(name, scale) if download else find_images(name, path, scale=scale)


def _openml(name: Literal["mnist", "cifar10"], scale: float | None) -> LabelledImages:
    """Download the set from OpenML, in the order of the original training files."""
    from sklearn.datasets import fetch_openml

    title, shape = {"mnist": ("mnist_784", (28, 28)), "cifar10": ("CIFAR_10", (3, 32, 32))}[name]
    try:
        bunch = fetch_openml(title, version=1, as_frame=False)
        pixels = np.asarray(bunch.data).reshape(-1, *shape)
        labels = np.asarray(bunch.target).astype(np.int64)
    # urllib, http, parser and cache errors have no common root; each means that there are no images
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: got no download from openml.org ({reason}), expected a connection") from error
    return labelled_images(pixels, labels, f"OpenML {title}", scale=scale)


def _dataset(
    name: str,
    source: LabelledImages,
    classes: Sequence[int | str] | str | None,
    n: int,
    n_test: int | None,
    selection: Selection,
    steps: Preprocessing,
    seed: int,
) -> Dataset:
    integer(seed, "seed", minimum=0)
    if selection not in get_args(Selection):
        raise InputError(f"selection: got {selection!r}, expected one of {', '.join(get_args(Selection))}")
    targets = image_targets(source, classes)
    y, names = targets.y, targets.names
    available = int(np.count_nonzero(targets.used))
    if integer(n, "n") > available:
        raise InputError(f"n: got {n}, expected at most {available}, the images of these classes in {source.source}")
    remaining = available - n
    if n_test is None or (name != "digits" and n_test == _TEST_IMAGES):
        held_out = remaining if n_test is None else min(n_test, remaining)
    else:
        held_out = integer(n_test, "n_test", minimum=0)
    if held_out > remaining:
        raise InputError(f"n_test: got {n} + {held_out} images, expected at most {available} in {source.source}")
    rows = training_rows(targets, n, selection, seed)
    train, test = rows[:n], rows[n : n + held_out]
    if selection == "first" and n > 1 and (y[train] == y[train[0]]).all():
        alone = names[targets.values.index(y[train[0]])] if len(names) > 2 else names[int(y[train[0]] > 0)]
        raise InputError(
            f"selection: got first, and the first {n} images of {source.source} are of {alone} "
            f"alone, expected images of {'both' if len(names) == 2 else 'each class'}: selection=balanced takes "
            "equally many"
        )
    X, X_test, shape = steps.apply(source.take(train), source.take(test) if held_out else None)
    how = {"first": "the first ones in the file", "random": f"drawn with seed {seed}"}.get(
        selection, f"balanced, drawn with seed {seed}"
    )
    done = ", then ".join((source.understood, *steps.steps))
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
        description=f"{source.source}: {n} training and {held_out} test images, {how}; {targets.said}; {done}.",
        default_filter=tuple(min(filter_side, k) for k in spatial),
        default_stride=(1,) if len(spatial) == 1 else (2, 2),
        default_beta=0.5 if name == "digits" else 1.0,
    )

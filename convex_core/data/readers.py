"""Reading a person's own data (NPZ or CSV), and writing a :class:`Dataset` so that it reads back equal."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arguments import check_arguments
from ..errors import InputError
from ..files import replacing
from ..validation import finite_array
from .dataset import Dataset
from .npz import MAX_BYTES, check_file, read_npz

__all__ = ["read_dataset", "save_dataset", "saved_as"]

#: Longest text taken from a file.
MAX_TEXT = 2000
#: Most names of classes taken from a file.
MAX_NAMES = 1000


def read_dataset(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Dataset:
    r"""Read a dataset from an NPZ or CSV file; the name's ending says which.

    * ``.npz``: `X` (n, d) or `images` (n, H, W) or (n, H, W, C), and `y` (n,); values are taken as they are,
      nothing is scaled. Whatever else :func:`save_dataset` writes is read too. Pickled objects are refused.
    * ``.csv``: one sample a line, the last column is y, separated by commas; the first line may name the
      columns (it is taken as a header when its last field is text, not a number).

    Parameters
    ----------
    path : str or Path
        The file.
    max_bytes : int
        Limit on the file and on what it unpacks to, checked before reading.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, damaged or of another kind, if X and y do not fit together,
        or if an entry is NaN or infinite.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("a,b,target\n1,2,0.5\n3,4,-0.5\n")
    >>> read_dataset(file).y.tolist()
    [0.5, -0.5]
    """
    file = check_file(path, max_bytes)
    suffix = file.suffix.lower()
    try:
        if suffix == ".npz":
            return _from_arrays(read_npz(file, max_bytes=max_bytes), file.stem)
        if suffix == ".csv":
            X, y = _read_csv(file)
            return Dataset(file.stem, X, y, description=f"Read from {file.name}, {len(y)} samples.")
    except InputError as error:
        message = str(error)
        raise error if str(file) in message else InputError(f"{file}: {message}") from error
    raise InputError(f"{file}: got a file ending in {suffix or 'nothing'}, expected .npz or .csv")


def save_dataset(dataset: Dataset, path: str | Path) -> Path:
    """Write `dataset` as an NPZ of plain arrays (no pickles); :func:`read_dataset` reads it back equal.

    Parameters
    ----------
    dataset : Dataset
        What to write.
    path : str or Path
        Target; ``.npz`` is appended if missing.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    check_arguments("save_dataset", dataset=(dataset, Dataset), path=(path, object))
    arrays: dict[str, NDArray[Any]] = {
        "X": dataset.X,
        "y": dataset.y,
        "input_shape": np.array(dataset.input_shape, np.int64),
        "default_filter": np.array(dataset.default_filter, np.int64),
        "default_stride": np.array(dataset.default_stride, np.int64),
        "default_beta": np.array(dataset.default_beta),
        "name": np.array(dataset.name),
        "description": np.array(dataset.description),
    }
    if dataset.X_test is not None and dataset.y_test is not None:
        arrays |= {"X_test": dataset.X_test, "y_test": dataset.y_test}
    if dataset.seed is not None:
        arrays["seed"] = np.array(dataset.seed, np.int64)
    if dataset.labels is not None:
        arrays["labels"] = np.array(dataset.labels)
    file = saved_as(path)
    with replacing(file, "data file") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return file


def saved_as(path: str | Path) -> Path:
    """Where :func:`save_dataset` writes: `path`, with ``.npz`` appended if missing.

    Examples
    --------
    >>> saved_as("mine").name
    'mine.npz'
    """
    file = Path(path)
    return file.with_name(file.name + ".npz") if file.name and file.suffix != ".npz" else file


def _from_arrays(arrays: dict[str, NDArray[Any]], stem: str) -> Dataset:
    """Build the dataset in the arrays of an NPZ."""
    given = [key for key in ("X", "images") if key in arrays]
    if len(given) != 1 or "y" not in arrays:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"arrays: got {found}, expected y and one of X and images")
    if given == ["X"]:
        X = finite_array(arrays["X"], "X", ndim=2)
        shape = _integers(arrays, "input_shape")
    else:
        images = finite_array(arrays["images"], "images", ndim=(3, 4))
        X, shape = images.reshape(len(images), -1), images.shape[1:]
    seed = _integers(arrays, "seed")
    beta = arrays.get("default_beta")
    labels = arrays.get("labels")
    return Dataset(
        _text(arrays, "name") or stem,
        X,
        arrays["y"],
        input_shape=shape,
        X_test=arrays.get("X_test"),
        y_test=arrays.get("y_test"),
        seed=seed[0] if seed else None,
        description=_text(arrays, "description") or f"Read from {stem}.npz, {len(X)} samples.",
        labels=None if labels is None else _names(labels),
        default_filter=_integers(arrays, "default_filter"),
        default_stride=_integers(arrays, "default_stride"),
        default_beta=0.1 if beta is None else float(finite_array(beta, "default_beta", ndim=0)),
    )


def _integers(arrays: dict[str, NDArray[Any]], key: str) -> tuple[int, ...]:
    """Array `key` as a tuple of ints; the empty tuple when it is not there."""
    if key not in arrays:
        return ()
    values = arrays[key]
    if values.dtype.kind not in "iu" or values.size > 8:
        raise InputError(f"{key}: got {values.dtype} of shape {values.shape}, expected a few integers")
    return tuple(int(v) for v in values.ravel())


def _names(values: NDArray[Any]) -> tuple[str, ...] | None:
    """Names of classes; None if they are none."""
    if values.ndim != 1 or values.dtype.kind != "U" or not 2 <= values.size <= MAX_NAMES:
        return None
    return tuple(str(name)[:80] for name in values)


def _text(arrays: dict[str, NDArray[Any]], key: str) -> str:
    values = arrays.get(key)
    return str(values[()])[:MAX_TEXT] if values is not None and values.dtype.kind == "U" and values.ndim == 0 else ""


def _read_csv(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X and y of a CSV file."""
    rows: list[list[float]] = []
    width = 0
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            for fields in csv.reader(stream):
                if not any(field.strip() for field in fields):
                    continue
                if width == 0:
                    width = len(fields)
                    if width < 2:
                        raise InputError("columns: got 1, expected at least one input column and y")
                    if fields[-1].strip() and _number(fields[-1]) is None:
                        continue
                if len(fields) != width:
                    raise InputError(f"sample {len(rows) + 1}: got {len(fields)} columns, expected {width}")
                rows.append(_numbers(fields, len(rows) + 1))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(f"{file}: got {error}, expected comma-separated numbers as UTF-8 text") from error
    if not rows:
        raise InputError(f"{file}: got no samples, expected at least one line of numbers")
    table = np.array(rows)
    return table[:, :-1], table[:, -1]


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def _numbers(fields: list[str], sample: int) -> list[float]:
    try:
        return [float(field) for field in fields]
    except ValueError:
        column = next(k for k, field in enumerate(fields) if _number(field) is None)
        shown = fields[column][:40]
        raise InputError(f"sample {sample}, column {column + 1}: got {shown!r}, expected a number") from None

"""Reading a person's own data, tables, series or arrays, and writing a :class:`Dataset` that reads back equal."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePath
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..contracts.files import replacing
from ..contracts.validation import check_arguments
from ..errors import InputError
from .archives import dataset_from_arrays
from .classes import classes_of_numbers, classes_of_texts
from .columns import split_columns
from .dataset import Dataset
from .npz import MAX_BYTES, check_file, read_npz
from .reported import reported_dataset
from .series import is_series, read_series
from .tables import read_table
from .text import decoded, unpacked
from .understood import sentence

__all__ = ["ENDINGS", "read_dataset", "read_dataset_bytes", "save_dataset", "saved_as"]

_TABLES = (".csv", ".tsv", ".txt", ".dat", ".data", ".tab")
#: Endings of data files; each may be followed by ``.gz``.
ENDINGS = (".npz", *_TABLES, ".ts", ".json")
_ZIP = b"PK\x03\x04"
#: Files of the UCR archive in which the label comes first: Coffee_TRAIN.tsv.
_ARCHIVE = re.compile(r".*_(train|test)\.(tsv|txt)", re.IGNORECASE)


def read_dataset(path: str | Path, *, target: str | None = None, max_bytes: int = MAX_BYTES) -> Dataset:
    r"""Read a dataset from an NPZ file, a table of text, a ``.ts`` file of time series, or a report.

    Files may be packed with gzip, which is found by content. Values are taken as they are, nothing is scaled, and
    nothing is left out without saying so: the description of the dataset says in one sentence what was understood.

    * ``.npz``: inputs `X` (n, d) or `images` (n, H, W[, C]), also called `data`, `x_train` or the like, and targets `y`
      (n,) or (n, 1), also called `labels`, `target`, `y_train` or the like; `x_test` and `y_test` are the test part;
      `arr_0` and `arr_1` if their shapes tell them apart. Channels that come first are moved last. Whatever else
      :func:`save_dataset` writes is read too; any other array is refused by name, and so are pickled objects.
    * ``.csv``, ``.tsv``, ``.txt``, ``.dat``, ``.data``, ``.tab``: one sample a line, separated by commas, semicolons,
      tabs, bars or blanks, with decimal points or commas, in UTF-8, UTF-16 (with a byte order mark) or Latin-1; lines
      that begin with ``#`` are comments. A header may name the columns. y is the column called y, label, class or
      target, the last one otherwise; where the first one may be y just as well, the file is refused without `target`.
      A first column without a name that counts or names the rows is left out. Text or booleans in y are classes.
    * ``.ts``: series of one length in the format of the UEA & UCR archive; several dimensions are channels. The
      archive's ``*_TRAIN.tsv`` and ``*_TEST.tsv`` have the class first.
    * ``.json``: the data of a report, as :meth:`Solution.report` writes it.

    Two classes are the targets -1 and +1, more are 0, 1, ..., in the order of their names.

    Parameters
    ----------
    path : str or Path
        The file.
    target : str, optional
        Which column of a table is y: its name in the header, ``"first"`` or ``"last"``.
    max_bytes : int
        Limit on the file and on what it unpacks to, checked before reading.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, damaged or of another kind, if it can be read in two ways, if inputs
        and targets do not fit together, or if an entry is missing, NaN, infinite or no number.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("kind;width;height\ncat;1,5;2\ndog;3,25;4\ncat;1;3\n")
    >>> data = read_dataset(file, target="kind")
    >>> data.X[0].tolist(), data.y.tolist(), data.labels
    ([1.5, 2.0], [-1.0, 1.0, -1.0], ('cat', 'dog'))
    """
    file = check_file(path, max_bytes)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: got {error.strerror or error}, expected a readable file") from error
    try:
        return _dataset(data, file.name, target, max_bytes)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def read_dataset_bytes(data: bytes, name: str, *, target: str | None = None, max_bytes: int = MAX_BYTES) -> Dataset:
    r"""As :func:`read_dataset`, for the contents of a file that was called `name`.

    Parameters
    ----------
    data : bytes
        What the file held.
    name : str
        Its name, whose ending says what it is.
    target, max_bytes
        As there.

    Raises
    ------
    InputError
        As there.

    Examples
    --------
    >>> read_dataset_bytes(b"a,y\n1,0.5\n2,-0.5\n", "mine.csv").y.tolist()
    [0.5, -0.5]
    """
    called = PurePath(name).name
    try:
        if not data:
            raise InputError("got an empty file, expected data")
        if len(data) > max_bytes:
            raise InputError(f"got {len(data)} bytes, expected at most {max_bytes}")
        return _dataset(data, called, target, max_bytes)
    except InputError as error:
        raise InputError(f"{called}: {error}") from error


def _dataset(data: bytes, name: str, target: str | None, max_bytes: int) -> Dataset:
    """The dataset in the bytes of a file called `name`."""
    stem = PurePath(name[:-3] if name.lower().endswith(".gz") else name)
    suffix = stem.suffix.lower()
    if suffix not in ENDINGS:
        known = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise InputError(f"got a file ending in {suffix or 'nothing'}, expected .npz or .csv ({known}; also with .gz)")
    data, packed = unpacked(data, max_bytes)
    notes = ["unpacked with gzip"] if packed else []
    if data.startswith(_ZIP) and suffix != ".npz":
        raise InputError("got a zip archive (a spreadsheet, say), expected text, or arrays in a file ending in .npz")
    if suffix == ".npz":
        if target is not None:
            raise InputError(f"target: got {target!r} with arrays, whose names say which is y, expected it with tables")
        return _arrays(data, stem, name, max_bytes)
    text, encoding = decoded(data)
    if encoding:
        notes.append(f"{encoding} text")
    if suffix == ".json":
        if target is not None:
            raise InputError(
                f"target: got {target!r} with a report that says itself what y is, expected it with tables"
            )
        return reported_dataset(text, name)
    if suffix == ".ts" or is_series(text):
        return _series(text, stem, name, target, notes)
    return _table(text, stem, name, target, notes)


def _arrays(data: bytes, stem: PurePath, name: str, max_bytes: int) -> Dataset:
    return dataset_from_arrays(read_npz(io.BytesIO(data), max_bytes=max_bytes), stem.stem, name)


def _series(text: str, stem: PurePath, name: str, target: str | None, notes: list[str]) -> Dataset:
    if target is not None:
        raise InputError(f"target: got {target!r} with series that say themselves what y is, expected it with tables")
    series = read_series(text)
    n, length, channels = series.values.shape
    shape = (length,) if channels == 1 else (1, length, channels)
    if channels > 1:
        notes.append(f"{channels} dimensions of length {length} as channels")
    y, _, labels = classes_of_texts(series.y) if isinstance(series.y, list) else (series.y, None, None)
    dataset = Dataset(stem.stem, series.values.reshape(n, -1), y, input_shape=shape, labels=labels)
    return sentence(dataset, name, ["time series", *notes, "y comes behind the colon"])


def _table(text: str, stem: PurePath, name: str, target: str | None, notes: list[str]) -> Dataset:
    archive = _ARCHIVE.fullmatch(stem.name) is not None
    columns = split_columns(read_table(text), target=target, label_first=archive)
    y: Any = columns.y
    labels: tuple[str, ...] | None = None
    if isinstance(y, list):
        y, _, labels = classes_of_texts(y, repeated=not columns.certain)
    elif columns.archive:
        y, _, labels = classes_of_numbers(y)
    dataset = Dataset(stem.stem, columns.X, y, labels=labels)
    return sentence(dataset, name, [*notes, *columns.notes, columns.which])


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
        # without allow_pickle=False: numpy 2.0 would save it as one more array
        np.savez_compressed(stream, **cast("dict[str, Any]", arrays))
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

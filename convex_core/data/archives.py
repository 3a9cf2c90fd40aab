"""Arrays of an NPZ as a :class:`Dataset`: the usual names, every array used or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import finite_array
from ..errors import InputError
from .classes import classes_of_texts
from .dataset import Dataset
from .understood import sentence

__all__ = ["dataset_from_arrays"]

#: Longest text taken from a file.
MAX_TEXT = 2000
#: Most names of classes taken from a file.
MAX_NAMES = 1000

_ROLES = {
    "X": ("x", "images", "data", "x_train", "train_x", "xtrain", "train_images", "train_data", "features", "inputs"),
    "y": ("y", "target", "targets", "label", "labels", "y_train", "train_y", "ytrain", "train_labels", "train_targets"),
    "X_test": ("x_test", "test_x", "xtest", "test_images", "test_data"),
    "y_test": ("y_test", "test_y", "ytest", "test_labels", "test_targets"),
    "class names": ("target_names", "class_names", "label_names"),
}
_ROLE = {name: role for role, names in _ROLES.items() for name in names}
#: What :func:`save_dataset` writes besides.
_OWN = ("input_shape", "default_filter", "default_stride", "default_beta", "name", "description", "seed")
#: Numbers of channels that pictures have.
_CHANNELS = (1, 3, 4)

_Arrays = dict[str, NDArray[Any]]


def dataset_from_arrays(arrays: _Arrays, stem: str, file: str) -> Dataset:
    """The dataset in the arrays of an NPZ.

    Parameters
    ----------
    arrays : dict
        Arrays by name.
    stem, file : str
        Name of the dataset and of the file, where the arrays do not say them.

    Raises
    ------
    InputError
        If there are no inputs or targets, two arrays may be one of them, an array is of no use, or they do not fit.
    """
    names = _names_of_roles(arrays)
    notes = [f"inputs {names['X']}, targets {names['y']}"]
    X, shape, layout = _inputs(arrays[names["X"]], names["X"], _integers(arrays, "input_shape"))
    X_test = None
    if "X_test" in names:
        X_test, test_shape, _ = _inputs(arrays[names["X_test"]], names["X_test"], shape if layout else (), layout)
        if layout and test_shape != shape:
            raise InputError(f"{names['X_test']}: got inputs of shape {test_shape}, expected {shape} as {names['X']}")
        notes.append(f"test part {names['X_test']}, {names.get('y_test', 'without targets')}")
    if layout == "first":
        notes.append("channels came first in the file and are last now")
    raw, raw_test = _column(arrays[names["y"]], names["y"]), None
    if "y_test" in names:
        raw_test = _column(arrays[names["y_test"]], names["y_test"])
    y, y_test, labels = _targets(raw, raw_test, _class_names(arrays, names), notes)
    seed = _integers(arrays, "seed")
    beta = arrays.get("default_beta")
    dataset = Dataset(
        _text(arrays, "name") or stem,
        X,
        y,
        input_shape=shape,
        X_test=X_test,
        y_test=y_test,
        seed=seed[0] if seed else None,
        labels=labels,
        default_filter=_integers(arrays, "default_filter"),
        default_stride=_integers(arrays, "default_stride"),
        default_beta=0.1 if beta is None else float(finite_array(beta, "default_beta", ndim=0)),
    )
    return sentence(dataset, file, notes, description=_text(arrays, "description"))


def _names_of_roles(arrays: _Arrays) -> dict[str, str]:
    """Which array is the inputs, the targets, the test part and the names of the classes."""
    given = {key: _ROLE.get(key.lower()) for key in arrays if key not in _OWN}
    if set(given) == {"arr_0", "arr_1"} and (pair := _unnamed(arrays)):
        return pair
    texts = [key for key, role in given.items() if key.lower() == "labels" and arrays[key].dtype.kind in "US"]
    if texts and sum(role == "y" for role in given.values()) > 1:
        given[texts[0]] = "class names"
    names: dict[str, str] = {}
    for key, role in given.items():
        if role in names:
            raise InputError(f"arrays: got {names[role]} and {key}, expected y and one of X and images, once each")
        if role is not None:
            names[role] = key
    found = ", ".join(sorted(arrays)) or "nothing"
    unknown = sorted(key for key, role in given.items() if role is None)
    if "X" in names and "y" in names and unknown:
        used = ", ".join(sorted(names.values()))
        raise InputError(
            f"arrays: got {', '.join(unknown)} besides {used}, which nothing here would use, expected a file without"
        )
    if "X" not in names or "y" not in names:
        raise InputError(
            f"arrays: got {found}, expected y and one of X and images, or other usual names (x_train, y_train; "
            "data, target)"
        )
    if "y_test" in names and "X_test" not in names:
        raise InputError(f"arrays: got {names['y_test']} alone, expected X_test, y_test: both or neither")
    if "X_test" in names and "y_test" not in names:
        raise InputError(f"arrays: got {names['X_test']} alone, expected X_test, y_test: both or neither")
    return names


def _unnamed(arrays: _Arrays) -> dict[str, str] | None:
    """Which of two arrays without names is y: the only one with one number a sample."""
    columns = [key for key in ("arr_0", "arr_1") if arrays[key].ndim == 1 or arrays[key].shape[1:] == (1,)]
    if len(columns) != 1:
        shapes = " and ".join(str(arrays[key].shape) for key in ("arr_0", "arr_1"))
        raise InputError(f"arrays: got arr_0 and arr_1 of shapes {shapes}, expected arrays called X and y")
    return {"X": "arr_1" if columns == ["arr_0"] else "arr_0", "y": columns[0]}


def _inputs(
    array: NDArray[Any], name: str, said: tuple[int, ...], layout: str = ""
) -> tuple[NDArray[np.float64], tuple[int, ...], str]:
    """Rows (n, d), the shape of an input, and, for pictures with channels, where those came: first or last."""
    images = name.lower() in ("images", "train_images", "test_images")
    values = finite_array(array, name, ndim=(3, 4) if images else (2,) if name == "X" else (2, 3, 4))
    if values.ndim == 2:
        return values, said, ""
    shape = values.shape[1:]
    if values.ndim == 3:
        if said and said != shape:
            raise InputError(f"input_shape: got {said} with {name} of shape {values.shape}, expected {shape}")
        return values.reshape(len(values), -1), shape, "none"
    moved = (*shape[1:], shape[0])
    if not layout:
        layout = _layout(shape, moved, said, name, values.shape)
    if layout == "first":
        values, shape = np.moveaxis(values, 1, 3), moved
    return values.reshape(len(values), -1), shape, layout


def _layout(shape: tuple[int, ...], moved: tuple[int, ...], said: tuple[int, ...], name: str, full: object) -> str:
    """Whether channels are ``"first"`` or ``"last"``: pictures have 1, 3 or 4 of them, and most are square."""
    if said:
        if said not in (shape, moved) or (shape != moved and shape == moved[::-1] == said):
            raise InputError(f"input_shape: got {said} with {name} of shape {full}, expected {shape} or {moved}")
        return "last" if said == shape else "first"
    last, first = (2 * (s[2] in _CHANNELS) + (s[0] == s[1]) for s in (shape, moved))
    if shape == moved and shape[2] == 1:
        return "last"
    if last == first and (last != 2 or shape == moved):
        raise InputError(
            f"{name}: got the shape {full}, whose channels may be first or last, expected an array input_shape "
            f"beside it that says (height, width, channels): {shape} or {moved}"
        )
    return "last" if last >= first else "first"


def _column(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Targets (n,), from (n, 1) too."""
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{name}: got an array of shape {array.shape}, expected one target a sample, (n,) or (n, 1)")
    return array


def _targets(
    y: NDArray[Any], y_test: NDArray[Any] | None, names: tuple[str, ...] | None, notes: list[str]
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...] | None]:
    """Targets as numbers, and names of the classes if they are classes."""
    if y.dtype.kind in "USb":
        if names is not None:
            raise InputError(
                f"y: got {'text' if y.dtype.kind != 'b' else 'booleans'} and names of classes, expected one"
            )
        if not len(y):
            raise InputError("y: got no targets, expected one a sample")
        if y_test is not None and y_test.dtype.kind != y.dtype.kind:
            raise InputError(f"y_test: got {y_test.dtype}, expected {y.dtype} as y")
        return classes_of_texts(_strings(y), None if y_test is None else _strings(y_test))
    if names is not None and len(names) == 2 and y.dtype.kind in "iuf" and np.isin(y, (0, 1)).all() and (y == 0).any():
        notes.append("the classes 0 and 1 of the file are -1 and +1")
        return 2.0 * y - 1.0, None if y_test is None else 2.0 * y_test - 1.0, names
    return y, y_test, names


def _strings(values: NDArray[Any]) -> list[str]:
    try:
        return [(v.decode() if isinstance(v, bytes) else str(v)).strip() for v in values]
    except UnicodeDecodeError as error:
        raise InputError(f"y: got names of classes that are no UTF-8 text ({error.reason}), expected text") from error


def _class_names(arrays: _Arrays, names: dict[str, str]) -> tuple[str, ...] | None:
    """Names of classes; InputError if the array holds none."""
    if "class names" not in names:
        return None
    values = arrays[names["class names"]]
    if values.ndim != 1 or values.dtype.kind not in "US" or not 2 <= values.size <= MAX_NAMES:
        raise InputError(
            f"{names['class names']}: got {values.dtype} of shape {values.shape} beside {names['y']}, expected 2 to "
            f"{MAX_NAMES} names of classes"
        )
    return tuple(name[:80] for name in _strings(values))


def _integers(arrays: _Arrays, key: str) -> tuple[int, ...]:
    """Array `key` as a tuple of ints; the empty tuple when it is not there."""
    if key not in arrays:
        return ()
    values = arrays[key]
    if values.dtype.kind not in "iu" or values.size > 8:
        raise InputError(f"{key}: got {values.dtype} of shape {values.shape}, expected a few integers")
    return tuple(int(v) for v in values.ravel())


def _text(arrays: _Arrays, key: str) -> str:
    if key not in arrays:
        return ""
    values = arrays[key]
    if values.dtype.kind != "U" or values.ndim != 0:
        raise InputError(f"{key}: got {values.dtype} of shape {values.shape}, expected a text")
    return str(values[()])[:MAX_TEXT]

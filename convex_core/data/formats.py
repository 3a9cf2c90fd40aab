"""Labelled images from one file or folder, whose kind is read off its content: IDX, NPZ, CIFAR batches, pictures.

Every reader returns a :class:`LabelledImages`, and turns a missing, truncated, oversized or foreign file, and arrays
that it would not use, into one :class:`InputError` sentence.
"""

from __future__ import annotations

from pathlib import Path

from ..contracts.validation import no_others
from ..errors import InputError
from .cifar import is_binary_batch, read_cifar_batches
from .idx import idx_axes, read_idx, read_idx_images
from .image_bytes import MAX_IMAGE_BYTES, head, is_folder
from .labelled import LabelledImages, labelled_images
from .npz import read_npz
from .pictures import is_picture, read_pictures

__all__ = ["MAX_IMAGE_BYTES", "LabelledImages", "read_cifar_batches", "read_idx", "read_images"]

#: Usual names of images and labels in an NPZ: ours, Keras's, MedMNIST's, scikit-learn's; in capitals or not.
_PAIRS = (
    ("images", "labels"),
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("data", "target"),
    ("x", "y"),
)
#: Other parts of such a dataset than the one for training: left aside, and that is said.
_HELD_OUT = ("x_test", "y_test", "test_images", "test_labels", "x_val", "y_val", "val_images", "val_labels")
_CLASS_NAMES = "class_names"


def read_images(path: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES, scale: float | None = None) -> LabelledImages:
    """Labelled images from a file or folder; the content says of which kind it is, not the ending of its name.

    * NPZ with `images` and `labels`, or another usual pair of names: ``x_train`` and ``y_train``, ``train_images`` and
      ``train_labels`` (test and validation parts are left aside, which is said), ``data`` and ``target``, ``X`` and
      ``y``; besides, ``class_names``. An array of any other name is refused.
    * IDX image file, packed by gzip or not, beside its label file, packed or not.
    * CIFAR-10 batch, python or binary.
    * Folder with a sub-folder of PNG, JPEG, BMP or PGM pictures for each class.

    Parameters
    ----------
    path : str or Path
        The file or folder.
    max_bytes : int
        Limit on the file and on what it unpacks to.
    scale : float, optional
        What to divide the pixels by; default: what :func:`labelled_images` finds.

    Raises
    ------
    InputError
        As the module says.
    """
    file = Path(path)
    if is_folder(file):
        return read_pictures(file, max_bytes=max_bytes, scale=scale)
    first = head(file, max_bytes)
    if first.startswith(b"PK") or file.suffix.lower() == ".npz":
        return _from_npz(file, max_bytes, scale)
    if "batch" not in file.name.lower() and (idx_axes(first) or "ubyte" in file.name.lower()):
        return read_idx_images(file, max_bytes=max_bytes, scale=scale)
    if is_binary_batch(file) or first.startswith(b"\x80"):
        return read_cifar_batches([file], max_bytes=max_bytes, scale=scale)
    if is_picture(file):
        raise InputError(f"{file}: got one picture, expected a folder with a sub-folder of pictures for each class")
    raise InputError(
        f"{file}: got an unknown kind of file, expected an NPZ with images and labels, an IDX image file, a CIFAR-10 "
        "batch, or a folder with a sub-folder of pictures for each class"
    )


def _from_npz(file: Path, max_bytes: int, scale: float | None) -> LabelledImages:
    arrays = read_npz(file, max_bytes=max_bytes)
    lower = {name.lower(): name for name in arrays}
    if len(lower) < len(arrays):
        raise InputError(f"{file}: got {', '.join(arrays)}, expected no two names that differ in capitals alone")
    pairs = [pair for pair in _PAIRS if pair[0] in lower or pair[1] in lower]
    if len(pairs) != 1:
        raise InputError(
            f"{file}: got {', '.join(arrays) or 'no arrays'}, expected images and labels, or one other usual pair of "
            f"names: {', '.join(' and '.join(pair) for pair in _PAIRS[1:])}"
        )
    missing = [name for name in pairs[0] if name not in lower]
    if missing:
        raise InputError(f"{file}: got no array {missing[0]}, expected {' and '.join(pairs[0])}")
    aside = [lower[name] for name in _HELD_OUT if name in lower and pairs[0][0] in ("x_train", "train_images")]
    used = [lower[name] for name in (*pairs[0], _CLASS_NAMES) if name in lower]
    no_others(arrays, (*used, *aside), str(file))
    names = None
    if _CLASS_NAMES in lower:
        texts = arrays[lower[_CLASS_NAMES]]
        if texts.dtype.kind != "U" or texts.ndim != 1 or len(set(texts.tolist())) != texts.size:
            raise InputError(
                f"{file}: got class_names of dtype {texts.dtype}, expected a different text for each class"
            )
        names = tuple(str(name) for name in texts)
    left = f" ({', '.join(aside)} not used)" if aside else ""
    images, labels = (arrays[lower[name]] for name in pairs[0])
    try:
        return labelled_images(images, labels, file.name + left, names=names, scale=scale)
    except InputError as error:
        message = str(error)
        raise error if not message.startswith(file.name) else InputError(f"{file.parent / message}") from error

"""A folder of pictures by class: a sub-folder of PNG, JPEG, BMP or PGM files for each class, with the class's name."""

from __future__ import annotations

from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .image_bytes import MAX_IMAGE_BYTES
from .labelled import LabelledImages, labelled_images

__all__ = ["holds_pictures", "is_picture", "read_pictures"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm")
_FORMATS = ("PNG", "JPEG", "BMP", "PPM")
#: Endings of pictures in formats that are not read: with frames, with losses, or with no pixels at all.
_OTHER = (".gif", ".webp", ".tif", ".tiff", ".heic", ".avif", ".jp2", ".svg")
#: What operating systems leave in folders.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")
#: Pillow's modes of pictures without and with an alpha channel.
_GRAY = ("1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N")
_OPAQUE = {"LA": "L", "L": "L", "1": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "RGB": "RGB"}


def read_pictures(
    folder: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES, scale: float | None = None
) -> LabelledImages:
    """All pictures in the sub-folders, one from each class in turn, so that the first n are of every class.

    The sub-folders' names are the names of the classes; where all of them are whole numbers, they are the labels.
    Pictures must be of one size, all gray or all RGB, of 8 bits (gray ones also of 16) and opaque. Needs Pillow.

    Parameters
    ----------
    folder : str or Path
        The folder.
    max_bytes : int
        Limit on what the pictures unpack to.
    scale : float, optional
        What to divide the pixels by; default: 255, or 65535 for pictures of 16 bits.

    Raises
    ------
    InputError
        If there are fewer than two classes, if a sub-folder holds anything but pictures, or a picture cannot be read
        or does not fit the others; the message names it.
    """
    place = Path(folder)
    classes = {name: _pictures(sub) for name, sub in _subfolders(place).items()}
    if len(classes) < 2:
        found = ", ".join(classes) or "no sub-folder"
        raise InputError(f"{place}: got {found}, expected a sub-folder of pictures for each of at least two classes")
    names = sorted(classes, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    in_turn = zip_longest(*([(name, file) for file in classes[name]] for name in names))
    labelled = [pair for pair in chain.from_iterable(in_turn) if pair is not None]
    pixels = _stack([file for _, file in labelled], max_bytes)
    source = f"{place.name} ({len(names)} folders of pictures, taken in turn)"
    return labelled_images(pixels, [name for name, _ in labelled], source, scale=scale)


def holds_pictures(folder: Path) -> bool:
    """Whether at least two sub-folders hold a picture, of a format that is read or not."""
    try:
        return (
            sum(
                any(is_picture(file) or _is_other(file) for file in sub.iterdir())
                for sub in _subfolders(folder).values()
            )
            >= 2
        )
    except (OSError, InputError):
        return False


def is_picture(file: Path) -> bool:
    """Whether the name is one of a picture."""
    return file.suffix.lower() in _ENDINGS and not file.name.startswith(".")


def _is_other(file: Path) -> bool:
    return file.suffix.lower() in _OTHER and not file.name.startswith(".")


def _is_litter(file: Path) -> bool:
    return file.name.startswith(".") or file.name.lower() in _LITTER


def _subfolders(folder: Path) -> dict[str, Path]:
    try:
        return {sub.name: sub for sub in folder.iterdir() if not _is_litter(sub) and sub.is_dir()}
    except OSError as error:
        raise InputError(f"{folder}: got {error}, expected a readable folder") from error


def _pictures(sub: Path) -> list[Path]:
    try:
        files = sorted(file for file in sub.iterdir() if not _is_litter(file))
    except OSError as error:
        raise InputError(f"{sub}: got {error}, expected a readable folder") from error
    other = [file for file in files if not is_picture(file) or file.is_dir()]
    if other and _is_other(other[0]):
        kind = other[0].suffix[1:].upper()
        raise InputError(
            f"{sub}: got {other[0].name}, a picture in the format {kind}, expected PNG, JPEG, BMP or PGM: convert it"
        )
    if other or not files:
        found = other[0].name if other else "nothing"
        raise InputError(f"{sub}: got {found}, expected pictures alone ({', '.join(_ENDINGS)})")
    return files


def _stack(files: list[Path], max_bytes: int) -> NDArray[Any]:
    """The pictures, (n, H, W) or (n, H, W, 3)."""
    pictures: list[NDArray[Any]] = []
    indexed: list[bool] = []
    for file in files:
        picture, palette = _picture(file, max_bytes // len(files))
        if pictures and (picture.shape[:2], picture.dtype) != (pictures[0].shape[:2], pictures[0].dtype):
            got, expected = (f"{p.shape[0]} x {p.shape[1]} of {p.itemsize * 8} bits" for p in (picture, pictures[0]))
            raise InputError(f"{file}: got a picture of {got}, expected {expected} as in {files[0].name}")
        pictures.append(picture)
        indexed.append(palette)
    colour = [k for k, picture in enumerate(pictures) if picture.ndim == 3]
    # a palette of grays is how some programs write a gray picture
    if all(indexed[k] and not np.ptp(pictures[k], axis=2).any() for k in colour):
        return np.stack([picture if picture.ndim == 2 else picture[..., 0] for picture in pictures])
    if len(colour) < len(pictures):
        gray = next(k for k, picture in enumerate(pictures) if picture.ndim == 2)
        raise InputError(f"{files[gray]}: got a gray picture, expected RGB as in {files[colour[0]].name}")
    return np.stack(pictures)


def _picture(file: Path, max_bytes: int) -> tuple[NDArray[Any], bool]:
    """Pixels (H, W) or (H, W, 3) of a file, and whether it has a palette."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise InputError(f"{file}: got a picture and no Pillow to read it, expected the package pillow") from error
    try:
        with Image.open(file, formats=_FORMATS) as opened:
            width, height = opened.size
            if 3 * width * height > max_bytes:
                raise InputError(f"{file}: got {height} x {width} pixels, expected fewer: all must fit into memory")
            frames = getattr(opened, "n_frames", 1)
            if frames != 1:
                raise InputError(f"{file}: got {frames} frames, expected one picture")
            mode = opened.mode
            if mode not in (*_GRAY, *_OPAQUE):
                raise InputError(f"{file}: got pixels of the kind {mode}, expected gray or RGB")
            if opened.format == "PNG" and mode not in _GRAY and _png_bits(file) == 16:
                raise InputError(f"{file}: got 16 bits in each of several channels, expected 8")
            image = ImageOps.exif_transpose(opened)
            if mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
                if mode not in _OPAQUE or np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
                    raise InputError(f"{file}: got transparent pixels, expected an opaque picture")
                image = image.convert("RGBA")
            pixels = np.array(image.convert(_OPAQUE[mode]) if mode in _OPAQUE else image)
    except InputError:
        raise
    # a damaged picture may fail in any of Pillow's decoders, with any exception
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: got no readable picture ({reason}), expected PNG, JPEG, BMP or PGM") from error
    return pixels.astype(pixels.dtype.newbyteorder("=")), mode in ("P", "PA")


def _png_bits(file: Path) -> int:
    """Bits of each channel: Pillow keeps 8 of the 16 of a colour picture, and does not say so."""
    with file.open("rb") as stream:
        header = stream.read(25)
    return header[24] if len(header) == 25 else 0

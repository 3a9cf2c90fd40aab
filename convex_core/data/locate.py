"""Where the images of a dataset are: a file or folder that is named, or what is found in a directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..contracts.records import record
from ..errors import InputError
from .idx import idx_files
from .image_bytes import is_folder
from .pictures import holds_pictures

__all__ = ["DATA_VARIABLE", "Located", "locate"]

#: Environment variable that names a directory with image files.
DATA_VARIABLE = "CONVEX_CORE_DATA"

#: Folders of a directory in which the files lie as their authors, torchvision or a careful person leave them.
_PLACES = {
    "mnist": (".", "mnist", "MNIST", "MNIST/raw"),
    "cifar10": (".", "cifar10", "cifar-10-batches-py", "cifar-10-batches-bin"),
}


@record
@dataclass(frozen=True, slots=True)
class Located:
    """Files that hold the images, one or several CIFAR batches, and the names of others that could have been meant."""

    files: tuple[Path, ...]
    unused: tuple[str, ...]


def locate(name: str, path: str | os.PathLike[str] | None = None) -> Located:
    """Find the images of ``"mnist"`` or ``"cifar10"``.

    A `path` that is no directory is taken as it is. In a directory, and in the usual sub-directories, the candidates
    are, in this order: the standard files (MNIST's IDX files by their content; CIFAR-10's batches by name),
    ``NAME.npz``, other ``NAME*.npz`` in alphabetical order, and a folder with a sub-folder of pictures for each class.

    Raises
    ------
    InputError
        If there is no place to look, or nothing is found there.
    """
    place = path or os.environ.get(DATA_VARIABLE)
    if not place:
        raise InputError(
            f"{name}: got no path, expected path=FILE, the variable {DATA_VARIABLE}=DIRECTORY or download=True"
        )
    if not isinstance(place, (str, os.PathLike)):
        raise InputError(f"path: got {place!r}, expected the name of a file or directory")
    folder = Path(place)
    if not is_folder(folder):
        return Located((folder,), ())
    # where capitals do not matter, two of the names are one place
    at_all = [folder / sub for sub in _PLACES[name] if is_folder(folder / sub)]
    places = [at for k, at in enumerate(at_all) if not any(at.samefile(before) for before in at_all[:k])]
    found = [files for search in (_standard, _npz, _pictures) for at in places for files in search(name, at)]
    if not found:
        raise InputError(
            f"{folder}: got no file of {name}, expected its standard files, {name}*.npz, or a sub-folder of pictures "
            "for each class"
        )
    others = [file for files in found[1:] for file in files]
    return Located(found[0], tuple(str(file.relative_to(folder)) for file in others if file != folder))


def _standard(name: str, folder: Path) -> list[tuple[Path, ...]]:
    if name == "mnist":
        return [(file,) for file in idx_files(folder)]
    found = []
    for ending in ("", ".bin", ".bin.gz", ".gz"):
        batches = [folder / f"data_batch_{k}{ending}" for k in range(1, 6)]
        found.append(tuple(batch for batch in batches if batch.is_file()))
    return [files for files in found if files]


def _npz(name: str, folder: Path) -> list[tuple[Path, ...]]:
    try:
        files = [file for file in sorted(folder.iterdir()) if file.name.lower().endswith(".npz") and file.is_file()]
    except OSError as error:
        raise InputError(f"{folder}: got {error}, expected a readable folder") from error
    own = [file for file in files if file.stem.lower() == name]
    return [(file,) for file in (*own, *(f for f in files if f.name.lower().startswith(f"{name}_") and f not in own))]


def _pictures(name: str, folder: Path) -> list[tuple[Path, ...]]:
    return [(folder,)] if holds_pictures(folder) else []

"""Where images come from: this computer, or a file or a download of this session alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from convex_core.data import Dataset, dataset_info
from convex_core.data.images import DATA_VARIABLE, count_images
from convex_core.errors import ConvexCoreError, InputError

from .. import guard
from ..work import keep

__all__ = ["NAMES", "Found", "count", "find", "trained"]

#: What the controls and the address say, and the library's name of the dataset.
NAMES = {"Digits": "digits", "MNIST": "mnist", "CIFAR-10": "cifar10"}
MAX_UPLOAD_MB = 64
#: Images of the sets that a download brings.
DOWNLOADED = {"mnist": 70_000, "cifar10": 60_000}
#: Share of the images that is trained on at most: the others are the test.
TRAINED = 0.8
_OWN, _LAST = "_images_own", "_images_last"

#: Makes a dataset of images that lie somewhere: nothing for where the library finds them, a path, or a download.
Load = Callable[[Mapping[str, Any]], Dataset]


@dataclass(slots=True)
class _Own:
    """A session's own images: where they lie, what keeps them there, and the last dataset made of them."""

    where: Mapping[str, Any]
    folder: Any
    key: str
    data: Dataset


@dataclass(frozen=True, slots=True)
class Found:
    """Images for a page.

    Attributes
    ----------
    data : Dataset
        Ready to be trained on.
    own : bool
        Whether they are of this session alone.
    """

    data: Dataset
    own: bool


def count(name: str, where: Mapping[str, Any], classes: Any = "all") -> int:
    """Images of some classes that there are."""
    if "download" in where:
        return DOWNLOADED[name]
    path = where.get("path")
    key = name, path, os.environ.get(DATA_VARIABLE), repr(classes)
    return keep.shared("number of images", key, lambda: count_images(name, path, classes))


def trained(there: int) -> int:
    """How many of all images are trained on at most."""
    return max(1, int(TRAINED * there))


def find(shown: str, load: Load, key: str) -> Found | None:
    """The images that are called `shown`, as `load` makes them; `key` covers all that it does but for the place.

    Without images that can be read it draws the two ways to get them, a file and a download, and returns None.
    """
    name = NAMES[shown]
    own: _Own | None = st.session_state.get(_OWN, {}).get(name)
    if own is not None:
        try:
            if own.key != key:
                own.data, own.key = load(own.where), key
            return Found(own.data, True)
        except InputError as error:
            guard.say(str(error))
    elif dataset_info(name).available:
        try:
            return Found(_shared((name, key, os.environ.get(DATA_VARIABLE)), load), False)
        except InputError as error:
            guard.say(f"{shown} on this computer cannot be used: {error}. Another file can be given here.")
    else:
        st.info(
            f"{shown} is not on this computer. Give its file, download it, or set {DATA_VARIABLE} to a folder that "
            "holds it; the digits need nothing.",
            icon=":material/info:",
        )
    _ask(name, load, key)
    return None


def _ask(name: str, load: Load, key: str) -> None:
    """The two ways to get images."""
    left, right = st.columns(2, gap="large", vertical_alignment="bottom")
    with left:
        uploaded = st.file_uploader(
            "NPZ with images and labels", type=["npz"], key=f"images_{name}", max_upload_size=MAX_UPLOAD_MB
        )
    with right:
        wanted = st.button("Download from OpenML", icon=":material/download:", key=f"download_{name}")
    try:
        if uploaded is not None:
            # its file goes when the session does
            folder = tempfile.TemporaryDirectory()
            file = Path(folder.name) / "images.npz"
            file.write_bytes(uploaded.getvalue())
            try:
                _remember(name, key, load, {"path": str(file)}, folder)
            except InputError as error:
                raise InputError(str(error).replace(str(file), uploaded.name)) from error
            st.rerun()
        if wanted:
            with st.spinner("Downloading ...", show_time=True):
                _remember(name, key, load, {"download": True}, None)
            st.rerun()
    except ConvexCoreError as error:
        guard.say(str(error))


def _remember(name: str, key: str, load: Load, where: Mapping[str, Any], folder: Any) -> None:
    """Use images from a place in this session, once they could be read."""
    st.session_state.setdefault(_OWN, {})[name] = _Own(where, folder, key, load(where))


def _shared(key: tuple[str | None, ...], load: Load) -> Dataset:
    """Images where the library finds them; the session has its last ones though they may be too many for the shelf."""
    if st.session_state.get(_LAST, (None,))[0] != key:
        st.session_state[_LAST] = key, keep.shared("images", key, lambda: load({}))
    data: Dataset = st.session_state[_LAST][1]
    return data

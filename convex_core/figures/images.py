"""Figures as PNG and SVG: drawn by kaleido in a Chrome or Chromium of this machine, without a network."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..errors import BackendError

__all__ = ["image"]

#: Width and height of a figure that has none, in pixels.
WIDTH, HEIGHT = 900, 450


def image(figure: Any, kind: str, *, width: int | None, height: int | None, scale: float) -> bytes:
    """The figure as an image of a kind, ``png`` or ``svg``; sizes in pixels, `scale` of them for each one of a PNG.

    Raises
    ------
    BackendError
        Without kaleido or a browser, or if they fail.
    """
    if find_spec("kaleido") is None:
        raise BackendError(
            f"{kind}: got no package kaleido, expected one (pip install 'convex-core[images]'); .html needs none"
        )
    kaleido = import_module("kaleido")
    options = {
        "format": kind,
        "width": width or figure.layout.width or WIDTH,
        "height": height or figure.layout.height or HEIGHT,
        "scale": scale if kind == "png" else 1.0,
    }
    try:
        drawing = kaleido.PageGenerator(mathjax=False)  # else it asks another host for it
        data = kaleido.calc_fig_sync(figure.to_dict(), opts=options, kopts={"page_generator": drawing})
    except Exception as error:  # its own and its browser's have no common class
        if type(error).__name__ == "ChromeNotFoundError":
            raise BackendError(
                f"{kind}: got no browser, expected Chrome or Chromium on the PATH, or where BROWSER_PATH says; "
                ".html needs none"
            ) from error
        raise BackendError(
            f"{kind}: got {type(error).__name__} {' '.join(str(error).split())[:300]} from kaleido, expected a drawing"
        ) from error
    return bytes(data)

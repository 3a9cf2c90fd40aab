"""Figures in a web page that asks nothing of other hosts and is small: a part of plotly.js, compressed, and their data.

The whole plotly.js has 4.8 MB. Its parts for charts and for three dimensions lie in `plotly_js`, as they are published,
and have 0.5 MB each once compressed; the browser unpacks them (Chrome 80, Firefox 113, Safari 16.4 or newer).
"""

from __future__ import annotations

import base64
import gzip
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly

__all__ = ["BUNDLES", "places", "scripts"]

_FOLDER = Path(__file__).parent / "plotly_js"
#: The parts of plotly.js that lie here, and the kinds of traces that each draws.
BUNDLES: dict[str, frozenset[str]] = {
    "plotly-cartesian.min.js.gz": frozenset(
        ("bar", "box", "contour", "heatmap", "histogram", "histogram2d", "image", "pie", "scatter", "violin")
    ),
    "plotly-gl3d.min.js.gz": frozenset(("isosurface", "mesh3d", "scatter", "scatter3d", "surface", "volume")),
}
_DRAW = """
(async () => {
  const unpacked = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const library = document.createElement("script");
  library.textContent = await unpacked(document.getElementById("plotly-js").textContent);
  document.head.append(library);
  for (const place of document.querySelectorAll(".cc-figure")) {
    const figure = JSON.parse(await unpacked(place.querySelector("script").textContent));
    place.replaceChildren();
    await Plotly.newPlot(place, { ...figure, config: { displaylogo: false, responsive: true } });
  }
  document.documentElement.dataset.drawn = "yes";
})();
"""


def places(figures: Sequence[Any], alts: Sequence[str]) -> list[str]:
    """An element for each figure, with its data and the words for who cannot see it.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> places([go.Figure(go.Scatter(y=[1, 2]))], ["It rises."])[0][:54]
    '<div class="cc-figure" role="img" aria-label="It rises'
    """
    return [
        f'<div class="cc-figure" role="img" aria-label="{html.escape(alt)}">'
        f'<script type="text/plain">{_packed(figure.to_json().encode())}</script></div>'
        for figure, alt in zip(figures, alts, strict=True)
    ]


def scripts(figures: Sequence[Any]) -> str:
    """What draws the elements of :func:`places`, for the end of the page: the smallest plotly.js that draws them all.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> chart, ball = go.Figure(go.Bar(y=[1])), go.Figure(go.Mesh3d())
    >>> [len(scripts(figures)) < 800_000 for figures in ([chart], [ball], [chart, ball])]
    [True, True, False]
    """
    return f'<script type="text/plain" id="plotly-js">{_library(figures)}</script><script>{_DRAW}</script>'


def _library(figures: Sequence[Any]) -> str:
    kinds = {trace.type for figure in figures for trace in figure.data}
    for name, drawn in BUNDLES.items():
        if kinds <= drawn:
            return base64.b64encode((_FOLDER / name).read_bytes()).decode()
    # rare traces, or flat and solid ones on one page: all of it, 1.9 MB
    return _packed((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes())


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()

"""Circular CNNs in both domains: the convolution each neuron applies, and which frequencies it uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import CircularCNN, of_kind
from ..networks.network import Network
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .filters import no_filters

__all__ = ["frequencies_in_use", "signals_and_spectra"]

#: More neurons than this are not drawn.
MAX_NEURONS = 24
#: Amplitudes below this share of the largest of all neurons are zero.
RELATIVE_ZERO = 1e-6

_Array = NDArray[np.float64]


def frequencies_in_use(network: Network) -> NDArray[np.bool_]:
    """Which frequencies 0..d // 2 each neuron of a circular CNN uses, (m, d // 2 + 1).

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> cnn = CircularCNN(patch_geometry((4,), 1, padding="circular"))
    >>> frequencies_in_use(Network(cnn, [[1.0]], [1.0], [[1.0, -1.0, 1.0, -1.0]])).tolist()
    [[False, False, True]]
    """
    amplitude = np.abs(np.fft.rfft(_blocks(network)))
    used: NDArray[np.bool_] = amplitude > RELATIVE_ZERO * amplitude.max(initial=0.0)
    return used


def signals_and_spectra(network: Network, *, colours: Palette = LIGHT) -> Chart:
    r"""Draw :math:`c_j = (u_{1j} * \dots * w_{1j}) |w_{2j}|` of each neuron, and its amplitudes :math:`|F c_j|` beside.

    A row per neuron, largest first. The penalty of the spectral program is the sum of the amplitudes: it sets
    frequencies to zero, which are left blank.

    Parameters
    ----------
    network : Network
        m neurons of a circular CNN; the 24 largest are drawn, and the text says so.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the network has another architecture.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> cnn = CircularCNN(patch_geometry((4,), 1, padding="circular"))
    >>> signals_and_spectra(Network(cnn, [[1.0]], [1.0], [[1.0, -1.0, 1.0, -1.0]])).alt
    '1 neuron of 3 frequencies; in use, neuron by neuron: 1.'
    """
    C = _blocks(network)
    order = np.argsort(-np.linalg.norm(C, axis=1), kind="stable")
    C, used = C[order], frequencies_in_use(network)[order]
    m, d = C.shape
    amplitude = np.abs(np.fft.rfft(C)) / np.sqrt(d)
    shown = min(m, MAX_NEURONS)
    alt = f"{m} neuron{'' if m == 1 else 's'} of {d // 2 + 1} frequencies"
    alt += f"; the {shown} largest are drawn" if m > shown else ""
    alt += f"; in use, neuron by neuron: {', '.join(str(k) for k in used[:shown].sum(axis=1))}." if m else "."
    table: dict[str, Any] = {
        "neuron": list(range(1, m + 1)),
        "output weight": network.weights[order].tolist(),
        "frequencies in use": used.sum(axis=1).tolist(),
    }
    table |= {f"c[{t}]": C[:, t].tolist() for t in range(d)}
    table |= {f"|F c|[{f}]": amplitude[:, f].tolist() for f in range(d // 2 + 1)}
    drawn = np.where(used, amplitude, np.nan)[:shown]
    figure = _figure(C[:shown], drawn, network.weights[order][:shown], colours) if m else no_filters()
    return Chart(figure, alt, table, "signals-and-spectra")


def _blocks(network: Network) -> _Array:
    """What each neuron convolves with, times the size of its output weight: (m, d)."""
    cnn = of_kind(network.architecture, CircularCNN, "network", "circular")
    return cnn.blocks(network.parameters) * np.abs(network.weights)[:, None]


def _figure(C: _Array, amplitude: _Array, weights: _Array, colours: Palette) -> Any:
    m, d = C.shape
    figure = blank(96 + 26 * max(m, 2), left=56, right=16, top=44, bottom=44)
    names = [f"{j + 1} {'+' if w > 0 else '−'}" for j, w in enumerate(weights)]
    extent = float(np.abs(C).max(initial=0.0)) or 1.0
    tile = {"y": names, "xgap": 1, "ygap": 3, "showscale": False}
    figure.add_trace(
        draft.Heatmap(
            z=C,
            x=list(range(d)),
            colorscale=colours.diverging,
            zmin=-extent,
            zmax=extent,
            hovertemplate="neuron %{y}, c[%{x}] = %{z:.4g}<extra></extra>",
            **tile,
        )
    )
    scale = [[p, colours.ordered(p)] for p in np.linspace(0.0, 1.0, 9)]
    figure.add_trace(
        draft.Heatmap(
            z=amplitude,
            x=list(range(amplitude.shape[1])),
            xaxis="x2",
            yaxis="y2",
            colorscale=scale,
            zmin=0.0,
            hovertemplate="neuron %{y}, frequency %{x}: %{z:.4g}<extra></extra>",
            **tile,
        )
    )
    outline = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": colours.faint}
    axis = {**outline, "tickmode": "auto", "nticks": 8}
    figure.update_layout(
        xaxis={**axis, "domain": [0.0, 0.54], "title": {"text": "signal position"}},
        xaxis2={
            **axis,
            "domain": [0.62, 1.0],
            "title": {"text": "frequency"},
            "anchor": "y2",
            "dtick": 1 if d < 16 else 5,
        },
        yaxis={**outline, "autorange": "reversed", "title": {"text": "neuron"}, "type": "category"},
        yaxis2={**outline, "autorange": "reversed", "anchor": "x2", "showticklabels": False, "type": "category"},
    )
    for axis_name, text in (("x", "signal c"), ("x2", "spectrum |F c|")):
        figure.add_annotation(
            x=0.0, y=1.0, xref=f"{axis_name} domain", yref="paper", xanchor="left", yanchor="bottom", yshift=8,
            text=text, showarrow=False, font={"color": colours.muted},
        )  # fmt: skip
    return figure

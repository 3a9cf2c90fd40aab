"""What a network says of each sample, against its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.validation import finite_array
from ..errors import InputError
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["predictions_against_targets"]

#: More samples than this have no line of their own: they are dots of target against prediction.
ONE_BY_ONE = 80

_Array = NDArray[np.float64]


def predictions_against_targets(
    predictions: ArrayLike, targets: ArrayLike, *, names: Sequence[str] = (), colours: Palette = LIGHT
) -> Chart:
    """Prediction and target of every sample: a dot and a ring, joined by what is missed.

    More than 80 samples are dots over their targets beside the line on which both are equal. With several outputs a
    column is an output, where samples of its own class are filled and should lie above the others. The number of a
    sample is the point's ``customdata``.

    Parameters
    ----------
    predictions, targets : (n,) or (n, q)
        Outputs of the network, and what they should be; with q outputs, 1 for the sample's class and 0 for the others.
    names : sequence of str
        Names of the q outputs.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> predictions_against_targets([0.9, -1.0], [1.0, -1.0]).alt
    '2 samples; the prediction misses the target by 0.1 at most and by 0.05 on average, most at sample 0.'
    """
    f, y = finite_array(predictions, "predictions", ndim=(1, 2)), finite_array(targets, "targets", ndim=(1, 2))
    if f.shape != y.shape or not f.size:
        raise InputError(f"predictions: got shape {f.shape} for targets of shape {y.shape}, expected the same")
    if f.ndim == 2 and len(names) != f.shape[1]:
        raise InputError(f"names: got {len(names)} for {f.shape[1]} outputs, expected one for each")
    figure = blank(300, top=36, bottom=44)
    if f.ndim == 2:
        alt = _by_class(figure, f, y, names, colours)
    else:
        missed = np.abs(f - y)
        (_one_by_one if len(y) <= ONE_BY_ONE else _scattered)(figure, f, y, colours)
        alt = (
            f"{len(y)} samples; the prediction misses the target by {missed.max():.3g} at most and by "
            f"{missed.mean():.3g} on average, most at sample {missed.argmax()}."
        )
    figure.update_yaxes(gridcolor=colours.faint, zerolinecolor=colours.muted)
    table: dict[str, Any] = {"sample": list(range(len(y)))}
    for column, title in enumerate(names if f.ndim == 2 else ("",)):
        word = f" of {title}" if title else ""
        table[f"target{word}"] = y.reshape(len(y), -1)[:, column].tolist()
        table[f"prediction{word}"] = f.reshape(len(y), -1)[:, column].tolist()
    return Chart(figure, alt, table, "predictions")


def _one_by_one(figure: Any, f: _Array, y: _Array, colours: Palette) -> None:
    n = len(y)
    at = np.arange(n)
    gap = np.full(n, np.nan)
    figure.add_trace(
        draft.Scatter(
            x=np.stack([at, at, gap], axis=1).ravel(), y=np.stack([y, f, gap], axis=1).ravel(), mode="lines",
            name="missed", line={"color": colours.muted, "width": 1.6}, hoverinfo="skip",
        )
    )  # fmt: skip
    rings = {"size": 11, "symbol": "circle-open", "line": {"width": 2, "color": colours.ink}, "color": colours.ink}
    for name, values, marker in (
        ("target", y, rings),
        ("prediction", f, {"size": 8, "color": colours.convex}),
    ):
        figure.add_trace(
            draft.Scatter(
                x=at, y=values, mode="markers", name=name, marker=marker, customdata=at, cliponaxis=False,
                hovertemplate=f"sample %{{x}}, {name} %{{y:.6g}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="sample", showgrid=False, zeroline=False, range=[-0.7, n - 0.3])
    figure.update_yaxes(title_text="target and prediction")


def _scattered(figure: Any, f: _Array, y: _Array, colours: Palette) -> None:
    ends = [float(min(f.min(), y.min())), float(max(f.max(), y.max()))]
    figure.add_trace(
        draft.Scatter(
            x=ends, y=ends, mode="lines", name="prediction = target", line={"color": colours.muted, "dash": "dash"},
            hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        draft.Scatter(
            x=y, y=f, mode="markers", name="sample", marker={"size": 6, "color": colours.convex, "opacity": 0.7},
            customdata=np.arange(len(y)),
            hovertemplate="sample %{customdata}: target %{x:.6g}, prediction %{y:.6g}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="target", showgrid=False, zeroline=False)
    figure.update_yaxes(title_text="prediction")


def _by_class(figure: Any, f: _Array, y: _Array, names: Sequence[str], colours: Palette) -> str:
    n, q = f.shape
    spread = np.linspace(-0.36, 0.36, n) if n > 1 else np.zeros(1)
    x = np.arange(q) + spread[:, None]
    which = np.broadcast_to(np.arange(n)[:, None], (n, q))
    own = y == y.max(axis=1, keepdims=True)
    hollow = {"size": 6, "symbol": "circle-open", "color": colours.muted, "line": {"width": 1.4}}
    for name, chosen, marker in (
        ("other classes", ~own, hollow),
        ("own class", own, {"size": 8, "color": colours.convex}),
    ):
        figure.add_trace(
            draft.Scatter(
                x=x[chosen], y=f[chosen], mode="markers", name=name, marker=marker, customdata=which[chosen],
                hovertemplate=f"sample %{{customdata}}, {name}: %{{y:.4g}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(q)), ticktext=list(names), showgrid=False, zeroline=False, range=[-0.6, q - 0.4]
    )
    figure.update_yaxes(title_text="output")
    right = int((f.argmax(axis=1) == y.argmax(axis=1)).sum())
    return f"{n} samples, {q} outputs; the output of the own class is the largest for {right} of them."

"""A free skip connection as two ReLUs: the filters u and -u together are linear, so that it often changes nothing."""

from __future__ import annotations

import numpy as np

from ..architectures import TwoLayerCNN, of_kind
from ..errors import InputError
from ..solution import Solution
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["skip_as_two_relus"]

# points of the lines
_POINTS = 61


def skip_as_two_relus(solution: Solution, *, colours: Palette = LIGHT) -> Chart:
    r"""The skip connection z of a network over the patches, and the two ReLU neurons that are the same function.

    .. math:: x^T z = (x^T z)_+ - (-x^T z)_+

    As a skip connection it costs nothing; as two neurons, :math:`u = \pm z / \sqrt{\|z\|}`, it costs
    :math:`2 \beta \|z\|_2`. So a skip connection is worth at most that, and nothing where z is 0. A dot is a patch of a
    sample.

    Parameters
    ----------
    solution : Solution
        Of a problem with the option ``skip="free"``.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For a network without a skip connection, or of another activation.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> problem = Problem([[1.0], [2.0], [-1.0]], [1.0, 2.0, -1.0], filter_size=1, skip="free", beta=0.1)
    >>> skip_as_two_relus(solve(problem)).alt
    'The skip connection over 3 patches. It costs nothing; as the two ReLUs of z and -z it would cost 0.2.'
    """
    problem, network = solution.problem, solution.network
    architecture = of_kind(problem.architecture, TwoLayerCNN, "solution", "two-layer with a skip connection")
    if architecture.skip == "none":
        raise InputError("solution: got a network without a skip connection, expected the option skip='free'")
    if not architecture.activation.plain:
        raise InputError(f"solution: got the activation {architecture.activation.name!r}, expected relu")
    window = architecture.geometry.window
    z = network.free[:window]
    t = (problem.patches[:, :, :window] @ z).T  # (n, K)
    reach = 1.05 * float(np.abs(t).max(initial=0.0)) or 1.0
    line = np.linspace(-reach, reach, _POINTS)
    figure = blank(320, top=40, bottom=48)
    for name, values, colour, dash, width in (
        ("ReLU of z", np.maximum(line, 0.0), colours.positive, "solid", 6),
        ("minus ReLU of -z", -np.maximum(-line, 0.0), colours.negative, "dot", 6),
        ("both together: the skip connection", line, colours.ink, "solid", 1.5),
    ):
        figure.add_trace(
            draft.Scatter(
                x=line,
                y=values,
                name=name,
                mode="lines",
                line={"color": colour, "dash": dash, "width": width},
                hovertemplate=f"{name}: %{{y:.3g}} at %{{x:.3g}}<extra></extra>",
            )
        )
    sample, patch = np.indices(t.shape)
    figure.add_trace(
        draft.Scatter(
            x=t.ravel(),
            y=t.ravel(),
            name="patches of the data",
            mode="markers",
            marker={"color": colours.convex, "size": 7, "line": {"color": colours.paper, "width": 1}},
            customdata=np.stack([sample.ravel() + 1, patch.ravel() + 1], axis=1),
            hovertemplate="sample %{customdata[0]}, patch %{customdata[1]}: %{y:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    )
    figure.update_xaxes(title_text="a patch times z", gridcolor=colours.faint, zerolinecolor=colours.muted)
    figure.update_yaxes(title_text="answer", gridcolor=colours.faint, zerolinecolor=colours.muted)
    scale = architecture.scale
    price = 2.0 * problem.beta * float(np.linalg.norm(z))
    words = f"it would cost {price:.3g}." if z.any() else "would add nothing: z is 0."
    return Chart(
        figure,
        f"The skip connection over {t.size} patches. It costs nothing; as the two ReLUs of z and -z {words}",
        {
            "sample": (sample.ravel() + 1).tolist(),
            "patch": (patch.ravel() + 1).tolist(),
            "ReLU of z": (scale * np.maximum(t, 0.0)).ravel().tolist(),
            "minus ReLU of -z": (-scale * np.maximum(-t, 0.0)).ravel().tolist(),
            "skip connection": (scale * t).ravel().tolist(),
        },
        "skip",
    )

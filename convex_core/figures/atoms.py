"""The atoms of a network of thresholds: each is a column of counts, and training is a lasso over such columns."""

from __future__ import annotations

import numpy as np

from ..architectures import ThresholdCNN, of_kind
from ..solution import Solution
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["MAX_ATOMS", "threshold_atoms"]

#: Atoms that are drawn; of more, those of the largest weights.
MAX_ATOMS = 24
_ROW_PIXELS = 26


def threshold_atoms(solution: Solution, *, colours: Palette = LIGHT) -> Chart:
    """The atoms that the lasso chose, and their weights: a row for each neuron, a column for each sample.

    A field says how many patches of the sample pass the neuron (with mean pooling, which share of them); its weight is
    beside it, orange upwards and blue downwards. The samples are in the order of their targets, so that an atom that
    splits low targets from high ones is seen as a step.

    Parameters
    ----------
    solution : Solution
        Of a problem with the activation ``threshold``.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For another network.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> problem = Problem([[1.0], [2.0], [-1.0]], [1.0, 1.0, -1.0], filter_size=1, activation="threshold", beta=0.1)
    >>> [round(weight, 6) for weight in threshold_atoms(solve(problem)).table["weight"]]
    [0.95, -0.9]
    """
    problem, network = solution.problem, solution.network
    of_kind(problem.architecture, ThresholdCNN, "solution", "two-layer with the activation threshold")
    unit = {**network.parameters, "weights": np.ones(network.m)}
    atoms = problem.architecture.outputs(problem.patches, unit).T
    order = np.argsort(-np.abs(network.weights), kind="stable")
    shown, samples = order[:MAX_ATOMS], np.argsort(problem.y, kind="stable")
    weights, numbers = network.weights[shown], [str(i + 1) for i in samples]
    m = len(shown)
    figure = draft.make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        column_widths=[0.72, 0.28],
        horizontal_spacing=0.03,
        figure=blank(96 + _ROW_PIXELS * max(m, 3), left=56, top=28, bottom=52),
    )
    figure.add_trace(
        draft.Heatmap(
            z=atoms[np.ix_(shown, samples)],
            x=list(range(problem.n)),
            y=list(range(1, m + 1)),
            zmin=0.0,
            zmax=float(max(atoms.max(initial=0.0), 1e-300)),
            colorscale=[[0.0, colours.faint], [1.0, colours.ink]],
            showscale=False,
            customdata=[[str(i + 1) for i in samples]] * m,
            hovertemplate="neuron %{y}, sample %{customdata}: %{z:.3g}<extra></extra>",
            xgap=1,
            ygap=1,
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        draft.Bar(
            x=weights,
            y=list(range(1, m + 1)),
            orientation="h",
            marker={"color": [colours.positive if w > 0.0 else colours.negative for w in weights]},
            showlegend=False,
            hovertemplate="neuron %{y}: weight %{x:.4g}<extra></extra>",
        ),
        row=1,
        col=2,
    )
    step = max(1, -(-problem.n // 12))
    figure.update_xaxes(
        title_text="samples, lowest target first",
        tickvals=list(range(0, problem.n, step)),
        ticktext=numbers[::step],
        showgrid=False,
        zeroline=False,
        row=1,
        col=1,
    )
    figure.update_xaxes(title_text="weight", gridcolor=colours.faint, zerolinecolor=colours.muted, row=1, col=2)
    figure.update_yaxes(range=[m + 0.5, 0.5], showgrid=False, zeroline=False, tickvals=list(range(1, m + 1)))
    figure.update_yaxes(title_text="neuron", row=1, col=1)
    several = f", the {MAX_ATOMS} of the largest weights drawn" if network.m > MAX_ATOMS else ""
    cells = "" if solution.patterns is None else f" of {solution.patterns:,} sign patterns"
    return Chart(
        figure,
        f"The {network.m} atoms in use{cells}{several}: how many patches of each of {problem.n} samples pass. Weights "
        f"from {weights.min(initial=0.0):.3g} to {weights.max(initial=0.0):.3g}.",
        {
            "neuron": list(range(1, m + 1)),
            "weight": weights.tolist(),
            **{f"sample {i + 1}": atoms[shown, i].tolist() for i in range(problem.n)},
        },
        "threshold-atoms",
    )

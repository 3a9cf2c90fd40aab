"""The chain of bounds drawn: figures say the library's numbers, and so does the tab of the app."""

import numpy as np
import pytest
from app_helpers import facts, testing

import pages._ui.three_layers.two_relu  # noqa: F401 - found by the script below because it is loaded
from convex_core.architectures import ThreeLayerCNN, TwoLayerCNN
from convex_core.errors import InputError
from convex_core.figures.matrices import matrix_blocks
from convex_core.figures.sandwich import NETWORK, sandwich
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.solution import solve


def instance(beta=0.1):
    rng = np.random.default_rng(1)
    patches, y = rng.standard_normal((2, 4, 2)), rng.standard_normal(4)
    cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2), sharing="shared")
    return Problem(patches.transpose(1, 0, 2).reshape(4, 4), y, architecture=cnn, beta=beta)


def test_the_chain_is_drawn_with_its_words():
    labels, values, words = ["a", "b", "c"], [1.0, 2.0, 2.5], ["bound only", "exact if rank one", NETWORK]
    chart = sandwich(labels, values, words)
    assert [trace.x[1] for trace in chart.figure.data] == values
    assert [trace.line.dash for trace in chart.figure.data] == ["dash", "solid", "solid"]
    assert len({trace.marker.symbol[1] for trace in chart.figure.data}) == 3
    band = chart.figure.layout.shapes[0]
    assert (band.x0, band.x1) == (2.0, 2.5)
    assert "20 %" in chart.alt
    assert chart.table["value"] == values
    closed = sandwich(["a", "b"], [1.0, 1.0], ["exact", NETWORK])
    assert not closed.figure.layout.shapes
    with pytest.raises(InputError, match=r"^labels, values, words: got 1, 2 and 2"):
        sandwich(["a"], [1.0, 2.0], ["exact", NETWORK])


def test_blocks_are_whole_matrices_or_grey():
    problem = instance()
    family = [solve(problem.with_beta(beta), tol=1e-7) for beta in (0.1, 1.0, 100.0)]
    chart = matrix_blocks(family)
    dead, alive = (
        np.array(values, dtype=float) for values in (chart.figure.data[0].z, chart.figure.data[1].customdata)
    )
    assert np.nanmax(np.abs(np.array(chart.figure.data[1].z, dtype=float))) == 1.0
    assert not np.any(np.isfinite(dead) & np.isfinite(alive))
    counts = []
    for row in range(3):
        tiles = alive[3 * row : 3 * row + 2]
        blocks = [tiles[:, 3 * b : 3 * b + 2] for b in range((tiles.shape[1] + 1) // 3)]
        assert all(np.isfinite(block).all() or np.isnan(block).all() for block in blocks)
        counts.append(sum(bool(np.isfinite(block).all()) for block in blocks))
        shown = np.sort([np.linalg.norm(block) for block in blocks if np.isfinite(block).all()])
        norms = np.linalg.norm(family[row].C, axis=1)
        np.testing.assert_allclose(shown, np.sort(norms[norms > 1e-6 * norms.max(initial=0.0)]))
    assert counts == chart.table["blocks"]
    assert counts[0] > 0 == counts[2]  # at a large beta every block is dead
    two = Problem(problem.X, problem.y, architecture=TwoLayerCNN(problem.architecture.geometry), beta=0.1)
    with pytest.raises(InputError, match=r"^solutions: got the architecture 'two-layer'"):
        matrix_blocks([solve(two)])
    with pytest.raises(InputError, match=r"^solutions: got none"):
        matrix_blocks([])


@pytest.mark.slow
def test_the_tab_shows_the_numbers_of_the_library():
    app = testing.AppTest.from_string(
        "import streamlit as st\nfrom pages._ui.three_layers import two_relu\ntwo_relu.tab()\n", default_timeout=120
    )
    app.query_params["relu_seed"] = "1"
    app.run()
    assert not app.exception, app.exception
    shown = facts(app)
    assert shown["a filter per patch"] == "0.0737951"
    assert shown["shared: at least"] == shown["shared: at most"] == "0.0991084"
    assert shown["cells, shared"] == "94"
    assert "proved" in app.header[0].value
    assert len(app.get("plotly_chart")) == 2

"""The Three-layer page: shown numbers are the library's, whatever the address says."""

import numpy as np
import pytest
from app_helpers import html, open_page

from convex_core import Problem, bounds, patch_geometry
from convex_core.architectures import CircularCNN, TwoLayerCNN
from convex_core.errors import InputError
from convex_core.figures.spectral import frequencies_in_use, signals_and_spectra
from convex_core.networks.network import Network


def instance(seed=0, d=6, h=3, layers=3, beta=0.1):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, d)), rng.standard_normal(5)
    return Problem(X, y, architecture=CircularCNN(patch_geometry((d,), h, padding="circular"), layers), beta=beta)


@pytest.mark.slow
def test_the_sandwich_is_in_order_and_closed_where_the_program_is_exact():
    found = bounds(instance(), starts=1)
    assert [link.label for link in found.links] == ["spectral", "nuclear"]
    assert found.links[0].value < found.links[1].value <= found.value * (1 + 1e-6) < found.ceiling.value
    assert found.relative_gap <= 1e-6
    assert found.value == pytest.approx(instance().objective(found.network), rel=1e-12)
    deeper = bounds(instance(d=3, h=2, layers=4, beta=0.5), starts=1)
    assert [link.label for link in deeper.links] == ["spectral", "weighted", "nuclear"]
    assert all(link.lower_bound <= deeper.value for link in deeper.links)
    assert deeper.links[0].value < deeper.links[1].value
    assert deeper.value <= deeper.ceiling.solution.network_objective * (1 + 1e-12)


def test_signals_and_spectra_say_what_the_network_convolves_with():
    cnn = instance(d=6, h=2).architecture
    wave = np.cos(2 * np.pi * np.arange(6) / 3)
    network = Network(cnn, [[1.0, 0.0], [0.0, 1.0]], [2.0, -1.0], [wave, np.ones(6)])
    assert frequencies_in_use(network).sum(axis=1).tolist() == [1, 1]
    chart = signals_and_spectra(network)
    assert chart.alt == "2 neurons of 4 frequencies; in use, neuron by neuron: 1, 1."
    assert [chart.table[f"c[{t}]"][0] for t in range(6)] == pytest.approx(2.0 * wave)
    assert [chart.table[f"|F c|[{f}]"][1] for f in range(4)] == pytest.approx([np.sqrt(6.0), 0, 0, 0], abs=1e-12)
    drawn = np.asarray(chart.figure.data[1].z)
    assert np.isnan(drawn).sum() == 6
    none = signals_and_spectra(Network(cnn, [], [], []))
    assert none.alt == "0 neurons of 4 frequencies."
    with pytest.raises(InputError, match="network: got the architecture"):
        frequencies_in_use(Network(TwoLayerCNN(patch_geometry((3,), 3)), [], []))


@pytest.mark.slow
def test_the_page_shows_the_numbers_of_the_library():
    app = open_page("three_layer")
    assert not app.exception
    found = bounds(instance(), starts=2)
    assert f"{found.value:.7f}" in html(app)
    assert app.header[0].value == "The global optimum, proved from below and attained by a network"


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        {"circular_layers": "4", "circular_d": "3", "circular_h": "8", "circular_beta": "0.5"},
        {"circular_layers": "nan", "circular_d": "999", "circular_h": "abc", "circular_seed": "-1", "kind": "x"},
    ],
)
def test_any_address_is_answered(query):
    app = open_page("three_layer", **query)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.slow
def test_the_other_view():
    app = open_page("three_layer", kind="Two ReLU layers")
    assert not app.exception
    assert "a filter per patch" in html(app)

"""The Solve page for every kind of network: its numbers are the library's, its words are honest."""

import pytest
from app_helpers import facts, open_page

from convex_core import Problem, cvxpy_script, load_dataset, solve
from convex_core.export.latex import convex_latex, training_latex
from pages._ui import verdict
from pages._ui.state.spec import NETWORKS, has_several_outputs, reconstructs

#: small enough for every network: 4 signals of length 4
SMALL = {"data": "shift", "n": "4", "d": "4", "h": "2", "stride": "2"}


def problem_of(network):
    name, options = NETWORKS[network]
    data = load_dataset("shift", n=4, d=4)
    stride = None if name == "circular" else 2
    if has_several_outputs(network):
        options = {**options, "outputs": 2}
    own = reconstructs(network)
    return Problem.from_dataset(data, filter_size=2, stride=stride, architecture=name, autoencoder=own, **options)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_the_page_shows_the_librarys_numbers(network):
    app = open_page("solve", **SMALL, network=network)
    assert not app.exception
    assert not app.error
    expected = solve(problem_of(network), tol=1e-8)
    text = " ".join(item.value for item in [*app.markdown, *app.html])
    assert f"{expected.network_objective:.12f}"[:8] in text
    assert f"program: {expected.exactness}" in text
    assert facts(app)["sign patterns"] == f"{expected.patterns // expected.problem.architecture.cells_per_pattern:,}"
    assert [entry.value.strip("$\n ") for entry in app.latex] == [
        training_latex(expected.problem),
        convex_latex(expected.problem, expected.patterns),
    ]
    # the code on the page is the library's script of this problem, which the tests of scripts run
    assert app.code[0].value == cvxpy_script(expected.problem, expected.active, complete=False).strip()
    labels = [entry.label for entry in verdict.solution_downloads(expected)]
    assert "CVXPY code · PY" in labels
    assert ("CVXPY, every pattern · PY" in labels) == (NETWORKS[network][0] != "linear")


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_the_download_over_every_pattern_runs(network):
    expected = solve(problem_of(network), tol=1e-8)
    text = verdict.whole_script(expected)
    names = {}
    exec(compile(text, "whole_program.py", "exec"), names)
    assert names["problem"].value == pytest.approx(expected.objective, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "words"), [("auto", "is optimal at this β"), ("sampled", "uses no sign pattern")])
def test_the_zero_network_is_optimal_only_where_that_is_proved(method, words):
    app = open_page("solve", **SMALL, beta="10", method=method)
    assert not app.exception
    shown = [item.value for item in [*app.caption, *app.markdown, *app.html] if "zero network" in item.value.lower()]
    assert [words in text for text in shown].count(True) == 1
    assert any("optimal" in text for text in shown) == (method == "auto")


@pytest.mark.slow
def test_a_network_that_does_not_fit_the_data_is_refused_in_a_sentence():
    app = open_page("solve", data="patterns2d", network="circular")
    assert not app.exception
    shown = " ".join(item.value for item in [*app.info, *app.warning, *app.caption, *app.markdown])
    assert "the network two-layer is used" in shown

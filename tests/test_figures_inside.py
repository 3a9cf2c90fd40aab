"""Pictures of predictions, of the inside of a network, and of tuned optimisers: what is drawn is what was computed."""

from __future__ import annotations

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem

from convex_core import (
    InputError,
    Network,
    Problem,
    TwoLayerCNN,
    compare_optimisers,
    load_dataset,
    patch_geometry,
    solve,
)
from convex_core.architectures import VectorOutputs, has_stages
from convex_core.figures.inside import BARS, added_up, filter_by_filter, through_one_filter
from convex_core.figures.predictions import ONE_BY_ONE, predictions_against_targets
from convex_core.figures.tuning import tuning_curves
from convex_core.networks.inside import look_inside

OPEN = [a for a in (param.values[0] for param in every_architecture()) if has_stages(a)]
FIRST = {type(a): a for a in reversed(OPEN)}


@pytest.mark.parametrize(
    "architecture",
    [pytest.param(a, marks=[] if FIRST[type(a)] is a else pytest.mark.slow) for a in OPEN],
    ids=lambda a: f"{type(a).__name__}-{a.options}",
)
def test_tables_hold_the_stages_and_add_up(architecture):
    case = tiny_problem(architecture)
    network = random_network(case, 3, 1)
    inside = look_inside(network, case.X[1])
    order = filter_by_filter(inside)
    assert np.all(np.diff(network.sizes[order]) <= 0.0)
    for number, j in enumerate(order, start=1):
        table = through_one_filter(inside, number).table
        products = np.array([table[f"product {i + 1}"] for i in range(inside.patches.shape[1])]).T
        np.testing.assert_allclose(products, inside.products(j))
        assert table["sum"] == inside.sums[j].tolist()
        pooled = np.dot(table["counts"], table["after the activation"])
        assert pooled * inside.weights[j, 0] == pytest.approx(inside.shares[j, 0], abs=1e-12)
    for output in range(len(inside.outputs)):
        names = [f"class {k}" for k in range(architecture.q)] if architecture.q > 1 else []
        table = added_up(inside, number=1, output=output, names=names, target=0.5).table
        assert sum(table["adds"][:-2]) == pytest.approx(table["adds"][-2], abs=1e-12)
        assert table["adds"][-2] == pytest.approx(np.atleast_1d(network.predict(case.X[[1]])[0])[output], abs=1e-12)
        assert table["adds"][-1] == 0.5


def test_rounding_is_written_as_zero_and_kept_in_the_table():
    """A filter on the edge of a cell, where its sum is zero but for the last digits, as those of the optimum are."""
    network = Network(TwoLayerCNN(patch_geometry((3,), 3)), [[1.0, 1.0, -1.0], [1e-9, 0.0, 0.0]], [2.0, 1.0])
    inside = look_inside(network, [0.1, 0.2, 0.3])
    assert 0.0 < inside.sums[0, 0] < 1e-16
    chart = through_one_filter(inside, 1)
    assert chart.table["sum"] == [inside.sums[0, 0]]
    assert chart.alt == "Filter 1: 1 patch, sums 0; after the activation 0; pooled 0, times its weight 2 it adds 0."
    assert [str(trace.text[0][0]) for trace in chart.figure.data] == ["1", "0.1", "0", "0"]
    # a small number that is none of rounding stays
    shares = added_up(inside, number=1)
    assert [str(text) for text in shares.figure.data[0].text] == ["+0", "+1e-10", "<b>1e-10</b>"]
    assert "filter 1 +0, filter 2 +1e-10" in shares.alt


def test_what_is_free_has_a_bar_of_its_own():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((5, 6)), rng.standard_normal(5) + 3.0, filter_size=3, beta=0.1, bias="free")
    network = solve(problem).network
    inside = look_inside(network, problem.X[0])
    chart = added_up(inside, number=1)
    assert chart.table["what"][-2:] == ["what is free", "prediction"]
    assert chart.table["adds"][-2] == inside.free[0] != 0.0
    assert sum(chart.table["adds"][:-1]) == pytest.approx(network.predict(problem.X[:1])[0])
    assert f"what is free {inside.free[0]:+.4g}" in chart.alt


def test_many_filters_are_summed_and_the_marked_one_is_drawn():
    rng = np.random.default_rng(0)
    network = Network(TwoLayerCNN(patch_geometry((6,), 3)), rng.standard_normal((40, 3)), rng.standard_normal(40))
    inside = look_inside(network, rng.standard_normal(6))
    table = added_up(inside, number=37).table
    shares = np.abs(inside.shares[filter_by_filter(inside), 0])
    most = set(np.argsort(-shares)[:BARS].tolist())
    assert 36 not in most
    assert table["what"][: BARS + 2] == [*(f"filter {k + 1}" for k in sorted({*most, 36})), "29 others"]
    assert sum(table["adds"][:-1]) == pytest.approx(table["adds"][-1]) == pytest.approx(inside.outputs[0])


def test_an_image_is_drawn_as_maps():
    rng = np.random.default_rng(1)
    network = Network(TwoLayerCNN(patch_geometry((5, 4, 3), 2)), rng.standard_normal((2, 12)), [1.0, -1.0])
    inside = look_inside(network, rng.standard_normal(60))
    figure = through_one_filter(inside, 2).figure
    assert [note.text for note in figure.layout.annotations][3:] == ["sums", "ReLU"]
    j = filter_by_filter(inside)[1]
    assert np.array_equal(figure.data[3].z, inside.sums[j].reshape(4, 3))
    np.testing.assert_allclose(figure.data[0].z, network.filters[j].reshape(2, 2, 3).mean(axis=2))


@pytest.mark.parametrize("options", [{"number": 0}, {"number": 3}, {"number": 1, "output": 1}])
def test_no_such_filter_or_output(options):
    network = Network(TwoLayerCNN(patch_geometry((4,), 2)), np.eye(2), [1.0, 1.0])
    with pytest.raises(InputError, match=r"number|output"):
        through_one_filter(look_inside(network, np.ones(4)), **options)


def test_every_sample_has_its_prediction_and_its_target():
    rng = np.random.default_rng(2)
    f, y = rng.standard_normal((2, 9))
    chart = predictions_against_targets(f, y)
    lines, rings, dots = chart.figure.data
    assert np.array_equal(rings.y, y)
    assert np.array_equal(dots.y, f)
    assert np.array_equal(dots.customdata, np.arange(9))
    np.testing.assert_array_equal(lines.y.reshape(9, 3)[:, :2], np.stack([y, f], axis=1))
    assert f"most at sample {np.abs(f - y).argmax()}" in chart.alt
    many = predictions_against_targets(np.ones(ONE_BY_ONE + 1), np.zeros(ONE_BY_ONE + 1)).figure
    assert many.layout.xaxis.title.text == "target"
    assert len(many.data[1].x) == ONE_BY_ONE + 1


def test_several_outputs_are_columns_of_classes():
    F, Y = np.array([[0.9, 0.1], [0.6, 0.4]]), np.eye(2)
    chart = predictions_against_targets(F, Y, names=["a", "b"])
    other, own = chart.figure.data
    assert own.y.tolist() == [0.9, 0.4]
    assert other.y.tolist() == [0.1, 0.6]
    assert chart.alt.endswith("is the largest for 1 of them.")
    assert chart.table["prediction of b"] == [0.1, 0.4]


@pytest.mark.parametrize(
    ("f", "y", "names"), [([1.0], [1.0, 2.0], ()), ([], [], ()), ([[1.0, 2.0]], [[1.0, 2.0]], ["one"])]
)
def test_predictions_that_do_not_fit_are_refused(f, y, names):
    with pytest.raises(InputError):
        predictions_against_targets(np.array(f, dtype=float), np.array(y, dtype=float), names=names)


def test_tuning_is_drawn_as_it_was():
    case = Problem.from_dataset(load_dataset("shift"))
    solution = solve(case, tol=1e-8)
    found = compare_optimisers(case, learning_rates=[0.003, 0.03], seeds=2, iterations=60)
    chart = tuning_curves(found, lower=solution.lower_bound, relative=True)
    for number, run in enumerate(found.runs):
        dots, line = chart.figure.data[2 * number : 2 * number + 2]
        np.testing.assert_allclose(dots.y, run.objective.ravel() / solution.lower_bound - 1.0)
        np.testing.assert_allclose(line.y, run.objective.min(axis=1) / solution.lower_bound - 1.0)
        assert int(np.argmax(line.marker.size)) == run.chosen
        assert f"{run.name} is lowest at step size {run.learning_rate:g}" in chart.alt
    assert sum(chart.table["chosen"]) == 3 * 2
    plain = tuning_curves(found, lower=-np.inf)
    np.testing.assert_allclose(plain.figure.data[0].y, found.runs[0].objective.ravel())


def test_outputs_of_a_network_with_several_are_all_there():
    network = Network(VectorOutputs(TwoLayerCNN(patch_geometry((3,), 2)), 2), [[1.0, 0.0]], [[2.0, -1.0]])
    inside = look_inside(network, [1.0, -2.0, 3.0])
    assert inside.outputs.tolist() == network.predict([[1.0, -2.0, 3.0]])[0].tolist()

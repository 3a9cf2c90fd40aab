"""A bias of the filters that is regularised like them: a one after every patch."""

import numpy as np
import pytest
from architecture_cases import best_found, check_gradients, check_model_file, check_scaling

from convex_core import (
    InputError,
    Network,
    Problem,
    convex_latex,
    cvxpy_script,
    load_dataset,
    network_from_arrays,
    solve,
    training_latex,
)
from convex_core.architectures import make_architecture
from convex_core.cli import main
from convex_core.figures.tiles import tiles_of
from convex_core.patches import PatchGeometry, patch_geometry


def biased(seed=0, n=6, K=3, h=2, name="two-layer", **options):
    rng = np.random.default_rng(seed)
    patches, y = rng.standard_normal((K, n, h)), rng.standard_normal(n)
    geometry = patch_geometry((K * h,), h, h, bias="regularised")
    X = patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(X, y, architecture=make_architecture(name, geometry, **options), beta=0.1)


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_optima_agree_with_other_programs(method):
    for seed, value in enumerate((0.38890920, 0.28268530, 0.41591613)):
        assert solve(biased(seed), method=method, tol=1e-8).network_objective == pytest.approx(value, abs=1e-7)


def test_a_patch_ends_in_a_one_and_a_filter_in_its_bias():
    geometry = patch_geometry((4,), 2, 2, bias="regularised")
    assert (geometry.h, geometry.window, geometry.biased) == (3, 2, True)
    assert geometry.extract([[1.0, 2.0, 3.0, 4.0]]).tolist() == [[[1.0, 2.0, 1.0]], [[3.0, 4.0, 1.0]]]
    network = Network(make_architecture("two-layer", geometry), [[1.0, -1.0, 0.5]], [2.0])
    assert network.predict([[1.0, 2.0, 5.0, 4.0]]) == pytest.approx([2.0 * (0.0 + 1.5)])


def test_it_is_a_column_of_ones_by_hand():
    data = load_dataset("edge")
    ours = solve(Problem.from_dataset(data, bias="regularised"), tol=1e-9)
    ones = np.ones((data.n, 1))
    h, d = data.default_filter[0], data.d
    # every window followed by its one: stride and filter of h + 1
    windows = patch_geometry((d,), h, data.default_stride).extract(data.X)
    X = np.concatenate([part for window in windows for part in (window, ones)], axis=1)
    cnn = make_architecture("two-layer", patch_geometry((X.shape[1],), h + 1, h + 1))
    by_hand = solve(Problem(X, data.y, architecture=cnn, beta=data.default_beta), tol=1e-9)
    assert ours.network_objective == pytest.approx(by_hand.network_objective, rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("two-layer", {"pooling": "max"}),
        ("two-layer", {"activation": "leaky"}),
        ("two-layer", {"activation": "absolute", "pooling": "mean"}),
        ("linear", {}),
        ("flatten", {}),
        ("three-layer", {}),
    ],
)
def test_every_architecture_takes_it(name, options):
    problem = biased(1, n=3, K=2, h=1, name=name, **options)
    check_gradients(problem)
    check_scaling(problem)
    optimum = solve(problem, tol=1e-8)
    check_model_file(optimum.network, problem, optimum)
    found = best_found(problem, optimum.objective)
    assert found >= optimum.lower_bound * (1.0 - 1e-9)
    assert found == pytest.approx(optimum.network_objective, rel=1e-5)


def test_geometry_survives_a_file_and_older_files_have_none():
    geometry = patch_geometry((5, 5), 2, bias="regularised")
    values = geometry.to_dict()
    assert PatchGeometry.from_dict(values) == geometry
    assert PatchGeometry.from_dict({key: value for key, value in values.items() if key != "bias"}).bias == "none"


def test_filters_are_drawn_with_their_bias_in_a_column_of_its_own():
    row = tiles_of(patch_geometry((4,), 2, bias="regularised"), np.array([[1.0, 2.0, 9.0]]))
    assert np.array_equal(row, [[[1.0, 2.0, np.nan, 9.0]]], equal_nan=True)
    picture = tiles_of(patch_geometry((4, 4), 2, bias="regularised"), np.arange(5.0)[None, :])
    assert np.array_equal(picture, [[[0.0, 1.0, np.nan, 4.0], [2.0, 3.0, np.nan, 4.0]]], equal_nan=True)
    assert patch_geometry((4, 4), 2, bias="regularised").filter_image(np.arange(5.0)).tolist() == [[0, 1], [2, 3]]


def test_formulas_say_so():
    problem = biased()
    assert "ends in a column of ones" in training_latex(problem)
    assert "ends in a column of ones" in convex_latex(problem)
    assert "a filter ends in its bias" in cvxpy_script(problem, solve(problem).active, complete=False)
    plain = Problem.from_dataset(load_dataset("edge"))
    assert "ones" not in training_latex(plain)


def test_a_pytorch_convolution_brings_its_bias():
    cnn = make_architecture("two-layer", patch_geometry((4,), 2, bias="regularised"))
    rng = np.random.default_rng(0)
    state = {"conv.weight": rng.standard_normal((3, 1, 2)), "conv.bias": rng.standard_normal(3)}
    state |= {"fc.weight": rng.standard_normal((1, 3)), "fc.bias": np.zeros(1)}
    x = rng.standard_normal((5, 4))
    windows = np.stack([x[:, k : k + 2] for k in range(3)])  # a cross-correlation, by hand
    responses = np.maximum(windows @ state["conv.weight"][:, 0].T + state["conv.bias"], 0.0).sum(axis=0)
    network = network_from_arrays(cnn, state)
    assert network.predict(x) == pytest.approx(responses @ state["fc.weight"][0])
    with pytest.raises(InputError, match="got a bias that is not zero, expected none: only filters"):
        network_from_arrays(cnn, state | {"fc.bias": np.ones(1)})
    with pytest.raises(InputError, match=r"conv.bias: got shape \(2,\), expected \(3,\)"):
        network_from_arrays(cnn, state | {"conv.bias": np.ones(2)})


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="bias: got 'some', expected one of none, regularised, output, free"):
        patch_geometry((4,), 2, bias="some")
    with pytest.raises(InputError, match="bias: got regularised with circular convolutions"):
        make_architecture("circular", patch_geometry((4,), 2, 1, "circular", "regularised"))


def test_command_line(capsys):
    assert main(["solve", "--dataset", "edge", "--bias", "regularised"]) == 0
    assert "regularised bias" in capsys.readouterr().out
    assert main(["patterns", "--dataset", "edge", "--bias", "regularised", "--json"]) == 0
    assert main(["patterns", "--rows", "nowhere.npy", "--bias", "regularised"]) == 2

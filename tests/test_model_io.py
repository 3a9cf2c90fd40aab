"""Model files: what is written comes back, and damaged files are refused in one sentence."""

import io

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem
from layer_cases import networks
from problem_cases import patch_problem

from convex_core import InputError, Problem, certify, load_dataset, load_model, save_model, solve
from convex_core.export.model import save_network


@pytest.fixture(scope="module")
def solution():
    return solve(Problem.from_dataset(load_dataset("talk")))


def test_round_trip(solution, tmp_path):
    path = tmp_path / "model.npz"
    save_model(path, solution)
    model = load_model(path)
    assert np.array_equal(model.network.filters, solution.network.filters)
    assert np.array_equal(model.network.weights, solution.network.weights)
    assert model.network.architecture == solution.problem.architecture
    assert model.beta == solution.problem.beta
    assert np.array_equal(model.predictions, solution.predictions)
    certificate = certify(solution.problem, model.network, dual=model.dual)
    assert certificate.relative_gap <= 1e-6


def test_the_contract_arrays_are_there_without_pickles(solution):
    buffer = io.BytesIO()
    save_model(buffer, solution)
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        shapes = {key: arrays[key].shape for key in ("filters", "weights", "dual", "predictions")}
    m = solution.network.m
    assert shapes == {"filters": (m, 10), "weights": (m,), "dual": (6,), "predictions": (6,)}


def test_images_with_channels_round_trip(tmp_path):
    from convex_core import TwoLayerCNN, patch_geometry

    rng = np.random.default_rng(0)
    architecture = TwoLayerCNN(patch_geometry((4, 4, 2), (2, 2), (2, 2)), "mean")
    problem = Problem(rng.standard_normal((3, 32)), rng.standard_normal(3), architecture=architecture, beta=0.5)
    save_model(tmp_path / "m.npz", solve(problem, method="sampled"))
    assert load_model(tmp_path / "m.npz").network.architecture == architecture


def test_a_zero_network_round_trips(tmp_path):
    save_model(tmp_path / "m.npz", solve(patch_problem(0, beta=1e3)))
    assert load_model(tmp_path / "m.npz").network.m == 0


def damaged(kind, good):
    arrays = dict(np.load(good, allow_pickle=False))
    if kind == "pickled":
        arrays["filters"] = np.array([{"a": 1}], dtype=object)
    elif kind == "missing":
        del arrays["filters"]
    elif kind == "architecture":
        arrays["architecture"] = np.array("transformer")
    elif kind == "nan":
        arrays["weights"] = np.full_like(arrays["weights"], np.nan)
    elif kind == "shape":
        arrays["filters"] = arrays["filters"][:, :-1]
    elif kind == "beta":
        arrays["beta"] = np.array(-1.0)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data = buffer.getvalue()
    return data[: len(data) // 2] if kind == "truncated" else b"not an archive" if kind == "text" else data


@pytest.mark.parametrize("kind", ["pickled", "missing", "architecture", "nan", "shape", "beta", "truncated", "text"])
def test_damaged_files_are_one_sentence(solution, tmp_path, kind):
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    save_model(good, solution)
    bad.write_bytes(damaged(kind, good))
    with pytest.raises(InputError, match="got") as caught:
        load_model(bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["scale", "biases", "conv.weight", "X", "filters2"])
def test_an_array_that_is_not_used_is_refused_by_name(solution, tmp_path, name):
    save_model(tmp_path / "m.npz", solution)
    arrays = dict(np.load(tmp_path / "m.npz", allow_pickle=False))
    np.savez(tmp_path / "m.npz", **arrays, **{name: np.ones(2)})
    with pytest.raises(InputError, match=f"the array {name}, which is not used"):
        load_model(tmp_path / "m.npz")


def test_all_that_was_written_is_read(solution, tmp_path):
    save_model(tmp_path / "m.npz", solution)
    model = load_model(tmp_path / "m.npz")
    assert (model.objective, model.lower_bound) == (solution.network_objective, solution.lower_bound)
    no_bound = solve(patch_problem(0), method="sampled", max_patterns=3)
    save_model(tmp_path / "m.npz", no_bound)
    assert load_model(tmp_path / "m.npz").lower_bound == no_bound.lower_bound


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pooling", np.array(["sum", "mean"])),
        ("pooling", np.array(3.5)),
        ("architecture", np.array(["two-layer"])),
        ("loss", np.array([1, 2])),
        ("objective", np.array("low")),
        ("lower_bound", np.ones(2)),
        ("delta", np.array(0.5)),
        ("hidden", np.ones((1, 2))),
        ("pool_size", np.array(2)),
        ("input_shape", np.array(15)),
    ],
)
def test_an_entry_of_another_form_is_one_sentence(solution, tmp_path, name, value):
    save_model(tmp_path / "m.npz", solution)
    arrays = dict(np.load(tmp_path / "m.npz", allow_pickle=False))
    np.savez(tmp_path / "m.npz", **(arrays | {name: value}))
    with pytest.raises(InputError, match="got") as caught:
        load_model(tmp_path / "m.npz")
    assert "\n" not in str(caught.value)


def test_an_option_of_a_loss_needs_its_loss(solution, tmp_path):
    save_model(tmp_path / "m.npz", solution)
    arrays = dict(np.load(tmp_path / "m.npz", allow_pickle=False))
    del arrays["loss"]
    np.savez(tmp_path / "m.npz", **arrays, delta=np.array(0.5))
    with pytest.raises(InputError, match="got delta and no loss"):
        load_model(tmp_path / "m.npz")


def test_missing_and_unwritable_paths(solution, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "none.npz")
    with pytest.raises(InputError, match="writable"):
        save_model(tmp_path / "no" / "such" / "folder.npz", solution)


@pytest.mark.slow
def test_every_architecture_and_option_comes_back_from_its_file():
    own = [random_network(tiny_problem(case.values[0]), 3, 0) for case in every_architecture()]
    tried = [*own, *networks()]
    for network in tried:
        save_network(buffer := io.BytesIO(), network)
        buffer.seek(0)
        again = load_model(buffer).network
        assert again.architecture == network.architecture
        assert np.array_equal(again.free, network.free)
        for name, array in network.parameters.items():
            assert np.array_equal(again.parameters[name], array)
    assert len(tried) >= 350

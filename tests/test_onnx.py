"""ONNX files: every architecture and option, with the outputs of the network in another program's runtime."""

from __future__ import annotations

import io
import json
from importlib.util import find_spec

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem
from layer_cases import networks
from list_cases import listed_networks, small_images

from convex_core import BackendError, Network, Problem, load_dataset, solve
from convex_core.architectures import ARCHITECTURES, make_architecture
from convex_core.cli import main
from convex_core.export import onnx as exported
from convex_core.lists import ListedNetwork, PoolingGrid, Whitening, train_list
from convex_core.patches import patch_geometry

# half a second to import, for those who run these tests: not for every process that finds them
pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxruntime"))), reason="the extra export is not installed"
)


def read(path):
    import onnx

    return onnx.load(path)


def outputs(data, X):
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    (found,) = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"]).run(None, {"X": X})
    return found


@pytest.mark.parametrize("architecture", list(every_architecture()))
def test_every_architecture_has_its_outputs(architecture):
    network = random_network(tiny_problem(architecture), 3, 0)
    found = network.to_onnx(target := io.BytesIO())
    X = np.random.default_rng(3).standard_normal((5, *architecture.geometry.input_shape))
    assert np.allclose(outputs(target.getvalue(), X), network.predict(X), rtol=1e-12, atol=1e-12)
    assert found.max_difference <= 1e-13 * found.largest


@pytest.mark.slow
def test_every_padding_bias_and_shape_has_its_outputs():
    tried = set()
    for network in networks():
        found = network.to_onnx(io.BytesIO())
        assert found.max_difference <= 1e-13 * found.largest
        tried.add(network.architecture.name)
    assert tried == ARCHITECTURES.keys() - {"circular"}


def test_the_file_says_what_it_is(tmp_path):
    problem = Problem.from_dataset(load_dataset("edge", n=4))
    solution = solve(problem)
    solution.network.to_onnx(tmp_path / "edge.onnx")
    model = read(tmp_path / "edge.onnx")
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", exported.OPSET)]
    assert {entry.key: entry.value for entry in model.metadata_props}["architecture"] == "two-layer"
    # onnxruntime 1.20 fuses it with a product that it has in single precision only
    assert "Transpose" not in {node.op_type for node in model.graph.node}
    types = [tensor.data_type for tensor in model.graph.initializer]
    assert set(types) <= {model.graph.initializer[0].DOUBLE, model.graph.initializer[0].INT64}
    assert np.allclose(outputs((tmp_path / "edge.onnx").read_bytes(), problem.X), solution.predictions, rtol=1e-12)


def test_networks_over_lists_have_their_outputs():
    tried = set()
    for network in listed_networks():
        found = network.to_onnx(target := io.BytesIO())
        X = np.random.default_rng(3).standard_normal((5, *network.geometry.input_shape))
        assert np.allclose(outputs(target.getvalue(), X), network.predict(X), rtol=1e-11, atol=1e-11)
        assert found.max_difference <= 1e-12 * found.largest
        tried.add((network.grid.pooling, network.gates is not None, network.q))
    assert len(tried) == 10


def test_a_network_that_was_trained_over_a_list_is_written_with_its_regions(tmp_path):
    X, geometry, classes = small_images()
    found = train_list(X, np.eye(3)[classes], geometry, directions=8, beta=0.5, pooling_grid=2, seed=0)
    found.network.to_onnx(tmp_path / "listed.onnx")
    model = read(tmp_path / "listed.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert (said["architecture"], said["pooling"], said["pooling_cuts"]) == ("listed", "mean", "(2, 2)")
    assert "Transpose" not in {node.op_type for node in model.graph.node}
    got = outputs((tmp_path / "listed.onnx").read_bytes(), X.reshape(-1, *geometry.input_shape))
    assert np.allclose(got, found.network.predict(X), rtol=1e-11, atol=1e-11)


def test_a_network_over_a_list_without_filters_gives_its_biases():
    geometry = patch_geometry((4,), 2)
    grid = PoolingGrid(geometry.grid, (1,), "sum")
    empty = ListedNetwork(geometry, Whitening.none(2), grid, np.zeros((0, 2)), np.zeros((0, 1, 3)), [0.5, 0.0, 1.0])
    empty.to_onnx(target := io.BytesIO())
    assert outputs(target.getvalue(), np.ones((2, 4))).tolist() == [[0.5, 0.0, 1.0]] * 2


def test_the_zero_network_gives_zeros():
    network = Network.zero(make_architecture("two-layer", patch_geometry((4,), 2), outputs=2))
    network.to_onnx(target := io.BytesIO())
    assert np.array_equal(outputs(target.getvalue(), np.ones((3, 4))), np.zeros((3, 2)))


def test_no_inputs_give_no_outputs():
    network = random_network(tiny_problem(make_architecture("two-layer", patch_geometry((4,), 2))), 3, 0)
    network.to_onnx(target := io.BytesIO())
    assert outputs(target.getvalue(), np.zeros((0, 4))).shape == (0,)


def test_a_graph_with_other_outputs_is_not_written(tmp_path, monkeypatch):
    network = random_network(tiny_problem(make_architecture("two-layer", patch_geometry((4,), 2))), 3, 0)
    other = Network(network.architecture, network.filters, (1.0 + 1e-9) * network.weights)
    wrong = exported.onnx_bytes(other)
    monkeypatch.setattr(exported, "onnx_bytes", lambda _: wrong)
    with pytest.raises(BackendError, match=r"got outputs .* from the network's"):
        network.to_onnx(tmp_path / "wrong.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_the_runtime_refuses_is_one_sentence(tmp_path, monkeypatch):
    network = random_network(tiny_problem(make_architecture("two-layer", patch_geometry((4,), 2))), 3, 0)
    monkeypatch.setattr(exported, "onnx_bytes", lambda _: b"no graph")
    with pytest.raises(BackendError, match=r"from onnxruntime .*, expected one that has") as caught:
        network.to_onnx(tmp_path / "wrong.onnx")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_missing_is_named_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exported, "find_spec", lambda name: None if name == "onnxruntime" else object())
    monkeypatch.setattr("convex_core.cli.solve.make_dataset", lambda *_: pytest.fail("work was done"))
    assert main(["solve", "--dataset", "edge", "--onnx", str(tmp_path / "m.onnx")]) == 1
    assert "got no onnxruntime in this environment" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["solve"], ["minimum-norm"], ["sgd", "--iterations", "5"]], ids=lambda c: c[0])
def test_commands_write_it(command, tmp_path, capsys):
    arguments = [*command, "--dataset", "edge", "--option", "n=4", "--onnx", str(tmp_path / "m.onnx"), "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["onnx"]
    assert found["max_difference"] <= 1e-12 * found["largest"]
    assert len(read(tmp_path / "m.onnx").graph.node) > 5

"""Networks of other programs: every array has one role, found by shape and name, or is refused by name."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem

from convex_core import InputError, Network, load_dataset, patch_geometry, save_dataset
from convex_core.architectures import make_architecture
from convex_core.cli import main
from convex_core.networks.state_dict import network_from_arrays, read_network

#: Architecture, its options, and how PyTorch computes it from the responses (m, positions) of the filters.
NETWORKS = {
    "sum": ("two-layer", {}, lambda r: np.maximum(r, 0).sum(axis=1)),
    "mean": ("two-layer", {"pooling": "mean"}, lambda r: np.maximum(r, 0).mean(axis=1)),
    "max": ("two-layer", {"pooling": "max"}, lambda r: np.maximum(r, 0).max(axis=1)),
    "three outputs": ("two-layer", {"outputs": 3}, lambda r: np.maximum(r, 0).sum(axis=1)),
    "flatten": ("flatten", {}, lambda r: np.maximum(r, 0).ravel()),
    "linear": ("linear", {}, lambda r: r.ravel()),
}


def responses(image, kernel, stride):
    """PyTorch's convolution, by loops: cross-correlation of (C, *size) with (m, C, *filter), (m, positions)."""
    sizes, lengths = image.shape[1:], kernel.shape[2:]
    starts = [range(0, size - f + 1, step) for size, f, step in zip(sizes, lengths, stride, strict=True)]
    windows = [
        image[(slice(None), *(slice(a, a + f) for a, f in zip(corner, lengths, strict=True)))]
        for corner in itertools.product(*starts)
    ]
    return np.array([[float(np.sum(window * filt)) for window in windows] for filt in kernel])


def draw(rng, network, size, filter_size, *, stride=None, m=4):
    """An architecture, PyTorch's two weights, inputs and the outputs that PyTorch's layers have."""
    stride = stride or (1,) * min(len(size), 2)
    geometry = patch_geometry(size, filter_size, stride)
    name, options, pool = NETWORKS[network]
    architecture = make_architecture(name, geometry, **options)
    channels = size[2] if len(size) == 3 else 1
    conv = rng.standard_normal((m, channels, *geometry.filter_shape[: len(stride)]))
    behind = m * geometry.K if name in ("flatten", "linear") else m
    fc = rng.standard_normal((architecture.q, behind))
    X = rng.standard_normal((3, *size))
    first = np.moveaxis(X, -1, 1) if len(size) == 3 else X[:, None]
    outputs = np.array([fc @ pool(responses(x, conv, stride)) for x in first])
    return architecture, conv, fc, X.reshape(3, -1), outputs


def keras_order(conv, fc, positions):
    """The same weights in Keras's order."""
    m = len(conv)
    dense = fc.T if fc.shape[1] == m else fc.reshape(-1, m, positions).transpose(2, 1, 0).reshape(-1, len(fc))
    return np.moveaxis(np.moveaxis(conv, 1, -1), 0, -1), dense


@pytest.mark.parametrize("size", [((7,), 3), ((5, 6), (2, 3)), ((4, 5, 3), 2), ((4, 4, 1), 4)], ids=str)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("framework", ["PyTorch", "Keras"])
def test_the_network_computes_what_the_other_program_computes(framework, network, size):
    rng = np.random.default_rng(3)
    architecture, conv, fc, X, outputs = draw(rng, network, *size)
    if framework == "PyTorch":
        arrays = {"module.features.0.weight": conv, "module.classifier.weight": fc}
    else:
        conv, fc = keras_order(conv, fc, architecture.geometry.K)
        arrays = {"conv/kernel:0": conv, "dense/kernel:0": fc}
    for given_arrays in (arrays, dict(reversed(arrays.items()))):
        reading = read_network(architecture, given_arrays)
        np.testing.assert_allclose(reading.network.predict(X).reshape(3, -1), outputs, atol=1e-12)
        assert reading.sentence.endswith(f"in the order of {framework}")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0.weight", "2.weight"),
        ("fc1.weight", "fc2.weight"),
        ("hidden.weight", "output.weight"),
        ("conv.weight", "x.weight"),
    ],
)
def test_names_decide_between_two_square_layers(first, last):
    rng = np.random.default_rng(0)
    architecture = make_architecture("two-layer", patch_geometry((3,), 3), outputs=3)
    u, w = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    for arrays in ({first: u, last: w}, {last: w, first: u}):
        network = network_from_arrays(architecture, arrays)
        np.testing.assert_array_equal(network.filters, u)
        np.testing.assert_array_equal(network.weights, w.T)
    with pytest.raises(InputError, match="can be read in 2 ways, expected names that decide"):
        network_from_arrays(architecture, {"a.weight": u, "b.weight": w})


def test_arrays_without_a_framework_s_names_are_read_if_only_one_reading_fits():
    rng = np.random.default_rng(0)
    architecture, conv, fc, X, outputs = draw(rng, "sum", (7,), 3)
    for a, b in ((conv, fc), keras_order(conv, fc, 5)):
        network = network_from_arrays(architecture, {"arr_1": b, "arr_0": a})
        np.testing.assert_allclose(network.predict(X), outputs[:, 0])
    square, conv, fc, *_ = draw(rng, "three outputs", (7,), 3, m=3)
    with pytest.raises(InputError, match="can be read in 2 ways"):
        network_from_arrays(square, {"arr_0": conv, "arr_1": fc})
    # a name of PyTorch's or Keras's says which of the two orders it is
    torch = network_from_arrays(square, {"c.weight": conv, "d.weight": fc})
    keras = network_from_arrays(square, {"c/kernel": conv, "d/kernel": fc})
    np.testing.assert_array_equal(torch.filters, conv[:, 0])
    np.testing.assert_array_equal(keras.filters, conv[:, 0].T)
    np.testing.assert_array_equal(torch.weights.T, keras.weights)


GOOD = {"conv.weight": np.ones((2, 1, 2)), "fc.weight": np.ones((1, 2))}


@pytest.mark.parametrize(
    "extra",
    [
        {"scale": np.array([10.0])},
        {"bn.running_mean": np.zeros(2)},
        {"bn.running_var": np.ones(2)},
        {"bn.num_batches_tracked": np.array(7)},
        {"bn.weight": np.ones(2)},
        {"conv2.weight": np.ones((2, 2, 2))},
        {"conv.weight_g": np.ones((2, 1, 1))},
        {"fc.bias": np.array([1e-30])},
        {"conv.bias": np.array([0.0, np.nan])},
        {"note": np.array("mine")},
        {"filters": np.ones((2, 2))},
        {"dense/kernel:0": np.ones((2, 1))},
        {"beta": np.array(0.1)},
        {"dual": np.ones(6)},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_an_array_that_is_not_used_is_refused_by_name(extra):
    (name,) = extra
    for arrays in (GOOD | extra, extra | GOOD):
        with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
            network_from_arrays(patch_problem(0).architecture, arrays)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["scale", "X", "hidden", "beta", "conv.weight"])
def test_nothing_unused_lies_beside_our_own_names(name):
    own = {"filters": np.ones((2, 2)), "weights": np.ones(2)}
    architecture = patch_problem(0).architecture
    assert network_from_arrays(architecture, own | {"dual": np.ones(3), "predictions": np.ones(3)}).m == 2
    with pytest.raises(InputError, match=f"the array {name}, which is not used"):
        network_from_arrays(architecture, own | {name: np.ones((2, 3))})


def test_biases_that_are_zero_are_accepted_and_said():
    arrays = GOOD | {"conv.bias": np.zeros(2), "fc.bias": np.zeros(1)}
    sentence = read_network(patch_problem(0).architecture, arrays).sentence
    assert sentence.endswith("; conv.bias, fc.bias are all zero")
    assert sentence.startswith("conv.weight (2, 1, 2) as 2 filters, fc.weight (1, 2) as output weights")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"conv.weight": np.ones((2, 1, 3)), "fc.weight": np.ones((1, 2))}, r"\(m, 1, 2\) and \(1, m\)"),
        ({"conv.weight": np.ones((2, 1, 1, 2)), "fc.weight": np.ones((1, 2))}, r"\(m, 1, 2\) and \(1, m\)"),
        ({"conv.weight": np.ones((1, 2, 2)), "fc.weight": np.ones((1, 1))}, r"shape \(1, 2, 2\)"),
        ({"conv.weight": np.ones((2, 1, 2)), "fc.weight": np.ones((2, 2))}, r"fc.weight: got shape \(2, 2\).*\(1, 2\)"),
        ({"conv.weight": np.ones((2, 1, 2)), "fc.weight": np.ones((2, 1))}, r"fc.weight: got shape \(2, 1\).*\(1, 2\)"),
        ({"conv.weight": np.ones((2, 1, 2)), "fc.weight": np.ones(2)}, r"fc.weight: got shape \(2,\)"),
        ({"c/kernel": np.ones((2, 1, 5)), "d/kernel": np.ones((1, 5))}, r"d/kernel: got shape \(1, 5\).*\(5, 1\)"),
        ({"conv.weight": np.ones((0, 1, 2)), "fc.weight": np.ones((1, 0))}, "empty"),
        ({"conv.weight": np.full((2, 1, 2), np.inf), "fc.weight": np.ones((1, 2))}, "infinite"),
        ({"conv.weight": np.ones((2, 1, 2)) * 1j, "fc.weight": np.ones((1, 2))}, "real numbers"),
    ],
)
def test_shapes_that_do_not_fit_are_one_sentence(arrays, message):
    with pytest.raises(InputError, match=message) as caught:
        network_from_arrays(patch_problem(0).architecture, arrays)
    assert "\n" not in str(caught.value)


def test_a_matrix_of_filters_with_channels_is_not_guessed():
    cnn = make_architecture("two-layer", patch_geometry((3, 3, 2), 3))
    with pytest.raises(InputError, match=r"network: got 0\.weight"):
        network_from_arrays(cnn, {"0.weight": np.ones((4, 18)), "2.weight": np.ones((1, 4))})


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_shuffled_arrays_give_the_network_or_a_refusal_never_another_one(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    size = data.draw(st.sampled_from([(2,), (3,), (6,), (3, 4), (4, 3, 2)]))
    short = data.draw(st.integers(1, min(size[:2])))
    network, m = data.draw(st.sampled_from(list(NETWORKS))), data.draw(st.integers(1, 4))
    architecture, conv, fc, X, outputs = draw(rng, network, size, short, m=m)
    a, b = data.draw(st.sampled_from([(conv, fc), keras_order(conv, fc, architecture.geometry.K)]))
    keras = b is not fc
    names = data.draw(st.sampled_from([("p/kernel", "q/kernel") if keras else ("p.weight", "q.weight"), ("u", "v")]))
    arrays = dict(data.draw(st.permutations(list(zip(names, (a, b), strict=True)))))
    try:
        read = network_from_arrays(architecture, arrays)
    except InputError as error:
        assert "2 ways" in str(error)  # noqa: PT017
        assert names == ("u", "v")
        return
    np.testing.assert_allclose(read.predict(X).reshape(3, -1), outputs, atol=1e-12)


# --- the command line


@pytest.fixture
def audit(tmp_path, capsys):
    def call(arrays, *options, data=None):
        np.savez(tmp_path / "state.npz", **arrays)
        source = (
            ["--dataset", "edge", "--filter-size", "3"]
            if data is None
            else ["--data", str(save_dataset(data, tmp_path / "data.npz"))]
        )
        status = main(["audit", str(tmp_path / "state.npz"), *source, *options])
        return status, *capsys.readouterr()

    return call


def test_audit_says_which_array_is_what(audit):
    rng = np.random.default_rng(1)
    dataset = load_dataset("motifs3", n=6, d=5, n_test=4)
    conv, fc = rng.standard_normal((4, 1, 3)), rng.standard_normal((3, 4))
    arrays = {"fc.weight": fc, "fc.bias": np.zeros(3), "conv.weight": conv}
    status, out, err = audit(arrays, "--loss", "softmax", "--json", "--tol", "1e-2", data=dataset)
    assert status == 0
    assert err.startswith("convex_core: ")  # what was understood of the data
    assert err.count("\n") == 1
    result = json.loads(out)
    assert result["model"] == (
        "conv.weight (4, 1, 3) as 4 filters, fc.weight (3, 4) as output weights, in the order of PyTorch; fc.bias is "
        "all zero"
    )
    scores = np.array([fc @ np.maximum(responses(x[None], conv, (1,)), 0).sum(axis=1) for x in dataset.X])
    right = scores[np.arange(6), dataset.y.astype(int)]
    fit = float(np.sum(np.log(np.exp(scores).sum(axis=1)) - right))
    # one weight norm for each output: a neuron of several outputs is as dear as its parts of one output
    architecture = make_architecture("two-layer", patch_geometry((5,), 3), outputs=3)
    penalty = Network(architecture, conv[:, 0], fc.T).regulariser
    assert result["objective"] == pytest.approx(fit + result["beta"] * penalty, rel=1e-9)
    assert "conv.weight (4, 1, 3) as 4 filters" in audit(arrays, "--loss", "softmax", "--tol", "1e-2", data=dataset)[1]


@pytest.mark.parametrize("name", ["scale", "bn.running_mean", "beta"])
def test_audit_refuses_what_it_would_not_use_with_exit_2(audit, name):
    arrays = {"conv.weight": np.ones((2, 1, 3)), "fc.weight": np.ones((1, 2)), name: np.ones(2)}
    status, out, err = audit(arrays, "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert name in err


def test_audit_says_that_a_dual_vector_of_other_data_is_not_used(audit):
    arrays = {"filters": np.eye(3), "weights": np.ones(3), "dual": np.ones(5)}
    result = json.loads(audit(arrays, "--json", "--tol", "1e-2")[1])
    assert "its dual vector, of length 5, belongs to other data and is not used" in result["model"]
    assert "not used" not in json.loads(audit(arrays | {"dual": np.ones(12)}, "--json", "--tol", "1e-2")[1])["model"]

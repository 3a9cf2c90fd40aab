"""PyTorch: modules with the outputs of a network, and networks with the outputs of a module. Skipped without it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem
from layer_cases import networks
from list_cases import listed_networks

from convex_core import BackendError, InputError, Network, TwoLayerCNN, audit, from_torch, patch_geometry
from convex_core.architectures import make_architecture
from convex_core.export import torch_module

try:
    import torch
    from torch import nn
except ImportError:
    torch = nn = None
with_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def taken(network, X, geometry=None):
    """Inputs (n, d) as PyTorch takes them."""
    geometry = geometry or network.architecture.geometry
    images = X.reshape(len(X), *geometry.input_shape[: len(geometry.stride)], -1)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1)))


def folded(architecture):
    """Whether its module has other arrays than the network: a batch in its filters, or a weight for each patch."""
    options = architecture.options
    several = architecture.name == "linear" and architecture.q > 1
    return several or options.get("normalisation", "none") == "batch" or "pooling_grid" in options


def check(network):
    """The module's outputs; and where it has two layers, the network that is read from it."""
    X = np.random.default_rng(5).standard_normal((4, network.architecture.geometry.d))
    module = network.to_torch()
    expected = network.predict(X)
    got = module(taken(network, X)).detach().numpy()
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-13 * np.abs(expected).max()
    if set(module._modules) - {"activation", "pool"} != {"conv", "head"}:
        return False
    if folded(network.architecture):
        with pytest.raises(InputError, match=r"conv.bias: got|head.weight: got"):
            from_torch(module, network.architecture)
        return True
    for again in (from_torch(module, network.architecture), from_torch(module.state_dict(), network.architecture)):
        assert np.array_equal(again.free, network.free)
        for name, array in network.parameters.items():
            assert np.array_equal(again.parameters[name], array)
    found = from_torch(module, input_shape=network.architecture.geometry.input_shape)
    assert np.allclose(found.predict(X), expected, rtol=1e-9, atol=1e-9)
    return True


@with_torch
@pytest.mark.parametrize("architecture", list(every_architecture()))
def test_every_architecture_has_its_outputs(architecture):
    network = random_network(tiny_problem(architecture), 3, 0)
    if architecture.options.get("sharing") == "per-patch":
        with pytest.raises(InputError, match="got 'three-layer' with a filter for each patch"):
            network.to_torch()
    else:
        assert check(network) == (architecture.name not in ("circular", "three-layer"))


@with_torch
@pytest.mark.slow
def test_every_padding_bias_and_shape_has_its_outputs_and_comes_back():
    shared = [network for network in networks() if network.architecture.options.get("sharing") != "per-patch"]
    assert sum(map(check, shared)) >= 300


@with_torch
def test_networks_over_lists_have_their_outputs():
    for network in listed_networks():
        X = np.random.default_rng(5).standard_normal((4, network.geometry.d))
        module, expected = network.to_torch(), network.predict(X)
        got = module(taken(network, X, network.geometry)).detach().numpy()
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= 1e-12 * np.abs(expected).max()
        again = type(module)(network)
        again.load_state_dict({name: 0.0 * array for name, array in module.state_dict().items()})
        again.load_state_dict(module.state_dict())
        assert torch.equal(again(taken(network, X, network.geometry)), torch.from_numpy(got))


@with_torch
def test_a_module_is_saved_and_trained_further():
    network = random_network(tiny_problem(make_architecture("two-layer", patch_geometry((6,), 2, 2))), 3, 0)
    module = network.to_torch()
    torch.save(module, file := io.BytesIO())
    file.seek(0)
    X = taken(network, np.ones((2, 6)))
    assert torch.equal(torch.load(file, weights_only=False)(X), module(X))
    loss = (module(X) - 1.0).square().sum()
    loss.backward()
    assert module.conv.weight.grad.abs().sum() > 0


@with_torch
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("pool", "options"),
    [("AdaptiveAvgPool2d", {"pooling": "mean"}), ("AdaptiveMaxPool2d", {"pooling": "max"}), (None, {})],
)
def test_the_network_of_a_module_written_by_others_is_found(pool, options, bias):
    torch.manual_seed(0)
    pooled = [] if pool is None else [getattr(nn, pool)(1)]
    inputs = 9 * 5 if pool is None else 5
    last = bias and pool != "AdaptiveMaxPool2d"  # a free bias of the filters is no program with max pooling
    module = nn.Sequential(
        nn.Conv2d(2, 5, 2, bias=bias), nn.ReLU(), *pooled, nn.Flatten(), nn.Linear(inputs, 1, bias=last and bool(pool))
    )
    network = from_torch(module, input_shape=(4, 4, 2))
    assert network.architecture.name == ("flatten" if pool is None else "two-layer")
    assert {**network.architecture.options, **options} == network.architecture.options
    if pool == "AdaptiveAvgPool2d":
        assert audit(tiny_problem(network.architecture, n=2), network).certificate.relative_gap > 0


@with_torch
def test_a_module_that_is_another_network_is_refused():
    module = nn.Sequential(nn.Conv1d(1, 3, 2, bias=False), nn.Tanh(), nn.Flatten(), nn.Linear(9, 1, bias=False))
    with pytest.raises(InputError, match=r"outputs that differ by at least .* from those of 2 networks"):
        from_torch(module, input_shape=(4,))
    mean = nn.Sequential(nn.Conv1d(1, 3, 2, bias=False), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    mean.append(nn.Linear(3, 1, bias=False))
    with pytest.raises(InputError, match="pooling, padding or activation are others"):
        from_torch(mean, TwoLayerCNN(patch_geometry((4,), 2)))
    assert from_torch(mean, TwoLayerCNN(patch_geometry((4,), 2), "mean")).m == 3
    deeper = nn.Sequential(nn.Conv1d(1, 3, 2), nn.Conv1d(3, 3, 2), nn.Flatten(), nn.Linear(6, 1))
    with pytest.raises(InputError, match="got 2 convolutions and 1 linear layers"):
        from_torch(deeper, input_shape=(4,))


def test_what_is_given_besides_is_said():
    cnn = TwoLayerCNN(patch_geometry((4,), 2))
    with pytest.raises(InputError, match="got a state dict and no architecture"):
        from_torch({"conv.weight": np.ones((1, 1, 2))})
    with pytest.raises(InputError if torch else BackendError, match=r"from_torch: got int|got no torch"):
        from_torch(3, cnn)


def test_without_pytorch_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(torch_module, "torch", None)
    cnn = TwoLayerCNN(patch_geometry((4,), 2))
    with pytest.raises(BackendError, match="got no torch in this environment"):
        Network(cnn, [[1.0, 0.0]], [1.0]).to_torch()

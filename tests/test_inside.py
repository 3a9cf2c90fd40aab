"""Inside a network: every stage against the forward pass, for every architecture of two layers."""

import numpy as np
import pytest
from architecture_cases import every_architecture, random_network, tiny_problem

from convex_core import InputError, Network, ThreeLayerCNN, TwoLayerCNN, patch_geometry
from convex_core.architectures import has_stages, stages_of
from convex_core.networks.inside import look_inside, opens

CASES = [param.values[0] for param in every_architecture()]
OPEN = [architecture for architecture in CASES if has_stages(architecture)]


def test_two_layers_can_be_opened_and_more_are_refused():
    closed = {architecture.name for architecture in CASES} - {architecture.name for architecture in OPEN}
    assert closed == {"circular", "three-layer"}
    network = random_network(tiny_problem(next(a for a in CASES if isinstance(a, ThreeLayerCNN))), 2, 0)
    assert not opens(network)
    with pytest.raises(InputError, match="expected one of two layers"):
        look_inside(network, np.zeros(network.architecture.geometry.d))


@pytest.mark.parametrize("architecture", OPEN, ids=lambda a: f"{type(a).__name__}-{a.options}")
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_added_up_is_the_forward_pass(architecture, seed):
    case = tiny_problem(architecture)
    network = random_network(case, 3, seed)
    rng = np.random.default_rng(seed)
    for x in rng.standard_normal((4, architecture.geometry.d)):
        inside = look_inside(network, x)
        predicted = network.predict(x[None])[0]
        np.testing.assert_allclose(inside.outputs, np.atleast_1d(predicted), rtol=1e-12, atol=1e-12)
        patches = architecture.geometry.extract(x[None])
        each = architecture.outputs(patches, network.parameters)
        np.testing.assert_allclose(inside.shares, each.T, rtol=1e-12, atol=1e-12)
        for j in range(network.m):
            np.testing.assert_allclose(inside.products(j).sum(axis=1), inside.sums[j], rtol=1e-12, atol=1e-12)
            assert inside.pooled[j] == pytest.approx(inside.counts[j] @ inside.active[j], abs=1e-12)


def test_the_patch_that_wins_counts_alone():
    from convex_core.architectures import MaxPoolingCNN

    network = Network(MaxPoolingCNN(patch_geometry((4,), 1), pool_size=2), [[1.0]], [3.0])
    inside = look_inside(network, [2.0, 2.0, -1.0, -3.0])
    assert inside.counts.tolist() == [[1.0, 0.0, 1.0, 0.0]]
    assert (inside.pooled[0], inside.outputs[0]) == (2.0, 6.0)


def test_what_does_not_fit_is_refused():
    network = Network(TwoLayerCNN(patch_geometry((4,), 2)), [[1.0, 0.0]], [1.0])
    with pytest.raises(InputError, match="got 3 entries, expected 4"):
        look_inside(network, [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="j: got 1"):
        look_inside(network, np.ones(4)).products(1)
    assert not opens(Network.zero(network.architecture))
    assert stages_of(network.architecture, np.ones((3, 2)), network.parameters).sums.shape == (1, 3)

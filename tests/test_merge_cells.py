"""Filters of one cell are one filter: the function stays, the penalty does not grow."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from few_cases import few

from convex_core.architectures import TwoLayerCNN, make_architecture
from convex_core.data import load_dataset
from convex_core.networks.network import Network
from convex_core.networks.recovery import merge_same_cells
from convex_core.patches import patch_geometry
from convex_core.path import solve_path
from convex_core.problem import Problem


def in_one_cell(network: Network, patches: np.ndarray, i: int, j: int) -> bool:
    one, other = patches @ network.filters[i], patches @ network.filters[j]
    strict = 1e-8 * np.linalg.norm(patches, axis=2) * np.linalg.norm(network.filters, axis=1).min()
    opposite = ((one > strict) & (other < -strict)) | ((one < -strict) & (other > strict))
    return network.signs[i] == network.signs[j] and not opposite.any()


@pytest.mark.parametrize("seed", range(20))
def test_merging_keeps_the_function_and_never_raises_the_penalty(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = ({"pooling": "sum"}, {"pooling": "mean"}, {"pooling": "max", "pool_size": 1}, {"activation": "leaky"})
    cnn = make_architecture("two-layer", patch_geometry((5,), 3), **options[seed % 4])
    patches = cnn.geometry.extract(np.round(rng.standard_normal((4, 5)), int(seed % 3)))
    filters = rng.standard_normal((9, 3))
    filters[5:] = filters[:4] + 0.01 * rng.standard_normal((4, 3))
    network = Network(cnn, filters, rng.standard_normal(9))
    merged = merge_same_cells(network, patches)
    assert merged.m < network.m
    scale = np.abs(network.predict_patches(patches)).max()
    assert np.allclose(merged.predict_patches(patches), network.predict_patches(patches), atol=1e-12 * scale)
    assert merged.regulariser <= network.regulariser * (1 + 1e-12)
    assert not any(in_one_cell(merged, patches, i, j) for i, j in combinations(range(merged.m), 2))


@pytest.mark.parametrize("name", few(["shift", "edge", "talk", "motifs"]))
def test_a_preview_shows_no_filter_twice(name: str) -> None:
    problem = Problem.from_dataset(load_dataset(name))
    path = solve_path(problem, points=6)
    for high, low in zip(path.betas[:-1], path.betas[1:], strict=True):
        quick = path.preview(float(np.sqrt(high * low)))
        network = quick.network
        assert network.m == 0 or network.sizes.min() > 1e-7 * network.sizes.max()
        assert not any(in_one_cell(network, problem.patches, i, j) for i, j in combinations(range(network.m), 2))
        value = (
            problem.loss.value(network.predict_patches(problem.patches), problem.y) + quick.beta * network.regulariser
        )
        assert quick.objective == pytest.approx(value, rel=1e-12)


def test_other_architectures_and_the_zero_network_are_left_alone() -> None:
    geometry = patch_geometry((5,), 3)
    patches = geometry.extract(np.ones((2, 5)))
    several = make_architecture("two-layer", geometry, outputs=2)
    network = Network(several, np.ones((2, 3)), np.ones((2, 2)))
    assert merge_same_cells(network, patches).m == 2
    zero = Network(TwoLayerCNN(geometry), np.zeros((0, 3)), np.zeros(0))
    assert merge_same_cells(zero, patches).m == 0

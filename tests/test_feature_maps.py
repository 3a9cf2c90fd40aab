"""Inside a network with a pooling grid: every number is that of the forward pass."""

import numpy as np
import pytest

from convex_core import patch_geometry
from convex_core.errors import InputError
from convex_core.lists import ListedNetwork, PoolingGrid, Whitening, feature_maps


def network(shape=(5, 6), size=2, padding="valid", pooling="mean", gated=False, channels=()):
    """A random network with whitening, biases and a grid of 2 x 3 regions."""
    rng = np.random.default_rng(7)
    geometry = patch_geometry((*shape, *channels), size, 1, padding, "regularised")
    white = Whitening.of(rng.standard_normal((200, geometry.window)) * 1.5 + 0.3)
    grid = PoolingGrid(geometry.grid, (2, 3), pooling)
    m, q = 4, 3
    return ListedNetwork(
        geometry,
        white,
        grid,
        rng.standard_normal((m, geometry.h)),
        rng.standard_normal((m, grid.R, q)),
        rng.standard_normal(q),
        rng.standard_normal((m, geometry.h)) if gated else None,
    )


CASES = {
    "plain": {},
    "padded": {"padding": "zero"},
    "circular": {"padding": "circular"},
    "sum": {"pooling": "sum"},
    "max": {"pooling": "max"},
    "colours": {"channels": (3,)},
    "gated": {"gated": True},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_maps_add_up_to_the_outputs(options):
    net = network(**options)
    rng = np.random.default_rng(0)
    for x in rng.standard_normal((3, net.geometry.d)):
        maps = feature_maps(net, x)
        np.testing.assert_allclose(maps.outputs, net.outputs(x[None])[0], rtol=1e-12)
        np.testing.assert_allclose(maps.pooled, net.pooled(x[None])[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(maps.shares.sum(axis=(0, 1)) + net.bias, maps.outputs, rtol=1e-12)
        _, offsets = net.patch_filters()
        for j, k in ((0, 0), (3, net.geometry.K - 1)):
            assert maps.products(j, k).sum() + offsets[j] == pytest.approx(maps.sums[j, k])


def test_maps_lie_where_the_patches_lie():
    net = network()
    image = np.random.default_rng(1).standard_normal((5, 6))
    maps = feature_maps(net, image)
    linear, offsets = net.patch_filters()
    grid = maps.on_grid(maps.sums)
    for row, column in ((0, 0), (3, 4), (2, 1)):
        patch = image[row : row + 2, column : column + 2].ravel()
        np.testing.assert_allclose(grid[:, row, column], linear @ patch + offsets)
    # the last region of the grid has the last rows and columns
    last = maps.on_grid(maps.active)[:, 2:, 4:].mean(axis=(1, 2))
    np.testing.assert_allclose(maps.on_regions(maps.pooled)[:, 1, 2], last)


def test_filters_for_a_class_come_by_what_they_give():
    net = network()
    maps = feature_maps(net, np.random.default_rng(2).standard_normal(30))
    given = maps.shares[:, :, 1].sum(axis=1)
    order = maps.filters_for(1, 3)
    assert len(order) == 3
    assert np.abs(given[order]).tolist() == sorted(np.abs(given), reverse=True)[:3]


def test_what_does_not_fit_is_refused():
    net = network()
    with pytest.raises(InputError, match="x: got 29 entries, expected 30"):
        feature_maps(net, np.zeros(29))
    maps = feature_maps(net, np.zeros(30))
    for call in (lambda: maps.products(4, 0), lambda: maps.products(0, 99), lambda: maps.filters_for(3, 1)):
        with pytest.raises(InputError, match="got"):
            call()

"""The linear algebra behind lists where it is hard: small beta, many samples; and pooling as it is defined."""

from __future__ import annotations

import numpy as np
import pytest
from few_cases import few
from list_cases import LOSSES, targets_for
from sklearn.datasets import load_digits, make_blobs

from convex_core import Status, patch_geometry
from convex_core.lists import PoolingGrid, train_list
from convex_core.losses import LogisticLoss, SoftmaxLoss


@pytest.mark.slow
def test_more_samples_than_columns_reach_the_tolerance_at_a_small_beta():
    """The Gram matrix of 720 columns has a condition of 1e7 there, which single precision does not resolve."""
    X, y = load_digits(return_X_y=True)
    geometry = patch_geometry((8, 8), 3, 1, "zero", "regularised")
    options = {"pooling_grid": 2, "directions": 180, "whiten": 1.0, "beta": 0.1, "time_limit": 10.0}
    found = train_list(X / 16.0, np.eye(10)[y], geometry, **options)
    assert len(X) > 180 * 4
    assert found.status is Status.RESTRICTED_OPTIMUM
    assert found.certificate.relative_gap <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("loss", [SoftmaxLoss(), LogisticLoss()], ids=lambda loss: loss.name)
def test_other_losses_reach_the_tolerance_there_too(loss):
    """At a ten-thousandth of the largest beta outputs are a thousand times as large as multipliers."""
    X, y = load_digits(return_X_y=True)
    geometry = patch_geometry((8, 8), 3, 1, "zero", "regularised")
    Y = targets_for(loss, y, 10)
    options = {"pooling_grid": 2, "directions": 80, "whiten": 1.0, "beta": 0.001, "loss": loss, "time_limit": 60.0}
    found = train_list(X[:600] / 16.0, Y[:600], geometry, **options)
    assert found.status is Status.RESTRICTED_OPTIMUM
    assert found.certificate.relative_gap <= 1e-3
    assert found.iterations <= 400


@pytest.mark.parametrize(
    "loss",
    few(LOSSES, 2),
    ids=lambda loss: loss.name,
)
def test_a_path_of_betas_over_classes_far_apart_takes_few_iterations(loss):
    """There multipliers fall with beta while outputs rise: penalties of the step before would fit neither."""
    X, y = make_blobs(90, 2, centers=3, cluster_std=0.1, random_state=0)
    found = train_list(X, targets_for(loss, y), patch_geometry((2,), 2, bias="regularised"), loss=loss, directions=60)
    assert len(found.path) >= 3
    most = 5000 if loss.name == "absolute" else 500  # every piece of the absolute loss is flat
    assert max(point.iterations for point in found.path) <= most
    assert found.status is Status.RESTRICTED_OPTIMUM


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("windows", "cuts"), [((7, 5), (3, 2)), ((9,), (4,)), ((4, 4), (1, 1))])
def test_pooling_is_the_mean_the_sum_or_the_maximum_of_each_region(windows, cuts, kind):
    values = np.random.default_rng(1).standard_normal((3, int(np.prod(windows)), 2)).astype(kind)
    for pooling, reduce in (("mean", np.mean), ("sum", np.sum), ("max", np.max)):
        grid = PoolingGrid(windows, cuts, pooling)
        expected = np.stack([reduce(values[:, grid.regions == r], axis=1) for r in range(grid.R)], axis=1)
        pooled = grid.pool(values)
        assert pooled.dtype == kind
        assert pooled == pytest.approx(expected, abs=1e-6 if kind == np.float32 else 1e-14)


def test_what_belongs_to_a_region_is_made_once_and_stays_as_it_is():
    grid = PoolingGrid((5,), (2,), "mean")
    assert (grid.regions.tolist(), grid.counts.tolist()) == ([0, 0, 0, 1, 1], [3, 2])
    assert grid.scales.tolist() == [1 / 3, 1 / 2]
    for kept in (grid.regions, grid.counts, grid.scales):
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 9
    assert grid.scales is grid.scales

"""Patch geometry: against direct convolution, against index arithmetic by hand, and on bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import circulant
from scipy.signal import correlate

from convex_core.errors import InputError
from convex_core.patches import PatchGeometry, patch_geometry

PADDINGS = ("valid", "zero", "circular")


@given(st.integers(1, 9), st.data(), st.sampled_from(PADDINGS))
@settings(max_examples=60, deadline=None)
def test_signal_patches_are_the_windows_the_definition_says(d, data, padding):
    h = data.draw(st.integers(1, d))
    stride = data.draw(st.integers(1, d + 2))
    x = np.arange(1.0, d + 1)
    geometry = patch_geometry((d,), h, stride, padding)
    if padding == "valid":
        starts, read = range(0, d - h + 1, stride), lambda t: x[t]
    elif padding == "circular":
        starts, read = range(0, d, stride), lambda t: x[t % d]
    else:
        K = -(-d // stride)
        before = max((K - 1) * stride + h - d, 0) // 2
        starts, read = [k * stride - before for k in range(K)], lambda t: x[t] if 0 <= t < d else 0.0
    expected = np.array([[read(start + a) for a in range(h)] for start in starts])
    np.testing.assert_array_equal(geometry.extract(x[None])[:, 0, :], expected)
    np.testing.assert_array_equal(geometry.corners[:, 0], list(starts))
    assert (geometry.K, geometry.h, geometry.d) == (len(starts), h, d)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_image_patches_filter_like_scipy_correlate(shape, stride):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, *shape))
    geometry = patch_geometry(shape, (2, 3), stride)
    kernel = rng.standard_normal(geometry.filter_shape)
    ours = geometry.extract(images.reshape(4, -1)) @ kernel.ravel()
    for i, image in enumerate(images):
        full = correlate(image, kernel, mode="valid").reshape(4, 4)
        np.testing.assert_allclose(ours[:, i], full[:: stride[0], :: stride[1]].ravel(), atol=1e-12)


def test_zero_padding_of_an_image_filters_like_scipy_same_mode():
    rng = np.random.default_rng(1)
    image, kernel = rng.standard_normal((5, 7)), rng.standard_normal((3, 3))
    ours = patch_geometry((5, 7), 3, 1, "zero").extract(image.reshape(1, -1))[:, 0] @ kernel.ravel()
    np.testing.assert_allclose(ours.reshape(5, 7), correlate(image, kernel, mode="same"), atol=1e-12)


def test_circular_patches_of_stride_one_are_a_circulant_product():
    rng = np.random.default_rng(2)
    x, u = rng.standard_normal(7), rng.standard_normal(3)
    ours = patch_geometry((7,), 3, 1, "circular").extract(x[None])[:, 0] @ u
    # row k of the circulant's transpose holds u at k, k+1, k+2 (mod 7)
    np.testing.assert_allclose(ours, circulant(np.r_[u, np.zeros(4)]).T @ x, atol=1e-12)


def test_the_index_names_the_entries_each_patch_reads():
    geometry = patch_geometry((4, 5, 2), 2, 2, "zero")
    X = np.random.default_rng(3).standard_normal((3, geometry.d))
    padded = np.c_[X, np.zeros(3)]
    np.testing.assert_array_equal(geometry.extract(X), padded[:, geometry.index].transpose(1, 0, 2))
    assert geometry.grid == (2, 3)
    assert np.count_nonzero(geometry.index == -1) == 2 * 2 * 2  # 5 columns in windows of 2: one padded column
    assert geometry.extract(X).flags.c_contiguous


def test_one_patch_over_the_whole_input_is_the_input():
    X = np.random.default_rng(4).standard_normal((3, 6))
    np.testing.assert_array_equal(patch_geometry((6,), 6).extract(X), X[None])


def test_the_talks_geometry():
    geometry = patch_geometry((15,), 10, 5)
    assert (geometry.K, geometry.h) == (2, 10)
    assert geometry.corners.tolist() == [[0], [5]]


def test_filters_go_back_into_the_inputs_shape():
    geometry = patch_geometry((6, 6, 3), (2, 3))
    filters = np.arange(2.0 * geometry.h).reshape(2, -1)
    images = geometry.filter_image(filters)
    assert images.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(images[1].ravel(), filters[1])
    assert geometry.filter_image(filters[0]).shape == (2, 3, 3)
    with pytest.raises(InputError, match="18"):
        geometry.filter_image(np.ones(17))


@pytest.mark.parametrize("padding", PADDINGS)
def test_round_trip_through_json_and_arrays(padding):
    geometry = patch_geometry((6, 5, 3), (2, 3), (1, 2), padding)
    values = geometry.to_dict()
    assert PatchGeometry.from_dict(values) == geometry
    assert hash(PatchGeometry.from_dict(values)) == hash(geometry)
    assert PatchGeometry.from_dict({key: np.array(value) for key, value in values.items()}) == geometry
    del values["stride"]
    with pytest.raises(InputError, match="no stride"):
        PatchGeometry.from_dict(values)


def test_a_geometry_cannot_be_changed():
    geometry = patch_geometry((4,), 2)
    with pytest.raises(AttributeError):
        geometry.stride = (2,)
    with pytest.raises(ValueError, match="read-only"):
        geometry.index[0] = 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (((5,), 6), "filter_shape"),
        (((5, 5), (2, 6)), "filter_shape"),
        (((5,), 0), "filter_size"),
        (((5,), -1), "filter_size"),
        (((5,), 2, 0), "stride"),
        (((5,), 2, -3), "stride"),
        (((5,), 2, (1, 1)), "stride"),
        (((5,), 2.5), "filter_size"),
        (((5,), True), "filter_size"),
        (((5,), "ab"), "filter_size"),
        (((5, 5, 3), (2, 2, 2)), "filter_shape"),
        (((5,), 2, 1, "reflect"), "padding"),
        (((), 2), "input_shape"),
        (((0,), 1), "input_shape"),
        (((1, 2, 3, 4), 1), "input_shape"),
        (((2.0,), 1), "input_shape"),
        (((10**6,), 10**5), "patches"),
    ],
)
def test_bad_geometry_is_one_sentence_that_names_the_argument(arguments, named):
    with pytest.raises(InputError) as caught:
        patch_geometry(*arguments)
    message = str(caught.value)
    assert message.startswith(f"{named}: got")
    assert "expected" in message
    assert "\n" not in message


@pytest.mark.parametrize("X", [np.ones((2, 4)), np.ones(5), [[1, 2, np.nan, 4, 5]], [["a"] * 5]])
def test_bad_samples_are_refused(X):
    with pytest.raises(InputError, match=r"^X: got"):
        patch_geometry((5,), 2).extract(X)

"""Patches: which input entries every window of a convolution covers, and the patch matrices X_k.

For data X in R^{n x d} and windows k = 1..K of h entries each, X_k = X[:, index_k] in R^{n x h}: a filter u
in R^h acts on all patches of all samples at once as the K products X_k u (Ergen & Pilanci, ICLR 2021, section
2). With a bias every patch ends in a one, and the last entry of a filter is its bias: regularised like the others, or
free. Free biases come with a free bias of the output: without it a filter of zeros with a huge bias and a tiny weight
would be one that costs nothing in the limit, and no network would attain it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .contracts.records import record
from .contracts.validation import finite_array, frozen, integer
from .errors import InputError

__all__ = ["MAX_LENGTH", "Bias", "Padding", "PatchGeometry", "patch_geometry"]

Padding = Literal["valid", "zero", "circular"]
Bias = Literal["none", "regularised", "output", "free"]

#: Entries of the index table K x h above which a geometry is refused (512 MiB of int64).
MAX_INDEX_ENTRIES = 2**26
#: Longest side of an input, a window or a stride.
MAX_LENGTH = 10**9


def _shape(value: object, name: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
    """`value` as a tuple of positive ints whose length is one of `lengths`."""
    items: Sequence[Any] = value.tolist() if isinstance(value, np.ndarray) else cast("Sequence[Any]", value)
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Sequence):
        raise InputError(f"{name}: got {value!r}, expected a sequence of positive integers")
    if len(items) not in lengths:
        wanted = " or ".join(str(k) for k in lengths)
        raise InputError(f"{name}: got {len(items)} entries {tuple(items)}, expected {wanted}")
    return tuple(integer(item, name, maximum=MAX_LENGTH) for item in items)


@record
@dataclass(frozen=True, slots=True)
class PatchGeometry:
    """The windows of one convolutional layer on inputs of one shape.

    Along an axis of length L, with a filter of length f and stride s, the windows start at

    * ``"valid"``: 0, s, 2s, ... as long as the window fits, floor((L - f)/s) + 1 windows;
    * ``"zero"``: ceil(L/s) windows over the input with max((ceil(L/s) - 1) s + f - L, 0) zeros added around
      it, the odd one at the end (the "same" convention);
    * ``"circular"``: 0, s, 2s, ... < L, ceil(L/s) windows that wrap around; with stride 1 filtering is the
      product with a circulant matrix.

    Attributes
    ----------
    input_shape : tuple of int
        (d,) for a signal, (H, W) for an image, (H, W, C) for an image with channels; flattened row-major.
    filter_shape : tuple of int
        As many entries as `input_shape`; the channels are covered entirely, so its third entry is C.
    stride : tuple of int
        One per spatial axis (the channel axis has none).
    padding : {"valid", "zero", "circular"}
        What happens at the border.
    bias : {"none", "regularised", "output", "free"}
        Whether a filter has a bias, an entry more that meets a one in every patch: regularised with the filter, or
        free, which costs nothing. With ``output`` and ``free`` each output has a free bias.
    copies : int
        How often every window is seen, by filters that may differ: K is so many times the product of the grid. No part
        of :meth:`to_dict`, but an option of the network that has parallel filters.
    grid : tuple of int
        Windows per spatial axis.
    index : ndarray of int64, shape (K, window)
        Flat input indices that each window covers, in the order of the flattened filter; -1 is a padded zero.

    Raises
    ------
    InputError
        If a filter is longer than the input, a stride is below 1, or the lengths do not fit together.

    Examples
    --------
    >>> geometry = PatchGeometry((15,), (10,), (5,))
    >>> geometry.K, geometry.h, geometry.index[1].tolist()
    (2, 10, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
    """

    input_shape: tuple[int, ...]
    filter_shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding = "valid"
    bias: Bias = "none"
    copies: int = 1
    grid: tuple[int, ...] = field(init=False, repr=False, compare=False)
    index: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = _shape(self.input_shape, "input_shape", (1, 2, 3))
        spatial = min(len(shape), 2)
        kernel = _shape(self.filter_shape, "filter_shape", (len(shape),))
        stride = _shape(self.stride, "stride", (spatial,))
        if self.padding not in get_args(Padding):
            raise InputError(f"padding: got {self.padding!r}, expected one of {', '.join(get_args(Padding))}")
        if self.bias not in get_args(Bias):
            raise InputError(f"bias: got {self.bias!r}, expected one of {', '.join(get_args(Bias))}")
        if any(f > length for f, length in zip(kernel, shape, strict=True)):
            raise InputError(f"filter_shape: got {kernel}, expected no axis longer than the input's {shape}")
        if len(shape) == 3 and kernel[2] != shape[2]:
            raise InputError(f"filter_shape: got {kernel[2]} channels, expected all {shape[2]} of the input")
        sizes = list(zip(shape[:spatial], kernel[:spatial], stride, strict=True))
        grid = tuple(_window_count(*size, self.padding) for size in sizes)
        entries = integer(self.copies, "copies") * math.prod(grid) * math.prod(kernel)
        if entries > MAX_INDEX_ENTRIES:
            raise InputError(f"patches: got {entries} entries per sample, expected at most {MAX_INDEX_ENTRIES}")
        for name, value in (
            ("input_shape", shape),
            ("filter_shape", kernel),
            ("stride", stride),
            ("grid", grid),
        ):
            object.__setattr__(self, name, value)
        axes = [_axis_windows(*size, self.padding) for size in sizes]
        object.__setattr__(self, "index", frozen(np.tile(_flat_index(axes, shape), (self.copies, 1))))

    @property
    def K(self) -> int:
        """Number of patches."""
        return self.copies * math.prod(self.grid)

    @property
    def window(self) -> int:
        """Input entries that a filter covers, channels included."""
        return math.prod(self.filter_shape)

    @property
    def biased(self) -> bool:
        """Whether a filter ends in a bias."""
        return self.bias in ("regularised", "free")

    @property
    def output_bias(self) -> bool:
        """Whether each output has a bias of its own, which costs nothing."""
        return self.bias in ("output", "free")

    @property
    def h(self) -> int:
        """Filter length: channels included, and the bias, if there is one."""
        return self.window + self.biased

    @property
    def d(self) -> int:
        """Input length, channels included."""
        return math.prod(self.input_shape)

    @property
    def corners(self) -> NDArray[np.int64]:
        """First coordinate of every window, shape (K, spatial axes); negative where zero padding begins."""
        before = [
            _zeros_before(*a) if self.padding == "zero" else 0
            for a in zip(self.input_shape, self.filter_shape, self.stride, strict=False)
        ]
        steps = [np.arange(g) * s - b for g, s, b in zip(self.grid, self.stride, before, strict=True)]
        mesh = np.meshgrid(*steps, indexing="ij")
        return np.tile(np.stack([axis.ravel() for axis in mesh], axis=1), (self.copies, 1)).astype(np.int64)

    def one_input(self, x: ArrayLike) -> NDArray[np.float64]:
        """One input, flat or in its shape, as the only row of an array (1, d).

        Raises
        ------
        InputError
            If it does not have d finite entries.

        Examples
        --------
        >>> patch_geometry((2, 2), 1).one_input([[1, 2], [3, 4]]).tolist()
        [[1.0, 2.0, 3.0, 4.0]]
        """
        row = finite_array(x, "x", ndim=(1, 2, 3)).reshape(1, -1)
        if row.shape[1] != self.d:
            raise InputError(f"x: got {row.shape[1]} entries, expected {self.d}")
        return row

    def extract(self, X: ArrayLike) -> NDArray[np.float64]:
        """Cut X into the patch matrices X_k.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples, one flattened input a row.

        Returns
        -------
        ndarray, shape (K, n, h), C-contiguous
            ``result[k, i]`` is patch k of sample i; with a bias it ends in a one.

        Raises
        ------
        InputError
            If X is not a finite (n, d) array.

        Examples
        --------
        >>> patch_geometry((4,), 2, 2).extract([[1, 2, 3, 4], [5, 6, 7, 8]]).tolist()
        [[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]
        """
        data = finite_array(X, "X", ndim=2)
        if data.shape[1] != self.d:
            raise InputError(
                f"X: got {data.shape[1]} columns, expected {self.d} for the input shape {self.input_shape}"
            )
        patches = self.windows(data).transpose(1, 0, 2)
        if self.biased:
            patches = np.concatenate([patches, np.ones((*patches.shape[:2], 1))], axis=2)
        return np.ascontiguousarray(patches)

    def windows(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        """Windows (n, K, window) of inputs (n, d), which are not checked: in their precision, without ones of a bias.

        Examples
        --------
        >>> patch_geometry((4,), 2, 2).windows(np.array([[1.0, 2.0, 3.0, 4.0]])).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
        """
        if self.padding == "zero":
            # index -1 then reads the appended zero
            X = np.concatenate([X, np.zeros((len(X), 1), X.dtype)], axis=1)
        return X[:, self.index]

    def filter_image(self, filters: ArrayLike) -> NDArray[np.float64]:
        """Filters without their biases in the input's axes: (h,) to `filter_shape`, (m, h) to (m, *filter_shape).

        Examples
        --------
        >>> patch_geometry((4, 4), 2).filter_image([1, 2, 3, 4]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
        """
        array = finite_array(filters, "filters", ndim=(1, 2))
        if array.shape[-1] != self.h:
            raise InputError(f"filters: got {array.shape[-1]} entries per filter, expected {self.h}")
        images: NDArray[np.float64] = array[..., : self.window].reshape(*array.shape[:-1], *self.filter_shape)
        return images

    def to_dict(self) -> dict[str, Any]:
        """Give the geometry as JSON-ready lists and strings; :meth:`from_dict` is its inverse.

        Examples
        --------
        >>> PatchGeometry.from_dict(patch_geometry((5, 5), 2).to_dict()) == patch_geometry((5, 5), 2)
        True
        """
        return {
            "input_shape": list(self.input_shape),
            "filter_shape": list(self.filter_shape),
            "stride": list(self.stride),
            "padding": str(self.padding),
            "bias": str(self.bias),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` wrote; also from integer and 0-d string arrays, as in an NPZ.

        Without a ``bias``, as in earlier files, there is none.
        """
        missing = [k for k in ("input_shape", "filter_shape", "stride", "padding") if k not in values]
        if missing:
            raise InputError(f"patch geometry: got no {', '.join(missing)}, expected all four fields")
        padding, bias = cast(Padding, str(values["padding"])), cast(Bias, str(values.get("bias", "none")))
        return cls(values["input_shape"], values["filter_shape"], values["stride"], padding, bias)


def patch_geometry(
    input_shape: Sequence[int],
    filter_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    bias: Bias = "none",
) -> PatchGeometry:
    """Make a :class:`PatchGeometry` from sizes given once for every spatial axis, or axis by axis.

    Parameters
    ----------
    input_shape : sequence of int
        (d,), (H, W) or (H, W, C).
    filter_size, stride : int or sequence of int
        An int, or a sequence of one entry, holds for every spatial axis; a filter always covers every
        channel.
    padding : {"valid", "zero", "circular"}
        See :class:`PatchGeometry`.
    bias : {"none", "regularised", "output", "free"}
        Likewise.

    Raises
    ------
    InputError
        As :class:`PatchGeometry`.

    Examples
    --------
    >>> patch_geometry((32, 32, 3), 5, 3).filter_shape
    (5, 5, 3)
    """
    shape = _shape(input_shape, "input_shape", (1, 2, 3))
    spatial, channels = min(len(shape), 2), shape[2:]
    kernel = _per_axis(filter_size, "filter_size", spatial, also=len(shape))
    if len(kernel) == spatial:
        kernel += channels
    return PatchGeometry(shape, kernel, _per_axis(stride, "stride", spatial), padding, bias)


def _per_axis(value: int | Sequence[int], name: str, axes: int, *, also: int = 1) -> tuple[int, ...]:
    """Repeat an int, or one entry, for each of `axes`; a sequence of `axes` or `also` entries as it is."""
    if isinstance(value, (int, np.integer)):
        return (integer(value, name, maximum=MAX_LENGTH),) * axes
    sizes = _shape(value, name, tuple(sorted({1, axes, also})))
    return sizes * axes if len(sizes) == 1 else sizes


def _zeros_before(length: int, kernel: int, stride: int) -> int:
    """Zeros in front of an axis under zero padding."""
    windows = _window_count(length, kernel, stride, "zero")
    return max((windows - 1) * stride + kernel - length, 0) // 2


def _window_count(length: int, kernel: int, stride: int, padding: Padding) -> int:
    """Windows along one axis."""
    return (length - kernel) // stride + 1 if padding == "valid" else -(-length // stride)


def _axis_windows(length: int, kernel: int, stride: int, padding: Padding) -> NDArray[np.int64]:
    """Coordinates covered along one axis, shape (windows, kernel); -1 is outside."""
    windows = _window_count(length, kernel, stride, padding)
    covered = np.arange(windows, dtype=np.int64)[:, None] * stride + np.arange(kernel, dtype=np.int64)
    if padding == "circular":
        return covered % length
    if padding == "zero":
        covered -= _zeros_before(length, kernel, stride)
        covered[(covered < 0) | (covered >= length)] = -1
    return covered


def _flat_index(axes: list[NDArray[np.int64]], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Row-major input indices (K, h) from the coordinates along the spatial axes."""
    if len(axes) == 1:
        return axes[0]
    rows, columns = axes
    channels = shape[2] if len(shape) == 3 else 1
    row, column = rows[:, None, :, None, None], columns[None, :, None, :, None]
    flat = (row * shape[1] + column) * channels + np.arange(channels)
    flat = np.where((row < 0) | (column < 0), -1, flat)
    return flat.reshape(rows.shape[0] * columns.shape[0], -1)

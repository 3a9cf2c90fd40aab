"""What the classifier and the regressor share: sizes, training, and the certificate as attributes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, check_random_state, validate_data

from ..architectures import make_architecture
from ..architectures.pooling_grid import cuts_of
from ..contracts.validation import integer, positive_number
from ..errors import InputError
from ..lists import ListedSolution, train_list
from ..lists.moments import Watch
from ..lists.rounds import Measure
from ..losses import Loss, make_loss
from ..networks.network import Network
from ..numerics.jit import clock
from ..patches import Padding, PatchGeometry, patch_geometry
from ..problem import Problem
from ..progress import CancelFlag, ProgressCallback
from ..solution import Solution, solve
from ..status import Scope, Status
from .samples import canonical

__all__ = ["KINDS", "ConvexCNN"]

_Array = NDArray[np.float64]

#: What ``kind`` accepts.
KINDS: dict[str, str] = {
    "auto": "global where it can be certified, else relu",
    "relu": "given ReLU filters, exact over the list",
    "gated": "given gates with free filters behind them, exact over the list",
    "global": "every ReLU filter, one pooling region, filters of at most 5 entries with their bias",
}
# filters and gates that are listed unless told otherwise
_FILTERS, _GATES = 200, 40
# entries of a filter, its bias included, up to which every pattern is searched
_SEARCHED = 5
# rounds of the search where there is no time limit
_ROUNDS = 200
# a signal up to this length is taken as a whole; the filter of a longer one
_WHOLE, _OF_SIGNALS = 16, 9
# sides of an image to one of a filter, which is odd, and the smallest and the largest one
_SIDES, _LEAST_SIDE, _LARGEST_SIDE = 3.0, 3, 9
# level of the whitening: patches of one channel are whitened half, those of several, which share their brightness, more
_ONE_CHANNEL, _SEVERAL = 1.0, 0.1
# products of filters and patches of all images beyond which every second place along each axis is taken: a
# quarter of them. On shifted copies of 1,050 images of MNIST that cost 4.7 and 2.7 points of accuracy with 1,050
# images, 0.4 and 1.1 with 4,000, and 0.4 with 10,000, where the fit takes half as long
_PRODUCTS = 1e11
# with fewer places along an axis, those left out by the stride included, there are fewer regions
_SMALL = 16
# share of the time that a list gets where all filters are searched too
_LISTS = 0.3
# most copies of a sample, where weights are made into copies
_COPIES = 100


class ConvexCNN(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators; see :class:`~convex_core.estimators.classifier.ConvexCNNClassifier`."""

    network_: Any
    certificate_: Any
    _input_shape: tuple[int, ...]

    def __init__(
        self,
        *,
        input_shape: Sequence[int] | None = None,
        filter_size: int | Sequence[int] | None = None,
        stride: int | Sequence[int] | str = "auto",
        padding: str = "auto",
        pooling_grid: int | Sequence[int] | None = None,
        kind: str = "auto",
        n_filters: int | str = "auto",
        beta: float | str = "auto",
        loss: str | Loss = "squared",
        bias: str = "free",
        tol: float = 1e-3,
        max_rounds: int = 1,
        time_limit: float | None = None,
        random_state: Any = 0,
    ) -> None:
        self.input_shape = input_shape
        self.filter_size = filter_size
        self.stride = stride
        self.padding = padding
        self.pooling_grid = pooling_grid
        self.kind = kind
        self.n_filters = n_filters
        self.beta = beta
        self.loss = loss
        self.bias = bias
        self.tol = tol
        self.max_rounds = max_rounds
        self.time_limit = time_limit
        self.random_state = random_state

    # --- inputs

    def _inputs(self, X: Any, y: Any = None, *, fit: bool = False, **checks: Any) -> Any:
        """`X` as (n, d) float64, checked as scikit-learn does; images are flattened, and their shape is kept."""
        if hasattr(X, "toarray"):
            raise TypeError("X: got a sparse matrix, expected a dense array: sparse input is not supported")
        shape: tuple[int, ...] | None = None
        ndim = np.ndim(X) if isinstance(X, (list, tuple)) else getattr(X, "ndim", 2)
        if ndim in (3, 4):
            images = check_array(X, allow_nd=True, dtype=np.float64)
            shape = images.shape[1:]
            X = images.reshape(len(images), -1)
        checks = {"dtype": np.float64, **checks}
        found = validate_data(self, X, y, reset=fit, **checks) if fit else validate_data(self, X, reset=False, **checks)
        data = found[0] if fit else found
        self_shape = self._shape(shape, data.shape[1]) if fit else self._input_shape
        if not fit and shape is not None and shape != self_shape:
            raise InputError(f"X: got images of shape {shape}, expected {self_shape} as in fit")
        if fit:
            self._input_shape = self_shape
        return found

    def _shape(self, images: tuple[int, ...] | None, d: int) -> tuple[int, ...]:
        wanted = None if self.input_shape is None else tuple(int(side) for side in self.input_shape)
        if wanted is None:
            return (d,) if images is None else images
        if int(np.prod(wanted)) != d or (images is not None and images != wanted):
            got = f"{d} features" if images is None else f"images of shape {images}"
            raise InputError(f"X: got {got}, expected input_shape {wanted}")
        return wanted

    def _geometry(self, n: int, count: int) -> PatchGeometry:
        """Patches, in sizes that suit the input unless they are given, for `n` samples and `count` filters."""
        shape = self._input_shape
        spatial = shape[:2]
        image = len(shape) > 1
        size = self.filter_size
        if size is None:
            if image:
                size = [min(side, _side(min(spatial))) for side in spatial]
            else:
                size = shape[0] if shape[0] <= _WHOLE else _OF_SIGNALS
        padding = ("zero" if image else "valid") if self.padding == "auto" else self.padding

        def geometry(stride: int | Sequence[int]) -> PatchGeometry:
            return patch_geometry(shape, size, stride, cast(Padding, padding), "regularised")

        if not isinstance(self.stride, str):
            return geometry(self.stride)
        if self.stride != "auto":
            raise InputError(f"stride: got {self.stride!r}, expected 'auto', or a positive integer for each axis")
        every = geometry(1)
        return geometry(2) if image and n * every.K * every.window * count > _PRODUCTS else every

    def _whitening_level(self) -> float:
        shape = self._input_shape
        return _ONE_CHANNEL if len(shape) > 1 and math.prod(shape[2:]) == 1 else _SEVERAL

    def _grid(self, geometry: PatchGeometry) -> tuple[int, ...]:
        """Regions along each axis."""
        given = self.pooling_grid
        if given is None:
            sides = zip(geometry.grid, geometry.stride, strict=True)
            return tuple(min(windows, 3 if windows * stride < _SMALL else 4) for windows, stride in sides)
        return tuple(integer(cut, "pooling_grid") for cut in cuts_of(given, len(geometry.grid)))

    # --- training

    def _made_loss(self) -> Loss:
        return make_loss(self.loss) if isinstance(self.loss, str) else self.loss

    def _train(
        self,
        X: _Array,
        Y: _Array,
        weight: Any,
        loss: Loss,
        measure: Measure | None,
        cancel: CancelFlag | None = None,
        progress: ProgressCallback | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Set every attribute that training gives."""
        kind = self.kind
        if kind not in KINDS:
            raise InputError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}")
        beta = None if self.beta == "auto" else positive_number(cast(float, self.beta), "beta")
        gated = kind == "gated"
        count = (_GATES if gated else _FILTERS) if isinstance(self.n_filters, str) else self.n_filters
        if isinstance(self.n_filters, str) and self.n_filters != "auto":
            raise InputError(f"n_filters: got {self.n_filters!r}, expected 'auto' or a positive integer")
        seed = self.random_state if isinstance(self.random_state, (int, np.integer)) else None
        if seed is None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        count = integer(count, "n_filters", maximum=100_000)
        limit = None if self.time_limit is None else positive_number(self.time_limit, "time_limit")
        began = clock()
        X, Y, weights = canonical(X, Y, weight)
        geometry = self._geometry(len(X), count)
        cuts = self._grid(geometry)
        everything = self._searches_all(kind, geometry)
        listed = train_list(
            X,
            Y,
            geometry,
            kind="gated" if gated else "relu",
            pooling_grid=cuts,
            directions=count,
            whiten=False if everything else self._whitening_level(),
            norm="l1" if everything else None,
            loss=loss,
            bias=cast(Any, "none" if everything else self.bias),
            beta=beta,
            weight=weights,
            measure=measure,
            tol=self.tol,
            max_rounds=self.max_rounds,
            seed=int(seed),
            time_limit=None
            if limit is None
            else max(limit * (_LISTS if everything else 1.0) - (clock() - began), 1e-9),
            cancel=cancel,
            progress=progress,
            watch=watch,
        )
        self._keep(listed)
        if everything and not (cancel is not None and cancel.is_set()):
            left = None if limit is None else max(limit - (clock() - began), 1e-9)
            self._search(kind, X, Y, weights, geometry, cuts, loss, listed, left, cancel, progress)

    def _searches_all(self, kind: str, geometry: PatchGeometry) -> bool:
        """Whether every filter is to be searched; for ``global`` what stands against it is said."""
        if kind not in ("auto", "global"):
            return False
        against = (
            (self.bias == "free", "bias: got 'free', expected 'none' or 'regularised'"),
            (geometry.h > _SEARCHED, f"filter_size: got {geometry.h} entries with the bias, expected <= {_SEARCHED}"),
        )
        found = [text for stands, text in against if stands]
        if found and kind == "global":
            raise InputError(f"{found[0]} with the kind global")
        return not found

    def _search(
        self,
        kind: str,
        X: _Array,
        Y: _Array,
        weights: _Array,
        geometry: PatchGeometry,
        cuts: tuple[int, ...],
        loss: Loss,
        listed: ListedSolution,
        left: float | None,
        cancel: CancelFlag | None,
        progress: ProgressCallback | None,
    ) -> None:
        """Every filter, at the same beta; what is found is kept if it is certified, or asked for."""
        copies = weights.astype(np.int64)
        if (copies != weights).any() or copies.max() > _COPIES:
            if kind == "global":
                raise InputError(f"sample_weight: got others than integers <= {_COPIES} with the kind global")
            return
        options: dict[str, Any] = {"pooling": "mean"} | ({"outputs": Y.shape[1]} if Y.shape[1] > 1 else {})
        if max(cuts) > 1:
            options["pooling_grid"] = "x".join(map(str, cuts))
        problem = Problem(
            np.repeat(X, copies, axis=0),
            np.repeat(Y if Y.shape[1] > 1 else Y[:, 0], copies, axis=0),
            architecture=make_architecture("two-layer", geometry, **options),
            beta=listed.beta,
            loss=loss,
        )
        found = solve(
            problem, tol=self.tol, time_limit=left, max_rounds=_ROUNDS if left is None else None, seed=listed.seed,
            cancel=cancel, progress=progress,
        )  # fmt: skip
        if kind == "global" or (found.scope is Scope.GLOBAL and found.status is Status.OPTIMAL):
            self._keep(found)

    def _keep(self, found: ListedSolution | Solution) -> None:
        self.network_ = found.network
        self.certificate_ = found.certificate
        self.scope_ = found.certificate.scope
        self.gap_ = float(found.certificate.relative_gap)
        self.status_ = found.status
        if isinstance(found, ListedSolution):
            self.beta_ = float(found.beta)
            self.path_ = found.path
            self.directions_ = found.directions
            self.n_iter_ = max(1, found.iterations)
            linear, _ = found.network.patch_filters()
            self.filters_ = linear.reshape(-1, *found.network.geometry.filter_shape)
        else:
            self.n_iter_ = max(1, found.rounds)
            geometry = found.network.architecture.geometry
            self.filters_ = found.network.filters[:, : geometry.window].reshape(-1, *geometry.filter_shape)

    # --- outputs

    def _outputs(self, X: ArrayLike) -> _Array:
        """Outputs (n, q) of the network."""
        check_is_fitted(self)
        inputs = self._inputs(X)
        if isinstance(self.network_, Network):
            return np.asarray(self.network_.predict(inputs)).reshape(len(inputs), -1)
        return cast(_Array, self.network_.outputs(inputs))


def _side(image: int) -> int:
    """Side of the filters of an image with this shorter side: a third of it, odd.

    Examples
    --------
    >>> [_side(image) for image in (2, 8, 16, 28, 32, 224)]
    [3, 3, 5, 9, 9, 9]
    """
    return min(max(2 * round((image / _SIDES - 1.0) / 2.0) + 1, _LEAST_SIDE), _LARGEST_SIDE)


def weights_of(sample_weight: Any, n: int) -> _Array:
    """Weights (n,) as given, or ones.

    Raises
    ------
    InputError
        For another shape, a negative weight, or nothing but zeros.
    """
    if sample_weight is None:
        return np.ones(n)
    weight = np.asarray(check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"))
    if weight.shape != (n,):
        raise InputError(f"sample_weight: got shape {weight.shape}, expected ({n},)")
    if (weight < 0.0).any():
        raise InputError(f"sample_weight: got {weight.min():g}, expected weights >= 0")
    if not weight.any():
        raise InputError("sample_weight: got weights that are all zero, expected a positive one")
    return weight

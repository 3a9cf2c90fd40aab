"""A training problem: an architecture, data, beta and a loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import check_arguments
from ._records import record
from .architectures import Architecture, make_architecture
from .errors import InputError
from .losses import Loss, SoftmaxLoss, SquaredLoss
from .network import Network
from .patches import Bias, Padding, patch_geometry
from .validation import finite_array, frozen, moderate, positive_number, targets

if TYPE_CHECKING:
    from .data import Dataset

__all__ = ["Problem"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Problem:
    r"""The regularised training problem of a network architecture.

    .. math:: \min_{u, w} \; \ell(f(X), y) + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2)

    with the squared loss :math:`\tfrac12 \|f - y\|^2` unless another is given. Data are used as they are: nothing is
    rescaled, and there is no 1/n.

    Attributes
    ----------
    architecture : Architecture
        The network family.
    X : (n, d) float64
        Inputs.
    y : (n,) float64
        Targets. With q outputs they are given as (n, q), or as the labels 0, ..., q - 1 of one-hot targets, and held
        flat, (n * q,), sample by sample.
    beta : float
        Regularisation, > 0.
    loss : Loss
        Convex loss.
    patches : (K, n, h) float64
        The patch matrices :math:`X_k`, extracted once.

    Raises
    ------
    InputError
        For arrays of the wrong shape, NaN, infinite or huge entries, beta <= 0, or targets that the loss does not take.

    Examples
    --------
    >>> from convex_core import load_dataset
    >>> problem = Problem.from_dataset(load_dataset("talk"), beta=0.1)
    >>> problem.patches.shape
    (2, 6, 10)
    """

    architecture: Architecture
    X: _Array
    y: _Array
    beta: float
    loss: Loss
    patches: _Array

    def __init__(
        self, architecture: Architecture, X: ArrayLike, y: ArrayLike, beta: float, loss: Loss | None = None
    ) -> None:
        loss = SquaredLoss() if loss is None else loss
        check_arguments("Problem", architecture=(architecture, Architecture), loss=(loss, Loss))
        inputs = moderate(finite_array(X, "X", ndim=2), "X")
        patches = architecture.geometry.extract(inputs)
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "X", cast(_Array, frozen(inputs)))
        object.__setattr__(
            self, "y", cast(_Array, frozen(moderate(targets(y, len(inputs), outputs=architecture.q), "y")))
        )
        object.__setattr__(self, "beta", positive_number(beta, "beta"))
        object.__setattr__(self, "loss", loss)
        if architecture.q == 1 and isinstance(self.loss, SoftmaxLoss):
            raise InputError("loss: got softmax with a network of one output, expected the option outputs >= 2")
        self.loss.check_targets(self.y)
        patches.flags.writeable = False
        object.__setattr__(self, "patches", patches)

    def __repr__(self) -> str:
        g = self.architecture.geometry
        return (
            f"Problem({self.architecture.name}, n={self.n}, d={g.d}, K={g.K}, h={g.h}, beta={self.beta:.6g}, "
            f"loss={self.loss.name})"
        )

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset,
        *,
        filter_size: int | Sequence[int] | None = None,
        stride: int | Sequence[int] | None = None,
        padding: Padding | None = None,
        bias: Bias = "none",
        architecture: str = "two-layer",
        beta: float | None = None,
        loss: Loss | None = None,
        **options: str | int | float,
    ) -> Problem:
        """The problem of a dataset; what is not given is the dataset's own default.

        Parameters
        ----------
        dataset : Dataset
            Inputs and targets.
        filter_size, stride, padding, bias
            As in :func:`patch_geometry`. The circular CNN has stride 1 and circular padding unless told otherwise.
        architecture : str
            A key of :data:`ARCHITECTURES`.
        beta : float, optional
            Regularisation.
        loss : Loss, optional
            Convex loss, by default the squared loss.
        **options
            Of the architecture, for example ``pooling="mean"``. With the softmax loss there are as many ``outputs`` as
            the dataset has classes unless told otherwise; for several outputs the two classes -1 and +1 are 0 and 1.
        """
        from .data import Dataset  # the one place that needs the class

        loss = SquaredLoss() if loss is None else loss
        check_arguments("Problem.from_dataset", dataset=(dataset, Dataset), loss=(loss, Loss))
        if isinstance(loss, SoftmaxLoss):
            options.setdefault("outputs", dataset.classes or max(2, int(dataset.y.max()) + 1))
        circular = architecture == "circular"
        if stride is None and not circular:
            stride = dataset.default_stride
        if padding is None:
            padding = "circular" if circular else "valid"
        geometry = patch_geometry(
            dataset.input_shape,
            dataset.default_filter if filter_size is None else filter_size,
            1 if stride is None else stride,
            padding,
            bias,
        )
        chosen = dataset.default_beta if beta is None else beta
        network = make_architecture(architecture, geometry, **options)
        data = dataset.numbered() if network.q > 1 else dataset
        return cls(network, data.X, data.y, chosen, loss)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.X)

    @property
    def size(self) -> int:
        """Length of the outputs, the targets and a dual vector: n, or n * q with q outputs."""
        return len(self.y)

    def with_beta(self, beta: float) -> Problem:
        """The same problem at another `beta`."""
        y = self.y if self.size == self.n else self.y.reshape(self.n, -1)
        return Problem(self.architecture, self.X, y, beta, self.loss)

    def objective(self, network: Network) -> float:
        """Non-convex objective ``loss(f, y) + beta/2 * sum(||u||^2 + w^2)`` of a network."""
        self.check_network(network)
        f = network.predict_patches(self.patches)
        return self.loss.value(f, self.y) + self.beta * network.regulariser

    def check_network(self, network: Network) -> None:
        """Raise :class:`InputError` unless `network` has this problem's architecture."""
        check_arguments("problem", network=(network, Network))
        if network.architecture != self.architecture:
            raise InputError(
                f"network: got architecture {network.architecture}, expected {self.architecture} as in the problem"
            )

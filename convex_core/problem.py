"""A training problem: an architecture, data, beta and a loss."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .architectures import Architecture, make_architecture, natural_padding, trained_on
from .contracts.records import record
from .contracts.validation import check_arguments, finite_array, fits, frozen, moderate, positive_number, targets
from .errors import InputError
from .losses import Loss, SoftmaxLoss, make_loss
from .losses.free_part import FreePart
from .networks.network import Network
from .patches import Bias, Padding, PatchGeometry, patch_geometry
from .presentation.answers import ProblemAnswer

if TYPE_CHECKING:
    from .data import Dataset

__all__ = ["Problem", "suited"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Problem(ProblemAnswer):
    r"""The regularised training problem of a network architecture.

    .. math:: \min_{u, w} \; \ell(f(X), y) + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2)

    with the squared loss :math:`\tfrac12 \|f - y\|^2` unless another is given. Data are used as they are: nothing is
    rescaled, and there is no 1/n.

    Parameters
    ----------
    X : (n, d), (n, H, W) or (n, H, W, C)
        Inputs: signals of length d, or images. Held as (n, d) float64, images row by row.
    y : (n,)
        Targets. With q outputs they are given as (n, q), or as the labels 0, ..., q - 1 of one-hot targets, and held
        flat, (n * q,) float64, sample by sample.
    filter_size : int or sequence of int
        Of the filters, for every axis or one for each.
    stride, padding, bias
        As in :func:`patch_geometry`; the circular CNN has circular padding.
    input_shape : sequence of int, optional
        (H, W) or (H, W, C) of images that are given flat, (n, d).
    architecture : str or Architecture
        A key of :data:`ARCHITECTURES`, or an architecture with all that the arguments above would say.
    beta : float
        Regularisation, > 0.
    loss : str or Loss
        A key of :data:`LOSSES`, or a loss; by default the squared loss.
    delta : float, optional
        Of the Huber loss.
    **options
        Of the architecture, for example ``pooling="mean"``, ``activation="leaky"``. With the softmax loss there are as
        many ``outputs`` as y has classes unless told otherwise.

    Attributes
    ----------
    architecture : Architecture
        The network family.
    X, y, beta, loss
        As above. With a part of the outputs that costs nothing the loss is that of what the neurons give, beside the
        best such part.
    patches : (K, n, h) float64
        The patch matrices :math:`X_k`, extracted once.

    Raises
    ------
    InputError
        For arrays of the wrong shape, NaN, infinite or huge entries, beta <= 0, or targets that the loss does not take.

    Examples
    --------
    >>> problem = Problem([[1.0, -2.0, 3.0], [0.0, 1.0, -1.0]], [1, -1], filter_size=2, beta=0.1, loss="huber")
    >>> problem
    Problem(two-layer, n=2, d=3, K=2, h=2, beta=0.1, loss=huber)
    >>> problem.patches.shape
    (2, 2, 2)
    """

    architecture: Architecture
    X: _Array
    y: _Array
    beta: float
    loss: Loss
    patches: _Array

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *old: Any,
        filter_size: int | Sequence[int] | None = None,
        stride: int | Sequence[int] | None = None,
        padding: Padding | None = None,
        bias: Bias = "none",
        input_shape: Sequence[int] | None = None,
        architecture: Architecture | str = "two-layer",
        beta: float | None = None,
        loss: Loss | str | None = None,
        delta: float | None = None,
        **options: str | int | float,
    ) -> None:
        if old or fits(X, Architecture):
            X, y, architecture, beta, loss = _old_spelling(X, y, *old, beta=beta, loss=loss)
        loss = _loss(loss, delta)
        check_arguments("Problem", loss=(loss, Loss))
        inputs = moderate(finite_array(X, "X", ndim=(2, 3, 4)), "X")
        if isinstance(architecture, str):
            shape = inputs.shape[1:] if input_shape is None else input_shape
            geometry = _geometry(shape, filter_size, stride, padding, bias, architecture)
            if isinstance(loss, SoftmaxLoss):
                options.setdefault("outputs", _outputs(y))
            architecture = make_architecture(architecture, geometry, **options)
        else:
            check_arguments("Problem", architecture=(architecture, Architecture))
            given = {"filter_size": filter_size, "stride": stride, "padding": padding, "input_shape": input_shape}
            words = {name: value for name, value in {**given, **options}.items() if value is not None}
            if words:
                name, value = next(iter(words.items()))
                raise InputError(
                    f"{name}: got {value!r} beside an architecture that has its own, expected one of the two"
                )
        inputs = inputs.reshape(len(inputs), -1)
        if beta is None:
            raise InputError("beta: got none, expected the weight of the penalty, a number > 0")
        patches = architecture.geometry.extract(inputs)
        architecture = trained_on(architecture, patches)
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "X", cast(_Array, frozen(inputs)))
        object.__setattr__(
            self, "y", cast(_Array, frozen(moderate(targets(y, len(inputs), outputs=architecture.q), "y")))
        )
        object.__setattr__(self, "beta", positive_number(beta, "beta"))
        plain = loss.inner if isinstance(loss, FreePart) else loss
        columns = architecture.free_columns(patches)
        object.__setattr__(self, "loss", FreePart(plain, columns) if columns.shape[1] else plain)
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
    def autoencoder(
        cls,
        X: ArrayLike,
        *,
        filter_size: int | Sequence[int] | None = None,
        architecture: str = "two-layer",
        **given: Any,
    ) -> Problem:
        r"""The problem of an autoencoder: the targets are the inputs, and the network has an output for each entry.

        With filters as long as the input it is :math:`\ell(\sigma(X U) W, X) + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 +
        \|w_j\|^2)`, with the norm of ``output_norm``; the program is that of any network of several outputs.

        Arguments and errors are those of the class, without y and ``outputs``, for ``two-layer`` or ``linear``; filters
        are as long as the input unless told otherwise, and a loss of classes is refused.

        Examples
        --------
        >>> problem = Problem.autoencoder([[1.0, -2.0], [0.0, 1.0]], beta=0.1)
        >>> problem, problem.reconstructs, problem.architecture.q
        (Problem(two-layer, n=2, d=2, K=1, h=2, beta=0.1, loss=squared), True, 2)
        """
        inputs = finite_array(X, "X", ndim=(2, 3, 4))
        flat, loss = inputs.reshape(len(inputs), -1), _loss(given.get("loss"), given.pop("delta", None))
        if isinstance(loss, SoftmaxLoss) or not _takes(loss, flat):
            raise InputError(
                f"loss: got {loss.name} with an autoencoder, whose targets are the inputs, expected squared, "
                "absolute or huber"
            )
        if "outputs" in given:
            raise InputError(
                f"outputs: got {given['outputs']!r} with an autoencoder, expected none: one for each input"
            )
        shape = inputs.shape[1:] if given.get("input_shape") is None else tuple(given["input_shape"])
        outputs = {} if flat.shape[1] == 1 else {"outputs": flat.shape[1]}
        return cls(
            inputs,
            flat if outputs else flat[:, 0],
            filter_size=shape[:2] if filter_size is None else filter_size,
            architecture=architecture,
            **{**given, **outputs, "loss": loss},
        )

    @property
    def reconstructs(self) -> bool:
        """Whether the targets are the inputs, as of an autoencoder."""
        return self.size == self.X.size and bool(np.array_equal(self.y, self.X.ravel()))

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
        loss: Loss | str | None = None,
        delta: float | None = None,
        autoencoder: bool = False,
        **options: str | int | float,
    ) -> Problem:
        """The problem of a dataset; what is not given is the dataset's own default.

        Parameters
        ----------
        dataset : Dataset
            Inputs and targets.
        filter_size, stride, padding, bias, architecture, loss, delta, **options
            As for the class. With the softmax loss there are as many ``outputs`` as the dataset has classes unless told
            otherwise; for several outputs the two classes -1 and +1 are 0 and 1.
        beta : float, optional
            Regularisation.
        autoencoder : bool
            Whether the targets are the inputs, as in :meth:`autoencoder`; filters are then as long as the input unless
            told otherwise.
        """
        from .data import Dataset  # the one place that needs the class

        loss = _loss(loss, delta)
        check_arguments("Problem.from_dataset", dataset=(dataset, Dataset), loss=(loss, Loss))
        if autoencoder:
            return cls.autoencoder(
                dataset.X, input_shape=dataset.input_shape, filter_size=filter_size, stride=stride, padding=padding,
                bias=bias, architecture=architecture, beta=dataset.default_beta if beta is None else beta, loss=loss,
                **options,
            )  # fmt: skip
        wanted = options.get("outputs")
        dataset = suited(dataset, loss, outputs=wanted if isinstance(wanted, int) else 1)
        if isinstance(loss, SoftmaxLoss) and dataset.classes is not None:
            options.setdefault("outputs", dataset.classes)
        circular = natural_padding(architecture) == "circular"
        geometry = _geometry(
            dataset.input_shape,
            dataset.default_filter if filter_size is None else filter_size,
            dataset.default_stride if stride is None and not circular else stride,
            padding,
            bias,
            architecture,
        )
        network = make_architecture(architecture, geometry, **options)
        data = dataset.numbered() if network.q > 1 else dataset
        chosen = dataset.default_beta if beta is None else beta
        return cls(data.X, data.y, architecture=network, beta=chosen, loss=loss)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.X)

    @property
    def size(self) -> int:
        """Length of the outputs, the targets and a dual vector: n, or n * q with q outputs."""
        return len(self.y)

    @property
    def zero_dual(self) -> _Array:
        """The dual vector (n,) of the zero network: minus the slope of the loss there."""
        return -self.loss.gradient(np.zeros(self.size), self.y)

    def with_beta(self, beta: float) -> Problem:
        """The same problem at another `beta`."""
        return Problem(self.X, self._rows_of_y, architecture=self.architecture, beta=beta, loss=self.loss)

    def with_architecture(self, architecture: Architecture) -> Problem:
        """The same data, loss and beta for another network.

        Examples
        --------
        >>> from convex_core import load_dataset
        >>> problem = Problem.from_dataset(load_dataset("talk"))
        >>> problem.with_architecture(problem.architecture) == problem
        True
        """
        return Problem(self.X, self._rows_of_y, architecture=architecture, beta=self.beta, loss=self.loss)

    def with_loss(self, loss: Loss | str) -> Problem:
        """The same data and network for another loss.

        Examples
        --------
        >>> Problem([[1.0], [2.0]], [1, -1], filter_size=1, beta=1.0).with_loss("hinge").loss.name
        'hinge'
        """
        return Problem(self.X, self._rows_of_y, architecture=self.architecture, beta=self.beta, loss=loss)

    @property
    def _rows_of_y(self) -> _Array:
        """The targets with a row for each sample, where there are several outputs."""
        return self.y if self.size == self.n else self.y.reshape(self.n, -1)

    @property
    def whole_loss(self) -> Loss:
        """The loss of whole outputs, whatever they are made of."""
        return self.loss.inner if isinstance(self.loss, FreePart) else self.loss

    def objective(self, network: Network) -> float:
        """Non-convex objective ``loss(f, y) + beta/2 * sum(||u||^2 + w^2)`` of a network."""
        self.check_network(network)
        return self.objective_at(network.predict_patches(self.patches), network)

    def objective_at(self, outputs: NDArray[np.float64], network: Network) -> float:
        """The objective of `network` where its `outputs` (n,) are known."""
        return self.whole_loss.value(outputs, self.y) + self.beta * network.regulariser

    def fitted(self, network: Network) -> Network:
        """The same neurons with the best of what costs nothing, a free output bias for example, if there is any.

        Examples
        --------
        >>> problem = Problem([[1.0], [2.0], [3.0]], [5, 6, 7], filter_size=1, beta=1.0, bias="output")
        >>> problem.fitted(Network.zero(problem.architecture)).free
        array([6.])
        """
        self.check_network(network)
        if not isinstance(self.loss, FreePart):
            return network
        f = self.architecture.outputs(self.patches, network.parameters).sum(axis=1)
        return network.with_free(self.loss.fit(f, self.y))

    def check_network(self, network: Network) -> None:
        """Raise :class:`InputError` unless `network` has this problem's architecture."""
        check_arguments("problem", network=(network, Network))
        if network.architecture != self.architecture:
            raise InputError(
                f"network: got architecture {network.architecture}, expected {self.architecture} as in the problem"
            )


def suited(dataset: Dataset, loss: Loss | None, *, outputs: int = 1) -> Dataset:
    """`dataset` with targets that a loss or several outputs take: any few numbers are classes where classes are needed.

    Two different numbers become -1 and +1 for a loss of two classes, the smaller first; for the softmax loss, or
    several outputs, the numbers in y become 0, 1, ..., q - 1, unless they are class numbers below `outputs` already, so
    that there is no class without a sample. The dataset's description says so. What suits is kept.

    Parameters
    ----------
    dataset : Dataset
        Inputs and targets.
    loss : Loss or None
        Convex loss; None is the squared loss.
    outputs : int
        Outputs of the network, as far as they are chosen.

    Raises
    ------
    InputError
        If classes are asked for and y has one number alone, or too many.

    Examples
    --------
    >>> from convex_core import Dataset, make_loss
    >>> data = Dataset("mine", [[1.0], [2.0], [3.0]], [7, 5, 7])
    >>> suited(data, make_loss("hinge")).y.tolist(), suited(data, make_loss("huber")).y.tolist()
    ([1.0, -1.0, 1.0], [7.0, 5.0, 7.0])
    """
    softmax = isinstance(loss, SoftmaxLoss)
    if softmax or outputs > 1:
        y = dataset.y
        whole = bool(np.all((y == np.round(y)) & (y >= 0) & (y < outputs)))
        if softmax and dataset.labels is None and len(np.unique(dataset.y)) == 1:
            raise InputError(f"y: got the single class {dataset.y[0]:g} with the softmax loss, expected at least two")
        other = np.zeros(0) if dataset.y_test is None else dataset.y_test[~np.isin(dataset.y_test, y)]
        if softmax and dataset.labels is None and len(other):
            raise InputError(f"y_test: got the class {other[0]:g}, expected those of the {dataset.n} training samples")
        return dataset if dataset.classes is not None or (outputs > 1 and whole) else dataset.classified()
    if loss is None or len(np.unique(dataset.y)) != 2:
        return dataset
    try:
        loss.check_targets(dataset.y)
    except InputError:
        return dataset.classified()
    return dataset


def _geometry(
    input_shape: Sequence[int],
    filter_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None,
    padding: Padding | None,
    bias: Bias,
    architecture: str,
) -> PatchGeometry:
    """The geometry of named sizes, with the architecture's own padding unless told otherwise."""
    if filter_size is None:
        raise InputError("filter_size: got none, expected the length of the filters, or an architecture")
    if padding is None:
        padding = natural_padding(architecture)
    return patch_geometry(input_shape, filter_size, 1 if stride is None else stride, padding, bias)


def _takes(loss: Loss, y: _Array) -> bool:
    """Whether the targets may be any numbers: those given, moved off whatever labels they are."""
    try:
        loss.check_targets(np.ravel(y) + 0.25)
    except InputError:
        return False
    return True


def _loss(loss: Loss | str | None, delta: float | None) -> Loss:
    """The loss of a name, the squared one of none; a loss is itself."""
    return make_loss(loss or "squared", delta=delta) if loss is None or isinstance(loss, str) else loss


def _outputs(y: ArrayLike) -> int:
    """Outputs of a network for the targets y: columns, or labels 0, 1, ..., as many as there are, at least two."""
    values = finite_array(y, "y", ndim=(1, 2))
    return values.shape[1] if values.ndim == 2 else max(2, int(values.max()) + 1)


def _old_spelling(
    architecture: Any, X: Any, *rest: Any, beta: float | None, loss: Loss | str | None
) -> tuple[Any, Any, Any, Any, Any]:
    """The arguments of ``Problem(architecture, X, y, beta, loss)``, as it was called before 0.2."""
    if len(rest) > 3 or not fits(architecture, Architecture):
        raise InputError(
            f"Problem: got {2 + len(rest)} arguments without a name, expected two, X and y, and names for all others"
        )
    warnings.warn(
        "Problem(architecture, X, y, beta, loss) is now Problem(X, y, architecture=..., beta=..., loss=...)",
        DeprecationWarning,
        stacklevel=3,
    )
    named = dict(zip(("y", "beta", "loss"), rest, strict=False))
    return X, named.get("y"), architecture, named.get("beta", beta), named.get("loss", loss)

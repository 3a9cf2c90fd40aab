r"""Train a CNN with a pooling grid over given filters or given gates, to a certified gap.

.. math:: \min_{w, b} \; \ell(f, Y) + \beta \sum_j \nu(w_j) \qquad\text{(given filters)} \qquad
          \min_{C, b} \; \ell(f, Y) + \beta \sum_i \nu(C_i) \qquad\text{(given gates)}

Both have the value of the network's own training problem
:math:`\ell + \tfrac\beta2 \sum_j (\|u_j\|^2 + \|w_j\|^2)` over filters that are multiples of the listed ones, or over
all filters behind the listed gates: exact over the list. No 1/n, and nothing is rescaled; patches are whitened,
which is stated and carried with the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..architectures.pooling_grid import Pooling, PoolingGrid, cuts_of
from ..contracts.validation import check_arguments, finite_array, integer, moderate, positive_number
from ..errors import InputError
from ..losses import Loss, SquaredLoss
from ..patches import PatchGeometry
from ..progress import Budget, CancelFlag, ProgressCallback
from .features import ListFeatures
from .filters import constant_filter, draw_directions, sample_patches
from .moments import Watch
from .norms import ListNorm
from .rounds import Measure, Trainer
from .solution import ListedSolution
from .weighted import WeightedLoss
from .whitening import Whitening

__all__ = ["ListKind", "OutputBias", "train_list"]

_Array = NDArray[np.float64]
ListKind = Literal["relu", "gated"]
OutputBias = Literal["free", "regularised", "none"]


def train_list(
    X: ArrayLike,
    Y: ArrayLike,
    geometry: PatchGeometry,
    *,
    kind: ListKind = "relu",
    pooling_grid: int | Sequence[int] = 1,
    pooling: Pooling = "mean",
    directions: ArrayLike | int = 200,
    whiten: bool | float = True,
    norm: str | None = None,
    loss: Loss | None = None,
    bias: OutputBias = "free",
    beta: float | None = None,
    weight: ArrayLike | None = None,
    measure: Measure | None = None,
    tol: float = 1e-3,
    max_rounds: int = 1,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    watch: Watch | None = None,
) -> ListedSolution:
    """Solve the convex program over a list and certify the network.

    Parameters
    ----------
    X : (n, d)
        Inputs.
    Y : (n,) or (n, q)
        Targets; one-hot for classes, or -1 and +1 where the loss asks for them.
    geometry : PatchGeometry
        Patches, and whether filters have a (regularised) bias.
    kind : {"relu", "gated"}
        Given filters, or given gates with free filters behind them.
    pooling_grid : int or sequence of int
        Regions along each spatial axis.
    pooling : {"mean", "sum", "max"}
        Over each region; the maximum for given filters only.
    directions : int or (P, h)
        The list, or how many directions to draw; filters are taken at length one.
    whiten : bool or float
        Whether patches are whitened first; a number is the level of :meth:`Whitening.of`, > 0, by default 0.1.
    norm : {"group", "l1", "nuclear"}, optional
        Of the weights of an entry; by default ``group`` for filters, ``nuclear`` for gates.
    loss : Loss, optional
        By default the squared loss.
    bias : {"free", "regularised", "none"}
        Of the outputs; the regularised one is a filter in the list that is constant.
    beta : float, optional
        Regularisation; chosen on a quarter of the samples if it is not given.
    weight : (n,), optional
        Weight of each sample, > 0; by default one.
    measure : callable, optional
        What counts on the hold-out; by default the loss.
    tol : float
        Relative gap.
    max_rounds : int
        Programs at the final beta: from the second on the list has grown by directions with high prices.
    seed : int
        Of drawn directions and of the hold-out.
    time_limit, cancel, progress
        As for :func:`convex_core.solve`.
    watch : callable, optional
        Gets a :class:`~convex_core.lists.moments.Moment` every few iterations: bounds, and the best weights so far.

    Raises
    ------
    InputError
        For arrays or options that do not fit.
    SizeError
        If there are too many columns to keep.

    Examples
    --------
    >>> from convex_core import load_dataset, patch_geometry
    >>> data = load_dataset("motifs")
    >>> solution = train_list(data.X, data.y, patch_geometry((10,), 3), beta=0.1, directions=30)
    >>> solution.certificate.relative_gap <= 1e-3, solution.status.value
    (True, 'restricted optimum')
    """
    check_arguments("train_list", geometry=(geometry, PatchGeometry))
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    inputs = moderate(finite_array(X, "X", ndim=2), "X")
    if inputs.shape[1] != geometry.d:
        raise InputError(f"X: got {inputs.shape[1]} columns, expected {geometry.d} for inputs {geometry.input_shape}")
    Y = moderate(finite_array(Y, "Y", ndim=(1, 2)), "Y")
    if len(Y) != len(inputs):
        raise InputError(f"Y: got {len(Y)} targets, expected {len(inputs)}, one per sample")
    weights = np.ones(len(Y)) if weight is None else finite_array(weight, "weight", ndim=1)
    if weights.shape != (len(Y),) or not (weights > 0.0).all():
        raise InputError(f"weight: got shape {weights.shape}, expected ({len(Y)},) with positive entries")
    for name, value, known in (("kind", kind, get_args(ListKind)), ("bias", bias, get_args(OutputBias))):
        if value not in known:
            raise InputError(f"{name}: got {value!r}, expected one of {', '.join(known)}")
    if bias == "regularised" and (kind != "relu" or not geometry.biased):
        raise InputError("bias: got regularised, expected it with given filters that have a bias themselves")
    grid = PoolingGrid(geometry.grid, cuts_of(pooling_grid, len(geometry.grid)), pooling)
    rng = np.random.default_rng(integer(seed, "seed", minimum=0))
    patches = sample_patches(geometry, inputs, rng)
    whitening = _whitening(patches, whiten)
    if isinstance(directions, (int, np.integer)):
        listed = draw_directions(
            geometry, whitening, patches, integer(int(directions), "directions", maximum=100_000), rng
        )
    else:
        listed = finite_array(directions, "directions", ndim=2)
    if bias == "regularised":
        listed = np.concatenate([listed, constant_filter(geometry)])
    trainer = Trainer(
        X=inputs,
        loss=WeightedLoss(loss or SquaredLoss(), Y.reshape(len(Y), -1), weights),
        norm=ListNorm(norm or ("group" if kind == "relu" else "nuclear")),
        free=bias == "free",
        tol=positive_number(tol, "tol"),
        patches=patches,
        rng=rng,
        measure=measure,
        budget=budget,
        watch=watch,
    )
    features = ListFeatures(geometry, whitening, grid, _unit(listed), kind == "gated")
    chosen = None if beta is None else positive_number(beta, "beta")
    return trainer.train(features, chosen, integer(max_rounds, "max_rounds", maximum=1000), seed)


def _whitening(patches: _Array, whiten: bool | float) -> Whitening:
    if isinstance(whiten, (bool, np.bool_)):
        return Whitening.of(patches) if whiten else Whitening.none(patches.shape[1])
    return Whitening.of(patches, level=positive_number(whiten, "whiten"))


def _unit(directions: _Array) -> _Array:
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    if not (length > 0.0).all():
        raise InputError("directions: got a zero vector, expected directions of filters or gates")
    unit: _Array = directions / length
    return unit

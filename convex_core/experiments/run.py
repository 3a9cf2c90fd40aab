"""Running an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import frozen, integer, positive_number
from ..data import Dataset, load_dataset
from ..errors import InputError, Interrupted
from ..networks.classes import accuracies, predicted_classes
from ..problem import Problem
from ..progress import Budget, CancelFlag, Progress, ProgressCallback, limits
from ..solution import solve_in
from ..status import Status
from ..training.sgd import SGDRecord, sgd_steps
from ..warm_up import compile_solvers
from .plans import EXPERIMENTS, ArmPlan, Plan
from .results import Arm, ExperimentResult, Training

__all__ = ["arm_problem", "run_experiment"]

_Array = NDArray[np.float64]

_RECORDS = 100


def run_experiment(
    name: str,
    *,
    dataset: Dataset | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] = (0, 1, 2, 3, 4),
    beta: float | None = None,
    iterations: int | None = None,
    quick: bool = False,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> ExperimentResult:
    """Run one of :data:`EXPERIMENTS`: every convex program, then SGD on the same problem.

    Parameters
    ----------
    name : str
        ``talk``, ``mnist``, ``cifar10`` or ``digits``.
    dataset : Dataset, optional
        Data to use in place of the plan's, for example images from elsewhere.
    seed : int
        Seed of the data, of sampled patterns and of the order of the batches.
    seeds : int or sequence of int
        Initialisations of SGD.
    beta : float, optional
        Regularisation, instead of the plan's.
    iterations : int, optional
        Steps of SGD, instead of the plan's.
    quick : bool
        Leave out the programs that take tens of seconds; which ones do not is part of the plan.
    time_limit : float, optional
        Seconds; shared evenly by the convex programs and SGD. What is finished by then is returned.
    cancel, progress
        As in :func:`convex_core.solve`.

    Raises
    ------
    InputError
        For an unknown name or bad numbers, or if the image files are not found.

    Examples
    --------
    >>> result = run_experiment("talk", seeds=[0], iterations=500)
    >>> best = result.arms[0].solution
    >>> best.status.value, bool(result.training.objective.min() > best.lower_bound)
    ('optimal', True)
    """
    if name not in EXPERIMENTS:
        raise InputError(f"experiment: got {name!r}, expected one of {', '.join(EXPERIMENTS)}")
    plan = EXPERIMENTS[name]
    seed = integer(seed, "seed", minimum=0)
    if beta is not None:
        plan = replace(plan, beta=positive_number(beta, "beta"))
    if iterations is not None:
        plan = replace(plan, iterations=integer(iterations, "iterations"))
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    if dataset is None:
        dataset = load_dataset(plan.dataset, seed=seed, **cast(Any, plan.dataset_options))
    chosen = [arm for arm in plan.arms if arm.quick or not quick]
    parts = len(chosen) + 1
    compile_solvers()  # no part of any method's time
    arms: list[Arm] = []
    for number, arm in enumerate(chosen):
        if budget.stop() is not None:
            break
        share = _part(budget, number, parts, arm.label)
        problem = arm_problem(plan, arm, dataset)
        solution = solve_in(problem, tol=arm.tol, seed=seed, budget=share)
        arms.append(Arm(arm, solution, *accuracies(solution.network, dataset)))
    training = None
    if budget.stop() is None:
        share = _part(budget, parts - 1, parts, "SGD")
        with suppress(Interrupted):
            training = _train(plan, dataset, seeds, seed, share)
    return ExperimentResult(plan, dataset.description, seed, tuple(arms), training, budget.stop(), budget.seconds)


def arm_problem(plan: Plan, arm: ArmPlan, dataset: Dataset) -> Problem:
    """The training problem of one convex program of `plan`."""
    return Problem.from_dataset(
        dataset,
        filter_size=plan.filter_size if arm.filter_size is None else arm.filter_size,
        stride=plan.stride,
        architecture=arm.architecture,
        beta=plan.beta,
        **cast(Any, arm.options),
    )


def _part(budget: Budget, number: int, parts: int, label: str) -> Budget:
    """An equal share of the time that is left, whose reports say which part they belong to."""
    limit = None if budget.time_limit is None else max(budget.remaining / (parts - number), 1e-3)
    send = budget.progress
    if send is None:
        return Budget(time_limit=limit, cancel=budget.cancel)

    def report(item: Progress) -> None:
        inner = 0.0 if item.fraction is None else item.fraction
        send(replace(item, message=f"{label}: {item.message}", fraction=(number + inner) / parts))

    return Budget(time_limit=limit, cancel=budget.cancel, progress=report)


def _train(plan: Plan, dataset: Dataset, seeds: int | Sequence[int], batch_seed: int, budget: Budget) -> Training:
    problem = arm_problem(plan, plan.arms[0], dataset)
    patches = None if dataset.X_test is None else problem.architecture.geometry.extract(dataset.X_test)
    records: list[SGDRecord] = []
    shares: list[_Array] = []
    for record in sgd_steps(
        problem,
        m=plan.m,
        seeds=seeds,
        batch_size=(problem.n + 1) // 2,
        batch_seed=batch_seed,
        iterations=plan.iterations,
        record_every=max(1, plan.iterations // _RECORDS),
        dense_start=True,
        **limits(budget),
    ):
        records.append(record)
        if patches is not None and dataset.y_test is not None:
            right = [
                np.mean(predicted_classes(network.predict_patches(patches)) == dataset.y_test)
                for network in record.networks(problem.architecture)
            ]
            shares.append(np.array(right))
    last = records[-1]
    return Training(
        seeds=last.settings.seeds,
        iterations=frozen(np.array([r.iteration for r in records], dtype=np.int64)),
        seconds=frozen(np.array([r.seconds for r in records])),
        objective=frozen(np.stack([r.objective for r in records], axis=1)),
        test_accuracy=frozen(np.stack(shares, axis=1)) if shares else None,
        settings=asdict(last.settings),
        status=last.status or Status.ITERATION_LIMIT,
    )

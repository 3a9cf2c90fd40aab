"""What a spec stands for: its dataset, problem and solution, each keyed by one string and shared by sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convex_core.architectures import Architecture, make_architecture, natural_padding
from convex_core.data import Dataset, load_dataset
from convex_core.errors import InputError
from convex_core.losses import make_loss
from convex_core.patches import PatchGeometry, patch_geometry
from convex_core.problem import Problem
from convex_core.progress import limits
from convex_core.solution import Solution, solve

from ..state.spec import CUSTOM, NETWORKS, DataSpec, ProblemSpec, has_several_outputs, reconstructs
from . import calls, keep

__all__ = ["SolveOptions", "architecture", "dataset", "geometry", "problem", "solution"]

#: Patterns a page lists; with more it samples and says "restricted".
MAX_PATTERNS = 300_000
#: The same for methods that put every pattern into one program.
MAX_WHOLE = {"clarabel": 5_000, "cvxpy": 1_500}


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How to solve."""

    method: str = "auto"
    tol: float = 1e-8
    time_limit: float = 5.0


def dataset(spec: DataSpec, own: Dataset | None) -> Dataset:
    """The dataset of a spec; `own` is the session's own data, whose content hash is part of it."""

    def make() -> Dataset:
        if spec.name == CUSTOM:
            if own is None:
                raise InputError("data: got a link to uploaded data, expected the file to be uploaded again")
            return own
        return load_dataset(spec.name, seed=spec.seed, **dict(spec.options))

    return keep.shared("dataset", repr(spec), make)


def geometry(spec: ProblemSpec, data: Dataset) -> PatchGeometry:
    """The patches of a spec."""
    if natural_padding(NETWORKS[spec.network][0]) == "circular":
        return patch_geometry(data.input_shape, spec.filter_size, 1, "circular")
    return patch_geometry(data.input_shape, spec.filter_size, spec.stride, spec.padding, spec.bias)


def architecture(spec: ProblemSpec, data: Dataset) -> Architecture:
    """The network of a spec; InputError if it does not exist on these data."""
    name, own = NETWORKS[spec.network]
    options: dict[str, Any] = {}
    if name == "two-layer":
        options = {"pooling": spec.pooling, "activation": spec.activation, "slope": spec.slope}
    if has_several_outputs(spec.network) or (reconstructs(spec.network) and spec.outputs > 1):
        options["outputs"] = spec.outputs
    return make_architecture(name, geometry(spec, data), **{**options, **own, **dict(spec.options)})


def problem(key: str, spec: ProblemSpec, data: Dataset) -> Problem:
    """The training problem of a spec."""
    return keep.shared("problem", key, lambda: _problem(spec, data))


def _problem(spec: ProblemSpec, data: Dataset) -> Problem:
    if has_several_outputs(spec.network):
        data = data.numbered()
    targets = data.y
    if reconstructs(spec.network):
        targets = data.X if data.d > 1 else data.X[:, 0]
    return Problem(
        data.X,
        targets,
        architecture=architecture(spec, data),
        beta=spec.beta,
        loss=make_loss(spec.loss, delta=spec.delta),
    )


def solution(key: str, problem: Problem, options: SolveOptions) -> Solution:
    """The certified solution; `key` covers the problem and the options."""
    # what is only sampled may be so for want of time
    return calls.run(
        "solution",
        f"{key} {options}",
        lambda budget: solve(
            problem,
            method=options.method,
            tol=options.tol,
            time_limit=limits(budget)["time_limit"],
            cancel=budget.cancel,
            max_patterns=MAX_WHOLE.get(options.method, MAX_PATTERNS),
        ),
        options.time_limit,
    )

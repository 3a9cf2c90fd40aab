"""How to make a report again: the command line and the Python that solve the same problem."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ..architectures import OPTIONS
from ..losses import LOSS_OPTIONS
from .state import Source, State

__all__ = ["command", "python"]


def command(state: State, document: Mapping[str, Any]) -> str:
    """The command line, in one line; own data come from ``report.json``."""
    problem, run, source = document["problem"], document["run"], state.source
    words = ["convex-core", "report"]
    seed = run["seed"]
    if source is None:
        words += ["--data", "report.json"]
    else:
        words += ["--dataset", source.dataset]
        seed = run["seed"] if source.seed is None else source.seed
        for name, value in source.options.items():
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += ["--option", f"{name}={text}"]
    if seed:
        words += ["--seed", str(seed)]
    for name, value in _settings(state, problem).items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    words += ["--method", run["method"], "--tol", f"{run['tol']:g}"]
    if state.path:
        words += ["--path", str(len(state.path))]
    return shlex.join([*words, "--out", "again.html"])


def python(state: State, document: Mapping[str, Any]) -> str:
    """A few lines that run where ``report.json`` lies."""
    run, source = document["run"], state.source
    settings = "".join(f", {name}={value!r}" for name, value in _settings(state, document["problem"]).items())
    if source is None:
        head = 'import json\nfrom convex_core import Problem, solve\n\ndata = json.load(open("report.json"))["data"]\n'
        made = f'problem = Problem(data["X"], data["y"]{_shape(state)}{settings})\n'
        rest = 'solution.report("again.html")'
    else:
        head = f"from convex_core import Problem, load_dataset, solve\n\ndata = load_dataset({_asked(source)})\n"
        made = f"problem = Problem.from_dataset(data{settings})\n"
        options = f", options={dict(source.options)!r}" if source.options else ""
        rest = f'solution.report("again.html", dataset=data{options})'
    if state.around is not None:
        head = head.replace("solve", "bounds")
        solved = f"found = bounds(problem, tol={run['tol']:g}, seed={run['seed']})\n"
        return f"{head}{made}{solved}print(found.summary())\n{rest.replace('solution.', 'found.')}\n"
    solved = f"solution = solve(problem, method={run['method']!r}, tol={run['tol']:g}, seed={run['seed']})\n"
    return f"{head}{made}{solved}print(solution.summary())\n{rest}\n"


def _asked(source: Source) -> str:
    seed = {} if source.seed is None else {"seed": source.seed}
    return ", ".join([repr(source.dataset), *(f"{k}={v!r}" for k, v in {**seed, **source.options}.items())])


def _shape(state: State) -> str:
    shape = state.point.problem.architecture.geometry.input_shape
    return f", input_shape={shape!r}" if len(shape) > 1 else ""


def _settings(state: State, problem: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a problem that are called alike on the command line and in Python."""
    geometry = state.point.problem.architecture.geometry
    axes = min(2, len(geometry.input_shape))
    sizes = {"filter_size": geometry.filter_shape[:axes], "stride": geometry.stride}
    found: dict[str, Any] = {name: size[0] if len(size) == 1 else size for name, size in sizes.items()}
    found |= {"padding": geometry.padding, "bias": geometry.bias, "architecture": problem["architecture"]}
    found |= {name: problem[name] for name in OPTIONS if name in problem}
    found |= {"loss": problem["loss"], **{name: problem[name] for name in LOSS_OPTIONS if name in problem}}
    found["beta"] = problem["beta"]
    usual = {"padding": "valid", "bias": "none", "architecture": "two-layer", "loss": "squared", "pooling": "sum"}
    return {name: value for name, value in found.items() if usual.get(name) != value}

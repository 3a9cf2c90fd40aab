"""Training a ReLU CNN as a convex problem: exact patterns, convex programs, certificates.

>>> from convex_core import Problem, load_dataset, solve
>>> solution = solve(Problem.from_dataset(load_dataset("talk")), tol=1e-8)
>>> f"{solution.objective:.8f} {solution.scope} {solution.status}"
'0.09274746 global optimal'

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798).
"""

from __future__ import annotations

from .interruption import end_at_once, is_command

if is_command():
    end_at_once()  # the imports take a while

# isort: split
from .architectures import Architecture, CircularCNN, ThreeLayerCNN, TwoLayerCNN
from .arrangement import (
    Arrangement,
    PatternCount,
    closed_form,
    count_patterns,
    enumerate_patterns,
    polynomial_bound,
    sample_patterns,
)
from .auditing import Audit, audit
from .bounding import Bounds, bounds
from .certificate import Certificate, beta_max, certify
from .data import Dataset, dataset_names, load_dataset, read_dataset, save_dataset
from .errors import BackendError, ConvexCoreError, InputError, Interrupted, SizeError
from .export.latex import convex_latex, training_latex
from .export.model import Model, load_model, save_model
from .export.script import cvxpy_script, whole_cvxpy_script
from .interpolation import MinimumNorm, minimum_norm
from .losses import LOSSES, AbsoluteLoss, HingeLoss, HuberLoss, LogisticLoss, Loss, SquaredLoss, make_loss
from .networks.network import Network
from .networks.state_dict import network_from_arrays
from .patches import PatchGeometry, patch_geometry
from .path import Path, PathPreview, solve_path
from .problem import Problem
from .progress import Progress
from .reports import Report, Verification, verify
from .solution import METHODS, Solution, Timings, solve
from .solvers.column_generation import Round
from .solvers.fixed_neurons.osqp import FixedDirections
from .status import Exactness, Scope, Status
from .sweeps import Sweep, SweepRow, sweep
from .training.multistart import local_search
from .training.sgd import (
    Comparison,
    SGDRecord,
    SGDResult,
    SGDSettings,
    TunedRun,
    compare_optimisers,
    sgd_steps,
    train_sgd,
)
from .training.ways import TwoWays, two_ways
from .version import __version__ as __version__

#: names that are loaded when they are asked for, since scikit-learn and PyTorch are slow to import; with their modules
LATER = {
    "ConvexCNNClassifier": "estimators",
    "ConvexCNNRegressor": "estimators",
    "from_torch": "export.torch_reading",
}
#: old names, kept for one version: the module that has them, what they are there, and what to use instead
_OLD = {
    "Budget": ("progress", "Budget", "time_limit, cancel and progress of the function itself"),
    "Chain": ("bounding", "Bounds", "Bounds"),
    "Sandwich": ("bounding", "Bounds", "Bounds"),
    "chain": ("bounding", "chain", "bounds"),
    "sandwich": ("bounding", "sandwich", "bounds"),
}

__all__ = [
    "LOSSES",
    "METHODS",
    "AbsoluteLoss",
    "Architecture",
    "Arrangement",
    "Audit",
    "BackendError",
    "Bounds",
    "Certificate",
    "CircularCNN",
    "Comparison",
    "ConvexCoreError",
    "Dataset",
    "Exactness",
    "FixedDirections",
    "HingeLoss",
    "HuberLoss",
    "InputError",
    "Interrupted",
    "LogisticLoss",
    "Loss",
    "MinimumNorm",
    "Model",
    "Network",
    "PatchGeometry",
    "Path",
    "PathPreview",
    "PatternCount",
    "Problem",
    "Progress",
    "Report",
    "Round",
    "SGDRecord",
    "SGDResult",
    "SGDSettings",
    "Scope",
    "SizeError",
    "Solution",
    "SquaredLoss",
    "Status",
    "Sweep",
    "SweepRow",
    "ThreeLayerCNN",
    "Timings",
    "TunedRun",
    "TwoLayerCNN",
    "TwoWays",
    "Verification",
    "audit",
    "beta_max",
    "bounds",
    "certify",
    "closed_form",
    "compare_optimisers",
    "convex_latex",
    "count_patterns",
    "cvxpy_script",
    "dataset_names",
    "enumerate_patterns",
    "load_dataset",
    "load_model",
    "local_search",
    "make_loss",
    "minimum_norm",
    "network_from_arrays",
    "patch_geometry",
    "polynomial_bound",
    "read_dataset",
    "sample_patterns",
    "save_dataset",
    "save_model",
    "sgd_steps",
    "solve",
    "solve_path",
    "sweep",
    "train_sgd",
    "training_latex",
    "two_ways",
    "verify",
    "whole_cvxpy_script",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _OLD:
        import warnings

        module, now, instead = _OLD[name]
        warnings.warn(f"convex_core.{name}: use {instead}", DeprecationWarning, stacklevel=2)
    elif name in LATER:
        module, now = LATER[name], name
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{module}", __name__), now)


def __dir__() -> list[str]:
    return sorted([*globals(), *LATER])

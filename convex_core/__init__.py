"""Training a ReLU CNN as a convex problem: exact patterns, convex programs, certificates.

>>> from convex_core import Problem, load_dataset, solve
>>> solution = solve(Problem.from_dataset(load_dataset("talk")), tol=1e-8)
>>> f"{solution.objective:.8f} {solution.scope} {solution.status}"
'0.09274746 global optimal'

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798).
"""

from __future__ import annotations

from ._signals import end_at_once, is_command

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
from .audit import Audit, audit
from .certificate import Certificate, beta_max, certify
from .chain import Chain, chain
from .data import Dataset, dataset_names, load_dataset, read_dataset, save_dataset
from .errors import BackendError, ConvexCoreError, InputError, Interrupted, SizeError
from .local_search import local_search
from .losses import LOSSES, AbsoluteLoss, HingeLoss, HuberLoss, LogisticLoss, Loss, SquaredLoss, make_loss
from .model_io import Model, load_model, save_model
from .network import Network
from .patches import PatchGeometry, patch_geometry
from .path import Path, PathPreview, solve_path
from .problem import Problem
from .program.latex import convex_latex, training_latex
from .program.script import cvxpy_script, whole_cvxpy_script
from .progress import Budget, Progress
from .sandwich import Sandwich, sandwich
from .sgd import SGDRecord, SGDResult, SGDSettings, sgd_steps, train_sgd
from .solve import METHODS, Solution, Timings, solve
from .solvers.column_generation import Round
from .solvers.osqp_backend import FixedDirections
from .state_dict import network_from_arrays
from .status import Exactness, Scope, Status

__version__ = "0.1.0"

__all__ = [
    "LOSSES",
    "METHODS",
    "AbsoluteLoss",
    "Architecture",
    "Arrangement",
    "Audit",
    "BackendError",
    "Budget",
    "Certificate",
    "Chain",
    "CircularCNN",
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
    "Model",
    "Network",
    "PatchGeometry",
    "Path",
    "PathPreview",
    "PatternCount",
    "Problem",
    "Progress",
    "Round",
    "SGDRecord",
    "SGDResult",
    "SGDSettings",
    "Sandwich",
    "Scope",
    "SizeError",
    "Solution",
    "SquaredLoss",
    "Status",
    "ThreeLayerCNN",
    "Timings",
    "TwoLayerCNN",
    "audit",
    "beta_max",
    "certify",
    "chain",
    "closed_form",
    "convex_latex",
    "count_patterns",
    "cvxpy_script",
    "dataset_names",
    "enumerate_patterns",
    "load_dataset",
    "load_model",
    "local_search",
    "make_loss",
    "network_from_arrays",
    "patch_geometry",
    "polynomial_bound",
    "read_dataset",
    "sample_patterns",
    "sandwich",
    "save_dataset",
    "save_model",
    "sgd_steps",
    "solve",
    "solve_path",
    "train_sgd",
    "training_latex",
    "whole_cvxpy_script",
]

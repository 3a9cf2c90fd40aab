"""Plotly figures, each built from results only, with a text alternative and a data table."""

from .atoms import threshold_atoms
from .chart import Chart
from .classes import class_filters, confusion
from .colours import DARK, LIGHT, Palette, palette
from .dial import SGDCurves, beta_dial
from .directions import normalised_directions
from .filters import filter_norms, network_filters
from .inside import added_up, through_one_filter
from .interpolation import least_norm
from .knots import spline_knots
from .path import norm_map, objective_path, over_strides
from .predictions import predictions_against_targets
from .reconstruction import reconstructions
from .signals import patch_matrices, sample_windows
from .skip import skip_as_two_relus
from .solving import bounds, seconds
from .sweeps import sweep_map
from .tracks import follow_filters
from .training import audit, excess, loss_by_iteration, loss_by_seconds
from .tuning import tuning_curves

__all__ = [
    "DARK",
    "LIGHT",
    "Chart",
    "Palette",
    "SGDCurves",
    "added_up",
    "audit",
    "beta_dial",
    "bounds",
    "class_filters",
    "confusion",
    "excess",
    "filter_norms",
    "follow_filters",
    "least_norm",
    "loss_by_iteration",
    "loss_by_seconds",
    "network_filters",
    "norm_map",
    "normalised_directions",
    "objective_path",
    "over_strides",
    "palette",
    "patch_matrices",
    "predictions_against_targets",
    "reconstructions",
    "sample_windows",
    "seconds",
    "skip_as_two_relus",
    "spline_knots",
    "sweep_map",
    "threshold_atoms",
    "through_one_filter",
    "tuning_curves",
]

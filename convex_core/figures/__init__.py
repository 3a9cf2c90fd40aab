"""Plotly figures, each built from results only, with a text alternative and a data table."""

from .chart import Chart
from .classes import class_filters, confusion
from .dial import SGDCurves, beta_dial
from .filters import filter_norms, network_filters
from .palette import DARK, LIGHT, Palette, palette
from .path import norm_map, objective_path, over_strides
from .signals import patch_matrices, sample_windows
from .solving import bounds, seconds
from .tracks import follow_filters
from .training import audit, loss_by_iteration, loss_by_seconds

__all__ = [
    "DARK",
    "LIGHT",
    "Chart",
    "Palette",
    "SGDCurves",
    "audit",
    "beta_dial",
    "bounds",
    "class_filters",
    "confusion",
    "filter_norms",
    "follow_filters",
    "loss_by_iteration",
    "loss_by_seconds",
    "network_filters",
    "norm_map",
    "objective_path",
    "over_strides",
    "palette",
    "patch_matrices",
    "sample_windows",
    "seconds",
]

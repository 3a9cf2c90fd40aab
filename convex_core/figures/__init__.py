"""Plotly figures, each built from results only, with a text alternative and a data table."""

from .chart import Chart
from .filters import filter_norms, network_filters
from .palette import DARK, LIGHT, Palette, palette
from .path import SGDCurves, beta_dial, follow_filters
from .signals import patch_matrices, sample_windows
from .solving import bounds, seconds
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
    "filter_norms",
    "follow_filters",
    "loss_by_iteration",
    "loss_by_seconds",
    "network_filters",
    "palette",
    "patch_matrices",
    "sample_windows",
    "seconds",
]

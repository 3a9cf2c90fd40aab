"""Estimators for scikit-learn, loaded when asked for: ``from convex_core import ConvexCNNClassifier``."""

from __future__ import annotations

from .classifier import ConvexCNNClassifier
from .regressor import ConvexCNNRegressor

__all__ = ["ConvexCNNClassifier", "ConvexCNNRegressor"]

"""Experiments on the same footing: the talk's, convex programs against SGD, and ten classes of images."""

from .plans import EXPERIMENTS, ArmPlan, Plan
from .recognition import Baseline, Recognition, RecognitionCurve, RecognitionPoint, recognise
from .results import Arm, ExperimentResult, Training
from .run import run_experiment

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "ArmPlan",
    "Baseline",
    "ExperimentResult",
    "Plan",
    "Recognition",
    "RecognitionCurve",
    "RecognitionPoint",
    "Training",
    "recognise",
    "run_experiment",
]

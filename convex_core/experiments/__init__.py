"""The talk's experiments on the same footing: convex programs against five seeds of SGD, choices stated."""

from .plans import EXPERIMENTS, ArmPlan, Plan
from .results import Arm, ExperimentResult, Training
from .run import run_experiment

__all__ = ["EXPERIMENTS", "Arm", "ArmPlan", "ExperimentResult", "Plan", "Training", "run_experiment"]

"""Benchmark: this library beside every solver that is installed, one judge for all of them."""

from .cases import CASES, Case, CountInstance, SolveInstance
from .judge import Verdict, judge_blocks, judge_network
from .machine import describe_machine
from .results import Report, Row
from .run import run_benchmark

__all__ = [
    "CASES",
    "Case",
    "CountInstance",
    "Report",
    "Row",
    "SolveInstance",
    "Verdict",
    "describe_machine",
    "judge_blocks",
    "judge_network",
    "run_benchmark",
]

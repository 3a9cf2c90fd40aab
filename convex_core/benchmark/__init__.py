"""Benchmark: this library beside every solver that is installed, one audit for all of them."""

from .audit import Audited, audit_blocks, audit_network
from .cases import CASES, Case, CountInstance, SolveInstance
from .machine import describe_machine
from .results import Report, Row
from .run import run_benchmark

__all__ = [
    "CASES",
    "Audited",
    "Case",
    "CountInstance",
    "Report",
    "Row",
    "SolveInstance",
    "audit_blocks",
    "audit_network",
    "describe_machine",
    "run_benchmark",
]

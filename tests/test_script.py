"""The exported CVXPY script runs on its own and reaches the certified optimum."""

import subprocess
import sys

import numpy as np
import pytest
from problem_cases import TWO_LAYER_OPTIMA, patch_problem

from convex_core import InputError, Problem, SizeError, cvxpy_script, solve
from convex_core.architectures import make_architecture
from convex_core.arrangement import enumerate_patterns


def run(text, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(text)
    # -I: nothing of this project is importable by accident of the working directory
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=True, cwd=tmp_path)
    first, second = done.stdout.strip().splitlines()
    return float(first.split()[-1]), float(second.split()[-1])


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_whole_and_short_scripts_reach_the_optimum(tmp_path, pooling):
    problem = patch_problem(0, pooling=pooling)
    solution = solve(problem, tol=1e-9)
    everything = enumerate_patterns(problem.architecture.hyperplanes(problem.patches)).active()
    for text in (
        cvxpy_script(problem, everything, complete=True),
        cvxpy_script(problem, solution.active, complete=False),
    ):
        assert "convex_core" not in text
        convex, network = run(text, tmp_path)
        assert convex == pytest.approx(solution.objective, abs=1e-6)
        assert network == pytest.approx(solution.objective, abs=1e-6)
    if pooling == "sum":
        assert convex == pytest.approx(TWO_LAYER_OPTIMA[0], abs=1e-6)


def test_scripts_say_what_they_hold():
    problem = patch_problem(0)
    active = solve(problem).active
    assert "upper bound" in cvxpy_script(problem, active, complete=False)
    assert "whole program" in cvxpy_script(problem, active, complete=True)


def test_huge_scripts_are_refused():
    problem = patch_problem(0, n=40, K=40, h=2)
    noise = np.random.default_rng(0).random((20_000, 1600)) > 0.5
    with pytest.raises(SizeError, match="script: got"):
        cvxpy_script(problem, noise, complete=True)


def test_other_networks_have_no_script():
    problem = patch_problem(0)
    for name, options in (("two-layer", {"pooling": "max"}), ("two-layer", {"outputs": 2}), ("linear", {})):
        architecture = make_architecture(name, problem.architecture.geometry, **options)
        other = Problem(architecture, problem.X, [0, 1, 0, 1, 0, 1], 0.1)
        with pytest.raises(InputError, match="expected two-layer with sum or mean pooling and one output"):
            cvxpy_script(other, np.ones((1, 18), dtype=bool), complete=False)

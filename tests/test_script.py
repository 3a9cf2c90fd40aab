"""The exported CVXPY scripts run on their own and reach the library's values, for every architecture and loss."""

import contextlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from architecture_cases import GEOMETRIES, every_architecture, tiny_problem
from loss_cases import OTHERS, name_of
from problem_cases import TWO_LAYER_OPTIMA, patch_problem

from convex_core import InputError, Network, Problem, SizeError, cvxpy_script, patch_geometry, solve
from convex_core.architectures import ARCHITECTURES, make_architecture
from convex_core.losses import LOSSES, SoftmaxLoss
from convex_core.status import Exactness

EVERY = list(every_architecture())


def execute(text):
    """Value of the program, objective of the network, and every name of a script that ran."""
    assert "convex_core" not in text
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "program.py", "exec"), names)
    first, *_, last = printed.getvalue().strip().splitlines()
    assert first.startswith("optimal objective ")
    assert names["__doc__"]
    return float(first.split()[-1]), float(last.split()[-1]), names


def network_of(architecture, names):
    """The script's network as one of the library."""
    u = names["u"]
    if "w1" not in names:
        return Network(architecture, filters=u, weights=names["w"])
    if architecture.name == "circular":
        u = np.tile(u, architecture.convolutions)
    return Network(architecture, filters=u.reshape(len(u), -1), hidden=names["w1"], weights=names["w2"])


def check(solution, text):
    """The script's value is the library's; its network's own objective is what the library says that network has."""
    problem = solution.problem
    value, objective, names = execute(text)
    assert value == pytest.approx(solution.objective, rel=1e-6, abs=1e-7)
    assert objective == pytest.approx(problem.objective(network_of(problem.architecture, names)), rel=1e-9)
    # Clarabel's answer satisfies the cones to about 1e-8, and so may be as much below
    assert objective >= solution.lower_bound * (1 - 1e-6)
    if solution.exactness is Exactness.EXACT or names.get("ratio", 1.0) < 1e-6:
        # a loss with kinks feels the solver's dust, which the script leaves out, in first order
        assert objective == pytest.approx(solution.objective, rel=1e-5)
    return objective


@pytest.mark.slow
@pytest.mark.parametrize("architecture", EVERY)
def test_every_architecture_has_a_script_that_reaches_the_optimum(architecture):
    problem = tiny_problem(architecture)
    solution = solve(problem, tol=1e-8)
    every = architecture.patterns(problem.patches, max_patterns=2000).active()
    whole = cvxpy_script(problem, every, complete=True)
    assert "this is the whole program" in whole
    assert solution.exactness.capitalize() in whole
    check(solution, whole)
    if len(every) > 1:
        short = cvxpy_script(problem, solution.active, complete=False)
        assert "upper bound on that of the whole program" in " ".join(short.split())
        check(solution, short)


def test_every_name_of_the_registry_is_tested():
    assert {case.values[0].name for case in EVERY} == set(ARCHITECTURES)
    assert {case.values[0].exactness for case in EVERY} == set(Exactness)


@pytest.mark.slow
@pytest.mark.parametrize("loss", OTHERS, ids=name_of)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_loss_with_every_architecture(name, loss):
    geometry = GEOMETRIES.get(name, [patch_geometry((6,), 2, 2)])[-1]
    solution = solve(tiny_problem(make_architecture(name, geometry), loss), tol=1e-8)
    check(solution, cvxpy_script(solution.problem, solution.active, complete=False))


@pytest.mark.slow
@pytest.mark.parametrize("output_norm", ["l1", "l2"])
def test_softmax(output_norm):
    architecture = make_architecture("two-layer", patch_geometry((6,), 2, 2), outputs=3, output_norm=output_norm)
    solution = solve(tiny_problem(architecture, SoftmaxLoss(), n=4), tol=1e-8)
    check(solution, cvxpy_script(solution.problem, solution.active, complete=False))


def test_every_loss_is_tested():
    assert {"squared", "softmax", *(loss.name for loss in OTHERS)} == set(LOSSES)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_scripts_run_without_this_project(tmp_path, pooling):
    solution = solve(patch_problem(0, pooling=pooling), tol=1e-9)
    path = tmp_path / "program.py"
    path.write_text(cvxpy_script(solution.problem, solution.active, complete=False))
    # -I: nothing of this project is importable by accident of the working directory
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=True, cwd=tmp_path)
    convex, network = (float(line.split()[-1]) for line in done.stdout.strip().splitlines())
    assert convex == pytest.approx(solution.objective, abs=1e-6)
    assert network == pytest.approx(solution.objective, abs=1e-6)
    if pooling == "sum":
        assert convex == pytest.approx(TWO_LAYER_OPTIMA[0], abs=1e-6)


def test_zero_patches_do_no_harm():
    base = patch_problem(0)
    X = np.array(base.X)
    X[0, :2] = 0.0
    problem = Problem(X, base.y, architecture=base.architecture, beta=base.beta)
    solution = solve(problem, tol=1e-8)
    every = problem.architecture.patterns(problem.patches, max_patterns=100).active()
    check(solution, cvxpy_script(problem, every, complete=True))


def test_where_the_zero_network_is_optimal_the_whole_program_says_so():
    problem = patch_problem(0, beta=100.0)
    solution = solve(problem)
    every = problem.architecture.patterns(problem.patches, max_patterns=100).active()
    value, objective, _ = execute(cvxpy_script(problem, every, complete=True))
    assert (value, objective) == pytest.approx((solution.objective, 0.5 * problem.y @ problem.y), rel=1e-6)
    with pytest.raises(InputError, match=r"patterns: got an array of shape \(0, 18\), expected at least one row of 18"):
        cvxpy_script(problem, solution.active, complete=False)


def test_scripts_are_readable():
    for case in EVERY:
        problem = tiny_problem(case.values[0])
        every = problem.architecture.patterns(problem.patches, max_patterns=2000).active()
        lines = cvxpy_script(problem, every, complete=True).splitlines()
        assert max(map(len, lines)) <= 120, case.id
        code = [line for line in lines if line and not re.fullmatch(r"[A-Za-z0-9+/=]+", line)]
        # lifted programs bring the cutting of their cells and a factor of matrices along
        assert len(code) <= (205 if "lifted" in case.id else 110), case.id


@pytest.mark.slow
def test_huge_scripts_are_refused():
    problem = patch_problem(0, n=40, K=40, h=2)
    noise = np.random.default_rng(0).random((20_000, 1600)) > 0.5
    with pytest.raises(SizeError, match="script: got"):
        cvxpy_script(problem, noise, complete=True)


def test_codes_of_another_problem_are_refused():
    with pytest.raises(InputError, match=r"patterns: got an array of shape \(1, 7\), expected .* row of 18 bits"):
        cvxpy_script(patch_problem(0), np.ones((1, 7), dtype=bool), complete=False)

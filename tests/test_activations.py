"""Activations with two slopes: values from independent computation, special cases that coincide, every consumer."""

import subprocess
import sys

import numpy as np
import pytest
from architecture_cases import best_found, check_gradients, check_model_file, check_scaling, gaussian_problem
from few_cases import few
from hypothesis import given
from hypothesis import strategies as st

from convex_core import InputError, Problem, audit, convex_latex, cvxpy_script, solve, solve_path, train_sgd
from convex_core import training_latex as in_latex
from convex_core.architectures import make_activation, make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry

#: n = 6, K = 3, h = 2, beta = 0.1, seeds 0, 1, 2: optima found by other programs, to 1e-8
OPTIMA = {
    ("leaky", 0.1): (0.73533912, 0.36729704, 0.79909918),
    ("absolute", None): (1.33935358, 0.26253098, 0.54444038),
    ("residual", None): (0.68296021, 0.34011483, 0.73840097),
    ("leaky", 0.0): (0.68511304, 0.34011483, 0.73840097),  # the ReLU
    ("leaky", 1.0): (2.67400800, 2.21086762, 2.10676425),  # no activation: one group lasso on sum_k X_k
}
KINDS = {
    "leaky": {"activation": "leaky"},
    "absolute": {"activation": "absolute"},
    "residual": {"activation": "residual"},
}


def small(seed=0, n=6, **options):
    return gaussian_problem("two-layer", seed, n, 3, 2, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "slope"), OPTIMA)
@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_optima_agree_with_other_programs(name, slope, method):
    for seed, value in enumerate(OPTIMA[name, slope]):
        problem = small(seed, activation=name, **({} if slope is None else {"slope": slope}))
        assert solve(problem, method=method, tol=1e-8).network_objective == pytest.approx(value, abs=1e-7)


def test_slope_zero_is_the_relu_and_slope_one_a_group_lasso():
    for seed in range(3):
        relu, leaky = solve(small(seed)), solve(small(seed, activation="leaky", slope=0.0))
        assert leaky.network_objective == pytest.approx(relu.network_objective, rel=1e-6)
    problem = small(0, activation="leaky", slope=1.0)
    together = problem.patches.sum(axis=0)
    # one block: min 1/2 ||L c - y||^2 + beta ||c||, by the fixed point of its optimality condition
    c = np.linalg.lstsq(together, problem.y, rcond=None)[0]
    for _ in range(200):
        c = np.linalg.solve(together.T @ together + 0.1 / np.linalg.norm(c) * np.eye(2), together.T @ problem.y)
    value = 0.5 * np.sum((together @ c - problem.y) ** 2) + 0.1 * np.linalg.norm(c)
    assert solve(problem, tol=1e-9).network_objective == pytest.approx(value, rel=1e-8)


#: max pooling takes no activation that falls
POOLED = [
    (kind, pooling) for kind in KINDS for pooling in ("sum", "mean", "max") if (kind, pooling) != ("absolute", "max")
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "pooling"), POOLED)
@pytest.mark.parametrize("seed", range(2))
def test_no_local_search_finds_better(kind, pooling, seed):
    problem = small(seed, n=4, pooling=pooling, **KINDS[kind])
    optimum = solve(problem, tol=1e-8)
    found = best_found(problem, optimum.objective)
    assert found >= optimum.lower_bound * (1.0 - 1e-9)
    assert found == pytest.approx(optimum.network_objective, rel=1e-5)


def test_max_pooling_over_single_patches_is_sum_pooling():
    for kind in ("leaky", "residual"):
        values = [
            solve(small(1, pooling=pooling, **extra, **KINDS[kind]), tol=1e-8).network_objective
            for pooling, extra in (("sum", {}), ("max", {"pool_size": 1}))
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-7)


@pytest.mark.parametrize(("kind", "pooling"), POOLED)
@pytest.mark.parametrize("q", [1, 2])
def test_gradients_scaling_and_files(kind, pooling, q):
    rng = np.random.default_rng(0)
    architecture = make_architecture("two-layer", patch_geometry((6,), 2, 2), pooling=pooling, outputs=q, **KINDS[kind])
    y = rng.standard_normal((4, q)) if q > 1 else rng.standard_normal(4)
    problem = Problem(rng.standard_normal((4, 6)), y, architecture=architecture, beta=0.1)
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_script_and_the_network_it_maps_back_to(kind, tmp_path):
    expected, paths = [], []
    for pooling in ["sum", "mean"] + (["max"] if kind != "absolute" else []):
        problem = small(2, n=4, pooling=pooling, **KINDS[kind])
        optimum = solve(problem, tol=1e-8)
        paths.append(tmp_path / f"{pooling}.py")
        paths[-1].write_text(cvxpy_script(problem, optimum.active, complete=False))
        expected += [optimum.objective] * 2
    # one process for all: importing CVXPY takes longer than they do
    code = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert [float(line.split()[-1]) for line in done.stdout.splitlines()] == pytest.approx(expected, rel=1e-5)


def test_formulas_say_which_activation():
    problem = small(activation="leaky", slope=0.25)
    assert r"\sigma(t) = t\ (t\ge 0),\ 0.25\,t\ (t<0)" in in_latex(problem)
    assert r"S_{i,k} = D_{i,k} + 0.25\,(I-D_{i,k})" in convex_latex(problem)
    assert "leaky ReLU CNN" in problem.architecture.formulas.title
    assert r"(X_k u_j)_+" in in_latex(small())


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(KINDS)), st.sampled_from(["sum", "mean"]))
def test_an_atom_is_linear_inside_its_cell_and_its_price_a_sum_over_hyperplanes(seed, kind, pooling):
    from convex_core.program import CellFactory

    rng = np.random.default_rng(seed)
    problem = small(seed % 1000, pooling=pooling, **KINDS[kind])
    factory = CellFactory(problem.architecture, problem.patches)
    C, v = rng.standard_normal((5, 2)), rng.standard_normal(6)
    sides = factory.patterns(C)
    gated = np.einsum("mnp,mp->nm", factory.gate_matrices(sides), C)
    atoms = problem.architecture.atoms(problem.patches, C)
    assert gated == pytest.approx(atoms)
    a, b = factory.ridge(v)
    assert np.maximum(C @ factory.rows.T, 0.0) @ a + C @ b == pytest.approx(v @ atoms)


@pytest.mark.parametrize("kind", few(KINDS))
def test_path_audit_and_sgd_take_it(kind):
    problem = small(1, **KINDS[kind])
    path = solve_path(problem, points=5)
    assert all(point.relative_gap <= 1e-6 for point in path.solutions)
    trained = train_sgd(problem, seeds=[0], iterations=300)
    verdict = audit(problem, trained.best_networks[0])
    optimum = solve(problem)
    assert verdict.certificate.lower_bound <= optimum.network_objective * (1 + 1e-9)
    assert verdict.certificate.objective >= optimum.lower_bound * (1 - 1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelu"}, "activation: got 'gelu', expected one of relu, leaky, absolute, residual, quadratic"),
        ({"activation": "leaky", "slope": 2.0}, "slope: got 2.0, expected a number from -1 to 1"),
        ({"activation": "leaky", "slope": float("nan")}, "slope: got nan"),
        ({"activation": "leaky", "slope": True}, "slope: got True"),
        ({"slope": 0.5}, "slope: got 0.5 with the activation 'relu', expected it only with leaky"),
        ({"activation": "absolute", "pooling": "max"}, "the largest response must win"),
        ({"activation": "leaky", "slope": -0.1, "pooling": "max"}, "the largest response must win"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_architecture("two-layer", patch_geometry((4,), 2), **options)


def test_names_and_slopes():
    assert make_activation() is make_activation("relu")
    assert make_activation("leaky").options == {"activation": "leaky", "slope": 0.1}
    assert make_activation("leaky", 0)(np.array([-3.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 2.0]


def test_command_line(capsys):
    assert main(["solve", "--dataset", "edge", "--activation", "leaky", "--slope", "0.3"]) == 0
    assert "activation leaky, slope 0.3" in capsys.readouterr().out
    assert main(["solve", "--dataset", "edge", "--slope", "0.3"]) == 2
    assert "expected it only with leaky" in capsys.readouterr().err

"""Several filters that see each patch, in three layers: path regularisation, special cases, every consumer."""

import numpy as np
import pytest
from architecture_cases import check_gradients, check_local_search, check_model_file, check_scaling

from convex_core import InputError, Network, Problem, audit, cvxpy_script, solve, solve_path, train_sgd
from convex_core.architectures import ThreeLayerCNN, layers_of, make_architecture
from convex_core.cli import main
from convex_core.patches import PatchGeometry, patch_geometry
from convex_core.status import Exactness, Scope, Status

#: X (4, 2), y (4), two filters in parallel, beta = 0.1, seeds 0, 1, 2
OPTIMA = (0.34175620, 0.06083576, 0.09988354)


def parallel(seed=0, n=4, d=2, **options):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    given = {"filter_size": d, "architecture": "three-layer", "parallel": 2, "beta": 0.1, **options}
    return Problem(X, y, **given)


@pytest.mark.parametrize("method", ["column-generation", "clarabel"])
def test_optima_agree_with_another_program(method):
    for seed, value in enumerate(OPTIMA[: 1 if method == "clarabel" else 3]):
        solution = solve(parallel(seed), method=method, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)


def test_the_objective_is_the_path_norm_of_parallel_networks():
    problem = parallel(1)
    solution = solve(problem, tol=1e-9)
    network, X = solution.network, problem.X
    total, norm = np.zeros(4), 0.0
    for u, w1, w2 in zip(network.filters.reshape(-1, 2, 2), network.hidden, network.weights, strict=True):
        total += np.maximum(np.maximum(X @ u.T, 0.0) @ w1, 0.0) * w2
        norm += abs(w2) * np.sqrt(sum(u[k] @ u[k] * w1[k] ** 2 for k in range(2)))
    assert network.predict(X) == pytest.approx(total)
    assert 0.5 * np.sum((total - problem.y) ** 2) + 0.1 * norm == pytest.approx(solution.objective, rel=1e-8)


def test_it_is_the_network_per_patch_on_copies_of_the_input():
    for seed in range(3):
        problem = parallel(seed)
        copies = Problem(
            np.tile(problem.X, (1, 2)), problem.y, filter_size=2, stride=2, beta=0.1, architecture="three-layer"
        )
        assert np.array_equal(copies.patches, problem.patches)
        assert solve(copies, tol=1e-8).objective == pytest.approx(solve(problem, tol=1e-8).objective, rel=1e-7)


def test_more_filters_are_never_worse_and_one_is_the_plain_network():
    one, two = solve(parallel(0, parallel=1), tol=1e-8), solve(parallel(0), tol=1e-8)
    plain = Problem(one.problem.X, one.problem.y, filter_size=2, beta=0.1, architecture="three-layer")
    assert one.problem == plain
    # with one filter the second ReLU does nothing: two layers
    flat = Problem(one.problem.X, one.problem.y, filter_size=2, beta=0.1)
    assert solve(flat, tol=1e-8).objective == pytest.approx(one.objective, rel=1e-7)
    assert two.objective <= one.objective * (1 + 1e-9)


def test_every_window_is_seen_so_often():
    geometry = PatchGeometry((4,), (2,), (2,), copies=3)
    once = patch_geometry((4,), 2, 2)
    X = np.random.default_rng(0).standard_normal((2, 4))
    assert (geometry.K, geometry.grid) == (6, (2,))
    assert np.array_equal(geometry.extract(X), np.tile(once.extract(X), (3, 1, 1)))
    assert geometry.corners.tolist() == [[0], [2]] * 3
    assert geometry != once
    assert geometry.to_dict() == once.to_dict()


def test_gradients_scaling_files_path_audit_and_layers():
    problem = parallel(1, n=3, d=4, filter_size=3, bias="output")
    assert problem.architecture.geometry.K == 4
    check_gradients(problem)
    check_scaling(problem)
    problem = parallel(2, n=3)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    trained = train_sgd(problem, seeds=[0], iterations=200)
    assert trained.best_objective[0] >= solution.lower_bound
    verdict = audit(problem, trained.best_networks[0])
    assert solution.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    network = Network(problem.architecture, [[1.0, 0.0, 0.0, 1.0]], [2.0], [[1.0, -1.0]])
    (branch,) = layers_of(network.architecture, network.parameters, network.free).branches
    assert branch.filters.shape == (1, 2, 2)
    assert network.predict([[3.0, 1.0], [1.0, 3.0]]).tolist() == [4.0, 0.0]


@pytest.mark.slow
def test_no_local_search_finds_better():
    problem = parallel(0, n=3)
    check_local_search(problem, solve(problem, tol=1e-8))


def test_the_script_and_the_network_it_maps_back_to(capsys):
    problem = parallel(2, n=3)
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sharing": "shared"}, "parallel: got 2 with a shared filter"),
        ({"sharing": "shared", "relaxation": "lifted"}, "parallel: got 2 with a shared filter"),
        ({"parallel": 0}, "parallel: got 0, expected an integer in"),
        ({"parallel": 9}, "parallel: got 9, expected an integer in"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_architecture("three-layer", patch_geometry((4,), 2, 2), **{"parallel": 2, **options})
    assert ThreeLayerCNN(patch_geometry((4,), 2, 2)).options == {"sharing": "per-patch", "relaxation": "frobenius"}


def test_command_line_report_and_pictures(tmp_path, capsys):
    page = tmp_path / "report.html"
    X = tmp_path / "X.csv"
    problem = parallel(2, n=3)
    np.savetxt(X, np.column_stack([problem.X, problem.y]), delimiter=",", header="a,b,y", comments="")
    arguments = ["--data", str(X), "--filter-size", "2", "--architecture", "three-layer", "--parallel", "2"]
    assert main(["solve", *arguments, "--beta", "0.1", "--exact"]) == 0
    assert "parallel 2" in capsys.readouterr().out
    solution = solve(problem)
    assert solution.plot() is not None
    solution.report(page)
    assert main(["verify", str(page)]) == 0

"""Lifted programs: exact flatten layers and exact l2 outputs, for patch rows of rank up to four."""

import threading

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import best_found, check_gradients, check_local_search, check_scaling, gaussian_problem
from few_cases import few
from problem_cases import patch_problem

from convex_core import (
    Exactness,
    InputError,
    Network,
    Problem,
    Scope,
    SizeError,
    Status,
    audit,
    certify,
    cvxpy_script,
    solve,
    whole_cvxpy_script,
)
from convex_core.architectures import (
    LiftedFlattenCNN,
    LiftedVectorOutputs,
    TwoLayerCNN,
    lifted_cells,
    make_activation,
    make_architecture,
    three_layer_lifted,
)
from convex_core.arrangement import enumerate_patterns
from convex_core.patches import patch_geometry
from convex_core.progress import Budget, _wait
from convex_core.solvers.search import enumerated_pricer


def flat(seed, n=4, K=2, h=2, relaxation="lifted", beta=0.1):
    return gaussian_problem("flatten", seed, n, K, h, beta, relaxation=relaxation)


def vector(seed, q=2, n=4, K=2, h=2, relaxation="lifted", beta=0.1, **options):
    rng = np.random.default_rng(seed)
    patches, Y = rng.standard_normal((K, n, h)), rng.standard_normal((n, q))
    options |= {"outputs": q, "output_norm": "l2", "relaxation": relaxation}
    architecture = make_architecture("two-layer", patch_geometry((K * h,), h, h), **options)
    return Problem(patches.transpose(1, 0, 2).reshape(n, K * h), Y, architecture=architecture, beta=beta)


CASES = {
    "flatten": (flat, (0.22024592, 0.09910837, 0.22263857)),
    "two outputs": (vector, (0.34719691, 0.22961215, 0.21131755)),
    "two outputs of filters of 3": (lambda seed: vector(seed, K=1, h=3), (0.55224541, 0.30487082, 0.30738559)),
}


def check_exact(problem, solution, tol=1e-7):
    """A certified optimum, with blocks that have the outputs and the price of the network they become."""
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.network_objective == pytest.approx(solution.objective, rel=tol)
    assert solution.lower_bound == pytest.approx(solution.objective, rel=tol)
    network = Network(problem.architecture, solution.network.filters, solution.network.weights)
    loss = 0.5 * np.sum((network.predict(problem.X).ravel() - problem.y) ** 2)
    assert loss + problem.beta * network.regulariser == pytest.approx(solution.objective, rel=tol)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", few(range(3)))
def test_numbers_to_reproduce(case, seed):
    make, values = CASES[case]
    problem = make(seed)
    solution = solve(problem, tol=1e-8)
    assert solution.objective == pytest.approx(values[seed], abs=1e-8)
    check_exact(problem, solution)


def test_a_cell_by_cell_model_in_coordinates_of_extreme_rays_agrees():
    """With ``u = E a``, a >= 0: U = E N E^T with N psd and not negative, and no row of any cell."""
    problem = flat(0)
    K, n, h = problem.patches.shape
    rows = problem.patches.reshape(K * n, h)
    fit: cp.Expression = -problem.y
    penalty, constraints = 0.0, []
    for pattern in enumerate_patterns(rows).active():
        facing = (2.0 * pattern - 1.0)[:, None] * rows
        rays = np.concatenate([rows, -rows]) @ np.array([[0.0, 1.0], [-1.0, 0.0]])
        E = np.unique((rays[(facing @ rays.T >= -1e-12).all(axis=0)]).round(12), axis=0).T
        Z, N, W = cp.Variable((K, h)), cp.Variable((2, 2), symmetric=True), cp.Variable((K, K), symmetric=True)
        U = E @ N @ E.T
        lift = cp.bmat([[W, Z], [Z.T, U]])
        constraints += [0.5 * (lift + lift.T) >> 0, N >> 0, N >= 0]
        penalty = penalty + 0.5 * (cp.trace(W) + cp.trace(U))
        D = pattern.reshape(K, n)
        fit = fit + sum((D[k][:, None] * problem.patches[k]) @ Z[k] for k in range(K))
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit) + problem.beta * penalty), constraints)
    model.solve(solver=cp.CLARABEL)
    assert solve(problem, tol=1e-8).objective == pytest.approx(model.value, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_it_is_between_the_cone_program_and_every_network(seed):
    cone, lifted = solve(flat(seed, relaxation="cone"), tol=1e-8), solve(flat(seed), tol=1e-8)
    assert cone.lower_bound <= lifted.network_objective
    assert cone.objective <= lifted.objective * (1.0 + 1e-8)
    if seed == 0:  # where the nuclear norm is a bound only
        assert cone.objective < lifted.lower_bound * (1.0 - 1e-2)
    assert cone.network_objective >= lifted.lower_bound


# -- special cases that must coincide
def test_one_patch_is_the_two_layer_network():
    total = patch_problem(2, n=5, K=1)
    one = Problem(total.X, total.y, architecture=LiftedFlattenCNN(total.architecture.geometry), beta=total.beta)
    solution = solve(one, tol=1e-8)
    check_exact(one, solution)
    assert solution.objective == pytest.approx(solve(total, tol=1e-9).objective, rel=1e-7)


def test_outputs_without_targets_leave_the_network_of_the_other():
    total = patch_problem(1, n=4, K=2)
    two = LiftedVectorOutputs(total.architecture, 2)
    problem = Problem(total.X, np.column_stack([total.y, 0.0 * total.y]), architecture=two, beta=total.beta)
    assert solve(problem, tol=1e-8).objective == pytest.approx(solve(total, tol=1e-9).objective, rel=1e-7)


@pytest.mark.slow
def test_equal_outputs_are_one_of_sqrt_two_times_the_targets():
    total = patch_problem(1, n=4, K=2)
    twice = Problem(total.X, np.sqrt(2.0) * total.y, architecture=total.architecture, beta=total.beta)
    two = LiftedVectorOutputs(total.architecture, 2)
    problem = Problem(total.X, np.column_stack([total.y, total.y]), architecture=two, beta=total.beta)
    assert solve(problem, tol=1e-8).objective == pytest.approx(solve(twice, tol=1e-9).objective, rel=1e-7)


def test_filters_of_one_entry_need_no_constraint():
    problem = flat(3, n=4, K=3, h=1)
    assert problem.architecture.hyperplanes(problem.patches).shape == (0, 10)
    lifted, cone = solve(problem, tol=1e-8), solve(flat(3, n=4, K=3, h=1, relaxation="cone"), tol=1e-8)
    check_exact(problem, lifted)
    assert lifted.objective == pytest.approx(cone.objective, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["leaky", "absolute", "residual"])
def test_other_activations_are_exact_too(name):
    geometry = patch_geometry((4,), 2, 2)
    single = TwoLayerCNN(geometry, "mean", make_activation(name))
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, 4)), rng.standard_normal((3, 2))
    problem = Problem(X, Y, architecture=LiftedVectorOutputs(single, 2), beta=0.1)
    solution = solve(problem, tol=1e-7)
    check_exact(problem, solution)
    assert best_found(problem, solution.objective) == pytest.approx(solution.objective, rel=1e-6)


# -- data that are not generic
def _zero(X):
    X[1] = 0.0


def _repeated(X):
    X[1] = X[0]


def _equal_patches(X):
    X[:, 2:] = X[:, :2]


def _opposite_patches(X):
    X[:, 2:] = -X[:, :2]


def _rank_one(X):
    X[:] = np.outer(X[:, 0], np.ones(4))


def _nothing(X):
    X[:] = 0.0


@pytest.mark.slow
@pytest.mark.parametrize("change", [_zero, _repeated, _equal_patches, _opposite_patches, _rank_one, _nothing])
def test_degenerate_data(change):
    X = flat(5).X.copy()
    change(X)
    problem = Problem(X, flat(5).y, architecture=flat(5).architecture, beta=0.1)
    solution = solve(problem, tol=1e-7)
    check_exact(problem, solution)
    assert best_found(problem, solution.objective, seeds=6) >= solution.lower_bound * (1.0 - 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2])
def test_few_samples(n):
    problem = flat(7, n=n)
    solution = solve(problem, tol=1e-7)
    check_exact(problem, solution)
    check_local_search(problem, solution)


def test_a_large_beta_leaves_the_zero_network():
    problem = flat(0, beta=100.0)
    for method in ("auto", "clarabel"):
        solution = solve(problem, method=method)
        assert (solution.status, solution.network.m) == (Status.OPTIMAL, 0)
        assert solution.objective == pytest.approx(0.5 * problem.y @ problem.y)


# -- cells
@pytest.mark.parametrize("make", [flat, vector])
def test_forward_pass_gradients_and_scaling(make):
    check_gradients(make(3))
    check_scaling(make(3))


@pytest.mark.parametrize("problem", [flat(1, K=3), flat(1, n=5, h=3), vector(2, h=4, n=3)], ids=["h2", "h3", "h4"])
def test_a_neuron_is_in_the_cone_of_its_own_piece(problem):
    architecture, rng = problem.architecture, np.random.default_rng(0)
    factory = enumerated_pricer(problem, budget=Budget()).factory
    r, h = architecture.fan_out, architecture.base.geometry.h
    x = rng.standard_normal((40, r + h))
    parameters = {"filters": x[:, r:], "weights": x[:, :r]}
    C = lifted_cells.symmetric_vectors(x[:, :, None] * x[:, None, :])
    codes = architecture.codes(problem.patches, parameters)
    blocks = factory.blocks(codes, np.ones(40, dtype=np.int8))
    assert (blocks.sides * (C @ blocks.rows.T)).min() >= -1e-12
    outputs = np.einsum("bnp,bp->nb", blocks.G, C)
    assert outputs == pytest.approx(architecture.outputs(problem.patches, parameters))
    assert architecture.penalty.norm(C) == pytest.approx(architecture.costs(parameters))
    # and back: one neuron, with the same outputs at no higher cost
    back = Network.from_parameters(architecture, architecture.neurons(C, blocks.sign, codes, problem.patches))
    assert back.predict(problem.X).ravel() == pytest.approx(outputs.sum(axis=1))
    assert back.regulariser == pytest.approx(architecture.costs(parameters).sum())


def test_a_block_of_many_neurons_goes_back_to_neurons_at_the_same_price():
    problem = flat(1, n=5, h=3)
    architecture, rng = problem.architecture, np.random.default_rng(0)
    pieces = architecture._pieces(problem.patches)
    for k in (0, 7, 20):
        F = pieces.facets[k][pieces.given[k]]
        a = rng.exponential(size=(6, len(F)))
        u = a @ np.linalg.pinv(F).T
        u = u[(u @ F.T >= 0.0).all(axis=1)]
        x = np.hstack([rng.standard_normal((len(u), 2)), u])
        C = lifted_cells.symmetric_vectors((x.T @ x)[None])
        back = architecture.neurons(C, np.array([-1], dtype=np.int8), pieces.codes[k : k + 1], problem.patches)
        assert (back["filters"] @ F.T).min() >= -1e-9
        network = Network.from_parameters(architecture, back)
        assert network.predict(problem.X) == pytest.approx(
            -architecture.outputs(problem.patches, {"filters": u, "weights": x[:, :2]}).sum(axis=1), abs=1e-8
        )
        assert network.regulariser <= architecture.penalty.norm(C)[0] * (1.0 + 1e-8)


@pytest.mark.slow
def test_cells_with_many_facets_are_cut_and_the_program_stays_exact():
    problem = flat(1, n=4, K=2, h=3)
    cells = len(enumerate_patterns(problem.patches.reshape(-1, 3)))
    solution = solve(problem, tol=1e-7)
    assert solve(problem, time_limit=1e-9).patterns_bound >= solution.patterns > cells == 58
    check_exact(problem, solution)


@pytest.mark.slow
@pytest.mark.parametrize("problem", [flat(1, n=4, h=3), flat(0, n=2, h=4), vector(1, n=3, q=3)], ids=["h3", "h4", "q3"])
def test_local_searches_end_at_its_value(problem):
    check_local_search(problem, solve(problem, tol=1e-7))


@pytest.mark.slow
def test_no_network_is_below_the_bound():
    rng = np.random.default_rng(0)
    for seed in range(8):
        h, n, K, beta = int(rng.integers(1, 4)), int(rng.integers(1, 5)), 2, float(rng.choice([0.03, 0.1, 0.5]))
        problem = (flat if seed % 2 else vector)(seed, n=n, K=K if h < 3 else 1, h=h, beta=beta)
        solution = solve(problem, tol=1e-6)
        # in thin cells the conic solver ends early, and the certificate says so
        assert (solution.scope, solution.exactness) == (Scope.GLOBAL, Exactness.EXACT)
        assert solution.relative_gap <= 1e-4
        assert best_found(problem, solution.objective, seeds=4) >= solution.lower_bound * (1.0 - 1e-10)


# -- around it
def test_certificates_of_any_network():
    problem = flat(0)
    solution = solve(problem, tol=1e-8)
    again = certify(problem, solution.network, dual=solution.certificate.dual)
    assert again.lower_bound == pytest.approx(solution.lower_bound, rel=1e-6)
    assert again.rounding > 0.0
    found = audit(problem, solution.network)
    assert found.certificate.lower_bound <= found.own_objective <= found.certificate.objective


@pytest.mark.slow
@pytest.mark.parametrize("problem", [flat(0), flat(1, n=4, h=3), vector(0)], ids=["flatten", "cut", "outputs"])
def test_the_script_finds_the_value_and_a_network_of_it(problem, capsys):
    solution = solve(problem, tol=1e-8)
    for text in (whole_cvxpy_script(problem), cvxpy_script(problem, solution.active, complete=False)):
        scope: dict = {}
        exec(compile(text, "script", "exec"), scope)
        assert scope["problem"].value == pytest.approx(solution.objective, rel=1e-5)
        # in a thin cell the way back magnifies what the solver leaves of its inequalities
        assert solution.lower_bound <= scope["value"] <= solution.objective * (1.0 + 1e-2)
    assert "Exact: the value of the whole program is the optimum" in text


@pytest.mark.parametrize("limit", [{"max_rounds": 1}, {"time_limit": 1e-9}])
def test_a_run_that_is_cut_short_is_valid(limit):
    problem = flat(0)
    solution = solve(problem, **limit)
    assert solution.status in (Status.ITERATION_LIMIT, Status.TIME_LIMIT)
    assert solution.lower_bound <= 0.22024593 <= solution.network_objective


def test_what_is_too_large_is_refused_in_one_sentence():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="patch rows of rank 5, expected at most 4"):
        solve(flat(0, n=6, K=1, h=5))
    with pytest.raises(SizeError, match=r"got up to .* cells of 60 patch rows, expected at most 1,000"):
        solve(flat(0, n=30, K=2, h=4))
    few = Problem(rng.standard_normal((4, 6)), rng.standard_normal(4), architecture="flatten", filter_size=6, beta=0.1)
    lifted = Problem(few.X, few.y, architecture=LiftedFlattenCNN(few.architecture.geometry), beta=0.1)
    check_exact(lifted, solve(lifted, tol=1e-7))  # long filters, but four samples
    with pytest.raises(InputError, match="expected sum or mean pooling"):
        vector(0, pooling="max")
    with pytest.raises(InputError, match="code of no piece"):
        flat(0).architecture.sides(np.zeros((1, 9), dtype=bool), flat(0).patches)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flatten", {"relaxation": "lifted"}),
        ("two-layer", {"outputs": 2, "output_norm": "l2", "relaxation": "lifted"}),
        ("three-layer", {"sharing": "shared", "relaxation": "lifted"}),
    ],
)
def test_pieces_that_take_longer_than_the_time_limit_are_not_waited_for(name, options, monkeypatch, ticking):
    """The answer asked for the number of bits of a code, and with it for the pieces: minutes over the limit."""
    found, go = [], threading.Event()

    def hangs(base, patches):
        found.append(threading.current_thread() is threading.main_thread())
        ticking.now += 60.0  # all the time there is
        ticking.wait = 0.01
        go.wait(60.0)
        raise AssertionError("nobody waits for this")

    monkeypatch.setattr(lifted_cells, "pieces_of_cells", hangs)
    monkeypatch.setattr(three_layer_lifted, "pieces_of_cells", hangs)
    architecture = make_architecture(name, patch_geometry((3,), 2), **options)
    rng = np.random.default_rng(0)
    y = rng.standard_normal((3, 2) if architecture.q == 2 else 3)
    problem = Problem(rng.standard_normal((3, 3)), y, architecture=architecture, beta=0.1)
    try:
        solution = solve(problem, time_limit=60.0)
    finally:
        go.set()
        _wait()
    assert found == [False]
    assert solution.status is Status.TIME_LIMIT
    assert (solution.network.m, solution.active.shape[0]) == (0, 0)

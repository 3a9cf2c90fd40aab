"""Several outputs with the Euclidean norm on the weights: a chain of bounds, exact where blocks have rank one."""

import itertools
import json

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import check_gradients, check_local_search, check_model_file, check_scaling, random_network
from few_cases import few
from problem_cases import GATED_OPTIMA, TWO_LAYER_OPTIMA, patch_problem

from convex_core import (
    Dataset,
    Exactness,
    InputError,
    Network,
    Problem,
    Scope,
    SizeError,
    Status,
    certify,
    save_dataset,
)
from convex_core import solve as solve_to
from convex_core.architectures import LinearCNN, TwoLayerCNN, VectorOutputsL2, make_architecture
from convex_core.arrangement import enumerate_patterns
from convex_core.auditing import audit
from convex_core.cli.entry import main
from convex_core.losses import SoftmaxLoss
from convex_core.networks.recovery import balanced, recover
from convex_core.patches import patch_geometry
from convex_core.progress import Budget
from convex_core.solvers.search import enumerated_pricer, sampled_pricer
from convex_core.training.multistart import local_search
from convex_core.training.sgd import train_sgd


def solve(problem, **options):
    return solve_to(problem, **{"tol": 1e-7, **options})


def l2_problem(seed, n=4, K=2, q=2, loss=None, Y=None, beta=0.1, **options):
    """Gaussian patches and targets; class labels with the softmax loss."""
    single = patch_problem(seed, n=n, K=K)
    rng = np.random.default_rng(seed + 100)
    if Y is None:
        Y = rng.standard_normal((n, q)) if loss is None else rng.permutation(np.arange(n) % q)
    options = {"output_norm": "l2", **options}
    architecture = make_architecture("two-layer", single.architecture.geometry, outputs=q, **options)
    return Problem(single.X, Y, architecture=architecture, beta=beta, loss=loss)


def own_objective(problem, network):
    """One sample, one neuron at a time, with the loss and the penalty from their definitions."""
    F, Y = np.zeros((problem.n, problem.architecture.q)), problem.y.reshape(problem.n, -1)
    for i, j in itertools.product(range(problem.n), range(network.m)):
        F[i] += sum(max(0.0, float(x @ network.filters[j])) for x in problem.patches[:, i]) * network.weights[j]
    if isinstance(problem.loss, SoftmaxLoss):
        loss = -np.sum(Y * np.log(np.exp(F) / np.exp(F).sum(axis=1, keepdims=True)))
    else:
        loss = 0.5 * np.sum((F - Y) ** 2)
    return loss + 0.5 * problem.beta * (np.sum(network.filters**2) + np.sum(network.weights**2))


def independent_optimum(problem, cone):
    """The program, cell by cell, in CVXPY."""
    K, n, h = problem.patches.shape
    q, Y, M = problem.architecture.q, problem.y.reshape(problem.n, -1), problem.patches.reshape(K * n, h)
    F, penalty, constraints = 0.0, 0.0, []
    for active in enumerate_patterns(M).active():
        G = np.einsum("kn,knh->nh", active.reshape(K, n), problem.patches)
        A = (2.0 * active - 1.0)[:, None] * M
        for s in itertools.product((1.0, -1.0), repeat=q) if cone else [()]:
            Z = cp.Variable((h, q))
            F = F + G @ Z
            penalty = penalty + cp.normNuc(Z)
            constraints += [A @ Z @ np.diag(s) >= 0] if cone else []
    if isinstance(problem.loss, SoftmaxLoss):
        loss = cp.sum(cp.log_sum_exp(F, axis=1)) - cp.sum(cp.multiply(Y, F))
    else:
        loss = 0.5 * cp.sum_squares(F - Y)
    model = cp.Problem(cp.Minimize(loss + problem.beta * penalty), constraints)
    model.solve(solver=cp.CLARABEL)
    return model.value


@pytest.mark.parametrize("options", [{}, {"relaxation": "plain"}, {"pooling": "mean"}, {"pooling": "max"}])
@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
def test_forward_pass_gradients_and_scaling(options, loss):
    problem = l2_problem(3, q=3, loss=loss, **options)
    if "pooling" not in options:
        network = random_network(problem, 4, seed=1)
        assert problem.objective(network) == pytest.approx(own_objective(problem, network))
    check_gradients(problem)
    check_scaling(problem)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
@pytest.mark.parametrize("relaxation", ["cone", "plain"])
def test_an_independent_cvxpy_model_agrees(relaxation, loss):
    problem = l2_problem(1, n=3, loss=loss, relaxation=relaxation)
    expected = independent_optimum(problem, relaxation == "cone")
    for method in ("column-generation", "clarabel", "cvxpy"):
        solution = solve(problem, method=method)
        assert solution.objective == pytest.approx(expected, rel=1e-6)
        assert solution.lower_bound == pytest.approx(expected, rel=1e-6)
        assert solution.scope is Scope.GLOBAL


@pytest.mark.parametrize("seed", few([0, 1, 2]))
def test_an_output_with_nothing_to_fit_leaves_the_network_with_one_output(seed):
    # rows of Z without targets only cost, and a matrix of one row has its Euclidean norm
    single = patch_problem(seed)
    Y = np.stack([np.zeros(6), single.y], axis=1)
    solution = solve(l2_problem(seed, n=6, K=3, Y=Y))
    assert solution.status is Status.OPTIMAL
    assert solution.network_objective == pytest.approx(TWO_LAYER_OPTIMA[seed], abs=2e-7)
    plain = solve(l2_problem(seed, n=6, K=3, Y=Y, relaxation="plain"))
    assert plain.objective == pytest.approx(GATED_OPTIMA[seed], abs=1e-4)
    assert plain.status is Status.BOUND_REACHED


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_chain_of_bounds(seed, loss):
    plain, cone = (solve(l2_problem(seed, loss=loss, relaxation=name)) for name in ("plain", "cone"))
    assert (plain.exactness, cone.exactness) == (Exactness.BOUND_ONLY, Exactness.EXACT_IF_RANK_ONE)
    assert plain.objective < cone.lower_bound * (1.0 - 1e-2)
    found = cone.problem.objective(local_search(cone.problem, m=5, starts=2, polish=False))
    for objective in (found, cone.network_objective, plain.network_objective):
        assert cone.lower_bound <= objective
    for solution in (plain, cone):
        assert own_objective(solution.problem, solution.network) == pytest.approx(solution.network_objective)
    # the same network with the l1 norm of its weights is never cheaper
    ones = solve(l2_problem(seed, loss=loss, output_norm="l1"))
    assert cone.lower_bound <= ones.network_objective
    as_l2 = Network(cone.problem.architecture, ones.network.filters, ones.network.weights)
    assert cone.lower_bound <= cone.problem.objective(as_l2) <= ones.network_objective * (1.0 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
def test_blocks_of_rank_one_are_a_network_that_no_local_search_improves(loss):
    problem = l2_problem(0, loss=loss)
    solution = solve(problem)
    assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-7)
    check_local_search(problem, solution)


def test_blocks_of_rank_two_are_only_a_bound():
    problem = l2_problem(2)
    solution = solve(problem)
    assert solution.status is Status.BOUND_REACHED
    singular = np.linalg.svd(solution.C.reshape(-1, 2, 2), compute_uv=False)
    assert singular[:, 1].max() > 0.1
    # the rows of such a block are neurons of one output each: the same outputs at a higher price
    mapped = recover(problem.architecture, problem.patches, solution.C, solution.sign, solution.active)
    assert problem.objective(mapped) > solution.objective * (1.0 + 1e-2)
    blocks = enumerated_pricer(problem, budget=Budget()).factory.blocks(solution.active, solution.sign)
    f = np.einsum("bnp,bp->n", blocks.G, solution.C).reshape(problem.n, -1)
    assert mapped.predict(problem.X) == pytest.approx(f, abs=1e-6)
    # the network is the local minimum below it
    assert solution.network_objective < problem.objective(mapped) * (1.0 - 1e-3)
    found = problem.objective(local_search(problem, m=5, starts=4, seed=0, polish=False))
    assert solution.lower_bound < found * (1.0 - 1e-3)
    assert solution.network_objective == pytest.approx(found, rel=1e-3)


def test_proportional_targets_are_one_output():
    # with targets y a^T the weights are multiples of a, |a| = 1: the l1 norm would pay for each output
    single = patch_problem(1, n=4, K=2)
    problem = l2_problem(1, Y=np.outer(single.y, [0.6, -0.8]))
    solution = solve(problem)
    expected = solve(single, tol=1e-9).network_objective
    assert solution.network_objective == pytest.approx(expected, rel=1e-6)
    w = solution.network.weights
    assert np.abs(0.8 * w[:, 0] + 0.6 * w[:, 1]).max() <= 1e-3 * np.abs(w).max()
    assert solve(l2_problem(1, Y=np.outer(single.y, [0.6, -0.8]), output_norm="l1")).lower_bound > 1.1 * expected


def test_a_rank_one_block_is_in_the_cone_of_its_neuron_alone():
    problem = l2_problem(1, q=3)
    architecture = problem.architecture
    pricer = enumerated_pricer(problem, budget=Budget())
    base = len(enumerate_patterns(problem.patches.reshape(-1, 2)))
    listed = pricer.patterns.active()
    assert len(listed) == len(np.unique(listed, axis=0)) == 4 * base == pricer.factory.predicted
    network = random_network(problem, 20, seed=2)
    codes = architecture.codes(problem.patches, network.parameters)
    first = np.where(network.weights[:, 0] >= 0.0, 1, -1).astype(np.int8)
    Z = np.einsum("m,mq,mh->mqh", first, network.weights, network.filters).reshape(20, -1)
    blocks = pricer.factory.blocks(codes, first)
    outputs = np.einsum("bnp,bp->nb", blocks.G, Z)
    assert outputs == pytest.approx(architecture.outputs(problem.patches, network.parameters))
    inside = (pricer.factory.sides(listed)[:, None] * (Z @ blocks.rows.T)[None] >= 0.0).all(axis=2)
    assert (inside.sum(axis=0) == 1).all()
    assert np.array_equal(listed[inside.argmax(axis=0)], codes)
    # and back, with the same cost
    back = Network.from_parameters(architecture, architecture.neurons(Z, first, codes, problem.patches))
    assert back.predict(problem.X) == pytest.approx(network.predict(problem.X))
    assert back.regulariser == pytest.approx(architecture.penalty.norm(Z).sum())
    assert back.regulariser == pytest.approx(balanced(network).regulariser)


@pytest.mark.slow
def test_the_bound_stands_without_the_library():
    for loss, relaxation in itertools.product((None, SoftmaxLoss()), ("cone", "plain")):
        problem = l2_problem(0, n=5, q=3, loss=loss, relaxation=relaxation)
        solution = solve(problem)
        V, Y = solution.dual.reshape(5, 3), problem.y.reshape(5, 3)
        # atoms of this network: |v . phi| = ||V^T phi_u||_2 at the best w for each u
        angles = np.linspace(0.0, 2.0 * np.pi, 50_001)
        phi = np.maximum(problem.patches @ np.stack([np.cos(angles), np.sin(angles)]), 0.0).sum(axis=0)
        assert np.linalg.norm(V.T @ phi, axis=0).max() <= problem.beta * (1.0 + 1e-12)
        P = Y - V
        lower = 0.5 * np.sum(Y**2) - 0.5 * np.sum((V - Y) ** 2) if loss is None else -np.sum(P * np.log(P))
        assert solution.lower_bound == pytest.approx(lower, rel=1e-9)
        if loss is not None:
            assert P.min() > 0.0
            assert P.sum(axis=1) == pytest.approx(np.ones(5))


@pytest.mark.slow
def test_max_pooling_has_the_winners_cells_times_signs():
    problem = l2_problem(2, pooling="max")
    solution = solve(problem)
    assert solution.scope is Scope.GLOBAL
    assert solution.lower_bound <= problem.objective(local_search(problem, m=4, starts=2, polish=False))
    one = make_architecture("two-layer", problem.architecture.geometry, pooling="max")
    y = problem.y.reshape(4, 2)[:, 0]
    alone = solve(l2_problem(2, pooling="max", Y=np.stack([y, 0.0 * y], axis=1)))
    expected = solve(Problem(problem.X, y, architecture=one, beta=problem.beta), tol=1e-9)
    assert alone.network_objective == pytest.approx(expected.network_objective, rel=1e-6)


def test_any_network_is_judged():
    problem = l2_problem(0, loss=SoftmaxLoss())
    optimum = solve(problem)
    network = random_network(problem, 3, seed=5)
    judged = audit(problem, network)
    assert judged.certificate.objective == pytest.approx(own_objective(problem, network))
    assert judged.certificate.lower_bound <= optimum.objective * (1.0 + 1e-7)
    assert optimum.lower_bound <= judged.own_objective <= problem.objective(balanced(network))
    sampled = certify(problem, network, pricer=sampled_pricer(problem, seed=0))
    assert sampled.scope is Scope.RESTRICTED
    run = train_sgd(problem, seeds=(0,), iterations=300)
    assert optimum.lower_bound <= run.best_objective.min()


@pytest.mark.parametrize("options", [{}, {"pooling": "max", "pool_size": 1, "relaxation": "plain"}])
def test_model_files_keep_the_norm_and_the_relaxation(options):
    problem = l2_problem(1, n=3, **options)
    solution = solve(problem, tol=1e-5)
    check_model_file(solution.network, problem, solution)


def test_what_does_not_fit_is_refused():
    geometry = patch_geometry((4,), 2)
    for options, message in (
        ({"outputs": 2, "output_norm": "l3"}, "output_norm: got 'l3', expected one of l1, l2"),
        ({"outputs": 2, "output_norm": "l2", "relaxation": "l1"}, "relaxation: got 'l1', expected one of cone, plain"),
        ({"outputs": 2, "relaxation": "plain"}, "relaxation: got 'plain' where the two-layer program is exact"),
        (
            {"output_norm": "l2", "relaxation": "cone"},
            "expected it only with at least 2 outputs and the output norm l2",
        ),
        ({"outputs": 0, "output_norm": "l2"}, "outputs: got 0"),
    ):
        with pytest.raises(InputError, match=message):
            make_architecture("two-layer", geometry, **options)
    with pytest.raises(InputError, match="output_norm: got 'l2' for the architecture 'linear'"):
        make_architecture("linear", geometry, output_norm="l2")
    with pytest.raises(InputError, match="outputs: got 2 with the architecture 'linear', expected a single output"):
        VectorOutputsL2(LinearCNN(geometry), 2)
    with pytest.raises(SizeError, match="4 sign choices for each pattern, expected at most 3 cells"):
        solve(l2_problem(0, q=3), method="column-generation", max_patterns=3)
    # with one output both norms are |w|
    assert make_architecture("two-layer", geometry, output_norm="l2") == TwoLayerCNN(geometry)


def test_command_line(tmp_path, capsys):
    problem = l2_problem(0, loss=SoftmaxLoss())
    labels = problem.y.reshape(4, 2).argmax(axis=1)
    data, model = str(tmp_path / "data.npz"), str(tmp_path / "model.npz")
    save_dataset(Dataset("two", problem.X, labels), data)
    base = ["--data", data, "--filter-size", "2", "--stride", "2", "--beta", "0.1", "--loss", "softmax", "--json"]
    assert main(["solve", *base, "--output-norm", "l2", "--out", model]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert (solved["outputs"], solved["output_norm"], solved["relaxation"]) == (2, "l2", "cone")
    assert (solved["scope"], solved["exactness"]) == ("global", "exact if rank one")
    assert solved["lower_bound"] == pytest.approx(solve(problem).lower_bound, rel=1e-5)
    assert main(["audit", model, "--data", data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lower_bound"] <= solved["network_objective"]
    assert main(["solve", *base, "--relaxation", "plain"]) == 2
    assert "relaxation: got 'plain' where the two-layer program is exact" in capsys.readouterr().err

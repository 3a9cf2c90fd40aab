"""Several outputs: separate problems under a loss that is a sum over outputs, coupled and exact under softmax."""

import itertools
import json

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import check_gradients, check_model_file, check_scaling, random_network
from problem_cases import brute_force_tau, patch_problem
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from convex_core import (
    Dataset,
    Exactness,
    InputError,
    Problem,
    Scope,
    Status,
    TwoLayerCNN,
    beta_max,
    certify,
    load_dataset,
    save_dataset,
    solve,
    train_sgd,
)
from convex_core.architectures import LinearCNN, VectorOutputs, make_architecture
from convex_core.arrangement import enumerate_patterns
from convex_core.auditing import audit, own_patterns
from convex_core.cli.entry import main
from convex_core.losses import LogisticLoss, SoftmaxLoss
from convex_core.networks.classes import confusion_matrix
from convex_core.networks.recovery import balanced
from convex_core.patches import patch_geometry
from convex_core.progress import Budget
from convex_core.solvers.search import enumerated_pricer, make_pricer, sampled_pricer, searched_pricer


def vector_problem(seed, q=3, loss=None, n=6, K=3, beta=0.1, pooling="sum"):
    single = patch_problem(seed, n=n, K=K)
    labels = np.random.default_rng(seed + 100).permutation(np.arange(n) % q)
    architecture = make_architecture("two-layer", single.architecture.geometry, pooling=pooling, outputs=q)
    return Problem(single.X, labels, architecture=architecture, beta=beta, loss=loss)


def loop_outputs(problem, network):
    """One sample, one neuron at a time, (n, q)."""
    out = np.zeros((problem.n, problem.architecture.q))
    for i, j in itertools.product(range(problem.n), range(network.m)):
        out[i] += sum(max(0.0, float(x @ network.filters[j])) for x in problem.patches[:, i]) * network.weights[j]
    return out


def softmax_objective(problem, network):
    """Cross-entropy of the labels and the penalty, from the definition."""
    F, Y = loop_outputs(problem, network), problem.y.reshape(problem.n, -1)
    probabilities = np.exp(F) / np.exp(F).sum(axis=1, keepdims=True)
    u, w = network.filters, network.weights
    cost = 0.5 * np.sum(np.sum(u**2, axis=1) + np.sum(np.abs(w), axis=1) ** 2)
    return -np.sum(Y * np.log(probabilities)) + problem.beta * cost


@pytest.mark.parametrize("pooling", ["sum", "mean", "max"])
def test_forward_pass_gradients_and_scaling(pooling):
    problem = vector_problem(3, pooling=pooling)
    network = random_network(problem, 3, seed=1)
    if pooling == "sum":
        assert network.predict(problem.X) == pytest.approx(loop_outputs(problem, network))
    check_gradients(problem)
    check_scaling(problem)


@pytest.mark.parametrize("pooling", ["sum", "max"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_squared_loss_gives_one_problem_for_each_output(seed, pooling):
    problem = vector_problem(seed, pooling=pooling)
    single = make_architecture("two-layer", problem.architecture.geometry, pooling=pooling)
    Y = problem.y.reshape(problem.n, -1)
    alone = [
        solve(Problem(problem.X, y, architecture=single, beta=problem.beta), tol=1e-10).network_objective for y in Y.T
    ]
    solution = solve(problem, tol=1e-9)
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.network_objective == pytest.approx(sum(alone), rel=1e-9)
    assert (np.count_nonzero(solution.network.weights, axis=1) == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel", "cvxpy", "sampled"])
@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
def test_every_method_agrees(method, loss):
    problem = vector_problem(0, loss=loss)
    reference = solve(problem, tol=1e-8)
    other = solve(problem, method=method, tol=1e-6)
    assert other.network_objective == pytest.approx(reference.network_objective, rel=1e-6)
    assert other.scope is (Scope.RESTRICTED if method == "sampled" else Scope.GLOBAL)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_softmax_networks_attain_the_convex_value(seed):
    problem = vector_problem(seed, loss=SoftmaxLoss())
    solution = solve(problem, tol=1e-8)
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-7)
    assert softmax_objective(problem, solution.network) == pytest.approx(solution.network_objective, rel=1e-12)
    assert solution.network.predict(problem.X).shape == (6, 3)


def test_an_independent_cvxpy_model_agrees():
    problem = vector_problem(1, loss=SoftmaxLoss(), n=4, K=2)
    K, n, h = problem.patches.shape
    labels = problem.y.reshape(n, -1).argmax(axis=1)
    M = problem.patches.reshape(K * n, h)
    columns, penalty, constraints = [0.0] * 3, 0.0, []
    for active in enumerate_patterns(M).active():
        G = np.einsum("kn,knh->nh", active.reshape(K, n), problem.patches)
        for output, sign in itertools.product(range(3), (1.0, -1.0)):
            c = cp.Variable(h)
            columns[output] = columns[output] + sign * (G @ c)
            penalty = penalty + cp.norm(c)
            constraints.append(cp.multiply(2.0 * active - 1.0, M @ c) >= 0)
    F = cp.vstack(columns).T
    loss = sum(cp.log_sum_exp(F[i] - F[i, labels[i]]) for i in range(n))
    model = cp.Problem(cp.Minimize(loss + problem.beta * penalty), constraints)
    model.solve(solver=cp.CLARABEL)
    assert model.value == pytest.approx(solve(problem, tol=1e-8).network_objective, rel=1e-6)


@pytest.mark.slow
def test_no_local_search_is_better_and_the_best_comes_close():
    problem = vector_problem(2, loss=SoftmaxLoss(), n=5, K=2)
    optimum = solve(problem, tol=1e-8)
    (K, n, h), q, m = problem.patches.shape, 3, 9
    Y, rows = problem.y.reshape(n, q), problem.patches.reshape(K * n, h)
    owner = np.arange(m) % q  # a neuron for one output each: as cheap as any, and without the kink of the l1 norm

    def objective(theta):
        U, w = theta[: m * h].reshape(m, h), theta[m * h :]
        responses = rows @ U.T
        phi = np.maximum(responses, 0.0).reshape(K, n, m).sum(axis=0)
        F = np.stack([phi[:, owner == o] @ w[owner == o] for o in range(q)], axis=1)
        slope = softmax(F, axis=1) - Y
        gates = (responses >= 0.0).reshape(K, n, m) * (slope[:, owner] * w)
        gradient_U = np.einsum("knm,knh->mh", gates, problem.patches) + problem.beta * U
        gradient_w = np.einsum("nm,nm->m", slope[:, owner], phi) + problem.beta * w
        value = np.sum(logsumexp(F, axis=1) - np.sum(Y * F, axis=1)) + 0.5 * problem.beta * np.sum(theta**2)
        return value, np.concatenate([gradient_U.ravel(), gradient_w])

    best = np.inf
    for seed in range(5):
        start = np.random.default_rng(seed).standard_normal(m * (h + 1))
        answer = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
        best = min(best, answer.fun)
    assert best >= optimum.lower_bound
    assert best == pytest.approx(optimum.network_objective, rel=1e-2)


def test_two_classes_are_the_logistic_loss():
    for seed in (0, 1):
        problem = vector_problem(seed, q=2, loss=SoftmaxLoss())
        signs = problem.y.reshape(6, 2) @ [-1.0, 1.0]
        single = Problem(
            problem.X,
            signs,
            architecture=TwoLayerCNN(problem.architecture.geometry),
            beta=problem.beta,
            loss=LogisticLoss(),
        )
        expected = solve(single, tol=1e-8)
        assert solve(problem, tol=1e-8).network_objective == pytest.approx(expected.network_objective, rel=1e-7)
        assert beta_max(problem)[0] == pytest.approx(beta_max(single)[0], rel=1e-9)


@pytest.mark.parametrize("loss", [None, SoftmaxLoss()], ids=["squared", "softmax"])
def test_the_certificate_stands_without_the_library(loss):
    problem = vector_problem(4, loss=loss)
    solution = solve(problem, tol=1e-8)
    V, Y = solution.dual.reshape(6, 3), problem.y.reshape(6, 3)
    single = patch_problem(4)
    for v in V.T:
        assert brute_force_tau(single, v, directions=2000) <= problem.beta * (1.0 + 1e-9)
    if loss is None:
        network = solution.network
        cost = 0.5 * np.sum(np.sum(network.filters**2, axis=1) + np.sum(np.abs(network.weights), axis=1) ** 2)
        upper = 0.5 * np.sum((loop_outputs(problem, network) - Y) ** 2) + problem.beta * cost
        lower = 0.5 * np.sum(Y**2) - 0.5 * np.sum((V - Y) ** 2)
    else:
        upper = softmax_objective(problem, solution.network)
        P = Y - V
        assert P.min() > 0.0
        assert P.sum(axis=1) == pytest.approx(np.ones(6))
        lower = -np.sum(P * np.log(P))
    assert (upper - lower) / upper <= 1e-7


def test_pricers_of_one_output_cover_all_outputs():
    problem = vector_problem(5)
    v = np.random.default_rng(0).standard_normal(problem.size)
    listed = enumerated_pricer(problem, budget=Budget())
    composed, _ = make_pricer(problem, budget=Budget())
    searched, sampled = searched_pricer(problem), sampled_pricer(problem, seed=0)
    answers = [p.price(v, floor=0.0, want=7, budget=Budget(), prove=True) for p in (listed, composed, searched)]
    for answer in answers:
        assert answer.bound == pytest.approx(answers[0].bound, rel=1e-8)
        assert answer.value[0] == pytest.approx(answers[0].bound, rel=1e-8)
        pulled = np.einsum("bnp,n,bp->b", answer.columns.G, v, answer.directions)
        assert pulled == pytest.approx(answer.value)
    assert listed.listed_count == composed.listed_count == listed.factory.predicted == 3 * 36
    assert (searched.listed_count, searched.scope, sampled.scope) == (None, Scope.GLOBAL, Scope.RESTRICTED)
    assert sampled.price(v, floor=0.0, want=1, budget=Budget()).bound <= answers[0].bound * (1.0 + 1e-12)


def test_many_patterns_are_searched_output_by_output():
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((40, 15)), np.arange(40) % 3
    architecture = make_architecture("two-layer", patch_geometry((15,), 3, 3), outputs=3)
    problem = Problem(X, labels, architecture=architecture, beta=2.0, loss=SoftmaxLoss())
    solution = solve(problem, tol=1e-5)
    assert (solution.method, solution.scope, solution.status) == ("branch-and-bound", Scope.GLOBAL, Status.OPTIMAL)
    assert solution.patterns_bound == 3 * 2 * (1 + 199 + 199 * 198 // 2)
    assert 0 < solution.active_filters <= problem.size
    sampled = solve(problem, method="sampled", tol=1e-5)
    assert sampled.network_objective >= solution.lower_bound


def test_any_network_is_judged_by_both_kinds_of_weights():
    problem = vector_problem(0, loss=SoftmaxLoss())
    optimum = solve(problem, tol=1e-8)
    network = random_network(problem, 3, seed=5)  # every neuron gives every output
    certificate = certify(problem, network)
    assert certificate.objective == pytest.approx(softmax_objective(problem, network))
    assert certificate.lower_bound <= optimum.network_objective <= certificate.objective
    # a neuron of several outputs is as dear as its parts of one output, and an audit sees them all
    even = balanced(network)
    assert even.m == 9
    assert even.predict(problem.X) == pytest.approx(network.predict(problem.X))
    u, w = network.filters, network.weights
    assert even.regulariser == pytest.approx(np.linalg.norm(u, axis=1) @ np.abs(w).sum(axis=1))
    judged = audit(problem, network)
    assert optimum.lower_bound <= judged.own_objective <= problem.objective(even)
    assert len(own_patterns(problem, network)) == 9


@pytest.mark.slow
def test_sgd_comes_close_from_above():
    problem = vector_problem(1, loss=SoftmaxLoss(), n=12)
    optimum = solve(problem, tol=1e-7)
    run = train_sgd(problem, seeds=(0, 1), iterations=2000)
    assert (run.best_objective >= optimum.lower_bound).all()
    assert run.best_objective.min() <= 1.1 * optimum.network_objective
    assert run.best_networks[0].weights.shape[1] == 3


def test_targets_are_labels_or_rows():
    problem = vector_problem(0)
    again = Problem(problem.X, problem.y.reshape(6, 3), architecture=problem.architecture, beta=problem.beta)
    assert np.array_equal(again.y, problem.y)
    assert (problem.n, problem.size) == (6, 18)
    assert np.array_equal(problem.with_beta(1.0).y, problem.y)
    real = np.random.default_rng(0).standard_normal((6, 3))
    assert np.array_equal(Problem(problem.X, real, architecture=problem.architecture, beta=0.1).y, real.ravel())


def test_model_files_keep_the_outputs():
    problem = vector_problem(0, loss=SoftmaxLoss())
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)


def test_what_does_not_fit_is_refused():
    problem, geometry = vector_problem(0), patch_geometry((4,), 2)
    with pytest.raises(InputError, match=r"y: got the label 3, expected integers in \[0, 2\]"):
        Problem(problem.X, [0, 1, 2, 3, 0, 1], architecture=problem.architecture, beta=0.1)
    with pytest.raises(InputError, match=r"y: got targets of shape \(6, 2\), expected \(6, 3\)"):
        Problem(problem.X, np.ones((6, 2)), architecture=problem.architecture, beta=0.1)
    with pytest.raises(InputError, match="y: got 18 nonzero entries among 18 with the softmax loss"):
        Problem(problem.X, np.ones((6, 3)), architecture=problem.architecture, beta=0.1, loss=SoftmaxLoss())
    with pytest.raises(InputError, match="loss: got softmax with a network of one output"):
        Problem(
            problem.X,
            [0, 1, 0, 1, 0, 1],
            architecture=TwoLayerCNN(problem.architecture.geometry),
            beta=0.1,
            loss=SoftmaxLoss(),
        )
    with pytest.raises(InputError, match="outputs: got 2 with the architecture 'linear', expected a single output"):
        VectorOutputs(LinearCNN(geometry), 2)
    with pytest.raises(InputError, match="outputs: got 0"):
        make_architecture("two-layer", geometry, outputs=0)
    assert make_architecture("two-layer", geometry, outputs=1) == TwoLayerCNN(geometry)


def test_command_line_takes_classes_from_the_labels(tmp_path, capsys):
    problem = vector_problem(0)
    labels = problem.y.reshape(6, 3).argmax(axis=1)
    data, model = str(tmp_path / "data.npz"), str(tmp_path / "model.npz")
    save_dataset(Dataset("three", problem.X, labels, X_test=problem.X[:2], y_test=labels[:2]), data)
    base = ["--data", data, "--filter-size", "2", "--stride", "2", "--beta", "0.1", "--json"]
    assert main(["solve", *base, "--loss", "softmax", "--out", model]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert (solved["loss"], solved["outputs"], solved["scope"]) == ("softmax", 3, "global")
    expected = solve(vector_problem(0, loss=SoftmaxLoss()), tol=1e-8)
    assert solved["network_objective"] == pytest.approx(expected.network_objective, rel=1e-6)
    right = expected.network.predict(problem.X).argmax(axis=1) == labels
    assert solved["train_accuracy"] == pytest.approx(right.mean())
    assert solved["test_accuracy"] == pytest.approx(right[:2].mean())
    assert main(["audit", model, "--data", data, "--json"]) == 0
    audited = json.loads(capsys.readouterr().out)
    assert audited["relative_gap"] <= 1e-6
    assert audited["loss"] == "softmax"
    assert main(["sgd", *base, "--loss", "softmax", "--iterations", "50"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == 3
    assert main(["solve", *base, "--loss", "softmax", "--architecture", "linear"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == 3
    circular = ["--data", data, "--beta", "0.1", "--json", "--loss", "softmax", "--architecture", "circular"]
    assert main(["solve", *circular, "--filter-size", "2"]) == 2
    assert "outputs: got 3 for the architecture 'circular'" in capsys.readouterr().err


def test_three_classes_from_the_command_line(capsys):
    assert main(["solve", "--dataset", "motifs3", "--loss", "softmax", "--tol", "1e-8", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    data = load_dataset("motifs3")
    solution = solve(Problem.from_dataset(data, loss=SoftmaxLoss()), tol=1e-8)
    assert (shown["outputs"], shown["exactness"], shown["scope"]) == (3, "exact", "global")
    assert shown["network_objective"] == pytest.approx(solution.network_objective, rel=1e-7)
    counts = confusion_matrix(solution.network, data)
    assert shown["test_accuracy"] == pytest.approx(np.trace(counts) / counts.sum())
    assert counts.sum(axis=1).tolist() == np.bincount(data.y_test.astype(int)).tolist()
    assert shown["test_accuracy"] > 0.9


def test_two_classes_are_the_logistic_loss_with_two_outputs(tmp_path, capsys):
    """With outputs (0, f) and (f, 0) the softmax is the logistic function; both directions of f cost the same."""
    model = str(tmp_path / "model.npz")
    assert main(["solve", "--dataset", "edge", "--loss", "softmax", "--tol", "1e-8", "--out", model, "--json"]) == 0
    two = json.loads(capsys.readouterr().out)
    assert main(["solve", "--dataset", "edge", "--loss", "logistic", "--tol", "1e-8", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert two["outputs"] == 2
    # a neuron of weight w at one output and one of -w at the other give f1 - f0 at the same cost
    assert two["network_objective"] == pytest.approx(one["network_objective"], rel=1e-6)
    assert two["test_accuracy"] > 0.9
    assert main(["audit", model, "--dataset", "edge", "--json"]) == 0
    audited = json.loads(capsys.readouterr().out)
    assert audited["objective"] == pytest.approx(two["network_objective"], rel=1e-9)
    assert audited["test_accuracy"] == two["test_accuracy"]


def test_a_label_of_a_billion_needs_no_more_outputs_than_there_are_classes():
    data = Dataset("labels", [[1.0], [2.0]], [0, 10**9])
    problem = Problem.from_dataset(data, loss=SoftmaxLoss())
    assert problem.architecture.q == 2
    assert problem.y.tolist() == [1, 0, 0, 1]
    with pytest.raises(InputError, match=r"outputs: got 1000000001, expected an integer in \[2, 1000\]"):
        Problem.from_dataset(data, loss=SoftmaxLoss(), outputs=10**9 + 1)

"""What the talk leaves open and existing programs answer: parallel networks, batch normalisation, autoencoders."""

import numpy as np
import pytest
from few_cases import few

from convex_core import InputError, Problem, Status, solve
from convex_core.architectures import REFUSED
from convex_core.cli import main
from convex_core.status import Exactness

#: beta = 0.1, seeds 0, 1, 2: found by other programs, to 1e-8
PARALLEL = (0.34175620, 0.06083576, 0.09988354)
NORMALISED = {
    (1, 6, 2): (1.49927795, 0.26806397, 0.46568230),
    (2, 4, 2): (0.28798734, 0.12855845, 0.31633813),
    (1, 4, 5): (0.19884498, 0.18151642, 0.09605499),
}
AUTOENCODERS = (0.36019381, 0.34793164, 0.34467179)
#: beta = 2
LINEAR_AUTOENCODERS = (3.23927666, 2.53759827, 3.05203133)


@pytest.mark.parametrize("seed", range(3))
def test_a_parallel_network_is_one_of_filters_per_patch_on_copies(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((4, 2)), rng.standard_normal(4)
    problem = Problem(np.tile(X, (1, 2)), y, filter_size=2, stride=2, architecture="three-layer", beta=0.1)
    solution = solve(problem, tol=1e-8)
    assert solution.network_objective == pytest.approx(PARALLEL[seed], abs=1e-7)
    # its regulariser is the path norm
    u, v, w = solution.network.filters.reshape(-1, 2, 2), solution.network.hidden, solution.network.weights
    path = np.abs(w) * np.sqrt(np.sum(np.sum(u**2, axis=2) * v**2, axis=1))
    assert path.sum() == pytest.approx(solution.network.regulariser)


def whitened(patches):
    """Rows [U, 1 / sqrt(N)] of the centred patch rows U S V^T, their mean, and V S^-1."""
    K, n, d = patches.shape
    rows = patches.reshape(-1, d)
    U, s, Vt = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    kept = s > 1e-10 * s[0]
    Z = np.column_stack([U[:, kept], np.full(K * n, (K * n) ** -0.5)]).reshape(K, n, -1)
    return Z, rows.mean(axis=0), Vt[kept].T / s[kept]


@pytest.mark.parametrize(("K", "n", "d"), NORMALISED)
def test_batch_normalisation_is_sum_pooling_on_whitened_patches(K, n, d):
    for seed, value in enumerate(NORMALISED[K, n, d]):
        rng = np.random.default_rng(seed)
        patches, y = rng.standard_normal((K, n, d)), rng.standard_normal(n)
        Z, mean, back = whitened(patches)
        r = Z.shape[2]
        problem = Problem(Z.transpose(1, 0, 2).reshape(n, K * r), y, filter_size=r, stride=r, beta=0.1)
        solution = solve(problem, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        # the normalised network itself, in the weights of the patches
        f, cost = np.zeros(n), 0.0
        for c, w in zip(solution.network.filters, solution.network.weights, strict=True):
            gamma, alpha = np.linalg.norm(c[:-1]), c[-1]
            u = back @ (c[:-1] / gamma)
            response = (patches - mean) @ u
            f += np.maximum(gamma * response / np.linalg.norm(response) + alpha / np.sqrt(K * n), 0.0).sum(axis=0) * w
            cost += 0.5 * (gamma**2 + alpha**2 + w**2)
        assert 0.5 * np.sum((f - y) ** 2) + 0.1 * cost == pytest.approx(value, abs=1e-7)
        if d >= n - 1:
            parts = np.linalg.norm([np.maximum(y, 0.0), np.maximum(-y, 0.0)], axis=1)
            closed = np.where(parts > 0.1, 0.1 * parts - 0.005, parts**2 / 2).sum()
            assert closed == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("seed", few(range(3)))
def test_autoencoders(seed):
    X = np.random.default_rng(seed).standard_normal((5, 2))
    solution = solve(Problem(X, X, filter_size=2, outputs=2, beta=0.1), tol=1e-8)
    assert solution.network_objective == pytest.approx(AUTOENCODERS[seed], abs=1e-7)
    assert (solution.status, solution.exactness) == (Status.OPTIMAL, Exactness.EXACT)
    # a linear one by alternating least squares, against the formula in the singular values
    X = np.random.default_rng(seed).standard_normal((6, 3))
    s2 = np.linalg.svd(X, compute_uv=False) ** 2
    formula = np.where(s2 > 2.0, 2.0 - 4.0 / (2.0 * s2), s2 / 2.0).sum()
    assert formula == pytest.approx(LINEAR_AUTOENCODERS[seed], abs=1e-7)
    W, eye = np.random.default_rng(0).standard_normal((3, 3)), np.eye(3)
    for _ in range(3000):
        A = np.kron(X, W.T)  # X U W, U row by row
        U = np.linalg.solve(A.T @ A + 2.0 * np.eye(9), A.T @ X.ravel()).reshape(3, 3)
        W = np.linalg.solve((X @ U).T @ (X @ U) + 2.0 * eye, (X @ U).T @ X)
    reached = 0.5 * np.sum((X @ U @ W - X) ** 2) + np.sum(U**2) + np.sum(W**2)
    assert formula - 1e-9 <= reached == pytest.approx(formula, rel=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_convex_is_refused_with_the_reason(name, capsys):
    with pytest.raises(InputError, match=f"got '{name}', whose .*, expected one of two-layer"):
        Problem(np.eye(2), [1.0, 2.0], filter_size=1, architecture=name, beta=0.1)
    assert main(["solve", "--dataset", "edge", "--architecture", name]) == 2
    assert "whose" in capsys.readouterr().err

"""Two ReLU layers: exact per patch, and the chain of bounds for a shared filter."""

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import best_found, check_local_search
from few_cases import few
from scipy.optimize import approx_fprime

from convex_core.architectures import LiftedThreeLayerCNN, ThreeLayerCNN, TwoLayerCNN, make_architecture
from convex_core.bounding import bounds
from convex_core.errors import InputError, SizeError
from convex_core.export.model import load_model, save_network
from convex_core.networks.network import Network
from convex_core.patches import patch_geometry
from convex_core.penalties import symmetric_vectors
from convex_core.problem import Problem
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solution import solve, solve_over
from convex_core.solvers.pricing.neuron_cells import grown_codes
from convex_core.solvers.search import given_patterns
from convex_core.status import Exactness, Scope
from convex_core.training.multistart import local_search
from convex_core.training.sgd import train_sgd

#: optima on :func:`case` with n=4, K=2, h=2 by an independent implementation
PER_PATCH = (0.2045278, 0.0737951, 0.1914929)
SHARED = {
    "frobenius": (0.2045351, 0.0983164, 0.1921266),
    "strong": (0.2128795, 0.0986413, 0.2198048),
    "nuclear": (0.2178131, 0.0991084, 0.2272092),
    "lifted": (0.22024592, 0.09910837, 0.22720918),
}
#: best network with a shared filter that it found
FOUND = (0.2202459, 0.0991084, 0.2272092)


def case(seed=0, n=4, K=2, h=2, beta=0.1, **options):
    rng = np.random.default_rng(seed)
    patches, y = rng.standard_normal((K, n, h)), rng.standard_normal(n)
    cnn = make_architecture("three-layer", patch_geometry((K * h,), h, h), **options)
    return Problem(patches.transpose(1, 0, 2).reshape(n, K * h), y, architecture=cnn, beta=beta)


def random_parameters(problem, m=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.architecture.shapes.items()
    return problem.architecture.project({name: rng.standard_normal((m, *shape)) for name, shape in shapes})


def plain_outputs(problem, parameters):
    """The network by loops over neurons, samples and patches."""
    K, n, h = problem.patches.shape
    out = np.zeros((n, len(parameters["weights"])))
    for j in range(out.shape[1]):
        u = parameters["filters"][j].reshape(-1, h)
        for i in range(n):
            inner = 0.0
            for k in range(K):
                inner += max(problem.patches[k, i] @ u[k if len(u) > 1 else 0], 0.0) * parameters["hidden"][j, k]
            out[i, j] = max(inner, 0.0) * parameters["weights"][j]
    return out


@pytest.mark.parametrize("sharing", ["per-patch", "shared"])
def test_forward_pass_and_its_gradient(sharing):
    problem = case(3, n=5, K=3, h=2, sharing=sharing)
    cnn, parameters = problem.architecture, random_parameters(problem)
    np.testing.assert_allclose(cnn.outputs(problem.patches, parameters), plain_outputs(problem, parameters), atol=1e-12)
    V = np.random.default_rng(1).standard_normal((3, 5))
    gradient = cnn.gradient(problem.patches, parameters, V)
    for name, value in parameters.items():

        def total(flat, name=name, value=value):
            moved = {**parameters, name: flat.reshape(value.shape)}
            return float(np.einsum("mn,nm->", V, cnn.outputs(problem.patches, moved)))

        numeric = approx_fprime(value.ravel(), total, 1e-7).reshape(value.shape)
        np.testing.assert_allclose(gradient[name], numeric, atol=1e-5)
    np.testing.assert_allclose(
        cnn.costs(parameters), 0.5 * ((parameters["hidden"] ** 2).sum(axis=1) + parameters["weights"] ** 2)
    )


@pytest.mark.parametrize("sharing", ["per-patch", "shared"])
def test_balanced_neurons_have_the_same_outputs_at_no_more_cost(sharing):
    problem = case(4, n=5, K=3, sharing=sharing)
    cnn, parameters = problem.architecture, random_parameters(problem, m=6)
    better = cnn.balanced(parameters)
    np.testing.assert_allclose(
        cnn.outputs(problem.patches, better), cnn.outputs(problem.patches, parameters), atol=1e-12
    )
    assert np.all(cnn.costs(better) <= cnn.costs(parameters) + 1e-12)
    np.testing.assert_allclose(np.linalg.norm(cnn.pieces(better["filters"]), axis=2), 1.0)
    np.testing.assert_allclose(np.linalg.norm(better["hidden"], axis=1), np.abs(better["weights"]))
    twice = cnn.scaled(better, np.full(6, 2.0))
    np.testing.assert_allclose(cnn.outputs(problem.patches, twice), 2 * cnn.outputs(problem.patches, better))
    np.testing.assert_allclose(cnn.costs(twice), 2 * cnn.costs(better))


@pytest.mark.parametrize("options", [{}, {"sharing": "shared", "relaxation": "frobenius"}, {"sharing": "shared"}])
def test_every_neuron_is_a_block_of_a_listed_cell(options):
    problem = case(5, **options)
    cnn, K, h = problem.architecture, 2, 2
    factory = CellFactory(cnn, problem.patches)
    listed = {row.tobytes() for row in factory.all_cells(max_patterns=10_000).active()}
    parameters = cnn.balanced(random_parameters(problem, m=300))
    parameters["hidden"][np.all(parameters["hidden"] < 0, axis=1)] *= -1  # without output otherwise
    codes = cnn.codes(problem.patches, parameters)
    assert all(code.tobytes() in listed for code in codes)
    C = (parameters["hidden"][:, :, None] * cnn.pieces(parameters["filters"])).reshape(300, K * h)
    blocks = factory.blocks(codes, np.sign(parameters["weights"]).astype(np.int8))
    assert np.all(blocks.sides * (C @ blocks.rows.T) >= -1e-12)
    size = np.abs(parameters["weights"])[:, None]
    np.testing.assert_allclose(
        np.einsum("bnp,bp->bn", blocks.G, size * C), cnn.outputs(problem.patches, parameters).T, atol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_per_patch_program_is_exact(seed):
    problem = case(seed)
    solution = solve(problem, tol=1e-8)
    assert solution.scope is Scope.GLOBAL
    assert solution.exactness is Exactness.EXACT
    assert solution.objective == pytest.approx(PER_PATCH[seed], abs=1e-7)
    network = solution.network.parameters
    residual = plain_outputs(problem, network).sum(axis=1) - problem.y
    cost = 0.5 * ((network["hidden"] ** 2).sum() + (network["weights"] ** 2).sum())
    assert 0.5 * residual @ residual + 0.1 * cost == pytest.approx(solution.objective, rel=1e-7)
    assert np.all(np.linalg.norm(problem.architecture.pieces(network["filters"]), axis=2) <= 1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_chain_of_bounds(seed):
    found = bounds(case(seed, sharing="shared"), starts=8)
    value = {link.label: link.value for link in found.links}
    for name, expected in SHARED.items():
        assert value[name] == pytest.approx(expected[seed], abs=1e-7)
    steps = [value["per-patch filters"], value["frobenius"], value["strong"], value["nuclear"]]
    assert np.all(np.diff(steps) > 1e-6)  # strictly: the looser programs are bounds only
    assert steps[-1] <= found.value * (1 + 1e-7)
    assert found.value == pytest.approx(FOUND[seed], rel=1e-6)
    assert found.value >= FOUND[seed] * (1 - 1e-6)
    for link in found.links:
        assert link.solution.scope is Scope.GLOBAL
        assert link.lower_bound == pytest.approx(link.value, rel=1e-7)
    words = ["exact", "bound only", "bound only", "exact if rank one", "exact if rank one"]
    assert [link.exactness.value for link in found.links] == words
    assert value["lifted"] >= value["nuclear"] * (1 - 1e-7)
    assert found.relative_gap < 1e-6  # every lifted block has rank one


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_local_searches_per_patch_never_beat_the_exact_value_and_reach_it(seed):
    problem = case(seed)
    # with the fewest neurons that are enough it takes four times as long
    check_local_search(problem, solve(problem, tol=1e-9), m=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_local_searches_of_a_shared_filter_find_the_best_network_known(seed):
    problem = case(seed, sharing="shared")
    value = best_found(problem, FOUND[seed], m=20)
    assert value == pytest.approx(FOUND[seed], rel=1e-6)
    assert value >= SHARED["nuclear"][seed] - 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("relaxation", ["frobenius", "strong", "nuclear"])
def test_the_shared_program_by_cvxpy(relaxation):
    """Every cell written out from the definition, without a word of the library's own rows, sides and cells."""
    problem = case(1, n=2, sharing="shared", relaxation=relaxation)
    X, y = problem.patches, problem.y
    angles = np.linspace(0.0, 2 * np.pi, 20_001)
    U = np.stack([np.cos(angles), np.sin(angles)])
    first = np.unique((np.einsum("knh,ha->akn", X, U) >= 0), axis=0)  # every cell in the plane
    maps, cones = [], []
    for D1 in first:
        for s in ((1, 1), (1, -1), (-1, 1)):
            for D2 in ((0, 0), (0, 1), (1, 0), (1, 1)):
                inner = np.concatenate([D1[0, :, None] * X[0], D1[1, :, None] * X[1]], axis=1)
                rows = [(2 * np.array(D2) - 1)[:, None] * inner]
                for k in range(2):
                    for other in range(2):
                        if other == k or relaxation != "frobenius":
                            row = np.zeros((2, 2, 2))
                            row[:, k] = s[k] * (2 * D1[other].astype(int) - 1)[:, None] * X[other]
                            rows.append(row.reshape(2, 4))
                for sign in (1, -1):
                    maps.append(sign * np.array(D2)[:, None] * inner)
                    cones.append(np.concatenate(rows))
    C = cp.Variable((len(maps), 4))
    f = cp.sum(cp.hstack([cp.reshape(G @ C[b], (2, 1), order="C") for b, G in enumerate(maps)]), axis=1)
    if relaxation == "nuclear":  # of a 2 x 2 matrix: the larger of two Euclidean norms
        turned = [C @ np.array(M, float) for M in (
            [[1, 0], [0, 1], [0, -1], [1, 0]], [[1, 0], [0, 1], [0, 1], [-1, 0]]
        )]  # fmt: skip
        cost = cp.sum(cp.maximum(*(cp.norm(part, axis=1) for part in turned)))
    else:
        cost = cp.sum(cp.norm(C, axis=1))
    constraints = [cp.hstack([A @ C[b] for b, A in enumerate(cones)]) >= 0]
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + 0.1 * cost), constraints)
    model.solve(solver=cp.CLARABEL)
    assert solve(problem, tol=1e-8).objective == pytest.approx(model.value, rel=2e-6)


@pytest.mark.parametrize(
    ("seed", "n", "K", "h"),
    few([(4, 3, 2, 3), (6, 3, 2, 2), (0, 4, 2, 2), (3, 3, 3, 1)]),
)
def test_the_lift_is_between_the_nuclear_program_and_every_network(seed, n, K, h):
    nuclear, lifted = (
        solve(case(seed, n, K, h, sharing="shared", relaxation=name), tol=1e-7, time_limit=20.0)
        for name in ("nuclear", "lifted")
    )
    assert (lifted.scope, lifted.exactness) == (Scope.GLOBAL, Exactness.EXACT_IF_RANK_ONE)
    assert nuclear.lower_bound <= lifted.objective * (1 + 1e-7)
    searched = local_search(lifted.problem, m=n + 1, starts=2)
    best = min(lifted.problem.objective(searched), lifted.network_objective)
    assert lifted.lower_bound <= best * (1 + 1e-9)


def test_a_neuron_is_a_lifted_block_of_its_cell():
    problem = case(5, n=3, sharing="shared", relaxation="lifted")
    cnn, patches = problem.architecture, problem.patches
    neurons = cnn.balanced(random_parameters(problem, m=60, seed=1))
    codes = cnn.codes(patches, neurons)
    w = neurons["hidden"] * np.abs(neurons["weights"])[:, None] ** 0.5
    u = neurons["filters"] * (np.linalg.norm(w, axis=1) / np.linalg.norm(neurons["filters"], axis=1))[:, None]
    x = np.concatenate([w, u], axis=1)
    C = symmetric_vectors(x[:, :, None] * x[:, None, :])
    assert np.all(cnn.sides(codes, patches) * (C @ cnn.hyperplanes(patches).T) >= -1e-9)
    np.testing.assert_allclose(cnn.block_matrices(C), w[:, :, None] * u[:, None, :], atol=1e-12)
    outputs = np.einsum("mkn,knp,mp->nm", cnn.gates(codes, patches), cnn.design(patches), C)
    length = np.linalg.norm(u, axis=1)
    made = {"filters": u / length[:, None], "hidden": w * length[:, None], "weights": np.ones(len(u))}
    np.testing.assert_allclose(outputs, plain_outputs(problem, made), atol=1e-9)
    # and the blocks become the neurons again
    sign = np.where(neurons["weights"] >= 0.0, 1, -1).astype(np.int8)
    again = cnn.neurons(C, sign, codes, patches)
    np.testing.assert_allclose(plain_outputs(problem, again), sign * outputs, atol=1e-7)
    assert cnn.costs(again).sum() == pytest.approx(cnn.penalty.norm(C).sum(), rel=1e-6)
    every = {code.tobytes() for code in cnn.patterns(patches, max_patterns=10_000).active()}
    heard = outputs.any(axis=0)  # all signs minus have no output, and no cell
    assert {code.tobytes() for code in codes[heard]} <= every
    assert cnn.predicted(patches) >= len(every)


def test_a_lift_that_does_not_apply_is_refused_in_one_sentence():
    with pytest.raises(InputError, match=r"^relaxation: got the lifted program with patch rows of rank 5"):
        solve(case(0, n=5, K=2, h=5, sharing="shared", relaxation="lifted"))
    for options in ({"sharing": "per-patch"}, {"relaxation": "strong"}):
        with pytest.raises(InputError, match=r"^relaxation: got"):
            LiftedThreeLayerCNN(patch_geometry((4,), 2), **options)


@pytest.mark.slow
def test_one_program_over_all_cells_agrees():
    for options in (
        {"sharing": "shared", "relaxation": "strong"},
        {"sharing": "shared"},
        {"sharing": "shared", "relaxation": "lifted"},
    ):
        problem = case(2, n=3, **options)
        assert solve(problem, method="clarabel").objective == pytest.approx(
            solve(problem, tol=1e-9).objective, rel=1e-6
        )


def test_one_patch_is_the_fully_connected_network():
    # (X u)_+ w_1 with w_1 > 0: the second ReLU does nothing
    rng = np.random.default_rng(6)
    X, y, geometry = rng.standard_normal((5, 2)), rng.standard_normal(5), patch_geometry((2,), 2)
    two = solve(Problem(X, y, architecture=TwoLayerCNN(geometry), beta=0.1), tol=1e-9).objective
    shared = {"sharing": "shared"}
    for options in ({}, shared, {**shared, "relaxation": "frobenius"}, {**shared, "relaxation": "lifted"}):
        cnn = make_architecture("three-layer", geometry, **options)
        three = solve(Problem(X, y, architecture=cnn, beta=0.1), tol=1e-9)
        assert three.exactness is Exactness.EXACT
        assert three.objective == pytest.approx(two, rel=1e-7)
        assert three.network_objective == pytest.approx(two, rel=1e-7)


def test_no_neuron_beats_the_certificate():
    problem = case(0, sharing="shared")
    solution = solve(problem, tol=1e-8)
    cnn = problem.architecture
    neurons = cnn.balanced(random_parameters(problem, m=20_000, seed=2))
    correlations = np.abs(solution.dual @ plain_or_fast(problem, neurons)) / cnn.costs(neurons)
    assert 0.9 * problem.beta < correlations.max() <= problem.beta * (1 + 1e-9)
    v, y = solution.dual, problem.y
    assert solution.lower_bound == pytest.approx(0.5 * y @ y - 0.5 * (v - y) @ (v - y), rel=1e-9)


def plain_or_fast(problem, neurons):
    fast = problem.architecture.outputs(problem.patches, neurons)
    few = {name: value[:5] for name, value in neurons.items()}
    np.testing.assert_allclose(fast[:, :5], plain_outputs(problem, few), atol=1e-12)
    return fast


def test_too_many_cells_are_refused_or_sampled():
    problem = case(0, n=8, K=2, h=2, sharing="shared")
    with pytest.raises(SizeError, match=r"^patterns: got at least [0-9,]+ cells of two ReLU layers, expected"):
        solve(problem, method="column-generation", max_patterns=100)
    sampled = solve(problem, max_patterns=100, tol=1e-3)
    assert sampled.scope is Scope.RESTRICTED
    assert sampled.lower_bound == -np.inf
    assert sampled.network_objective < 0.5 * problem.y @ problem.y
    wide = Problem(np.ones((2, 10)), np.ones(2), architecture=ThreeLayerCNN(patch_geometry((10,), 1)), beta=0.1)
    with pytest.raises(SizeError, match=r"^patches: got 10, expected at most 8"):
        solve(wide)


@pytest.mark.parametrize("options", [{"sharing": "per-patch"}, {"sharing": "shared", "relaxation": "lifted"}])
def test_a_network_survives_its_file(tmp_path, options):
    problem = case(1, **options)
    network = Network.from_parameters(problem.architecture, random_parameters(problem))
    save_network(tmp_path / "three.npz", network, beta=0.1)
    loaded = load_model(tmp_path / "three.npz").network
    assert loaded.architecture == problem.architecture
    np.testing.assert_array_equal(loaded.predict(problem.X), network.predict(problem.X))


def test_wrong_options_are_refused_in_one_sentence():
    geometry = patch_geometry((4,), 2)
    for options, named in (
        ({"sharing": "both"}, "sharing"),
        ({"sharing": "shared", "relaxation": "best"}, "relaxation"),
        ({"sharing": "per-patch", "relaxation": "nuclear"}, "relaxation"),
        ({"sharing": "per-patch", "relaxation": "lifted"}, "relaxation"),
        ({"layers": 4}, "layers"),
    ):
        with pytest.raises(InputError, match=f"^{named}: got"):
            make_architecture("three-layer", geometry, **options)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_column_generation_over_neurons_meets_the_cells_that_matter(seed):
    problem = case(seed, n=6, sharing="shared")
    full = solve(problem, tol=1e-7)
    factory = CellFactory(problem.architecture, problem.patches)
    one = factory.all_cells(max_patterns=1000).active(0, 1)
    codes = grown_codes(problem, factory, one, seed=0)
    assert len(codes) < full.patterns
    grown = solve_over(problem, given_patterns(problem, codes), tol=1e-7, budget=Budget())
    assert grown.scope is Scope.RESTRICTED
    assert grown.objective >= full.objective * (1 - 1e-7)
    assert grown.objective == pytest.approx(full.objective, rel=1e-4)
    sampled = solve(problem, method="sampled", tol=1e-6)
    assert sampled.scope is Scope.RESTRICTED
    assert sampled.lower_bound == -np.inf
    assert sampled.objective == pytest.approx(full.objective, rel=1e-4)


@pytest.mark.slow
def test_sgd_stays_above_the_certified_optimum():
    for options in ({}, {"sharing": "shared"}):
        problem = case(1, **options)
        result = train_sgd(problem, iterations=600, seeds=(0, 1, 2))
        assert not result.diverged.any()
        best = result.best_objective.min()
        assert solve(problem, tol=1e-8).lower_bound <= best < 0.3 * (0.5 * problem.y @ problem.y)
        for network in result.best_networks:
            assert np.all(np.linalg.norm(problem.architecture.pieces(network.filters), axis=2) <= 1 + 1e-12)

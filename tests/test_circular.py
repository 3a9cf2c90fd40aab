"""Circular CNNs: small instances with known values, exactness by certificates, the cheapest factors of blocks."""

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import (
    best_found,
    check_gradients,
    check_local_search,
    check_model_file,
    check_scaling,
    judged,
    random_network,
)
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st
from test_penalties import epigraph_value

from convex_core import (
    Exactness,
    InputError,
    Network,
    Problem,
    Scope,
    Status,
    certify,
    patch_geometry,
    solve,
)
from convex_core.architectures import CircularCNN, TwoLayerCNN, make_architecture
from convex_core.arrangement import enumerate_patterns
from convex_core.networks.recovery import recover
from convex_core.numerics.power_spectra import convolution, factors, smallest_product
from convex_core.penalties import L2Penalty, NuclearLiftPenalty, NuclearPenalty, SpectralPenalty
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.pricing.ascent import AscentPricer
from convex_core.solvers.pricing.enumerated import EnumeratedPricer
from convex_core.solvers.search import enumerated_pricer

#: n = 5, beta = 0.1: values of an independent implementation, (seed, d) of L = 3, h = d
SPECTRAL_OPTIMA = {(0, 3): 0.13098666, (1, 3): 0.24085875, (2, 4): 0.27235772}
#: L = 3, d = 3, h = 2: spectral l1, nuclear lift, Euclidean norm (h = 1)
CHAINS = {
    0: (0.13098666, 0.13716973, 0.15407002),
    1: (0.24085875, 0.24355382, 0.25352242),
    2: (0.20649015, 0.21555167, 0.25628515),
}
#: L = 3, d = 4, (h, seed)
LIFTED_OPTIMA = {
    (2, 0): 0.13837030, (2, 1): 0.48797395, (2, 2): 0.30216142,
    (3, 0): 0.13565163, (3, 1): 0.43516109, (3, 2): 0.27414970,
}  # fmt: skip
#: L = 4, h = d = 3, to four digits: spectral l1, weighted l1, best network found
DEEPER = {0: (0.0775, 0.0939, 0.1031), 1: (0.1519, 0.1886, 0.2329), 2: (0.1248, 0.1492, 0.1502)}


def circular_problem(seed, n=5, d=3, h=2, layers=3, relaxation="", beta=0.1):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return Problem(
        X, y, architecture=CircularCNN(patch_geometry((d,), h, padding="circular"), layers, relaxation), beta=beta
    )


def loop_outputs(X, network, layers):
    """Layer by layer with explicit circulant matrices, one neuron at a time."""
    h, d = network.architecture.geometry.h, X.shape[1]
    out = np.zeros(len(X))
    for filters, hidden, weight in zip(network.filters, network.hidden, network.weights, strict=True):
        z = X
        for u in filters.reshape(layers - 2, h):
            U = np.zeros((d, d))  # column s reads z at s, s + 1, ..., s + h - 1
            for s in range(d):
                for a in range(h):
                    U[(s + a) % d, s] += u[a]
            z = z @ U
        out += weight * np.maximum(z @ hidden, 0.0)
    return out


@pytest.mark.parametrize(("d", "h", "layers"), [(3, 2, 3), (5, 5, 3), (4, 3, 4), (5, 2, 5), (2, 1, 4)])
def test_forward_pass_gradients_and_scaling(d, h, layers):
    problem = circular_problem(3, d=d, h=h, layers=layers)
    network = random_network(problem, 3, seed=1)
    assert network.predict(problem.X) == pytest.approx(loop_outputs(problem.X, network, layers))
    check_gradients(problem)
    check_scaling(problem)


def test_filters_longer_than_1_are_not_free():
    problem = circular_problem(0, layers=4)
    network = random_network(problem, 3, seed=1)
    long = Network(problem.architecture, 6.0 * network.filters, network.weights, network.hidden / 36.0)
    assert long.predict(problem.X) == pytest.approx(network.predict(problem.X))
    lengths = np.linalg.norm(long.filters.reshape(3, 2, 2), axis=2)
    hidden = long.hidden * np.maximum(lengths, 1.0).prod(axis=1)[:, None]
    assert long.costs == pytest.approx(0.5 * (np.sum(hidden**2, axis=1) + long.weights**2))
    cut = problem.architecture.project(long.parameters)["filters"].reshape(3, 2, 2)
    assert np.linalg.norm(cut, axis=2) == pytest.approx(np.minimum(lengths, 1.0))


@pytest.mark.parametrize("case", SPECTRAL_OPTIMA)
def test_filters_as_long_as_the_input_are_exact_in_the_spectral_program(case):
    seed, d = case
    s = solve(circular_problem(seed, d=d, h=d), tol=1e-7)
    assert s.problem.architecture.relaxation == "spectral"
    assert (s.exactness, s.scope, s.status) == (Exactness.EXACT, Scope.GLOBAL, Status.OPTIMAL)
    assert s.objective == pytest.approx(SPECTRAL_OPTIMA[case], abs=1e-7)
    assert s.network_objective == pytest.approx(SPECTRAL_OPTIMA[case], abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", CHAINS)
def test_short_filters_are_exact_in_the_lifted_program_and_bounded_by_the_others(seed):
    """The mapped network attains the value of the nuclear lift, the least cost of a neuron by Fejer and Riesz."""
    spectral, nuclear, euclidean = (
        solve(circular_problem(seed, h=h, relaxation=relaxation), tol=1e-7)
        for h, relaxation in ((2, "spectral"), (2, "nuclear"), (1, ""))
    )
    for solution, value in zip((spectral, nuclear, euclidean), CHAINS[seed], strict=True):
        assert solution.objective == pytest.approx(value, abs=1e-7)
    assert (spectral.exactness, nuclear.exactness, euclidean.exactness) == (
        Exactness.BOUND_ONLY,
        Exactness.EXACT,
        Exactness.EXACT,
    )
    assert nuclear.status is euclidean.status is Status.OPTIMAL
    assert nuclear.network_objective == pytest.approx(CHAINS[seed][1], abs=1e-7)
    assert nuclear.relative_gap <= 1e-7
    # the talk's program lies strictly below, and no network reaches it
    assert spectral.objective < nuclear.lower_bound - 1e-3
    assert spectral.network_objective >= nuclear.lower_bound


@pytest.mark.parametrize("seed", DEEPER)
def test_deeper_networks_have_bounds_only(seed):
    spectral, weighted = (
        solve(circular_problem(seed, h=3, layers=4, relaxation=relaxation), tol=1e-7)
        for relaxation in ("spectral", "weighted")
    )
    assert spectral.exactness is weighted.exactness is Exactness.BOUND_ONLY
    low, tight, best = DEEPER[seed]
    assert spectral.objective == pytest.approx(low, abs=5e-5)
    assert weighted.objective == pytest.approx(tight, abs=5e-5)
    # the best network known lies between: strictly above the bound, not above the networks the blocks map to
    assert weighted.lower_bound < best - 1e-4
    assert min(weighted.network_objective, spectral.network_objective) >= best - 5e-5


@pytest.mark.slow
def test_local_searches_find_the_best_network_known_of_four_layers():
    seed = 2
    problem = circular_problem(seed, h=3, layers=4)
    found = best_found(problem, DEEPER[seed][2] + 5e-5)
    assert found >= DEEPER[seed][1]
    assert found == pytest.approx(DEEPER[seed][2], abs=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", LIFTED_OPTIMA)
def test_the_lift_of_three_layers_is_exact(case):
    h, seed = case
    s = solve(circular_problem(seed, d=4, h=h), tol=1e-7)
    assert (s.exactness, s.scope, s.status) == (Exactness.EXACT, Scope.GLOBAL, Status.OPTIMAL)
    assert s.objective == pytest.approx(LIFTED_OPTIMA[case], abs=2e-8)
    assert s.network_objective == pytest.approx(LIFTED_OPTIMA[case], abs=2e-8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # by 1e-9, which the known values check
@pytest.mark.parametrize("case", LIFTED_OPTIMA)
def test_the_network_attains_the_lift_though_an_interior_point_has_rank_above_one(case):
    """u and w come from c alone: the rank of the solver's Z, above one in most of these, plays no part."""
    h, seed = case
    problem = circular_problem(seed, d=4, h=h)
    value, gates, signs, lifts = lifted_program(problem)
    norms = np.array([np.linalg.norm(Z, "nuc") for Z in lifts])
    alive = norms > 1e-6 * norms.max()
    singular = np.linalg.svd(np.array(lifts)[alive], compute_uv=False)
    assert (singular[:, 1] / singular[:, 0]).max() > 1e-3
    C = np.array([[sum(Z[a, (t - a) % 4] for a in range(h)) for t in range(4)] for Z in lifts])[alive]
    network = recover(problem.architecture, problem.patches, C, signs[alive], gates[alive])
    assert value == pytest.approx(LIFTED_OPTIMA[case], abs=2e-8)
    assert problem.objective(network) == pytest.approx(value, rel=1e-7)


def test_the_least_cost_of_two_filters_is_no_norm():
    """N with two filters violates the triangle inequality: why four layers have bounds only."""
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, 300, 5))
    excess = smallest_product(A + B, 2, 2) / (smallest_product(A, 2, 2) + smallest_product(B, 2, 2))
    assert excess.max() > 1.005
    one = smallest_product(A + B, 2) / (smallest_product(A, 2) + smallest_product(B, 2))
    assert one.max() <= 1.0 + 1e-9


@pytest.mark.parametrize("layers", [3, 4, 5])
def test_exactness_by_layers_and_filter_length(layers):
    for h in (1, 2, 3, 4):
        for relaxation in ("spectral", "nuclear"):
            word = circular_problem(0, d=4, h=h, layers=layers, relaxation=relaxation).architecture.exactness
            exact = h == 1 or layers == 3 if relaxation == "nuclear" else layers == 3 and h == 4
            assert word is (Exactness.EXACT if exact else Exactness.BOUND_ONLY)


def lifted_program(problem):
    """Value of the program of L = 3 by CVXPY, over cells that random directions found; gates, signs and Z of blocks."""
    X, y, h, d = problem.X, problem.y, problem.architecture.geometry.h, problem.X.shape[1]
    gates = np.unique(X @ np.random.default_rng(0).standard_normal((d, 20_000)) >= 0, axis=1).T
    outputs, penalty, constraints, lifts = 0, 0, [], []
    for gate in gates:
        for sign in (1, -1):
            Z = cp.Variable((h, d))
            lifts.append(Z)
            c = cp.hstack([sum(Z[a, (t - a) % d] for a in range(h)) for t in range(d)])
            outputs = outputs + sign * cp.multiply(gate.astype(float), X @ c)
            penalty = penalty + cp.normNuc(Z)
            constraints.append(cp.multiply(2.0 * gate - 1.0, X @ c) >= 0)
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(outputs - y) + problem.beta * penalty), constraints)
    value = model.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    signs = np.tile(np.array([1, -1], dtype=np.int8), len(gates))
    return value, np.repeat(gates, 2, axis=0), signs, [Z.value for Z in lifts]


@pytest.mark.slow
def test_an_independent_model_of_the_lifted_program():
    problem = circular_problem(4, n=4)
    s = solve(problem, tol=1e-7)
    value, gates, _, _ = lifted_program(problem)
    assert s.patterns == len(gates) // 2
    assert s.objective == pytest.approx(value, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("h", "relaxation"), [(2, "nuclear"), (3, "spectral")])
def test_an_independent_judge(h, relaxation):
    """Own forward pass, own bound: circulant matrices, and the support over every cell by CVXPY."""
    problem = circular_problem(5, n=4, h=h, relaxation=relaxation)
    s = solve(problem, tol=1e-7)
    X, d, tau = problem.X, 3, 0.0
    for gate in enumerate_patterns(X).active():
        for sign in (1.0, -1.0):
            Z = cp.Variable((h, d))
            c = cp.hstack([sum(Z[a, (t - a) % d] for a in range(h)) for t in range(d)])
            cone = cp.multiply(2.0 * gate - 1.0, X @ c) >= 0
            g = sign * X.T @ (gate * s.dual)
            model = cp.Problem(cp.Maximize(g @ c), [cp.normNuc(Z) <= 1, cone])
            tau = max(tau, model.solve(solver="CLARABEL"))
    network = s.network
    outputs = loop_outputs(X, network, 3)
    assert (np.linalg.norm(network.filters, axis=1) <= 1.0 + 1e-12).all()
    cost = 0.5 * (np.sum(network.hidden**2) + np.sum(network.weights**2))
    assert judged(problem, outputs, cost, s.dual, tau) <= 1e-6
    assert s.network_objective == pytest.approx(0.5 * np.sum((outputs - problem.y) ** 2) + problem.beta * cost)


def test_filters_of_length_1_are_the_fully_connected_network():
    problem = circular_problem(1, h=1, layers=4)
    assert problem.architecture.exactness is Exactness.EXACT
    assert isinstance(problem.architecture.penalty, L2Penalty)
    dense = Problem(problem.X, problem.y, architecture=TwoLayerCNN(patch_geometry((3,), 3)), beta=0.1)
    assert solve(problem, tol=1e-7).objective == pytest.approx(solve(dense, tol=1e-7).objective, abs=1e-7)


def test_the_lift_of_filters_as_long_as_the_input_is_the_spectral_norm():
    spectral = CircularCNN(patch_geometry((4,), 4, padding="circular")).penalty
    lifted = CircularCNN(patch_geometry((4,), 4, padding="circular"), relaxation="nuclear")
    assert lifted.penalty == spectral
    assert lifted.exactness is Exactness.EXACT
    C = np.random.default_rng(0).standard_normal((6, 4))
    assert NuclearLiftPenalty(4, 4).norm(C) == pytest.approx(spectral.norm(C))
    assert NuclearLiftPenalty(4, 4).dual_norm(C) == pytest.approx(spectral.dual_norm(C))
    assert NuclearLiftPenalty(1, 4).norm(C) == pytest.approx(L2Penalty().norm(C))


@pytest.mark.slow
@pytest.mark.parametrize("seed", CHAINS)
@pytest.mark.parametrize("h", [2, 3])
def test_best_of_many_local_searches_is_the_value_of_an_exact_program(seed, h):
    problem = circular_problem(seed, h=h)
    optimum = solve(problem, tol=1e-9)
    check_local_search(problem, optimum)
    assert optimum.objective == pytest.approx(CHAINS[seed][1 if h == 2 else 0], rel=1e-6)


@pytest.mark.parametrize("h", few([6, 2, 3, 4, 5], 2))
def test_the_cheapest_factors_attain_the_nuclear_norm_of_the_lift(h):
    """No rank is lost: the smallest ||u|| ||w|| equals the smallest nuclear norm (theorem of Fejer and Riesz)."""
    d = 6
    C = np.random.default_rng(h).standard_normal((3, d))
    best = factors(C, h)
    assert convolution(best.u, best.w) == pytest.approx(C)
    assert np.linalg.norm(best.u, axis=1) == pytest.approx(1.0)
    value = smallest_product(C, h)
    assert np.linalg.norm(best.w, axis=1) == pytest.approx(value, rel=1e-9)
    for c, product in zip(C, value, strict=True):
        Z = cp.Variable((h, d))
        sums = [sum(Z[a, (t - a) % d] for a in range(h)) == c[t] for t in range(d)]
        assert product == pytest.approx(cp.Problem(cp.Minimize(cp.normNuc(Z)), sums).solve(solver="CLARABEL"), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(2, 9), h=st.integers(1, 9), k=st.integers(1, 3))
def test_no_random_factors_are_cheaper(seed, d, h, k):
    rng = np.random.default_rng(seed)
    h = min(h, d)
    u = rng.standard_normal((k, h))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    w = rng.standard_normal(d)
    c = w
    for piece in u:
        c = convolution(piece[None], c[None])[0]
    best = factors(c[None], h, k)
    again = best.w
    for _ in range(k):
        again = convolution(best.u, again)
    assert again[0] == pytest.approx(c, abs=1e-9 * np.abs(c).max())
    assert np.linalg.norm(best.w) <= np.linalg.norm(w) * (1 + 1e-8)
    assert smallest_product(c[None], h, k)[0] == pytest.approx(np.linalg.norm(best.w), rel=1e-6)


@pytest.mark.parametrize("spectrum", [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0 + 2.0j, 0.0, 0.0], [1.0, 0.0, -1.0j, 2.0]])
@pytest.mark.parametrize("h", [2, 3, 6])
def test_vectors_of_few_frequencies(spectrum, h):
    c = np.fft.irfft(spectrum, 6)[None]
    best = factors(c, h)
    assert convolution(best.u, best.w) == pytest.approx(c)
    assert np.linalg.norm(best.w) <= np.linalg.norm(c) * (1 + 1e-12)


PENALTIES = [
    SpectralPenalty(6, 0.7),
    SpectralPenalty(5, 1.0, 1.5),
    NuclearLiftPenalty(2, 6, 0.5),
    NuclearLiftPenalty(3, 5),
]


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_norms_and_dual_norms(penalty):
    rng = np.random.default_rng(0)
    C, G = rng.standard_normal((2, 4, penalty.d))
    for c in C:
        assert epigraph_value(penalty, c) == pytest.approx(penalty.norm(c[None])[0], rel=1e-6)
    assert ((C * G).sum(axis=1) <= penalty.norm(C) * penalty.dual_norm(G)).all()
    # without rows the support is the dual norm, attained by a vector of norm 1
    free = penalty.top_supports(G, np.arange(4), np.zeros((0, penalty.d)), np.zeros((4, 0), np.int8), floor=0.0, want=8)
    assert free.bound == pytest.approx(penalty.dual_norm(G).max(), rel=1e-7)
    assert free.value[0] == pytest.approx(free.bound, rel=1e-7)
    assert penalty.norm(free.direction) == pytest.approx(1.0)
    assert penalty.norm(np.array([np.zeros(penalty.d), np.full(penalty.d, np.nan)])) == pytest.approx(
        [0.0, np.nan], nan_ok=True
    )


def test_the_dual_of_the_lift_is_an_operator_norm():
    g = np.random.default_rng(1).standard_normal(5)
    lifted = g[(np.arange(3)[:, None] + np.arange(5)) % 5]
    assert NuclearLiftPenalty(3, 5).dual_norm(g[None]) == pytest.approx(
        NuclearPenalty((3, 5)).dual_norm(lifted.reshape(1, -1))
    )
    assert SpectralPenalty(5, 5**-0.5).dual_norm(g[None])[0] == pytest.approx(np.abs(np.fft.fft(g)).max())


def test_deeper_lifts_are_bounds_between_the_exact_ends():
    """Every neuron of L = 4 costs at least its block's norm, in each relaxation."""
    rng = np.random.default_rng(0)
    for d, h in ((3, 2), (5, 2), (6, 3), (8, 3)):
        problem = circular_problem(0, d=d, h=h, layers=4)
        network = random_network(problem, 20, seed=int(rng.integers(1000)))
        even = problem.architecture.balanced(network.parameters)
        c = problem.architecture.blocks({**even, "weights": np.abs(even["weights"])}) * np.abs(even["weights"])[:, None]
        for relaxation in ("spectral", "nuclear", "weighted"):
            penalty = circular_problem(0, d=d, h=h, layers=4, relaxation=relaxation).architecture.penalty
            assert (penalty.norm(c) <= problem.architecture.costs(even) * (1 + 1e-12)).all()


def test_model_file_and_certificate_of_any_network():
    problem = circular_problem(2, n=4, layers=4)
    s = solve(problem, tol=1e-6)
    check_model_file(s.network, problem, s)
    judgement = certify(problem, random_network(problem, 3, seed=0))
    assert judgement.exactness is Exactness.BOUND_ONLY
    assert judgement.lower_bound <= s.network_objective <= judgement.objective


@pytest.mark.parametrize(
    ("geometry", "options", "message"),
    [
        (patch_geometry((5,), 2, 1), {}, "padding, expected a one-dimensional input, stride 1 and circular"),
        (patch_geometry((5,), 2, 2, "circular"), {}, r"stride \(2,\)"),
        (patch_geometry((4, 4), 2, 1, "circular"), {}, r"input shape \(4, 4\)"),
        (patch_geometry((5,), 2, 1, "circular"), {"layers": 2}, "layers: got 2"),
        (patch_geometry((5,), 2, 1, "circular"), {"relaxation": "exact"}, "relaxation: got 'exact'"),
        (patch_geometry((5,), 2, 1, "circular"), {"relaxation": "weighted"}, "relaxation: got 'weighted' for 3 layers"),
        (patch_geometry((5,), 2, 1, "circular"), {"pooling": "sum"}, "pooling: got 'sum'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(geometry, options, message):
    with pytest.raises(InputError, match=message) as error:
        make_architecture("circular", geometry, **options)
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("relaxation", ["nuclear", "spectral"])
def test_cells_found_by_ascent_are_enough_and_claim_nothing(relaxation):
    """The list begins with a trained network's cells; what ascents add brings the value down to the optimum."""
    problem = circular_problem(0, n=8, d=4, h=2, relaxation=relaxation)
    everything = solve(problem, tol=1e-6)
    restricted = solve(problem, method="sampled", tol=1e-6)
    assert restricted.scope is Scope.RESTRICTED
    assert restricted.lower_bound == -np.inf
    assert everything.lower_bound <= restricted.objective <= everything.objective * (1 + 1e-4)


def test_ascents_find_what_a_poor_list_lacks():
    problem = circular_problem(1, n=8, d=4, h=2)
    factory = CellFactory(problem.architecture, problem.patches)
    rich = enumerated_pricer(problem, budget=Budget())
    v, codes = problem.y, rich.patterns.active()
    size = problem.architecture.penalty.dual_norm(factory.transpose_products(codes, factory.gate_rows(codes), v))
    poor = AscentPricer(factory, codes[[np.argmin(size)]], seed=0)
    tau = rich.price(v, floor=0.0, want=1, budget=Budget()).bound
    floor = 0.5 * tau
    assert EnumeratedPricer(factory, poor.patterns).price(v, floor=floor, want=5, budget=Budget()).bound <= floor
    found = poor.price(v, floor=floor, want=5, budget=Budget())
    assert poor.listed_count > 1
    assert poor.scope is Scope.RESTRICTED
    assert floor < found.value[0] <= tau * (1 + 1e-9)
    atoms = problem.architecture.atoms(problem.patches, found.directions)
    assert found.columns.sign * (v @ atoms) == pytest.approx(found.value, rel=1e-6)
    assert problem.architecture.penalty.norm(found.directions) == pytest.approx(1.0)


@pytest.mark.parametrize(("h", "layers", "relaxation"), [(2, 3, "nuclear"), (3, 3, "spectral"), (3, 4, "weighted")])
def test_branch_and_bound_is_refused_where_the_norm_is_not_euclidean(h, layers, relaxation):
    """Its bound is a maximum over the Euclidean ball, which says nothing about another ball's atoms."""
    with pytest.raises(InputError, match="expected one whose blocks have the Euclidean norm"):
        solve(circular_problem(0, h=h, layers=layers, relaxation=relaxation), method="branch-and-bound")


def test_branch_and_bound_agrees_with_the_list_for_filters_of_length_one():
    problem = circular_problem(0, h=1)
    searched, listed = (solve(problem, tol=1e-9, method=m) for m in ("branch-and-bound", "column-generation"))
    assert searched.objective == pytest.approx(listed.objective, rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [20, 50])
def test_many_layers_end_in_an_answer(layers):
    rng = np.random.default_rng(0)
    cnn = CircularCNN(patch_geometry((10,), 3, padding="circular"), layers)
    problem = Problem(rng.standard_normal((8, 10)), rng.standard_normal(8), architecture=cnn, beta=0.05)
    solution = solve(problem, max_rounds=3)
    assert problem.objective(solution.network) <= 0.5 * np.sum(problem.y**2) * (1 + 1e-12)
    assert solution.lower_bound <= solution.network_objective

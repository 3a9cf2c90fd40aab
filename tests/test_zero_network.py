"""The zero network, of m = 0 neurons, is a network like any other: nothing fails for it, whatever the architecture."""

import io

import numpy as np
import pytest
from app_helpers import open_page
from architecture_cases import every_architecture, tiny_problem

from convex_core import (
    METHODS,
    FixedDirections,
    InputError,
    Network,
    Problem,
    SizeError,
    Status,
    audit,
    beta_max,
    certify,
    convex_latex,
    cvxpy_script,
    load_model,
    local_search,
    save_model,
    solve,
    solve_path,
    train_sgd,
    whole_cvxpy_script,
)
from convex_core.architectures import CircularCNN, ThreeLayerCNN
from convex_core.auditing import own_patterns
from convex_core.bounding import bounds as around
from convex_core.cli.entry import main
from convex_core.figures.classes import class_filters
from convex_core.figures.dial import beta_dial
from convex_core.figures.filters import filter_norms, network_filters
from convex_core.figures.matrices import matrix_blocks
from convex_core.figures.path import norm_map, objective_path, over_strides
from convex_core.figures.solving import bounds, seconds
from convex_core.figures.spectral import frequencies_in_use, signals_and_spectra
from convex_core.figures.tracks import follow_filters
from convex_core.networks.neurons import ascend, random_neurons, unit_neurons
from convex_core.networks.recovery import balanced, prune, recover
from convex_core.numerics.power_spectra import convolution, factors, smallest_product
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solution import solve_over
from convex_core.solvers.fixed_neurons.base import FixedNeurons
from convex_core.solvers.fixed_neurons.conic import ConicDirections
from convex_core.solvers.search import given_patterns
from convex_core.training.multistart import descend

EVERY = list(every_architecture())
LARGE = 1000.0


def zero_of(architecture):
    return Network(architecture, **{name: np.zeros((0, *shape)) for name, shape in architecture.shapes.items()})


@pytest.mark.parametrize("architecture", EVERY)
def test_nothing_of_an_architecture_fails_without_neurons(architecture):
    problem = tiny_problem(architecture, beta=LARGE)
    architecture = problem.architecture  # of that batch
    network = zero_of(architecture)
    patches, none = problem.patches, network.parameters
    factory = CellFactory(architecture, patches)
    codes, blocks = architecture.codes(patches, none), factory.nothing()
    assert architecture.outputs(patches, none).shape == (problem.size, 0)
    assert codes.shape == (0, factory.width)
    assert factory.decided(codes).shape == codes.shape
    pulled = architecture.gradient(patches, none, np.zeros((0, problem.size)))
    changed = [pulled, architecture.decay(none), architecture.project(none), architecture.balanced(none)]
    changed += [architecture.scaled(none, np.zeros(0))]
    changed += [architecture.neurons(blocks.G[:, 0], blocks.sign, codes, patches)]
    changed += [random_neurons(architecture, 0, np.random.default_rng(0)), unit_neurons(architecture, patches, none)[0]]
    changed += [ascend(architecture, patches, np.ones(problem.size), none)[0]]
    for parameters in changed:
        assert {name: part.shape for name, part in parameters.items()} == {n: a.shape for n, a in none.items()}
    assert architecture.costs(none).shape == network.sizes.shape == network.signs.shape == (0,)
    assert network.regulariser == 0.0
    assert not network.predict(problem.X).any()
    assert not factory.outputs(blocks, np.zeros((0, factory.p))).any()
    dust = np.zeros((2, factory.p)), np.ones(2, np.int8), np.zeros((2, factory.width), dtype=bool)
    reduced = prune(network, patches), balanced(network), recover(architecture, patches, *dust)
    for found in (*reduced, descend(problem, network)):
        assert found.m == 0
    for fixed in (FixedNeurons(problem, network), ConicDirections(problem, network)):
        assert fixed.network(np.zeros(0)).m == 0
    assert len(ConicDirections(problem, network).sizes(0.1)) == 0
    if isinstance(architecture, CircularCNN):
        assert architecture.blocks(none).shape == (0, architecture.geometry.d)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", EVERY)
def test_every_answer_about_a_network_holds_for_the_zero_network(architecture):
    problem = tiny_problem(architecture, beta=LARGE)
    architecture = problem.architecture  # of that batch
    network = zero_of(architecture)
    nothing = pytest.approx(0.5 * problem.y @ problem.y)
    for method in METHODS:
        try:
            solution = solve(problem, method=method)
        except (InputError, SizeError):  # not for this architecture
            continue
        assert solution.network_objective == nothing
        if method not in ("clarabel", "cvxpy"):  # an interior-point method leaves dust
            assert (solution.network.m, len(solution.active)) == (0, 0)
    solution = solve(problem)
    assert solution.status is Status.OPTIMAL
    assert certify(problem, network).status is Status.OPTIMAL
    judged = audit(problem, network)
    assert (judged.own, judged.own_objective, len(own_patterns(problem, network))) == (None, nothing, 0)
    empty = given_patterns(problem, architecture.codes(problem.patches, network.parameters))
    assert solve_over(problem, empty, tol=1e-6, budget=Budget()).network.m == 0
    enough = problem.size + 1
    for found in (
        local_search(problem, starts=1, polish=False),
        local_search(problem, m=enough, begin=[network], starts=0),
    ):
        assert problem.objective(found) == nothing
    assert train_sgd(problem.with_beta(0.1), iterations=2, seeds=[0]).best_networks
    file = io.BytesIO()
    save_model(file, solution)
    file.seek(0)
    assert load_model(file).network.architecture == architecture
    assert convex_latex(problem, solution.patterns)
    assert compile(whole_cvxpy_script(problem), "script", "exec")
    path = solve_path(problem, betas=[2.0 * LARGE, LARGE])
    charts = [network_filters(network), filter_norms(network), seconds(solution), beta_dial([solution, solution])]
    charts += [bounds(solution.history), norm_map(path), norm_map(path, compact=True), objective_path(path)]
    charts += [over_strides({1: path})]
    if architecture.q > 1:
        charts.append(class_filters(network))
    if isinstance(architecture, ThreeLayerCNN):
        charts.append(matrix_blocks([solution]))
        assert around(problem, starts=1).network.m == 0
    if isinstance(architecture, CircularCNN):
        charts.append(signals_and_spectra(network))
        assert frequencies_in_use(network).shape == (0, architecture.geometry.d // 2 + 1)
        found = around(problem, starts=1)
        assert (found.network.m, found.ceiling.solution.network.m, found.value) == (0, 0, nothing)
    assert all(chart.alt for chart in charts)
    assert follow_filters([network, network])[0].shape[1] == 0
    with pytest.raises(InputError, match=r"^patterns: got an array of shape \(0, "):
        cvxpy_script(problem, solution.active, complete=False)


def test_sizes_of_no_directions():
    problem = tiny_problem(EVERY[0].values[0])
    assert len(FixedDirections(problem, zero_of(problem.architecture)).sizes(0.1)) == 0


def test_a_sandwich_whose_ceiling_alone_is_the_zero_network():
    """Filters of length 1 give up before longer ones do."""
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((5, 4)), rng.standard_normal(5)
    short, long = (
        Problem(X, y, architecture=CircularCNN(patch_geometry((4,), h, padding="circular")), beta=1.0) for h in (1, 3)
    )
    (low, _), (high, _) = beta_max(short), beta_max(long)
    assert low < high
    found = around(long.with_beta(0.5 * (low + high)), starts=1)
    assert found.ceiling.solution.network.m == 0
    assert found.network.m > 0
    assert found.value < found.ceiling.value


def test_factors_of_a_vector_of_zeros():
    C = np.array([[0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0, 1.0]])
    for h in (1, 2, 3, 5):
        best = factors(C, h)
        assert np.linalg.norm(best.u, axis=1) == pytest.approx(1.0)
        assert convolution(best.u, best.w) == pytest.approx(C)
        assert smallest_product(C, h)[0] == 0.0
        assert factors(C[:0], h).w.shape == (0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [EVERY[0], EVERY[-1]])
def test_a_local_search_for_targets_of_zero_ends_at_zero(architecture):
    problem = tiny_problem(architecture)
    silent = Problem(problem.X, np.zeros(problem.n), architecture=architecture, beta=0.1)
    assert silent.objective(local_search(silent, starts=1)) <= 1e-20
    assert solve(silent).network.m == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        {"circular_beta": "1", "circular_seed": "1414", "circular_d": "4"},  # the ceiling is the zero network
        {"circular_beta": "1", "circular_seed": "1", "circular_d": "3"},  # everything is
        {"circular_beta": "1", "circular_seed": "1", "circular_d": "3", "circular_layers": "4"},
        {"kind": "Two ReLU layers", "relu_beta": "1", "relu_seed": "71", "relu_n": "3"},
    ],
)
def test_the_three_layer_page_draws_the_zero_network(query):
    app = open_page("three_layer", **query)
    assert not app.exception
    assert app.header


def test_the_command_line_writes_and_audits_the_zero_network(tmp_path, capsys):
    model, script = tmp_path / "zero.npz", tmp_path / "zero.py"
    data = ["--dataset", "edge"]
    assert main(["solve", *data, "--beta", "100", "--out", str(model), "--script", str(script)]) == 0
    assert compile(script.read_text(), "script", "exec")
    capsys.readouterr()
    assert main(["audit", *data, "--json", str(model)]) == 0
    assert load_model(model).network.m == 0
    assert '"optimal"' in capsys.readouterr().out

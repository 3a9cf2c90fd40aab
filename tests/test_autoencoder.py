"""Networks whose targets are their inputs: values of other programs, formulas, new data, pictures, command line."""

import io

import numpy as np
import pytest
from architecture_cases import check_gradients, check_model_file, check_scaling
from few_cases import few

from convex_core import (
    Dataset,
    InputError,
    Network,
    Problem,
    audit,
    certify,
    cvxpy_script,
    load_model,
    local_search,
    patch_geometry,
    save_model,
    solve,
    solve_path,
    train_sgd,
)
from convex_core.architectures import LinearCNN, layers_of
from convex_core.cli import main
from convex_core.figures import reconstructions
from convex_core.status import Exactness, Status
from convex_core.training.multistart import descend

#: X (5, 2), beta = 0.1, the l1 norm, seeds 0, 1, 2; then linear ones of X (6, 3), beta = 2
OPTIMA = (0.36019381, 0.34793164, 0.34467179)
LINEAR = (3.23927666, 2.53759827, 3.05203133)


def signals(seed=0, n=5, d=2):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("seed", few(range(3)))
def test_optima_agree_with_other_programs(seed):
    X = signals(seed)
    one = solve(Problem.autoencoder(X, beta=0.1), tol=1e-8)
    assert one.network_objective == pytest.approx(OPTIMA[seed], abs=1e-7)
    assert (one.status, one.exactness) == (Status.OPTIMAL, Exactness.EXACT)
    by_hand = Problem(X, X, filter_size=2, outputs=2, beta=0.1)
    assert one.problem == by_hand
    two = solve(Problem.autoencoder(X, beta=0.1, output_norm="l2", relaxation="lifted"), tol=1e-6)
    assert two.exactness is Exactness.EXACT
    assert two.network_objective <= one.network_objective  # the l2 norm is not above the l1 norm


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_one_is_a_formula_in_the_singular_values(seed):
    X = signals(seed, 6, 3)
    for beta in (0.1, 2.0, 5.0):
        s2 = np.linalg.svd(X, compute_uv=False) ** 2
        formula = np.where(s2 > beta, beta - beta**2 / (2 * s2), s2 / 2).sum()
        found = solve(Problem.autoencoder(X, beta=beta, architecture="linear"), tol=1e-9)
        assert (found.status, found.exactness) == (Status.OPTIMAL, Exactness.EXACT)
        assert found.network_objective == pytest.approx(formula, rel=1e-8)
        assert found.network.m == np.count_nonzero(s2 > beta)
        assert beta != 2.0 or formula == pytest.approx(LINEAR[seed], abs=1e-8)


def test_a_linear_network_of_several_outputs_is_the_definition():
    rng = np.random.default_rng(0)
    cnn = LinearCNN(patch_geometry((4,), 2, 2, bias="output"), 3)
    assert (cnn.shapes, cnn.options, cnn.single.q) == ({"filters": (2,), "weights": (2, 3)}, {"outputs": 3}, 1)
    network = Network(cnn, rng.standard_normal((2, 2)), rng.standard_normal((2, 2, 3)), free=[1.0, 2.0, 3.0])
    X = rng.standard_normal((5, 4))
    expected = np.array([1.0, 2.0, 3.0]) + sum(
        (x @ u)[:, None] * w[k] for u, w in zip(network.filters, network.weights, strict=True)
        for k, x in enumerate((X[:, :2], X[:, 2:]))
    )  # fmt: skip
    assert network.predict(X) == pytest.approx(expected)
    problem = Problem(X, rng.standard_normal((5, 3)), architecture=cnn, beta=0.3)
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem, tol=1e-8)
    check_model_file(solution.network, problem, solution)
    searched = problem.objective(local_search(problem, starts=2, polish=False))
    assert solution.lower_bound * (1 - 1e-9) <= searched == pytest.approx(solution.network_objective, rel=1e-5)
    layers = layers_of(cnn, solution.network.parameters, solution.network.free)
    (branch,) = layers.branches
    sums = np.einsum("knh,mh->nmk", cnn.geometry.extract(X), branch.filters)
    pooled = np.einsum("nmk,mk->nm", sums, branch.counts)
    assert pooled @ branch.weights + layers.bias == pytest.approx(solution.network.predict(X))


def test_new_data_files_audit_and_path():
    X = signals(1, 6, 3)
    problem = Problem.autoencoder(X, beta=0.05)
    solution = solve(problem)
    new = signals(7, 4, 3)
    by_hand = np.maximum(new @ solution.network.filters.T, 0.0) @ solution.network.weights
    assert solution.predict(new) == pytest.approx(by_hand)
    file = io.BytesIO()
    save_model(file, solution)
    file.seek(0)
    model = load_model(file)
    again = Problem(X, X, architecture=model.network.architecture, beta=0.05)
    assert again.reconstructs
    assert certify(again, model.network, dual=model.dual).lower_bound == pytest.approx(solution.lower_bound)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    trained = train_sgd(problem, seeds=[0], iterations=200)
    assert trained.best_objective[0] >= solution.lower_bound
    assert audit(problem, trained.best_networks[0]).certificate.lower_bound <= solution.network_objective


def test_images_are_their_own_targets():
    images = signals(0, 3, 12).reshape(3, 3, 4)
    problem = Problem.autoencoder(images, beta=0.5)
    assert (problem.architecture.geometry.filter_shape, problem.architecture.q) == ((3, 4), 12)
    assert problem.reconstructs
    patches = Problem.autoencoder(images, beta=0.5, filter_size=2, pooling="mean")
    assert patches.architecture.geometry.K == 6
    data = Dataset("mine", images.reshape(3, 12), [1, -1, 1], input_shape=(3, 4))
    assert Problem.from_dataset(data, beta=0.5, autoencoder=True) == problem
    assert not Problem.from_dataset(data, beta=0.5, filter_size=2).reconstructs
    one = Problem.autoencoder([[1.0], [2.0]], beta=0.1)
    assert (one.architecture.q, one.reconstructs) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"output_norm": "l2", "relaxation": "lifted"},
        {"output_norm": "l2"},
        {"output_norm": "l2", "relaxation": "plain"},
        {"architecture": "linear"},
    ],
    ids=["l1", "lifted", "cone", "plain", "linear"],
)
def test_no_local_search_is_below_and_the_exact_programs_are_met(options):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        beta = float(10.0 ** rng.uniform(-2.0, 0.3))
        problem = Problem.autoencoder(rng.standard_normal((3, 2)), beta=beta, **options)
        optimum = solve(problem, tol=1e-8)
        found = [
            problem.objective(descend(problem, local_search(problem, m=8, starts=3, seed=k, polish=False)))
            for k in range(3)
        ]
        assert optimum.lower_bound * (1 - 1e-9) <= min(found)
        if optimum.exactness is Exactness.EXACT:
            assert min(found) == pytest.approx(optimum.network_objective, rel=1e-6)


def test_the_script_of_a_linear_one(capsys):
    optimum = solve(Problem.autoencoder(signals(0, 4, 3), beta=0.5, architecture="linear"), tol=1e-8)
    exec(compile(cvxpy_script(optimum.problem, optimum.active, complete=True), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": "hinge"}, "loss: got hinge with an autoencoder, whose targets are the inputs, expected squared"),
        ({"loss": "softmax"}, "loss: got softmax with an autoencoder"),
        ({"outputs": 3}, "outputs: got 3 with an autoencoder, expected none"),
        ({"architecture": "flatten"}, "outputs: got 2 for the architecture 'flatten'"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Problem.autoencoder(signals(), beta=0.1, **given)


def test_pictures_show_inputs_beside_reconstructions():
    X = signals(3, 8, 3)
    solution = solve(Problem.autoencoder(X, beta=0.1))
    chart = solution.plot("reconstructions")
    f = solution.predictions.reshape(8, 3)
    assert np.reshape(chart.table["reconstruction"], (8, 3)) == pytest.approx(f)
    share = 100 * np.sum((f - X) ** 2) / np.sum(X**2)
    assert f"miss {share:.2g} % of the squares of the inputs; the first 6 are drawn." in chart.alt
    lines = {trace.name: trace for trace in chart.figure.data}
    made = [row for row in lines["reconstruction"].customdata if row is not None]
    assert [row[2] for row in made] == pytest.approx(f[:6].ravel())
    heights = np.array([y for y in lines["input"].y if y is not None])
    assert heights[:9].min() > heights[9:].max()  # two rows of three signals that do not meet
    new = solution.plot("reconstructions", X=X[:2] + 1.0)
    assert new.table["input"] == pytest.approx((X[:2] + 1.0).ravel())
    images = X[:4].reshape(4, 3)[:, :, None] * np.ones(2)
    pictured = solve(Problem.autoencoder(images, beta=0.1)).plot("reconstructions")
    tiles = np.asarray(pictured.figure.data[0].z)
    seen = tiles[~np.isnan(tiles)]
    assert seen.size == 2 * images.size
    assert set(np.round(images.ravel(), 9)) <= set(np.round(seen, 9))
    with pytest.raises(InputError, match="got 1 outputs for inputs of 3 entries, expected an autoencoder"):
        reconstructions(solve(Problem(X, X[:, 0], filter_size=2, beta=0.1)).network, X)


def test_command_line_and_report(tmp_path, capsys):
    model, page = tmp_path / "model.npz", tmp_path / "report.html"
    arguments = ["--dataset", "edge", "--autoencoder", "--beta", "0.5"]
    assert main(["solve", *arguments, "--exact", "--out", str(model)]) == 0
    said = capsys.readouterr().out
    assert "outputs" in said
    assert "accuracy" not in said
    assert main(["audit", str(model), "--dataset", "edge", "--autoencoder"]) == 0
    assert main(["solve", *arguments, "--loss", "hinge"]) == 2
    assert "whose targets are the inputs" in capsys.readouterr().err
    solution = solve(Problem.autoencoder(signals(), beta=0.1))
    solution.report(page)
    assert main(["verify", str(page)]) == 0

"""Limits hold while something is set up: in parts of a moment each, and what was made by half is kept by nobody."""

import functools
import itertools
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from few_cases import few
from problem_cases import patch_problem

from convex_core import (
    CircularCNN,
    Interrupted,
    Network,
    Problem,
    Status,
    TwoLayerCNN,
    beta_max,
    bounds,
    certify,
    patch_geometry,
    solve,
    solve_path,
)
from convex_core.architectures import lifted_cells
from convex_core.arrangement import cell_facets, cell_witnesses
from convex_core.arrangement.cells import batch
from convex_core.contracts.kept import Kept
from convex_core.networks import network as passes
from convex_core.numerics import cone_projection, interior_point, power_spectra
from convex_core.penalties import NuclearLiftPenalty, NuclearPenalty, conic_supports, supports
from convex_core.program import CellFactory, blocks
from convex_core.progress import Budget, _wait, around, inside
from convex_core.solvers.pricing import enumerated
from convex_core.training.multistart import local_search

searching = sys.modules[local_search.__module__]


# -- what is set up before anything can be solved
def lifted_problem(kind):
    """Two patches of a lifted program, with data that no other test has."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    options = {
        "flatten": {"architecture": "flatten"},
        "outputs": {"outputs": 2, "output_norm": "l2"},
        "three-layer": {"architecture": "three-layer", "sharing": "shared"},
    }[kind.split()[0]]
    X, y = rng.standard_normal((3, 6)), rng.standard_normal((3, 2) if "outputs" in options else 3)
    return Problem(X, y, filter_size=3, stride=3, beta=0.1, relaxation="lifted", **options)


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        *itertools.product(["flatten", "outputs", "three-layer"], ["solve", "certify", "path", "beta_max"]),
        *few([("three-layer", "bounds"), ("flatten", "bounds"), ("outputs", "bounds")]),
    ],
)
def test_cells_are_cut_in_pieces_within_the_time_and_none_are_kept_by_half(kind, verb, monkeypatch, ticking):
    problem = lifted_problem(f"{kind} {verb}")
    network = Network.zero(problem.architecture)
    cut, real = [], lifted_cells.pieces_of

    def slow(rows):
        cut.append(rows)
        ticking.now += 1.0
        return real(rows)

    monkeypatch.setattr(lifted_cells, "pieces_of", slow)
    monkeypatch.setattr(lifted_cells, "KEPT", Kept(1_000_000))
    told = []
    limits = {"time_limit": 2.5, "progress": lambda report: told.append(report.message)}
    if verb == "solve":
        solution = solve(problem, **limits)
        assert (solution.status, solution.network.m, solution.lower_bound) == (Status.TIME_LIMIT, 0, -np.inf)
        assert solution.active.shape == (0, problem.architecture.codes(problem.patches, network.parameters).shape[1])
    elif verb == "certify":
        certificate = certify(problem, network, **limits)
        assert (certificate.status, certificate.objective) == (Status.TIME_LIMIT, problem.objective(network))
    elif verb == "bounds":  # the programs before it have the time of the machine, and this one what ticking leaves
        found = bounds(problem, starts=0, **limits)
        assert found.links[-1].label == "lifted"
        assert found.links[-1].solution.status is Status.TIME_LIMIT
    else:
        with pytest.raises(Interrupted):
            (solve_path if verb == "path" else beta_max)(problem, **limits)
    assert 1 <= len(cut) <= 3
    assert any("cutting cells in pieces" in message for message in told)
    assert len(lifted_cells.KEPT) == 0
    assert problem.architecture.predicted(problem.patches) > 3  # with all the time there is they are all made
    assert len(cut) > 20


@pytest.mark.parametrize("kind", ["flatten", "outputs", "three-layer"])
def test_cells_are_not_cut_in_pieces_once_that_is_cancelled(kind, monkeypatch):
    problem, cancel, cut, real = lifted_problem(f"{kind} cancel"), threading.Event(), [], lifted_cells.pieces_of

    def cancelling(rows):
        cut.append(rows)
        cancel.set()
        return real(rows)

    monkeypatch.setattr(lifted_cells, "pieces_of", cancelling)
    solution = solve(problem, cancel=cancel)
    _wait()
    assert (solution.status, solution.network.m, len(cut)) == (Status.CANCELLED, 0, 1)


def test_a_search_stops_within_a_forward_pass_of_many_samples(monkeypatch):
    problem = patch_problem(0)
    whole = local_search(problem, m=3, starts=1, polish=False)
    monkeypatch.setattr(passes, "_AT_ONCE", problem.patches.size)  # a neuron at a time
    again = local_search(problem, m=3, starts=1, polish=False)
    assert problem.objective(again) == pytest.approx(problem.objective(whole), rel=1e-5)
    ended, widths, outputs = threading.Event(), [], TwoLayerCNN.outputs

    def ending(self, patches, parameters):
        if len(parameters["weights"]):
            widths.append(len(parameters["weights"]))
            ended.set()
        return outputs(self, patches, parameters)

    monkeypatch.setattr(TwoLayerCNN, "outputs", ending)
    found = local_search(problem, m=3, starts=1, cancel=ended)
    _wait()
    assert widths == [1]
    assert found.m == 0


@pytest.mark.parametrize("seconds", [0.01, 100.0])
def test_a_decomposition_that_would_outlast_the_time_is_not_begun(seconds, monkeypatch, ticking):
    problem, sizes, svd = patch_problem(0), [], np.linalg.svd
    slow = replace(searching.SETTINGS, moment=0.0, in_a_second=1.0)  # some 200 multiplications: as many seconds
    monkeypatch.setattr(searching, "SETTINGS", slow)
    monkeypatch.setattr(np.linalg, "svd", lambda *args, **options: sizes.append(args[0].shape) or svd(*args, **options))
    local_search(problem, m=7, starts=1, polish=False, time_limit=1e4 * seconds)
    _wait()
    assert bool(sizes) == (seconds > 1.0)


def several_outputs():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, 4)), rng.standard_normal((3, 2))
    return Problem(X, Y, filter_size=2, stride=2, outputs=2, output_norm="l2", relaxation="cone", beta=0.1)


@pytest.mark.parametrize("method", ["auto", "clarabel"])
def test_a_conic_program_that_would_outlast_the_time_is_not_begun(method, monkeypatch):
    monkeypatch.setattr(interior_point, "setup_seconds", lambda *_: 1e6)
    problem = several_outputs()
    solution = solve(problem, method=method, time_limit=100.0)
    assert solution.status is Status.TIME_LIMIT
    assert solution.lower_bound <= solution.objective <= problem.objective(Network.zero(problem.architecture))


@pytest.mark.parametrize("limit", [100.0, 1e9])
def test_a_projection_that_would_outlast_the_time_is_not_begun(limit, monkeypatch):
    problem = several_outputs()
    calls, kernel = [], supports.top_cone_supports
    monkeypatch.setattr(enumerated, "SETTINGS", replace(enumerated.SETTINGS, projection=1e4))
    monkeypatch.setattr(supports, "top_cone_supports", lambda *args: calls.append(1) or kernel(*args))
    solution = solve(problem, time_limit=limit)
    assert bool(calls) == (limit > 1e6)
    assert (solution.status is Status.TIME_LIMIT) == (limit < 1e6)
    assert solution.lower_bound <= solution.objective * (1.0 + 1e-9)


# -- in parts
def ended():
    """A budget that is over."""
    flag = threading.Event()
    flag.set()
    return Budget(cancel=flag)


def signs_and_rows():
    """Cells of five hyperplanes, each with a point in it."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((5, 3))
    return rows, np.sign(rng.standard_normal((7, 3)) @ rows.T).astype(np.int8)


def witnesses():
    return cell_witnesses(*signs_and_rows()).points


def facets():
    return cell_facets(*signs_and_rows())


@functools.cache
def some_cells():
    problem = patch_problem(2)
    return CellFactory(problem.architecture, problem.patches)


def gates():
    factory = some_cells()
    return factory.gate_matrices(np.random.default_rng(0).random((9, factory.width)) < 0.5)


def gates_without_numba():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "have_numba", lambda: False)
        return gates()


def circular_neurons():
    cnn = CircularCNN(patch_geometry((6,), 3, padding="circular"))
    C = np.random.default_rng(0).standard_normal((4, 6))
    return cnn.neurons(C, np.ones(4, dtype=np.int8), np.zeros((4, 0), dtype=bool), C)["hidden"]


def lifted_norms():
    return NuclearLiftPenalty(6, 3).norm(np.random.default_rng(0).standard_normal((4, 6)))


@pytest.mark.parametrize(
    ("work", "module", "constants"),
    [
        (witnesses, batch, "_AT_ONCE"),
        (facets, batch, "_AT_ONCE"),
        (gates, blocks, "_QUICK _BITS"),
        (gates_without_numba, blocks, "_QUICK"),
        (circular_neurons, power_spectra, "_AT_ONCE"),
        (lifted_norms, power_spectra, "_AT_ONCE"),
    ],
)
def test_what_is_long_is_made_in_parts_and_may_end_between_them(work, module, constants, monkeypatch):
    whole = work()
    with inside(ended()):
        np.testing.assert_array_equal(work(), whole)  # what is quick is made at any time
    for constant in constants.split():
        monkeypatch.setattr(module, constant, 1)
    np.testing.assert_allclose(work(), whole, rtol=1e-12, atol=1e-15)
    with inside(ended()), pytest.raises(Interrupted) as stop:
        work()
    assert stop.value.status is Status.CANCELLED
    assert not around().limited


def test_directions_over_no_rows_take_no_square_arrays(monkeypatch):
    shapes, real = [], cone_projection.cone_scratch

    def watched(*sizes):
        answer = real(*sizes)
        shapes.append(answer[0].shape)
        return answer

    monkeypatch.setattr(cone_projection, "cone_scratch", watched)
    G = np.random.default_rng(0).standard_normal((5, 144))
    none, sides = np.zeros((0, 144)), np.zeros((5, 0), dtype=np.int8)
    best = conic_supports(NuclearPenalty((12, 12)), G, np.arange(5), none, sides, floor=0.0, want=1)
    assert best.bound == pytest.approx(NuclearPenalty((12, 12)).dual_norm(G).max())
    assert set(shapes) == {(2, 1, 144)}

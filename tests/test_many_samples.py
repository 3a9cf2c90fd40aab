"""Many samples: work in parts on two threads gives what it gives in one piece, once, and with little beside it."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from convex_core import Problem, solve
from convex_core.architectures import TwoLayerCNN, make_architecture
from convex_core.arrangement import merge_rows
from convex_core.networks import recovery
from convex_core.numerics import short_rows
from convex_core.numerics.jit import have_numba
from convex_core.numerics.rounding import lengths
from convex_core.numerics.short_rows import in_parts, norms, peaks
from convex_core.numerics.threads import at_once, one_core
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory, blocks
from convex_core.solvers import search
from convex_core.solvers.master import semismooth


def signals(n: int, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Signals of small integers: rows that are zero, parallel and opposite are among their patches."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (n, d)) * rng.choice([1.0, 0.5, 3.0], (n, 1))
    return X, rng.standard_normal(n)


def cells(n: int = 40, **options: str) -> CellFactory:
    X, _ = signals(n)
    cnn = make_architecture("two-layer", patch_geometry((12,), 3), **options)
    return CellFactory(cnn, cnn.geometry.extract(X))


def test_parts_come_in_order_and_do_not_depend_on_the_cores(monkeypatch):
    monkeypatch.setattr(short_rows, "_PART", 10)
    both = in_parts(lambda part: (part.start, part.stop), 47, 2)
    with one_core():
        assert in_parts(lambda part: (part.start, part.stop), 47, 2) == both
    assert [start for start, _ in both] == list(range(0, 47, 5))
    assert both[-1] == (45, 47)
    assert in_parts(lambda part: part, 0, 3) == []


def test_threads_that_wait_for_each_other_get_on():
    done: list[list[int]] = []
    work = threading.Thread(
        target=lambda: done.extend(at_once(lambda x: at_once(lambda y: x + y, [10, 20, 30]), range(6))), daemon=True
    )
    work.start()
    work.join(timeout=60.0)
    assert done == [[x + 10, x + 20, x + 30] for x in range(6)]


@pytest.mark.parametrize("p", [1, 3, 7, 8, 30])
def test_short_rows_have_the_numbers_that_numpy_gives(p, monkeypatch):
    rows = np.random.default_rng(p).standard_normal((5, 9, p))
    np.testing.assert_array_equal(peaks(rows), np.abs(rows).max(axis=-1))
    np.testing.assert_array_equal(norms(rows), np.linalg.norm(rows, axis=-1))
    assert lengths(rows[:, :, :0]).tolist() == np.zeros((5, 9)).tolist()
    assert lengths(np.zeros((0, 0))).shape == (0,)
    whole = lengths(rows)
    monkeypatch.setattr(short_rows, "_PART", 10)
    np.testing.assert_array_equal(lengths(rows), whole)


def test_rows_are_merged_in_parts_as_in_one_piece(monkeypatch):
    rows = cells().hyperplanes
    whole = merge_rows(rows)
    assert len(whole.rows) < len(rows)
    assert {-1, 0, 1} == set(whole.sign.tolist())
    monkeypatch.setattr(short_rows, "_PART", 50)
    assert merge_rows(rows) == whole
    scale = np.linalg.norm(rows, axis=1) * whole.sign
    np.testing.assert_allclose(scale[:, None] * whole.rows[whole.index], rows, atol=1e-14)


def test_cells_are_measured_in_parts_as_in_one_piece(monkeypatch):
    whole, v = cells(), signals(40)[1]
    monkeypatch.setattr(short_rows, "_PART", 50)
    parts = cells()
    for name in ("rows", "classes", "representatives", "opposite", "_norms", "_reach"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert parts.rounding(v, listed=True) == whole.rounding(v, listed=True) > 0.0
    # the first original row of each hyperplane stands for it
    assert [int(np.flatnonzero(parts.classes == j)[0]) for j in range(len(parts.rows))] == list(parts.representatives)


@pytest.mark.parametrize("options", [{}, {"pooling": "mean"}, {"activation": "leaky"}])
def test_blocks_of_many_codes_are_those_of_few(options, monkeypatch):
    factory = cells(**options)
    U = np.random.default_rng(1).standard_normal((9, 3))
    sign = np.array([1, -1, 1, 1, -1, 1, -1, -1, 1], np.int8)
    whole = factory.blocks(factory.patterns(U), sign)
    outputs = factory.architecture.atoms(factory.patches, U) * sign
    np.testing.assert_allclose(np.einsum("bnp,bp->nb", whole.G, U), outputs, atol=1e-13)
    monkeypatch.setattr(blocks, "_BITS", 1)
    monkeypatch.setattr(blocks, "_QUICK", 1)
    monkeypatch.setattr(short_rows, "_PART", 50)
    for numba in (True, False):
        if numba and not have_numba():
            continue
        monkeypatch.setattr(blocks, "have_numba", lambda numba=numba: numba)
        parts = factory.blocks_around(U, sign)
        np.testing.assert_allclose(parts.G, whole.G, rtol=0, atol=1e-14)
        for name in ("sides", "active", "sign", "rows"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
        assert parts.keys() == whole.keys() == blocks.block_keys(whole.active, sign)


def test_blocks_that_are_zero_take_no_forward_pass(monkeypatch):
    factory = cells()
    U = np.random.default_rng(1).standard_normal((7, 3))
    given = factory.blocks(factory.patterns(U), np.ones(7, np.int8))
    U[[0, 2, 3]] = 0.0
    expected = np.einsum("bnp,bp->n", given.G, U)
    passed: list[int] = []
    own = TwoLayerCNN.atoms
    monkeypatch.setattr(
        TwoLayerCNN, "atoms", lambda self, patches, C: (passed.append(len(C)), own(self, patches, C))[1]
    )
    np.testing.assert_allclose(factory.outputs(given, U), expected, atol=1e-13)
    assert passed == [4]


def test_blocks_of_which_all_are_taken_are_not_copied():
    factory = cells()
    some = factory.blocks(factory.patterns(np.eye(3)), np.ones(3, np.int8))
    assert some.take(np.ones(3, dtype=bool)) is some
    assert factory.nothing().extended(some) is some
    assert some.take(np.array([True, False, True])) == some.take(np.array([0, 2]))


def test_the_sides_of_filters_are_found_in_parts(monkeypatch):
    rows = cells().hyperplanes
    c = np.array([[1.0, 2.0, -0.5], [1.0, -1.0, 0.0], [0.0, 0.0, 1e-30]])
    whole = recovery._sides(rows, c)
    np.testing.assert_array_equal(whole, np.sign(np.where(np.abs(c @ rows.T) < 1e-40, 0.0, c @ rows.T)))
    monkeypatch.setattr(short_rows, "_PART", 50)
    np.testing.assert_array_equal(recovery._sides(rows, c), whole)


def test_a_large_matrix_is_multiplied_by_halves(monkeypatch):
    rng = np.random.default_rng(0)
    J, v, c = rng.standard_normal((31, 6)), rng.standard_normal(31), rng.standard_normal(6)
    monkeypatch.setattr(semismooth, "SETTINGS", replace(semismooth.SETTINGS, halved=1))
    np.testing.assert_allclose(semismooth.pulled(v, J), v @ J, atol=1e-14)
    np.testing.assert_allclose(semismooth.pushed(J, c), J @ c, atol=1e-14)


def test_the_cells_of_a_search_are_set_up_once(monkeypatch):
    made: list[CellFactory] = []

    def counted(*given):
        made.append(CellFactory(*given))
        return made[-1]

    monkeypatch.setattr(search, "CellFactory", counted)
    rng = np.random.default_rng(0)
    solution = solve(Problem(rng.standard_normal((60, 12)), rng.standard_normal(60), filter_size=3, beta=4.0))
    assert solution.method == "branch-and-bound"
    assert len(made) == 1


def test_answers_do_not_depend_on_parts_or_cores(monkeypatch):
    X, y = signals(150)
    problem = Problem(X, y, filter_size=3, beta=8.0)
    whole = solve(problem, method="branch-and-bound")
    monkeypatch.setattr(short_rows, "_PART", 1000)
    monkeypatch.setattr(blocks, "_QUICK", 1000)
    monkeypatch.setattr(semismooth, "SETTINGS", replace(semismooth.SETTINGS, halved=1000))
    parts = solve(problem, method="branch-and-bound")
    with one_core():
        alone = solve(problem, method="branch-and-bound")
    assert parts.network_objective == alone.network_objective
    np.testing.assert_array_equal(parts.network.filters, alone.network.filters)
    np.testing.assert_array_equal(parts.dual, alone.dual)
    for solution in (whole, parts):
        assert solution.relative_gap <= 1e-6
        assert solution.active_filters > 0
    assert parts.network_objective == pytest.approx(whole.network_objective, rel=1e-6)


def test_setting_up_cells_and_blocks_takes_little_more_memory_than_is_kept():
    X, y = np.random.default_rng(0).standard_normal((6000, 30)), np.ones(6000)
    problem = Problem(X, y, filter_size=3, beta=1.0)
    patches = problem.patches.nbytes
    U = np.random.default_rng(1).standard_normal((30, 3))
    # kernels that are loaded take memory too, once
    CellFactory(problem.architecture, problem.patches).blocks_around(U, np.ones(30, np.int8))
    tracemalloc.start()
    try:
        factory = CellFactory(problem.architecture, problem.patches)
        # 6.6 to 7.04 times, as the parts of two threads happen to be there together
        assert tracemalloc.get_traced_memory()[1] <= 7.5 * patches
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        made = factory.blocks_around(U, np.ones(30, np.int8))
        held, peak = (size - before for size in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    N = len(factory.classes)
    assert made.packed.nbytes == 30 * N // 8
    assert held <= 1.2 * (made.G.nbytes + made.sides.nbytes + made.packed.nbytes)
    assert peak - held <= 3 * blocks._BITS + made.sides.nbytes * 10

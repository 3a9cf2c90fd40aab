"""Every solver on one instance: the work is timed, the answer is audited after the clock has stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form, enumerate_patterns
from ..errors import SizeError
from ..path import follow_path
from ..program import Blocks, CellFactory, all_cone_rows, assemble
from ..progress import Budget, limits
from ..solution import Solution, solve, solve_over
from ..solvers.backends.clarabel import ConicSolution, solve_clarabel
from ..solvers.backends.cvxpy import solve_cvxpy
from ..solvers.search import MAX_PATTERNS, CellSearch, choose_search, given_patterns
from ..solvers.whole import MAX_WHOLE_ENTRIES
from ..warm_up import compile_kernels, tiny_problem
from .audit import audit_blocks, audit_network
from .cases import CountInstance, SolveInstance, all_patterns
from .clock import Clock, Spent
from .peers import OWN, Peers
from .training import Scores, TrainInstance, train

__all__ = ["OURS", "Outcome", "contenders", "warm_up"]

#: name of this library in the table
OURS = "convex_core"
# random directions drawn per cell by the sampling contender
_DRAWS = 20
# patterns of random directions that stand for all patterns where a solver cannot take them all
_SAMPLED = 100


class Outcome(NamedTuple):
    """Audited answer; `lower` is a certified bound, which only this library gives.

    A peer's answer is `repeated`: its process has done every run, and has measured its own `peak` memory.
    """

    runs: tuple[Spent, ...]
    objective: float | None = None
    lower: float | None = None
    violation: float | None = None
    cells: int | None = None
    note: str = ""
    repeated: bool = False
    peak: int | None = None


Contender = Callable[[Budget], Outcome]


@cache
def warm_up() -> None:
    """Load compiled kernels and slow imports, so that no contender's clock pays for them."""
    compile_kernels()
    for method in ("clarabel", "cvxpy"):
        solve(tiny_problem(), method=method)


def contenders(
    instance: CountInstance | SolveInstance | TrainInstance, *, peers: Peers, repeat: int, time_limit: float
) -> dict[str, Contender]:
    """The solvers to run on `instance` by name, this library first.

    Peers repeat their runs themselves, in their own process, `repeat` times within `time_limit`.
    """
    if isinstance(instance, CountInstance):
        return {
            OURS: lambda budget: _enumerate(instance, budget),
            "LP tree (HiGHS)": lambda budget: _lp_tree(instance, budget),
            "random directions": lambda budget: _random_directions(instance, budget),
        }
    if isinstance(instance, TrainInstance):
        runs = train(instance, OURS)
        return {name: lambda budget, run=run: _train(run, budget) for name, run in runs.items()}  # type: ignore[misc]
    whole = _Whole(instance)
    if instance.betas is not None:
        found: dict[str, Contender] = {
            OURS: lambda budget: _path(instance, budget),
            f"{OURS}, last beta alone": lambda budget: _solve(instance, budget),
        }
    else:
        found = {
            OURS: lambda budget: _solve(instance, budget),
            "Clarabel, whole": whole.clarabel,
            "CVXPY (Clarabel)": lambda budget: whole.cvxpy("CLARABEL", budget),
            "CVXPY (SCS)": lambda budget: whole.cvxpy("SCS", budget),
        }
        if instance.directions is None:
            found["CVXPY, a variable a pattern"] = lambda _: _peer(instance, whole, OWN, peers, repeat, time_limit)
            found[f"Clarabel, {_SAMPLED} random patterns"] = lambda budget: _sampled(instance, budget)
    if instance.directions is not None:
        if instance.betas is None and instance.problem.architecture.geometry.K == 1:
            found["scnn"] = lambda _: _peer(instance, whole, "scnn", peers, repeat, time_limit)
        found["adelie"] = lambda _: _peer(instance, whole, "adelie", peers, repeat, time_limit)
    return found


def _train(run: Callable[[Budget], Scores], budget: Budget) -> Outcome:
    """One fit for each split: they are the runs."""
    scores = run(budget)
    return Outcome(scores.runs, scores.objective, scores.lower, note=scores.note, repeated=True, peak=scores.peak)


# --- sign patterns


def _enumerate(instance: CountInstance, budget: Budget) -> Outcome:
    clock = Clock()
    found = enumerate_patterns(instance.rows, **limits(budget))
    spent = clock.spent()
    certified = "certified" if found.certified else f"not certified: {found.certified_reason}"
    return Outcome((spent,), cells=len(found), note=f"{certified}, {1e6 * spent.cpu / len(found):.2g} us a cell")


def _lp_tree(instance: CountInstance, budget: Budget) -> Outcome:
    """One row after another: each cell is kept, and split where a linear program finds a point on the other side."""
    from scipy.optimize import linprog  # slow to import: only this contender pays for it, and not on its time

    rows = instance.rows / np.linalg.norm(instance.rows, axis=1, keepdims=True)
    h = rows.shape[1]
    clock = Clock()
    # one cell of each antipodal pair: its sides of the rows so far, and a point inside
    cells: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = [(np.ones(1), rows[0])]
    cost = np.zeros(h + 1)
    cost[h] = -1.0
    note = ""
    for k in range(1, len(rows)):
        split = []
        for sides, point in cells:
            if budget.stop() is not None:
                note = f"stopped at row {k} of {len(rows)}"
                break
            inside = float(rows[k] @ point)
            for side in (1.0, -1.0):
                if side * inside > 1e-9:
                    split.append((np.append(sides, side), point))
                    continue
                A = np.append(sides, side)[:, None] * rows[: k + 1]
                answer = linprog(
                    cost,
                    A_ub=np.column_stack([-A, np.ones(k + 1)]),
                    b_ub=np.zeros(k + 1),
                    bounds=[(-1.0, 1.0)] * h + [(None, 1.0)],
                )
                if answer.x is not None and answer.x[h] > 1e-9:
                    split.append((np.append(sides, side), answer.x[:h]))
        if note:
            break
        cells = split
    count = 2 * len(cells)
    if not note and count != instance.cells:
        note = f"{count - instance.cells:+,} of {instance.cells:,}"
    return Outcome((clock.spent(),), cells=count, note=note)


def _random_directions(instance: CountInstance, budget: Budget) -> Outcome:
    clock = Clock()
    rng = np.random.default_rng(0)
    seen: set[bytes] = set()
    for _ in range(_DRAWS):
        for start in range(0, instance.cells, 20_000):
            if budget.stop() is not None:
                break
            draws = min(20_000, instance.cells - start)
            signs = rng.standard_normal((draws, instance.rows.shape[1])) @ instance.rows.T >= 0.0
            seen.update(map(bytes, np.packbits(signs, axis=1)))
    spent = clock.spent()
    return Outcome((spent,), cells=len(seen), note=f"{len(seen) / instance.cells:.2%} of them")


# --- this library


def _search(instance: SolveInstance, budget: Budget) -> CellSearch:
    if instance.directions is not None:
        factory = CellFactory(instance.problem.architecture, instance.problem.patches)
        return given_patterns(instance.problem, factory.patterns(instance.directions))
    return choose_search(instance.problem, method=instance.method, seed=0, max_patterns=MAX_PATTERNS, budget=budget)


def _solve(instance: SolveInstance, budget: Budget) -> Outcome:
    clock = Clock()
    search = _search(instance, budget)
    solution = solve_over(instance.problem, search, tol=instance.tol, budget=budget)
    spent = clock.spent()
    return _audited(instance, solution, search, spent, f"{solution.rounds} rounds")


def _path(instance: SolveInstance, budget: Budget) -> Outcome:
    clock = Clock()
    search = _search(instance, budget)
    path = follow_path(
        instance.problem, search, betas=instance.betas, points=1, smallest=0.5, tol=instance.tol, budget=budget
    )
    spent = clock.spent()
    bounds = [(s.network_objective, s.certificate.restricted_lower_bound) for s in path]
    worst = max((upper - lower) / upper for upper, lower in bounds)
    note = f"{len(path)} points, worst gap {max(worst, 0.0):.1e}"
    if len(path) < len(path.requested):  # the last one is not the beta that the others solve
        return Outcome((spent,), note=f"{path.status}, {note}, {len(path.requested)} asked for")
    return _audited(instance, path[len(path) - 1], search, spent, note)


def _audited(instance: SolveInstance, solution: Solution, search: CellSearch, spent: Spent, note: str) -> Outcome:
    problem, factory = solution.problem, search.pricer.factory
    network = audit_network(problem, solution.network.filters, solution.network.weights)
    blocks = audit_blocks(problem, solution.C, solution.sign, factory.cone_rows, factory.sides(solution.active))
    chosen = "given patterns" if instance.directions is not None else solution.method
    return Outcome(
        (spent,),
        objective=network.objective,
        lower=solution.certificate.restricted_lower_bound,
        violation=blocks.violation,
        note=f"{solution.status}, {chosen}, {note}",
    )


# --- the whole program at once


@dataclass
class _Whole:
    """Every block of an instance, built once and outside the clock: a head start for those who need it."""

    instance: SolveInstance

    @cached_property
    def factory(self) -> CellFactory:
        """Cells of the problem."""
        return CellFactory(self.instance.problem.architecture, self.instance.problem.patches)

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Distinct sign patterns, in the order of the directions where they are given."""
        factory, given = self.factory, self.instance.directions
        if given is not None:
            return factory.patterns(given)
        self.check(closed_form(len(factory.rows), factory.rank))
        return all_patterns(self.instance.problem, MAX_PATTERNS)

    @cached_property
    def blocks(self) -> Blocks:
        """Both blocks of every pattern."""
        self.check(len(self.active))
        sign = np.repeat(np.array([1, -1], dtype=np.int8), len(self.active))
        return self.factory.blocks(np.concatenate([self.active, self.active]), sign)

    def check(self, patterns: int) -> None:
        """Raise SizeError if the whole program over so many patterns would be too large."""
        M, p = self.factory.rows.shape
        entries = 2 * patterns * (M + self.instance.problem.n) * p
        if entries > MAX_WHOLE_ENTRIES:
            raise SizeError(
                f"skipped: the whole program would hold up to {entries:.2g} coefficients",
                predicted=entries,
                limit=MAX_WHOLE_ENTRIES,
            )

    def clarabel(self, budget: Budget) -> Outcome:
        """Assembly and one call of Clarabel, every cone row stated."""
        problem, blocks = self.instance.problem, self.blocks
        clock = Clock()
        program = assemble(
            blocks,
            problem.y,
            problem.beta,
            all_cone_rows(blocks),
            loss=problem.loss,
            penalty=problem.architecture.penalty,
        )
        answer = solve_clarabel(program, tol=min(self.instance.tol, 1e-8), budget=_fresh(budget))
        return self._audited(answer, clock.spent())

    def cvxpy(self, solver: str, budget: Budget) -> Outcome:
        """Modelling, compiling and solving by CVXPY."""
        blocks = self.blocks
        clock = Clock()
        tol = min(self.instance.tol, 1e-8) if solver == "CLARABEL" else self.instance.tol
        answer, _ = solve_cvxpy(blocks, self.instance.problem, solver=solver, tol=tol, budget=_fresh(budget))
        return self._audited(answer, clock.spent())

    def _audited(self, answer: ConicSolution, spent: Spent) -> Outcome:
        blocks = self.blocks
        audited = audit_blocks(self.instance.problem, answer.C, blocks.sign, blocks.rows, blocks.sides)
        return Outcome((spent,), audited.objective, None, audited.violation, note=answer.solver_status)


def _sampled(instance: SolveInstance, budget: Budget) -> Outcome:
    """What is usually done about too many patterns: the program over those of random directions."""
    h = instance.problem.patches.shape[2]
    directions = np.random.default_rng(0).standard_normal((_SAMPLED, h))
    part = _Whole(replace(instance, directions=directions))
    part.active = np.unique(part.active, axis=0)
    return part.clarabel(budget)


def _fresh(budget: Budget) -> Budget:
    """The same limits, with the clock starting now: blocks are not built at the solver's expense."""
    return Budget(time_limit=budget.time_limit, cancel=budget.cancel)


# --- peers


def _peer(instance: SolveInstance, whole: _Whole, name: str, peers: Peers, repeat: int, time_limit: float) -> Outcome:
    if not peers.has(name):
        peers.run(name, {}, repeat=1, time_limit=time_limit)  # says what is missing
    problem, factory = instance.problem, whole.factory
    betas = instance.betas
    if betas is None:
        # its own way to one beta is a warm-started path
        betas = np.geomspace(_largest(whole), problem.beta, 20) if name == "adelie" else np.array([problem.beta])
    whole.check(len(whole.active))
    sides = factory.sides(whole.active)
    arrays: dict[str, NDArray[Any]] = {
        "X": problem.X,
        "y": problem.y,
        "directions": np.zeros((0, factory.p)) if instance.directions is None else instance.directions,
        "G": factory.gate_matrices(whole.active),
        "rows": factory.cone_rows,
        "sides": sides,
        "betas": betas,
    }
    answer = peers.run(name, arrays, repeat=repeat, time_limit=time_limit)
    sign = np.repeat(np.array([1, -1], dtype=np.int8), len(sides))
    audited = audit_blocks(problem, answer.C, sign, factory.cone_rows, np.concatenate([sides, sides]))
    note = answer.word if name == OWN else f"{answer.word}, version {peers.versions[name]}"
    if name == "adelie":
        note += f", path of {len(betas)} betas"
    return Outcome(answer.runs, audited.objective, None, audited.violation, note=note, repeated=True, peak=answer.peak)


def _largest(whole: _Whole) -> float:
    """A beta at which the zero network is optimal: the largest dual norm without the cones."""
    products = whole.factory.transpose_products(
        whole.active, whole.factory.gate_rows(whole.active), whole.instance.problem.y
    )
    return float(np.linalg.norm(products, axis=1).max())

"""Who asks what of an architecture: two members make a network, and nothing is asked that was not documented."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest
from architecture_cases import check_gradients, check_local_search, check_scaling, every_architecture, tiny_problem

from convex_core import (
    InputError,
    Network,
    Problem,
    Status,
    TwoLayerCNN,
    audit,
    certify,
    patch_geometry,
    solve,
    train_sgd,
)
from convex_core.architectures import AtomsAndWeights, VectorOutputs, make_architecture
from convex_core.contracts.records import record
from convex_core.patches import PatchGeometry
from convex_core.program import CellFactory
from convex_core.status import Exactness, Scope


@record
@dataclass(frozen=True, slots=True)
class FadingCNN(AtomsAndWeights):
    """f(X) = sum_j sum_k rate^(K-k) (X_k u_j)_+ w_j."""

    geometry: PatchGeometry
    rate: float = 0.5
    name = "fading"

    def design(self, patches):
        return self.rate ** np.arange(len(patches))[::-1, None, None] * patches


@record
@dataclass(frozen=True, slots=True)
class FirstPatchCNN(AtomsAndWeights):
    """f(X) = sum_j (X_1 u_j)_+ w_j: a design with fewer matrices than patches."""

    geometry: PatchGeometry
    name = "first patch"

    def design(self, patches):
        return patches[:1]


def faded(rate):
    """A problem of the fading network on patches that do not overlap, and the same with scaled data for sum pooling."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 6)), rng.standard_normal(5)
    geometry = patch_geometry((6,), 2, 2)
    scaled = X * np.repeat(rate ** np.array([2.0, 1.0, 0.0]), 2)
    return (
        Problem(X, y, architecture=FadingCNN(geometry, rate), beta=0.1),
        Problem(scaled, y, architecture=TwoLayerCNN(geometry), beta=0.1),
    )


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_a_network_of_two_members_is_solved_as_the_one_it_coincides_with(rate):
    problem, twin = faded(rate)
    solution, other = solve(problem, tol=1e-9), solve(twin, tol=1e-9)
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.objective == pytest.approx(other.objective, rel=1e-8)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-8)
    assert solution.patterns == other.patterns
    assert problem.architecture.options == {"rate": rate}
    u = np.random.default_rng(1).standard_normal((4, 2))
    assert problem.architecture.atoms(problem.patches, u) == pytest.approx(twin.architecture.atoms(twin.patches, u))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [FadingCNN, FirstPatchCNN])
def test_what_a_network_of_two_members_inherits_fits_together(architecture):
    problem = tiny_problem(architecture(patch_geometry((6,), 2, 2)))
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem, tol=1e-9)
    check_local_search(problem, solution)
    assert audit(problem, solution.network).certificate.relative_gap <= 1e-6
    assert certify(problem, solution.network).lower_bound == pytest.approx(solution.lower_bound, rel=1e-6)
    assert train_sgd(problem, seeds=1, iterations=50).best_objective[0] >= solution.lower_bound


def test_text_that_is_not_there_is_missed_by_who_needs_it_alone():
    problem, _ = faded(0.5)
    with pytest.raises(InputError, match="got the architecture 'fading' without any, expected one with"):
        problem.to_script()


#: what an architecture had to say when all of it was one protocol
DOCUMENTED = {
    "name", "options", "exactness", "geometry", "formulas", "q", "single", "by_output", "penalty", "scale", "gain",
    "design", "hyperplanes", "sides", "gates", "cells_per_pattern", "predicted", "patterns",
    "ridge_coefficients", "atoms", "neurons", "shapes", "outputs", "costs", "decay", "scaled", "balanced", "codes",
    "gradient", "unit_length", "project", "sizes", "free_columns", "anchors", "by_anchor", "most_cells", "padded",
}  # fmt: skip


class ByHand:
    """An architecture that has `members` of another and nothing else."""

    def __init__(self, inner, members=DOCUMENTED):
        self._inner, self._members = inner, members

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._members:
            raise AttributeError(name)
        return getattr(self._inner, name)


@pytest.mark.parametrize("name", ["two-layer", "linear", "flatten", "three-layer"])
def test_an_architecture_with_no_more_than_the_documented_members_works_everywhere(name):
    known = tiny_problem(make_architecture(name, patch_geometry((4,), 2, 2)))
    problem = Problem(known.X, known.y, architecture=ByHand(known.architecture), beta=known.beta)
    solution = solve(problem, tol=1e-8)
    assert solution.objective == pytest.approx(solve(known, tol=1e-8).objective, rel=1e-7)
    assert certify(problem, solution.network).scope is Scope.GLOBAL
    assert audit(problem, solution.network).certificate.relative_gap <= 1e-5
    assert train_sgd(problem, seeds=1, iterations=5).best_objective[0] >= solution.lower_bound
    assert "cvxpy" in problem.to_script()


def test_an_object_that_lacks_some_members_is_refused_by_naming_them():
    some = ByHand(TwoLayerCNN(patch_geometry((4,), 2, 2)), DOCUMENTED - {"gain", "predicted"})
    with pytest.raises(InputError, match="got a ByHand without gain, predicted for architecture, expected an Arch"):
        Problem(np.eye(4), np.ones(4), architecture=some, beta=0.1)


def test_a_solver_names_all_that_it_misses():
    problem = tiny_problem(make_architecture("flatten", patch_geometry((4,), 2, 2)))
    expected = "'flatten', expected one whose atoms are sums over hyperplanes and whose blocks have the Euclidean norm$"
    with pytest.raises(InputError, match=expected):
        solve(problem, method="branch-and-bound")


EVERY = [*every_architecture()]
EVERY += [
    pytest.param(
        make_architecture("two-layer", patch_geometry((6,), 2, 2), outputs=3, output_norm=norm), id=f"3-{norm}"
    )
    for norm in ("l1", "l2")
]


@pytest.mark.parametrize("architecture", EVERY)
def test_a_bound_on_cells_that_nobody_looked_at_is_one(architecture):
    problem = tiny_problem(architecture)
    cancel = threading.Event()
    cancel.set()
    unseen = solve(problem, cancel=cancel)
    assert unseen.patterns is None
    cells = CellFactory(architecture, problem.patches).all_cells(max_patterns=100_000)
    assert unseen.patterns_bound >= len(cells)


@pytest.mark.parametrize("architecture", every_architecture())
def test_most_cells_is_at_least_what_is_listed_and_does_not_look_at_the_data(architecture):
    patches = tiny_problem(architecture).patches
    listed = architecture.patterns(patches, max_patterns=100_000)
    assert architecture.most_cells(patches) == architecture.most_cells(np.zeros_like(patches)) >= len(listed)


def test_several_outputs_show_filters_as_the_network_with_one_output_does():
    class Padding(TwoLayerCNN):
        def padded(self, filters):
            return np.pad(filters, ((0, 0), (0, 1)))

    single = Padding(patch_geometry((3,), 2))
    several = VectorOutputs(single, 2)
    assert Network(several, [[1.0, 2.0]], [[1.0, -1.0]]).drawn.tolist() == [[1.0, 2.0, 0.0]]

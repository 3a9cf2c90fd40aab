"""Bounds around any network: its programs in order, the best network above them, and how it all ends."""

import threading

import numpy as np
import pytest
from architecture_cases import every_architecture, tiny_problem
from few_cases import few

from convex_core import Exactness, InputError, Status, bounds, solve
from convex_core.architectures import FlattenCNN, LiftedFlattenCNN, MaxPoolingCNN, TwoLayerCNN, VectorOutputsL2
from convex_core.bounding.programs import programs_around
from convex_core.patches import patch_geometry

GEOMETRY = patch_geometry((4,), 2, 2)
ONE = TwoLayerCNN(GEOMETRY)


@pytest.mark.parametrize("architecture", list(every_architecture()))
def test_the_programs_around_a_network_are_other_views_of_it(architecture):
    around = programs_around(architecture)
    labels = [label for label, _ in around.below]
    assert len(set(labels)) == len(labels) > 0
    tightest = around.below[-1][1]
    assert (tightest.name, tightest.geometry, tightest.shapes) == (
        architecture.name, architecture.geometry, architecture.shapes
    )  # fmt: skip
    if "relaxation" in architecture.options and architecture.options.get("sharing") != "per-patch":
        whole = architecture.geometry.h == architecture.geometry.d  # where the lift is the spectral norm
        assert architecture in [one for _, one in around.below] or (whole and architecture.relaxation == "nuclear")
    else:
        assert around.below == ((architecture.name, architecture),)
    if around.above is not None:
        assert around.above[1].exactness is Exactness.EXACT


@pytest.mark.parametrize(
    "architecture", few([FlattenCNN(GEOMETRY, "plain"), VectorOutputsL2(ONE, 2)]), ids=["flat", "l2"]
)
def test_the_nuclear_norm_is_a_looser_bound_without_its_cones_and_the_lift_is_exact(architecture):
    found = bounds(tiny_problem(architecture), starts=0)
    assert [link.label for link in found.links] == ["plain", "cone", "lifted"]
    plain, cone, lifted = found.links
    assert plain.value < cone.value <= lifted.value * (1.0 + 1e-8)
    assert lifted.exactness is Exactness.EXACT
    assert (found.status, found.relative_gap <= 1e-7) == (Status.OPTIMAL, True)
    assert found.lower_bound == max(link.lower_bound for link in found.links)
    assert found.ceiling is None
    assert found.programs == found.links


@pytest.mark.parametrize(
    "relaxed",
    [FlattenCNN(patch_geometry((10,), 5, 5)), VectorOutputsL2(MaxPoolingCNN(GEOMETRY), 2)],
    ids=["long", "max"],
)
def test_the_lift_is_left_out_where_it_does_not_apply(relaxed):
    # five samples, rows of rank five; max pooling has no lifted program at all
    wide = relaxed.geometry.d == 10
    X = np.random.default_rng(0).standard_normal((5, 10 if wide else 4))
    patches = relaxed.geometry.extract(X)
    assert [label for label, _ in programs_around(relaxed, patches).below] == ["plain", "cone"]
    if wide:
        lifted = LiftedFlattenCNN(relaxed.geometry)
        assert [label for label, _ in programs_around(lifted, patches).below] == ["plain", "cone"]
        assert [label for label, _ in programs_around(lifted, patches[:, :2]).below] == ["plain", "cone", "lifted"]


def test_the_programs_of_a_report_are_those_up_to_its_own():
    assert [label for label, _ in programs_around(FlattenCNN(GEOMETRY)).below] == ["plain", "cone"]
    assert [label for label, _ in programs_around(LiftedFlattenCNN(GEOMETRY)).below] == ["plain", "cone", "lifted"]


def test_a_network_with_one_program_has_a_chain_of_one_link():
    problem = tiny_problem(ONE)
    found = bounds(problem)
    assert [link.label for link in found.links] == ["two-layer"]
    assert found.value == pytest.approx(solve(problem, tol=1e-8).network_objective, rel=1e-8)
    assert (found.status, found.relative_gap <= 1e-7) == (Status.OPTIMAL, True)


@pytest.mark.slow
def test_bounds_end_when_they_are_told_to():
    cancel, seen = threading.Event(), []
    cancel.set()
    problem = tiny_problem(FlattenCNN(GEOMETRY))
    found = bounds(problem, cancel=cancel, progress=seen.append)
    assert (found.status, found.network.m, found.lower_bound) == (Status.CANCELLED, 0, -np.inf)
    short = [bounds(problem, max_rounds=1, starts=0) for _ in range(2)]
    assert short[0].to_dict() == short[1].to_dict()
    assert max(link.solution.rounds for link in short[0].programs) == 1
    for name, value in (("tol", 0.0), ("starts", -1), ("time_limit", -1.0), ("max_rounds", 0)):
        with pytest.raises(InputError, match=f"^{name}: got"):
            bounds(problem, **{name: value})

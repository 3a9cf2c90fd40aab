"""Reports of bounds: every program holds by itself, and what follows from all of them follows."""

from __future__ import annotations

import copy
import json
from functools import cache

import numpy as np
import pytest
from few_cases import few

from convex_core import CircularCNN, InputError, Problem, Report, ThreeLayerCNN, bounds, patch_geometry, solve, verify
from convex_core.contracts.strict_json import seal
from convex_core.reports import make_report
from convex_core.reports.document import json_text

CIRCULAR = CircularCNN(patch_geometry((4,), 2, padding="circular"))
SHARED = ThreeLayerCNN(patch_geometry((4,), 2, 2), "shared")


@cache
def found(architecture):
    rng = np.random.default_rng(2)
    problem = Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), architecture=architecture, beta=0.1)
    return bounds(problem, starts=2)


@cache
def document(architecture) -> dict:
    return json.loads(found(architecture).report(link="https://example.org/three_layer").json())


def differences(given) -> list[str]:
    """Claims that do not hold once the file has a seal that fits."""
    given["seal"] = seal(given)
    return [check.name for check in verify(Report(json_text(given))).differences]


@pytest.mark.parametrize("architecture", few([SHARED, CIRCULAR]), ids=lambda a: a.name)
def test_a_report_of_bounds_holds_and_says_what_they_say(architecture, tmp_path):
    answer = found(architecture)
    file = tmp_path / "bounds.html"
    report = answer.report(file)
    checked = verify(file)
    assert checked.holds, checked.summary()
    said = report.to_dict()["bounds"]
    assert (said["objective"], said["lower_bound"]) == (answer.value, answer.lower_bound)
    others = [link.label for link in answer.programs if link is not answer.links[-1]]
    assert [program["label"] for program in said["programs"]] == others
    page = file.read_text()
    assert len(page) < 1_000_000
    assert all(label in page for label in (*others, answer.links[-1].label, "best network"))
    names = [check.name for check in checked.checks]
    assert {f"{label} lower bound" for label in others} <= set(names)
    assert {"best network", "all bounds", "lower bound"} <= set(names)


def test_the_programs_of_a_report_are_those_of_its_network():
    for change in ("label", "missing", "another network"):
        forged = copy.deepcopy(document(SHARED))
        if change == "label":
            forged["bounds"]["programs"][0]["label"] = "nuclear"
        elif change == "missing":
            del forged["bounds"]["programs"][0]
        else:
            forged["problem"]["relaxation"] = "strong"
        with pytest.raises(InputError, match="bounds"):
            differences(forged)


@pytest.mark.parametrize(
    ("place", "caught"),
    few(
        [
            (("objective",), {"best network", "all bounds"}),
            (("network", "weights", 0), {"best network"}),
            (("programs", 1, "certificate", "lower_bound"), {"frobenius dual value", "frobenius words"}),
            (("programs", 0, "certificate", "patterns"), {"per-patch filters patterns"}),
            (("lower_bound",), {"all bounds"}),
            (("relative_gap",), {"all bounds"}),
            (("programs", 2, "certificate", "price"), {"strong largest price"}),
            (("programs", 0, "network", "weights", 0), {"per-patch filters objective"}),
        ],
        4,
    ),
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_changed_bound_is_caught_whatever_the_seal_says(place, caught):
    forged = copy.deepcopy(document(SHARED))
    inside = forged["bounds"]
    for name in place[:-1]:
        inside = inside[name]
    value = inside[place[-1]]
    if place[-1] == "patterns":
        inside[place[-1]] = value + 2
    elif isinstance(value, list):
        inside[place[-1]] = [2.0 * part for part in value]
    else:
        inside[place[-1]] = 0.7 * value
    assert caught <= set(differences(forged))


def test_bounds_around_another_solution_are_refused():
    answer = found(SHARED)
    other = solve(answer.links[-1].solution.problem.with_beta(0.2))
    with pytest.raises(InputError, match="bounds: got those around another solution"):
        make_report(other, bounds=answer)

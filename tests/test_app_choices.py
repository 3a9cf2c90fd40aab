"""What the command line can choose of a network, the menus of the app can."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from app_helpers import facts, open_page
from architecture_cases import every_architecture

from convex_core import Problem, load_dataset, solve
from convex_core.architectures import ARCHITECTURES, OPTIONS, Architecture
from convex_core.data import Dataset
from pages._ui.state import address
from pages._ui.state.choices import CHOICES, choices_of, chosen
from pages._ui.state.scales import POOLINGS
from pages._ui.state.spec import NETWORKS, DataSpec, ProblemSpec, has_several_outputs
from pages._ui.work import compute

SMALL = {"data": "shift", "n": "4", "d": "4", "h": "2", "stride": "2"}


def spec_of(kind: str, geometry: Any, said: dict[str, str], **others: Any) -> ProblemSpec:
    outputs = 2 if has_several_outputs(kind) else 1
    return ProblemSpec(
        DataSpec("a"), geometry.h, geometry.stride[0], "valid", others.pop("pooling", "sum"), 0.1,
        network=kind, outputs=outputs, options=chosen(kind, said), **others,
    )  # fmt: skip


def can_be_chosen(architecture: Architecture) -> bool:
    """Whether some setting of the menus is this network."""
    geometry = architecture.geometry
    data = Dataset("a", np.ones((3, geometry.d)), np.ones(3))
    options = architecture.options
    neuron = {name: options.get(name) for name in ("activation", "slope")}
    # max pooling and networks without any do not ask
    poolings = {options.get("pooling")} & set(POOLINGS)
    kinds = (kind for kind, (name, _) in NETWORKS.items() if name == architecture.name)
    for kind in (kind for kind in kinds if has_several_outputs(kind) == (architecture.q > 1)):
        keys = [choice.key for choice in choices_of(kind)]
        # beside the first, the default, only what the network says is tried, and before it: there are hundreds of
        # settings, and each takes a network to be made
        told = (
            sorted(
                (value for value in one.values if value in (one.values[0], str(options.get(one.option, value)))),
                key=lambda value, one=one: value != str(options.get(one.option, one.values[0])),
            )
            for one in choices_of(kind)
        )
        for values in product(*told, poolings or POOLINGS):
            spec = spec_of(
                kind, geometry, dict(zip(keys, values, strict=False)), pooling=values[-1],
                activation=neuron["activation"] or "relu", slope=neuron["slope"],
            )  # fmt: skip
            try:
                found = compute.architecture(spec, data)
            except ValueError:
                continue
            if found == architecture:
                return True
    return False


@pytest.mark.parametrize("architecture", list(every_architecture()))
def test_every_network_of_the_command_line_can_be_chosen(architecture: Architecture) -> None:
    assert can_be_chosen(architecture)


def test_every_option_of_the_command_line_has_a_control() -> None:
    assert {name for name, _ in NETWORKS.values()} == set(ARCHITECTURES)
    kinds = {option for _, own in NETWORKS.values() for option in own}
    # on every page of a problem: pooling, activation, slope; the number of outputs is that of the classes
    assert set(OPTIONS) == kinds | {choice.option for choice in CHOICES} | {"pooling", "activation", "slope", "outputs"}


def test_what_is_said_of_other_networks_is_not_taken() -> None:
    assert chosen("linear", {"flat_program": "lifted", "skip": "free"}) == ()
    assert chosen("flatten", {"flat_program": "lifted", "skip": "free"}) == (("relaxation", "lifted"),)
    assert chosen("flatten", {"flat_program": "strange"}) == chosen("flatten", {"flat_program": "cone"}) == ()
    assert chosen("circular", {"layers": "4"}) == (("layers", 4),)
    assert len({choice.key for choice in CHOICES}) == len(CHOICES)
    assert {kind for choice in CHOICES for kind in choice.kinds} <= set(NETWORKS)
    assert {choice.key for choice in CHOICES} <= address.KEYS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "said", "options"),
    [
        ("flatten", {"flat_program": "lifted"}, {"architecture": "flatten", "relaxation": "lifted"}),
        ("two-layer", {"skip": "free"}, {"skip": "free"}),
        ("two-layer", {"branches": "1"}, {"branches": "1"}),
        ("several outputs, l2 bound", {"l2_program": "lifted"}, {"output_norm": "l2", "relaxation": "lifted"}),
    ],
)
def test_solve_shows_the_value_of_the_library(network: str, said: dict[str, str], options: dict[str, Any]) -> None:
    app = open_page("solve", **SMALL, network=network, **said)
    assert not app.error
    assert not app.warning
    if has_several_outputs(network):
        options = {**options, "outputs": 2}
    data = load_dataset("shift", n=4, d=4)
    expected = solve(Problem.from_dataset(data, filter_size=2, stride=2, **options), tol=1e-8)
    assert float(facts(app)["objective of the network"]) == pytest.approx(expected.network_objective, rel=1e-6)
    (key,) = said
    assert app.selectbox(key=key).value == said[key]
    assert "exact" in " ".join(item.value for item in [*app.markdown, *app.html])


@pytest.mark.slow
def test_what_does_not_go_together_is_a_sentence() -> None:
    app = open_page("solve", **SMALL, branches="2", pooling="mean")
    assert not app.error
    assert any("the plain two-layer network is used" in item.value for item in app.warning)
    app = open_page("solve", **SMALL, skip="free", loss="hinge")
    assert not app.exception

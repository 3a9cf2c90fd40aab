"""A row of a sweep as a link to the page Solve, where its controls can say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_core.architectures import OPTIONS as ARCHITECTURE_OPTIONS
from convex_core.data import dataset_names
from convex_core.sweeps import SweepRow
from convex_core.sweeps.settings import DATA_OPTION

from ..state.choices import kind_of
from ..state.scales import BETAS, DELTAS, MAX_FILTER, MAX_SEED, MAX_STRIDE, OPTIONS, POOLINGS, SLOPES
from ..state.spec import CUSTOM

__all__ = ["solve_query"]


def solve_query(row: SweepRow, *, own: bool = False) -> dict[str, str] | str:
    """The settings of a row as an address of Solve; or the setting that its controls do not have, in words.

    `own` says that data without a name are the ones that this session has.
    """
    if "problem" in row.settings or ("content" in row.settings and not own):
        return "data of its own"
    name = CUSTOM if "content" in row.settings else str(row.value("dataset"))
    if name != CUSTOM and name not in dataset_names():
        return f"the dataset {name}"
    found = {"data": name}
    network = _network(row)
    if network is None:
        return f"the network {row.value('architecture')} with its options"
    found |= network
    for setting, key, reads in _CONTROLS:
        value = row.value(setting)
        if value is None:
            continue
        text = reads(value)
        if text is None:
            return f"{setting.replace('_', ' ')} {value}"
        found[key] = text
    for setting, value in row.settings.items():
        if setting.startswith(DATA_OPTION):
            option = setting.removeprefix(DATA_OPTION)
            if option == "classes" and value == "all":
                found[option] = "all"
            elif option in OPTIONS and isinstance(value, (int, float)):
                found[option] = f"{value:g}"
            else:
                return f"the option {option} of the dataset"
    return found


def _network(row: SweepRow) -> dict[str, str] | None:
    """The kind of network that the row has, as Solve calls it, and what its controls say."""
    architecture, own = str(row.value("architecture")), {setting for setting, _, _ in _CONTROLS}
    options: dict[str, Any] = {name: row.value(name) for name in ARCHITECTURE_OPTIONS if name not in own}
    options = {name: value for name, value in options.items() if value is not None and value != _NEUTRAL.get(name)}
    if row.value("pooling") == "max":
        options["pooling"] = "max"
    autoencoder, several = bool(row.value("autoencoder")), options.pop("outputs", 1) > 1
    if architecture == "two-layer" and (autoencoder or several):
        options.setdefault("output_norm", "l1")
    found = kind_of(architecture, options, several=several, autoencoder=autoencoder)
    return None if found is None else {"network": found[0], **found[1]}


def _step(values: tuple[str, ...]) -> Any:
    """A number as the step of a slider that it is."""
    steps: Mapping[float, str] = {float(text): text for text in values}
    return lambda value: steps.get(float(value))


def _whole(most: int) -> Any:
    return lambda value: str(value) if isinstance(value, int) and value <= most else None


def _pooling(value: str) -> str | None:
    return value if value in POOLINGS else POOLINGS[0] if value == "max" else None


#: values of options that are the same as none
_NEUTRAL = {"skip": "none", "normalisation": "none", "parallel": 1}
#: settings, their keys in the address, and how a value is said there; None where it cannot be
_CONTROLS = (
    ("beta", "beta", _step(BETAS)),
    ("filter_size", "h", _whole(MAX_FILTER)),
    ("stride", "stride", _whole(MAX_STRIDE)),
    ("seed", "seed", _whole(MAX_SEED)),
    ("padding", "padding", str),
    ("pooling", "pooling", _pooling),
    ("loss", "loss", str),
    ("delta", "delta", _step(DELTAS)),
    ("activation", "activation", str),
    ("slope", "slope", _step(SLOPES)),
    ("bias", "bias", str),
)

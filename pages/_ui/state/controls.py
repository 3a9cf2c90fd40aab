"""The widgets that define the problem: the same keys on every page, so that a link or a change of page keeps them.

Each is bound to the address, where anything can be written. Streamlit drops what is outside a widget's range; what
is inside but does not fit the data is brought to the nearest value that does, with a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import streamlit as st

from convex_core.architectures import EVERY_ACTIVATION
from convex_core.data import Dataset, dataset_info, dataset_names
from convex_core.data.selection import ALL_CLASSES
from convex_core.errors import InputError
from convex_core.losses import LOSSES, Loss, make_loss
from convex_core.patches import Bias, Padding

from ..work import compute
from . import address, fitting, own_link
from .choices import choices_of, chosen
from .spec import CUSTOM, NETWORKS, DataSpec, ProblemSpec, custom_dataset, digest

__all__ = [
    "ARRIVING",
    "BETAS",
    "DEFAULT_DATA",
    "RESET",
    "SLOPES",
    "CurrentProblem",
    "bound",
    "choose",
    "nearest",
    "problem_controls",
    "reset",
    "show",
]

#: Settings that no widget of Streamlit has.
ADDRESS_ALONE = frozenset(("dial", "play"))

#: Session key: Reset was pressed, and no page has dropped its old results since.
RESET = "_reset"

#: Ten values of beta a decade, two digits each, so that a link reads well.
BETAS = (
    *(
        f"{float(mantissa) * 10.0**power:.3g}"
        for power in (-3, -2, -1, 0, 1)
        for mantissa in ("1", "1.3", "1.6", "2", "2.5", "3.2", "4", "5", "6.3", "7.9")
    ),
    "100",
)

DEFAULT_DATA = "motifs"
PADDINGS: tuple[Padding, ...] = get_args(Padding)
POOLINGS = ("sum", "mean")
SLOPES = ("0", "0.01", "0.05", "0.1", "0.2", "0.5", "1")
BIASES: tuple[Bias, ...] = get_args(Bias)
DELTAS = ("0.05", "0.1", "0.2", "0.5", "1", "2", "5")
CLASSES = ("two", "all")
MAX_FILTER = 16
#: Width of what folds out, in widths of a control.
ADVANCED_SHARE = 0.9
MAX_STRIDE = 8
MAX_SEED = 9999

#: Generator options that have a control: label, smallest, largest, step. The limits keep a page interactive.
OPTIONS: Mapping[str, tuple[str, float, float, float]] = {
    "n": ("Samples n", 2, 60, 1),
    "d": ("Signal length d", 4, 32, 1),
    "side": ("Image side", 3, 8, 1),
    "m": ("Planted filters", 1, 4, 1),
    "noise": ("Noise", 0.0, 1.0, 0.05),
}


def _whole(low: int, high: int) -> Callable[[str], bool]:
    """Whether a text is a whole number in a range."""

    def fits(text: str) -> bool:
        try:
            value = float(text)
        except ValueError:
            return False
        return value.is_integer() and low <= value <= high

    return fits


address.SHARED |= {
    "beta": BETAS.__contains__,
    "h": _whole(1, MAX_FILTER),
    "stride": _whole(1, MAX_STRIDE),
    "seed": _whole(0, MAX_SEED),
}

_DEFAULTS = "_control_defaults"
#: The loss that suits the dataset shown last.
_SUITED = "_suited_loss"
#: Set by the shell while a page is drawn for the first time after another one.
ARRIVING = "_arriving"


@dataclass(frozen=True, slots=True)
class CurrentProblem:
    """What the controls say: the spec, the dataset behind it, and remarks for the reader."""

    spec: ProblemSpec
    dataset: Dataset
    remarks: tuple[str, ...]


def bound(key: str, default: Any) -> dict[str, Any]:
    """Keyword arguments for a widget that lives in the address and in the session, and that :func:`reset` knows."""
    st.session_state.setdefault(_DEFAULTS, {})[key] = default
    address.drawn(key)
    if st.session_state.get(ARRIVING) and key in st.session_state:
        # Streamlit forgets a value that came with the first address and was never touched when the page changes
        value = st.session_state[key] = st.session_state[key]
        if value != default:
            st.query_params[key] = str(value)
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def choose(name: str) -> None:
    """Choose a dataset from a callback."""
    st.session_state["data"] = name
    _follow_data()


def nearest(value: float, values: Sequence[str]) -> str:
    """The value of a slider that is the nearest one."""
    return min(values, key=lambda text: abs(float(text) - value))


def reset() -> None:
    """Put every control seen so far back to its default; a page that keeps old results drops them."""
    st.session_state[RESET] = True
    choose(DEFAULT_DATA)
    _suit(_defaults(DEFAULT_DATA))
    for key, default in st.session_state.get(_DEFAULTS, {}).items():
        if key not in _following():
            st.session_state[key] = default
    if "dial" in st.query_params:
        del st.query_params["dial"]


def show(values: Mapping[str, Any]) -> None:
    """Set the settings of a scene, from a callback; everything else goes back to its default."""
    state = st.session_state
    reset()
    if "data" in values:
        choose(values["data"])
    for key, value in values.items():
        if key in ADDRESS_ALONE:
            st.query_params[key] = value
        else:
            state[key] = value


def problem_controls(
    first: Sequence[str],
    *,
    extra: Sequence[Callable[[], None]] = (),
    advanced: Callable[[], None] | None = None,
    networks: bool = False,
    without: Sequence[str] = (),
    widths: Sequence[float] | None = None,
) -> CurrentProblem:
    """Draw the controls and return the problem they describe.

    The keys in `first` (of data, beta, h, stride, seed) and the page's own, `extra`, are on the first screen; the
    others, and what the page adds as `advanced`, fold out beside them, so that every link is complete. With `networks`
    the visitor may choose the kind of network. What the page has no use for is left out: `without`.
    The first screen's columns are equally wide, or as `widths` says.
    """
    with st.container(border=True, key="controls"):
        shares = widths or [1.0 for _ in (*first, *extra)]
        *slots, last = st.columns([*shares, ADVANCED_SHARE], vertical_alignment="bottom")
        # first of all: whatever fails after it, another dataset can be chosen
        with slots[0]:
            name = _data()
        try:
            defaults = _defaults(name)
        except InputError as error:
            raise InputError(f"The dataset {name} cannot be used: {error}. Please choose another one.") from error
        draw = {"beta": _beta, "h": _filter, "stride": _stride, "seed": _seed}
        for key, slot in zip(first[1:], slots[1:], strict=False):
            with slot:
                draw[key](defaults)
        for control, slot in zip(extra, slots[len(first) :], strict=True):
            with slot:
                control()
        with last, st.popover("Advanced", icon=":material/tune:", width="stretch", key="advanced"):
            with st.container(horizontal=True, gap="medium"):
                for key, part in draw.items():
                    if key not in (*first, *without):
                        with st.container(width=210):
                            part(defaults)
                options = _options(name)
                if networks:
                    with st.container(width=210):
                        _network(defaults)
                    _choices()
                with st.container(width=210):
                    st.segmented_control(
                        "Padding", PADDINGS, default="valid", required=True, **bound("padding", "valid")
                    )
                with st.container(width=210):
                    st.segmented_control("Pooling", POOLINGS, default="sum", required=True, **bound("pooling", "sum"))
                with st.container(width=210):
                    activation = st.selectbox(
                        "Activation",
                        list(EVERY_ACTIVATION),
                        0,
                        filter_mode=None,
                        **bound("activation", "relu"),
                        help=_activations(),
                    )
                if activation == "leaky":
                    with st.container(width=210):
                        st.select_slider(
                            "Slope below zero", SLOPES, "0.1", **bound("slope", "0.1"), help="Of the leaky ReLU."
                        )
                with st.container(width=210):
                    st.selectbox(
                        "Bias",
                        BIASES,
                        0,
                        filter_mode=None,
                        **bound("bias", "none"),
                        help="A number added to every response of a filter, penalised like its entries "
                        "(regularised) or free; with output and free each output has a free one.",
                    )
                with st.container(width=210):
                    loss = _loss(defaults)
                if loss == "huber":
                    with st.container(width=210):
                        st.select_slider(
                            "Huber δ", DELTAS, "1", **bound("delta", "1"), help="Quadratic up to δ, linear beyond."
                        )
            if advanced is not None:
                advanced()
    return _problem(name, options, defaults, networks)


def _activations() -> str:
    """What each activation is, in a line."""
    return "  \n".join(f"{name}: {text}" for name, text in EVERY_ACTIVATION.items())


def _data() -> str:
    names = [n for n in dataset_names() if dataset_info(n).available]
    if custom_dataset() is not None:
        names.append(CUSTOM)
    index = names.index(DEFAULT_DATA)
    chosen: str = st.selectbox(
        "Dataset", names, index=index, on_change=_follow_data, filter_mode=None, **bound("data", DEFAULT_DATA)
    )
    return chosen if chosen in names else DEFAULT_DATA


def _carry(data: Dataset, *, own: bool) -> None:
    """Put own data into the address where they fit; nothing else is there."""
    text = own_link.encode(data) if own else None
    if text is not None and st.query_params.get("own") != text:
        st.query_params["own"] = text
    elif text is None and "own" in st.query_params:
        del st.query_params["own"]


def _beta(defaults: Dataset) -> None:
    default = _nearest_beta(defaults.default_beta)
    st.select_slider(
        "Regularisation β",
        BETAS,
        default,
        **bound("beta", default),
        help="Weight of the penalty; larger means fewer filters.",
    )


def _filter(defaults: Dataset) -> None:
    default = min(max(defaults.default_filter), MAX_FILTER)
    label = "Filter size h" if len(defaults.default_filter) == 1 else "Filter side (h = side²)"
    st.slider(label, 1, MAX_FILTER, default, **bound("h", default))


def _stride(defaults: Dataset) -> None:
    default = min(max(defaults.default_stride), MAX_STRIDE)
    st.slider("Stride", 1, MAX_STRIDE, default, **bound("stride", default))


def _seed(defaults: Dataset) -> None:
    st.number_input("Data seed", 0, MAX_SEED, 0, **bound("seed", 0))


def _network(defaults: Dataset) -> None:
    default = fitting.default_network(defaults)
    kinds = list(NETWORKS)
    st.selectbox("Network", kinds, kinds.index(default), filter_mode=None, **bound("network", default))


def _choices() -> None:
    """What the network in hand leaves to be chosen."""
    for choice in choices_of(str(st.session_state.get("network"))):
        first = choice.values[0]
        with st.container(width=210):
            st.selectbox(choice.label, choice.values, 0, filter_mode=None, **bound(choice.key, first), help=choice.help)


def _loss(defaults: Dataset) -> str | None:
    default = st.session_state[_SUITED] = fitting.default_loss(defaults)
    names = list(LOSSES)
    chosen: str | None = st.selectbox("Loss", names, names.index(default), filter_mode=None, **bound("loss", default))
    return chosen


def _options(name: str) -> dict[str, Any]:
    """Controls for the generator's own options; values that are the generator's default are left out."""
    if name == CUSTOM:
        return {}
    chosen: dict[str, Any] = {}
    for key, default in dataset_info(name).options.items():
        if key == "classes" and _every_class():
            chosen[key] = ALL_CLASSES
        if key not in OPTIONS:
            continue
        label, low, high, step = OPTIONS[key]
        kind = float if isinstance(step, float) else int
        with st.container(width=210):
            value = st.slider(label, kind(low), kind(high), kind(default), kind(step), **bound(key, default))
        if value != default:
            chosen[key] = kind(min(max(value, low), high))
    return chosen


def _every_class() -> bool:
    """Whether each class of images has a target of its own."""
    with st.container(width=210):
        st.segmented_control(
            "Classes",
            CLASSES,
            default=CLASSES[0],
            required=True,
            on_change=_follow_classes,
            **bound("classes", CLASSES[0]),
            help="Two, as +1 and -1, or every class with an output of its own.",
        )
    return bool(st.session_state.get("classes") == CLASSES[1])


def _problem(name: str, options: Mapping[str, Any], defaults: Dataset, networks: bool) -> CurrentProblem:
    state = st.session_state
    remarks: list[str] = []
    own = custom_dataset()
    if name == CUSTOM and own is not None:
        data = DataSpec(CUSTOM, content=digest(own))
    else:
        data = DataSpec(name, _integer("seed", 0, 0, MAX_SEED), tuple(sorted(options.items())))
    try:
        dataset = compute.dataset(repr(data), data, own)
    except InputError as error:
        remarks.append(f"{error}; the generator's defaults are used.")
        data = DataSpec(name, data.seed)
        dataset = compute.dataset(repr(data), data, own)
    _carry(dataset, own=name == CUSTOM)
    longest = min(dataset.input_shape[:2])
    size = _integer("h", max(defaults.default_filter), 1, MAX_FILTER)
    if size > longest:
        remarks.append(f"Filter size {size} is longer than the input: {longest} is used.")
        size = longest
    spec = ProblemSpec(
        data,
        size,
        _integer("stride", max(defaults.default_stride), 1, MAX_STRIDE),
        state["padding"] if state.get("padding") in PADDINGS else PADDINGS[0],
        state["pooling"] if state.get("pooling") in POOLINGS else POOLINGS[0],
        float(state["beta"]) if state.get("beta") in BETAS else float(_nearest_beta(defaults.default_beta)),
        **_neuron(),
    )
    network = _wanted_network(spec, dataset, remarks) if networks else None
    fitted = fitting.fit(dataset, network, _wanted_loss(dataset))
    loss = fitted.loss
    if NETWORKS[fitted.network][0] != "two-layer" and spec.activation != "relu":
        remarks.append(f"The network {fitted.network} has the ReLU: {spec.activation} is for two-layer networks.")
    if NETWORKS[fitted.network][0] == "circular" and spec.bias != "none":
        remarks.append(f"The network {fitted.network} has no bias.")
    spec = replace(
        spec,
        loss=loss.name,
        delta=loss.options.get("delta"),
        network=fitted.network,
        outputs=fitted.outputs,
        options=chosen(fitted.network, state) if networks else (),
    )
    return CurrentProblem(_existing(spec, fitted.dataset, remarks), fitted.dataset, (*remarks, *fitted.remarks))


def _existing(spec: ProblemSpec, dataset: Dataset, remarks: list[str]) -> ProblemSpec:
    """The spec, without what does not go with its network or its loss: in a sentence."""
    options, neuron = {"options": ()}, {"activation": "relu", "slope": None, "bias": "none"}
    plain = f"the plain {spec.network} network"
    less: list[tuple[dict[str, Any], str]] = [(options, plain)] if spec.options else []
    less += [(neuron, "the ReLU without a bias"), ({**options, **neuron}, f"{plain} with the ReLU without a bias")]
    error = _refused(spec, dataset)
    for changes, instead in less:
        if error is None:
            break
        simpler = replace(spec, **changes)
        if _refused(simpler, dataset) is None:
            remarks.append(f"{error}; {instead} is used.")
            return simpler
    return spec


def _refused(spec: ProblemSpec, dataset: Dataset) -> InputError | None:
    """Why there is no such problem, if there is none."""
    try:
        compute.problem(spec.key, spec, dataset)
    except InputError as error:
        return error
    return None


def _wanted_network(spec: ProblemSpec, dataset: Dataset, remarks: list[str]) -> str:
    """The kind of network; one that does not exist on these data is refused in a sentence."""
    name, default = st.session_state.get("network"), fitting.default_network(dataset)
    if name not in NETWORKS:
        return default
    try:
        compute.architecture(replace(spec, network=name, outputs=fitting.classes(dataset) or 2), dataset)
    except InputError as error:
        remarks.append(f"{error}; the network {default} is used.")
        return default
    return str(name)


def _neuron() -> dict[str, Any]:
    """Activation, slope and bias, whatever the address said."""
    state = st.session_state
    activation = state["activation"] if state.get("activation") in EVERY_ACTIVATION else "relu"
    slope = float(state["slope"]) if activation == "leaky" and state.get("slope") in SLOPES else None
    return {
        "activation": activation,
        "slope": slope,
        "bias": state["bias"] if state.get("bias") in BIASES else BIASES[0],
    }


def _wanted_loss(dataset: Dataset) -> Loss:
    """The loss with its delta."""
    name, delta = st.session_state.get("loss"), st.session_state.get("delta")
    if name not in LOSSES:
        name = fitting.default_loss(dataset)
    return make_loss(name, delta=float(delta) if name == "huber" and delta in DELTAS else None)


def _integer(key: str, default: int, low: int, high: int) -> int:
    """The value of a control as an integer in range, whatever the address said."""
    value = st.session_state.get(key, default)
    return int(min(max(value, low), high)) if isinstance(value, (int, float)) else default


def _nearest_beta(beta: float) -> str:
    return nearest(beta, BETAS)


def _defaults(name: str) -> Dataset:
    own = custom_dataset()
    if name == CUSTOM and own is not None:
        return own
    spec = DataSpec(name)
    return compute.dataset(repr(spec), spec, None)


def _following() -> tuple[str, ...]:
    """Controls whose default depends on the dataset."""
    return ("data", "h", "stride", "beta", "network", "loss", *OPTIONS)


def _follow_data() -> None:
    """Another dataset brings its own filter size, stride, beta and generator options."""
    name = st.session_state["data"]
    try:
        defaults = _defaults(name)
    except InputError:
        return  # the page says why these data cannot be had
    st.session_state["h"] = min(max(defaults.default_filter), MAX_FILTER)
    st.session_state["stride"] = min(max(defaults.default_stride), MAX_STRIDE)
    st.session_state["beta"] = _nearest_beta(defaults.default_beta)
    if fitting.default_loss(defaults) != st.session_state.get(_SUITED):
        _suit(defaults)
    for key, default in ({} if name == CUSTOM else dataset_info(name).options).items():
        if key in OPTIONS:
            st.session_state[key] = default


def _follow_classes() -> None:
    """Several classes bring their network and their loss, two bring theirs."""
    name = st.session_state["data"]
    if st.session_state["classes"] == CLASSES[0]:
        _suit(_defaults(name))
    else:
        spec = DataSpec(name, options=(("classes", ALL_CLASSES),))
        _suit(compute.dataset(repr(spec), spec, None))


def _suit(defaults: Dataset) -> None:
    """Choose the network and the loss that suit a dataset."""
    st.session_state["network"] = fitting.default_network(defaults)
    st.session_state["loss"] = st.session_state[_SUITED] = fitting.default_loss(defaults)

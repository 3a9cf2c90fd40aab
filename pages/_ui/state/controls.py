"""The widgets that define the problem: the same keys on every page, so that a link or a change of page keeps them.

Each is bound to the address, where anything can be written. Streamlit drops what is outside a widget's range; what
is inside but does not fit the data is brought to the nearest value that does, with a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from convex_core.architectures import EVERY_ACTIVATION
from convex_core.data import Dataset, dataset_info, dataset_names
from convex_core.data.selection import ALL_CLASSES
from convex_core.errors import InputError
from convex_core.losses import LOSSES

from ..work import compute
from . import address, fitting
from .choices import choices_of
from .current import CurrentProblem, current_problem
from .scales import (
    BETAS,
    BIASES,
    CLASSES,
    DEFAULT_DATA,
    DELTAS,
    MAX_FILTER,
    MAX_SEED,
    MAX_STRIDE,
    OPTIONS,
    PADDINGS,
    POOLINGS,
    SLOPES,
    nearest_beta,
)  # fmt: skip
from .spec import CUSTOM, NETWORKS, DataSpec, custom_dataset

__all__ = ["ARRIVING", "RESET", "bound", "choose", "problem_controls", "reset", "show"]

#: Settings that no widget of Streamlit has.
ADDRESS_ALONE = frozenset(("dial", "play"))

#: Session key: Reset was pressed, and no page has dropped its old results since.
RESET = "_reset"

#: Width of what folds out, in widths of a control.
ADVANCED_SHARE = 0.9
_DEFAULTS = "_control_defaults"
#: The loss that suits the dataset shown last.
_SUITED = "_suited_loss"
#: Set by the shell while a page is drawn for the first time after another one.
ARRIVING = "_arriving"


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
    return current_problem(name, options, defaults, networks)


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


def _beta(defaults: Dataset) -> None:
    default = nearest_beta(defaults.default_beta)
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


def _defaults(name: str) -> Dataset:
    own = custom_dataset()
    if name == CUSTOM and own is not None:
        return own
    spec = DataSpec(name)
    return compute.dataset(spec, None)


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
    st.session_state["beta"] = nearest_beta(defaults.default_beta)
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
        _suit(compute.dataset(spec, None))


def _suit(defaults: Dataset) -> None:
    """Choose the network and the loss that suit a dataset."""
    st.session_state["network"] = fitting.default_network(defaults)
    st.session_state["loss"] = st.session_state[_SUITED] = fitting.default_loss(defaults)

"""What there is to look at in a trained network: a drawing, mistakes, filters, one image on its way through."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from convex_core.data import Dataset
from convex_core.experiments import Recognition
from convex_core.figures.chart import Chart
from convex_core.figures.listed import class_scores, listed_filters, listed_inside
from convex_core.figures.pictures import as_images, picture_grid
from convex_core.figures.recognition import recognition_confusion
from convex_core.lists import FeatureMaps, feature_maps

from .. import guard, layout
from ..state.controls import bound
from . import pad

__all__ = ["charts", "show", "strip"]

#: Images in the gallery of a cell, and letters of a class's name over one.
GALLERY, SHORT = 15, 4
#: Filters of an image's way through the network, and below a drawing.
INSIDE, BELOW_DRAWING = 5, 3
STRIP, STRIP_COLUMNS = 40, 10
#: Length of a drawing, in sides of the pad, below which nothing is said: a 1 over a quarter of the pad is longer.
LEAST_DRAWN = 0.2
_CELL = "_ten_cell"


def show(found: Recognition) -> None:
    """Draw the part that is chosen; what happens in it leaves the rest of the page alone."""
    _part(found)


def charts(found: Recognition) -> list[Chart]:
    """The figures of the parts that depend on the network alone, for downloads."""
    return [recognition_confusion(found), listed_filters(found.network, _names(found))]


@guard.fragment
def _part(found: Recognition) -> None:
    st.segmented_control(
        "What to look at", list(PARTS), default=DRAW, required=True, label_visibility="collapsed",
        **bound("ten_part", DRAW),
    )  # fmt: skip
    PARTS.get(st.session_state["ten_part"], _drawing)(found)


def _drawing(found: Recognition) -> None:
    """Draw a digit and see it classified."""
    style = pad.style(found)
    if style is None:
        st.info(
            "Drawings are no photographs: choose Digits or MNIST to draw. Mistakes and Inside show test images.",
            icon=":material/draw:",
        )
        return
    left, right = st.columns([1.4, 1], gap="small")
    with left:
        image, length = pad.draw(style)
    if not image.any():
        with right:
            layout.caption("Draw a digit from 0 to 9: what the network says stands here while you draw.")
        return
    if length < LEAST_DRAWN:
        with right:
            st.subheader("Too little ink to tell", anchor=False)
            layout.caption(
                f"All strokes together are {int(100 * length)} % as long as a side of the pad; from "
                f"{100 * LEAST_DRAWN:.0f} % on the network is asked. "
                "Blown up to a digit's size a dot would pass for a 1."
            )
        return
    maps = feature_maps(found.network, image)
    best = int(found.said(maps.outputs[None])[0])
    with right:
        st.subheader(f"The network says {found.names[best]}", anchor=False)
        _scores(found, maps, None, 212, "drawn_scores")
    layout.caption(f"Your drawing is {style.words}: the small picture is all that the network sees.")
    _maps(found, maps, BELOW_DRAWING, "drawn_maps")


def _mistakes(found: Recognition) -> None:
    """The confusion matrix, the images of a cell of it, and one of them large."""
    palette = layout.colours()
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        matrix = recognition_confusion(found, colours=palette)
        layout.chart(
            matrix, f"{len(found.wrong)} of {len(found.scores)} wrong", "Press a cell for its images.",
            key="ten_confusion", picked=lambda: _take_cell("ten_confusion"),
        )  # fmt: skip
    cell = st.session_state.get(_CELL)
    which, words = _of_cell(found, cell)
    long = max(map(len, found.names)) > SHORT
    names = [name[:SHORT] for name in found.names]
    with right:
        gallery = picture_grid(
            as_images(found.data.X_test[which[:GALLERY]], found.data.input_shape),  # type: ignore[index]
            [f"{names[found.truth[k]]}→{names[found.predicted[k]]}" for k in which[:GALLERY]],
            columns=3 if long else 5,
            side=72 if long else 44,
            numbers=which[:GALLERY].tolist(),
            strong=[bool(found.truth[k] != found.predicted[k]) for k in which[:GALLERY]],
            alt=f"{words}: {min(len(which), GALLERY)} of {len(which)} images.",
            name="gallery",
            colours=palette,
        )
        st.markdown(f"**{words}**{'' if len(which) <= GALLERY else f', {GALLERY} of {len(which)}'}")
        layout.plain_chart(gallery, key="ten_gallery", picked=lambda: _take_image("ten_gallery"))
        if len(which):
            chosen = _image(found)
            if chosen not in which:
                chosen = int(which[0])
            _large(found, chosen)


def _large(found: Recognition, chosen: int) -> None:
    """One test image large, beside its scores."""
    truth, said = found.names[found.truth[chosen]], found.names[found.predicted[chosen]]
    layout.caption(f"Test image {chosen}: it is {truth}, the network says {said}.")
    left, right = st.columns(2, gap="small", vertical_alignment="center")
    with left:
        _picture(found, chosen, 84)
    with right:
        st.button(
            "Inside", icon=":material/zoom_in:", key="ten_look", on_click=_go_inside, args=(chosen,),
        )  # fmt: skip
    # in the whole width: half of it has no room for the numbers beside the bars
    _scores(found, _maps_of(found, chosen), int(found.truth[chosen]), 190, "ten_large_scores")


def _filters(found: Recognition) -> None:
    """Filters as small images, with their class weights on the pooling grid."""
    network = found.network
    grid = " × ".join(map(str, network.grid.cuts))
    layout.chart(
        listed_filters(network, _names(found), colours=layout.colours()),
        f"{network.m} of {found.certificate.listed} filters are used; the largest",
        f"Beside each filter its weight to every class, by where in the image it fires ({grid} regions). Orange speaks "
        "for the class, blue against it.",
        key="ten_filters_chart",
    )


def _inside(found: Recognition) -> None:
    """One test image on its way through the network."""
    count = len(found.scores)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        state = st.session_state
        if state.get("ten_image", 0) >= count:
            state["ten_image"] = count - 1  # chosen among more images
        st.number_input(f"Test image, 0 to {count - 1}", 0, count - 1, 0, **bound("ten_image", 0))
        chosen = _image(found)
        maps = _maps_of(found, chosen)
        _picture(found, chosen, 110)
        truth, said = found.names[found.truth[chosen]], found.names[found.predicted[chosen]]
        layout.caption(f"It is {truth}; the network says {said}." if truth != said else f"It is {truth}, rightly seen.")
        _scores(found, maps, int(found.truth[chosen]), 212, "ten_scores")
    with right:
        names = _names(found)
        output = st.selectbox(
            "What speaks for and against", list(range(len(names))), int(maps.outputs.argmax()),
            format_func=names.__getitem__, filter_mode=None, key=f"ten_of_{chosen}",
        )  # fmt: skip
        _maps(found, maps, INSIDE, "ten_maps", output)


def strip(data: Dataset, title: str, key: str) -> None:
    """The first training images with their classes."""
    names = data.labels or ()
    X, y = data.X[:STRIP], data.y[:STRIP]
    chart = picture_grid(
        as_images(X, data.input_shape),
        [names[int(k)] if names else f"{k:g}" for k in y],
        columns=STRIP_COLUMNS,
        alt=f"The first {len(X)} of {data.n} training images with their classes.",
        name="training-images",
        colours=layout.colours(),
    )
    layout.chart(chart, title, key=key)


def _training(found: Recognition) -> None:
    """Training images with their classes."""
    data = found.data
    strip(data, f"{min(STRIP, data.n)} of {data.n:,} training images", "ten_strip")


def _maps(found: Recognition, maps: FeatureMaps, most: int, key: str, output: int | None = None) -> None:
    names = _names(found)
    chosen = int(maps.outputs.argmax()) if output is None else output
    chart = listed_inside(maps, chosen, names, most=most, colours=layout.colours())
    layout.chart(
        chart,
        f"Why {names[chosen]}?",
        "Products with every patch, summed; what is above zero; the mean in each region; times its weight.",
        key=key,
    )


def _scores(found: Recognition, maps: FeatureMaps, truth: int | None, height: int, key: str) -> None:
    place = None
    if truth is not None and truth in found.classes:
        place = int(np.flatnonzero(found.classes == truth)[0])
    chart = class_scores(maps.outputs, _names(found), truth=place, height=height, colours=layout.colours())
    layout.plain_chart(chart, key=key)


def _picture(found: Recognition, chosen: int, side: int) -> None:
    data = found.data
    assert data.X_test is not None
    name = found.names[found.truth[chosen]]
    chart = picture_grid(
        as_images(data.X_test[[chosen]], data.input_shape), [name], columns=1, side=side,
        alt=f"Test image {chosen}, {name}.", name="test-image", colours=layout.colours(),
    )  # fmt: skip
    layout.plain_chart(chart, key=f"ten_picture_{side}")


def _maps_of(found: Recognition, chosen: int) -> FeatureMaps:
    assert found.data.X_test is not None
    return feature_maps(found.network, found.data.X_test[chosen])


def _names(found: Recognition) -> tuple[str, ...]:
    """Names of the classes that the network has outputs for."""
    return tuple(found.names[k] for k in found.classes)


def _image(found: Recognition) -> int:
    """The test image of the link, brought into range."""
    value = st.session_state.get("ten_image", 0)
    return int(min(max(value, 0), len(found.scores) - 1)) if isinstance(value, (int, float)) else 0


def _of_cell(found: Recognition, cell: tuple[int, int] | None) -> tuple[NDArray[np.int64], str]:
    """Test images of a cell of the confusion matrix; without one all that are wrong."""
    q = len(found.names)
    if cell is None or max(cell) >= q:
        return found.wrong, "Every mistake" if len(found.wrong) else "No mistakes"
    which = np.flatnonzero((found.truth == cell[0]) & (found.predicted == cell[1]))
    true, said = found.names[cell[0]], found.names[cell[1]]
    return which, f"{true}, rightly seen" if cell[0] == cell[1] else f"{true}, taken for {said}"


def _point(key: str) -> object:
    """What the point that was pressed in a chart tells; None without one."""
    event = st.session_state.get(key)
    points = event["selection"]["points"] if event else []
    return points[0].get("customdata") if points else None


def _take_cell(key: str) -> None:
    told = _point(key)
    if isinstance(told, (list, tuple, Mapping)) and len(told) == 2:
        i, j = told.values() if isinstance(told, Mapping) else told
        st.session_state[_CELL] = (int(i), int(j))
    else:
        st.session_state.pop(_CELL, None)


def _take_image(key: str) -> None:
    told = _point(key)
    told = told[0] if isinstance(told, (list, tuple)) and told else told
    if isinstance(told, (int, float)):
        _choose(int(told))


def _choose(image: int) -> None:
    """Make an image the chosen one, in the address too: its widget may not be on the page."""
    st.session_state["ten_image"] = image
    if image:
        st.query_params["ten_image"] = str(image)
    elif "ten_image" in st.query_params:
        del st.query_params["ten_image"]


def _go_inside(chosen: int) -> None:
    _choose(chosen)
    st.session_state["ten_part"] = INSIDE_NAME


DRAW, INSIDE_NAME = "Draw a digit", "Inside"
PARTS: Mapping[str, Callable[[Recognition], None]] = {
    DRAW: _drawing,
    "Mistakes": _mistakes,
    "Filters": _filters,
    INSIDE_NAME: _inside,
    "Training images": _training,
}

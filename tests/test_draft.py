"""Figures as plain data are what Plotly would have made of them."""

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from few_cases import few
from plotly.subplots import make_subplots

from convex_core.figures import draft
from convex_core.figures.chart import Chart, blank


def decoded(value):
    """Plain data with arrays as lists."""
    if isinstance(value, dict) and "bdata" in value:
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype="<" + value["dtype"])
        shape = [int(size) for size in value["shape"].split(",")] if "shape" in value else [-1]
        return decoded(array.reshape(shape).tolist())
    if isinstance(value, dict):
        return {key: decoded(item) for key, item in value.items() if key != "template" and decoded(item) != {}}
    if isinstance(value, list | tuple):
        return [decoded(item) for item in value]
    if isinstance(value, float | int) and not isinstance(value, bool):
        return None if np.isnan(value) else round(float(value), 10)
    return value


def steps(figure, kinds, x):
    """A figure with everything that ours have."""
    line = kinds.Scatter(x=x, y=np.arange(4), mode="lines", line={"color": "red"}, textfont_size=9, name=None)
    figure.add_trace(line, row=1, col=1)
    figure.add_trace(kinds.Bar(x=x, y=np.arange(4) * 100, error_y={"array": [1, 2, 1, 2]}), row=2, col=1)
    figure.add_trace(kinds.Heatmap(z=np.arange(6.0).reshape(2, 3), text=np.array([["a"] * 3] * 2)), row=2, col=2)
    figure.update_xaxes(title_text="x", range=[0, np.float64(2.0)])
    figure.update_xaxes(title_standoff=3, row=2, col=2)
    figure.update_yaxes(title="y", row=1)
    figure.update_yaxes(title_text=None, col=2)
    figure.update_layout({"margin": {"l": 5}}, height=300, paper_bgcolor="white", margin_b=7)
    figure.update_traces(selector={"type": "bar"}, marker_color="blue")
    figure.add_annotation(text="here", x=1, y=2, showarrow=False)
    figure.add_shape(type="rect", x0=0, x1=1, y0=0, y1=1, line={"width": 1})
    figure.add_vline(x=1.5, line={"dash": "dot"})
    figure.add_hline(y=2.5, line={"dash": "dash"}, row=2, col=1)
    return figure


@pytest.mark.parametrize(
    ("x", "shared"),
    few(
        [
            *((np.array([1.0, 2.0, np.nan, 4.0]), False), (["a", "b", "c", "d"], True), (np.arange(4) - 300, False)),
            *((np.array([1.0, 2.0, np.nan, 4.0]), True), (["a", "b", "c", "d"], False), (np.arange(4) - 300, True)),
        ],
        3,
    ),
)
def test_a_draft_is_what_plotly_makes(x, shared):
    grid = {"rows": 2, "cols": 2, "column_widths": [0.7, 0.3], "row_heights": [3, 1], "horizontal_spacing": 0.1,
            "vertical_spacing": 0.05, "shared_xaxes": shared, "shared_yaxes": shared,
            "subplot_titles": ("a", "b", "c", "d")}  # fmt: skip
    ours = steps(draft.make_subplots(figure=draft.Draft(template={}), **grid), draft, x)
    theirs = steps(make_subplots(figure=go.Figure(layout={"template": {}}), **grid), go, x)
    # lines across all places are drawn by Plotly only where there is something already
    shapes = [shape for shape in ours.layout["shapes"] if shape.get("xref") != "x2"]
    ours.layout["shapes"] = shapes
    assert decoded(json.loads(Chart(ours, "").figure.to_json())) == decoded(json.loads(theirs.to_json()))


def test_the_plain_data_of_a_chart_are_those_of_its_figure():
    values = [np.linspace(0.0, 1.0, 5), np.arange(5) * 70, np.arange(5, dtype=np.uint8), [1, 2], np.array(["a", "b"])]
    drawn = blank(300)
    for y in values:
        drawn.add_trace(draft.Scatter(y=y, customdata=np.arange(6).reshape(2, 3), meta=np.int64(3)))
    drawn.add_trace(draft.Image(z=np.zeros((2, 2, 3), dtype=np.uint8)))
    drawn.frames = [draft.Frame(name="0", data=[{"type": "scatter", "y": [2.0]}], traces=[0])]
    chart = Chart(drawn, "")
    plain = json.loads(json.dumps(chart.plain()))
    assert decoded(plain) == decoded(json.loads(chart.figure.to_json()))
    assert set(plain) == {"data", "layout", "frames"}


def test_what_is_changed_in_the_figure_is_in_the_plain_data():
    chart = Chart(blank(300).add_scatter(y=[1, 2]), "")
    assert chart.plain()["layout"]["height"] == 300
    chart.figure.update_layout(height=200)
    assert chart.plain()["layout"]["height"] == 200
    assert Chart(go.Figure(go.Bar(y=[1])), "").plain()["data"][0]["type"] == "bar"


def test_a_wrong_property_is_refused_when_the_figure_is_asked_for():
    chart = Chart(blank(300).add_trace(draft.Scatter(y=[1], colour="red")), "")
    with pytest.raises(ValueError, match="colour"):
        _ = chart.figure


def test_places_need_a_grid():
    with pytest.raises(ValueError, match="without a grid"):
        blank(300).add_trace(draft.Scatter(y=[1]), row=1, col=1)

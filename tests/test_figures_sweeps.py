"""The heat map of a sweep: its fields are the rows, its writing can be read, its words say what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from convex_core import InputError, Sweep, SweepRow, sweep
from convex_core.figures.colours import DARK, LIGHT, contrast
from convex_core.figures.sweeps import SWEEP_VALUES, sweep_map


def made(beta, stride, seed=0, objective=1.0, status="optimal", **found):
    settings = {"dataset": "talk", "beta": beta, "stride": stride, "seed": seed}
    problem = {} if objective is None else {"n": 1}
    return SweepRow(f"{beta}{stride}{seed}", settings, status, problem, objective=objective, **found)


ROWS = Sweep(
    (
        made(0.1, 1, objective=1.0, filters=4),
        made(0.1, 2, objective=2.0, filters=3),
        made(1.0, 1, objective=4.0, filters=0),
        made(1.0, 2, objective=None, status="refused", error="no"),
    ),
    4,
)


def test_fields_are_the_rows_and_one_without_an_answer_is_empty():
    chart = sweep_map(ROWS)
    heat, points = chart.figure.data
    assert (list(heat.x), list(heat.y)) == (["0.1", "1"], ["1", "2"])
    np.testing.assert_equal(np.array(heat.z), [[1.0, 4.0], [2.0, np.nan]])
    assert [ROWS.rows[k].objective for k in points.customdata] == [1.0, 2.0, 4.0, None]
    assert list(points.hovertext) == ["1", "2", "4", "no answer"]
    assert chart.table["objective"] == [1.0, 4.0, 2.0, None]
    assert chart.alt == "Heat map of the objective over β and stride: 4 fields, from 1 to 4, 1 without an answer."
    assert chart.figure.layout.xaxis.type == chart.figure.layout.yaxis.type == "category"


def test_several_rows_of_a_field_are_their_mean_unless_they_are_kept_apart():
    rows = [made(b, s, seed, objective=b + s + seed) for b in (1.0, 2.0) for s in (1, 2) for seed in (0, 1)]
    found = Sweep(tuple(rows), 8)
    chart = found.plot("beta", "stride")
    assert chart.table["objective"] == [2.5, 3.5, 3.5, 4.5]
    assert chart.table["rows"] == [2, 2, 2, 2]
    assert chart.alt.endswith("each the mean of its rows.")
    assert found.plot("beta", "stride", where={"seed": 1}).table["objective"] == [3.0, 4.0, 4.0, 5.0]
    assert found.plot("seed", "stride", where={"beta": 2.0}).table["objective"] == [3.0, 4.0, 4.0, 5.0]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_what_is_written_on_a_field_can_be_read(colours):
    rows = tuple(made(float(k), s, objective=float(k * s) + 0.1) for k in range(1, 13) for s in range(1, 4))
    chart = sweep_map(Sweep((*rows, made(1.0, 9, objective=None, status="failed")), 37), colours=colours)
    written = chart.figure.layout.annotations
    assert len(written) == 37
    assert min(contrast(note.font.color, note.bgcolor) for note in written) >= 4.5
    wide = sweep_map(Sweep(tuple(made(float(k), s) for k in range(1, 15) for s in (1, 2)), 28))
    assert wide.figure.layout.annotations == ()


@pytest.mark.parametrize("value", SWEEP_VALUES)
def test_every_value_is_drawn_whatever_is_missing(value):
    chart = sweep_map(ROWS, value=value)
    assert SWEEP_VALUES[value] in chart.alt
    assert len(chart.table[value]) == 4


def test_values_of_two_kinds_share_an_axis():
    rows = [made(b, s, objective=1.0) for b in (0.1, None) for s in (1, [2, 1])]
    chart = sweep_map(Sweep(tuple(rows), 4), "beta", "stride")
    assert {type(value) for name in ("beta", "stride") for value in chart.table[name]} == {str}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"value": "loss"}, "value: got 'loss', expected one of objective, "),
        ({"x": "nosuch"}, "sweep: got the setting 'nosuch', expected one of dataset, beta, "),
        ({"x": "beta", "y": "beta"}, "y: got 'beta' for both axes, expected two settings"),
        ({"where": {"beta": 7}}, "where: got {'beta': 7}, expected values that some row has"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(given, sentence):
    with pytest.raises(InputError) as caught:
        sweep_map(ROWS, **given)
    assert str(caught.value).startswith(sentence)


def test_one_row_is_no_map_unless_its_axes_are_named():
    found = sweep({"dataset": "edge", "data.n": 4}, workers=1)
    with pytest.raises(InputError, match="got 0 settings with more than one value, expected at least 2 for a map"):
        found.plot()
    assert found.plot("beta", "stride").table["rows"] == [1]

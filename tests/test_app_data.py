"""Own files in the app: the column of y can be chosen, and the page says what was understood of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from app_helpers import facts, open_page, upload

from convex_core.data import Dataset
from convex_core.losses import make_loss
from convex_core.problem import Problem
from convex_core.solution import solve
from pages._ui.state import spec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4)).round(3)


def lines(labels: Any, *, first: bool = False, header: str = "") -> bytes:
    rows = [[str(y), *map(str, x)] if first else [*map(str, x), str(y)] for x, y in zip(X, labels, strict=True)]
    return "\n".join([*([header] if header else []), *map(";".join, rows)]).replace(".", ",").encode("utf-16")


def words(app: Any) -> str:
    return " ".join(item.value for item in app.markdown)


@pytest.mark.slow
def test_a_choice_of_the_target_reads_the_same_file_again() -> None:
    app = open_page("dataset")
    upload(app, "my label first.csv", lines(np.arange(9) % 3, first=True))
    assert len(app.error) == 1
    assert "my label first.csv" in app.error[0].value
    assert "first or last" in app.error[0].value
    app.selectbox(key="target").set_value("first").run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="data").value == spec.CUSTOM
    assert "my label first" in words(app)
    assert "Read from my label first.csv: 9 samples of 4 numbers" in words(app)
    assert "y is column 1" in words(app)
    app.selectbox(key="target").set_value("last").run()
    assert "y is the last column" in words(app)


def test_a_name_in_the_header_can_be_the_target() -> None:
    app = open_page("dataset")
    upload(app, "mine.csv", lines(RNG.normal(size=9).round(2), header="a;b;c;d;e"))
    assert "y is the last column ('e')" in words(app)
    choose(app, "b")
    assert "y is column 2 ('b')" in words(app)
    choose(app, "nothing")
    assert "got 'nothing'" in app.error[0].value
    assert "y is column 2 ('b')" in words(app)


def choose(app: Any, typed: str) -> None:
    """Type a name into the box of the target; the test harness only knows the options that are offered."""
    box = app.selectbox(key="target")
    box.options.extend({typed, box.value} - set(box.options))
    box.set_value(typed).run()
    assert not app.exception


@pytest.mark.slow
@pytest.mark.parametrize(("values", "loss"), [((3, 8), "logistic"), ((1, 2), "hinge"), ((1, 2, 4), "softmax")])
def test_any_few_numbers_are_classes_where_the_loss_asks_for_them(values: tuple[int, ...], loss: str) -> None:
    labels = [values[k % len(values)] for k in range(9)]
    app = open_page("dataset")
    upload(app, "mine.csv", lines(labels, header="a;b;c;d;y"))
    app.switch_page("pages/solve.py").run()
    app.selectbox(key="loss").set_value(loss)
    if loss == "softmax":
        app.selectbox(key="network").set_value(spec.SEVERAL)
    app.run()
    assert not app.exception
    assert app.selectbox(key="loss").value == loss
    data = Dataset("mine", X, labels)
    problem = Problem.from_dataset(data, loss=make_loss(loss), beta=0.1)
    shown = float(facts(app)["objective of the network"])
    assert shown == pytest.approx(solve(problem, tol=1e-8).network_objective, rel=1e-6)


def test_two_files_of_the_same_numbers_keep_their_own_names() -> None:
    app = open_page("dataset")
    upload(app, "mine.csv", lines(["cat", "dog", "dog"] * 3))
    assert "cat (-1" in words(app)
    upload(app, "mine.csv", lines(["ox", "pig", "pig"] * 3))
    assert "ox (-1" in words(app)
    assert "cat (-1" not in words(app)


def test_from_the_data_one_press_leads_to_their_solution() -> None:
    app = open_page("dataset")

    def links() -> list[str]:
        return [link.proto.label for link in app.get("page_link")]

    assert "Next: solve it" in links()
    assert "These data are in use: solve them" not in links()
    upload(app, "mine.csv", lines(np.arange(9) % 3, header="a;b;c;d;y"))
    assert not app.exception
    assert {"Next: solve it", "These data are in use: solve them"} <= set(links())

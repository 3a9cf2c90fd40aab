"""Activations and biases in the app: the numbers shown are the library's, on every page that draws them."""

from __future__ import annotations

from typing import Any

import pytest
from app_helpers import facts, open_page

from convex_core.data import load_dataset
from convex_core.problem import Problem
from convex_core.solution import solve


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [
        {"activation": "leaky", "slope": "0.5"},
        {"activation": "absolute", "bias": "regularised"},
        {"activation": "residual", "pooling": "mean"},
        {"activation": "quadratic", "bias": "output"},
        {"activation": "threshold", "pooling": "mean"},
        {"bias": "free"},
    ],
)
def test_solve_shows_the_value_of_the_library(chosen: dict[str, str]) -> None:
    app = open_page("solve", data="edge", beta="0.5", **chosen)
    options: dict[str, Any] = dict(chosen)
    if "slope" in options:
        options["slope"] = float(options["slope"])
    problem = Problem.from_dataset(load_dataset("edge"), beta=0.5, **options)
    shown = float(facts(app)["objective of the network"])
    assert shown == pytest.approx(solve(problem, tol=1e-8).network_objective, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["dataset", "arrangement", "solve", "filters_and_path", "convex_vs_sgd"])
@pytest.mark.parametrize("data", ["edge", "digits"])
def test_every_page_draws_them(page: str, data: str) -> None:
    app = open_page(page, data=data, beta="1", activation="leaky", bias="regularised", h="2")
    assert not app.exception
    assert not app.error


@pytest.mark.slow
def test_another_network_says_that_it_has_the_relu() -> None:
    app = open_page("solve", data="edge", network="linear", activation="absolute")
    assert any("absolute is for two-layer networks" in item.value for item in app.warning)
    app = open_page("solve", data="edge", network="max pooling", activation="absolute")
    assert any("the largest response must win" in item.value for item in app.warning)
    app = open_page("solve", data="edge", network="linear", bias="free")
    assert any("free biases of the filters with a linear CNN" in item.value for item in app.warning)


@pytest.mark.slow
def test_what_is_not_offered_is_not_taken() -> None:
    app = open_page("solve", data="edge", activation="gelu", slope="7", bias="some")
    assert not app.exception
    assert app.selectbox(key="activation").value == "relu"


@pytest.mark.slow
def test_thresholds_show_the_columns_of_their_lasso() -> None:
    app = open_page("solve", data="edge", beta="0.5", activation="threshold")
    assert "these are in use" in said(app)
    app = open_page("solve", data="edge", beta="0.5")
    assert "these are in use" not in said(app)


def said(app: Any) -> str:
    return "".join(element.proto.body for element in app.get("html"))

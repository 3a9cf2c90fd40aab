"""Losses in the app: the same numbers as the library, and a sentence where a loss does not fit the data."""

from __future__ import annotations

import pytest
from app_helpers import charts, facts, finish_sgd, open_page, sentences

from convex_core.data import load_dataset
from convex_core.export.latex import training_latex
from convex_core.losses import make_loss
from convex_core.problem import Problem
from convex_core.solution import solve


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", [{"loss": "logistic"}, {"loss": "hinge"}, {"loss": "absolute"}, {"loss": "huber", "delta": "0.2"}]
)
def test_solve_page_takes_a_loss_from_the_address(query: dict[str, str]) -> None:
    app = open_page("solve", data="edge", beta="0.5", **query)
    loss = make_loss(query["loss"], delta=float(query["delta"]) if "delta" in query else None)
    problem = Problem.from_dataset(load_dataset("edge"), beta=0.5, loss=loss)
    shown = facts(app)
    solution = solve(problem, tol=1e-8)
    assert float(shown["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["proved lower bound"]) == pytest.approx(solution.lower_bound, rel=1e-7)
    assert training_latex(problem) in app.latex[0].value
    assert loss.formulas.latex in app.latex[1].value
    assert loss.formulas.cvxpy in app.code[0].value
    assert ("delta" in {w.key for w in app.select_slider}) == (loss.name == "huber")


@pytest.mark.parametrize("page", ["solve", "convex_vs_sgd"])
def test_a_loss_for_labels_refuses_other_targets_in_a_sentence(page: str) -> None:
    app = open_page(page, data="talk", loss="logistic")
    assert "with the logistic loss, expected labels -1 and +1 only; the squared loss is used." in sentences(app)
    if page == "solve":
        solution = solve(Problem.from_dataset(load_dataset("talk")), tol=1e-8)
        assert float(facts(app)["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "delta"), [("nan", "1"), ("999", "-1"), ("cross-entropy", "1"), ("huber", "999")])
def test_nonsense_in_the_address_is_the_default(loss: str, delta: str) -> None:
    app = open_page("solve", data="edge", beta="0.5", loss=loss, delta=delta)
    expected = make_loss("huber") if loss == "huber" else make_loss("squared")
    solution = solve(Problem.from_dataset(load_dataset("edge"), beta=0.5, loss=expected), tol=1e-8)
    assert float(facts(app)["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-7)


@pytest.mark.slow
def test_sgd_runs_on_the_loss_and_stays_above_the_optimum() -> None:
    app = open_page("convex_vs_sgd", data="edge", beta="0.5", loss="hinge", iterations="500", runs="2")
    finish_sgd(app)
    solution = solve(Problem.from_dataset(load_dataset("edge"), beta=0.5, loss=make_loss("hinge")), tol=1e-8)
    shown = facts(app)
    assert float(shown["convex program"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["best SGD seed"]) >= solution.lower_bound
    assert len(charts(app)) == 4


@pytest.mark.slow
def test_the_path_page_previews_a_loss_that_is_no_quadratic_program() -> None:
    app = open_page("filters_and_path", data="edge", loss="logistic", points="10")
    finish_sgd(app)  # the path is a job of the same kind
    assert not app.error
    assert app.header[0].value.startswith("10 certified optima")

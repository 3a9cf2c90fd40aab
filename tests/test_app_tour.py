"""The Tour: what each step says is what the library says, and the page begins where its link points."""

import re
from pathlib import Path

import numpy as np
import pytest
from app_helpers import open_page

from convex_core import Network, Problem, beta_max, count_patterns, solve
from pages._ui import glossary
from pages._ui.playground.answers import Desk, answer
from pages._ui.playground.session import Session
from pages._ui.tour import facts, steps
from pages._ui.tour.page import respond

ROOT = Path(__file__).parent.parent
ALL = range(1, steps.COUNT + 1)


def right(number: int) -> str:
    """The right answer to a step's question."""
    question = steps.step(number)["question"]
    return question["options"][question["right"]]


def numbers(text: str) -> list[float]:
    """All numbers in a text."""
    return [float(found.replace("−", "-").replace(",", "")) for found in re.findall(r"−?\d[\d,]*(?:\.\d+)?", text)]


def fresh(scene: str) -> Problem:
    """The problem of a scene, made from its numbers alone."""
    data = {"signal": facts.SIGNAL, "trap": facts.SAMPLES, "one": facts.ONE}[scene]
    return Problem(data.X, data.y, filter_size=2, beta=data.beta)


def test_there_are_as_many_steps_as_the_links_to_the_tour_promise() -> None:
    assert steps.COUNT == len(steps.TITLES) == 8


@pytest.mark.parametrize("number", ALL)
def test_each_step_is_two_sentences_a_question_and_an_answer(number: int) -> None:
    step = steps.step(number)
    assert len(step["text"]) == 2
    assert all(0 < len(words) < 260 and words.endswith(".") for words in [*step["text"], *step["reveal"]])
    assert step["question"]["text"][-1] in "?."
    assert step["title"] == steps.TITLES[number - 1]
    for view in (step["before"], step["after"]):
        assert set(view["panels"].split()) <= {"data", "directions", "outcome", "sheet"}
        assert set(view.get("veil", ())) <= {"lines", "cells", "curve", "ceiling", "stars", "outcome"}
        assert ("sheet" in view["panels"]) <= ("sheet" in step)
    question = step["question"]
    if question["kind"] == "choice":
        assert len(set(question["options"])) == len(question["options"]) >= 3
        assert 0 <= question["right"] < len(question["options"])
    # what is asked for is not seen before
    assert step["before"] != step["after"]


def test_the_first_step_reads_the_patches_as_a_network_does() -> None:
    problem = fresh("signal")
    network = Network(problem.architecture, [list(facts.FILTER)], [1.0])
    windows = np.lib.stride_tricks.sliding_window_view(facts.SIGNAL.X[0], 2)
    rises = windows[:, 1] - windows[:, 0]
    best = int(np.argmax(rises))
    step = steps.step(1)
    assert right(1).startswith(f"Patch {best + 1}:")
    assert numbers(right(1))[1:] == windows[best].tolist()
    assert [numbers(row[2])[0] for row in step["sheet"]["rows"]] == np.maximum(rises, 0.0).tolist()
    assert [numbers(row[1].split("=")[1])[0] for row in step["sheet"]["rows"]] == rises.tolist()
    assert numbers(step["sheet"]["total"][2]) == network.predict(facts.SIGNAL.X).tolist()


def test_the_second_step_asks_for_the_directions_that_make_nothing_of_the_patch() -> None:
    assert steps.step(2)["question"]["angles"] == pytest.approx([45.0, 225.0])  # where weights are equal, as it says
    pair = np.array(numbers(steps.step(2)["question"]["text"])[1:3])
    for angle in np.radians(steps.step(2)["question"]["angles"]):
        assert pair @ [np.cos(angle), np.sin(angle)] == pytest.approx(0.0, abs=1e-12)


def test_the_third_step_s_sum_holds_inside_the_cell_and_not_across_a_line() -> None:
    problem = fresh("signal")
    a, b, c = (np.array(u) for u in facts.COMPARED)

    def answered(u: np.ndarray) -> float:
        return float(Network(problem.architecture, u[None], [1.0]).predict(facts.SIGNAL.X)[0])

    rows = problem.patches[:, 0]
    assert np.array_equal(rows @ a > 0.0, rows @ b > 0.0)
    assert not np.array_equal(rows @ a > 0.0, rows @ c > 0.0)
    assert right(3) == f"Exactly {answered(a + b):.3g}"
    assert answered(a + b) == pytest.approx(answered(a) + answered(b))
    assert numbers(steps.step(3)["question"]["text"]) == pytest.approx([answered(a), answered(b)])
    assert numbers(steps.step(3)["reveal"][1]) == pytest.approx(
        [answered(c), answered(a + c), answered(a) + answered(c)]
    )
    assert count_patterns(rows).patterns in numbers(steps.step(3)["text"][0])


def test_the_fourth_step_counts_the_filters_of_the_optimum() -> None:
    problem = fresh("trap")
    solution = solve(problem, tol=1e-9)
    cells = count_patterns(problem.patches.reshape(-1, 2)).patterns
    assert int(right(4)) == solution.network.m <= problem.n
    assert {12.0, float(cells)} <= set(numbers(steps.step(4)["text"][0]))
    assert numbers(steps.step(4)["question"]["text"]) == [2 * cells]


def test_the_fifth_step_s_dial_ends_where_the_last_filter_dies() -> None:
    problem = fresh("trap")
    step, (last, _) = steps.step(5), beta_max(problem)
    assert step["question"]["beta"] == pytest.approx(last, rel=1e-9)
    assert last <= step["after"]["beta"] <= 1.01 * last
    assert solve(problem.with_beta(step["after"]["beta"])).network.m == 0
    assert solve(problem.with_beta(0.99 * last)).network.m > 0
    half = numbers(step["reveal"][0])[1]
    words = ["no", "one", "two", "three", "four", "five", "six"]
    assert f", {words[solve(problem.with_beta(half)).network.m]} " in step["reveal"][0]


@pytest.mark.slow
def test_the_sixth_step_tells_of_the_run_that_is_then_played() -> None:
    step, desk = steps.step(6), Desk()
    frames, done = [], False
    while not done:
        request = {"id": 1, "kind": "sgd", "scene": facts.SAMPLES.to_dict(), "run": "r", "have": len(frames)}
        reply = answer({**request, "sgd": step["after"]["train"]}, desk)["sgd"]
        frames, done = frames + reply["frames"], reply["done"]
    excess = np.array(frames[-1]["objective"]) / solve(fresh("trap"), tol=1e-9).network_objective - 1.0
    assert int(right(6)) == int((excess < facts.FOUND).sum())
    told = numbers(step["reveal"][0])
    assert told == [int(right(6)), len(excess), round(100 * excess.min()), round(100 * excess.max())]


def test_the_sixth_step_opens_with_runs_on_one_sample() -> None:
    found = facts.runs("one")
    far = [share for share in found.excess if share > 0.25]
    assert numbers(steps.step(6)["text"][1]) == [len(far), len(found.excess), round(100 * min(far))]
    # the strong opening: most of them, and half as much again
    assert (len(far), round(100 * min(far))) == (5, 50)


def test_the_seventh_step_s_proof_is_a_certificate() -> None:
    solution = solve(fresh("trap"), tol=1e-9)
    step = steps.step(7)
    lower, upper = numbers(step["reveal"][1])
    assert lower <= solution.lower_bound <= solution.network_objective <= upper
    assert upper - lower <= 2e-5
    assert numbers(step["reveal"][0]) == [1.0]
    directions = np.degrees(np.arctan2(*solution.network.filters.T[::-1])) % 360.0
    np.testing.assert_allclose(sorted(step["question"]["angles"]), sorted(directions), atol=1e-3)


def test_the_eighth_step_counts_cells_one_by_one() -> None:
    rows = fresh("trap").patches.reshape(-1, 2)
    assert int(right(8)) == count_patterns(rows).patterns
    assert numbers(steps.step(8)["question"]["text"]) == [2 ** len(rows)]
    for row in facts.growth():
        assert row.cells == (2 * row.patches, row.patches**2 - row.patches + 2)  # in general position


def test_a_step_that_is_none_is_refused_in_one_sentence() -> None:
    for number in (0, steps.COUNT + 1, "x", None):
        assert respond({"id": 1, "kind": "tour", "step": number}, Session())["error"].startswith("step: got")
    assert respond({"id": 1, "kind": "solve", "scene": facts.SAMPLES.to_dict(), "final": True}, Session())["optimum"]


@pytest.mark.parametrize(("query", "number"), [({}, 1), ({"step": "4"}, 4), ({"step": str(steps.COUNT)}, steps.COUNT)])
def test_a_link_leads_to_its_step(query: dict[str, str], number: int) -> None:
    app = open_page("tour", **query)
    assert not app.warning
    assert app.title[0].value == "Tour"
    assert app.session_state["_tour"].scene.key == steps.scene_of(number).key
    assert app.query_params["step"] == str(number)


@pytest.mark.parametrize("value", ["0", "9", "nan", "![](http://a/b.png)", "9" * 50])
def test_who_opens_a_link_to_no_step_is_told_and_begins_at_the_first(value: str) -> None:
    app = open_page("tour", step=value)
    assert [item.value for item in app.warning] == ["Not taken from the link: the tour has the steps 1 to 8."]
    assert app.query_params["step"] == "1"


def test_home_leads_to_the_tour() -> None:
    assert [item.proto.label for item in open_page("home").get("page_link") if "tour" in item.proto.page]


def test_the_glossary_has_one_plain_sentence_for_every_term() -> None:
    terms = glossary.terms()
    for term, sentence in terms.items():
        assert sentence.endswith("."), term
        assert not re.search(r"[$`\\*]", sentence), sentence
        assert len(sentence) < 200
    assert {"group lasso", "convex problem", "ReLU", "SGD", "ceiling", "target", "penalty"} <= set(terms)
    page_of_docs = (ROOT / "docs" / "glossary.md").read_text()
    assert "../assets/glossary.md" in page_of_docs

"""Networks with an output for each class in the app: the library's numbers, and a sentence where things do not fit."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from app_helpers import alts, charts, facts, finish_sgd, numbers, open_page, sentences, upload

from convex_core.data import Dataset, load_dataset
from convex_core.export.latex import convex_latex, training_latex
from convex_core.figures.classes import class_filters, confusion
from convex_core.losses import make_loss
from convex_core.networks.classes import accuracies, confusion_matrix
from convex_core.problem import Problem
from convex_core.solution import Solution, solve
from pages._ui import verdict
from pages._ui.dataset import data_input
from pages._ui.state import fitting, spec


@pytest.fixture(scope="module")
def three() -> tuple[Dataset, Solution]:
    data = load_dataset("motifs3")
    return data, solve(Problem.from_dataset(data, loss=make_loss("softmax")), tol=1e-8)


@pytest.mark.slow
def test_three_classes_are_solved_with_the_softmax_loss_without_a_choice(three: tuple[Dataset, Solution]) -> None:
    data, solution = three
    app = open_page("solve", data="motifs3")
    shown = facts(app)
    assert app.selectbox(key="network").value == spec.SEVERAL
    assert app.selectbox(key="loss").value == "softmax"
    assert not app.warning
    assert float(shown["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["proved lower bound"]) == pytest.approx(solution.lower_bound, rel=1e-7)
    assert shown["sign patterns"] == f"{solution.patterns // 3:,}"
    assert shown["test accuracy"] == f"{100 * accuracies(solution.network, data)[1]:.1f} %"
    assert app.header[0].value.startswith(f"{solution.active_filters} filters, certified gap")
    assert ":green-badge[program: exact] :green-badge[scope: global] :green-badge[status: optimal]" in [
        m.value for m in app.markdown
    ]
    assert [entry.value.strip("$\n ") for entry in app.latex] == [
        training_latex(solution.problem),
        convex_latex(solution.problem, solution.patterns),
    ]
    counts = confusion_matrix(solution.network, data)
    assert confusion(counts, data.labels).alt in alts(app)
    matrix = next(c for c in charts(app) if "customdata" in c["data"][0] and c["data"][0].get("y") == list(data.labels))
    assert np.array_equal(numbers(matrix["data"][0]["customdata"]), counts)
    assert class_filters(solution.network, data.labels).alt in alts(app)


def test_downloads_hold_the_outputs(three: tuple[Dataset, Solution]) -> None:
    _, solution = three
    files = {entry.file_name: entry.data() for entry in verdict.solution_downloads(solution)}
    with np.load(io.BytesIO(files["model.npz"]), allow_pickle=False) as arrays:  # type: ignore[arg-type]
        assert np.array_equal(arrays["weights"], solution.network.weights)
        assert arrays["weights"].shape == (solution.active_filters, 3)
    record = json.loads(files["result.json"])
    assert record["weights"] == solution.network.weights.tolist()
    assert (record["loss"], record["exactness"]) == ("softmax", "exact")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "loss"), [("edge", "softmax"), ("edge", "squared"), ("motifs3", "huber"), ("motifs3", "absolute")]
)
def test_a_link_with_several_outputs_is_obeyed(data: str, loss: str) -> None:
    app = open_page("solve", data=data, network="several outputs", loss=loss, beta="0.5", pooling="mean")
    held = load_dataset(data)
    expected = solve(
        Problem.from_dataset(held, beta=0.5, loss=make_loss(loss), outputs=held.classes, pooling="mean"), tol=1e-8
    )
    assert not app.warning
    shown = facts(app)
    assert float(shown["objective of the network"]) == pytest.approx(expected.network_objective, rel=1e-6)
    assert shown["test accuracy"] == f"{100 * accuracies(expected.network, held)[1]:.1f} %"
    assert convex_latex(expected.problem, expected.patterns) in app.latex[1].value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "sentence", "used"),
    [
        (
            {"data": "motifs3", "loss": "hinge"},
            "loss: got hinge, for labels -1 and +1, with a network of 3 outputs, expected softmax",
            (spec.SEVERAL, "softmax"),
        ),
        (
            {"data": "edge", "network": "linear", "loss": "softmax"},
            "loss: got softmax with the network linear of one output, expected the network several outputs",
            ("linear", "squared"),
        ),
        (
            {"data": "talk", "network": "several outputs"},
            "network: got several outputs for the real targets of talk, expected at most 10 classes",
            ("two-layer", "squared"),
        ),
        (
            {"data": "talk", "loss": "softmax"},
            "loss: got softmax for the real targets of talk, expected at most 10 classes",
            ("two-layer", "squared"),
        ),
        (
            {"data": "motifs3", "network": "two-layer", "loss": "squared"},
            "The network two-layer has one output, which fits the numbers 0 to 2 of the classes",
            ("two-layer", "squared"),
        ),
        (
            {"data": "motifs3", "network": "max pooling", "loss": "logistic"},
            "with the logistic loss, expected labels -1 and +1 only; the squared loss is used.",
            ("max pooling", "squared"),
        ),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(query: dict[str, str], sentence: str, used: tuple[str, str]) -> None:
    app = open_page("solve", beta="1", **query)
    assert sentence in sentences(app)
    assert not app.error
    name, options = spec.NETWORKS[used[0]]
    data, loss = load_dataset(query["data"]), make_loss(used[1])
    if spec.has_several_outputs(used[0]):
        options = {**options, "outputs": data.classes}
    expected = solve(Problem.from_dataset(data, beta=1.0, architecture=name, loss=loss, **options), tol=1e-8)
    assert float(facts(app)["objective of the network"]) == pytest.approx(expected.network_objective, rel=1e-6)


@pytest.mark.slow
def test_another_dataset_brings_the_network_and_the_loss_that_suit_it() -> None:
    app = open_page("solve", data="edge", loss="logistic")
    app.selectbox(key="data").set_value("motifs3").run()
    assert (app.selectbox(key="network").value, app.selectbox(key="loss").value) == (spec.SEVERAL, "softmax")
    app.selectbox(key="data").set_value("shift").run()
    assert (app.selectbox(key="network").value, app.selectbox(key="loss").value) == ("two-layer", "squared")
    app.selectbox(key="loss").set_value("logistic").run()
    app.selectbox(key="data").set_value("edge").run()
    assert app.selectbox(key="loss").value == "logistic"
    app.button(key="reset").click().run()
    assert (app.selectbox(key="network").value, app.selectbox(key="loss").value) == ("two-layer", "squared")
    assert not app.exception


@pytest.mark.slow
def test_sgd_trains_and_audits_the_outputs(three: tuple[Dataset, Solution]) -> None:
    _, solution = three
    app = open_page("convex_vs_sgd", data="motifs3", runs="2", iterations="500")
    finish_sgd(app)
    shown = facts(app)
    assert float(shown["convex program"]) == pytest.approx(solution.network_objective, rel=1e-7)
    assert float(shown["best SGD seed"]) >= solution.lower_bound
    assert app.session_state["_sgd_run"].networks[0].weights.shape[1] == 3
    app.button(key="audit").click().run()
    assert not app.exception
    assert all(c.lower_bound <= c.objective for c in app.session_state["_sgd_audit"])


@pytest.mark.slow
def test_the_path_page_names_the_class_of_each_filter() -> None:
    app = open_page("filters_and_path", data="motifs3", points="10", span="0.1")
    finish_sgd(app)
    assert not app.error
    assert app.header[0].value.startswith("10 certified optima")
    assert "0 spike, 1 slope, 2 plateau" in "".join(e.proto.body for e in app.get("html"))
    labels = [text for text in charts(app)[0]["data"][2]["text"] if text != "0"]
    assert labels
    assert all(text[-2] == "→" and text[-1] in "012" for text in labels)


@pytest.mark.slow
def test_the_arrangement_of_three_classes_colours_the_cells_in_use() -> None:
    app = open_page("arrangement", data="motifs3", samples="3")
    data = load_dataset("motifs3")
    problem = Problem.from_dataset(data)
    rows = problem.patches[:, :3].reshape(-1, 3)
    from convex_core.arrangement import count_patterns

    assert facts(app)["cells = patterns P"] == f"{count_patterns(rows).patterns:,}"
    assert any("positive" in text for text in alts(app))
    assert not app.error


def test_the_dataset_page_names_the_class() -> None:
    app = open_page("dataset", data="motifs3", sample="2")
    assert "Sample 2, y = 2, plateau" in [s.value for s in app.subheader]


def test_class_zero_has_no_sign() -> None:
    app = open_page("dataset")
    upload(app, "ten.csv", "\n".join(f"{x / 4},{x % 7},{-x},{x % 10}" for x in range(20)).encode())
    assert any(s.value.startswith("Sample 0, y = 0") for s in app.subheader)


@pytest.mark.slow
def test_uploaded_classes_are_recognised() -> None:
    app = open_page("dataset")
    rows = [f"{x},{x * x % 5},{-x},{x % 3}" for x in range(1, 10)]
    upload(app, "mine.csv", "\n".join(rows).encode())
    assert (app.selectbox(key="data").value, app.selectbox(key="loss").value) == (spec.CUSTOM, "softmax")
    app.switch_page("pages/solve.py").run()
    app.run()  # the first run does not have the address yet
    assert not app.exception
    assert app.selectbox(key="network").value == spec.SEVERAL
    X = np.array([[x, x * x % 5, -x] for x in range(1, 10)], dtype=float)
    data = Dataset("mine", X, np.arange(1, 10) % 3)
    solution = solve(Problem.from_dataset(data, loss=make_loss("softmax")), tol=1e-8)
    assert float(facts(app)["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-6)


def test_many_different_whole_numbers_are_no_classes() -> None:
    n = fitting.MAX_CLASSES + 1
    data = Dataset("counts", np.eye(n), np.arange(n))
    assert data.classes == n
    assert fitting.classes(data) is None
    assert (fitting.default_network(data), fitting.default_loss(data)) == ("two-layer", "squared")


def test_an_edited_table_keeps_its_classes() -> None:
    from streamlit.testing.v1 import AppTest

    def edit(target: float) -> None:
        from convex_core.data import load_dataset
        from pages._ui.dataset import data_input

        base = load_dataset("motifs3")
        frame = data_input.table(base)
        frame.iloc[0, -1] = target
        data_input.take_table(frame, base)

    kept = AppTest.from_function(edit, args=(1.0,), default_timeout=120).run().session_state["_custom_dataset"]
    assert (kept.labels, kept.y[0]) == (("spike", "slope", "plateau"), 1.0)
    refused = AppTest.from_function(edit, args=(0.5,), default_timeout=120).run().session_state[data_input._ERROR]
    assert refused == "y: got the target 0.5 with 3 names of classes, expected 0 to 2"


@pytest.mark.slow
def test_digits_have_every_class_when_asked_for() -> None:
    app = open_page("dataset", data="digits")
    assert app.session_state["classes"] == "two"
    app.segmented_control(key="classes").set_value("all").run()
    assert not app.exception
    assert not app.error
    # the network and the loss that suit ten classes come with them
    assert app.session_state["network"] == spec.SEVERAL
    assert app.session_state["loss"] == "softmax"
    assert "the 10 classes 0, 1, 2" in sentences(app)
    app.segmented_control(key="classes").set_value("two").run()
    assert app.session_state["network"] == "two-layer"
    assert "y = +1 for class 3, -1 for class 8" in sentences(app)
    # a link says it too
    linked = open_page("dataset", data="digits", classes="all", n=30)
    assert not linked.exception
    assert "30 training" in sentences(linked)
    assert "the 10 classes" in sentences(linked)

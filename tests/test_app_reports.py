"""Reports in the app: what is downloaded holds, and has the link to what is on the screen."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from app_helpers import open_page
from few_cases import few

from convex_core import Dataset, Problem, bounds, load_dataset, patch_geometry, solve, solve_path, verify
from convex_core.architectures import make_architecture
from convex_core.data import dataset_names
from convex_core.experiments import recognise, run_experiment
from convex_core.reports import Report
from pages._ui import reports
from pages._ui.images import experiments, training
from pages._ui.images.training import asked
from pages._ui.path import runs
from pages._ui.playground.answers import answer
from pages._ui.playground.scenes import SCENES, built_in
from pages._ui.three_layers.around import gaussian


@pytest.fixture
def screen(monkeypatch):
    """What the address of the visitor says."""

    def shows(url, **query):
        class Parameters(dict):
            def get_all(self, key):
                return [self[key]]

        class Context:
            pass

        context = Context()
        context.url = url
        monkeypatch.setattr(reports.st, "context", context)
        monkeypatch.setattr(reports.st, "query_params", Parameters(query))

    return shows


def files(entries):
    return {entry.file_name: entry.data() for entry in entries}


def test_a_download_is_a_report_that_holds(screen):
    screen("https://example.org/solve", data="edge", n="4", beta="0.2")
    data = load_dataset("edge", n=4)
    solution = solve(Problem.from_dataset(data, beta=0.2), tol=1e-8)
    path = solve_path(solution.problem, points=3)
    entries = reports.report_downloads(solution, data, {"n": 4}, path=path)
    assert [entry.label for entry in entries] == ["Report · HTML", "Report · JSON"]
    found = files(entries)
    document = json.loads(found["report.json"])
    assert verify(Report(found["report.json"])).holds
    assert document["data"]["source"] == {"dataset": "edge", "seed": 0, "options": {"n": 4}}
    assert len(document["path"]["points"]) == 3
    assert parse_qs(urlsplit(document["link"]).query) == {"data": ["edge"], "n": ["4"], "beta": ["0.2"]}
    assert "https://example.org/solve?data=edge" in found["report.html"]


def test_a_link_without_its_data_is_no_link(screen):
    screen("https://example.org/solve", data="custom")
    assert reports.here() is None
    screen("https://example.org/solve", data="custom", own="abc")
    assert reports.here() == "https://example.org/solve?data=custom&own=abc"
    screen("https://example.org/solve")
    assert reports.here() == "https://example.org/solve"
    screen(None)
    assert reports.here() is None


def test_data_too_large_for_a_page_have_the_json_alone(screen):
    screen(None)
    rng = np.random.default_rng(0)
    data = Dataset("mine", rng.standard_normal((40, 1000)), rng.standard_normal(40))
    solution = solve(Problem.from_dataset(data, filter_size=1000, architecture="linear", beta=1e6))
    entries = reports.report_downloads(solution, data, {})
    assert [entry.label for entry in entries] == ["Report · JSON (as a page above 1 MB)"]
    small = Dataset("mine", data.X[:30], data.y[:30])
    solution = solve(Problem.from_dataset(small, filter_size=1000, architecture="linear", beta=1e6))
    assert len(files(reports.report_downloads(solution, small, {}))["report.html"]) < 1_000_000


def test_the_report_of_a_path_is_at_its_dial():
    path = solve_path(Problem.from_dataset(load_dataset("edge", n=4)), points=4)
    for point in path:
        assert runs.nearest(path, f"{point.problem.beta:.3g}") is point
    halfway = runs.nearest(path, None)
    for dial in ("", "nan", "-1", "x", "inf"):
        assert runs.nearest(path, dial) is halfway


@pytest.mark.slow
def test_solve_offers_it():
    app = open_page("solve", data="edge", n="4")
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels[:2] == ["Report · HTML", "Report · JSON"]


def test_the_playground_saves_a_report_that_holds(tmp_path):
    file = tmp_path / "report.html"
    for name in ("line", "trap"):
        scene = built_in(name).to_dict()
        link = f"https://example.org/playground?play={name}"
        reply = answer({"id": 1, "kind": "report", "scene": scene, "final": True, "link": link})
        assert reply["error"] is None
        file.write_text(reply["report"], encoding="utf-8")
        found = verify(file)
        assert found.holds, found.summary()
        assert f'href="{link}"' in reply["report"]
        assert f"playground, {SCENES[name].title}" in reply["report"]
    for link in ("javascript:alert(1)", None, 3):
        reply = answer({"id": 1, "kind": "report", "scene": scene, "final": True, "link": link})
        assert "The same in the app" not in reply["report"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in dataset_names() if name not in ("mnist", "cifar10")])
def test_every_dataset_of_the_pages_is_drawn_again(name, screen):
    screen(None)
    data = load_dataset(name, seed=3)
    solution = solve(Problem.from_dataset(data, beta=2.0), max_rounds=5)
    document = json.loads(files(reports.report_downloads(solution, data, {}))["report.json"])
    assert document["data"]["source"]["seed"] == 3
    assert "data" not in [check.name for check in verify(Report(json.dumps(document))).differences]


def test_the_bounds_on_a_page_have_a_report_that_holds(screen):
    screen("https://example.org/three_layer", kind="Two ReLU layers", relu_n="3")
    problem = Problem(
        np.random.default_rng(2).standard_normal((3, 4)), [1.0, -0.5, 0.3],
        architecture=make_architecture("three-layer", patch_geometry((4,), 2, 2), sharing="shared"), beta=0.2,
    )  # fmt: skip
    found = bounds(problem, starts=1)
    report = files(reports.bounds_downloads(found, gaussian(found, 2)))
    assert sorted(report) == ["report.html", "report.json"]
    document = json.loads(report["report.json"])
    assert verify(Report(report["report.json"])).holds
    assert document["data"]["description"] == "3 samples of 4 standard normal numbers, seed 2."
    assert document["link"] == "https://example.org/three_layer?kind=Two+ReLU+layers&relu_n=3"


@pytest.mark.parametrize("name", few(["digits", "mnist", "cifar10"]))
def test_training_on_images_has_a_report_that_finds_them_again(name, screen, tmp_path, monkeypatch):
    screen(None)
    if name != "digits":
        shape = (80, 28, 28) if name == "mnist" else (80, 32, 32, 3)
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=images, labels=np.arange(80) % 4)
        monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    found = recognise(load_dataset(name, **asked(name, 50, 30)), filters=8, beta=1.0)
    entries = training.downloads(found)
    assert [entry.label for entry in entries[:2]] == ["Report · HTML", "Report · JSON"]
    report = files(entries[:2])
    assert len(report["report.html"]) < 1_000_000
    checked = verify(Report(report["report.json"]))
    assert checked.holds, checked.summary()


@pytest.mark.slow
def test_every_program_of_the_talk_has_a_report_that_finds_its_images_again(screen):
    screen("https://example.org/real_images", images_view="The talk's experiment")
    result = run_experiment("digits", quick=True, seeds=(0,), iterations=20, beta=5.0)
    found = {name: text for name, text in files(experiments.result_downloads(result)).items() if "report" in name}
    names = [arm.plan.name for arm in result.arms]
    assert names == ["euclidean", "two-layer"]
    assert set(found) == {f"report-{name}.{ending}" for name in names for ending in ("html", "json")}
    for arm in result.arms:
        text = found[f"report-{arm.plan.name}.json"]
        document, checked = json.loads(text), verify(Report(text))
        assert checked.holds, checked.summary()
        assert document["data"]["source"]["dataset"] == "digits"
        assert parse_qs(urlsplit(document["link"]).query) == {"images_view": ["The talk's experiment"]}
        assert f"{arm.solution.network_objective:.6g}" in found[f"report-{arm.plan.name}.html"]
        assert len(found[f"report-{arm.plan.name}.html"]) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("query", [{"kind": "Circular CNN"}, {"kind": "Two ReLU layers"}], ids=lambda q: q["kind"])
def test_three_layers_offers_it(query):
    app = open_page("three_layer", **query)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels[:2] == ["Report · HTML", "Report · JSON"]

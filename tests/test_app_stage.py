"""Scenes, presenter mode and comparison without a browser: a link restores a scene, leaving restores a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from app_helpers import end_work, html, open_page, poll, visit
from few_cases import few

from convex_core.data import dataset_info
from pages._ui import shell
from pages._ui.stage import STAGES
from pages._ui.state import address
from pages._ui.sweeps import grid

#: Pages of charts; the other two are one component.
OF_CHARTS = [file for file, stage in STAGES.items() if stage.main]


def query(app: Any) -> dict[str, str]:
    """The address as a link would have it."""
    return {key: value[-1] if isinstance(value, list) else value for key, value in dict(app.query_params).items()}


def refused(app: Any) -> list[str]:
    return [w.value for w in app.warning if w.value.startswith("Not taken from the link")]


def test_every_page_has_a_stage() -> None:
    assert set(STAGES) == {page.file for page in shell.PAGES}
    assert set(STAGES) - set(OF_CHARTS) == {"tour", "playground"}
    for stage in STAGES.values():
        if not stage.scenes:
            continue
        assert 3 <= len(stage.scenes) <= 10
        assert len({scene.name for scene in stage.scenes}) == len(stage.scenes)
        assert not stage.scenes[0].values  # the first one is what a page begins with
        assert all(set(scene.values) <= address.KEYS for scene in stage.scenes)
        names = [scene.values.get("data", "motifs") for scene in stage.scenes]
        assert all(not dataset_info(name).needs_files for name in names)


def finish(app: Any, wanted: dict[str, str]) -> None:
    """Poll until the address is that one and was taken: some controls wait for their page's work."""
    settings = wanted.keys() - {"present", "play"}
    poll(app, lambda: query(app) == wanted and all(key in app.session_state for key in settings))


@pytest.mark.slow
@pytest.mark.parametrize("file", [*OF_CHARTS, "playground"])
def test_every_scene_has_a_link_that_restores_it(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # what a sweep shows is chosen once it has ended, whose seven values of beta are no matter of links
    monkeypatch.setattr(grid, "MOST", 2)
    scenes = STAGES[file].scenes
    for number, scene in enumerate(scenes):
        app = visit(file, {**scene.query, "present": "1"})
        finish(app, {**scene.query, "present": "1"})
        assert not refused(app), scene.name
        for key, value in scene.values.items() if file in OF_CHARTS else ():
            assert app.session_state[key] == value
        assert any(m.value == f"{number + 1} of {len(scenes)}: {scene.name}" for m in app.markdown)
        end_work(app)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["dataset", "arrangement", "solve", "filters_and_path"])
def test_a_scene_that_is_chosen_has_the_address_of_its_link(file: str) -> None:
    app = open_page(file, seed="3", padding="zero")
    for scene in (STAGES[file].scenes[-1], STAGES[file].scenes[1], STAGES[file].scenes[0]):
        app.menu_button(key="scenes").click(scene.name).run()
        finish(app, scene.query)
    end_work(app)


@pytest.mark.slow
def test_arrow_buttons_go_round_and_leaving_restores_the_page() -> None:
    scenes = STAGES["dataset"].scenes
    app = open_page("dataset", stride="2", present="1")
    assert any(m.value == "Own settings" for m in app.markdown)
    assert not app.menu_button
    assert 'class="cc-lede"' not in html(app)
    for number in (0, 1):
        app.button(key="scene_after").click().run()
        assert query(app) == {**scenes[number].query, "present": "1"}
    for number in (0, len(scenes) - 1):
        app.button(key="scene_before").click().run()
        assert query(app) == {**scenes[number].query, "present": "1"}
    app.button(key="leave").click().run()
    assert query(app) == scenes[-1].query
    assert app.menu_button(key="scenes")
    assert 'class="cc-lede"' in html(app)
    app.button(key="present").click().run()
    assert query(app) == {**scenes[-1].query, "present": "1"}


def test_presented_charts_have_large_type_and_the_same_data() -> None:
    plain, large = open_page("dataset"), open_page("dataset", present="1")
    for before, after in zip(plain.get("plotly_chart"), large.get("plotly_chart"), strict=True):
        one, other = json.loads(before.proto.spec), json.loads(after.proto.spec)
        assert [trace.get("y") for trace in one["data"]] == [trace.get("y") for trace in other["data"]]
        assert min(sizes(other["layout"])) >= 18
        assert min(sizes(one["layout"])) < 18


def sizes(layout: Any, name: str = "") -> list[float]:
    """Every size of type in a figure."""
    if isinstance(layout, dict):
        return [v for k, v in layout.items() if k == "size" and name.endswith("font")] + [
            size for k, v in layout.items() if k != "template" for size in sizes(v, k)
        ]
    return [size for item in layout for size in sizes(item, name)] if isinstance(layout, list) else []


def test_only_1_presents_a_page() -> None:
    app = open_page("dataset", present="yes")
    assert query(app) == {}
    assert refused(app) == ["Not taken from the link: a page is presented with `present=1`."]


def axes(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: axis.get("range") for name, axis in figure["layout"].items() if name[1:5] == "axis"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "key", "scene"),
    [("solve", "bounds", 1), ("arrangement", "disc_near", 2), ("filters_and_path", "norms", 2)],
)
def test_a_pinned_state_stays_beside_the_next_one_on_the_same_axes(file: str, key: str, scene: int) -> None:
    app = open_page(file)
    finish(app, {})
    drawn = lambda: {e.proto.id.rsplit("-", 1)[-1]: e.proto for e in app.get("plotly_chart")}  # noqa: E731
    while key not in drawn():
        app.run()
    before = drawn()[key].alt
    app.button(key="pin").click().run()
    assert any(m.value == "**B**: no setting differs yet" for m in app.markdown)
    app.menu_button(key="scenes").click(STAGES[file].scenes[scene].name).run()
    while f"{key}_a" not in drawn() or drawn()[key].alt == before:
        app.run()
    one, other = drawn()[f"{key}_a"], drawn()[key]
    assert one.alt == before
    assert axes(json.loads(one.spec)) == axes(json.loads(other.spec))
    changed = [m.value for m in app.markdown if m.value.startswith(("**A**", "**B**"))]
    for name, value in STAGES[file].scenes[scene].values.items():
        assert name not in ("beta", "stride", "samples") or f" {value}" in changed[1]
    app.button(key="unpin").click().run()
    assert f"{key}_a" not in drawn()


@pytest.mark.parametrize("one", few([{"beta": "1", "stride": "2"}, {}]), ids=["other settings", "defaults"])
def test_a_link_to_a_comparison_has_a_and_says_it(one: dict[str, str]) -> None:
    app = visit("solve", one)
    app.button(key="pin").click().run()
    carried = query(app)["a"]
    assert query(app) == {**one, "a": carried}
    other = visit("solve", {"data": "shift", "a": carried})
    assert not refused(other)
    offered = next(m.value for m in other.markdown if m.value.startswith("This link compares with **A**"))
    assert all(f"`{value}`" in offered for value in one.values())
    assert "dataset `default`" in offered
    # nothing of it is computed unasked
    assert not [e for e in other.get("plotly_chart") if e.proto.id.endswith("_a")]
    other.button(key="without_a").click().run()
    assert query(other) == {"data": "shift"}
    app.button(key="unpin").click().run()
    assert query(app) == one


@pytest.mark.parametrize("page", few(["dataset", "playground", "tour", "home", "sweep", "real_images"], 3))
def test_a_link_that_compares_is_refused_where_nothing_is_compared(page: str) -> None:
    app = visit(page, {"a": "beta=0.5"})
    assert refused(app) == ["Not taken from the link: `a=beta=0.5` (this page compares nothing)."]
    assert "a" not in query(app)


@pytest.mark.parametrize(
    ("text", "refuses"), [("![](http://a/b.png)", True), ("beta=99999&h=![](http://a/b.png)&nosuchkey=1", False)]
)
def test_a_stranger_s_state_to_compare_with_is_never_more_than_text(text: str, refuses: bool) -> None:
    app = visit("solve", {"data": "shift", "a": text})
    assert ["is no state to compare with" in said for said in refused(app)] == [True] * refuses
    assert query(app) == ({"data": "shift"} if refuses else {"data": "shift", "a": text})
    offered = [m.value for m in app.markdown if m.value.startswith("This link compares with **A**")]
    assert len(offered) == 1 - refuses
    for said in (*offered, *refused(app)):
        assert "nosuchkey" not in said
        assert all("![" not in part for part in said.split("`")[::2])

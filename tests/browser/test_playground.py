"""The playground in a browser: what is shown is the library's, whatever is dragged, by mouse, finger and keyboard."""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

from pages._ui.playground.answers import Desk, answer
from pages._ui.playground.scenes import FIRST, SCENES, built_in

from .conftest import OPEN_MS, WAIT_MS, Visit
from .playing import PATIENCE_SECONDS, agree, middle, number, open_scene, shown, sliders, visitor, wait_for

#: Scenes with the activations and biases that have dual functions of their own.
NEW = ["spline", "staircase", "square", "folds"]
#: Edits of a scene, and scenes: a quick look unless the environment asks for the whole of it.
WHOLE = "PLAYGROUND_WHOLE" in os.environ
EDITS, OFTEN, PLAYED = (50, 1, list(SCENES)) if WHOLE else (6, 2, [FIRST, "sphere", "line", *NEW])
KEYS = ("ArrowUp", "ArrowDown", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End")


@pytest.fixture
def visit(context: Any) -> Iterator[Visit]:
    opened = visitor(context)
    yield opened
    opened.page.close()


def held(visit: Visit) -> list[str | None]:
    """The values of all entries, points and targets as the browser has them; those of the point in hand not again."""
    visit.page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    places = visit.page.locator(".cc-data-box:visible [role=slider]")
    return [place.get_attribute("aria-valuetext") for place in places.all()]


@pytest.mark.parametrize("name", PLAYED)
def test_after_edits_the_numbers_shown_are_the_library_s(server: str, visit: Visit, name: str) -> None:
    open_scene(visit, server, name)
    rng = np.random.default_rng(list(SCENES).index(name))
    scene, values = built_in(name), held(visit)
    for edit in range(EDITS):
        places = sliders(visit)
        place = places.nth(int(rng.integers(places.count())))
        place.focus()
        for _ in range(int(rng.integers(1, 4))):
            visit.page.keyboard.press(str(rng.choice(KEYS)))
        if edit % OFTEN == 0 and held(visit) != values:
            scene, values = agree(visit, after=scene), held(visit)
    print(f"{name}: {len(visit.differences)} comparisons, largest difference {max(visit.differences):.1e}")
    visit.assert_clean()


def test_a_bar_is_dragged_by_the_mouse_and_the_optimum_follows_at_once(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)

    def answered() -> int:
        return int(visit.page.locator(".cc-play").get_attribute("data-answers") or 0)

    x, y = middle(visit, "sample 2, entry 3")
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    before, seen, moves = answered(), 0, itertools.cycle([*range(60), *range(60, 0, -1)])
    for step in itertools.islice(moves, int(PATIENCE_SECONDS / 0.03)):
        visit.page.mouse.move(x, y + step - 30)
        visit.page.wait_for_timeout(30)
        seen = answered() - before
        if seen >= 3 and step == 59:
            break
    visit.page.mouse.up()
    assert seen >= 3  # while the button is down
    scene = agree(visit, after=built_in(FIRST))
    assert np.count_nonzero(scene.X != built_in(FIRST).X) == 1
    assert scene.X[1, 2] != built_in(FIRST).X[1, 2]
    latency = visit.page.locator(".cc-play").get_attribute("data-latency")
    print(f"pointer to new optimum: median {latency} ms over {seen} answers")
    visit.page.keyboard.press("Control+z")
    assert agree(visit, after=scene).key == built_in(FIRST).key
    visit.assert_clean()


def test_a_presented_bar_is_where_the_pointer_is(server: str, visit: Visit) -> None:
    visit.page.goto(f"{server}/playground?present=1")
    visit.page.locator(".cc-play.presented").wait_for(timeout=OPEN_MS)
    agree(visit)
    x, y = middle(visit, "sample 2, entry 3")
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x, y - 20, steps=4)
    visit.page.mouse.up()
    scene = agree(visit, after=built_in(FIRST))
    grip = visit.page.get_by_role("slider", name="sample 2, entry 3", exact=True).locator(".cc-bar-grip").bounding_box()
    assert grip["y"] + grip["height"] / 2.0 == pytest.approx(y - 20, abs=3.0)
    assert scene.X[1, 2] != built_in(FIRST).X[1, 2]
    visit.assert_clean()


def test_every_scene_is_told_to_its_end(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)
    cut = []
    for name, entry in SCENES.items():
        visit.page.locator(".cc-picker").click()
        visit.page.locator(".cc-scene").filter(has=visit.page.get_by_text(entry.title, exact=True)).click()
        about = visit.page.locator(".cc-about")
        visit.page.wait_for_function("about => about.dataset.tip === about.textContent", arg=about.element_handle())
        for width in (1280, 1400):
            visit.page.set_viewport_size({"width": width, "height": 720})
            if about.evaluate("about => about.scrollHeight > about.clientHeight + 1"):
                cut.append((name, width))
    assert cut == []
    visit.assert_clean()


def test_sgd_is_played_and_the_missing_filter_added(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)
    best = float(shown(visit)["objective"])
    visit.page.get_by_role("button", name="SGD", exact=True).click()
    # nothing is trained yet: the optimum's numbers are not those of SGD
    wait_for(visit, lambda: set(shown(visit).values()) == {""})
    visit.page.get_by_role("button", name="Play SGD").first.click()
    wait_for(visit, lambda: number(visit, "objective") is not None)
    assert shown(visit)["objective"] != str(best)
    visit.page.get_by_role("button", name="Pause").first.click()
    trained = shown(visit)
    assert float(trained["objective"]) > best * 1.05
    assert float(trained["ceiling"]) > 1.0
    assert float(trained["lower-bound"]) < best
    visit.page.get_by_role("button", name="Add the missing filter").click()
    wait_for(visit, lambda: shown(visit)["objective"] not in ("", trained["objective"]))
    assert best < float(shown(visit)["objective"]) < float(trained["objective"])
    assert float(trained["lower-bound"]) < float(shown(visit)["lower-bound"]) < best
    visit.assert_clean()


def test_filters_added_by_hand_close_both_bounds_as_the_library_says(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)
    best = float(shown(visit)["objective"])
    visit.page.get_by_role("button", name="By hand", exact=True).click()
    wait_for(visit, lambda: set(shown(visit).values()) == {""})
    network: dict[str, Any] = {"filters": [], "weights": [], "best_lower": None}
    desk, before = Desk(), shown(visit)
    for step in range(4):
        visit.page.get_by_role("button", name="Add the missing filter" if step else "Add the first filter").click()
        wait_for(visit, lambda seen=before: shown(visit)["objective"] not in ("", seen["objective"]))  # type: ignore[misc]
        request = {"id": step, "kind": "add", "scene": built_in(FIRST).to_dict(), "best_lower": network["best_lower"]}
        network = answer({**request, "network": network}, desk)["added"]
        now = shown(visit)
        assert float(now["objective"]) == pytest.approx(network["objective"], rel=1e-9)
        assert float(now["lower-bound"]) == pytest.approx(network["best_lower"], rel=1e-9)
        assert float(now["ceiling"]) == pytest.approx(network["ceiling"], rel=1e-9)
        assert float(now["lower-bound"]) <= best <= float(now["objective"])
        if step:
            assert float(now["objective"]) < float(before["objective"])
            assert float(now["lower-bound"]) >= float(before["lower-bound"])
        before = now
    # another scene has no network made by hand: what is shown is its optimum
    visit.page.get_by_role("slider", name="target 1", exact=True).focus()
    visit.page.keyboard.press("PageUp")
    agree(visit, after=built_in(FIRST))
    visit.assert_clean()


def test_a_setting_without_a_program_says_so_and_the_others_have_the_library_s_numbers(
    server: str, visit: Visit
) -> None:
    open_scene(visit, server, "square")
    visit.page.get_by_role("button", name="More", exact=True).click()
    card = visit.page.locator(".cc-advanced")

    def setting(name: str, text: str) -> Any:
        group = card.get_by_role("group", name=name, exact=True)
        return group.get_by_role("button", name=text, exact=True).last

    free = setting("Bias", "free")
    assert free.get_attribute("aria-disabled") == "true"
    free.click(force=True)
    visit.page.get_by_text("Free biases have an exact program for activations with two slopes alone.").wait_for()
    maxout = setting("Activation", "maxout")
    assert maxout.get_attribute("aria-disabled") == "true"
    maxout.click(force=True)
    visit.page.get_by_text("A maxout neuron has two filters, and no direction stands for it here").wait_for()
    scene = built_in("square")
    assert setting("Bias", "of the output").get_attribute("aria-pressed") == "true"
    for name, text, field, value in [
        ("Activation", "ReLU", "activation", "relu"),
        ("Bias", "free", "bias", "free"),
    ]:
        setting(name, text).click()
        scene = agree(visit, after=scene)
        assert getattr(scene, field) == value
    visit.assert_clean()


def heap(visit: Visit) -> float:
    """Megabytes of the page's heap behind a collection."""
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("HeapProfiler.collectGarbage")
    size: float = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return size


def nodes(visit: Visit) -> int:
    """Elements of the component."""
    count: int = visit.page.locator(".cc-play").evaluate("root => root.querySelectorAll('*').length")
    return count


@pytest.mark.skipif(not WHOLE, reason="takes minutes: PLAYGROUND_WHOLE=1 runs it")
def test_five_hundred_edits_leave_the_page_as_large_as_it_was(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)
    visit.page.get_by_role("slider", name="sample 1, entry 1", exact=True).focus()

    def edits(count: int) -> None:
        for edit in range(count):
            visit.page.keyboard.press("ArrowUp" if edit % 2 else "ArrowDown")
            if edit % 10 == 9:
                visit.page.wait_for_timeout(100)

    edits(100)
    agree(visit)
    before, first = heap(visit), nodes(visit)
    edits(500)
    agree(visit)
    after = heap(visit)
    print(f"heap before {before:.1f} MB, after 500 edits {after:.1f} MB")
    assert nodes(visit) == first
    assert after < before + 15.0


@pytest.mark.skipif(not WHOLE, reason="takes minutes: PLAYGROUND_WHOLE=1 runs it")
def test_four_visitors_drag_at_once_and_each_sees_their_own(server: str, chromium: Any) -> None:
    visits = [visitor(chromium.new_context()) for _ in range(4)]
    names = [FIRST, "dial", "sphere", "line"]
    for visit, name in zip(visits, names, strict=True):
        open_scene(visit, server, name)
    for step in range(15):
        for visit in visits:
            visit.page.get_by_role("slider", name="target 1", exact=True).focus()
            visit.page.keyboard.press("ArrowUp" if step % 3 else "PageDown")
    latencies = []
    for visit, name in zip(visits, names, strict=True):
        scene = agree(visit)
        np.testing.assert_array_equal(scene.X, built_in(name).X)
        latencies.append(float(visit.page.locator(".cc-play").get_attribute("data-latency") or "nan"))
        visit.assert_clean()
    print(f"four at once: median of medians {statistics.median(latencies):.0f} ms")
    for visit in visits:
        visit.page.context.close()


def test_the_scene_is_in_the_link_and_comes_back_on_return(server: str, visit: Visit, chromium: Any) -> None:
    open_scene(visit, server, "dial")
    visit.page.get_by_role("slider", name="sample 1, entry 1", exact=True).focus()
    visit.page.keyboard.press("PageUp")
    scene = agree(visit, after=built_in("dial"))
    other = visitor(chromium.new_context())
    other.page.goto(visit.page.url)
    other.page.locator(".cc-play").wait_for(timeout=WAIT_MS)
    assert agree(other).key == scene.key
    other.page.context.close()
    visit.page.get_by_test_id("stExpandSidebarButton").click()
    visit.page.locator("a[href$='/dataset']").click()
    visit.page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    visit.page.locator("a[href$='/playground']").click()
    visit.page.locator(".cc-play").wait_for(timeout=WAIT_MS)
    assert agree(visit).key == scene.key
    visit.assert_clean()


def test_data_made_by_hand_are_the_dataset_of_the_other_pages(server: str, visit: Visit) -> None:
    open_scene(visit, server, "dial")
    visit.page.get_by_role("slider", name="sample 1, entry 1", exact=True).focus()
    visit.page.keyboard.press("PageUp")
    scene = agree(visit, after=built_in("dial"))
    visit.page.get_by_role("button", name="elsewhere").click()
    visit.page.wait_for_timeout(1500)
    visit.page.get_by_test_id("stExpandSidebarButton").click()
    visit.page.locator("a[href$='/dataset']").click()
    visit.page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    assert visit.page.get_by_text("Made in the playground").count() == 1
    own = parse_qs(urlparse(visit.page.url).query)
    assert own["data"] == ["custom"]
    visit.page.get_by_text("Open in the playground").click()
    visit.page.locator(".cc-play").wait_for(timeout=WAIT_MS)
    np.testing.assert_array_equal(agree(visit).X, scene.X)
    visit.assert_clean()


def test_the_sidebar_is_folded_on_this_page_alone(server: str, visit: Visit) -> None:
    unfolded = "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().x === 0"
    visit.open(f"{server}/dataset")
    visit.page.wait_for_function(unfolded, timeout=WAIT_MS)  # it slides in
    visit.page.locator("a[href$='/playground']").click()
    visit.page.locator(".cc-play").wait_for(timeout=WAIT_MS)
    visit.page.wait_for_function(
        "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 0", timeout=WAIT_MS
    )
    visit.page.go_back()
    visit.page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    visit.page.wait_for_function(unfolded, timeout=WAIT_MS)
    visit.assert_clean()

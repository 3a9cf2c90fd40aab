"""Links, Back and Forward in a real browser: every page comes back with the settings it had."""

from __future__ import annotations

from typing import Any

from .conftest import WAIT_MS, Visit


def title(visit: Visit, text: str) -> None:
    """Wait for a page by its title, and until it is at rest."""
    visit.page.locator("h1", has_text=text).wait_for(timeout=WAIT_MS)
    visit.settle()


def go(visit: Visit, name: str) -> None:
    visit.page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    title(visit, name)


def press(visit: Visit, label: str, expected: str) -> None:
    """One step of a slider, by the keyboard; wait until the address has it."""
    thumb = visit.page.get_by_role("slider", name=label)
    thumb.focus()
    thumb.press("ArrowRight")
    visit.page.wait_for_url(f"**{expected}**", timeout=WAIT_MS)
    visit.settle()


def shown(visit: Visit, label: str) -> str:
    thumb = visit.page.get_by_role("slider", name=label)
    return str(thumb.get_attribute("aria-valuetext") or thumb.get_attribute("aria-valuenow"))


def query(visit: Visit) -> set[str]:
    return set(visit.page.url.partition("?")[2].split("&"))


def test_back_and_forward_are_the_pages_before_and_after_with_their_settings(server: str, visit: Visit) -> None:
    # the dataset's own beta and a value that does not fit: the server corrects the address while the page loads
    visit.open(f"{server}/dataset?data=edge&n=500&seed=4")
    press(visit, "Stride", "stride=2")
    go(visit, "Solve")
    visit.page.wait_for_url("**/solve?*data=edge*", timeout=WAIT_MS)
    assert "seed=4" in query(visit)
    assert visit.page.locator("[data-testid=stSelectbox] input").first.input_value() == "edge"
    press(visit, "Regularisation β", "beta=")
    press(visit, "Stride", "stride=3")
    press(visit, "Stride", "stride=4")
    solve_beta = shown(visit, "Regularisation β")
    go(visit, "Three layers")
    press(visit, "Input length d", "circular_d=7")
    length = visit.page.evaluate("history.length")

    visit.page.go_back()
    title(visit, "Solve")
    visit.page.wait_for_url("**/solve?*stride=4*", timeout=WAIT_MS)
    assert (shown(visit, "Stride"), shown(visit, "Regularisation β")) == ("4", solve_beta)
    visit.page.go_back()
    title(visit, "Dataset")
    visit.page.wait_for_url("**/dataset?*stride=2*", timeout=WAIT_MS)
    assert shown(visit, "Stride") == "2"
    assert "data=edge" in query(visit)

    visit.page.go_forward()
    title(visit, "Solve")
    visit.page.wait_for_url("**/solve?*stride=4*", timeout=WAIT_MS)
    assert (shown(visit, "Stride"), shown(visit, "Regularisation β")) == ("4", solve_beta)
    visit.page.go_forward()
    title(visit, "Three layers")
    assert shown(visit, "Input length d") == "7"
    assert visit.page.evaluate("history.length") == length


def test_back_straight_after_a_key_shows_the_page_before(server: str, visit: Visit) -> None:
    """Whatever comes first: the value of the slider or the page before."""
    visit.open(f"{server}/solve?data=edge&n=500")
    for wait in (0, 4, 8, 12):
        go(visit, "Three layers")
        thumb = visit.page.get_by_role("slider", name="Input length d")
        thumb.focus()
        back = f"() => setTimeout(() => history.back(), {wait})"
        visit.page.evaluate(f"addEventListener('keydown', {back}, {{once: true, capture: true}})")
        thumb.press("ArrowRight")
        visit.page.wait_for_url("**/solve?*data=edge*", timeout=WAIT_MS)
        visit.page.wait_for_timeout(600)
        title(visit, "Solve")
        visit.page.locator(".cc-fact").first.wait_for(timeout=WAIT_MS)
    press(visit, "Stride", "stride=2")
    visit.assert_clean()


def test_what_the_server_corrects_while_a_page_loads_is_no_page_before(server: str, visit: Visit) -> None:
    visit.open(f"{server}/?nosuchkey=1")
    title(visit, "Trained to the global optimum")
    visit.page.goto(f"{server}/dataset?n=500&seed=1e400&d=999&beta=0.10001")
    title(visit, "Dataset")
    assert visit.page.locator("h1").inner_text() == "Dataset"
    sentence = visit.page.get_by_text("Not taken from the link")
    assert "seed=1e400 (0 is shown instead)" in sentence.inner_text()
    press(visit, "Stride", "stride=2")
    go(visit, "Solve")
    visit.page.go_back()
    title(visit, "Dataset")
    visit.page.go_back()
    visit.page.wait_for_url("**/?nosuchkey=1", timeout=WAIT_MS)
    title(visit, "Trained to the global optimum")


def test_the_sentence_about_a_link_stays_until_its_setting_or_the_page_changes(server: str, visit: Visit) -> None:
    visit.open(f"{server}/dataset?n=500&h=99")
    sentence = visit.page.get_by_text("Not taken from the link")
    assert "n=500" in sentence.inner_text()
    press(visit, "Stride", "stride=2")
    assert "n=500" in sentence.inner_text()
    assert "h=99" in sentence.inner_text()
    press(visit, "Filter size", "h=4")
    visit.page.locator("code", has_text="h=99").wait_for(state="detached", timeout=WAIT_MS)
    assert "n=500" in sentence.inner_text()
    go(visit, "Solve")
    sentence.wait_for(state="detached", timeout=WAIT_MS)


def test_home_has_its_name_as_an_address(fresh_server: str, context: Any) -> None:
    visit = Visit(context)
    for _ in range(2):  # the first visit of a server, and any other
        visit.open(f"{fresh_server}/home")
        title(visit, "Trained to the global optimum")
        assert visit.page.get_by_text("Page not found").count() == 0
        entry = visit.page.get_by_test_id("stSidebarNavLink").filter(has_text="Home")
        assert entry.count() == 1
        assert entry.get_attribute("aria-current") == "page"
        go(visit, "Dataset")
        assert entry.get_attribute("aria-current") is None
        visit.page.go_back()
        title(visit, "Trained to the global optimum")
        assert entry.get_attribute("aria-current") == "page"
    visit.assert_clean()
    visit.page.close()


def test_a_link_to_own_data_shows_them_in_another_browser(server: str, visit: Visit, chromium: Any) -> None:
    visit.open(f"{server}/dataset")
    visit.page.get_by_text("Your own data").click()
    table = "\n".join(f"{i % 3},{0.1 * i!r},{i * i},{(-1) ** i}" for i in range(12))
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": table.encode()}
    visit.page.locator("input[type=file]").set_input_files(file)
    visit.page.wait_for_url("**own=**", timeout=WAIT_MS)
    visit.settle()
    go(visit, "Solve")
    visit.page.wait_for_url("**/solve?*own=**", timeout=WAIT_MS)
    value = visit.page.locator(".cc-fact b").first
    value.wait_for(timeout=WAIT_MS)
    visit.settle()
    stranger = chromium.new_context(viewport={"width": 1400, "height": 900})
    other = Visit(stranger)
    other.open(visit.page.url)
    other.page.locator(".cc-fact b").first.wait_for(timeout=WAIT_MS)
    assert other.page.locator("[data-testid=stSelectbox] input").first.input_value() == "custom"
    assert other.page.locator(".cc-fact b").first.inner_text() == value.inner_text()
    assert other.page.get_by_text("Not taken").count() == 0
    other.assert_clean()
    stranger.close()

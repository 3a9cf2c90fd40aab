"""A comparison in a link, in a browser: A is computed when that is asked for, and the page comes back to B."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from .conftest import WAIT_MS, Visit


@pytest.mark.parametrize(
    ("page", "key", "one", "other"),
    [
        ("solve", "bounds", "beta=1&stride=2", "data=shift"),
        ("solve", "bounds", "beta=99999&h=3", "data=shift"),  # what does not fit is not taken
        ("convex_vs_sgd", "curves", "data=shift&iterations=500&runs=2", "data=edge&iterations=500&runs=1"),
    ],
    ids=["solve", "not a beta", "SGD"],
)
def test_one_press_computes_a_and_comes_back(
    server: str, visit: Visit, page: str, key: str, one: str, other: str
) -> None:
    def alt(name: str) -> str:
        chart = visit.page.locator(f".st-key-{name} [role=figure]").first
        chart.wait_for(timeout=WAIT_MS)
        return str(chart.get_attribute("aria-label"))

    visit.open(f"{server}/{page}?{one}")
    wanted = alt(key)
    visit.rest()
    wanted = alt(key)
    visit.open(f"{server}/{page}?{other}&a={one.replace('=', '%3D').replace('&', '%26')}")
    visit.page.get_by_text("This link compares with A").wait_for(timeout=WAIT_MS)
    visit.page.locator(f".st-key-{key} .main-svg").first.wait_for(timeout=WAIT_MS)
    visit.rest()
    beside = alt(key)
    assert visit.page.locator(f".st-key-{key}_a").count() == 0
    visit.page.get_by_role("button", name="Run A again").click()
    visit.page.locator(f".st-key-{key}_a .main-svg").first.wait_for(timeout=WAIT_MS)
    visit.page.wait_for_url(re.compile(rf"/{page}\\?.*data={dict(parse_qsl(other))['data']}"), timeout=WAIT_MS)
    visit.rest()
    visit.page.locator(f".st-key-{key} .main-svg").first.wait_for(timeout=WAIT_MS)
    assert (alt(f"{key}_a"), alt(key)) == (wanted, beside)
    shown = dict(parse_qsl(urlsplit(visit.page.url).query))
    carried = dict(parse_qsl(shown.pop("a")))
    assert shown == dict(parse_qsl(other))
    assert carried.items() <= dict(parse_qsl(one)).items()
    visit.page.get_by_role("button", name="End comparison").click()
    visit.page.wait_for_url(lambda url: "a=" not in re.sub("data=", "", url), timeout=WAIT_MS)
    visit.assert_clean()

"""The audit of a page for everybody: axe's findings, and the contrast of text in pictures."""

from __future__ import annotations

from pathlib import Path

from .conftest import Visit

__all__ = ["audit"]

FOLDER = Path(__file__).parent
AXE = (FOLDER / "axe" / "axe.min.js").read_text(encoding="utf-8")
CONTRAST = (FOLDER / "contrast.js").read_text(encoding="utf-8")
#: What Streamlit itself does: rule of axe, the part of the page by a selector, and why.
OF_STREAMLIT = {
    ("list", "[data-testid='stSidebarNavItems']"): "its menu is a list whose sections are boxes",
    ("listitem", "[data-testid='stSidebarNavItems'] li"): "the same boxes lie between the list and its entries",
}


def audit(visit: Visit) -> list[str]:
    """Serious and critical findings of axe that are not Streamlit's own, and text in pictures that is too pale.

    What is pale only while an answer is on its way is looked at once more.
    """
    visit.page.evaluate(AXE)
    found = _audit(visit)
    for _ in range(4):
        if not found:
            break
        visit.page.wait_for_timeout(1000)
        found = _audit(visit)
    return found


def _audit(visit: Visit) -> list[str]:
    page = visit.page
    found = page.evaluate(
        """async (allowed) => {
          const { violations } = await axe.run(document, { resultTypes: ["violations"] });
          const known = (rule, target) => typeof target[0] === "string" && allowed.some(([name, part]) =>
            name === rule && document.querySelector(target[0])?.matches(part));
          const say = (v, n) => `${v.id}: ${n.target.flat().at(-1)}: ${n.html.slice(0, 200)}`;
          return violations.filter((v) => ["serious", "critical"].includes(v.impact))
            .flatMap((v) => v.nodes.filter((n) => !known(v.id, n.target)).map((n) => say(v, n)));
        }""",
        list(OF_STREAMLIT),
    )
    return [*found, *page.evaluate(CONTRAST)]

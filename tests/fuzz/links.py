"""Addresses of the app: data packed into a link, and settings of every page."""

from __future__ import annotations

import numpy as np

import convex_core as cc

from .files import mutated
from .kept import WrongError, accepted

TEXTS = ["", "nan", "1e400", "-1", "0", "3", "0.1", "999999999999", "abc", "true", "\x00", "é" * 50, "a,b", "[1]", "{}"]


def link_case(rng, kept):
    """Data in a link: as it was, or changed."""
    from pages._ui.state import own_link

    n, d = (int(rng.integers(1, 5)) for _ in range(2))
    X = rng.standard_normal((n, d)) if rng.random() < 0.7 else rng.integers(-9, 9, (n, d)).astype(float)
    data = cc.Dataset("own", X, rng.choice([-1.0, 1.0], n))
    text = own_link.encode(data)
    if text is None:
        return
    again = own_link.decode(text)
    if not (np.array_equal(again.X, data.X) and np.array_equal(again.y, data.y)):
        raise WrongError("data is not what its link gives back")
    changed = mutated(rng, text.encode()).decode("latin-1")
    kept.update(said="data in a link", text=changed)
    accepted(own_link.decode, changed, expects=False)  # the app's own words to a visitor


def page_case(rng, kept):
    """A page with settings of any value: it is drawn."""
    from streamlit.testing.v1 import AppTest

    from pages._ui import shell
    from pages._ui.state import address

    page = shell.PAGES[int(rng.integers(len(shell.PAGES)))].file
    keys = sorted(address.KEYS)
    settings = {keys[int(rng.integers(len(keys)))]: str(rng.choice(TEXTS)) for _ in range(int(rng.integers(1, 6)))}
    kept.update(said=page, settings=settings)
    from app_helpers import end_work, visit

    app: AppTest = visit(page, settings)
    end_work(app)
    if app.exception:
        raise WrongError(f"{page} with {settings}: {app.exception[0].value}")

"""Tour: eight steps from what a filter reads to why nobody can do better; guess first, then see."""

from __future__ import annotations

from pages._ui import shell

shell.enter(__file__)

from pages._ui.tour import page  # noqa: E402

page.show()

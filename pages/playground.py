"""Playground: data made by hand, all directions of a filter, the optimum, SGD and the proof on one screen, live."""

from __future__ import annotations

from pages._ui import shell

shell.enter(__file__)

from pages._ui.playground import component  # noqa: E402

component.show()

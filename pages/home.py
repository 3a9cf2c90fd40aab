"""Home."""

from __future__ import annotations

from pages._ui import shell

shell.enter()

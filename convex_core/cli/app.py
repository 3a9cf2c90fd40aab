"""``app``: the Streamlit app, from a checkout or from an installed wheel."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..contracts.validation import integer
from ..errors import BackendError

__all__ = ["app_folder", "command", "run"]

_PACKAGE = Path(__file__).resolve().parents[1]


def app_folder() -> Path:
    """The folder of ``app.py``: above the package in a checkout, inside it in a wheel.

    Raises
    ------
    BackendError
        If there is neither.

    Examples
    --------
    >>> (app_folder() / "app.py").is_file()
    True
    """
    for folder in (_PACKAGE / "_app", _PACKAGE.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise BackendError(f"app: got no app.py beside or inside {_PACKAGE}, expected an installation with the app")


def command(port: int | None, *, browser: bool) -> list[str]:
    """The command that starts the app, in :func:`app_folder`, whose settings Streamlit then reads."""
    # -P: the folder of server.py has modules that are to be found nowhere else
    started = [sys.executable, "-P", str(_PACKAGE / "cli" / "server.py"), "run", str(app_folder() / "app.py")]
    if port is not None:
        started += ["--server.port", str(integer(port, "port", maximum=65535))]
    return started if browser else [*started, "--server.headless", "true"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Become the app's server; where a process cannot become another one, wait for it."""
    started = command(args.port, browser=not args.no_browser)
    os.chdir(app_folder())
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(started[0], started)
    return {"exit": subprocess.call(started)}, ""

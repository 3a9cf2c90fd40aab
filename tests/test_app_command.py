"""``convex-core app`` finds the app and starts it with its own settings."""

import os
import sys
from pathlib import Path

import pytest

import convex_core
from convex_core.cli import app, main


def test_the_app_of_a_checkout_lies_beside_the_package():
    folder = app.app_folder()
    assert folder == Path(convex_core.__file__).resolve().parents[1]
    assert (folder / ".streamlit" / "config.toml").is_file()


def test_it_becomes_the_server_in_the_folder_of_its_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr(os, "execv", lambda path, args: started.append((path, args, Path.cwd())))
    monkeypatch.setattr(app.subprocess, "call", lambda args: 0)
    main(["app", "--port", "8599", "--no-browser"])
    ((path, args, folder),) = started
    assert path == sys.executable
    assert args[1:4] == ["-m", "streamlit", "run"]
    assert args[-4:] == ["--server.port", "8599", "--server.headless", "true"]
    assert folder == app.app_folder()


def test_a_wheel_without_the_app_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(app, "_PACKAGE", tmp_path / "convex_core")
    assert main(["app"]) == 1
    assert "got no app.py" in capsys.readouterr().err


def test_a_port_that_is_none_is_refused(capsys):
    assert main(["app", "--port", "70000"]) == 2
    assert "port: got 70000, expected an integer in [1, 65535]" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"convex-core {convex_core.__version__}"

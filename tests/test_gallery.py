"""The gallery: scripts that run as they stand and print what their pages say."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from pathlib import Path

import pytest
from test_docs import same

GALLERY = Path(__file__).resolve().parents[1] / "docs" / "gallery"
SCRIPTS = sorted(GALLERY.glob("*.py"))


def cells(path):
    pytest.importorskip("myst_parser", reason="the documentation's tools are not installed (pip install -e '.[docs]')")
    place = GALLERY.parent / "_ext" / "gallery.py"
    spec = importlib.util.spec_from_file_location("docs_gallery", place)
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    return gallery.cells(path.read_text(encoding="utf-8"))


def test_every_script_is_on_the_page_of_the_gallery():
    index = (GALLERY / "index.md").read_text(encoding="utf-8")
    assert len(SCRIPTS) == 6
    for path in SCRIPTS:
        assert f"]({path.name})" in index
        assert f"\n{path.stem}\n" in index


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_prints_what_its_page_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space, printed = {"__name__": "__main__"}, ""
    for kind, text in cells(path):
        if kind == "out":
            assert same(printed.rstrip(), text), f"printed\n{printed}\nexpected\n{text}"
            printed = ""
        elif kind == "code":
            assert not printed, f"{printed!r} is printed and not shown"
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, path.name, "exec"), space)
            printed = out.getvalue()
    assert not printed

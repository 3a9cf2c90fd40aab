"""The README's example runs and prints what the README says; its test command is the one that CI calls."""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_library_example_prints_its_output():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    expected = re.search(r"```text\n(.*?)```", README, re.DOTALL).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == expected


def test_images_and_files_that_are_named_exist():
    names = re.findall(r"\]\(((?!https?:)[^)]+)\)", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_ci_calls_the_test_command_of_the_readme_and_what_it_leaves_out():
    run = (ROOT / ".ci" / "run").read_text()
    command = re.compile(r"\.venv/bin/python -m pytest$", re.MULTILINE)
    assert command.search(README)
    assert command.search(run)
    assert ".venv/bin/python -m pytest -m slow\n" in run
    assert ".venv/bin/python -m pytest -n 2 --reruns 1 -raR -m browser tests/browser\n" in run

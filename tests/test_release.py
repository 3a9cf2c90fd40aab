"""What a release and a container rely on: the lock file fits what is declared, scripts refuse in one sentence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def locked() -> list[Requirement]:
    entries = re.sub(r"\\\n\s+", "", "".join(line for line in LOCK.splitlines(True) if not line.startswith("#")))
    return [Requirement(line.split("--hash")[0]) for line in entries.splitlines()]


def test_every_declared_package_is_locked_in_a_version_that_fits():
    versions = {}
    for entry in locked():
        (pin,) = entry.specifier
        assert pin.operator == "=="
        versions.setdefault(entry.name.lower(), []).append(Version(pin.version))
    for line in PROJECT["dependencies"]:
        asked = Requirement(line)
        assert versions.get(asked.name.lower()), f"{asked.name} is not in requirements.lock: run .ci/lock"
        for version in versions[asked.name.lower()]:
            assert asked.specifier.contains(version), f"{asked} and {version}: run .ci/lock"


def test_the_lock_file_has_checksums_and_no_address():
    assert len(locked()) <= LOCK.count("--hash=sha256:")
    for entry in re.sub(r"\\\n\s+", "", LOCK).splitlines()[1:]:
        assert "--hash=sha256:" in entry
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_the_image_is_no_root_s_and_made_of_the_lock_file():
    recipe = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER [1-9]\d*:", recipe, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in recipe
    # what is installed where is said once, and both stages have the same interpreter, which the environment links to
    assert recipe.count("ARG BASE=") == 1
    assert re.findall(r"^FROM (\S+)", recipe, re.MULTILINE) == ["${BASE}", "${BASE}"]
    ignored = (ROOT / ".dockerignore").read_text().split()
    # what a wheel is made of must be there
    for name in ("convex_core", "pages", "assets", "app.py", ".streamlit", "pyproject.toml", "README.md", "LICENSE"):
        assert not any(name == each.strip("/") for each in ignored)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["versions", "other"], "versions: got 'other', expected oldest or newest"),
        (["container", "other"], "container: got 'other', expected nothing or without"),
        (["lock", "other"], "lock: got 'other', expected nothing, check or audit"),
    ],
)
def test_scripts_refuse_in_one_sentence(command, message):
    done = subprocess.run(["bash", str(ROOT / ".ci" / command[0]), *command[1:]], capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip(), done.stdout) == (2, message, "")


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "audit: 1 packages, 0 known vulnerabilities"),
        ([{"name": "a", "skip_reason": "not found"}], 3, ""),
        (
            [{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "1", "vulns": []}],
            1,
            "audit: 1 packages, 0 known vulnerabilities, no answer about a",
        ),
        (
            [{"name": "b", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}],
            1,
            "b 1: CVE-1, mended in 1.1\naudit: 1 packages, 1 known vulnerabilities",
        ),
    ],
)
def test_an_audit_without_an_answer_is_told_from_one_without_findings(packages, code, said, tmp_path):
    file = tmp_path / "found.json"
    file.write_text(json.dumps({"dependencies": packages, "fixes": []}))
    done = subprocess.run([sys.executable, ROOT / ".ci" / "audited.py", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (code, said, "")


def test_an_audit_that_ended_without_json_has_no_answer(tmp_path):
    (file := tmp_path / "found.json").touch()
    assert subprocess.run([sys.executable, ROOT / ".ci" / "audited.py", file]).returncode == 3


@pytest.mark.parametrize(
    "path", sorted(path for path in (ROOT / ".ci").iterdir() if not path.suffix), ids=lambda path: path.name
)
def test_scripts_are_shell(path):
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

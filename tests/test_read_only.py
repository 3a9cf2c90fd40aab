"""Where nothing can be written and nobody has a home, as in containers: all works, kernels are kept if they can be."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from users import run_bound

import convex_core
from convex_core.numerics.jit import have_numba

pytestmark = pytest.mark.slow

ROOT = Path(convex_core.__file__).parents[1]
SOLVE = ["solve", "--dataset", "edge", "--option", "n=4", "--json"]
PATTERNS = ["patterns", "--dataset", "edge", "--option", "n=4", "--json"]
COMPILED = "convex_core: compiling kernels, once: "

compiled = pytest.mark.skipif(not have_numba(), reason="nothing to compile")


def lock(folder: Path) -> None:
    """Nobody can write to `folder` any more."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def unlock(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)


@pytest.fixture
def installed(tmp_path):
    """A copy of the package and the app without compiled files."""
    place = tmp_path / "installed"
    place.mkdir()
    for name in ("convex_core", "pages", "assets"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", place)
    if (ROOT / ".streamlit").is_dir():
        shutil.copytree(ROOT / ".streamlit", place / ".streamlit")
    (tmp_path / "home").mkdir(mode=0o555)
    (tmp_path / "tmp").mkdir()
    yield place
    unlock(tmp_path)


def run(place: Path, *argv: str, code: str | None = None, **environment: str):
    """A process in a read-only folder, with a home that is read-only too."""
    folder = place.parent
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_", "STREAMLIT_"))}
    env = inherited | {"PYTHONPATH": str(place), "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    command = [sys.executable, *(("-m", "convex_core") if code is None else ("-c", code)), *argv]
    return run_bound(command, folder, env=env | environment, cwd=place)


def answer(done) -> dict:
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not line.startswith(COMPILED)] == []
    return json.loads(done.stdout)


@compiled
def test_a_read_only_installation_keeps_its_kernels_in_a_temporary_folder(installed, tmp_path):
    lock(installed)
    first = run(installed, *PATTERNS)
    assert answer(first)["patterns"] > 0
    assert first.stderr.startswith(COMPILED)
    assert first.stderr.count("\n") == 1
    again = run(installed, *PATTERNS)
    assert answer(again)["patterns"] == answer(first)["patterns"]
    assert again.stderr == ""
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == [f"convex-core-kernels-{os.getuid()}"]


@compiled
@pytest.mark.parametrize("named", ["read-only", "unset"])
def test_without_any_place_to_write_to_kernels_are_compiled_each_time(installed, tmp_path, named):
    lock(installed)
    (tmp_path / "locked").mkdir(mode=0o555)
    environment = {} if named == "unset" else {"NUMBA_CACHE_DIR": str(tmp_path / "locked" / "gone")}
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv.pop(1); from convex_core.cli import main; sys.exit(main())"
    )
    done = run(installed, str(tmp_path / "locked"), *PATTERNS, code=code, **environment)
    assert answer(done)["patterns"] > 0
    assert done.stderr.startswith(COMPILED)


@compiled
def test_what_was_compiled_ahead_is_read_where_nothing_can_be_written(installed):
    ahead = run(installed, *PATTERNS)
    assert ahead.stderr.startswith(COMPILED)
    lock(installed)
    done = run(installed, *PATTERNS)
    assert answer(done)["patterns"] == answer(ahead)["patterns"]
    assert done.stderr == ""


# to compile a kernel, or to load it, takes longer than all the time there is
_LATE = """
import json, sys, time
import numpy as np
from numba.core.dispatcher import Dispatcher

late, look, compile_one = [0.0], time.perf_counter, Dispatcher.compile

def compile_late(self, signature):
    late[0] += 100.0
    return compile_one(self, signature)

time.perf_counter = lambda: look() + late[0]
Dispatcher.compile = compile_late
from convex_core import Problem, solve
from convex_core.numerics.jit import compiled_kernels
rng = np.random.default_rng(3)
X = rng.standard_normal((11, 4))
problem = Problem(X, np.sign(X[:, 0] * X[:, 1]), filter_size=4, beta=0.4)
reports = []
s = solve(problem, method=sys.argv[1], time_limit=60.0, progress=reports.append)
print(json.dumps({
    "result": [s.status.value, s.network_objective, s.relative_gap],
    "seconds": s.seconds.total,
    "said": [r.message for r in reports if r.stage == "compile"],
    "compiled": compiled_kernels(),
}))
"""


@compiled
def test_kernels_are_compiled_once_by_who_needs_them_or_a_warm_up_and_on_no_time_limit(installed, tmp_path):
    (tmp_path / "kernels").mkdir()
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    # one cache: the second method has kernels that the first did not need, and the warm-up those that neither did
    methods = ("branch-and-bound", "column-generation")
    cold = [answer(run(installed, method, code=_LATE, **environment)) for method in methods]
    for method, done in zip(methods, cold, strict=True):
        status, _, gap = done["result"]
        assert (status, gap <= 1e-6, done["seconds"] <= 60.0) == ("optimal", True, True), method
        assert done["said"][0].startswith("compiling kernels, once: "), method
        assert done["said"][-1].endswith(" s")
    first = answer(run(installed, "warm-up", "--json", **environment))
    assert first.keys() == {"seconds", "numba", "kernels", "compiled", "cache"}
    assert len(first["kernels"]) == len(set(first["kernels"])) >= 9
    compilations = [done["compiled"] for done in (*cold, first)]
    assert min(compilations) > 0
    assert sum(compilations) >= len(first["kernels"])
    assert first["cache"] == str(tmp_path / "kernels")
    assert first["seconds"] > 0
    lock(installed)
    lock(tmp_path / "kernels")
    for command in (["warm-up", "--json"], [*SOLVE, "--method", "branch-and-bound"], PATTERNS):
        done = run(installed, *command, **environment)
        assert done.stderr == ""
        assert answer(done).get("compiled", 0) == 0
    for method, before in zip(methods, cold, strict=True):
        warm = answer(run(installed, method, code=_LATE, **environment))
        assert warm["result"] == before["result"], method
        assert (warm["said"], warm["compiled"]) == ([], 0)  # what is loaded from the cache is not worth a word


_APP = """
import json
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=300).run()
print(json.dumps({"titles": [t.value for t in app.title], "exceptions": [e.value for e in app.exception]}))
"""


def test_the_app_runs_where_nothing_can_be_written(installed):
    # the kernels that this checkout has, compiled ahead: compiling is no matter of the app, and takes most of its time
    for kernel in (ROOT / "convex_core").rglob("*.nb[ci]"):
        place = installed / kernel.relative_to(ROOT)
        place.parent.mkdir(exist_ok=True)
        shutil.copy2(kernel, place)
    lock(installed)
    done = run(installed, code=_APP)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["exceptions"] == []
    assert found["titles"]
    assert "Traceback" not in done.stderr

"""Kernels compiled ahead of use: all that Python calls, and what numba's cache is said to hold."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest

from convex_core import warm_up
from convex_core.numerics.jit import have_numba

pytestmark = pytest.mark.skipif(not have_numba(), reason="nothing to compile")

# in a process of its own: other tests compile kernels too
_COUNT = """
import contextlib
import json
from convex_core import warm_up

warm_up.compile_kernels()
signatures = {kernel.__name__: len(kernel.signatures) for kernel in warm_up.KERNELS}
print(json.dumps([signatures, warm_up.kept_on_disk()]))
"""


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_kernel_is_compiled_and_kept():
    signatures, kept = json.loads(_run(_COUNT))
    assert len(signatures) == len(warm_up.KERNELS)
    assert min(signatures.values()) >= 1, signatures
    assert kept


# what callers pass differs in how it came about, and must not in layout: kernels would be compiled once more for it
_USE = """
import contextlib
import json
from dataclasses import replace

import numpy as np
from convex_core import METHODS, Problem, ThreeLayerCNN, TwoLayerCNN, patch_geometry, solve, solve_path
from convex_core import warm_up
from convex_core.architectures import make_architecture
from convex_core.arrangement import cell_facets, cell_witnesses
from convex_core.program import blocks
from convex_core.solvers.pricing import sphere, transport

blocks._QUICK = 1  # no gates are few
rng = np.random.default_rng(0)
cnn = TwoLayerCNN(patch_geometry((6,), 3, 1))
sphere.SETTINGS = replace(sphere.SETTINGS, many=-1)  # after any proof the surroundings of ends are searched
for n in (8, 40):
    problem = Problem(rng.standard_normal((n, 6)), rng.standard_normal(n), architecture=cnn, beta=0.02 * n)
    for method in METHODS if n == 8 else ("auto", "branch-and-bound"):
        if method != "cvxpy":
            solve(problem, method=method, max_patterns=2000)
    solve_path(problem, points=3)
transport.SETTINGS = replace(transport.SETTINGS, easy=0.0)  # no proof is easy: moments bound it
long = TwoLayerCNN(patch_geometry((9,), 7, 1))
for beta in (1.0, 100.0):
    solve(Problem(rng.standard_normal((20, 9)), rng.standard_normal(20), architecture=long, beta=beta))
for output_norm in ("l1", "l2"):
    two = make_architecture("two-layer", patch_geometry((3,), 2, 1), outputs=2, output_norm=output_norm)
    solve(Problem(rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), architecture=two, beta=0.1))
shared = ThreeLayerCNN(patch_geometry((4,), 2, 2), sharing="shared")
solve(Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), architecture=shared, beta=0.1), max_patterns=500)
rows = rng.standard_normal((9, 3))
signs = np.sign(rng.standard_normal((5, 3)) @ rows.T)
cell_facets(rows, signs, witnesses=cell_witnesses(rows, signs))
cell_facets(rows, np.asfortranarray(signs))
print(json.dumps({kernel.__name__: len(kernel.signatures) for kernel in warm_up.KERNELS}))
"""


@pytest.mark.slow
def test_one_compilation_is_enough():
    assert set(json.loads(_run(_USE)).values()) == {1}


@pytest.mark.slow
def test_an_empty_cache_is_noticed(tmp_path):
    code = "from convex_core import warm_up; print(warm_up.kept_on_disk())"
    assert _run(code, NUMBA_CACHE_DIR=str(tmp_path)).strip() == "False"


class _Place:
    """Stands for Streamlit: remembers what is on the page, and what was once."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.ever: list[str] = []
        self.session_state: dict[str, object] = {}

    def empty(self):
        self.now = []
        return self

    @contextlib.contextmanager
    def container(self):
        self.now = []
        yield

    def write(self, text: str, **_: object) -> None:
        self.now.append(text)
        self.ever.append(text)

    title = markdown = info = write


def test_a_visitor_reads_what_is_being_compiled_until_it_is(monkeypatch):
    from pages._ui.work import opening, warm

    place, ended = _Place(), threading.Event()
    seconds = iter(range(3, 100))

    def count():
        if len(place.ever) > 9:
            ended.set()
        return float(next(seconds))

    for module, name, value in (
        (warm, "SOON_SECONDS", 0.01),
        (warm, "compiled_seconds", count),
        (opening, "LINE_SECONDS", 0.01),
        (opening, "st", place),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(warm, "compiled_kernels", lambda: 1)
    thread = threading.Thread(target=ended.wait)
    thread.start()
    monkeypatch.setattr(warm, "kernels", lambda: thread)
    warm.wait(place)
    opening.end(place)
    assert place.ever[0] == "convex core"
    assert [text for text in place.ever if "Compiling" in text][:2] == [
        "Compiling kernels, once: 3 s",
        "Compiling kernels, once: 4 s",
    ]
    assert place.now == []


def test_nothing_is_said_when_kernels_are_there_at_once(monkeypatch):
    from pages._ui.work import opening, warm

    place = _Place()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    monkeypatch.setattr(opening, "st", place)
    monkeypatch.setattr(warm, "kernels", lambda: thread)
    warm.wait(place)
    opening.end(place)
    assert place.ever == []


@pytest.mark.slow
def test_without_a_place_on_disk_the_rest_is_compiled_in_the_same_process(monkeypatch):
    from pages._ui.work import warm

    for keeps, wanted in ((True, "elsewhere"), (False, "here")):
        done: list[str] = []
        monkeypatch.setattr(warm, "compile_first", lambda: None)
        monkeypatch.setattr(warm, "kept_on_disk", lambda: False)
        monkeypatch.setattr(warm, "keeps", lambda keeps=keeps: keeps)
        monkeypatch.setattr(warm, "compile_kernels", lambda done=done: done.append("here"))
        monkeypatch.setattr(warm, "_compile_elsewhere", lambda done=done: done.append("elsewhere"))
        warm._compile()
        for thread in threading.enumerate():
            if thread.name == "warm-up of the rest":
                thread.join()
        assert done == [wanted]

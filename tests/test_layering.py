"""Data flows one way: who may import whom, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convex_core

ROOT = Path(convex_core.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def imported(path):
    """Absolute module names that `path` imports, relative imports resolved."""
    package = (path.relative_to(ROOT.parent).with_suffix("").parts)[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            if node.level and not node.module:
                yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_library_never_imports_streamlit(path):
    assert not [name for name in imported(path) if name.split(".")[0] == "streamlit"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_figures_import_plotly(path):
    uses = [name for name in imported(path) if name.split(".")[0] == "plotly"]
    assert not uses or path.parent.name == "figures"


#: from the bottom up; a layer may import itself and those before it
LAYERS = (
    "arrangement", "data", "architectures", "program", "solvers", "certificate", "solve", "audit", "path", "benchmark",
    "sgd", "experiments", "figures", "cli",
)  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_lower_layers_do_not_know_the_upper_ones(layer):
    upper = set(LAYERS[LAYERS.index(layer) + 1 :]) | ({"arrangement"} if layer == "data" else set())
    for path in [p for p in FILES if p.relative_to(ROOT).parts[0] in (layer, f"{layer}.py")]:
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] != "convex_core" or len(parts) == 1 or parts[1] not in upper, f"{path} imports {name}"


def test_solvers_name_no_architecture():
    for path in (ROOT / "solvers").rglob("*.py"):
        assert not [name for name in imported(path) if "architectures" in name and not name.endswith("architectures")]
        assert "TwoLayer" not in path.read_text()


def test_everything_public_is_documented_and_listed_once():
    assert len(set(convex_core.__all__)) == len(convex_core.__all__)
    for name in convex_core.__all__:
        thing = getattr(convex_core, name)
        if not isinstance(thing, dict):
            assert thing.__doc__, name


#: slow to import, and needed by some computations only
SLOW = (
    "cvxpy", "IPython", "llvmlite", "matplotlib", "numba", "osqp", "pandas", "plotly", "rich", "scipy.optimize",
    "scipy.spatial", "scipy.stats", "scs", "sklearn", "streamlit",
)  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import convex_core",
        "from convex_core import *",
        "from convex_core.cli.parser import build_parser; build_parser('x')",
        "import convex_core as cc; cc.Problem.from_dataset(cc.load_dataset('talk'))",
    ],
)
def test_what_is_slow_to_import_is_imported_when_it_is_needed(code):
    listed = f"{code}; import sys; print(*(name for name in {SLOW} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_everything_public_is_there_by_every_way_of_importing():
    assert set(convex_core.__all__) <= set(dir(convex_core))
    names = {}
    exec("from convex_core import *", names)
    assert set(convex_core.__all__) <= names.keys()
    assert all(names[name] is getattr(convex_core, name) for name in convex_core.__all__)

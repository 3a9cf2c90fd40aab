"""Data flows one way: who may import whom, read from the source."""

import ast
import functools
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import convex_core
from convex_core import architectures

ROOT = Path(convex_core.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
PAGES = sorted((ROOT.parent / "pages").rglob("*.py"))


def name_of(path):
    """The module's name with dots."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def statements(body):
    """What runs when a module is imported, and is no check of types."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from statements(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from statements(part for name in ("body", "orelse", "finalbody") for part in getattr(node, name, ()))
        else:
            yield node


@functools.cache
def imported(path, *, at_once=False):
    """Absolute module names that `path` imports, relative imports resolved; `at_once` leaves out what comes later."""
    return tuple(_imported(path, at_once))


def _imported(path, at_once):
    package = (path.relative_to(ROOT.parent).with_suffix("").parts)[:-1]
    tree = ast.parse(path.read_text())
    for node in statements(tree.body) if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            members = [f"{module}.{alias.name}" for alias in node.names]
            if any(member not in MODULES for member in members):
                yield module
            yield from (member for member in members if member in MODULES)


MODULES = {name_of(path) for path in [*FILES, *PAGES]}


def importers(library):
    """Modules of ours that import a library: what does not have its name is not even parsed."""
    named = [path for path in FILES if library in path.read_text()]
    return {path for path in named if any(name.split(".")[0] == library for name in imported(path))}


def test_the_library_never_imports_streamlit():
    assert not importers("streamlit")


def test_only_figures_import_plotly():
    assert {path.relative_to(ROOT).parts[0] for path in importers("plotly")} == {"figures"}


#: the modules and folders of the library from the bottom up: each may import itself and those before it
ROOMS = (
    "version", "status", "errors", "contracts", "numerics", "progress", "interruption", "presentation", "patches",
    "data", "arrangement", "penalties", "losses", "architectures", "networks", "program", "problem", "training",
    "solvers", "certificate", "solution", "lists", "estimators", "auditing", "bounding", "path", "interpolation",
    "export", "geometry", "warm_up", "benchmark", "experiments", "sweeps", "figures", "reports", "__init__", "cli",
    "__main__",
)  # fmt: skip
#: only says for whom something is imported that lies above: problems and answers draw, save and write themselves
PRESENTATION = "presentation"
#: old names of what documentation has shown, kept for one version
DEPRECATED = {"conic_forms": "numerics"}


def room(module):
    """The room of the library that a module lies in."""
    name = module.split(".")[1] if "." in module else "__init__"
    return DEPRECATED.get(name, name)


def test_every_module_lies_in_a_room_and_every_room_exists():
    assert {room(name_of(path)) for path in FILES} == set(ROOMS)
    assert len(set(ROOMS)) == len(ROOMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROOMS)
def test_lower_rooms_do_not_know_the_upper_ones(name):
    upper = set(ROOMS[ROOMS.index(name) + 1 :])
    for path in [path for path in FILES if room(name_of(path)) == name]:
        for module in imported(path, at_once=name == PRESENTATION):
            known = module.split(".")[0] == "convex_core" and module in MODULES
            assert not known or room(module) not in upper, f"{path} imports {module}"


def circles(graph):
    """Modules that import themselves by a detour: what is left when those that import nothing left are taken away."""
    left = dict(graph)
    while free := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in free:
            del left[name]
    return left


@pytest.mark.slow
@pytest.mark.parametrize("files", [FILES, PAGES], ids=["library", "pages"])
def test_imports_have_no_circle(files):
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}).keys() == {"a", "b", "c"}
    graph = {name_of(path): {name for name in imported(path, at_once=True) if name in MODULES} for path in files}
    assert sum(map(len, graph.values())) > len(files)
    assert circles(graph) == {}


def test_pages_compute_by_the_two_calls_alone():
    """What waits for kernels, takes turns and keeps answers is in `work`; the playground has a desk of its own."""
    own = ("work", "playground")
    for path in [path for path in PAGES if path.parent.name not in own and path.name != "playground.py"]:
        assert own_work(path.read_text()) == set(), path
    assert own_work("keep.find(a)\nJob(b)\nthreading.Lock()\nkeep.Job") == {"keep.find", "Job", "threading"}


def own_work(text):
    """What a page names of the machinery, and calls of it; most name nothing, and are not even parsed."""
    used, called = {"solver_gate", "ThreadPoolExecutor", "threading"}, {"Job", "keep.find", "keep.put"}
    if not any(name in text for name in used | called):
        return set()
    nodes = list(ast.walk(ast.parse(text)))
    calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name)} & used | calls & called


def test_no_module_hides_behind_a_public_function():
    for path in [path for path in FILES if path.name == "__init__.py"]:
        public = set(getattr(importlib.import_module(name_of(path)), "__all__", ()))
        assert not public & {below.stem for below in path.parent.iterdir()}, path


def test_nothing_at_the_top_is_private():
    assert [path.name for path in ROOT.iterdir() if path.name.startswith("_") and path.name[1] != "_"] in ([], ["_app"])


def test_solvers_name_no_architecture():
    for path in (ROOT / "solvers").rglob("*.py"):
        assert not [name for name in imported(path) if "architectures" in name and not name.endswith("architectures")]
        assert "TwoLayer" not in path.read_text()


#: classes of architectures, and what they all are
ARCHITECTURE_CLASSES = {
    name
    for name in architectures.__all__
    if inspect.isclass(kind := getattr(architectures, name)) and hasattr(kind, "exactness") and hasattr(kind, "scaled")
} | {"SeveralOutputs"}


def asks_for_an_architecture(tree):
    """Calls of isinstance() with the class of an architecture, comparisons with it, and uses of runtime_checkable."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from {part.id for part in node.comparators if isinstance(part, ast.Name)} & ARCHITECTURE_CLASSES
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            named = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
            yield from named & ARCHITECTURE_CLASSES
        elif isinstance(node, ast.Name) and node.id == "runtime_checkable":
            yield node.id


@pytest.mark.slow
def test_outside_their_room_nobody_asks_what_class_an_architecture_has():
    assert {"TwoLayerCNN", "CircularCNN", "VectorOutputs", "Architecture"} <= ARCHITECTURE_CLASSES
    for question in ("isinstance(x, (int, TwoLayerCNN))", "type(x) is not TwoLayerCNN"):
        assert [*asks_for_an_architecture(ast.parse(question))] == ["TwoLayerCNN"]
    for path in [path for path in [*FILES, *PAGES] if room(name_of(path)) != "architectures"]:
        assert [*asks_for_an_architecture(ast.parse(path.read_text()))] == [], path


def constants(tree):
    """Names that a module gives to numbers."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is not None and any(isinstance(getattr(n, "value", None), int | float) for n in ast.walk(value)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (part.id for one in targets for part in ast.walk(one) if isinstance(part, ast.Name))


def test_no_two_constants_of_the_solvers_share_a_name():
    """Those that belong together are fields of one record of settings."""
    assert [*constants(ast.parse("A, B = 1, 2\nC: int = 1 << 3\nD = f(x)\nE = [F]"))] == ["A", "B", "C"]
    rooms = ("solvers", "training", "bounding", "certificate", "solution", "auditing", "path")
    files = [path for path in FILES if room(name_of(path)) in rooms]
    named = [name for path in files for name in constants(ast.parse(path.read_text()))]
    assert sorted(set(named)) == sorted(named)


def own_members(protocol):
    """Public members that a protocol itself asks for."""
    return {name for name in vars(protocol) if not name.startswith("_")}


NEURON_MEMBERS, CELL_MEMBERS, BRIDGES = map(
    own_members, (architectures.NeuronModel, architectures.CellModel, architectures.Architecture)
)
#: members of an architecture that a room asks for, beyond those of its own side
ASKED = {
    "training": NEURON_MEMBERS,
    "networks": NEURON_MEMBERS | {"neurons", "penalty", "hyperplanes", "design", "ridge_coefficients"},
    "program": CELL_MEMBERS | {"name", "codes", "neurons"},
}


def members_of_architectures(tree):
    """Members that are asked of what is called an architecture."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[-1].endswith("architecture"):
            yield node.attr


@pytest.mark.parametrize("name", ASKED)
def test_each_side_of_an_architecture_is_asked_by_its_own_rooms(name):
    every = NEURON_MEMBERS | CELL_MEMBERS | BRIDGES
    asked = set()
    for path in [path for path in FILES if room(name_of(path)) == name]:
        asked |= set(members_of_architectures(ast.parse(path.read_text()))) & every
    assert asked
    assert asked <= ASKED[name]


def test_everything_public_is_documented_and_listed_once():
    assert len(set(convex_core.__all__)) == len(convex_core.__all__)
    for name in convex_core.__all__:
        thing = getattr(convex_core, name)
        if not isinstance(thing, dict):
            assert thing.__doc__, name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("convex_core.architectures.base", "convex_core.architectures"),
        ("convex_core.conic_forms", "convex_core.numerics.conic_forms"),
        ("convex_core.solvers.select", "convex_core.solvers.search"),
    ],
)
def test_modules_that_documentation_has_shown_keep_their_old_names_for_one_version(old, new):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"^{old}: use {new}$"):
        kept = importlib.import_module(old)
    moved = importlib.import_module(new)
    assert all(getattr(kept, name) is getattr(moved, name) for name in kept.__all__)


#: slow to import, and needed by some computations only
SLOW = (
    "cvxpy", "IPython", "llvmlite", "matplotlib", "numba", "osqp", "pandas", "plotly", "rich", "scipy.optimize",
    "scipy.spatial", "scipy.stats", "scs", "sklearn", "streamlit",
)  # fmt: skip


#: one after the other in one process: what the last has not imported, none has
CODES = (
    "import convex_core",
    "from convex_core import *",
    "from convex_core.cli.parser import build_parser; build_parser('x')",
    "import convex_core as cc; cc.Problem.from_dataset(cc.load_dataset('talk'))",
)


def test_what_is_slow_to_import_is_imported_when_it_is_needed():
    code = f"""
import sys
for code in {CODES}:
    exec(code)
    for name in {SLOW}:
        if name in sys.modules:
            print(f"{{code}} imports {{name}}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_everything_public_is_there_by_every_way_of_importing():
    assert set(convex_core.__all__) <= set(dir(convex_core))
    names = {}
    exec("from convex_core import *", names)
    assert set(convex_core.__all__) <= names.keys()
    assert all(names[name] is getattr(convex_core, name) for name in convex_core.__all__)

"""The documentation says what the code does: its examples run, its names exist, nothing public is left out."""

import ast
import contextlib
import importlib.util
import inspect
import io
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import pytest
from architecture_cases import every_architecture

import convex_core
from convex_core.cli import main
from convex_core.cli.parser import build_parser
from convex_core.losses import LOSSES
from convex_core.status import Exactness

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = [*convex_core.__all__, *convex_core.LATER]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
API = sorted((DOCS / "api").glob("*.md"))
PROGRAMS = sorted(path for path in (DOCS / "programs").glob("*.md") if path.name != "index.md")
BLOCK = re.compile(r"^```(python|text|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=name_of)


@cache
def text_of(path):
    return path.read_text(encoding="utf-8")


def blocks(path):
    return BLOCK.findall(text_of(path))


def commands(path):
    """Arguments of every command of this project that a page shows."""
    for kind, body in blocks(path):
        for line in body.splitlines() if kind == "sh" else ():
            if line.startswith("convex-core "):
                yield shlex.split(line)[1:]


def same(printed, expected):
    """Equal text; numbers with a decimal point up to one unit of their last digit."""
    if NUMBER.sub("#", printed) != NUMBER.sub("#", expected):
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(expected), strict=True)
    return all(abs(float(a) - float(b)) <= 1.01 * 10.0 ** -len(b.split("e")[0].split(".")[1]) for a, b in pairs)


@pytest.mark.slow
@each([path for path in PAGES if any(kind == "python" for kind, _ in blocks(path))])
def test_the_examples_of_a_page_print_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space, printed = {"__name__": "__main__"}, None
    for kind, body in blocks(path):
        if kind == "python":
            assert printed in (None, ""), f"{printed!r} is printed and not shown"
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, name_of(path), "exec"), space)
            printed = out.getvalue()
        elif kind == "text":
            assert printed is not None, "text without code before it"
            assert same(printed, body), f"printed\n{printed}\nexpected\n{body}"
            printed = None
    assert printed in (None, "")


def test_numbers_are_compared_to_their_last_digit():
    assert same("gap 0.12346 of 12", "gap 0.12345 of 12")
    assert not same("gap 0.12347 of 12", "gap 0.12345 of 12")
    assert not same("gap 0.12345 of 13", "gap 0.12345 of 12")


@each([path for path in PAGES if list(commands(path))])
def test_commands_that_a_page_shows_are_understood(path):
    for arguments in commands(path):
        build_parser("convex-core").parse_args(arguments)


@pytest.mark.slow
def test_the_commands_of_the_tutorial_run_on_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = next(body for kind, body in blocks(DOCS / "tutorial.md") if kind == "python")
    exec(compile(first, "tutorial.md", "exec"), {})
    shown = list(commands(DOCS / "tutorial.md"))
    assert len(shown) >= 4
    for arguments in shown:
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(arguments) == 0, arguments


def test_the_page_of_the_command_line_names_every_option():
    spec = importlib.util.spec_from_file_location("docs_command_line", DOCS / "_ext" / "command_line.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert page.PLACE in text_of(DOCS / "command-line.md")
    sections = dict(
        zip(*[iter(re.split(r"^## ([\w-]+)$", page.command_line(), flags=re.MULTILINE)[1:])] * 2, strict=True)
    )
    assert list(sections) == list(page.commands())
    for name, parser in page.commands().items():
        for action in parser._actions:
            if "--help" not in action.option_strings:
                assert action.help, f"{name} {action.dest} has no help"
            for option in action.option_strings:
                assert option in ("-h", "--help") or re.search(rf"`{option}[ `]", sections[name]), f"{name} {option}"


def sections(path):
    """The sections of an API page, by the public name of each."""
    parts = re.split(r"^## (\w+)$", text_of(path), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_public_name_is_on_one_page_of_the_reference():
    shown = [
        name for path in API for name in re.findall(r"\.\. [a-z:]+:: convex_core\.(\w+)$", text_of(path), re.MULTILINE)
    ]
    assert sorted(shown) == sorted(PUBLIC)
    assert sorted(name for path in API for name in sections(path)) == sorted(shown)
    listed = re.findall(r"\[`(\w+)`\]\((\w+)\.md#(\w+)\)", text_of(DOCS / "api" / "index.md"))
    assert sorted(name for name, _, _ in listed) == sorted(shown)
    assert all(
        name in sections(DOCS / "api" / f"{page}.md") and anchor == name.lower() for name, page, anchor in listed
    )


def uses(code, name):
    """Whether Python code imports, names or calls something of that name, or something of its type."""
    nodes = list(ast.walk(ast.parse(code)))
    return any(getattr(node, "id", getattr(node, "attr", getattr(node, "name", None))) == name for node in nodes)


#: results, and what makes them in their example
MADE_BY = {
    "Arrangement": "enumerate_patterns", "Audit": "audit", "Certificate": "certify", "Bounds": "bounds",
    "Comparison": "compare_optimisers", "TunedRun": "runs",
    "Loss": "make_loss", "MinimumNorm": "minimum_norm", "Model": "model",
    "Path": "solve_path", "PathPreview": "preview",
    "PatternCount": "count_patterns", "Progress": "progress", "Round": "history", "SGDRecord": "sgd_steps",
    "SGDResult": "train_sgd", "Sweep": "sweep", "SweepRow": "rows", "SGDSettings": "settings", "Solution": "solve",
    "Timings": "seconds", "TwoWays": "two_ways", "Verification": "verify",
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_object_has_an_example(name):
    if ">>>" in (inspect.getdoc(getattr(convex_core, name)) or "") and name not in ("LOSSES", "METHODS"):
        return
    section = next(found[name] for found in map(sections, API) if name in found)
    code = "\n".join(body for kind, body in BLOCK.findall(section) if kind == "python")
    maker = MADE_BY.get(name, name)
    assert code
    assert uses(code, maker) or re.search(rf"\b{maker}=", code)


HEADINGS = [
    "Non-convex problem", "Convex program", "Cone", "Dual", "Certificate", "Way back to a network", "How exact it is",
    "Source", "Numbers to reproduce",
]  # fmt: skip


@each(PROGRAMS)
def test_every_program_has_the_same_sections(path):
    assert re.findall(r"^## (.*)$", text_of(path), re.MULTILINE) == HEADINGS
    assert f"({path.name})" in text_of(DOCS / "programs" / "index.md")


def page_of(architecture):
    """The page about the program of an architecture."""
    options = architecture.options
    relaxation = options.get("relaxation")
    if "pooling_grid" in options:
        return "regions"
    if architecture.name == "two-layer":
        if options.get("output_norm") == "l2":
            return f"outputs-l2-{relaxation}"
        if options.get("normalisation") == "batch":
            return "batch-normalisation"
        return "outputs-l1" if "outputs" in options else "max-pooling" if options["pooling"] == "max" else "two-layer"
    if options.get("output_norm") == "l1":
        return "flatten-l1"
    if architecture.name == "three-layer":
        return "three-layer-per-patch" if options["sharing"] == "per-patch" else f"three-layer-{relaxation}"
    return architecture.name if relaxation is None else f"{architecture.name}-{relaxation}"


@pytest.mark.parametrize("architecture", list(every_architecture()))
def test_every_program_has_a_page_with_its_word_and_its_options(architecture):
    head = text_of(DOCS / "programs" / f"{page_of(architecture)}.md").split("## ")[0]
    words = re.findall(r"\{word\}`([^`]+)`", head)
    assert set(words) <= {word.value for word in Exactness}
    lifted = architecture.name == "circular" and architecture.options == {"layers": 3, "relaxation": "nuclear"}
    assert lifted or architecture.exactness.value in words
    # filters per patch have one program, and its relaxation need not be said
    said = ("sharing",) if architecture.options.get("sharing") == "per-patch" else ("sharing", "relaxation")
    for option in said:
        assert option not in architecture.options or f'"{architecture.options[option]}"' in head


def test_every_program_page_is_about_a_program():
    about = {page_of(case.values[0]) for case in every_architecture()}
    assert {path.stem for path in PROGRAMS} == about | {
        "gated",
        "free-biases",
        "branches",
        "maxout",
        "quadratic",
        "threshold",
    }


def test_the_two_commands_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    shown = [body for kind, body in blocks(DOCS / "index.md") if kind == "sh"]
    assert len(shown) == 2
    assert [body for body in shown if body not in readme] == []


def test_every_loss_is_in_the_table():
    table = text_of(DOCS / "losses.md")
    assert [name for name in LOSSES if f"| `{name}`" not in table] == []


@each([*PAGES, ROOT / "CONTRIBUTING.md"])
def test_files_that_are_named_exist(path):
    folders = "|".join(("convex_core", "tests", "pages", "docs", "assets", ".ci", "solvers"))
    for name in re.findall(rf"`((?:{folders})(?:/[\w.-]+)+)`", text_of(path)):
        assert (ROOT / name).exists() or (ROOT / "convex_core" / name).exists(), name
    for target in re.findall(r"(?:\]\(|^```\{image\} )((?!https?:)[^)#\s]+)", text_of(path), re.MULTILINE):
        assert (path.parent / target).exists(), target


def test_the_checks_of_the_guide_are_those_of_ci():
    guide, ci = text_of(ROOT / "CONTRIBUTING.md"), (ROOT / ".ci" / "run").read_text()
    build = "sphinx-build -W --keep-going -q docs site"
    assert build in guide
    assert build in ci
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert f"'.[{','.join(extras)}]'" in ci or sorted(re.search(r"'\.\[(.*?)\]'", ci)[1].split(",")) == sorted(extras)
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()

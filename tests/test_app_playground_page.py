"""The playground as a page: its parts are linked into one module, scenes travel in links and from the Dataset page."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from app_helpers import open_page
from streamlit.testing.v1 import AppTest

from convex_core import Dataset, InputError, load_dataset
from convex_core.architectures import EVERY_ACTIVATION
from pages._ui.playground import link
from pages._ui.playground.from_dataset import differences, fits, scene_of
from pages._ui.playground.linker import LinkError, linked, styles
from pages._ui.playground.scene import DRAWN, read_scene
from pages._ui.playground.scenes import FIRST, SCENES, built_in, listed
from pages._ui.state.own_link import MAX_CHARACTERS
from pages._ui.state.spec import DataSpec, ProblemSpec

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "assets" / "playground"
SPEC = ProblemSpec(DataSpec("x"), 3, 1, "valid", "sum", 0.1)


def folder(path, **files):
    """Modules in a folder."""
    for name, text in files.items():
        (path / f"{name}.js").write_text(text)
    return path


def test_modules_are_put_behind_those_that_they_import(tmp_path):
    made = linked(
        folder(
            tmp_path,
            main='import { twice } from "./b.js";\nexport default function () { return twice(2); }\n',
            b='import { ONE } from "./c.js";\nexport function twice(x) { return x + x * ONE; }\n',
            c="export const ONE = 1;\n",
        )
    )
    assert made.index("const ONE = 1;") < made.index("function twice(x)") < made.index("export default function ()")
    assert "import" not in made
    assert made.count("export") == 1


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"main": 'import x from "./b.js";\n', "b": ""}, "import {"),
        ({"main": 'import { a as c } from "./b.js";\n', "b": "export const a = 1;\n"}, "import {"),
        ({"main": 'import { a } from "https://elsewhere/b.js";\n'}, "import {"),
        ({"main": 'import { a } from "./b.js";\n', "b": "const a = 1;\n"}, "exports of b.js"),
        ({"main": 'import { a } from "./b.js";\nconst a = 2;\n', "b": "export const a = 1;\n"}, "again"),
        ({"main": 'import { a } from "./nowhere.js";\n'}, "nowhere.js"),
        ({"main": 'import { a } from "./b.js";\n', "b": "export default function () {}\n"}, "default export"),
        ({"main": "export { x };\n"}, "export function"),
        ({"main": "const { a, b } = window;\n"}, "one name"),
    ],
)
def test_modules_that_do_not_keep_the_rules_are_refused(tmp_path, files, word):
    with pytest.raises(LinkError, match=word.replace("{", r"\{")):
        linked(folder(tmp_path, **files))


def test_the_playground_is_one_module_that_asks_nothing_of_other_hosts():
    made = linked(FOLDER, "sidebar.js")
    assert made.count("\nexport ") == 1
    assert "\nimport " not in made
    for text in (made, styles(FOLDER)):
        outside = [part for part in text.split("://")[1:] if not part.startswith("www.w3.org/")]
        assert not outside
        assert "@import" not in text


def test_scenes_come_back_from_links_to_the_last_digit():
    rng = np.random.default_rng(0)
    for name in SCENES:
        assert link.decode(link.encode(built_in(name))).key == built_in(name).key
        if built_in(name).loss == "squared":
            y = rng.standard_normal(len(built_in(name).y)).tolist()
            scene = read_scene({**built_in(name).to_dict(), "y": y, "edited": True})
            assert link.decode(link.encode(scene)).to_dict() == scene.to_dict()


def test_twelve_samples_of_sixteen_numbers_fit_into_a_link():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2.0, 2.0, (12, 16))
    scene = read_scene({**built_in(FIRST).to_dict(), "X": X.tolist(), "y": X[:, 0].tolist(), "shape": [16]})
    assert len(link.encode(scene)) < MAX_CHARACTERS
    rounded = read_scene({**scene.to_dict(), "X": X.round(1).tolist(), "y": X[:, 0].round(1).tolist()})
    assert len(link.encode(rounded)) < 1000


def test_a_built_in_scene_has_its_name_as_its_link():
    assert link.address(built_in("line")) == "?play=line"
    assert link.address(built_in(FIRST)) == "?"
    changed = read_scene({**built_in("line").to_dict(), "beta": 0.123})
    assert link.address(changed).startswith("?play=")
    assert link.address(changed) != "?play=line"


GARBAGE = [
    "",
    "nowhere",
    "%%%",
    "AAAA",
    "e30",
    "x" * 20_000,
    link.encode(read_scene({**built_in("line").to_dict(), "beta": 0.2}))[:-9],
]


@pytest.mark.parametrize("text", GARBAGE)
def test_a_link_that_is_no_scene_is_refused(text):
    with pytest.raises(InputError, match="link"):
        link.decode(text)


def test_the_page_shows_the_component_and_nothing_else_to_read():
    app = open_page("playground")
    assert not app.error
    assert not app.warning
    assert app.title[0].value == "Playground"


def test_who_opens_a_broken_link_is_told():
    app = open_page("playground", play="nowhere")
    assert "link is incomplete" in app.warning[0].value
    assert app.session_state["_playground"].scene.key == built_in(FIRST).key


def test_a_link_brings_its_scene():
    changed = read_scene({**built_in("line").to_dict(), "beta": 0.123})
    app = open_page("playground", play=link.encode(changed))
    assert not app.warning
    assert app.session_state["_playground"].scene.key == changed.key


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (Dataset("a", np.ones((5, 6)), np.ones(5)), ("signals", (6,), (3,), "none")),
        (Dataset("a", np.ones((20, 6)), np.ones(20)), ("signals", (6,), (3,), "none")),
        (Dataset("a", np.ones((30, 2)), np.ones(30)), ("plane", (2,), (2,), "none")),
        (Dataset("a", np.ones((30, 1)), np.ones(30)), ("line", (1,), (1,), "regularised")),
        (Dataset("a", np.ones((5, 20)), np.ones(5), input_shape=(4, 5)), ("pixels", (4, 5), (1, 3), "none")),
    ],
)
def test_small_data_become_a_scene(data, expected):
    if not fits(data):
        pytest.fail("fits nothing")
    scene = scene_of(data, SPEC)
    assert (scene.view, scene.shape, scene.filter_size, scene.bias) == expected
    assert len(scene.y) == fits(data)
    np.testing.assert_array_equal(scene.X, data.X[: fits(data)])
    assert scene.beta == SPEC.beta


@pytest.mark.parametrize(
    ("data", "filter_size"),
    [
        (Dataset("points", np.ones((5, 2)), np.ones(5)), (2,)),
        (Dataset("a column", np.ones((5, 4)), np.ones(5), input_shape=(4, 1)), (2, 1)),
    ],
)
def test_data_with_short_sides_get_a_filter_that_can_be_drawn(data, filter_size):
    short = ProblemSpec(DataSpec("x"), 1, 1, "valid", "sum", 0.1, bias="regularised")
    assert scene_of(data, short).filter_size == filter_size


def test_points_in_the_plane_have_one_patch_each():
    with pytest.raises(InputError, match="one patch"):
        read_scene({**built_in("xor").to_dict(), "filter": [1], "bias": "regularised"})


def test_large_data_do_not_fit_the_playground():
    for data in (load_dataset("talk", d=20), Dataset("a", np.ones((3, 48)), np.ones(3), input_shape=(4, 4, 3))):
        assert fits(data) == 0
        with pytest.raises(InputError, match="expected at most"):
            scene_of(data, SPEC)


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((6,), {}, []),
        ((6,), {"network": "max pooling"}, []),
        ((6,), {"filter_size": 5}, ["filters of 3 instead of 5"]),
        ((6,), {"padding": "zero"}, ["no padding instead of zero"]),
        ((6,), {"network": "circular", "loss": "huber"}, [
            "the two-layer network instead of circular", "the squared loss instead of huber"
        ]),
        ((1,), {"filter_size": 1}, ["a bias instead of no bias"]),
        ((6,), {"activation": "leaky", "slope": 0.3}, []),
        ((6,), {"activation": "threshold"}, []),
        ((6,), {"activation": "maxout"}, ["the relu activation instead of maxout"]),
        ((6,), {"activation": "quadratic", "bias": "output"}, []),
        ((6,), {"activation": "quadratic", "bias": "free"}, ["no bias instead of a free bias"]),
        ((6,), {"network": "max pooling", "bias": "free"}, ["no bias instead of a free bias"]),
        ((6,), {"bias": "regularised"}, ["filters of 2 instead of 3"]),
        ((6,), {"bias": "output"}, []),
        ((6,), {"bias": "free"}, []),
        ((1,), {"filter_size": 1, "bias": "free"}, []),
        ((1,), {"filter_size": 1, "bias": "output"}, ["a bias instead of an output bias"]),
        ((5, 5), {"stride": 2}, ["filters of 1 × 3 instead of 3 × 3"]),
        ((5, 5), {"stride": 6}, ["filters of 1 × 3 instead of 3 × 3", "steps of 5 × 5 instead of 6 × 6"]),
        ((6,), {"network": "several outputs", "outputs": 3, "loss": "softmax"}, [
            "the two-layer network instead of several outputs", "the squared loss instead of softmax",
            "the numbers 0 to 2 of the classes as targets",
        ]),
    ],
)  # fmt: skip
def test_what_the_playground_has_instead_of_a_page_s_settings_is_said(shape, settings, expected):
    data = Dataset("a", np.ones((4, int(np.prod(shape)))), np.array([1.0, -1.0, 1.0, -1.0]), input_shape=shape)
    spec = replace(SPEC, **settings)
    assert differences(scene_of(data, spec), data, spec) == expected


def test_a_scene_has_an_activation_that_can_be_drawn_and_the_menu_says_why_the_others_cannot():
    drawn, undrawn = (FOLDER / "activations.js").read_text().split("export const UNDRAWN")
    for name in DRAWN:
        assert read_scene({**built_in(FIRST).to_dict(), "activation": name}).activation == name
        assert f"  {name}: " in drawn
    for name in set(EVERY_ACTIVATION) - set(DRAWN):
        assert f"  {name}: {{" in undrawn
    with pytest.raises(InputError, match="activation: got 'maxout'"):
        read_scene({**built_in(FIRST).to_dict(), "activation": "maxout"})


def test_the_dataset_page_links_to_what_it_shows_in_the_playground():
    app = open_page("dataset")
    app.selectbox(key="data").set_value("talk").run()
    assert not app.exception
    (entry,) = (item.proto for item in app.get("page_link") if "playground" in item.proto.page)
    scene = link.decode(parse_qs(entry.query_string)[link.KEY][0])
    np.testing.assert_array_equal(scene.X, load_dataset("talk").X)
    assert scene.stride == (5,)
    # the page's filter of that set has ten entries
    assert [item.value for item in app.caption if "instead of" in item.value] == [
        "The playground has filters of 3 instead of 10."
    ]


def test_every_scene_says_in_plain_words_what_to_look_at():
    for entry in listed():
        assert entry["scene"]["name"] == entry["name"]
        assert 3 <= len(entry["title"]) <= 30
        assert entry["text"].endswith(".")
        assert 40 <= len(entry["text"]) <= 230


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "differs"),
    [
        ("xor", {"beta": 0.5}, None),
        ("motifs", {"beta": 0.3}, "β = 0.32 instead of 0.3"),
        ("xor", {"beta": 0.5, "activation": "leaky", "slope": 0.35}, "slope 0.2 instead of 0.35"),
        ("rows", {"beta": 0.5, "filter": [1, 3]}, "filters of 3 × 3 instead of 1 × 3"),
        ("spline", {}, None),
        ("staircase", {"beta": 0.32}, None),
        ("square", {}, None),
        ("folds", {"beta": 0.32}, None),
    ],
)
def test_what_other_pages_cannot_take_over_is_said(name, change, differs):
    scene = {**built_in(name).to_dict(), **change}

    def visit(scene):
        import streamlit as st

        from pages._ui.playground.answers import answer
        from pages._ui.playground.component import send

        st.session_state["reply"] = answer({"id": 1, "kind": "send", "scene": scene}, send=send)

    app = AppTest.from_function(visit, args=(scene,), default_timeout=120).run()
    assert not app.exception
    reply = app.session_state["reply"]
    assert (reply["error"], reply["sent"], reply["differs"]) == (None, True, differs)
    handed = app.session_state["activation"], app.session_state["bias"], app.session_state["loss"]
    assert handed == (scene["activation"], scene["bias"], scene["loss"])
    # and back: the page's own settings make the same problem of the same data here
    spec = ProblemSpec(
        DataSpec("custom"), max(scene["filter"]), 1, "valid", scene["pooling"], scene["beta"], scene["loss"],
        activation=scene["activation"], slope=scene["slope"] if scene["activation"] == "leaky" else None,
        bias=scene["bias"],
    )  # fmt: skip
    data = Dataset("custom", scene["X"], scene["y"], input_shape=tuple(scene["shape"]))
    assert scene_of(data, spec).key == read_scene(scene).key

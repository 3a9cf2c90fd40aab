"""Ten classes on the Real images page, through AppTest: the numbers are the library's, and what is said holds."""

import numpy as np
import pytest
from app_helpers import alts, charts, finish_ten, html, numbers, open_page, poll, sentences

from convex_core.data import load_dataset
from convex_core.data.drawing import DIGITS_STYLE, draw_strokes
from convex_core.errors import InputError
from convex_core.experiments import recognise
from convex_core.export.listed import load_listed
from convex_core.lists import feature_maps
from pages._ui.images import pad, parts, ten, training
from pages._ui.images.source import Found
from pages._ui.work.jobs import gate

QUICK = {"ten_n": "100", "ten_filters": "25", "ten_beta": "1"}


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)


@pytest.fixture(scope="module")
def expected():
    data = load_dataset("digits", classes="all", n=100, n_test=500, pool=1, selection="random", seed=0)
    return recognise(data, filters=25, beta=1.0)


def opened(**query):
    app = open_page("real_images", **{**QUICK, **query})
    finish_ten(app)
    return app


@pytest.mark.slow
def test_accuracy_and_bounds_are_the_librarys(expected):
    app = opened()
    (verdict,) = [item.value for item in app.subheader if "of unseen images right" in item.value]
    others = ", ".join(f"{b.name} {100 * b.accuracy:.1f} %" for b in expected.baselines)
    assert verdict == f"{100 * expected.accuracy:.1f} % of unseen images right; {others}"
    said, c = html(app), expected.certificate
    assert "Certified over these 25 filters (scope: restricted): no other weights are better by more than " in said
    assert f"Between {c.lower_bound:.6g} and {c.objective:.6g}" in said
    assert "Other filters would still help" in said
    assert "Seed 0" in said
    # what the link asked for is on the button from the first run on
    first = open_page("real_images", **{**QUICK, "ten_seed": 1})
    assert "100 images, 25 filters, β 1" in [p.proto.popover.label for p in first.get("popover")]
    assert any(f"{expected.accuracy:.1%} of 500 test images are right" in text for text in alts(app))


def test_the_example_on_the_pad_is_classified_by_the_forward_pass(expected):
    app = opened()
    scores = expected.network.outputs(draw_strokes(pad.EXAMPLE, DIGITS_STYLE).reshape(1, 64))[0]
    best = expected.names[expected.classes[scores.argmax()]]
    assert f"The network says {best}" in [item.value for item in app.subheader]
    bars = next(numbers(f["data"][0]["x"]) for f in charts(app) if f["data"][0]["type"] == "bar")
    np.testing.assert_allclose(bars, scores)
    assert any(text.startswith(f"Score {scores.max():.3f} of {best}") for text in alts(app))


@pytest.mark.slow
@pytest.mark.parametrize(("long", "asked"), [(0.0, False), (0.19, False), (0.21, True)])
def test_a_dot_is_not_read(long, asked, monkeypatch):
    monkeypatch.setattr(pad, "EXAMPLE", [[[0.5, 0.4], [0.5, 0.4 + long]], [[0.1, 0.1]]])
    app = opened()
    said = [item.value for item in app.subheader]
    assert any(text.startswith("The network says") for text in said) == asked
    assert ("Too little ink to tell" in said) != asked
    if not asked:
        assert f"All strokes together are {int(100 * long)} % as long as a side of the pad; from 20 % on" in html(app)
        assert not any("Why" in text for text in said)


@pytest.mark.slow
def test_an_image_is_followed_through_the_network(expected):
    app = opened(ten_part="Inside", ten_image=17)
    maps = feature_maps(expected.network, expected.data.X_test[17])
    assert app.number_input(key="ten_image").value == 17
    assert any(text.startswith(f"Score {maps.outputs.max():.3f} of") for text in alts(app))
    app.selectbox(key="ten_of_17").set_value(4).run()
    assert not app.exception
    assert any(text.startswith(f"Score {maps.outputs[4]:.3f} of 4:") for text in alts(app))
    # a number that no image has is said, and is not taken
    other = opened(ten_part="Inside", ten_image=99999)
    assert [item.value for item in other.warning] == [
        "Not taken from the link: `ten_image=99999` (0 is shown instead)."
    ]
    assert f"It is {expected.names[expected.truth[0]]}" in html(other)


@pytest.mark.slow
def test_mistakes_are_those_of_the_network_and_a_cell_has_its_images(expected):
    app = opened(ten_part="Mistakes")
    assert f"{len(expected.wrong)} of 500 wrong" in [item.value for item in app.subheader]
    assert any(text.startswith(f"Every mistake: {min(15, len(expected.wrong))} of ") for text in alts(app))
    i, j = np.argwhere(expected.confusion - np.diag(np.diag(expected.confusion)) > 0)[0]
    app.session_state[parts._CELL] = (int(i), int(j))
    app.run()
    assert f"**{i}, taken for {j}**" in sentences(app)
    which = np.flatnonzero((expected.truth == i) & (expected.predicted == j))
    assert f"Test image {which[0]}: it is {i}, the network says {j}." in html(app)
    app.button(key="ten_look").click().run()
    assert app.session_state["ten_part"] == "Inside"
    assert app.number_input(key="ten_image").value == which[0]


@pytest.mark.slow
@pytest.mark.parametrize("part", ["Filters", "Training images"])
def test_other_parts_are_drawn(part, expected):
    app = opened(ten_part=part)
    assert not app.exception
    wanted = f"{expected.network.m} filters of 3 x 3" if part == "Filters" else "The first 40 of 100 training images"
    assert any(text.startswith(wanted) for text in alts(app))


@pytest.mark.slow
def test_another_session_has_it_at_once_and_can_train_again():
    opened()
    second = open_page("real_images", **QUICK)
    assert "_ten_job" not in second.session_state
    assert any("of unseen images right" in item.value for item in second.subheader)
    second.button(key="ten_again").click().run()
    finish_ten(second)
    assert "_ten_job" in second.session_state


@pytest.mark.slow
def test_it_waits_for_its_turn_and_can_be_cancelled():
    with gate("job").turn("another session"):
        app = open_page("real_images", **{**QUICK, "ten_seed": 3})
        assert any("Training on 100 images in 10 classes" in item.value for item in app.subheader)
        app.button(key="cancel_Training").click().run()
    poll(app, lambda: "Cancelled" in sentences(app))
    assert "Cancelled before anything was finished" in sentences(app)
    app.button(key="_ten_job_again").click().run()
    finish_ten(app)


@pytest.mark.slow
def test_fewer_images_than_asked_for_are_said_and_trained_on(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    images = np.where(np.arange(28)[None, :, None] // 10 == y[:, None, None], 200, 10) + rng.integers(
        0, 40, (60, 28, 28)
    )
    np.savez(tmp_path / "mnist.npz", images=images.astype(np.uint8), labels=y)
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    app = opened(ten="MNIST", ten_n="400")
    assert "60 images are there: 48 are trained on instead of 400, 12 are the test." in [i.value for i in app.info]


@pytest.mark.slow
@pytest.mark.parametrize("query", [{"ten_n": "7", "ten_seed": 10**9}, {"ten_beta": "nan", "ten_part": "x"}])
def test_addresses_outside_the_range_fall_back(query):
    app = open_page("real_images", **{**QUICK, **query})
    assert not app.exception
    finish_ten(app)


def test_strokes_of_a_browser_are_checked():
    assert pad.strokes_of(None) is None
    assert pad.strokes_of({"id": 3, "strokes": [[[0.5, 0.25]], []]}) == [[[0.5, 0.25]], []]
    for bad in ([[[0.5]]], "abc", [[[0.5, None]]], [[[9.0, 0.0]]], [[[float("nan"), 0.0]]], [[[0.1, 0.1]] * 5000]):
        with pytest.raises(InputError, match="drawing: got"):
            pad.strokes_of({"id": 1, "strokes": bad})


def test_a_share_is_never_said_to_be_smaller_than_it_is():
    for share in (1e-7, 0.00084, 0.0099, 0.013, 0.5):
        assert float(ten._percent(share).removesuffix(" %")) >= 100 * share


def test_the_network_can_be_taken_home(expected, tmp_path):
    *_, network, result = training.downloads(expected)
    (tmp_path / "net.npz").write_bytes(network.data())
    model = load_listed(tmp_path / "net.npz")
    np.testing.assert_array_equal(model.network.outputs(expected.data.X_test), expected.scores)
    assert model.classes == tuple("0123456789")
    c = expected.certificate
    assert (model.beta, model.objective, model.lower_bound) == (c.beta, c.objective, c.lower_bound)
    # and without the library
    with np.load(tmp_path / "net.npz") as arrays:
        pixels = np.pad(expected.data.X_test[0].reshape(8, 8), 1)
        patches = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3))
        active = np.maximum(
            np.einsum("rcij,mij->mrc", patches, arrays["patch_filters"]) + arrays["offsets"][:, None, None], 0
        )
        cuts = [np.array_split(np.arange(8), 3)] * 2
        pooled = np.stack([active[:, a][:, :, b].mean(axis=(1, 2)) for a in cuts[0] for b in cuts[1]], axis=1)
        outputs = np.einsum("mr,mro->o", pooled, arrays["weights"]) + arrays["output_bias"]
    np.testing.assert_allclose(outputs, expected.scores[0], rtol=1e-9, atol=1e-12)
    assert b"restricted" in result.data().encode()


def test_the_settings_make_the_images(expected):
    wanted = training.Settings("Digits", 100, 25, 1.0, 0, "squared", 40.0)
    assert Found(training._load(wanted, {}), False).data.numbered() == expected.data

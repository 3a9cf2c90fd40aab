"""Reports of training over a list: the images are named, and everything that is claimed is computed from them."""

from __future__ import annotations

import base64
import copy
import json
from functools import cache

import numpy as np
import pytest

from convex_core import Dataset, InputError, Report, load_dataset, save_dataset, verify
from convex_core.cli import main
from convex_core.contracts.strict_json import seal
from convex_core.data.images import DATA_VARIABLE
from convex_core.experiments import recognise
from convex_core.reports import Verdict
from convex_core.reports.document import json_text
from convex_core.reports.listed import rebuild_listed

ASKED = {"classes": "all", "n": 120, "n_test": 60, "pool": 1}


@cache
def trained(loss="squared"):
    return recognise(load_dataset("digits", **ASKED), filters=24, beta=2.0, loss=loss)


@cache
def document() -> dict:
    return json.loads(trained().report(options=ASKED, link="https://example.org/real_images").json())


def checked(given, **options):
    """What checking says once the file has a seal that fits."""
    given["seal"] = seal(given)
    return verify(Report(json_text(given)), **options)


def packed(array):
    return {"shape": list(array.shape), "float64": base64.b64encode(array.astype("<f8").tobytes()).decode()}


def array(given):
    kind = next(key for key in given if key != "shape")
    found = np.frombuffer(base64.b64decode(given[kind]), "<f8" if kind == "float64" else "<f4").astype(float)
    found = found.reshape(given["shape"])
    return found / np.linalg.norm(found, axis=1, keepdims=True) if kind == "units" else found


@pytest.mark.parametrize("loss", ["squared", "softmax", "hinge"])
def test_a_report_of_training_holds(loss, tmp_path):
    answer, file = trained(loss), tmp_path / "images.html"
    report = answer.report(file, options=ASKED, link="https://example.org/real_images")
    found = verify(file)
    assert found.holds, found.summary()
    said, c = report.to_dict(), answer.certificate
    assert (said["certificate"]["objective"], said["certificate"]["lower_bound"]) == (c.objective, c.lower_bound)
    assert said["test"]["accuracy"] == answer.accuracy
    page = file.read_text()
    assert len(page) < 1_000_000
    assert "The images are not in this file" in page
    assert str(answer.data.X[3, 20:23].tolist())[1:-1] not in page
    assert {"images", "objective", "test", "lower bound", "list"} <= {check.name for check in found.checks}


def test_the_bound_is_that_of_numpy():
    """Columns, prices and the dual value by hand."""
    said, data = document(), trained().data
    directions, W = array(said["list"]["directions"]), np.zeros((9, 9))
    W[np.triu_indices(9)] = array(said["list"]["whitening_matrix"])
    W = W + np.triu(W, 1).T
    mean, V = array(said["list"]["whitening_mean"]), array(said["certificate"]["dual"])
    images = np.pad(np.array(data.X).reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    order = [int(np.flatnonzero((trained_rows() == row).all(axis=1))[0]) for row in data.X]
    patches = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2)).reshape(-1, 9)
    white = np.concatenate([(patches - mean) @ W, np.ones((len(patches), 1))], axis=1)
    values = np.maximum(white @ directions.T, 0.0).reshape(len(images), 8, 8, -1)
    thirds = (slice(0, 3), slice(3, 6), slice(6, 8))
    columns = np.stack([values[:, a, b].mean(axis=(1, 2)) for a in thirds for b in thirds], axis=1)
    prices = np.linalg.norm(np.einsum("nrp,nq->prq", columns, V[order]).reshape(len(directions), -1), axis=1)
    Y = np.eye(10)[data.y.astype(int)]
    dual = np.sum(V[order] * Y) - 0.5 * np.sum(V**2)
    assert prices.max() <= 2.0 * (1 + 1e-9)
    assert np.abs(V.sum(axis=0)).max() < 1e-9
    assert dual == pytest.approx(said["certificate"]["lower_bound"], rel=1e-10)


def trained_rows():
    """Samples in the order of the dual vector."""
    from convex_core.estimators.samples import canonical

    data = trained().data
    return canonical(data.X, np.eye(10)[data.y.astype(int)], np.ones(data.n))[0]


@pytest.mark.parametrize(
    ("part", "name", "caught"),
    [
        ("certificate", "objective", "objective"),
        ("certificate", "lower_bound", "words"),
        ("certificate", "relative_gap", "words"),
        ("training", "beta", "objective"),
        ("test", "accuracy", "test"),
    ],
)
def test_a_changed_number_is_caught_whatever_the_seal_says(part, name, caught):
    for factor in (1 + 1e-6, 0.5):
        forged = copy.deepcopy(document())
        forged[part][name] *= factor
        assert caught in [check.name for check in checked(forged).differences]


def test_a_bound_that_the_list_does_not_allow_is_caught():
    """With a gap that fits, and a dual vector that is larger: its prices are computed."""
    forged = copy.deepcopy(document())
    claims = forged["certificate"]
    claims["lower_bound"] = 0.5 * (claims["lower_bound"] + claims["objective"])
    claims["relative_gap"] = (claims["objective"] - claims["lower_bound"]) / claims["objective"]
    for factor in (1.0, 1.01, 2.0):
        claims["dual"] = packed(factor * array(document()["certificate"]["dual"]))
        assert [check.name for check in checked(forged).differences] == ["lower bound"]


def test_a_longer_list_filter_and_a_changed_picture_are_caught():
    forged = copy.deepcopy(document())
    forged["list"]["directions"] = packed(2.0 * array(forged["list"]["directions"]))
    assert "list" in [check.name for check in checked(forged).differences]
    forged = copy.deepcopy(document())
    pixels = bytearray(base64.b64decode(forged["data"]["shown"]["uint8"]))
    pixels[40] ^= 255
    forged["data"]["shown"]["uint8"] = base64.b64encode(bytes(pixels)).decode()
    assert [check.name for check in checked(forged).differences] == ["pictures"]
    forged = copy.deepcopy(document())
    forged["test"]["confusion"][0][0] -= 1
    forged["test"]["confusion"][0][1] += 1
    assert [check.name for check in checked(forged).differences] == ["test"]


def test_other_images_of_the_library_are_not_those_of_the_report():
    for change in ({"seed": 1}, {"options": {**ASKED, "classes": [0, 1]}}):
        forged = copy.deepcopy(document())
        forged["data"]["source"] |= change
        found = checked(forged)
        assert not found.holds
        assert "objective" not in [check.name for check in found.checks]


def test_a_stranger_chooses_no_file_and_no_download():
    for options in ({"path": "/etc/passwd"}, {"download": True}, {"n": 10**9}, {"crop": 10**9}, {"d": 10**9}):
        forged = copy.deepcopy(document())
        forged["data"]["source"]["options"] = {**ASKED, **options}
        with pytest.raises(InputError, match=r"data\.source\.options"):
            checked(forged)


def test_images_of_ones_own_are_asked_for_and_compared_by_their_hash(tmp_path, capsys):
    data = load_dataset("digits", classes=(3, 8), n=60, n_test=30, pool=1)
    own = Dataset("mine", data.X, data.y, input_shape=(8, 8), X_test=data.X_test, y_test=data.y_test)
    answer = recognise(own, filters=12, beta=1.0)
    file, images, others = (str(tmp_path / name) for name in ("report.json", "images.npz", "others.npz"))
    answer.report(file)
    save_dataset(own, images)
    save_dataset(Dataset("mine", data.X[1:], data.y[1:], input_shape=(8, 8)), others)
    asked = verify(file)
    assert asked.verdict is Verdict.UNDECIDED
    assert "give their file" in asked.summary()
    assert verify(file, data=images).holds, verify(file, data=images).summary()
    assert verify(file, data=own).holds
    assert verify(file, data=others).verdict is Verdict.UNDECIDED
    assert main(["verify", file]) == 1
    assert main(["verify", file, "--data", images]) == 0
    assert main(["verify", file, "--data", str(tmp_path / "nothing.npz")]) == 2
    capsys.readouterr()


def test_mnist_is_found_or_asked_for(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "mnist.npz", images=rng.integers(0, 256, (30, 28, 28), dtype=np.uint8), labels=np.arange(30) % 3
    )
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    asked = {"classes": "all", "n": 20, "n_test": 10, "pool": 1, "flatten": False, "pad": 0, "selection": "random"}
    answer = recognise(load_dataset("mnist", **asked), filters=10, beta=1.0)
    report = answer.report(options={**asked, "path": str(tmp_path)})
    assert "path" not in report.to_dict()["data"]["source"]["options"]
    assert verify(report).holds, verify(report).summary()
    assert len(report.html()) < 1_000_000
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "elsewhere"))
    found = verify(report)
    assert found.verdict is Verdict.UNDECIDED
    assert "give their file" in found.summary()
    assert verify(report, data=str(tmp_path / "mnist.npz")).holds


def test_data_are_refused_where_they_are_inside(tmp_path):
    from convex_core import Problem, solve

    report = solve(Problem([[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0], filter_size=2, beta=0.01)).report()
    with pytest.raises(InputError, match="data: got some for a report that has its data inside"):
        verify(report, data=load_dataset("edge"))


def test_a_list_is_written_in_single_precision_and_nothing_is_lost():
    said, answer = document(), trained()
    assert "units" in said["list"]["directions"]
    assert "float32" in said["list"]["whitening_matrix"]
    read = rebuild_listed(said, "report")
    assert np.abs(read.features.directions - answer.directions).max() < 1e-15
    assert (read.features.whitening.matrix == answer.network.whitening.matrix).all()
    assert (np.abs(np.linalg.norm(answer.directions, axis=1) - 1.0) < 1e-15).all()


def test_the_first_version_of_the_format_holds_still():
    old = copy.deepcopy(document())
    old["version"] = 1

    def doubled(part):
        for key, value in part.items():
            if isinstance(value, dict) and {"units", "float32"} & set(value):
                part[key] = packed(array(value))
            elif isinstance(value, dict):
                doubled(value)

    doubled(old)
    assert "units" not in json.dumps(old)
    found = checked(old)
    assert found.holds, found.summary()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("network", "which"), [24]),
        (("network", "lengths"), {"shape": [2], "float64": "AAAA"}),
        (("network", "weights"), {"shape": [-1, 9, 10], "float64": ""}),
        (("network", "bias"), [0.0] * 10),
        (("network", "classes"), [3, 2, 1]),
        (("list", "whitening_mean"), {"shape": [9], "float64": "ÄÖ"}),
        (("list", "cuts"), [99, 99]),
        (("certificate", "dual"), packed(np.full((2, 10), np.nan))),
        (("run", "curve", "seconds"), [1.0]),
        (("version",), 3),
        (("list", "directions"), {"shape": [24, 10], "units": base64.b64encode(bytes(960)).decode()}),
        (("data", "n"), "many"),
        (("training", "loss"), "absolutely"),
        (("link",), "javascript:alert(1)"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_fit_is_refused_in_one_sentence(place, value):
    forged = copy.deepcopy(document())
    inside = forged
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with pytest.raises(InputError) as refused:
        checked(forged)
    assert "\n" not in str(refused.value)
    assert "expected" in str(refused.value)

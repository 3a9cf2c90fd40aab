"""From the JSON of a report of training over a list back to the network, the list and the claims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...data import Dataset
from ...errors import InputError
from ...lists import ListedNetwork, ListFeatures, PoolingGrid, Whitening
from ...losses import LOSSES
from ...patches import PatchGeometry
from ...status import Scope, Status
from ..drawn import MAX_DRAWN_OPTION
from ..reading import Reader
from ..state import Source
from .arrays import unpacked, unpacked_units

__all__ = ["LISTED_FORMAT", "LISTED_VERSION", "ListedState", "rebuild_listed", "shown_images"]

#: What the file says it is, and the version of its layout.
LISTED_FORMAT, LISTED_VERSION = "convex-core report over a list", 2
#: Versions that can be read; the first has all numbers in double precision.
_READ = (1, LISTED_VERSION)
#: Most numbers in all training images (2 GB), classes, and looks at a training.
MAX_ENTRIES, MAX_CLASSES, MAX_LOOKS = 1 << 28, 1000, 100_000
#: Training images on the page, and their pixels together.
SHOWN, SHOWN_PIXELS = 12, 6_500

_Array = NDArray[np.float64]
_PARTS = (
    "format", "version", "made", "data", "training", "list", "network", "certificate", "test", "run", "link", "seal",
)  # fmt: skip
_DATA = ("name", "description", "source", "sha256", "n", "n_test", "names", "shown")
_GEOMETRY = ("input_shape", "filter_shape", "stride", "padding", "bias")
_LIST = ("pooling", "cuts", "whitening_mean", "whitening_matrix", "directions")
_RUN = ("seconds", "price_of_others", "looked", "tried", "baselines", "curve")
_CURVE = ("seconds", "relative_gap", "chosen", "accuracy")


@record
@dataclass(frozen=True, slots=True)
class ListedState:
    """Everything in such a report that can be computed again, and the records that are shown.

    Attributes
    ----------
    name, description, sha256, link : str
        Of the images, the hash being that of :func:`~convex_core.reports.listed.arrays.image_hash`; of the report.
    source : Source or None
        The library's dataset.
    n, n_test : int
        Training and test images.
    names : tuple of str
        Of all classes.
    shown : (s, ...) uint8
        Some training images.
    features : ListFeatures
        The list.
    network : ListedNetwork
        The network.
    classes : (q,) int64
        Classes that it has outputs for.
    loss, beta, tol, seed
        Of the training.
    objective, lower_bound, relative_gap, scope, status
        The claims.
    dual : (k, q) float64
        For one unit of weight, in the order of :func:`~convex_core.estimators.samples.canonical`.
    accuracy : float
        Share of the test images that are right.
    confusion : (Q, Q) int64
        Test images by class and by what the network says.
    run : mapping
        Records.
    """

    name: str
    description: str
    sha256: str
    link: str | None
    source: Source | None
    n: int
    n_test: int
    names: tuple[str, ...]
    shown: NDArray[np.uint8]
    features: ListFeatures
    network: ListedNetwork
    classes: NDArray[np.int64]
    loss: str
    beta: float
    tol: float
    seed: int
    objective: float
    lower_bound: float
    relative_gap: float
    scope: Scope
    status: Status
    dual: _Array
    accuracy: float
    confusion: NDArray[np.int64]
    run: Mapping[str, Any]


def rebuild_listed(document: Mapping[str, Any], name: str) -> ListedState:
    """The network, the list and the claims of a report called `name`.

    Raises
    ------
    InputError
        If the version is not known, or if a part is missing, unknown, or does not fit.
    """
    version = document.get("version")
    if version not in _READ or isinstance(version, bool):
        raise InputError(f"{name}: got version {version!r} of the format, expected 1 or {LISTED_VERSION}")
    try:
        return _state(document, Reader(name))
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from error


def _state(document: Mapping[str, Any], read: Reader) -> ListedState:
    read.parts(document, "report", _PARTS)
    read.words(document["made"], "made", ("convex_core", "python", "numpy", "scipy", "date"))
    read.text(document["seal"], "seal")
    data = read.parts(document["data"], "data", _DATA)
    names = tuple(read.text(word, "data.names") for word in read.list(data["names"], "data.names", MAX_CLASSES))
    training = read.parts(document["training"], "training", ("loss", "beta", "tol", "seed"))
    loss = read.text(training["loss"], "training.loss")
    if loss not in LOSSES:
        read.refuse("training.loss", loss, f"one of {', '.join(LOSSES)}")
    features = _features(document["list"], read)
    part = read.parts(document["network"], "network", ("which", "lengths", "weights", "bias", "classes"))
    classes = np.array(
        [read.integer(k, "network.classes") for k in read.list(part["classes"], "network.classes", 1000)]
    )
    if len(classes) < 2 or (np.diff(classes) <= 0).any() or classes.max() >= len(names):
        read.refuse("network.classes", part["classes"], f"at least two of {len(names)} classes, sorted")
    q = 1 if len(classes) == 2 and loss != "softmax" else len(classes)
    R = features.grid.R
    network = ListedNetwork(
        features.geometry,
        features.whitening,
        features.grid,
        _filters(part, features, read),
        unpacked(part["weights"], "network.weights", (None, R, q)),
        unpacked(part["bias"], "network.bias", (q,)),
    )
    claims = read.parts(
        document["certificate"], "certificate",
        ("objective", "lower_bound", "relative_gap", "scope", "status", "dual"),
    )  # fmt: skip
    n, n_test = read.integer(data["n"], "data.n"), read.integer(data["n_test"], "data.n_test")
    source = read.source(data["source"])
    if source is not None:
        _check_options(source, {"n": n, "d": features.geometry.d}, read)
    dual = unpacked(claims["dual"], "certificate.dual", (None, q))
    if not 1 <= len(dual) <= n:
        read.refuse("certificate.dual", len(dual), f"a row for each of {n} images that differ")
    if n * features.geometry.d > MAX_ENTRIES:
        read.refuse("data.n", n, f"at most {MAX_ENTRIES:,} numbers in all images")
    test = read.parts(document["test"], "test", ("accuracy", "confusion"))
    rows = [
        [read.integer(count, "test.confusion") for count in read.list(row, "test.confusion", MAX_CLASSES)]
        for row in read.list(test["confusion"], "test.confusion", MAX_CLASSES)
    ]
    if [len(row) for row in rows] != [len(names)] * len(names):
        read.refuse("test.confusion", len(rows), f"a row and a column for each of {len(names)} classes")
    shown = unpacked(data["shown"], "data.shown", (None, *features.geometry.input_shape), "uint8")
    return ListedState(
        name=read.text(data["name"], "data.name"),
        description=read.text(data["description"], "data.description"),
        sha256=read.text(data["sha256"], "data.sha256"),
        link=read.link(document["link"]),
        source=source,
        n=n,
        n_test=n_test,
        names=names,
        shown=cast(Any, shown),
        features=features,
        network=network,
        classes=classes,
        loss=loss,
        beta=read.number(training["beta"], "training.beta", least=1e-300),
        tol=read.number(training["tol"], "training.tol", least=0.0),
        seed=read.integer(training["seed"], "training.seed"),
        objective=read.number(claims["objective"], "certificate.objective"),
        lower_bound=read.number(claims["lower_bound"], "certificate.lower_bound"),
        relative_gap=read.number(claims["relative_gap"], "certificate.relative_gap"),
        scope=read.word(claims["scope"], "certificate.scope", Scope),
        status=read.word(claims["status"], "certificate.status", Status),
        dual=dual,
        accuracy=read.number(test["accuracy"], "test.accuracy", least=0.0),
        confusion=np.array(rows, dtype=np.int64),
        run=_run(document["run"], read),
    )


def _check_options(source: Source, sizes: Mapping[str, int], read: Reader) -> None:
    """A stranger's options choose no file, start no download and do not fill the memory."""
    for key, value in source.options.items():
        place = f"data.source.options.{key[:40]}"
        if key in ("path", "download"):
            read.refuse(place, value, "none: a report does not say where images lie")
        if key in sizes and value not in (sizes[key], None):
            read.refuse(place, value, str(sizes[key]))
        if isinstance(value, (int, float)) and not abs(value) <= MAX_DRAWN_OPTION:
            read.refuse(place, value, f"at most {MAX_DRAWN_OPTION:,}")


def _features(given: Any, read: Reader) -> ListFeatures:
    part = read.parts(given, "list", (*_GEOMETRY, *_LIST))
    sizes = {
        key: [read.integer(k, f"list.{key}") for k in read.list(part[key], f"list.{key}", 3)] for key in _GEOMETRY[:3]
    }
    texts = {key: read.text(part[key], f"list.{key}") for key in _GEOMETRY[3:]}
    geometry = PatchGeometry.from_dict(sizes | texts)
    window = geometry.window
    return ListFeatures(
        geometry,
        Whitening(
            unpacked(part["whitening_mean"], "list.whitening_mean", (window,)),
            _symmetric(part["whitening_matrix"], window),
        ),
        PoolingGrid(
            geometry.grid,
            tuple(read.integer(cut, "list.cuts") for cut in read.list(part["cuts"], "list.cuts", 3)),
            cast(Any, read.text(part["pooling"], "list.pooling")),
        ),
        unpacked_units(part["directions"], "list.directions", (None, geometry.h)),
        False,
    )


def _symmetric(given: Any, window: int) -> _Array:
    """The matrix of which the upper triangle is given, row by row."""
    triangle = unpacked(given, "list.whitening_matrix", (window * (window + 1) // 2,))
    matrix = np.zeros((window, window))
    matrix[np.triu_indices(window)] = triangle
    return matrix + np.triu(matrix, 1).T


def _filters(part: Mapping[str, Any], features: ListFeatures, read: Reader) -> _Array:
    """Listed filters times their lengths: so the network is one over the list."""
    which = [read.integer(k, "network.which") for k in read.list(part["which"], "network.which", features.P)]
    if which and max(which) >= features.P:
        read.refuse("network.which", max(which), f"less than {features.P}, the number of listed filters")
    lengths = unpacked(part["lengths"], "network.lengths", (len(which),))
    if not (lengths > 0.0).all():
        read.refuse("network.lengths", float(lengths.min()), "lengths > 0")
    chosen: _Array = features.directions[which] * lengths[:, None] if which else np.zeros((0, features.geometry.h))
    return chosen


def _run(given: Any, read: Reader) -> Mapping[str, Any]:
    """Records: nobody computes them again, but the page shows them."""
    run = read.parts(given, "run", _RUN)
    read.number(run["seconds"], "run.seconds", least=0.0)
    read.integer(run["looked"], "run.looked")
    read.maybe(run["price_of_others"], "run.price_of_others")
    for value in read.list(run["tried"], "run.tried", MAX_LOOKS):
        read.number(value, "run.tried")
    for item in read.list(run["baselines"], "run.baselines", 100):
        read.parts(item, "run.baselines", ("name", "accuracy"))
        read.text(item["name"], "run.baselines.name")
        read.number(item["accuracy"], "run.baselines.accuracy", least=0.0)
    curve = read.parts(run["curve"], "run.curve", _CURVE)
    lengths = {len(read.list(curve[key], f"run.curve.{key}", MAX_LOOKS)) for key in _CURVE}
    if len(lengths) != 1:
        read.refuse("run.curve", sorted(lengths), "lists of one length")
    for key in ("seconds", "relative_gap", "accuracy"):
        for value in curve[key]:
            read.maybe(value, f"run.curve.{key}")
    if None in curve["seconds"] or None in curve["relative_gap"]:
        read.refuse("run.curve", None, "numbers")
    for value in curve["chosen"]:
        if not isinstance(value, bool):
            read.refuse("run.curve.chosen", value, "true or false")
    return run


def shown_images(data: Dataset) -> NDArray[np.uint8]:
    """Some training images (s, ...) in 256 steps from the least to the largest number of all of them."""
    count = min(data.n, SHOWN, max(1, SHOWN_PIXELS // math.prod(data.input_shape[:2])))
    low, high = float(data.X.min()), float(data.X.max())
    scaled = (data.X[:count] - low) / ((high - low) or 1.0)
    return np.rint(255.0 * scaled).astype(np.uint8).reshape(count, *data.input_shape)

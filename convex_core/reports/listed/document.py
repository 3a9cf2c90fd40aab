"""What a report of training over a list holds; the images are named by dataset, seed and options, and by a hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contracts.strict_json import seal
from ...contracts.validation import check_arguments
from ...data import Dataset, dataset_names
from ...presentation.text import jsonable
from ..document import Report, json_text, made_now
from .arrays import image_hash, packed, packed_units
from .reading import LISTED_FORMAT, LISTED_VERSION, shown_images

if TYPE_CHECKING:
    from ...experiments import Recognition

__all__ = ["listed_letters", "make_listed_report"]


def make_listed_report(
    found: Recognition, *, options: Mapping[str, Any] | None = None, link: str | None = None
) -> Report:
    """What :meth:`Recognition.report` makes; arguments and errors as there.

    Examples
    --------
    >>> from convex_core import load_dataset
    >>> from convex_core.experiments import recognise
    >>> found = recognise(load_dataset("digits", classes="all", n=60, n_test=20, pool=1), filters=10, beta=2.0)
    >>> make_listed_report(found).to_dict()["data"]["n"]
    60
    """
    from ...experiments import Recognition  # slow to import

    check_arguments("report", found=(found, Recognition))
    if link is not None:
        check_arguments("report", link=(link, str))
    document: dict[str, Any] = {
        "format": LISTED_FORMAT,
        "version": LISTED_VERSION,
        "made": made_now(),
        "data": _data(found.data, options),
        "training": {"loss": found.loss, "beta": found.certificate.beta, "tol": found.tol, "seed": found.seed},
        "list": {
            **found.network.geometry.to_dict(),
            "pooling": found.network.grid.pooling,
            "cuts": list(found.network.grid.cuts),
            "whitening_mean": packed(found.network.whitening.mean),
            # it is symmetric
            "whitening_matrix": packed(found.network.whitening.matrix[np.triu_indices(found.network.geometry.window)]),
            "directions": packed_units(found.directions),
        },
        "network": {
            **_filters(found),
            "weights": packed(found.network.weights),
            "bias": packed(found.network.bias),
            "classes": found.classes.tolist(),
        },
        "certificate": _certificate(found),
        "test": {"accuracy": found.accuracy, "confusion": found.confusion.tolist()},
        "run": _run(found),
        "link": link,
    }
    document = jsonable(document)
    document["seal"] = seal(document)
    return Report(json_text(document))


def listed_letters(found: Recognition) -> int:
    """Letters that the large arrays of its report take, which are most of it."""
    arrays = packed_units(found.directions), *map(
        packed, (found.network.whitening.matrix[np.triu_indices(found.network.geometry.window)],
                 found.network.weights, found.certificate.dual)
    )  # fmt: skip
    return sum(len(value) for array in arrays for value in array.values() if isinstance(value, str))


def _data(data: Dataset, options: Mapping[str, Any] | None) -> dict[str, Any]:
    source = None
    if data.name in dataset_names():
        where = {name: value for name, value in (options or {}).items() if name not in ("path", "download")}
        source = {"dataset": data.name, "seed": data.seed, "options": where}
    classes = data.classes or 0
    return {
        "name": data.name,
        "description": data.description,
        "source": source,
        "sha256": image_hash(data),
        "n": data.n,
        "n_test": 0 if data.y_test is None else len(data.y_test),
        "names": list(data.labels) if data.labels is not None else [str(k) for k in range(classes)],
        "shown": packed(shown_images(data)),
    }


def _filters(found: Recognition) -> dict[str, Any]:
    """Which of the listed filters are in use, and their lengths."""
    filters = found.network.filters
    lengths = np.linalg.norm(filters, axis=1)
    which = ((filters / np.maximum(lengths, 1e-300)[:, None]) @ found.directions.T).argmax(axis=1)
    # the quotient of the largest entries gives the filters back with all their digits but the last
    place = np.abs(found.directions[which]).argmax(axis=1)
    rows = np.arange(len(which))
    return {"which": which.tolist(), "lengths": packed(filters[rows, place] / found.directions[which, place])}


def _certificate(found: Recognition) -> dict[str, Any]:
    c = found.certificate
    return {
        "objective": c.objective,
        "lower_bound": c.lower_bound,
        "relative_gap": c.relative_gap,
        "scope": c.scope.value,
        "status": found.status.value,
        "dual": packed(c.dual),
    }


def _run(found: Recognition) -> dict[str, Any]:
    c, curve = found.certificate, found.curve
    return {
        "seconds": found.seconds,
        "price_of_others": c.price if c.looked else None,
        "looked": c.looked,
        "tried": [point.beta for point in found.path],
        "baselines": [{"name": b.name, "accuracy": b.accuracy} for b in found.baselines],
        "curve": {
            "seconds": curve.seconds.tolist(),
            "relative_gap": curve.gap.tolist(),
            "chosen": curve.chosen.tolist(),
            "accuracy": [None if np.isnan(value) else value for value in curve.accuracy.tolist()],
        },
    }

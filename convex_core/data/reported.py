"""The data inside a report, as :meth:`convex_core.Solution.report` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..contracts.strict_json import parse
from ..contracts.validation import finite_array
from ..errors import InputError
from ..patches import PatchGeometry
from .dataset import Dataset
from .understood import sentence

__all__ = ["reported_dataset"]


def reported_dataset(text: str, name: str) -> Dataset:
    """The dataset in the JSON of a report called `name`, with the filters, the stride and beta of its problem.

    Raises
    ------
    InputError
        If the text is no report, or the targets are rows that are no classes.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> report = solve(Problem([[1.0, 2.0], [2.0, -1.0]], [1.0, -1.0], filter_size=2, beta=0.01)).report()
    >>> data = reported_dataset(report.json(), "report.json")
    >>> data.X.tolist(), data.default_beta
    ([[1.0, 2.0], [2.0, -1.0]], 0.01)
    """
    document = parse(text, "report")
    data, problem = document.get("data"), document.get("problem")
    if not (isinstance(data, Mapping) and {"name", "X", "y"} <= data.keys() and isinstance(problem, Mapping)):
        raise InputError("got JSON without the data of a report, expected one that convex-core report has written")
    geometry = PatchGeometry.from_dict(problem)
    X, y = finite_array(data["X"], "X", ndim=2), finite_array(data["y"], "y", ndim=(1, 2))
    axes = min(2, len(geometry.input_shape))
    dataset = Dataset(
        str(data["name"])[:60],
        X,
        _classes(y) if y.ndim == 2 else y,
        input_shape=geometry.input_shape,
        default_filter=geometry.filter_shape[:axes],
        default_stride=geometry.stride,
        default_beta=cast(Any, problem.get("beta")),
    )
    return sentence(dataset, name, ["the data of a report"])


def _classes(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers of the classes in rows with a one each."""
    if not (np.all((rows == 0.0) | (rows == 1.0)) and np.all(rows.sum(axis=1) == 1.0)):
        raise InputError(
            f"y: got rows of {rows.shape[1]} numbers, expected a number a sample, or a row with a single one"
        )
    classes: NDArray[np.float64] = rows.argmax(axis=1).astype(np.float64)
    return classes

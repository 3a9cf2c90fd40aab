"""``datasets``: what there is to solve."""

from __future__ import annotations

import argparse
from typing import Any

from ..arrangement import closed_form
from ..data import DatasetInfo, dataset_info, dataset_names, load_dataset
from ..errors import InputError
from ..patches import patch_geometry
from ..presentation.text import table

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """List every dataset; the sizes are those of the default options."""
    entries = [_entry(dataset_info(name)) for name in dataset_names()]
    rows = [
        (
            entry["name"],
            str(entry["n"] or "-"),
            str(entry["d"] or "-"),
            " x ".join(map(str, entry["filter_size"] or ["-"])),
            " x ".join(map(str, entry["stride"] or ["-"])),
            "-" if entry["patterns_bound"] is None else f"{entry['patterns_bound']:,}",
            _summary(entry),
        )
        for entry in entries
    ]
    header = ("name", "n", "d", "filter", "stride", "patterns <=", "what it is")
    return {"datasets": entries}, table(header, rows)


def _summary(entry: dict[str, Any]) -> str:
    if entry["problem"] is not None:
        return f"{entry['summary']} ({entry['problem']})"
    return entry["summary"] if entry["available"] else f"{entry['summary']} (needs files: set CONVEX_CORE_DATA)"


def _entry(info: DatasetInfo) -> dict[str, Any]:
    sizes: dict[str, Any] = dict.fromkeys(
        ("n", "d", "input_shape", "n_test", "filter_size", "stride", "beta", "patterns_bound")
    )
    problem = None
    try:
        dataset = load_dataset(info.name) if info.available else None
    except InputError as error:  # files that are there and do not fit hide no other dataset
        dataset, problem = None, str(error)
    if dataset is not None:
        geometry = patch_geometry(dataset.input_shape, dataset.default_filter, dataset.default_stride)
        sizes = {
            "n": dataset.n,
            "d": dataset.d,
            "input_shape": dataset.input_shape,
            "n_test": 0 if dataset.y_test is None else len(dataset.y_test),
            "filter_size": dataset.default_filter,
            "stride": dataset.default_stride,
            "beta": dataset.default_beta,
            "patterns_bound": closed_form(dataset.n * geometry.K, geometry.h),
        }
    return {
        "name": info.name,
        "summary": info.summary,
        "details": info.details,
        "available": info.available,
        "problem": problem,
        "options": dict(info.options),
        **sizes,
    }

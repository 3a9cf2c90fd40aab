"""Networks of every architecture on every kind of patches, for what exports them."""

from __future__ import annotations

import itertools

import numpy as np

from convex_core import InputError, Network
from convex_core.architectures import make_architecture
from convex_core.patches import patch_geometry

GEOMETRIES = [((7,), 3, 2), ((5, 4), 2, 1), ((5, 4, 2), 2, 2)]
FURTHER = [
    ("two-layer", {"pooling": "mean"}), ("two-layer", {"pooling": "max", "pool_size": 2}),
    ("two-layer", {"outputs": 3}), ("two-layer", {"skip": "free"}), ("two-layer", {"branches": "1"}),
    ("flatten", {}), ("linear", {}),
    ("three-layer", {"sharing": "shared"}), ("three-layer", {}),
    *[("two-layer", {"activation": name}) for name in ("leaky", "absolute", "residual", "quadratic", "threshold")],
]  # fmt: skip


def networks():
    """Random networks with every padding, bias and number of axes that an architecture takes."""
    for (shape, size, stride), padding, bias in itertools.product(
        GEOMETRIES, ("valid", "zero", "circular"), ("none", "regularised", "output", "free")
    ):
        geometry = patch_geometry(shape, size, stride, padding, bias)
        for name, options in FURTHER:
            try:
                architecture = make_architecture(name, geometry, **options)
            except InputError:
                continue
            rng = np.random.default_rng(1)
            parameters = {key: rng.standard_normal((4, *own)) for key, own in architecture.shapes.items()}
            r = architecture.free_columns(np.zeros((geometry.K, 1, geometry.h))).shape[1]
            yield Network(architecture, **parameters, free=rng.standard_normal(r))

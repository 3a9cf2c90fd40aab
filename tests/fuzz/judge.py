"""What networks, losses and bounds are, written again in plain NumPy and Python: nothing here asks the library.

A network is `spec` (name, options and geometry as a model file has them), its arrays by name, and `free`.
"""

from __future__ import annotations

import itertools

import numpy as np

SLOPES = {"relu": (1.0, 0.0), "absolute": (1.0, -1.0), "residual": (2.0, 1.0)}
UNIT = ("three-layer", "circular")


def starts(length, size, stride, padding):
    """Where the windows along one axis begin."""
    if padding == "valid":
        return list(range(0, length - size + 1, stride))
    count = (length + stride - 1) // stride
    if padding == "circular":
        return [stride * i for i in range(count)]
    before = max((count - 1) * stride + size - length, 0) // 2
    return [stride * i - before for i in range(count)]


def patches(X, geometry, size=None):
    """Patches (K, n, h), with the one of a bias; `size` replaces the filter's."""
    shape, stride, padding = geometry["input_shape"], geometry["stride"], geometry["padding"]
    axes = len(stride)
    kernel = geometry["filter_shape"][:axes] if size is None else [size] * axes
    images = X.reshape(len(X), *shape[:axes], -1)
    found = []
    lines = [starts(shape[a], kernel[a], stride[a], padding) for a in range(axes)]
    for corner in itertools.product(*lines):
        window = []
        for offset in itertools.product(*map(range, kernel)):
            place = [c + o for c, o in zip(corner, offset, strict=True)]
            if padding == "circular":
                place = [p % length for p, length in zip(place, shape, strict=False)]
            inside = all(0 <= p < length for p, length in zip(place, shape, strict=False))
            entry = images[(slice(None), *place)] if inside else np.zeros((len(X), images.shape[-1]))
            window.append(entry)
        if geometry["bias"] in ("regularised", "free"):
            window.append(np.ones((len(X), 1)))
        found.append(np.concatenate(window, axis=1))
    return np.array(found)


def seen(spec, X):
    """The patches, as often as parallel filters see them."""
    return np.tile(patches(X, spec["geometry"]), (spec["options"].get("parallel", 1), 1, 1))


def sigma(options, t):
    name = options.get("activation", "relu")
    if name == "quadratic":
        return t * t
    if name == "threshold":
        return 1.0 * (t >= 0.0)
    above, below = (1.0, options["slope"]) if name == "leaky" else SLOPES[name]
    return above * np.maximum(t, 0.0) + below * np.minimum(t, 0.0)


def groups(spec):
    """The patches of each group of max pooling."""
    size = spec["options"].get("pool_size", 0)
    found = {}
    for k, place in enumerate(itertools.product(*lines(spec))):
        found.setdefault(tuple(p // size for p in place) if size else (), []).append(k)
    return list(found.values())


def lines(spec):
    """Places along each axis."""
    g = spec["geometry"]
    axes = zip(g["input_shape"], g["filter_shape"], g["stride"], strict=False)
    return [range(len(starts(*axis, g["padding"]))) for axis in axes]


def regions(spec):
    """The patches of each region of a pooling grid; None without one."""
    given = spec["options"].get("pooling_grid")
    if given is None:
        return None
    parts = []
    for line, cuts in zip(lines(spec), map(int, given.split("x")), strict=True):
        longer, length = len(line) % cuts, len(line) // cuts
        sizes = [length + (part < longer) for part in range(cuts)]
        parts.append([part for part, size in enumerate(sizes) for _ in range(size)])
    found = {}
    for k, place in enumerate(itertools.product(*lines(spec))):
        found.setdefault(tuple(part[p] for part, p in zip(parts, place, strict=True)), []).append(k)
    return [found[key] for key in sorted(found)]


def branches(spec):
    """Filter size of each branch, None for the geometry's own."""
    given = spec["options"].get("branches")
    return [None] if given is None else [None, *map(int, given.split(","))]


def normalised(spec):
    return spec["options"].get("normalisation", "none") == "batch"


def centred(P):
    """Patch rows of the batch P (K, n, h) without their mean.

    Only differences count: those of rows that are alike are exact, those of what a filter makes of them would not be.
    """
    rows = P.reshape(-1, P.shape[2])
    rows = rows - rows[0]
    return rows - rows.mean(axis=0)


def kept_directions(P):
    """Spreads (r,) of the patch rows and their directions (r, h), without those that vary by no more than rounding.

    That is what the network is said to leave out: a share of the largest spread, and of the largest entry.
    """
    _, spread, directions = np.linalg.svd(centred(P), full_matrices=False)
    kept = spread > max(1e-8 * spread.max(initial=0.0), 64.0 * 2.0**-53 * np.abs(P).max() * P.size**0.5)
    return spread[kept], directions[kept]


def steepness(spec, X):
    """How much larger than the data's own the rounding errors of normalised responses are."""
    if not normalised(spec):
        return 1.0
    P = patches(X, spec["geometry"])
    kept, _ = kept_directions(P)
    return np.abs(P).max() * P[:, :, 0].size ** 0.5 / kept.min() if len(kept) else 1.0


def pooled(spec, P, U):
    """Outputs (n, m) of filters U (m, h) with weight 1, normalised by the batch P where the network is."""
    if spec["options"].get("activation") == "maxout":
        values = np.maximum(*(np.einsum("knh,mh->knm", P, part) for part in np.split(U, 2, axis=1)))
        return values.sum(axis=0) if spec["options"].get("pooling", "sum") == "sum" else values.mean(axis=0)
    if normalised(spec):
        _, directions = kept_directions(P)
        t = (centred(P) @ directions.T @ (directions @ U[:, :-2].T)).reshape(*P.shape[:2], -1)
        size = np.sqrt((t * t).sum(axis=(0, 1)))
        t = U[:, -2] * t / np.where(size > 0.0, size, 1.0) + U[:, -1] * t[:, :, 0].size ** -0.5
    else:
        t = np.einsum("knh,mh->knm", P, U)
    values = sigma(spec["options"], t)
    pooling = spec["options"].get("pooling", "sum")
    if pooling == "max":
        return sum(values[group].max(axis=0) for group in groups(spec))
    return values.sum(axis=0) if pooling == "sum" else values.mean(axis=0)


def circular_response(spec, X, filters, hidden):
    """What enters the ReLU of a circular network, (n, m)."""
    h = spec["geometry"]["filter_shape"][0]
    n, d = X.shape
    Z = np.broadcast_to(X, (len(filters), n, d))
    for layer in np.moveaxis(filters.reshape(len(filters), spec["options"]["layers"] - 2, h), 1, 0):
        Z = sum(layer[:, a, None, None] * np.roll(Z, -a, axis=2) for a in range(h))
    return np.einsum("mnd,md->nm", Z, hidden)


def forward(spec, arrays, free, X):
    """Outputs (n, q)."""
    q = spec["q"]
    n, P = len(X), seen(spec, X)
    U, w = arrays["filters"], arrays["weights"]
    m = len(w)
    total = np.zeros((n, q))
    if m == 0:
        pass
    elif spec["name"] == "circular":
        total += (np.maximum(circular_response(spec, X, U, arrays["hidden"]), 0.0) @ w)[:, None]
    elif spec["name"] == "three-layer":
        per = U.reshape(m, -1, P.shape[2])
        first = [np.maximum(P[k] @ per[:, k % per.shape[1]].T, 0.0) * arrays["hidden"][:, k] for k in range(len(P))]
        total += (np.maximum(sum(first), 0.0) @ w)[:, None]
    elif spec["name"] in ("flatten", "linear"):
        for k in range(len(P)):
            t = P[k] @ U.T
            total += (np.maximum(t, 0.0) if spec["name"] == "flatten" else t) @ w.reshape(m, len(P), q)[:, k]
    elif spec["options"].get("branches"):
        begin = 0
        for b, size in enumerate(branches(spec)):
            part = patches(X, spec["geometry"], size)
            h = part.shape[2]
            total += (pooled(spec, part, U[:, begin : begin + h]) @ w[:, b])[:, None]
            begin += h
    elif (parts := regions(spec)) is not None:
        for r, part in enumerate(parts):
            total += pooled(spec, P[part], U) @ w.reshape(m, len(parts), q)[:, r]
    else:
        total += pooled(spec, P, U) @ w.reshape(m, q)
    return total + free_part(spec, P, free)


def doubt(spec, arrays, free, X, loss, f, targets):
    """What rounding can change in the loss of the outputs f: they are sums of numbers that may be far larger."""
    apart = forward(spec, {name: np.abs(array) for name, array in arrays.items()}, np.abs(free), np.abs(X))
    error = 1e-14 * np.abs(apart)
    return float(((np.abs(f - targets) + error if loss == "squared" else 1.0) * error).sum())


def free_columns(spec, P):
    """Columns (n * q, r) of what costs nothing."""
    n, q = P.shape[1], spec["q"]
    columns = np.zeros((n * q, 0))
    if spec["options"].get("skip", "none") == "free":
        window = P.shape[2] - (spec["geometry"]["bias"] in ("regularised", "free"))
        mean = spec["options"].get("pooling", "sum") == "mean"
        columns = (P.mean(axis=0) if mean else P.sum(axis=0))[:, :window]
    if spec["geometry"]["bias"] in ("output", "free"):
        columns = np.hstack([columns, np.tile(np.eye(q), (n, 1))])
    return columns


def free_part(spec, P, free):
    return (free_columns(spec, P) @ free).reshape(P.shape[1], spec["q"])


def l1(spec):
    return spec["options"].get("output_norm", "l1" if spec["name"] == "two-layer" else "l2") == "l1"


def cost(spec, arrays):
    """What beta multiplies."""
    U, w = arrays["filters"], arrays["weights"]
    kind = spec["options"].get("activation")
    if spec["name"] in UNIT:
        h = int(np.prod(spec["geometry"]["filter_shape"])) + (spec["geometry"]["bias"] == "regularised")
        assert np.linalg.norm(U.reshape(-1, h), axis=1).max(initial=0.0) <= 1.0 + 1e-9, "a filter above norm 1"
        return 0.5 * float((arrays["hidden"] ** 2).sum() + (w**2).sum())
    if kind == "threshold":
        return float(np.abs(w).sum())
    if kind == "quadratic":
        return 0.5 * float((np.square(U).sum(axis=1) ** 2).sum() + (w**2).sum())
    paid = U[:, :-1] if spec["geometry"]["bias"] == "free" else U[:, -2:] if normalised(spec) else U
    plain = w.ndim == 1 or spec["options"].get("branches") or not l1(spec)
    outer = float((w**2).sum()) if plain else float((np.abs(w).sum(axis=tuple(range(1, w.ndim))) ** 2).sum())
    return 0.5 * (float((paid**2).sum()) + outer)


# -- losses: values, and the dual objective of v = minus a subgradient
def loss(name, delta, f, y):
    """Sum over the samples, for outputs f (n, q) and targets y, (n, q) or labels (n,)."""
    if name == "softmax":
        top = f.max(axis=1)
        return float((top + np.log(np.exp(f - top[:, None]).sum(axis=1)) - f[np.arange(len(f)), y]).sum())
    r = np.abs(f - y)
    if name == "squared":
        return 0.5 * float((r * r).sum())
    if name == "absolute":
        return float(r.sum())
    if name == "huber":
        return float(np.where(r <= delta, 0.5 * r * r, delta * r - 0.5 * delta * delta).sum())
    margin = y * f
    return float((np.logaddexp(0.0, -margin) if name == "logistic" else np.maximum(0.0, 1.0 - margin)).sum())


def dual_value(name, delta, v, y):
    """The dual objective of v (n, q); -inf where v is not in its domain, up to rounding."""
    slack = 1e-9

    def entropy(s):
        s = np.clip(s, 0.0, 1.0)
        return -float(np.where(s > 0.0, s * np.log(np.where(s > 0.0, s, 1.0)), 0.0).sum())

    if name == "squared":
        return float((v * y - 0.5 * v * v).sum())
    if name == "softmax":
        share = np.eye(v.shape[1])[y] - v
        inside = share.min() >= -slack and np.abs(share.sum(axis=1) - 1.0).max() <= slack
        return entropy(share) if inside else -np.inf
    if name in ("absolute", "huber"):
        size = 1.0 if name == "absolute" else delta
        value = float((v * y - (0.0 if name == "absolute" else 0.5 * v * v)).sum())
        return value if np.abs(v).max() <= size * (1.0 + slack) else -np.inf
    s = y * v
    if s.min() < -slack or s.max() > 1.0 + slack:
        return -np.inf
    return float(s.sum()) if name == "hinge" else entropy(s) + entropy(1.0 - s)


# -- prices: correlations of neurons of cost 1 with a dual vector, from below
def price(spec, X, v, seed=0, arrays=None, draws=600, rounds=12):
    """The largest correlation with v (n, q) that neurons of cost 1, improved by random steps and uphill, have.

    They start from random directions, from corners, which every cell has however narrow it is, and from the neurons of
    a network: at an optimum theirs are the largest.
    """
    rng = np.random.default_rng(seed)
    P = seen(spec, X)
    best, begin = 0.0, 0
    for size in branches(spec):
        part = P if size is None else patches(X, spec["geometry"], size)
        width = entries(spec, part)
        own = np.zeros((0, width)) if arrays is None else neurons(spec, arrays)[:, begin : begin + width]
        begin += width
        # a free bias has every kink of its direction tried already
        count = max(120, draws // part[:, :, 0].size) if spec["geometry"]["bias"] == "free" else draws
        if width == 1:
            raw, least = np.array([[1.0], [-1.0]]), rounds
        else:
            drawn = rng.standard_normal((count, width))
            raw, least = np.concatenate([drawn, corners(spec, part, width, rng), own[own.any(axis=1)]]), 0
        values = correlations(spec, part, X, v, raw)
        for number in range(least, rounds):
            order = np.argsort(-values)[:12]
            top, at = raw[order] / np.linalg.norm(raw[order], axis=1, keepdims=True), values[order]
            beside = correlations(spec, part, X, v, (top[:, None] + 1e-7 * np.eye(width)).reshape(-1, width))
            # of a sum of ReLUs, a step of length 1 leads to where the cell's correlation is largest
            uphill = (beside.reshape(len(top), width) - at[:, None]) / (1e-7 * (at[:, None] + 1e-300))
            steps = rng.standard_normal((len(top), max(4, 24 * count // draws), width))
            raw = np.concatenate([
                top, (top[:, None] + 0.5 * 0.3**number * steps).reshape(-1, width),
                *(top + length * uphill for length in (0.1, 0.5, 1.0, 2.0)),
            ])  # fmt: skip
            values = correlations(spec, part, X, v, raw)
        best = max(best, float(values.max()))
    return best


def corners(spec, P, width, rng, count=200):
    """Directions (m, width) at which width - 1 rows of patches change their signs, or, beside a free bias, their order.

    With filters of two entries these are all directions at which something changes, as long as there are few.
    """
    rows = P.reshape(-1, P.shape[2])
    if spec["geometry"]["bias"] == "free" and width == P.shape[2] - 1:
        first, second = np.triu_indices(len(rows), 1)
        rows = (rows[first] - rows[second])[:, :-1]
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows[lengths > 0.0] / lengths[lengths > 0.0, None]
    if rows.shape[1] != width or len(rows) < width - 1:
        return np.zeros((0, width))
    if width == 2 and len(rows) <= count:
        found = np.stack([-rows[:, 1], rows[:, 0]], axis=1)
    else:
        chosen = rows[np.argsort(rng.random((count, len(rows))), axis=1)[:, : width - 1]]
        # rows that are alike leave a direction free: the noise chooses it
        chosen = chosen + 1e-13 * rng.standard_normal(chosen.shape)
        found = np.linalg.qr(chosen.transpose(0, 2, 1), mode="complete").Q[:, :, -1]
    return np.concatenate([found, -found])


def neurons(spec, arrays):
    """The neurons of a network (m, entries) but for their output weights."""
    if spec["name"] in UNIT:
        filters = arrays["filters"]
        return np.concatenate(
            [filters.reshape(len(filters), int(np.prod(filters.shape[1:]))), arrays["hidden"]], axis=1
        )
    return arrays["filters"]


def entries(spec, P):
    """Numbers that say a neuron, but for its length."""
    K, _, h = P.shape
    if spec["name"] == "three-layer":
        return (h if spec["options"]["sharing"] == "shared" else K * h) + K
    if spec["name"] == "circular":
        return (spec["options"]["layers"] - 2) * h + K
    if spec["options"].get("activation") == "maxout":
        return 2 * h
    return h - 1 if spec["geometry"]["bias"] == "free" else h + 2 if normalised(spec) else h


def correlations(spec, P, X, v, raw):
    """The largest correlation over the output weights of neurons `raw` (m, entries), scaled to cost 1."""
    K, _, h = P.shape
    if spec["name"] in UNIT:
        U, w = raw[:, :-K], raw[:, -K:]
        pieces = U.reshape(len(U), -1, h)
        pieces = pieces / np.maximum(np.linalg.norm(pieces, axis=2, keepdims=True), 1e-300)
        w = w / np.maximum(np.linalg.norm(w, axis=1, keepdims=True), 1e-300)
        if spec["name"] == "circular":
            z = circular_response(spec, X, pieces.reshape(len(U), -1), w)
        else:
            z = sum(np.maximum(P[k] @ pieces[:, k % pieces.shape[1]].T, 0.0) * w[:, k] for k in range(K))
        return np.abs(v[:, 0] @ np.maximum(z, 0.0))
    if spec["geometry"]["bias"] == "free":  # the kinks of a neuron are at the data
        unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        kinks = -(P[:, :, :-1].reshape(-1, h - 1) @ unit.T)  # (K n, m)
        U = np.concatenate([np.repeat(unit, len(kinks), axis=0), kinks.T.reshape(-1, 1)], axis=1)
        found = weighted(spec, v, pooled(spec, P, U))
        return found.reshape(len(raw), -1).max(axis=1)
    if normalised(spec):  # a filter of any length that sees what varies, a scale and a shift of length 1 together
        _, directions = kept_directions(P)
        raw = np.hstack([raw[:, :-2] @ directions.T @ directions, raw[:, -2:]])
        length = np.maximum(np.linalg.norm(raw[:, -2:], axis=1, keepdims=True), 1e-300)
        return weighted(spec, v, pooled(spec, P, raw / length))
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    U = raw / lengths
    if spec["name"] in ("flatten", "linear"):
        t = np.einsum("knh,mh->knm", P, U)
        each = np.einsum("nq,knm->kqm", v, np.maximum(t, 0.0) if spec["name"] == "flatten" else t)
        each = each.reshape(-1, len(U))
        flat = spec["name"] == "flatten" and spec["options"].get("output_norm") == "l1"
        return np.abs(each).max(axis=0) if flat else np.linalg.norm(each, axis=0)
    parts = regions(spec)
    if parts is not None:
        return np.max([weighted(spec, v, pooled(spec, P[part], U)) for part in parts], axis=0)
    return weighted(spec, v, pooled(spec, P, U))


def weighted(spec, v, phi):
    each = v.T @ phi  # (q, m)
    return np.abs(each).max(axis=0) if l1(spec) else np.linalg.norm(each, axis=0)

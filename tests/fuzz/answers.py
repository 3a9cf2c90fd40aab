"""Answers around a solution: networks of least norm, chains of bounds, networks over lists, and estimators."""

from __future__ import annotations

import itertools
import pickle

import numpy as np

import convex_core as cc
from convex_core.lists import train_list

from . import judge
from .kept import JUDGED, WrongError
from .networks import check_bound, check_network, close, some_inputs, some_problem, some_targets, spec_of

# a fit is to 1e-6 of the targets
FIT = 1e-5


def minimum_norm_case(rng, kept):
    """What fits does fit, has the norm that is said, and the bound below it is a bound."""
    architecture, X, y, _, _, _ = some_problem(rng)
    if y.dtype.kind == "i":
        y = rng.standard_normal((len(X), architecture.q) if architecture.q > 1 else len(X))
    margin, seed = bool(rng.random() < 0.3), int(rng.integers(1000))
    if margin:
        y = np.where(y >= 0.0, 1.0, -1.0)
    kept.update(said=f"minimum norm {architecture!r} margin={margin} seed={seed}")

    def check(X, y):
        problem = cc.Problem(X, y, architecture=architecture, beta=1.0)
        found = cc.minimum_norm(problem, margin=margin, tol=1e-4, seed=seed, max_patterns=5000, time_limit=4.0)
        spec, network = spec_of(architecture), found.network
        f = judge.forward(spec, network.parameters, network.free, problem.X)
        targets = y.reshape(f.shape)
        missed = np.maximum(0.0, 1.0 - targets * f).max() if margin else np.abs(f - targets).max()
        size = max(np.abs(y).max(), np.abs(f).max())
        close(float(missed), found.misfit, size, "misfit by the judge and ours", 1e-7)
        close(judge.cost(spec, network.parameters), found.norm, found.norm + 1e-9, "norm by the judge and ours")
        JUDGED["problems"] += 1
        if found.status == cc.Status.OPTIMAL and missed > FIT * size:
            raise WrongError(f"optimal with a misfit of {missed!r}")
        if found.status == cc.Status.OPTIMAL and found.lower_bound > found.norm * (1.0 + 1e-5) + 1e-12:
            raise WrongError(f"lower bound {found.lower_bound!r} above the norm {found.norm!r}")
        if np.any(np.diff(found.betas) >= 0.0):
            raise WrongError(f"values of beta {found.betas!r} do not fall")

    kept.run(check, X, y)


def bounds_case(rng, kept):
    """Programs in order, each with a bound; the best network has the value, and nothing below it is above it."""
    architecture, X, y, beta, loss, delta = some_problem(rng)
    seed = int(rng.integers(1000))
    kept.update(said=f"bounds {architecture!r} {loss} {delta} beta={beta!r} seed={seed}")

    def check(X, y):
        problem = cc.Problem(X, y, architecture=architecture, beta=beta, loss=cc.make_loss(loss, delta=delta))
        found = cc.bounds(problem, starts=2, seed=seed, tol=1e-6, time_limit=5.0)
        own = problem if found.network.architecture == architecture else cc.Problem(
            X, y, architecture=found.network.architecture, beta=beta, loss=problem.loss
        )  # fmt: skip
        check_network(own, found.network, found.value, y, loss, delta)
        scale = abs(found.value) + 1e-12
        for link in found.links:
            if link.lower_bound > found.value + 1e-8 * scale:
                raise WrongError(f"{link.label}: lower bound {link.lower_bound!r} above the value {found.value!r}")
            at = link.solution
            if at.scope == cc.Scope.GLOBAL:
                check_bound(at.problem, at.dual, at.lower_bound, y, loss, delta, seed, at.network)
        if found.ceiling is not None and found.ceiling.solution.network_objective < found.lower_bound - 1e-8 * scale:
            raise WrongError(f"ceiling {found.ceiling.value!r} below the lower bound {found.lower_bound!r}")

    kept.run(check, X, y)


def listed_columns(network, X, directions, kind):
    """What unit directions give in each region (n, R, P), written again; sums of a gated network have no such thing."""
    geometry, white = network.geometry, network.whitening
    P = judge.patches(X, {**geometry.to_dict(), "bias": "none"})
    tilde = (P - white.mean) @ white.matrix.T
    if geometry.biased:
        tilde = np.concatenate([tilde, np.ones((*tilde.shape[:2], 1))], axis=2)
    values = tilde @ directions.T
    values = np.maximum(values, 0.0) if kind == "relu" else values
    return regions(network, values), tilde


def regions(network, values):
    """Values (K, n, P) pooled over regions, (n, R, P): windows are cut into parts as equal as they can be."""
    grid = network.grid
    n, m = values.shape[1:]
    shaped = values.reshape(*grid.windows, n, m)
    parts = [np.array_split(np.arange(windows), cut) for windows, cut in zip(grid.windows, grid.cuts, strict=True)]
    found = []
    for region in itertools.product(*parts):
        inside = shaped[np.ix_(*region)].reshape(np.prod([len(part) for part in region]), n, m)
        found.append({"mean": inside.mean, "sum": inside.sum, "max": inside.max}[grid.pooling](axis=0))
    return np.stack(found, axis=1)


def list_case(rng, kept):
    """A network over a list: outputs, objective, and the dual bound over the filters of the list."""
    side = int(rng.integers(2, 6))
    axes = int(rng.integers(1, 3))
    shape = (side,) * axes
    size = int(rng.integers(1, min(3, side) + 1))
    bias = str(rng.choice(["none", "regularised"]))
    geometry = cc.patch_geometry(shape, size, int(rng.integers(1, 3)), bias=bias)
    loss = str(rng.choice(list(cc.LOSSES)))
    n, q = int(rng.integers(1, 12)), int(rng.integers(1, 4))
    q = max(q, 2) if loss == "softmax" else q
    X = some_inputs(rng, n, int(np.prod(shape)))
    y = some_targets(rng, loss, n, q)
    Y = np.eye(q)[y] if loss == "softmax" else y.reshape(n, q)
    delta = float(rng.choice([0.1, 1.0])) if loss == "huber" else None
    options = {
        "kind": str(rng.choice(["relu", "relu", "gated"])), "pooling": str(rng.choice(["mean", "sum", "max"])),
        "pooling_grid": int(rng.integers(1, 3)), "directions": int(rng.integers(1, 9)),
        "bias": str(rng.choice(["free", "none", "regularised"])), "beta": float(10.0 ** rng.uniform(-2.0, 1.0)),
        "whiten": [True, False, 0.3][int(rng.integers(3))], "norm": [None, "l1"][int(rng.integers(2))],
        "max_rounds": int(rng.integers(1, 3)), "seed": int(rng.integers(1000)),
    }  # fmt: skip
    kept.update(said=f"list {geometry!r} {loss} {delta} {options!r}")

    def check(X, Y):
        found = train_list(X, Y, geometry, loss=cc.make_loss(loss, delta=delta), tol=1e-3, time_limit=5.0, **options)
        network, certificate, beta = found.network, found.certificate, options["beta"]
        pooled, tilde = listed_columns(network, X, network.filters, options["kind"])
        if network.gates is not None:
            on = tilde @ network.gates.T
            # where a gate is zero but for rounding either side may be meant
            if np.any(np.abs(on) <= 1e-9 * np.abs(tilde).max(initial=0.0)):
                return
            pooled = regions(network, (tilde @ network.filters.T) * (on >= 0.0))
        f = np.einsum("nrm,mrq->nq", pooled, network.weights) + network.bias
        ours = np.asarray(network.predict(X)).reshape(f.shape)
        size = np.abs(f).max(initial=0.0) + np.abs(pooled).max(initial=0.0) * np.abs(network.weights).max(initial=0.0)
        close(float(np.abs(f - ours).max(initial=0.0)), 0.0, size, "outputs of the listed network differ by", 1e-7)
        targets = Y.argmax(axis=1) if loss == "softmax" else Y
        flat = np.abs(network.weights).reshape(network.m, int(np.prod(network.weights.shape[1:])))
        outer = (flat.sum(axis=1) ** 2 if network.l1 else (flat**2).sum(axis=1)).sum()
        value = judge.loss(loss, delta, f, targets) + beta * 0.5 * float((network.filters**2).sum() + outer)
        start = judge.loss(loss, delta, 0.0 * f, targets)
        close(value, certificate.objective, abs(value) + start, "objective of a list by the judge and ours", 1e-6)
        JUDGED["problems"] += 1
        scale = certificate.objective + start
        if certificate.lower_bound > certificate.objective + 1e-9 * scale:
            raise WrongError(f"lower bound {certificate.lower_bound!r} above {certificate.objective!r}")
        if certificate.lower_bound <= 0.0:
            return
        v = certificate.dual
        dual = judge.dual_value(loss, delta, v, targets)
        if certificate.lower_bound > dual + 1e-7 * scale:
            raise WrongError(f"lower bound {certificate.lower_bound!r} above the dual value {dual!r}")
        if options["bias"] == "free" and np.abs(v.sum(axis=0)).max() > 1e-7 * np.abs(v).sum():
            raise WrongError("the dual vector is off the balance of the free biases")
        if options["kind"] == "relu":
            lengths = np.linalg.norm(found.directions, axis=1)
            unit = found.directions[lengths > 0.0] / lengths[lengths > 0.0, None]
            columns, _ = listed_columns(network, X, unit, "relu")
            prices = np.einsum("nrp,nq->prq", columns, v).reshape(len(unit), -1)
            price = np.abs(prices).max(axis=1) if network.l1 else np.linalg.norm(prices, axis=1)
            if price.max(initial=0.0) > beta * (1.0 + 1e-6):
                raise WrongError(f"no bound over the list: a price of {price.max()!r} above beta {beta!r}")
            JUDGED["bounds"] += 1

    kept.run(check, X, Y)


def estimator_case(rng, kept):
    """An estimator: a pickle of it predicts the same, a sample alone is the sample among others, labels are known."""
    n, d = int(rng.integers(4, 25)), int(rng.integers(2, 9))
    X = some_inputs(rng, n, d)
    classify = bool(rng.random() < 0.6)
    losses = list(cc.LOSSES) if classify else ["squared", "huber", "absolute"]
    options = {
        "loss": str(rng.choice(losses)), "n_filters": int(rng.integers(1, 12)), "random_state": int(rng.integers(1000)),
        "beta": "auto" if rng.random() < 0.3 else float(10.0 ** rng.uniform(-2.0, 1.0)),
        "kind": str(rng.choice(["auto", "relu", "gated"])), "bias": str(rng.choice(["free", "none", "regularised"])),
        "tol": 1e-2, "time_limit": 5.0,
    }  # fmt: skip
    labels = np.array(["one", "two", "three"])[: int(rng.integers(2, 4))]
    y = rng.choice(labels, n) if classify else some_targets(rng, "squared", n, int(rng.integers(1, 3)))
    kept.update(said=f"estimator {options!r} classify={classify}")

    def check(X, y):
        model = (cc.ConvexCNNClassifier if classify else cc.ConvexCNNRegressor)(**options).fit(X, y)
        said = model.predict(X)
        again = pickle.loads(pickle.dumps(model))
        if not np.array_equal(said, again.predict(X)):
            raise WrongError("a pickle predicts something else")
        if classify and not set(said) <= set(y):
            raise WrongError(f"labels {set(said)!r} that were not given")
        if not classify and not (said.shape == y.shape and np.isfinite(said).all()):
            raise WrongError(f"predictions of shape {said.shape} for targets of shape {y.shape}")
        if not 0.0 <= model.gap_ <= np.inf:
            raise WrongError(f"gap {model.gap_!r}")
        one = model.predict(X[:1])
        if not classify and not np.allclose(one, said[:1], rtol=1e-9, atol=1e-9 * (1.0 + np.abs(said).max())):
            raise WrongError("a sample alone is predicted otherwise")

    kept.run(check, X, y)

"""Problems of every architecture, activation, bias, padding, loss and method, solved, audited and written to files."""

from __future__ import annotations

import io
from inspect import signature

import numpy as np

import convex_core as cc
from convex_core.architectures import ARCHITECTURES, EVERY_ACTIVATION, make_architecture
from convex_core.export.model import save_network
from convex_core.numerics.threads import one_core
from convex_core.solvers.search import WITHOUT_ROUNDS

from . import judge
from .kept import JUDGED, WrongError, sentence

# CVXPY writes programs of a hundred cells for seconds, in which a dozen other cases are tried: a few, and small ones
METHODS = (*3 * (*4 * ("auto",), *sorted(set(cc.METHODS) - {"cvxpy"})), "cvxpy")
PATTERNS = {"cvxpy": 60}
# small problems are there for their certificates, which samples have none of; without a clock a case is always the same
QUICK = tuple(method for method in METHODS if method not in ("cvxpy", "sampled"))
ROUNDS = {"max_rounds": 50}
VALUES = {
    "pooling": ("sum", "mean", "max"), "pool_size": (1, 2), "activation": tuple(EVERY_ACTIVATION),
    "slope": (0.2, -0.3, 0.0, 1.0), "skip": ("free",), "branches": ("1", "2", "1,2"), "outputs": (2, 3),
    "pooling_grid": ("1", "2", "1x2", "3"), "normalisation": ("batch",), "parallel": (2,),
    "output_norm": ("l1", "l2"), "layers": (3, 4), "sharing": ("per-patch", "shared"),
    "relaxation": ("cone", "plain", "spectral", "nuclear", "weighted", "frobenius", "strong", "lifted"),
}  # fmt: skip


#: options that go together and seldom meet by chance, with the bias that they ask for
TOGETHER = (
    ("two-layer", {"pooling_grid": "2"}, None), ("two-layer", {"pooling_grid": "2", "outputs": 2}, None),
    ("two-layer", {"branches": "1"}, "output"), ("two-layer", {"activation": "threshold"}, None),
    ("two-layer", {"activation": "quadratic"}, None), ("two-layer", {"skip": "free"}, "free"),
    ("two-layer", {}, "free"), ("two-layer", {"outputs": 2}, "free"),
    ("two-layer", {"pooling": "max", "pool_size": 2}, None),
    ("two-layer", {"pooling": "max", "pool_size": 2, "activation": "leaky", "slope": 0.2}, None),
    ("two-layer", {"outputs": 2, "output_norm": "l2"}, None),
    ("two-layer", {"outputs": 2, "output_norm": "l2", "relaxation": "lifted"}, None),
    ("flatten", {"relaxation": "lifted"}, None), ("flatten", {"output_norm": "l1"}, None),
    ("three-layer", {"sharing": "shared", "relaxation": "lifted"}, None),
    ("three-layer", {"sharing": "shared"}, None), ("circular", {"layers": 4}, None),
)  # fmt: skip


def some_architecture(rng, loss, small=False):
    """An architecture that exists; those that are refused say why in one sentence.

    Small ones have filters of one or two entries, of which the judge tries every direction at which something changes.
    """
    longest, share_of_lines = (3, 0.85) if small else (5, 0.7)
    names = list(ARCHITECTURES)
    together = None
    if loss != "softmax" and rng.random() < 0.35:
        together = TOGETHER[int(rng.integers(len(TOGETHER)))]
        names = [together[0]]
    if loss == "softmax":
        names = names[:1]
    share = np.array([6, 1, 2, 1, 2][: len(names)], dtype=float)
    name = str(rng.choice(names, p=share / share.sum()))
    tries = 0
    while True:
        tries += 1
        axes = 1 if name == "circular" or rng.random() < share_of_lines else 2
        d = [int(rng.integers(2, longest + 1)) for _ in range(axes)]
        largest = 1 if small and axes == 2 else 2 if small or axes == 2 else 3
        size = [int(rng.integers(1, min(largest, length) + 1)) for length in d]
        channels = [2] if axes == 2 and rng.random() < 0.2 else []
        stride = [1] * axes if name == "circular" else [int(rng.integers(1, 4)) for _ in d]
        padding = "circular" if name == "circular" else str(rng.choice(["valid", "zero", "circular"]))
        bias = str(rng.choice(["none", "none", "regularised", "output", "free"]))
        known = list(signature(ARCHITECTURES[name]).parameters)[1:]
        chosen = [key for key in known if rng.random() < (0.6 if key == "activation" else 0.2)]
        options = {key: VALUES[key][int(rng.integers(len(VALUES[key])))] for key in chosen}
        if together is not None and tries < 50:
            options, bias = dict(together[1]), together[2] or bias
        if loss == "softmax":
            options["outputs"] = int(rng.integers(2, 4))
        try:
            geometry = cc.PatchGeometry((*d, *channels), (*size, *channels), tuple(stride), padding, bias)
            return make_architecture(name, geometry, **options)
        except cc.InputError as refusal:
            sentence(refusal)


def some_inputs(rng, n, d):
    kind = rng.integers(8)
    X = rng.standard_normal((n, d))
    if kind == 1:
        X = rng.integers(-2, 3, (n, d)).astype(float)
    elif kind == 2:
        X = (rng.random((n, d)) < 0.4).astype(float)
    elif kind == 3:
        X[rng.integers(n)] = X[0]
    elif kind == 4:
        X[:, rng.integers(d)] = 0.0
    elif kind == 6:  # rows that are nearly, or exactly, on one line
        X = X[:1] * rng.choice([-1.0, 1.0, 2.0, 0.1], (n, 1)) * (1.0 + 10.0 ** -rng.integers(6, 17) * X)
    elif kind == 7:  # decimal numbers that meet only before they are rounded
        X = np.round(X, 1)
    return X * 10.0 ** (rng.integers(-6, 7) if kind == 5 else 0)


def some_targets(rng, loss, n, q):
    if loss == "softmax":
        return rng.integers(0, q, n)
    shape = (n, q) if q > 1 else (n,)
    if loss in ("hinge", "logistic"):
        return rng.choice([-1.0, 1.0], shape)
    if rng.random() < 0.1:
        return np.zeros(shape)
    return rng.standard_normal(shape) * 10.0 ** (rng.integers(-2, 3) if rng.random() < 0.2 else 0)


def some_problem(rng, small=False):
    """Architecture, X, y, beta, loss and delta."""
    loss = str(rng.choice(list(cc.LOSSES), p=[0.35, 0.13, 0.13, 0.13, 0.13, 0.13]))
    architecture = some_architecture(rng, loss, small)
    n = int(rng.integers(1, 4 if small else 6))
    X = some_inputs(rng, n, architecture.geometry.d)
    y = some_targets(rng, loss, n, architecture.q)
    delta = float(rng.choice([0.1, 1.0])) if loss == "huber" else None
    # a few samples have the zero network as their optimum from a smaller beta on
    usual = rng.uniform(-3.0, -0.3) if small else rng.uniform(-2.0, 0.5)
    beta = float(10.0 ** (rng.uniform(-6.0, 4.0) if rng.random() < 0.2 else usual))
    return architecture, X, y, beta, loss, delta


def spec_of(architecture):
    """What a model file says of it, for the judge."""
    geometry = architecture.geometry.to_dict()
    return {"name": architecture.name, "options": dict(architecture.options), "geometry": geometry, "q": architecture.q}


def close(a, b, scale, what, tolerance=1e-8):
    if not abs(a - b) <= tolerance * max(scale, 1e-12):
        raise WrongError(f"{what}: {a!r} and {b!r}")


def check_network(problem, network, objective, y, loss, delta):
    """Outputs and objective of a network by the judge."""
    spec = spec_of(problem.architecture)
    f = judge.forward(spec, network.parameters, network.free, problem.X)
    ours = network.predict(problem.X).reshape(f.shape)
    size = np.abs(f).max(initial=0.0) + sum(np.abs(array).max(initial=0.0) for array in network.parameters.values())
    close(float(np.abs(f - ours).max(initial=0.0)), 0.0, size, "outputs of the network differ by")
    targets = y if loss == "softmax" else y.reshape(f.shape)
    value = judge.loss(loss, delta, f, targets) + problem.beta * judge.cost(spec, network.parameters)
    # of the loss at zero only what rounding can take
    scale = (abs(value) + 1e-3 * judge.loss(loss, delta, 0.0 * f, targets)) * max(
        1.0, 1e-7 * judge.steepness(spec, problem.X)
    )
    rounding = judge.doubt(spec, network.parameters, network.free, problem.X, loss, f, targets)
    close(value, objective, scale + 1e8 * rounding, "objective by the judge and ours")
    JUDGED["problems"] += 1


def check_bound(problem, dual, bound, y, loss, delta, seed, network=None):
    """A lower bound is the dual objective of its dual vector, which no neuron's price exceeds, `network`'s included."""
    if not np.isfinite(bound):
        return
    spec = spec_of(problem.architecture)
    v = np.asarray(dual).reshape(problem.n, spec["q"])
    targets = y if loss == "softmax" else y.reshape(v.shape)
    value = judge.dual_value(loss, delta, v, targets)
    scale = abs(bound) + judge.loss(loss, delta, np.zeros(v.shape), targets)
    if bound > value + 1e-8 * scale and bound > 1e-12 * scale:
        raise WrongError(f"lower bound {bound!r} above the dual objective {value!r} of its dual vector")
    columns = judge.free_columns(spec, judge.patches(problem.X, spec["geometry"]))
    if columns.size:
        off = float(np.abs(columns.T @ v.ravel()).max())
        size = float((np.abs(columns).T @ np.abs(v.ravel())).max())
        # what the free part, as large as the targets ask for, could gain by it
        gain = off * np.abs(y).max() / np.abs(columns).max()
        if off > 1e-8 * size and gain > 1e-9 * scale:
            raise WrongError(f"dual vector is {off!r} off the balance that the free part asks for, of {size!r}")
    found = judge.price(spec, problem.X, v, seed, None if network is None else network.parameters)
    if found > problem.beta * (1.0 + 1e-8):
        raise WrongError(f"no bound: a neuron of cost 1 has the price {found!r} above beta {problem.beta!r}")
    JUDGED["bounds"] += 1


def check_file(network):
    """A model file gives the same network back."""
    save_network(buffer := io.BytesIO(), network)
    buffer.seek(0)
    again = cc.load_model(buffer).network
    if again.architecture != network.architecture or not np.array_equal(again.free, network.free):
        raise WrongError(f"{network!r} is not what its model file gives back")
    for name, array in network.parameters.items():
        if not np.array_equal(again.parameters[name], array):
            raise WrongError(f"{name} of {network!r} changed in its model file")


def solve_case(rng, kept, small=False):
    """Solve, and judge outputs, objective, both bounds and, of larger ones, the file."""
    architecture, X, y, beta, loss, delta = some_problem(rng, small)
    method, tol = str(rng.choice(QUICK if small else METHODS)), float(rng.choice([1e-4, 1e-6, 1e-8]))
    seed = int(rng.integers(1000))
    kept.update(said=f"{architecture!r} {loss} {delta} beta={beta!r} method={method} tol={tol:g} seed={seed}")

    def check(X, y):
        problem = cc.Problem(X, y, architecture=architecture, beta=beta, loss=cc.make_loss(loss, delta=delta))
        most = PATTERNS.get(method, 1000 if small else 5000)
        limit = ROUNDS if small and method not in WITHOUT_ROUNDS else {"time_limit": 3.0}
        found = cc.solve(problem, method=method, tol=tol, seed=seed, max_patterns=most, **limit)
        check_network(problem, found.network, found.network_objective, y, loss, delta)
        if not small:
            check_file(found.network)
        if found.lower_bound > found.network_objective * (1.0 + 1e-9) + 1e-12:
            raise WrongError(f"lower bound {found.lower_bound!r} above the objective {found.network_objective!r}")
        if found.scope == cc.Scope.GLOBAL:
            check_bound(problem, found.dual, found.lower_bound, y, loss, delta, seed, found.network)
        elif np.isfinite(found.lower_bound):
            raise WrongError(f"a lower bound {found.lower_bound!r} of scope {found.scope}")
        if found.status == cc.Status.OPTIMAL and found.exactness == cc.Exactness.EXACT:
            gap = (found.network_objective - found.lower_bound) / max(found.network_objective, 1e-300)
            if found.scope == cc.Scope.GLOBAL and gap > max(tol, 1e-6) * 1.01 and found.network_objective > 1e-9:
                raise WrongError(f"optimal with a gap of {gap!r} at tol {tol:g}")
            JUDGED["optima"] += found.network.m > 0

    kept.run(check, X, y)


def small_case(rng, kept):
    """A problem that is solved and judged in some ten milliseconds, on one core: threads would take longer to start."""
    with one_core():
        solve_case(rng, kept, small=True)


def path_case(rng, kept, small=False):
    """Each point of a path, by the judge."""
    architecture, X, y, _, loss, delta = some_problem(rng, small)
    seed = int(rng.integers(1000))
    kept.update(said=f"path {architecture!r} {loss} {delta} seed={seed}")
    options = {"points": 4, "smallest": 0.05, "max_patterns": 5000, "time_limit": 5.0}
    if small:
        options = {"points": 8, "smallest": 0.01, "max_patterns": 1000, **ROUNDS}

    def check(X, y):
        problem = cc.Problem(X, y, architecture=architecture, beta=1.0, loss=cc.make_loss(loss, delta=delta))
        path = cc.solve_path(problem, tol=1e-5, seed=seed, **options)
        for found in path.solutions:
            at = found.problem
            check_network(at, found.network, found.network_objective, y, loss, delta)
            if found.scope == cc.Scope.GLOBAL:
                check_bound(at, found.dual, found.lower_bound, y, loss, delta, seed, found.network)
                optimal = found.status == cc.Status.OPTIMAL and found.exactness == cc.Exactness.EXACT
                JUDGED["optima"] += optimal and found.network.m > 0

    kept.run(check, X, y)


def small_path_case(rng, kept):
    """A path of a small problem, on one core."""
    with one_core():
        path_case(rng, kept, small=True)


def audit_case(rng, kept):
    """A random network: its objective, and the bound below it."""
    architecture, X, y, beta, loss, delta = some_problem(rng)
    m, seed = int(rng.integers(0, 4)), int(rng.integers(1000))
    parameters = {key: rng.standard_normal((m, *shape)) for key, shape in architecture.shapes.items()}
    if architecture.unit_length is not None and m:
        lengths = np.linalg.norm(parameters["filters"].reshape(m, -1, architecture.unit_length), axis=2)
        parameters["filters"] = parameters["filters"] / (lengths.max(axis=1, keepdims=True) + 0.1)
    kept.update(said=f"{architecture!r} {loss} {delta} beta={beta!r} m={m} seed={seed}")

    def check(X, y):
        problem = cc.Problem(X, y, architecture=architecture, beta=beta, loss=cc.make_loss(loss, delta=delta))
        r = architecture.free_columns(problem.patches).shape[1]
        network = cc.Network(architecture, **parameters, free=np.random.default_rng(seed).standard_normal(r))
        check_network(problem, network, problem.objective(network), y, loss, delta)
        check_file(network)
        found = cc.audit(problem, network, seed=seed, time_limit=3.0).certificate
        close(found.objective, problem.objective(network), abs(found.objective), "objective of the audit")
        if found.lower_bound > found.objective * (1.0 + 1e-9) + 1e-12:
            raise WrongError(f"lower bound {found.lower_bound!r} above the objective {found.objective!r}")
        if found.scope == cc.Scope.GLOBAL:
            check_bound(problem, found.dual, found.lower_bound, y, loss, delta, seed, network)

    kept.run(check, X, y)

"""The playground's network in plain numpy, and its dual function over all directions, independent of the library."""

import numpy as np
from scipy.optimize import minimize_scalar

from pages._ui.playground.answers import answer

SLOPES = {"relu": (1.0, 0.0), "absolute": (1.0, -1.0), "residual": (2.0, 1.0)}


def solved(scene, *, desk=None, final=True):
    """The answer to a request for the optimum, with the optimum."""
    reply = answer({"id": 1, "kind": "solve", "scene": scene, "final": final}, desk)
    assert reply["error"] is None
    return reply


def rows(scene):
    """Patches (n, K, a) of a scene, window by window."""
    shape, size, stride = scene["shape"], scene["filter"], scene["stride"]
    X = np.array(scene["X"]).reshape(-1, *(shape if len(shape) == 2 else [1, *shape]))
    if len(shape) == 1:
        size, stride = [1, *size], [1, *stride]
    found = [
        X[:, r : r + size[0], c : c + size[1]].reshape(len(X), -1)
        for r in range(0, X.shape[1] - size[0] + 1, stride[0])
        for c in range(0, X.shape[2] - size[1] + 1, stride[1])
    ]
    patches = np.stack(found, axis=1)
    if scene["bias"] in ("regularised", "free"):
        patches = np.concatenate([patches, np.ones((*patches.shape[:2], 1))], axis=2)
    return patches


def phi(scene, U, patches=None):
    """Pooled outputs (n, m) of the filters U (m, a), on the scene's own patches or others."""
    response = np.einsum("nka,ma->nkm", rows(scene) if patches is None else patches, np.atleast_2d(U))
    if scene["activation"] == "quadratic":
        active = response**2
    elif scene["activation"] == "threshold":
        active = (response >= 0.0).astype(float)
    else:
        above, below = (1.0, scene["slope"]) if scene["activation"] == "leaky" else SLOPES[scene["activation"]]
        active = np.where(response >= 0.0, above * response, below * response)
    return {"sum": active.sum, "mean": active.mean, "max": active.max}[scene["pooling"]](axis=1)


def outputs(scene, filters, sizes, free=()):
    """Outputs (n,) of the network sum_j sizes_j phi(filters_j), and the output bias if it has one."""
    level = np.full(len(scene["y"]), float(sum(free)))
    return level + phi(scene, np.array(filters)) @ np.array(sizes) if len(sizes) else level


def scaled(scene, net):
    """Filters and sizes of neurons whose directions have length one, by the homogeneity of the activation."""
    filters, weights = np.array(net["filters"]), np.array(net["weights"])
    length = np.linalg.norm(filters[:, :-1] if scene["bias"] == "free" else filters, axis=1)
    degree = {"quadratic": 2, "threshold": 0}.get(scene["activation"], 1)
    return filters / np.where(length > 0.0, length, 1.0)[:, None], weights * length**degree


def penalty(scene, net):
    """What the weights of a network cost, but for beta: the definition of every network."""
    filters, weights = np.array(net["filters"]), np.array(net["weights"])
    squares = np.square(filters[:, :-1] if scene["bias"] == "free" else filters).sum(axis=1)
    if scene["activation"] == "threshold":
        return float(np.abs(weights).sum())
    return 0.5 * float((squares**2 if scene["activation"] == "quadratic" else squares).sum() + np.square(weights).sum())


def loss(scene, f):
    """Value of the loss."""
    y = np.array(scene["y"])
    if scene["loss"] == "squared":
        return 0.5 * float(((f - y) ** 2).sum())
    return float(np.logaddexp(0.0, -y * f).sum())


def dual(scene, f):
    """Minus the gradient of the loss; beside the best output bias, if there is a free one."""
    y = np.array(scene["y"])
    if scene["bias"] in ("output", "free"):
        f = f + minimize_scalar(lambda b: loss(scene, f + b), bracket=(-1.0, 1.0), tol=1e-12).x
    return y - f if scene["loss"] == "squared" else y / (1.0 + np.exp(y * f))


def highest(scene, v):
    """The largest |v . phi(u)| over all unit filters u, of any bias if that is free.

    The kink of a neuron with a free bias lies on a patch, where v has the sum zero: seen from that patch the neuron has
    no bias. Squares are an eigenvalue problem; thresholds have one value for each cell.
    """
    patches = rows(scene)
    if scene["activation"] == "quadratic":
        scale = 1.0 / patches.shape[1] if scene["pooling"] == "mean" else 1.0
        return float(np.abs(np.linalg.eigvalsh(scale * np.einsum("n,nka,nkb->ab", v, patches, patches))).max())
    if scene["activation"] == "threshold":
        return _highest_step(scene, v, patches)
    if scene["bias"] == "free":
        anchors = np.unique(patches[:, :, :-1].reshape(-1, patches.shape[2] - 1), axis=0)
        seen = [patches[:, :, :-1] - anchor for anchor in anchors]
        if patches.shape[2] == 2:
            return max(float(np.abs(v @ phi(scene, [[1.0], [-1.0]], rest)).max()) for rest in seen)
        return max(_highest_linear(scene, v, rest, 4000 // len(anchors)) for rest in seen)
    return _highest_linear(scene, v, patches, 4000)


def _highest_step(scene, v, patches):
    """Around every crossing of two lines or planes the cells that meet there are visited; zero fires everywhere."""
    cuts, a = _cuts(scene, patches), patches.shape[2]
    angles = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    U = np.concatenate([np.zeros((1, a)), np.random.default_rng(0).standard_normal((2000, a))])
    best = float(np.abs(v @ phi(scene, U, patches)).max())
    for i, normal in enumerate(cuts):
        # where a line ends on the circle, where two planes meet
        corners = np.array([[-normal[1], normal[0]]]) if a == 2 else np.cross(normal, cuts[i + 1 :])
        for corner in corners[np.linalg.norm(corners, axis=1) > 1e-12]:
            corner = corner / np.linalg.norm(corner)
            beside = np.array([normal, -normal]) if a == 2 else around @ np.linalg.svd(corner[None])[2][1:]
            U = np.concatenate([corner + 1e-7 * beside, 1e-7 * beside - corner])
            best = max(best, float(np.abs(v @ phi(scene, U, patches)).max()))
    return best


def _highest_linear(scene, v, patches, tries):
    """The same where phi is linear between cuts, exact on the circle.

    On the sphere it is exact along every great circle where the function bends; between them it is linear, g . u, and
    its top g / |g| is tried for the pieces of many directions.
    """
    if patches.shape[2] == 2:
        return _highest_on_circle(scene, v, patches)
    best = 0.0
    for normal in _cuts(scene, patches):
        plane = np.linalg.svd(normal[None])[2][1:]
        best = max(best, _highest_on_circle(scene, v, patches @ plane.T))
    U = np.random.default_rng(0).standard_normal((max(tries, 400), 3))
    h = 1e-7
    g = np.stack(
        [v @ (phi(scene, U + h * e, patches) - phi(scene, U - h * e, patches)) / (2.0 * h) for e in np.eye(3)], axis=1
    )
    length = np.linalg.norm(g, axis=1)
    if not length.any():
        return best
    tops = g[length > 0.0] / length[length > 0.0, None]
    return max(best, float(np.abs(v @ phi(scene, np.concatenate([tops, -tops]), patches)).max()))


def _cuts(scene, patches):
    """Normals of the lines or planes where phi bends."""
    _, K, a = patches.shape
    cuts = patches.reshape(-1, a)
    if scene["pooling"] == "max":
        cuts = np.concatenate([cuts, *(patches[:, k] - patches[:, other] for k in range(K) for other in range(k))])
    return np.unique(np.round(cuts[np.abs(cuts).max(axis=1) > 0.0], 12), axis=0)


def _highest_on_circle(scene, v, patches):
    cuts = _cuts(scene, patches)
    angle = np.arctan2(cuts[:, 0], -cuts[:, 1])
    edges = np.unique(np.concatenate([angle, angle + np.pi, [0.0, np.pi]]) % (2.0 * np.pi))
    middle = (edges + np.append(edges[1:], edges[0] + 2.0 * np.pi)) / 2.0
    # between two edges the function is g . u, known from its values at two directions
    ends = np.stack([middle - 1e-7, middle + 1e-7], axis=1)
    U = np.stack([np.cos(ends), np.sin(ends)], axis=2)
    g = np.linalg.solve(U, (v @ phi(scene, U.reshape(-1, 2), patches)).reshape(-1, 2, 1))[:, :, 0]
    top = np.arctan2(g[:, 1], g[:, 0])
    angles = np.concatenate([edges, top, top + np.pi])
    return float(np.abs(v @ phi(scene, np.stack([np.cos(angles), np.sin(angles)], axis=1), patches)).max())

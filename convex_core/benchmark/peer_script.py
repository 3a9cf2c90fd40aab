"""One run of a peer library in its own interpreter; needs numpy and that library, nothing of this package.

``python peer_script.py probe`` prints which peers can be imported, with their versions, as JSON.
``python peer_script.py NAME problem.npz answer.npz`` solves a problem with given sign patterns and writes the blocks
of the convex program, the seconds of every run and the peer's own word.

Programs: scnn minimises 1/(2n) ||.||^2 + lambda sum ||.||, so lambda = beta / n; its data must not be rescaled.
adelie with the weights 1/n of its default minimises the same, along a path of lambdas ending at beta / n.
CVXPY is no peer but the usual way to state the program; it is here because its compiler cannot be told to stop.
"""

import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

# blocks, seconds by the clock and of the processor, the peer's own word
Answer = tuple[NDArray[np.float64], tuple[float, float], str]

DISTRIBUTIONS = {"scnn": "pyscnn", "adelie": "adelie"}


def probe() -> dict[str, str]:
    """Versions of the peers that can be imported."""
    found = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            importlib.import_module(name)
            found[name] = importlib.metadata.version(distribution)
        except Exception:
            continue
    return found


def now() -> tuple[float, float]:
    """Wall-clock and processor time."""
    return time.perf_counter(), time.process_time()


def since(begin: tuple[float, float]) -> tuple[float, float]:
    """Seconds of both since then."""
    wall, cpu = now()
    return wall - begin[0], cpu - begin[1]


def run_scnn(data: dict[str, Any]) -> Answer:
    """Augmented Lagrangian method of scnn on the fully connected problem with given gates."""
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    X, y = data["X"], data["y"]
    begin = now()
    model = ConvexReLU(np.ascontiguousarray(data["directions"].T))
    model, _ = optimize_model(
        model,
        AL(model),
        Metrics(),
        X,
        y.reshape(-1, 1),
        regularizer=NeuronGL1(float(data["betas"][-1]) / len(y)),
        return_convex=True,
        unitize_data=False,
        dtype="float64",
    )
    seconds = since(begin)
    # scnn sorts its gates
    order = [int(np.argmin(np.abs(data["directions"] - gate).max(axis=1))) for gate in np.asarray(model.G).T]
    C = np.zeros((2, *data["directions"].shape))
    for part, blocks in zip(C, model.parameters, strict=True):
        part[order] = np.asarray(blocks, dtype=float)[0]
    return C.reshape(-1, C.shape[2]), seconds, "finished"


def run_adelie(data: dict[str, Any]) -> Answer:
    """Block coordinate descent of adelie, a warm-started path to the last beta, one linear constraint a group."""
    import adelie

    G, rows, sides, y = data["G"], data["rows"], data["sides"], data["y"]
    P, n, p = G.shape
    begin = now()
    both = np.concatenate([G, -G])
    X = np.asfortranarray(both.transpose(1, 0, 2).reshape(n, 2 * P * p))
    cones = [np.ascontiguousarray(side[:, None] * rows) for side in sides]
    low, high = np.zeros(len(rows)), np.full(len(rows), np.inf)
    state = adelie.grpnet(
        X,
        adelie.glm.gaussian(y=y, dtype=np.float64),
        constraints=[adelie.constraint.linear(cone, low, high) for _ in range(2) for cone in cones],
        groups=np.arange(2 * P) * p,
        penalty=np.ones(2 * P),
        lmda_path=data["betas"] / n,
        intercept=False,
        early_exit=False,
        progress_bar=False,
    )
    seconds = since(begin)
    betas = state.betas
    done = betas.shape[0]
    word = "finished" if done == len(data["betas"]) else f"stopped at point {done} of {len(data['betas'])}"
    return betas[done - 1].toarray().reshape(2 * P, p), seconds, word


def run_cvxpy(data: dict[str, Any]) -> Answer:
    """CVXPY and Clarabel as the program is written on paper: two variables and two constraints for each pattern."""
    import warnings

    import cvxpy as cp

    warnings.filterwarnings("ignore", message=".*contains too many subexpressions")
    G, rows, sides, y = data["G"], data["rows"], data["sides"], data["y"]
    begin = now()
    outputs, norms, constraints = 0.0, 0.0, []
    variables: tuple[list[Any], list[Any]] = ([], [])
    for gate, side in zip(G, sides, strict=True):
        cone = side[side != 0, None] * rows[side != 0]
        plus, minus = cp.Variable(G.shape[2]), cp.Variable(G.shape[2])
        outputs = outputs + gate @ (plus - minus)
        norms = norms + cp.norm(plus) + cp.norm(minus)
        constraints += [cone @ plus >= 0, cone @ minus >= 0]
        variables[0].append(plus)
        variables[1].append(minus)
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(outputs - y) + float(data["betas"][-1]) * norms), constraints)
    model.solve(solver=cp.CLARABEL)
    seconds = since(begin)
    return np.array([variable.value for part in variables for variable in part]), seconds, str(model.status)


def peak_bytes() -> int:
    """Largest resident memory of this process; 0 where the system does not tell."""
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 0


RUNNERS: dict[str, Callable[[dict[str, Any]], Answer]] = {"scnn": run_scnn, "adelie": run_adelie, "cvxpy": run_cvxpy}


def main(arguments: list[str]) -> None:
    """Probe or run; runs are repeated until `repeat` of them, or the time limit, are reached."""
    if arguments == ["probe"]:
        print(json.dumps(probe()))
        return
    name, source, target = arguments
    data = dict(np.load(source))
    seconds, begin = [], time.perf_counter()
    while True:
        C, spent, word = RUNNERS[name](data)
        seconds.append(spent)
        if len(seconds) >= int(data["repeat"]) or time.perf_counter() - begin + spent[0] > float(data["time_limit"]):
            break
    np.savez(target, C=C, seconds=np.array(seconds), word=word, peak=peak_bytes())


if __name__ == "__main__":
    main(sys.argv[1:])

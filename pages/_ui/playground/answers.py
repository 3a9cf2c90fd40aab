"""What Python answers to the browser: one dictionary in, one out, nothing of Streamlit in between.

A request is read as a stranger's: a fault in it becomes one sentence in ``error``. Everything that is claimed about a
network is the library's: objectives by a forward pass, ceilings and bounds by its search over all cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convex_core import ConvexCoreError, Interrupted, Problem, Scope, Solution, Status
from convex_core.data import Dataset
from convex_core.numerics.threads import one_blas_thread

from . import by_hand, link, sgd
from .cells import LIVE_SECONDS, Cells, estimated_seconds, finite, search, solve_scene
from .directions import unit_neurons
from .scene import Scene, read_choice, read_integer, read_scene
from .scenes import SCENES, built_in

__all__ = ["FINAL_SECONDS", "KINDS", "LIMIT_SECONDS", "Desk", "answer"]

_Array = NDArray[np.float64]

KINDS = ("solve", "sgd", "add", "send", "go", "report", "scene")
#: Longest time for an answer while something is dragged, and once it is let go.
LIMIT_SECONDS, FINAL_SECONDS = 0.5, 5.0
_MAX_ID = 2**53
#: Characters of a link that a report repeats.
_MAX_LINK = 10_000


@dataclass(slots=True)
class Desk:
    """What is kept between the requests of one session: the cells searched last, the last optimum, one run of SGD."""

    cells: Cells | None = None
    optimum: tuple[tuple[object, ...], dict[str, Any]] | None = None
    run: sgd.Run | None = None
    #: Seconds that the cells were searched for at most.
    allowed: float = 0.0

    def known(self, scene: Scene, seconds: float) -> Cells | None:
        """The cells of a scene where they are at hand; a part of them is what as many seconds gave before."""
        if self.cells is None or self.cells.key != scene.cells_key:
            return None
        return self.cells if self.cells.whole or self.allowed >= seconds else None

    def cells_of(self, scene: Scene, problem: Problem, seconds: float) -> Cells:
        """The cells of a scene, searched again where those at hand are of another one, or found in less time."""
        found = self.known(scene, seconds)
        if found is None:
            found = self.cells = search(scene, problem, seconds)
            self.allowed = seconds
        return found


@one_blas_thread()
def answer(
    request: object, desk: Desk | None = None, send: Callable[[Scene], str | None] | None = None
) -> dict[str, Any]:
    """Answer one request.

    Parameters
    ----------
    request : object
        What the browser sent: ``id``, ``kind``, ``scene``, ``final``, and what the kind needs besides.
    desk : Desk, optional
        What is kept for this session.
    send : callable, optional
        Makes a scene's data the dataset of the other pages, and returns what becomes other there.

    Examples
    --------
    >>> scene = {"X": [[2, 0], [0, 1]], "y": [1, 0], "shape": [2], "filter": [2], "beta": 0.5}
    >>> optimum = answer({"id": 1, "kind": "solve", "scene": scene, "final": True})["optimum"]
    >>> optimum["status"], optimum["sizes"][0] > 0.0, abs(optimum["ceiling"] - 1.0) < 1e-6
    ('optimal', True, True)
    >>> answer({"id": 2, "kind": "solve", "scene": {**scene, "beta": -1}})["error"]
    'beta: got -1, expected a number from 0.0001 to 1000'
    """
    desk = Desk() if desk is None else desk
    given = request if isinstance(request, Mapping) else {}
    reply = _nothing(given)
    try:
        reply["id"] = read_integer(given.get("id", 0), "id", 0, _MAX_ID)
        kind = reply["kind"] = read_choice(given.get("kind"), "kind", KINDS)
        scene = built_in(str(given.get("name"))) if kind == "scene" else read_scene(given.get("scene"))
        final = kind == "scene" or bool(given.get("final", False))
        problem = scene.problem()
        reply["zero"] = problem.loss.value(np.zeros(problem.size), problem.y)
        if kind in ("solve", "scene"):
            reply |= _solved(scene, problem, desk, final)
            if final:
                reply["link"] = link.address(scene)
        elif kind == "sgd":
            cells = desk.cells_of(scene, problem, FINAL_SECONDS)
            desk.run, reply["sgd"] = sgd.pull(scene, problem, cells, given, desk.run)
        elif kind == "add":
            cells = desk.cells_of(scene, problem, FINAL_SECONDS)
            reply["added"] = by_hand.add(problem, cells, given)
        elif kind == "report":
            reply["report"] = _report(scene, problem, desk, given.get("link"))
        elif send is not None:
            reply["differs"] = send(scene)
            reply["sent"] = True
    except ConvexCoreError as error:
        reply["error"] = " ".join(str(error).split())
    return reply


def _nothing(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": given.get("id") if isinstance(given.get("id"), int) else 0,
        "kind": given.get("kind") if isinstance(given.get("kind"), str) else "",
        "error": None,
        "live": True,
        "estimate": None,
        "zero": 0.0,
        "optimum": None,
        "link": None,
        "sgd": None,
        "added": None,
        "report": None,
        "sent": False,
        "differs": None,
    }


def _solved(scene: Scene, problem: Problem, desk: Desk, final: bool) -> dict[str, Any]:
    """The optimum, unless it would take too long while something is dragged.

    What is let go has often been answered already, where it was held last.
    """
    if desk.optimum is not None and desk.optimum[0] == scene.key:
        return {"live": True, "estimate": None, "optimum": desk.optimum[1]}
    seconds = estimated_seconds(problem) if desk.known(scene, FINAL_SECONDS) is None else 0.0
    live = seconds <= LIVE_SECONDS
    estimate = None if live else f"about {min(seconds, FINAL_SECONDS):.1g} s"
    reply = {"live": live, "estimate": estimate}
    if not (live or final):
        return reply
    limit = FINAL_SECONDS if final else LIMIT_SECONDS
    try:
        cells = desk.cells_of(scene, problem, limit)
    except Interrupted:
        return {**reply, "live": False, "estimate": f"more than {limit:g} s"}
    solution = solve_scene(cells, problem, limit)
    optimum = _optimum(problem, cells, solution)
    # more time finds more cells where those at hand are a part
    lasting = solution.status is Status.OPTIMAL and (cells.whole or final)
    desk.optimum = (scene.key, optimum) if lasting else None
    return {**reply, "optimum": optimum}


def _optimum(problem: Problem, cells: Cells, solution: Solution) -> dict[str, Any]:
    filters, sizes = unit_neurons(problem, solution.network.parameters)
    order = np.argsort(-np.abs(sizes), kind="stable")
    v = _dual(problem, solution)
    proof = cells.prove(problem, v, lower=False)
    return {
        "objective": solution.network_objective,
        "lower_bound": finite(solution.lower_bound),
        "gap": finite(solution.relative_gap),
        "status": str(solution.status),
        "status_text": _sentence(solution),
        "scope": str(solution.scope),
        "filters": filters[order].tolist(),
        "sizes": sizes[order].tolist(),
        "free": solution.network.free.tolist(),
        "predictions": solution.predictions.tolist(),
        "dual": v.tolist(),
        "ceiling": proof.ceiling,
        "peak": proof.peak.tolist(),
        "patterns": solution.patterns,
        "seconds": solution.seconds.total,
    }


def _report(scene: Scene, problem: Problem, desk: Desk, link: object) -> str:
    """The page about the optimum of a scene."""
    cells = desk.cells_of(scene, problem, FINAL_SECONDS)
    solution = solve_scene(cells, problem, FINAL_SECONDS)
    title = SCENES[scene.name].title if scene.name in SCENES and not scene.edited else "data made by hand"
    data = Dataset(f"playground, {title}", scene.X, scene.y, input_shape=scene.shape)
    shown = link if isinstance(link, str) and link.startswith(("http://", "https://")) else None
    return solution.report(dataset=data, link=shown[:_MAX_LINK] if shown else None).html()


def _dual(problem: Problem, solution: Solution) -> _Array:
    """The dual vector behind the bound; that of the network where there is no bound."""
    if math.isfinite(solution.certificate.restricted_lower_bound):
        return solution.dual
    return -problem.loss.gradient(solution.predictions, problem.y)


def _sentence(solution: Solution) -> str:
    """How good the optimum is, in one sentence."""
    count = solution.patterns
    many = "all directions" if count is None else "the only cell" if count == 1 else f"all {count:,} cells"
    if solution.status is Status.OPTIMAL:
        return f"Proved best: {many} covered, gap {_percent(solution.relative_gap)}."
    if solution.scope is Scope.RESTRICTED:
        return "Best network found. Not every cell was searched, so nothing is proved about others."
    return f"Best so far: at most {_percent(solution.relative_gap)} above the best possible. {solution.status.text}"


def _percent(share: float) -> str:
    return "below 0.0001 %" if share < 1e-6 else f"{100 * share:.2g} %"

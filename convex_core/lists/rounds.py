"""Rounds of training over a list: columns, beta from a hold-out, the program, its certificate, and a longer list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import frozen
from ..errors import InputError, Interrupted
from ..numerics.threads import one_blas_thread
from ..progress import Budget
from ..status import Status
from .admm import State, iterate
from .certificate import ListCertificate, certify_list
from .columns import Columns, make_columns
from .designs import Design
from .features import ListFeatures
from .moments import Moment, Watch
from .network import network_of
from .norms import ListNorm
from .prices import search_prices
from .solution import ListedSolution, PathPoint
from .weighted import WeightedLoss

__all__ = ["RATIOS", "Measure", "Trainer"]

_Array = NDArray[np.float64]
#: Loss (or whatever counts) of outputs (n, q) at targets (n, q) with weights (n,): smaller is better.
Measure = Callable[[_Array, _Array, _Array], tuple[float, ...]]

#: Values of beta that a hold-out chooses from, over the smallest beta that gives the zero network.
RATIOS = (0.1, 0.03, 0.01, 0.003, 0.001)
# share of the samples that is held out, and most of them
_HELD, _MOST_HELD = 0.25, 2500
# fewest samples for a hold-out; beta over the largest one without
_FEWEST, _WITHOUT = 8, 0.03
# relative gap on the path, where only the order of the hold-out losses counts
_ROUGH = 1e-2
# values of beta after the best one at which the path ends
_WORSE = 2
# share of the time for the path
_PATH = 0.5
# the certificate computes all columns once more, in double precision
_AGAIN = 2.5
# directions that are looked at for prices, steps of each where the list is to grow, and where they are only shown:
# on 1,050 images of MNIST two steps met 0.9 of the price that five met, and these took half the time of the whole fit
_STARTS, _STEPS, _SHOWN = 16, 5, 2
# relative gap below which columns are in double precision from the start
_PRECISE = 1e-5
# share of the list that a round adds
_GROWTH = 0.25


@dataclass(slots=True)
class Trainer:
    """One training problem; features change as the list grows."""

    X: _Array
    loss: WeightedLoss
    norm: ListNorm
    free: bool
    tol: float
    patches: _Array
    rng: np.random.Generator
    measure: Measure | None
    budget: Budget
    watch: Watch | None = None

    @one_blas_thread()
    def train(self, features: ListFeatures, beta: float | None, max_rounds: int, seed: int) -> ListedSolution:
        """Train over the list of `features`; without beta one is chosen first."""
        if features.gated and self.norm.name == "group":
            raise InputError("norm: got group with given gates, expected nuclear or l1: a gate has many filters")
        n = len(self.X)
        held = np.zeros(0, np.int64)
        if beta is None and n >= _FEWEST:
            held = np.sort(self.rng.permutation(n)[: min(int(_HELD * n), _MOST_HELD)])
        path: list[PathPoint] = []
        start: State | None = None
        state: State | None = None
        certificate: ListCertificate | None = None
        rounds = 0
        precise = self.tol < _PRECISE
        try:
            while True:
                before = self.budget.seconds
                columns = make_columns(
                    features, self.X, self.loss, held, free=self.free, precise=precise, budget=self.budget
                )
                reserve = _AGAIN * (self.budget.seconds - before)
                inner = self._without(reserve)
                if beta is None and len(held):
                    beta, start, path = self._choose(features, columns, held, inner.part(_PATH))
                design, mean = columns.design(self.loss, np.arange(n), free=self.free)
                if beta is None:
                    beta = _WITHOUT * self._top(features, self.loss, design)
                state = iterate(
                    design, self.loss, self.norm, beta, features.shape,
                    free=self.free, tol=0.9 * self.tol, budget=inner, start=start,
                    seen=self._seen(features, beta, mean, chosen=True),
                )  # fmt: skip
                last = state
                state = replace(state, b=state.b - mean @ _flat(state.Z, self.loss.q))
                del design, columns
                # a short certificate is not left out because the time is over
                patient = Budget(progress=self.budget.progress) if reserve < 0.5 else self.budget
                certificate = certify_list(
                    features, self.X, self.loss, self.norm, beta, state, free=self.free, budget=patient
                )
                if state.status is Status.OPTIMAL and certificate.relative_gap > self.tol and not precise:
                    precise, start, held = True, last, np.zeros(0, np.int64)  # single precision was not enough
                    continue
                rounds += 1
                certificate, others = self._look(features, certificate, _STEPS if rounds < max_rounds else _SHOWN)
                if rounds == max_rounds or not len(others) or self.budget.stop() is not None:
                    break
                features, start = self._grown(features, others, last)
                held = np.zeros(0, np.int64)
        except Interrupted as stopped:
            status = stopped.status
        else:
            status = state.status
            if status is Status.OPTIMAL:
                reached = certificate.relative_gap <= self.tol
                status = Status.RESTRICTED_OPTIMUM if reached else Status.PRECISION
        return self._answer(features, beta, state, certificate, status, path, rounds, seed)

    def _answer(
        self,
        features: ListFeatures,
        beta: float | None,
        state: State | None,
        certificate: ListCertificate | None,
        status: Status,
        path: list[PathPoint],
        rounds: int,
        seed: int,
    ) -> ListedSolution:
        """What there is; without any state the network without filters."""
        loss = self.loss
        beta = beta if beta is not None else path[-1].beta if path else 1.0
        if state is None or np.size(state.Z) != features.N * loss.q:
            b = loss.constant() if self.free else np.zeros(loss.q)
            weights: NDArray[np.floating] = np.zeros((*features.shape, loss.q))
            value = loss.value(np.broadcast_to(b, loss.Y.shape))
        else:
            b, weights, value = state.b, state.Z, state.upper
        network = network_of(features, self.norm, weights, b)
        if certificate is None or certificate.listed != features.P:
            certificate = ListCertificate(value, 0.0, beta, features.P, features.gated, frozen(np.zeros(loss.Y.shape)))
        iterations = 0 if state is None else state.iterations
        return ListedSolution(
            network, certificate, status, tuple(path), features.directions, iterations, rounds,
            self.budget.seconds, seed,
        )  # fmt: skip

    def _without(self, seconds: float) -> Budget:
        """The budget less the time that the certificate will take."""
        if self.budget.time_limit is None:
            return self.budget
        return replace(self.budget, time_limit=max(self.budget.time_limit - seconds, 1e-9))

    def _top(self, features: ListFeatures, loss: WeightedLoss, design: Design) -> float:
        """The smallest beta that gives the network without filters: its largest price."""
        root = np.sqrt(loss.weight) if loss.squared else loss.weight
        products = design.back(root[:, None] * loss.first_dual(free=self.free)).astype(np.float64)
        return float(self.norm.dual(products.reshape(*features.shape, loss.q)).max()) or 1.0

    def _choose(
        self, features: ListFeatures, columns: Columns, held: NDArray[np.int64], budget: Budget
    ) -> tuple[float, State | None, list[PathPoint]]:
        """Beta by the hold-out, along a path of decreasing values with warm starts."""
        loss = self.loss
        train = np.setdiff1d(np.arange(len(self.X)), held)
        part = WeightedLoss(loss.loss, loss.Y[train], loss.weight[train])
        design, mean = columns.design(part, train, free=self.free)
        outside = columns.held_out()
        Y, weight = loss.Y[held], loss.weight[held]
        measure = self.measure or (lambda F, Y, w: (WeightedLoss(loss.loss, Y, w).value(F),))
        share = part.weight.sum() / loss.weight.sum()
        top = self._top(features, part, design) / share
        points: list[PathPoint] = []
        best: tuple[tuple[float, ...], float, State] | None = None
        state: State | None = None
        worse = 0
        for before, ratio in zip((RATIOS[0], *RATIOS), RATIOS, strict=False):
            if budget.stop() is not None and best is not None:
                break
            state = _at(state, ratio / before)
            state = iterate(
                design, part, self.norm, ratio * top * share, features.shape,
                free=self.free, tol=_ROUGH, budget=budget, start=state,
                seen=self._seen(features, ratio * top, mean, chosen=False),
            )  # fmt: skip
            Z = _flat(state.Z, loss.q)
            F = (outside @ Z.astype(outside.dtype)).astype(np.float64) + (state.b - mean @ Z)
            measured = measure(F, Y, weight)
            active = int(np.count_nonzero(np.abs(state.Z).reshape(features.P, -1).max(axis=1)))
            points.append(PathPoint(ratio * top, measured, active, state.gap, state.iterations))
            if best is None or measured < best[0]:
                best, worse = (measured, ratio, state), 0
            else:
                worse += 1
            if worse == _WORSE:
                break
        assert best is not None
        return best[1] * top, _at(best[2], 1.0 / share), points

    def _seen(
        self, features: ListFeatures, beta: float, mean: _Array, *, chosen: bool
    ) -> Callable[[NDArray[np.floating], _Array, float, float], None] | None:
        """What tells the one who watches about the best weights so far; columns had `mean` taken off."""
        watch = self.watch
        if watch is None:
            return None

        def seen(Z: NDArray[np.floating], b: _Array, upper: float, lower: float) -> None:
            flat = _flat(Z, self.loss.q)
            watch(Moment(self.budget.seconds, beta, chosen, upper, lower, features, flat, b - mean @ flat))

        return seen

    def _look(self, features: ListFeatures, certificate: ListCertificate, steps: int) -> tuple[ListCertificate, _Array]:
        """The certificate with the largest price that others have, and those that would help."""
        V = self.loss.weight[:, None] * certificate.dual
        try:
            directions, prices = search_prices(
                features, self.X, V, self.norm, self.patches, starts=_STARTS, steps=steps, rng=self.rng,
                budget=self.budget,
            )  # fmt: skip
        except Interrupted:
            return certificate, np.zeros((0, features.geometry.h))
        over = prices / certificate.beta
        looked = replace(certificate, price=float(over[0]), looked=len(over))
        return looked, directions[over > 1.0 + self.tol]

    def _grown(self, features: ListFeatures, others: _Array, last: State) -> tuple[ListFeatures, State]:
        """The list with the directions that help most, and the state with zeros for them."""
        new = others[: max(1, int(_GROWTH * features.P))]
        grown = replace(features, directions=np.concatenate([features.directions, new]))
        more = np.zeros((grown.N - features.N, self.loss.q), last.last.dtype)
        start = replace(last, last=np.concatenate([last.last, more]), U=np.concatenate([last.U, more]))
        return grown, start


def _at(state: State | None, factor: float) -> State | None:
    """Where to begin at beta times `factor`: the multiplier, rho U, is a subgradient of the penalty and grows with it.

    With rho in proportion to beta that holds as U stays, and rho need not be looked for once more: each time it
    changes, there is another factorisation. So it is with the multiplier of the outputs, which has prices of beta.
    """
    return None if state is None else replace(state, rho=factor * state.rho, rho_f=factor * state.rho_f)


def _flat(Z: NDArray[np.floating], q: int) -> _Array:
    return np.asarray(Z, dtype=np.float64).reshape(-1, q)

r"""The claims of a report of training over a list, computed again from the images that it names.

For the list :math:`u_1, \dots, u_P`, its pooled columns :math:`G_j`, and the dual vector V of the report,

.. math:: \nu^*(G_j^T V) \le \beta \;\; \text{for every } j \quad\Longrightarrow\quad D(V) \le p^*_\text{list} .

V is made feasible again and every price is computed, so that the bound that is found holds whatever the file says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path as FilePath

import numpy as np
from numpy.typing import NDArray

from ...data import Dataset, dataset_info, dataset_names, load_dataset, read_dataset
from ...errors import InputError
from ...lists.norms import ListNorm
from ...lists.weighted import WeightedLoss
from ...losses import make_loss
from ...numerics.threads import one_blas_thread
from ...progress import Budget
from ...solvers.dual_bound import relative_gap
from ...status import Scope, Status
from ..claims import compared
from ..verdicts import Check, Verdict
from .arrays import image_hash
from .reading import ListedState, shown_images

__all__ = ["RECORDS", "ListedClaims"]

#: What no later computation can say anything about.
RECORDS = (
    "seconds, the curve, values of beta that were tried, other methods, the price of filters outside the list, wanted "
    "gap, seed, date, versions, link, and what is said about the images in words are records"
)
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ListClaimSettings:
    """By how much numbers may differ that are computed on two machines."""

    relative_list: float = 1e-9  # of the objective and of lengths
    close: float = 1e-9  # of the largest output: two classes that are as close may change places


SETTINGS = ListClaimSettings()


class ListedClaims:
    """Three stages: the images, what the network says and costs, and the prices of the list."""

    def __init__(self, state: ListedState, given: str | FilePath | Dataset | None, checks: list[Check]) -> None:
        self.state, self.given, self.checks = state, given, checks
        self.data: Dataset | None = None
        # a file that cannot be read is the fault of who gave it, and said at once
        self.offered = self._offered() if given is not None else None

    def say(self, name: str, right: bool, text: str) -> None:
        """Note a claim that holds or does not."""
        self.checks.append(Check(name, Verdict.HOLDS if right else Verdict.FAILS, text))

    def open(self, name: str, text: str) -> None:
        """Note a claim that could not be checked."""
        self.checks.append(Check(name, Verdict.UNDECIDED, text))

    def _offered(self) -> Dataset:
        """The images that were given."""
        source = self.state.source
        if isinstance(self.given, Dataset):
            return self.given.numbered()
        if source is not None and source.dataset in dataset_names() and dataset_info(source.dataset).needs_files:
            return self._drawn({"path": str(self.given)})
        return read_dataset(str(self.given)).numbered()

    def _drawn(self, where: dict[str, str]) -> Dataset:
        source = self.state.source
        assert source is not None
        seed = {} if source.seed is None else {"seed": source.seed}
        return load_dataset(source.dataset, **{**seed, **source.options, **where}).numbered()

    def images(self, budget: Budget) -> None:
        """Find the images and compare their hash."""
        budget.report("verify", "finding the images")
        state = self.state
        found = self.offered
        if found is None and state.source is not None and state.source.dataset in dataset_names():
            try:
                found = self._drawn({})
            except (InputError, TypeError):
                found = None  # not on this computer, or options that the dataset does not have
        if found is None:
            self.open(
                "images", f"{state.name[:60]} is not here, and a report of training names its images: give their file"
            )
            return
        mine = self.offered is None and state.source is not None and not dataset_info(state.source.dataset).needs_files
        if image_hash(found) != state.sha256:
            words = "other images than those that were trained on"
            if mine:
                self.say("images", False, words)
            else:
                self.open("images", f"{words}: give the file that was used")
            return
        if (found.n, 0 if found.y_test is None else len(found.y_test)) != (state.n, state.n_test):
            self.say("images", False, f"{found.n} and {state.n_test} claimed for training and test")
            return
        self.data = found
        self.say("images", True, f"{state.n:,} for training and {state.n_test:,} for the test, by their hash")
        names = list(found.labels) if found.labels is not None else [str(k) for k in range(found.classes or 0)]
        self.say("names of classes", names == list(state.names), ", ".join(names)[:80])
        same = found.input_shape == state.features.geometry.input_shape
        same = same and np.array_equal(shown_images(found), state.shown)
        self.say("pictures", same, f"the first {len(state.shown)} training images")
        present = np.unique(found.y).astype(np.int64)
        if not np.array_equal(present, state.classes):
            self.say("classes", False, f"{state.classes.tolist()} claimed, {present.tolist()} found"[:120])
            self.data = None

    @one_blas_thread()
    def near(self, budget: Budget) -> None:
        """What follows from the numbers, the objective, and the test images."""
        state = self.state
        self._words()
        self._listed()
        if self.data is None:
            return
        X, loss = self._problem(self.data)
        budget.report("verify", "running the network")
        found = loss.value(state.network.outputs(X)) + state.beta * state.network.regulariser
        allowed = SETTINGS.relative_list * abs(found)
        self.say("objective", abs(found - state.objective) <= allowed, compared(state.objective, found))
        self._test(self.data)

    def _problem(self, data: Dataset) -> tuple[_Array, WeightedLoss]:
        """Samples that differ, and the loss with their targets and weights."""
        from ...estimators.samples import canonical, class_targets  # scikit-learn comes with it

        state = self.state
        place = np.searchsorted(state.classes, data.y.astype(np.int64))
        X, Y, weight = canonical(data.X, class_targets(place, len(state.classes), state.loss), np.ones(data.n))
        return X, WeightedLoss(make_loss(state.loss), Y, weight)

    def _words(self) -> None:
        state = self.state
        gap = relative_gap(state.objective, state.lower_bound)
        reached = state.status is Status.RESTRICTED_OPTIMUM
        same = math.isclose(gap, state.relative_gap, rel_tol=1e-9, abs_tol=1e-15)
        wrong = [
            *([] if same else [f"gap {state.relative_gap:.3g}, but it is {gap:.3g} between these bounds"]),
            *([] if state.scope is Scope.RESTRICTED else [f"scope {state.scope}, but the bound is over a list"]),
            *([f"status {state.status}, gap {gap:.3g}"] if reached and gap > state.tol else []),
            *([f"status {state.status}"] if state.status in (Status.OPTIMAL, Status.BOUND_REACHED) else []),
        ]
        self.say("words", not wrong, "; ".join(wrong) or f"{state.status}, {state.scope}, as they should be")

    def _listed(self) -> None:
        """The filters are read as multiples of listed ones; these have length one."""
        lengths = np.linalg.norm(self.state.features.directions, axis=1)
        right = bool((np.abs(lengths - 1.0) <= SETTINGS.relative_list).all())
        self.say("list", right, f"{self.state.network.m} filters out of {len(lengths)} listed ones of length one")

    def _test(self, data: Dataset) -> None:
        state = self.state
        if data.X_test is None or data.y_test is None:
            return
        scores = state.network.outputs(data.X_test)
        if scores.shape[1] == 1:
            scores = np.concatenate([-scores, scores], axis=1)
        said = state.classes[scores.argmax(axis=1)]
        counts = np.zeros_like(state.confusion)
        np.add.at(counts, (data.y_test.astype(np.int64), said), 1)
        best = np.sort(scores, axis=1)
        close = int(np.sum(best[:, -1] - best[:, -2] <= SETTINGS.close * max(1.0, float(np.abs(scores).max()))))
        moved = int(np.abs(counts - state.confusion).sum())
        right = int(np.trace(state.confusion))
        same = moved <= 2 * close and state.confusion.sum() == len(scores)
        same = same and math.isclose(state.accuracy, right / len(scores), rel_tol=1e-12)
        self.say("test", same, f"{right} of {len(scores)} claimed right, {int(np.trace(counts))} found")

    @one_blas_thread()
    def far(self, budget: Budget) -> None:
        """The prices of all listed filters, and the bound that they allow."""
        state = self.state
        if self.data is None:
            return
        X, loss = self._problem(self.data)
        if state.dual.shape != loss.Y.shape:
            self.say("lower bound", False, f"a dual vector {state.dual.shape} for targets {loss.Y.shape}")
            return
        V = loss.feasible(state.dual, balanced=True)
        pull = np.zeros((state.features.N, loss.q))
        for part, G in state.features.stream(X, np.float64, budget, stage="verify"):
            pull += G.T @ (loss.weight[part, None] * V[part])
        tau = float(ListNorm("group").dual(pull.reshape(*state.features.shape, loss.q)).max(initial=0.0))
        budget.check("bounds")
        found = max(loss.dual_value(loss.dual_scale(V, tau, state.beta) * V), 0.0)
        words = f"at most {min(tau / state.beta, 1.0):.9g} of beta over {state.features.P} listed filters"
        self.say("largest price", True, words)
        right = found >= state.lower_bound - SETTINGS.relative_list * abs(state.objective)
        self.say("lower bound", right, compared(state.lower_bound, found))

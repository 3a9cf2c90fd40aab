r"""The certificate of a program over a list: both bounds, computed anew in double precision from the data.

For any weights C and biases b the objective is a bound from above. For any V in the domain of the conjugate, with
:math:`1^T \omega V = 0` where the biases are free, and no price :math:`\nu^*(G_i^T \omega V)` above beta, the dual
objective is a bound from below, **over the list**: networks with other filters may lie below it. How much other filters
would still help is shown beside it: the largest price over beta that ascent from random directions met.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import frozen
from ..progress import Budget
from ..solvers.dual_bound import relative_gap
from ..status import Scope
from .admm import State
from .features import ListFeatures
from .norms import ListNorm
from .weighted import WeightedLoss

__all__ = ["ListCertificate", "certify_list"]

_Array = NDArray[np.float64]

# share of its entries that the sum of a dual vector may be off to be taken for balanced
_OUTSIDE = 1e-9


@record
@dataclass(frozen=True, slots=True)
class ListCertificate:
    """Bounds on the training problem over listed filters or gates.

    Attributes
    ----------
    objective : float
        Loss plus penalty of the network, in double precision from the data.
    lower_bound : float
        No network over the list is below it; 0 where the time ended before there was another.
    beta : float
        Regularisation.
    listed : int
        Filters or gates in the list.
    gated : bool
        Whether they are gates.
    dual : (n, q) float64
        The dual vector behind the lower bound, for one unit of weight.
    price : float
        Largest price over beta of the other directions that were looked at: above 1 they would still help; nan if none
        was looked at.
    looked : int
        How many directions those are.

    Examples
    --------
    >>> bounds = ListCertificate(2.0, 1.9, 0.1, 200, False, np.zeros((3, 1)), 1.4, 16)
    >>> f"{bounds.relative_gap:.2f}", bounds.scope.value
    ('0.05', 'restricted')
    >>> bounds.text.split(". ")[0]
    'Exact over the 200 listed filters, within 5e-02'
    """

    objective: float
    lower_bound: float
    beta: float
    listed: int
    gated: bool
    dual: _Array
    price: float = math.nan
    looked: int = 0

    @property
    def relative_gap(self) -> float:
        """``(objective - lower_bound) / objective``."""
        return relative_gap(self.objective, self.lower_bound)

    @property
    def scope(self) -> Scope:
        """Restricted: the lower bound covers the list."""
        return Scope.RESTRICTED

    @property
    def text(self) -> str:
        """What is certified, and what is not, in two sentences."""
        kind = "gate" if self.gated else "filter"
        first = f"Exact over the {self.listed:,} listed {kind}s, within {self.relative_gap:.0e}."
        if not self.looked:
            return f"{first} Others were not looked at."
        if self.price <= 1.0:
            return f"{first} None of {self.looked} others that were looked at would help."
        return (
            f"{first} Others would still help: the best of {self.looked} that were looked at has {self.price:.3g} "
            f"times the price at which a {kind} begins to pay."
        )


def certify_list(
    features: ListFeatures,
    X: _Array,
    loss: WeightedLoss,
    norm: ListNorm,
    beta: float,
    state: State,
    *,
    free: bool,
    budget: Budget,
) -> ListCertificate:
    """Both bounds of a state, its columns computed anew in double precision.

    Parameters
    ----------
    features : ListFeatures
        The list.
    X : (n, d)
        Inputs.
    loss, norm, beta, free
        As for the iteration.
    state : State
        Weights, biases, and a dual vector, or the weights whose residual is one.
    budget : Budget
        For progress.

    Raises
    ------
    Interrupted
        If the budget ends first.
    """
    shape = (*features.shape, loss.q)
    Z = np.asarray(state.Z, dtype=np.float64).reshape(features.N, loss.q)
    weight = loss.weight[:, None]
    C = None if state.V is not None else np.asarray(state.C, dtype=np.float64)
    V = np.empty_like(loss.Y) if state.V is None else loss.feasible(state.V, balanced=free)
    F = np.empty_like(loss.Y)
    products, ones = np.zeros((features.N, loss.q)), np.zeros(features.N)
    for part, G in features.stream(X, np.float64, budget, stage="certify"):
        F[part] = G @ Z + state.b
        if C is not None:
            V[part] = loss.Y[part] - G @ C
        products += G.T @ (weight[part] * V[part])
        ones += G.T @ loss.weight[part]
    if C is not None and free:
        mean = loss.weight @ V / loss.weight.sum()
        V -= mean
        products -= np.outer(ones, mean)
    objective = loss.value(F) + beta * norm.value(np.asarray(state.Z, dtype=np.float64))
    if free:
        # one sample, and one label for all, leave nothing but rounding errors, which no bias balances
        off, size = np.abs(loss.weight @ V), loss.weight @ np.abs(V)
        if (off > _OUTSIDE * size).any():
            V, products = np.zeros_like(V), np.zeros_like(products)
    tau = float(norm.dual(products.reshape(shape)).max(initial=0.0))
    V = loss.dual_scale(V, tau, beta) * V
    lower = max(loss.dual_value(V), 0.0)
    return ListCertificate(objective, lower, beta, features.P, features.gated, frozen(V))

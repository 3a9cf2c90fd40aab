r"""Pricing with free biases: the kink of an atom is at a data patch, so that each patch is priced alone, by any pricer.

.. math:: \tau(v) = \max_a \tau_a(v), \qquad \tau_a(v) = \max_{\|u\| \le 1} |v^T \sum_k \sigma((X_k - 1 a^T) u)| .
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...architectures import ByAnchor
from ...numerics.rounding import UNIT_ROUNDOFF
from ...program.blocks import CellFactory
from ...progress import Budget
from ...status import Scope
from .enumerated import Pricer, PriceResult

__all__ = ["AnchorPricer"]

_Array = NDArray[np.float64]

# share of the columns wanted in all that each anchor may give: neighbours find much the same
_SHARE = 4


class AnchorPricer:
    """Prices the networks seen from every anchor.

    Parameters
    ----------
    architecture : ByAnchor
        The network with free biases; a block of it has one anchor.
    patches : (K, n, h) float64
        Patch matrices.
    anchors : (A,) int
        Numbers of the anchors.
    pricers : sequence of Pricer
        Of the network seen from each.
    """

    def __init__(
        self, architecture: ByAnchor, patches: _Array, anchors: NDArray[np.intp], pricers: Sequence[Pricer]
    ) -> None:
        self._architecture = architecture
        self._anchors = anchors
        self._pricers = pricers
        self._factory = CellFactory(architecture, patches)

    @property
    def scope(self) -> Scope:
        """Global if every anchor is covered."""
        whole = all(pricer.scope is Scope.GLOBAL for pricer in self._pricers)
        return Scope.GLOBAL if whole else Scope.RESTRICTED

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def listed_count(self) -> int | None:
        """Number of cells listed, over all anchors."""
        counts = [pricer.listed_count for pricer in self._pricers]
        return None if None in counts else sum(count for count in counts if count is not None)

    def rounding(self, v: _Array) -> float:
        """The largest of those of the anchors, and the rounding of the differences of patches."""
        own = max((pricer.rounding(v) for pricer in self._pricers), default=0.0)
        return own + 4.0 * UNIT_ROUNDOFF * self._factory.reach(v)

    def price(
        self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float = 1e-9, prove: bool = False
    ) -> PriceResult:
        """Price `v` (n,) seen from each anchor, and keep the best columns of all."""
        bound, stopped, grown, rounding = floor, None, False, 0.0
        differences = 4.0 * UNIT_ROUNDOFF * self._factory.reach(v)
        codes, signs, directions, values = [], [], [], []
        for number, (anchor, pricer) in enumerate(zip(self._anchors, self._pricers, strict=True)):
            part = pricer.price(
                v,
                floor=bound if prove else floor,
                want=max(1, want // _SHARE),
                budget=budget,
                slack=slack,
                prove=prove,
            )
            bound, rounding = max(bound, part.bound), max(rounding, part.rounding)
            grown = grown or part.grown
            codes.append(self._architecture.anchored(part.columns.active, int(anchor)))
            signs.append(part.columns.sign)
            directions.append(part.directions)
            values.append(part.value)
            stopped = part.stopped
            if stopped is not None:
                bound = np.inf if number + 1 < len(self._pricers) else bound
                break
        value = np.concatenate(values)
        best = np.argsort(-value, kind="stable")[:want]
        return PriceResult(
            bound=bound + differences,
            columns=self._factory.blocks(np.concatenate(codes)[best], np.concatenate(signs)[best]),
            directions=np.concatenate(directions)[best],
            value=value[best],
            stopped=stopped,
            grown=grown,
            rounding=rounding + differences,
        )

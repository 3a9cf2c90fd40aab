r"""Pricing with several outputs: an atom gives one output, so that each is priced alone, by any pricer.

.. math:: \tau(V) = \max_o \tau(v_o), \qquad V = [v_1, \dots, v_q] \in R^{n \times q} .
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...architectures import ByOutput
from ...program.blocks import CellFactory
from ...progress import Budget
from ...status import Scope
from .enumerated import Pricer, PriceResult

__all__ = ["OutputPricer"]

_Array = NDArray[np.float64]


class OutputPricer:
    """Prices every output by a pricer of the network with one output.

    Parameters
    ----------
    architecture : ByOutput
        The network; a block of it gives one output.
    pricers : sequence of Pricer
        One for each output; they may be one and the same.
    """

    def __init__(self, architecture: ByOutput, pricers: Sequence[Pricer]) -> None:
        self._architecture = architecture
        self._pricers = pricers
        self._factory = CellFactory(architecture, pricers[0].factory.patches)

    @property
    def scope(self) -> Scope:
        """Global if every output is covered."""
        return self._pricers[0].scope

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def listed_count(self) -> int | None:
        """Number of cells listed, over all outputs."""
        one = self._pricers[0].listed_count
        return None if one is None else one * len(self._pricers)

    @property
    def pricers(self) -> Sequence[Pricer]:
        """Those of the outputs."""
        return self._pricers

    def like(self, pricers: Sequence[Pricer]) -> OutputPricer:
        """The same with other pricers."""
        return OutputPricer(self._architecture, pricers)

    def rounding(self, v: _Array) -> float:
        """The largest of those of the outputs."""
        q = self._architecture.q
        return max(pricer.rounding(v[output::q]) for output, pricer in enumerate(self._pricers))

    def price(
        self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float = 1e-9, prove: bool = False
    ) -> PriceResult:
        """Price each output's part of `v` (n * q,), and keep the best columns of all."""
        architecture = self._architecture
        bound, stopped, grown, rounding = floor, None, False, 0.0
        codes, signs, directions, values = [], [], [], []
        for output, pricer in enumerate(self._pricers):
            # what is proved of one output raises the floor of a proof for the next
            part = pricer.price(
                np.ascontiguousarray(v[output :: architecture.q]),
                floor=bound if prove else floor,
                want=want,
                budget=budget,
                slack=slack,
                prove=prove,
            )
            bound, rounding = max(bound, part.bound), max(rounding, part.rounding)
            grown = grown or part.grown
            codes.append(architecture.coded(part.columns.active, output))
            signs.append(part.columns.sign)
            directions.append(part.directions)
            values.append(part.value)
            stopped = part.stopped
            if stopped is not None:
                bound = np.inf if output + 1 < architecture.q else bound
                break
        value = np.concatenate(values)
        best = np.argsort(-value, kind="stable")[:want]
        return PriceResult(
            bound=np.inf if grown else bound,  # outputs may share a list, which grew after the first were priced
            columns=self._factory.blocks(np.concatenate(codes)[best], np.concatenate(signs)[best]),
            directions=np.concatenate(directions)[best],
            value=value[best],
            stopped=stopped,
            grown=grown,
            rounding=rounding,
        )

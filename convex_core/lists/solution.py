"""What training over a list gives: a network, its certificate, and how beta was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..presentation.listed import ListedAnswer
from ..status import Status
from .certificate import ListCertificate
from .network import ListedNetwork

__all__ = ["ListedSolution", "PathPoint"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class PathPoint:
    """One value of beta that was tried on the hold-out.

    Attributes
    ----------
    beta : float
        For all samples; the training part had its share of it.
    measure : tuple of float
        What was measured on the samples held out, smaller is better.
    active : int
        Entries of the list in use.
    relative_gap : float
        On the training part, as the iteration had it.
    iterations : int
        Number of them.
    """

    beta: float
    measure: tuple[float, ...]
    active: int
    relative_gap: float
    iterations: int


@record
@dataclass(frozen=True, slots=True, repr=False)
class ListedSolution(ListedAnswer):
    """A network trained over a list, with its certificate.

    Attributes
    ----------
    network : ListedNetwork
        The optimum over the list, within the gap of the certificate.
    certificate : ListCertificate
        Both bounds over the list, and how much other filters would still help.
    status : Status
        ``restricted optimum`` where the tolerance was reached.
    path : tuple of PathPoint
        Values of beta that were tried; empty where beta was given.
    directions : (P, h) float64
        The list.
    iterations : int
        Of the last program.
    rounds : int
        Programs solved at the final beta, the list growing between them.
    seconds : float
        Wall-clock.
    seed : int
        Of the drawn directions and the hold-out.
    """

    network: ListedNetwork
    certificate: ListCertificate
    status: Status
    path: tuple[PathPoint, ...]
    directions: _Array
    iterations: int
    rounds: int
    seconds: float
    seed: int

    def __repr__(self) -> str:
        c = self.certificate
        return (
            f"ListedSolution({self.status}, objective {c.objective:.6g}, gap {c.relative_gap:.2g} over {c.listed} "
            f"listed {'gates' if c.gated else 'filters'}, {self.network.m} filters, {self.seconds:.2f} s)"
        )

    @property
    def beta(self) -> float:
        """Regularisation, given or chosen."""
        return self.certificate.beta

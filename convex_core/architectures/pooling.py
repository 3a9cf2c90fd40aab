"""Sum and mean pooling: what the two-layer networks share in which every patch counts the same."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..contracts.arguments import check_arguments
from ..errors import InputError
from ..patches import PatchGeometry
from ..status import Exactness
from .kinds import no_free_bias
from .protocol import Options, Parameters
from .stages import Stages

__all__ = ["EvenPooling", "OwnActivation"]

_Array = NDArray[np.float64]
_POOLINGS = ("sum", "mean")


class EvenPooling:
    """A network that adds up its patches, or takes their mean."""

    __slots__ = ()

    geometry: PatchGeometry
    pooling: str

    @property
    def scale(self) -> float:
        """1 for sum pooling, 1/K for mean pooling."""
        return 1.0 if self.pooling == "sum" else 1.0 / self.geometry.K

    def check_pooling(self, beside: str = "") -> None:
        """Raise :class:`InputError` for another pooling; `beside` says with what it was asked for."""
        if self.pooling not in _POOLINGS:
            raise InputError(f"pooling: got {self.pooling!r}{beside}, expected one of {', '.join(_POOLINGS)}")

    def evenly(self, sums: _Array, active: _Array, parameters: Parameters) -> Stages:
        """The stages of one input where every patch counts the same, of one output."""
        return Stages(sums, active, np.full(sums.shape, self.scale), parameters["weights"][:, None])


class OwnActivation(EvenPooling):
    """A network of an activation that is not made of two slopes; its program is exact."""

    __slots__ = ()

    #: The option that chooses it, and what it is called where free biases are refused.
    activation_name: ClassVar[str]
    called: ClassVar[str]

    def __post_init__(self) -> None:
        check_arguments(type(self).__name__, geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, self.called)
        self.check_pooling(f" with the {self.activation_name} activation")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "two-layer"

    @property
    def options(self) -> Options:
        """The pooling and the activation."""
        return {"pooling": self.pooling, "activation": self.activation_name}

    #: Exact.
    exactness = Exactness.EXACT

r"""The convex programs around a network, from the loosest bound to the tightest.

Circular CNN, with every relaxation of :class:`CircularCNN`; for three layers that of the nuclear lift is exact, p
itself. Above is the optimum over filters of length 1, whose convex program has the Euclidean norm and is exact: its
network is one of ours with h - 1 zeros in every filter.

.. math:: p_\text{spectral} \le p_\text{weighted}, \, p_\text{nuclear} \;\le\; p \;\le\; p_{h = 1}

Three layers with a shared filter (:class:`ThreeLayerCNN`): the first program is exact for a filter per patch, the
others are of one shared filter, the last one for filters of up to four entries and few cells.

.. math:: p_\text{per-patch} \le p_\text{frobenius} \le p_\text{strong} \le p_\text{nuclear} \le p_\text{lifted} \le p

A flatten layer, and several outputs with the Euclidean norm: the nuclear norm alone, with the cones of the cells, and
lifted to second moments, which is p itself where it applies: filters of up to four entries and few cells.

.. math:: p_\text{plain} \le p_\text{cone} \le p_\text{lifted} = p

Every other network has one program, its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture, make_architecture
from ..contracts.records import record
from ..errors import InputError
from ..networks.network import Network
from ..patches import PatchGeometry

__all__ = ["Programs", "padded", "programs_around"]


@record
@dataclass(frozen=True, slots=True)
class Programs:
    """The programs around the optimum of one network.

    Attributes
    ----------
    below : tuple of (str, Architecture)
        Those that bound it from below, by their labels, the loosest first.
    above : tuple of (str, Architecture) or None
        A narrower network, whose own are ours by :func:`padded`.
    """

    below: tuple[tuple[str, Architecture], ...]
    above: tuple[str, Architecture] | None = None


def programs_around(architecture: Architecture, patches: NDArray[np.float64] | None = None) -> Programs:
    """The programs around the optimum of `architecture`, whose own relaxation does not matter.

    The `patches` (K, n, h) say whether there is a lifted program; without them there is if it is the architecture's.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> shared = make_architecture("three-layer", patch_geometry((4,), 2, 2), sharing="shared")
    >>> [label for label, _ in programs_around(shared).below]
    ['per-patch filters', 'frobenius', 'strong', 'nuclear']
    """
    name, options = architecture.name, architecture.options
    if name == "circular":
        return _circular(architecture)
    if name == "three-layer" and options["sharing"] == "shared":
        apart = make_architecture(name, architecture.geometry, sharing="per-patch")
        relaxed = _relaxed(architecture, "frobenius", "strong", "nuclear", *_lifted(architecture, patches))
        return Programs((("per-patch filters", apart), *relaxed))
    if options.get("relaxation") in ("plain", "cone", "lifted"):
        lifted = _lifted(architecture, patches)
        return Programs(_relaxed(architecture, "plain", "cone", *lifted))
    return Programs(((name, architecture),))


class _Lifted(Protocol):
    """What a lifted program can say of patches: whether there is one."""

    def check_patches(self, patches: NDArray[np.float64]) -> None: ...


def _lifted(architecture: Architecture, patches: NDArray[np.float64] | None) -> tuple[str, ...]:
    """The lifted program's name if there is one on these patches, or without them, if it is the architecture's."""
    if patches is None:
        return ("lifted",) if architecture.options["relaxation"] == "lifted" else ()
    try:
        ((name, lifted),) = _relaxed(architecture, "lifted")
        cast(_Lifted, lifted).check_patches(patches)
    except InputError:
        return ()
    return (name,)


def _relaxed(architecture: Architecture, *relaxations: str) -> tuple[tuple[str, Architecture], ...]:
    """The same network with other relaxations, each by its name."""
    rest = {name: value for name, value in architecture.options.items() if name != "relaxation"}
    return tuple(
        (relaxation, make_architecture(architecture.name, architecture.geometry, **rest, relaxation=relaxation))
        for relaxation in relaxations
    )


def _circular(cnn: Architecture) -> Programs:
    """Relaxations that differ from one another, and filters of length 1."""
    geometry, layers = cnn.geometry, cnn.options["layers"]
    differing = ["spectral"]
    if layers != 3:
        differing.append("weighted")
    if geometry.h < geometry.d:
        differing.append("nuclear")
    narrow = PatchGeometry(geometry.input_shape, (1,), geometry.stride, geometry.padding)
    return Programs(
        _relaxed(cnn, *differing), ("filters of length 1", make_architecture(cnn.name, narrow, layers=layers))
    )


def padded(network: Network, cnn: Architecture) -> Network:
    """A network of filters of length 1 as one of `cnn`."""
    h = cnn.geometry.h
    convolutions = network.filters.shape[1]
    filters = np.zeros((network.m, convolutions, h))
    filters[:, :, 0] = network.filters
    return Network(cnn, filters.reshape(network.m, convolutions * h), network.weights, network.hidden)

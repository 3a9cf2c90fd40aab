r"""CNNs with a pooling grid over given filters or given gates: the convex programs that train what people train.

.. math:: f_o(X) = b_o + \sum_j \sum_r \text{pool}_{k \in r}\, (x_k^T u_j)_+\, w_{jro}

Over *listed* filters, or behind listed gates, training is a group lasso or a nuclear-norm program of a few thousand
columns, for thousands of images and several classes. It is solved to a duality gap, which is computed anew in double
precision from the data; the bound covers the list, not every filter, and how much other filters would still help is
shown beside it.

The folder in the order of the flow: patches are whitened (:mod:`~convex_core.lists.whitening`) and pooled over regions
(:mod:`~convex_core.architectures.pooling_grid`), a list of directions is drawn (:mod:`~convex_core.lists.filters`) and
gives columns (:mod:`~convex_core.lists.features`, :mod:`~convex_core.lists.columns`), these a design in kernel or Gram
form (:mod:`~convex_core.lists.designs`); the iteration (:mod:`~convex_core.lists.admm`) knows norms
(:mod:`~convex_core.lists.norms`) and weighted losses (:mod:`~convex_core.lists.weighted`); its weights become a network
(:mod:`~convex_core.lists.network`) with a certificate (:mod:`~convex_core.lists.certificate`) and the prices of others
(:mod:`~convex_core.lists.prices`). :func:`train_list` does all of it, :mod:`~convex_core.lists.moments` tell those who
watch, and :mod:`~convex_core.lists.maps` look inside the network.
"""

from __future__ import annotations

from ..architectures.pooling_grid import PoolingGrid
from .certificate import ListCertificate
from .features import ListFeatures
from .maps import FeatureMaps, feature_maps
from .moments import Moment
from .network import ListedNetwork
from .norms import NORMS, ListNorm
from .rounds import RATIOS
from .solution import ListedSolution, PathPoint
from .train import train_list
from .whitening import Whitening

__all__ = [
    "NORMS",
    "RATIOS",
    "FeatureMaps",
    "ListCertificate",
    "ListFeatures",
    "ListNorm",
    "ListedNetwork",
    "ListedSolution",
    "Moment",
    "PathPoint",
    "PoolingGrid",
    "Whitening",
    "feature_maps",
    "train_list",
]

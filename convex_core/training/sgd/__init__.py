r"""Mini-batch SGD with momentum, and Adam, on the non-convex problem, several initialisations advanced together.

The objective is the one of the problem, with no 1/n: for two layers

.. math:: \ell(f(X), y) + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2),

so that its regulariser is a weight decay of `beta` on every parameter that has a cost. One step on a batch B of b
samples is

.. math:: v \leftarrow \mu v + \tfrac{n}{b} \nabla \ell_B(\theta) + \beta \nabla \mathrm{cost}(\theta), \qquad
          \theta \leftarrow \theta - \eta_t v;

where filters are bound to norm 1 they are then projected. The factor n/b makes the batch gradient unbiased. The
gradient of the ReLU at zero follows the library's tie rule 1[x >= 0].

Adam (:mod:`.rules`) steps along means of the same gradients.

Filters are drawn as N(0, 1/h) (and projected), hidden weights r as N(0, 1/r), weights as N(0, 1), and those with a
cost are then scaled such that the first outputs have norm ``init_scale * ||y||``. The default step size of SGD is

.. math:: \eta = \frac{b}{n} \cdot \frac{1/2}{\kappa \max(L_0, L_1) + \beta}

where :math:`\kappa` is the largest second derivative of the loss (1 for the squared loss, :meth:`Loss.curvature`),
:math:`L_0` is the largest eigenvalue of :math:`J J^T` at the start (J the Jacobian of the outputs), and
:math:`L_1` its value for one balanced neuron that has grown to outputs of norm :math:`\|y\|` (for two layers
:math:`2 \|y\| \|A_j\|`, :math:`A_j = s \sum_k D_{jk} X_k` the linear map of filter j), the largest over the neurons
at the start after a few steps that turn each towards its own outputs. A network that is dead on all the data is
measured by its mirror image. These are estimates, not bounds: a seed may still diverge, and is then marked and left
where it was. The default step size of Adam is 0.01 of the root mean square of the parameters, scaled to outputs of norm
:math:`\|y\|`. None of them is tuned; :func:`compare_optimisers` tunes each optimiser over the same step sizes.
"""

from .results import Optimiser, Schedule, SGDRecord, SGDResult, SGDSettings
from .train import sgd_steps, train_sgd
from .tuning import LEARNING_RATES, OPTIMISERS, Comparison, TunedRun, compare_optimisers

__all__ = [
    "LEARNING_RATES",
    "OPTIMISERS",
    "Comparison",
    "Optimiser",
    "SGDRecord",
    "SGDResult",
    "SGDSettings",
    "Schedule",
    "TunedRun",
    "compare_optimisers",
    "sgd_steps",
    "train_sgd",
]

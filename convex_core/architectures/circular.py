r"""Circular CNN with one ReLU and L layers: L - 2 circular convolutions, a hidden layer and an output weight.

.. math::
   f(X) = \sum_j (X U_{1j} \cdots U_{L-2,j}\, w_{1j})_+ w_{2j}, \qquad \|u_{lj}\|_2 \le 1,
   \quad \text{cost } \tfrac12 (\|w_{1j}\|_2^2 + w_{2j}^2),

U circulant with a filter u of length h padded with zeros to d. Each layer maps z to
:math:`(z_{s+a})_a \cdot u` at every s, so the neuron sees X through the circular convolution
:math:`c = u_1 * \dots * u_{L-2} * w_1`, in the frequency domain a product. Convex program, one pair of blocks per cell
of the arrangement of the rows of X:

.. math::
   \min \; \ell\Big(\sum_i D_i X (c'_i - c_i),\, y\Big) + \beta \sum_i (\|c_i\| + \|c'_i\|)
   \quad \text{s.t. } (2 D_i - I) X c_i \ge 0,\; (2 D_i - I) X c'_i \ge 0 .

It is exact if the block norm is the smallest cost of a neuron with that c. How far that is so depends on the
`relaxation` (F is the unitary DFT):

* ``spectral``: :math:`d^{-(L-2)/2} \|F c\|_1`. Exact for L = 3 and h = d, otherwise a lower bound.
* ``nuclear``: the lifted nuclear norm of :class:`~convex_core.penalties.NuclearLiftPenalty`. For L = 3 it is exact,
  whatever the rank of the lift (proof below), as for h = 1. For L > 3 and h > 1 it is a lower bound:
  :math:`u_1 * \dots * u_{L-2}` is one filter of length :math:`(L-2)(h-1)+1`, at most d, with a norm of at most
  :math:`h^{(L-3)/2}` (Young's inequality).
* ``weighted`` (L > 3): as ``spectral``, with the weight :math:`2^{(L-3)/2}` on conjugate pairs; a tighter lower bound,
  and the convex hull of the cost for h = d.

Whatever the program, a block goes back to the cheapest neuron with its c, which is a convex problem of its own
(:func:`~convex_core.numerics.power_spectra.factors`).

Proof for L = 3. A neuron with the convolution c costs at least :math:`N(c) = \min\{\|u\| \|w\| : u * w = c\}`, and
the map back attains that.

1. :math:`N(c)^2 = \min_p \tfrac1d \sum_f |\hat c_f|^2 / p_f` over the power spectra p of filters of length h and
   norm 1. By Fejer and Riesz these are the samples of the non-negative cosine polynomials of degree at most h - 1 and
   mean 1, a convex compact set.
2. N is a norm: :math:`N(c) = \tfrac12 \min_{t, p} \{\tfrac1d \sum_f |\hat c_f|^2 / (t p_f) + t\}` is the minimum over
   the q = t p of a convex cone of a function that is jointly convex in (c, q), as :math:`|z|^2 / s` is. N is
   homogeneous too, and zero at 0 only.
3. So neurons of one cell and sign may be added up, :math:`N(c_1 + c_2) \le N(c_1) + N(c_2)` with the same outputs: the
   program with the block norm N has the value of the training problem.
4. N is the lifted nuclear norm: both have as dual norm the operator norm of :math:`g_{(a + b) \bmod d}`, the largest
   :math:`g^T (u * w) = \sum_{a,b} u_a w_b\, g_{(a + b) \bmod d}` of unit u and w.

Nothing was asked of the rank of the lift: that of an interior-point method may have a higher one at the same value,
and u and w come from c alone. With two filters N violates the triangle inequality, and step 3 fails.

Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..contracts.kept import KEPT
from ..contracts.records import record
from ..contracts.validation import check_arguments, frozen, integer
from ..errors import InputError
from ..numerics.power_spectra import factors, half_spectrum_weights, some_at_once
from ..patches import Padding, PatchGeometry
from ..penalties import L2Penalty, NuclearLiftPenalty, Penalty, SpectralPenalty
from ..progress import around
from ..status import Exactness
from .defaults import ArrangementCells
from .formulas import NetworkFormulas
from .formulas.circular import circular_formulas
from .kinds import no_free_bias
from .layers import IDENTITY, Branch
from .protocol import Parameters
from .unit_filters import UnitFilters

__all__ = ["CircularCNN"]

_Array = NDArray[np.float64]
_RELAXATIONS = ("spectral", "nuclear", "weighted")


@record
@dataclass(frozen=True, slots=True)
class CircularCNN(ArrangementCells, UnitFilters):
    """The circular CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        One-dimensional input, stride 1, circular padding; h is the filter length.
    layers : int
        Number of layers L, at least 3; there are L - 2 convolutions.
    relaxation : {"spectral", "nuclear", "weighted"}, optional
        Block norm of the convex program. By default one without loss for L = 3, for L > 3 the tighter of ``nuclear``
        (2 h <= d) and ``weighted``.

    Raises
    ------
    InputError
        For another kind of geometry, fewer than 3 layers, or a relaxation that does not apply.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import patch_geometry
    >>> cnn = CircularCNN(patch_geometry((3,), 2, padding="circular"))
    >>> cnn.relaxation, cnn.exactness.value
    ('nuclear', 'exact')
    >>> neuron = {"filters": np.array([[0.6, 0.8]]), "hidden": np.array([[1.0, 0.0, 0.0]]), "weights": np.array([2.0])}
    >>> cnn.outputs(cnn.geometry.extract(np.array([[5.0, 5.0, 7.0]])), neuron)
    array([[14.]])
    """

    #: of its geometry, with stride 1, unless told otherwise
    padding: ClassVar[Padding] = "circular"

    geometry: PatchGeometry
    layers: int = 3
    relaxation: str = ""

    def __post_init__(self) -> None:
        check_arguments("CircularCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "circular convolutions")
        geometry = self.geometry
        if len(geometry.input_shape) != 1 or geometry.padding != "circular" or geometry.stride != (1,):
            raise InputError(
                f"geometry: got input shape {geometry.input_shape}, stride {geometry.stride} and {geometry.padding} "
                "padding, expected a one-dimensional input, stride 1 and circular padding"
            )
        if geometry.biased:
            raise InputError(f"bias: got {geometry.bias} with circular convolutions, expected none")
        integer(self.layers, "layers", minimum=3, maximum=100)
        h, d = geometry.h, geometry.d
        if self.relaxation == "":
            if h == d:
                chosen = "spectral" if self.layers == 3 else "weighted"
            else:
                chosen = "nuclear" if self.layers == 3 or 2 * h <= d else "weighted"
            object.__setattr__(self, "relaxation", chosen)
        if self.relaxation not in _RELAXATIONS:
            raise InputError(f"relaxation: got {self.relaxation!r}, expected one of {', '.join(_RELAXATIONS)}")
        if self.relaxation == "weighted" and self.layers == 3:
            raise InputError("relaxation: got 'weighted' for 3 layers, where its weights are 1, expected 'spectral'")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "circular"

    @property
    def convolutions(self) -> int:
        """Number of convolutions, L - 2."""
        return self.layers - 2

    @property
    def exactness(self) -> Exactness:
        """Exact with a block norm that is the least cost of a neuron, see the module's text; otherwise bound only."""
        h, d = self.geometry.h, self.geometry.d
        least = h == 1 or self.layers == 3 if self.relaxation == "nuclear" else self.layers == 3 and h == d
        return Exactness.EXACT if d == 1 or least else Exactness.BOUND_ONLY

    @property
    def penalty(self) -> Penalty:
        """Block norm of the relaxation."""
        h, d, L = self.geometry.h, self.geometry.d, self.layers
        if self.relaxation == "nuclear":
            scale = float(h) ** (-0.5 * (L - 3))
            length = min(d, (L - 2) * (h - 1) + 1)
            if length == 1:
                return L2Penalty()
            # a filter as long as the block may have any spectrum
            return SpectralPenalty(d, scale * d**-0.5) if length == d else NuclearLiftPenalty(length, d, scale)
        return SpectralPenalty(
            d, float(d) ** (-0.5 * (L - 2)), 2.0 ** (0.5 * (L - 3)) if self.relaxation == "weighted" else 1.0
        )

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return circular_formulas(self)

    def hyperplanes(self, patches: _Array) -> _Array:
        """The rows of X, (n, d): the first entry of every patch."""
        return np.ascontiguousarray(patches[:, :, 0].T)

    def design(self, patches: _Array) -> _Array:
        """X alone, (1, n, d)."""
        return self.hyperplanes(patches)[None]

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """A sample passes where its row of X is active: (m, 1, n)."""
        return codes[:, None, :]

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array]:
        """`v` itself: the atom of c is the ReLU of X c."""
        return v, np.zeros(self.geometry.d)

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``(X c)_+`` for each row c of `C` (m, d), shape (n, m)."""
        return np.maximum(self.hyperplanes(patches) @ C.T, 0.0)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        """The cheapest neuron of each block: L - 2 equal filters and the rest w, its norm shared with the output."""
        d, h = self.geometry.d, self.geometry.h
        u, w = np.zeros((len(C), h)), np.zeros((len(C), d))
        for part in some_at_once(len(C), d, h):
            if part.start:
                around().check("the neurons were not all found")
            best = factors(C[part], h, self.convolutions)
            u[part], w[part] = best.u, best.w
        root = np.sqrt(np.linalg.norm(w, axis=1))
        return {
            "filters": np.tile(u, self.convolutions),
            "hidden": w / root[:, None],
            "weights": sign.astype(np.float64) * root,
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """L - 2 filters one after another, the hidden weights, the output weight."""
        h, d = self.geometry.h, self.geometry.d
        return {"filters": (self.convolutions * h,), "weights": (), "hidden": (d,)}

    def blocks(self, parameters: Parameters) -> _Array:
        """The convolution c of the filters and the hidden weights of each neuron, (m, d)."""
        filters = self._spectra(self.pieces(parameters["filters"]))
        return self._signals(filters.prod(axis=1) * self._spectra(parameters["hidden"]))

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``(X c)_+ w_2`` of each neuron, (n, m)."""
        return self.atoms(patches, self.blocks(parameters)) * parameters["weights"]

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Signs of X c."""
        active: NDArray[np.bool_] = self.blocks(parameters) @ self.hyperplanes(patches).T >= 0.0
        return active

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        first, *again = np.moveaxis(self.pieces(parameters["filters"]), 1, 0)
        hidden, weights = parameters["hidden"], parameters["weights"][:, None]
        return (Branch(self.geometry, first, weights, IDENTITY, counts=hidden, again=tuple(again), rectified=True),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """Correlations of X^T D v with the convolution of all the other factors."""
        X, h = self.hyperplanes(patches), self.geometry.h
        response = self.blocks(parameters) @ X.T
        back = self._spectra(np.where(response >= 0.0, V, 0.0) * parameters["weights"][:, None] @ X)
        filters = self._spectra(self.pieces(parameters["filters"]))
        hidden = self._spectra(parameters["hidden"])
        pulled = []
        for layer in range(self.convolutions):
            others = np.delete(filters, layer, axis=1).prod(axis=1) * hidden
            pulled.append(self._signals(back * others.conj())[:, :h])
        return {
            "filters": np.concatenate(pulled, axis=1),
            "weights": np.einsum("mn,mn->m", V, np.maximum(response, 0.0)),
            "hidden": self._signals(back * filters.prod(axis=1).conj()),
        }

    def _spectra(self, signals: _Array) -> NDArray[np.complex128]:
        """Half spectra along the last axis, which is padded with zeros to d."""
        # for the short signals of these networks a product with a matrix is several times faster than the FFT
        spectra: NDArray[np.complex128] = signals @ _transforms(self.geometry.d)[0][: signals.shape[-1]]
        return spectra

    def _signals(self, spectra: NDArray[np.complex128]) -> _Array:
        """The real signals (m, d) of half spectra (m, F)."""
        signals: _Array = (spectra @ _transforms(self.geometry.d)[1]).real
        return signals


def _transforms(d: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Matrices (d, F) and (F, d) of :func:`numpy.fft.rfft`, and of the real part of its inverse."""

    def make() -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        forward = np.fft.rfft(np.eye(d))
        return frozen(forward), frozen(forward.conj().T * half_spectrum_weights(d)[:, None] / d)

    return KEPT.answer(("transforms", d), make)

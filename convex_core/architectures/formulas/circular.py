"""The circular CNN in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex

if TYPE_CHECKING:
    from ..circular import CircularCNN

__all__ = ["circular_formulas"]

_SPECTRA = """\
layers, d = {layers}, signals.shape[1]  # layers of convolutions
hat = np.fft.fft(c)
hat[np.abs(hat) < 1e-5 * np.abs(hat).max(axis=1, keepdims=True)] = 0.0  # frequencies that are not there"""
_LONG_FILTERS = """\
# the cheapest filters of length d have |fft(u)|^2 in proportion to |fft(c)|^(2 / (layers + 1))
u = np.fft.ifft(np.abs(hat) ** (1 / (layers + 1))).real"""
_SHORT_FILTERS = """\
# The cheapest filters of a block: with the power spectrum p = |fft(u)|^2 of all of them, ||w||^2 is the mean of
# |fft(c)|^2 / p^layers. The spectra of filters of norm 1 are sum_ab A_ab cos(2 pi f (a - b) / d), A positive
# semidefinite of trace 1 (Fejer and Riesz).
lag = np.subtract.outer(np.arange(h), np.arange(h))
waves = np.cos(2 * np.pi * np.arange(d)[:, None] * lag.ravel() / d)
u = []
for energy in np.abs(hat) ** 2 / np.sum(np.abs(hat) ** 2, axis=1, keepdims=True):
    A = cp.Variable((h, h), PSD=True)
    p = waves[energy > 0.0] @ cp.vec(A, order="C")
    rest = energy[energy > 0.0] @ cp.power(p, -layers)
    cp.Problem(cp.Minimize(rest), [cp.trace(A) == 1]).solve(solver=cp.CLARABEL)
    rho = [np.trace(A.value, offset=a) for a in range(h)]  # autocorrelation of the filter
    roots = np.roots([*rho[:0:-1], *rho])
    u.append(np.atleast_1d(np.poly(roots[np.argsort(np.abs(roots))][: h - 1]).real))
u = np.array(u)"""
_REST = """\
u = u / np.linalg.norm(u, axis=1, keepdims=True)  # used in every layer
rest = np.divide(hat, np.fft.fft(u, d) ** layers, out=np.zeros_like(hat), where=hat != 0.0)
w1 = np.fft.ifft(rest).real
root = np.sqrt(np.linalg.norm(w1, axis=1, keepdims=True))
w1, w2 = w1 / root, sign * root[:, 0]"""
_ATOMS = """\
z = signals[:, None, :]
for _ in range(layers):  # a convolution: z_s becomes sum_a u_a z_(s + a)
    z = sum(u[:, a, None] * np.roll(z, -a, axis=2) for a in range(h))
phi = np.maximum(np.sum(z * w1, axis=2), 0.0)"""


def circular_formulas(cnn: CircularCNN) -> NetworkFormulas:
    """The formulas of :class:`.CircularCNN`."""
    k = cnn.convolutions
    filters = {1: "U_j", 2: "U_1j U_2j"}.get(k, f"U_1j ... U_{k}j")
    one = "j" if k == 1 else "lj"
    product = {1: "U_j", 2: "U_{1j} U_{2j}"}.get(k, rf"U_{{1j}} \cdots U_{{{k}j}}")
    h, d = cnn.geometry.h, cnn.geometry.d
    return NetworkFormulas(
        title=f"circular CNN of {cnn.layers} layers with one ReLU",
        network=f"sum_j (X {filters} w_1j)_+ w_2j, U circulant of a filter u of length {cnn.geometry.h}",
        cost="(||w_1j||^2 + w_2j^2) / 2 with ||u|| <= 1",
        program="sum_i D_i X (c'_i - c_i)",
        constraints="(2 D_i - I) X c_i >= 0 and (2 D_i - I) X c'_i >= 0",
        cells="signals = X[:, :, 0].T  # the first entry of every patch: X in the formulas, (n, d)",
        design="G = code[:, :, None] * signals  # D_i X",
        cone="cone = [(2 * bits - 1)[:, None] * signals for bits in code]  # (2 D_i - I) X",
        neurons="\n".join(
            [
                _SPECTRA.format(layers=k),
                _LONG_FILTERS if cnn.geometry.h == cnn.geometry.d else _SHORT_FILTERS,
                _REST,
            ]
        ),
        atoms=_ATOMS,
        outputs="phi @ w2",
        costs="0.5 * (np.sum(w1**2) + np.sum(w2**2))",
        latex=NetworkLatex(
            network=rf"\sum_j \big(X {product}\, w_{{1j}}\big)_+\, w_{{2j}}",
            cost=r"\|w_{1j}\|_2^2 + w_{2j}^2",
            parameters=rf"u_{{{one}}}\in\mathbb{{R}}^{{{h}}},\; w_{{1j}}\in\mathbb{{R}}^{{{d}}}",
            constraint=rf"\|u_{{{one}}}\|_2 \le 1,\quad U_{{{one}}}\text{{ circulant of }}u_{{{one}}}",
            blocks=("c_i", "c_i'"),
            shape=(d,),
            operator="D_i X",
            operand="(c_i' - c_i)",
            cone=(r"(2D_i-I)\, X c \ge 0",),
            members=r"c = c_i,\, c_i'",
            every="i",
        ),
    )

"""Max pooling in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas
from .two_layer import pooled_formulas, pooled_latex

if TYPE_CHECKING:
    from ..max_pooling import MaxPoolingCNN

__all__ = ["max_pooling_formulas"]

_CONE = """\
cone = []
for d in D:  # with the winner x_k of a group, or 0: x_k >= 0 and x_k - x_l >= 0 for every l
    top = [np.einsum("kn,knh->nh", d[group], X[group]) for group in groups]
    cone.append(np.concatenate([np.concatenate([x, *(x - X[group])]) for x, group in zip(top, groups)]))"""
# with a winner below zero as well
_SIGNED_CONE = """\
cone = []
for d, a in zip(D, active):  # with the winner x_k of a group: x_k >= 0 or <= 0, and x_k - x_l >= 0 for every l
    top = [np.einsum("kn,knh->nh", d[group], X[group]) for group in groups]
    own = [(2 * bits - 1)[:, None] * x for bits, x in zip(a, top)]
    cone.append(np.concatenate([np.concatenate([s, *(x - X[group])]) for s, x, group in zip(own, top, groups)]))"""
_SIGNED_CELLS = """\
D = code[:, : K * n].reshape(P, K, n)  # D_ik: the samples in which patch k wins its group
groups = {groups}
active = code[:, K * n :].reshape(P, len(groups), n)  # and whether it is active there
S = np.zeros_like(D)
for g, group in enumerate(groups):
    S[:, group] = {slope} * D[:, group]"""


def max_pooling_formulas(cnn: MaxPoolingCNN) -> NetworkFormulas:
    """The formulas of :class:`.MaxPoolingCNN`."""
    groups = [group.tolist() for group in cnn.groups]
    K, several = cnn.geometry.K, len(groups) > 1
    inside = r"k\in\Gamma_g" if several else "k"
    outer = rf"\sum_{{g=1}}^{{{len(groups)}}} " if several else ""
    same = r"\Gamma_g\text{: the patches of group }g" if several else ""
    sigma, signed = cnn.activation, cnn.winner_below
    above, below = (f"{slope:g} " if slope != 1.0 else "" for slope in (sigma.above, sigma.below))
    wins = r"D_{i,k}\text{: samples that patch }k\text{ wins}"
    slopes: tuple[str, ...]
    if signed:
        texts = {
            "program": "sum_i sum_k S_ik X_k (c'_i - c_i), D_ik: the samples in which k wins its group, "
            f"S_ik = {above}D_ik where it is active and {below}D_ik elsewhere",
            "constraints": "(x_k - x_l)^T c >= 0 for a winner k, x_k^T c >= 0 or <= 0 by its side; c = c_i, c'_i",
            "cells": _SIGNED_CELLS.format(groups=groups, slope=sigma.gated("active[:, [g]]")),
            "design": 'G = np.einsum("ikn,knh->inh", S, X)  # the rows of the winners, sum_k S_ik X_k',
            "cone": _SIGNED_CONE,
        }
        cone = (
            r"D_{i,k} (X_k - X_l)\, c \ge 0",
            r"A_{i,k} X_k c \ge 0,\quad (D_{i,k} - A_{i,k})\, X_k c \le 0",
        )
        slopes = (
            r"A_{i,k}\text{: those in which it is active}",
            rf"S_{{i,k}} = {above}A_{{i,k}} + {below}(D_{{i,k}} - A_{{i,k}})",
        )
    else:
        texts = {
            "program": "sum_i sum_k D_ik X_k (c'_i - c_i), D_ik: the samples in which k wins its group",
            "constraints": "x_k^T c >= 0 and (x_k - x_l)^T c >= 0 for a winner k, x_l^T c <= 0 without; c = c_i, c'_i",
            "cells": "D = code.reshape(P, K, n)  # D_ik: the samples in which patch k wins its group\n"
            f"groups = {groups}",
            "design": 'G = np.einsum("ikn,knh->inh", D, X)  # the rows of the winners, sum_k D_ik X_k',
            "cone": _CONE,
        }
        cone = (
            r"D_{i,k} X_k c \ge 0,\quad D_{i,k} (X_k - X_l)\, c \ge 0",
            rf"\big(I - \textstyle\sum_{{{inside}}} D_{{i,k}}\big) X_l c \le 0",
        )
        slopes = ()
    return pooled_formulas(
        cnn,
        pooling=f"max pooling of {cnn.pool_size} a side" if cnn.pool_size else "max pooling",
        network=f"sum_j sum_groups max_(k in group) {sigma.text('X_k u_j')} w_j",
        **texts,
        atoms=f"phi = sum({sigma.python('top')} for top in ((X[group] @ u.T).max(axis=0) for group in groups))",
        latex=pooled_latex(
            cnn,
            network=rf"\sum_j {outer}\max_{{{inside}}}\, {sigma.latex('X_k u_j')}\, w_j",
            operator=rf"\sum_{{k=1}}^{{{K}}} {'S' if signed else 'D'}_{{i,k}} X_k",
            cone=cone,
            every=r"i,\, g,\, k,\, l\in\Gamma_g" if several else r"i,\, k,\, l",
            remarks=(wins, *slopes, *filter(None, [same])),
        ),
    )

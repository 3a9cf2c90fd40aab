"""The convex program of the present state, as mathematics."""

from __future__ import annotations

from convex_core.problem import Problem

__all__ = ["convex_latex", "training_latex"]


def training_latex(problem: Problem) -> str:
    """The non-convex training problem with its numbers."""
    return (
        rf"\min_{{u_j,\,w_j}}\; {problem.loss.formulas.latex} + \tfrac{{{problem.beta:g}}}{{2}}"
        r"\sum_j \big(\|u_j\|_2^2 + w_j^2\big), \qquad f = "
        + _pool(problem)
        + rf"\sum_{{j}}\sum_{{k=1}}^{{{len(problem.patches)}}} (X_k u_j)_+\, w_j"
    )


def convex_latex(problem: Problem, patterns: int | None) -> str:
    """The equivalent convex program with its numbers; P stays a letter if the patterns were not listed."""
    K, _, h = problem.patches.shape
    count = f"{patterns:,}".replace(",", r"{,}") if patterns is not None else "P"
    return (
        r"\begin{aligned}\min_{c_i,\,c_i'\in\mathbb{R}^{"
        f"{h}"
        r"}}\;& "
        + problem.loss.formulas.latex
        + f" + {problem.beta:g}"
        + r"\sum_{i} \big(\|c_i\|_2 + \|c_i'\|_2\big), \qquad f = "
        + _pool(problem)
        + rf"\sum_{{i=1}}^{{{count}}}\sum_{{k=1}}^{{{K}}} D_{{i,k}} X_k (c_i' - c_i)"
        + r"\\ \text{s.t.}\;& (2D_{i,k}-I)X_k c_i \ge 0,\quad"
        r"(2D_{i,k}-I)X_k c_i' \ge 0 \quad\text{for all } i, k\end{aligned}"
    )


def _pool(problem: Problem) -> str:
    return rf"\tfrac{{1}}{{{len(problem.patches)}}}" if getattr(problem.architecture, "pooling", "") == "mean" else ""

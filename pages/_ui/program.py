"""The convex program of the present state, as mathematics."""

from __future__ import annotations

from collections.abc import Callable

from convex_core.architectures import (
    CircularCNN,
    FlattenCNN,
    LinearCNN,
    MaxPoolingCNN,
    SeveralOutputs,
    ThreeLayerCNN,
    VectorOutputs,
)
from convex_core.problem import Problem
from convex_core.status import Exactness

__all__ = ["convex_latex", "training_latex"]

_TWO = r"\|u_j\|_2^2 + w_j^2"


def training_latex(problem: Problem) -> str:
    """The non-convex training problem with its numbers."""
    network, cost, constraint = _network(problem)
    return (
        rf"\begin{{aligned}}\min_{{u,\,w}}\;& {problem.loss.formulas.latex} + \tfrac{{{problem.beta:g}}}{{2}}"
        rf"\sum_j \big({cost}\big), \\ & f = {network}"
        + (rf", \quad {constraint}" if constraint else "")
        + r"\end{aligned}"
    )


def convex_latex(problem: Problem, patterns: int | None) -> str:
    """The convex program with its numbers; P stays a letter if the patterns were not listed."""
    if patterns is not None and isinstance(problem.architecture, VectorOutputs):
        patterns //= problem.architecture.q  # the program has a pair of blocks for each pattern and output
    count = f"{patterns:,}".replace(",", r"{,}") if patterns is not None else "P"
    if isinstance(problem.architecture, SeveralOutputs):
        return _several_latex(problem, problem.architecture, count)
    output, norm, cones, length = _program(problem, count)
    bound = "" if problem.architecture.exactness is not Exactness.BOUND_ONLY else r"\quad\text{(a lower bound)}"
    blocks = rf"c_i,\,c_i'\in\mathbb{{R}}^{{{length}}}" if cones else rf"Z\in\mathbb{{R}}^{{{length}}}"
    pair = f"{norm('c_i')} + " + norm("c_i'")
    penalty = rf"\sum_{{i}} \big({pair}\big)" if cones else norm("Z")
    lines = rf"\min_{{{blocks}}}\;& {problem.loss.formulas.latex} + {problem.beta:g}{penalty}, "
    lines += rf"\\ & f = {output}{bound}"
    if cones:
        lines += rf"\\ \text{{s.t.}}\;& {cones}"
    return r"\begin{aligned}" + lines + r"\end{aligned}"


def _several_latex(problem: Problem, architecture: SeveralOutputs, count: str) -> str:
    """The convex program of a network with several outputs; a pair of blocks gives one output, or all of them."""
    K, _, h = problem.patches.shape
    each, value = rf"\sum_{{i=1}}^{{{count}}}\sum_{{k=1}}^{{{K}}} D_{{i,k}} X_k", f"{problem.beta:g}"
    if isinstance(architecture, VectorOutputs):
        blocks = rf"c_{{io}},\,c_{{io}}'\in\mathbb{{R}}^{{{h}}}"
        penalty = r"\sum_{i,\,o} \big(\|c_{io}\|_2 + \|c_{io}'\|_2\big)"
        output = rf"\sum_{{o=1}}^{{{architecture.q}}} {each} (c_{{io}}' - c_{{io}})\, e_o^T"
        cone = r"(2D_{i,k}-I)X_k c_{io} \ge 0,\quad (2D_{i,k}-I)X_k c_{io}' \ge 0 \quad\text{for all } i, k, o"
    else:
        blocks = rf"Z_i,\,Z_i'\in\mathbb{{R}}^{{{architecture.q}\times {h}}}"
        penalty = r"\sum_i \big(\|Z_i\|_* + \|Z_i'\|_*\big)"
        output = rf"{each} (Z_i' - Z_i)^T"
        cone = r"s_{io} (2D_{i,k}-I)X_k z_{io} \ge 0,\quad \text{likewise } z_{io}' \quad\text{for all } i, k, o"
    return (
        rf"\begin{{aligned}}\min_{{{blocks}}}\;& {problem.loss.formulas.latex} + {value}{penalty}, "
        rf"\\ & f = {_pool(problem)}{output} \\ \text{{s.t.}}\;& {cone}\end{{aligned}}"
    )


def _pool(problem: Problem) -> str:
    architecture = problem.architecture
    single = architecture.single if isinstance(architecture, SeveralOutputs) else architecture
    return rf"\tfrac{{1}}{{{len(problem.patches)}}}" if getattr(single, "pooling", "") == "mean" else ""


def _network(problem: Problem) -> tuple[str, str, str]:
    """Output, cost of a neuron, and constraint of the training problem."""
    architecture = problem.architecture
    K = len(problem.patches)
    every = rf"\sum_{{k=1}}^{{{K}}}"
    if isinstance(architecture, MaxPoolingCNN):
        return r"\sum_j \sum_{\text{groups}}\, \max_{k} (X_k u_j)_+\, w_j", _TWO, ""
    if isinstance(architecture, LinearCNN):
        return rf"\sum_j {every} X_k u_j\, w_{{jk}}", r"\|u_j\|_2^2 + \|w_j\|_2^2", ""
    if isinstance(architecture, FlattenCNN):
        return rf"\sum_j {every} (X_k u_j)_+\, w_{{jk}}", r"\|u_j\|_2^2 + \|w_j\|_2^2", ""
    if isinstance(architecture, CircularCNN):
        return r"\sum_j (X U_j w_{1j})_+\, w_{2j}", r"\|w_{1j}\|_2^2 + w_{2j}^2", r"\|u_j\|_2 \le 1"
    if isinstance(architecture, ThreeLayerCNN):
        own = "u_{jk}" if architecture.sharing == "per-patch" else "u_j"
        return (
            rf"\sum_j \Big({every} (X_k {own})_+\, w_{{1jk}}\Big)_+ w_{{2j}}",
            r"\|w_{1j}\|_2^2 + w_{2j}^2",
            rf"\|{own}\|_2 \le 1",
        )
    if isinstance(architecture, SeveralOutputs):
        index = "1" if isinstance(architecture, VectorOutputs) else "2"
        output = rf"\sum_{{j}}{every} (X_k u_j)_+\, w_j^T"
        vector = rf"w_j\in\mathbb{{R}}^{{{architecture.q}}}"
        return _pool(problem) + output, rf"\|u_j\|_2^2 + \|w_j\|_{index}^2", vector
    return _pool(problem) + rf"\sum_{{j}}{every} (X_k u_j)_+\, w_j", _TWO, ""


def _program(problem: Problem, count: str) -> tuple[str, Callable[[str], str], str, str]:
    """Output, norm of a block, cone constraints (none for a single free block), and length of a block."""
    architecture = problem.architecture
    K, _, h = problem.patches.shape
    cells, every = rf"\sum_{{i=1}}^{{{count}}}", rf"\sum_{{k=1}}^{{{K}}}"
    euclid = _norm("_2")
    if isinstance(architecture, LinearCNN):
        return rf"{every} X_k z_k", _norm("_*"), "", rf"{h}\times {K}"
    if isinstance(architecture, MaxPoolingCNN):
        winner = (
            r"x_k^T c \ge 0,\; (x_k - x_l)^T c \ge 0 \text{ where patch } k \text{ wins},\quad "
            r"x_l^T c \le 0 \text{ where none does}"
        )
        return rf"{cells} G_i (c_i' - c_i)", euclid, winner, str(h)
    if isinstance(architecture, FlattenCNN):
        cone = r"s_k (2D_{i,k'}-I)X_{k'} c_{ik} \ge 0 \quad\text{for all } i, k, k'"
        return rf"{cells}{every} D_{{i,k}} X_k (c_{{ik}}' - c_{{ik}})", _norm("_*"), cone, rf"{h}\times {K}"
    if isinstance(architecture, CircularCNN):
        cone = r"(2D_i-I)X c_i \ge 0,\quad (2D_i-I)X c_i' \ge 0 \quad\text{for all } i"
        d = problem.X.shape[1]
        spectral = architecture.relaxation == "spectral"
        norm = _norm("_1", "F ", rf"\tfrac{{1}}{{\sqrt{{{d}}}}}") if spectral else _norm(r"_{u * w}")
        return rf"{cells} D_i X (c_i' - c_i)", norm, cone, str(d)
    if isinstance(architecture, ThreeLayerCNN):
        cone = (
            r"s_k (2D^1_{i,k}-I)X_k c_{ik} \ge 0,\quad "
            r"(2D^2_i-I)\textstyle\sum_k D^1_{i,k} X_k c_{ik} \ge 0 \quad\text{for all } i, k"
        )
        norm = _norm("_*") if architecture.relaxation == "nuclear" else _norm("_F")
        return rf"{cells} D^2_i {every} D^1_{{i,k}} X_k (c_{{ik}}' - c_{{ik}})", norm, cone, rf"{h}\times {K}"
    cone = r"(2D_{i,k}-I)X_k c_i \ge 0,\quad (2D_{i,k}-I)X_k c_i' \ge 0 \quad\text{for all } i, k"
    return _pool(problem) + rf"{cells}{every} D_{{i,k}} X_k (c_i' - c_i)", euclid, cone, str(h)


def _norm(index: str, transform: str = "", factor: str = "") -> Callable[[str], str]:
    return lambda block: rf"{factor}\|{transform}{block}\|{index}"

"""The present problem as a self-contained CVXPY script that anyone can run and read."""

from __future__ import annotations

import base64
import textwrap
import zlib

import numpy as np
from numpy.typing import NDArray

from ..architectures import TwoLayerCNN
from ..errors import InputError, SizeError
from ..problem import Problem

__all__ = ["MAX_SCRIPT_BYTES", "cvxpy_script"]

#: longest text of embedded data; beyond, a script is no longer something to read
MAX_SCRIPT_BYTES = 2_000_000

_TEMPLATE = '''\
"""Convex program of a two-layer ReLU CNN with {pooling} pooling and the {loss} loss, as a self-contained CVXPY script.

minimise   loss(f) + beta sum_i (||c_i|| + ||c'_i||), f = {mean}sum_i sum_k D_ik X_k (c'_i - c_i)
subject to (2 D_ik - I) X_k c_i >= 0 and (2 D_ik - I) X_k c'_i >= 0

{note}
Needs: numpy, cvxpy (with Clarabel). Source: Ergen and Pilanci, ICLR 2021, arXiv 2006.14798.
"""

import base64
import zlib

import cvxpy as cp
import numpy as np
import scipy.sparse as sp


def unpack(text, dtype, shape):
    return np.frombuffer(zlib.decompress(base64.b64decode("".join(text.split()))), dtype).reshape(shape)


beta = {beta!r}
scale = {scale!r}  # 1 for sum pooling, 1/K for mean pooling
y = unpack("""
{y}
""", "<f8", ({n},))
# patch matrices X_k, k = 1..K
X = unpack("""
{patches}
""", "<f8", ({K}, {n}, {h}))
# sign patterns: one row per pattern, one bit per (patch, sample)
D = np.unpackbits(unpack("""
{bits}
""", "u1", ({P}, {row_bytes})), axis=1)[:, : {K} * {n}].reshape({P}, {K}, {n})

P, K, n = D.shape
h = X.shape[2]
G = scale * np.einsum("pkn,knh->pnh", D.astype(float), X)  # sum_k D_ik X_k
G = np.concatenate([G, -G])  # output weight +1, then -1
cone = (2.0 * D - 1.0).reshape(P, K * n, 1) * X.reshape(1, K * n, h)
cone = sp.block_diag([*cone, *cone], format="csr")

C = cp.Variable((2 * P, h))  # one row per block: c'_1 .. c'_P, c_1 .. c_P
f = G.transpose(1, 0, 2).reshape(n, -1) @ cp.vec(C, order="C")
loss = {cvxpy}
objective = loss + beta * cp.sum(cp.norm(C, 2, axis=1))
problem = cp.Problem(cp.Minimize(objective), [cone @ cp.vec(C, order="C") >= 0])
problem.solve(solver=cp.CLARABEL)
print(problem.status, "objective", problem.value)

# back to a network: u = c / sqrt||c||, w = +-sqrt||c||
norm = np.linalg.norm(C.value, axis=1)
keep = norm > 1e-6 * norm.max()
root = np.sqrt(norm[keep])
U = C.value[keep] / root[:, None]
w = np.where(np.arange(2 * P) < P, 1.0, -1.0)[keep] * root
f = scale * sum(np.maximum(Xk @ U.T, 0.0) for Xk in X) @ w
loss = {numpy}
value = loss + beta / 2 * (np.sum(U**2) + np.sum(w**2))
print(keep.sum(), "filters, objective of the network", value)
'''


def cvxpy_script(problem: Problem, patterns: NDArray[np.bool_], *, complete: bool) -> str:
    """Text of a Python script that states and solves the convex program of `problem` with CVXPY.

    Parameters
    ----------
    problem : Problem
        Two-layer CNN with any loss.
    patterns : (P, N) bool
        Sign patterns to include: all of them, or for a short script those of the blocks of a solution
        (:attr:`Solution.active`); the value over the latter equals the optimum if the solution is certified.
    complete : bool
        Whether `patterns` are all there are; the script says which.

    Raises
    ------
    InputError
        For another architecture.
    SizeError
        If the embedded data would exceed :data:`MAX_SCRIPT_BYTES`.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> text = cvxpy_script(problem, solve(problem).active, complete=False)
    >>> compile(text, "script", "exec") is not None
    True
    """
    architecture = problem.architecture
    if not isinstance(architecture, TwoLayerCNN):
        options = ", ".join(f"{name} {value}" for name, value in architecture.options.items())
        raise InputError(
            f"script: got the architecture {architecture.name} ({options}), expected two-layer with sum or mean "
            "pooling and one output"
        )
    K, n, h = problem.patches.shape
    distinct = np.unique(patterns, axis=0)
    bits = np.packbits(distinct, axis=1)
    note = (
        f"All {len(distinct)} sign patterns of the data are included: this is the whole program."
        if complete
        else f"Only {len(distinct)} sign patterns are included, those a solution uses. The value is an upper bound\n"
        "on the optimum over all patterns, and equal to it if that solution was certified."
    )
    pooling = architecture.pooling
    text = _TEMPLATE.format(
        pooling=pooling,
        mean="1/K " if pooling == "mean" else "",
        loss=problem.loss.name,
        cvxpy=problem.loss.formulas.cvxpy,
        numpy=problem.loss.formulas.numpy,
        note=note,
        beta=problem.beta,
        scale=architecture.scale,
        y=_embed(problem.y.astype("<f8")),
        patches=_embed(problem.patches.astype("<f8")),
        bits=_embed(bits),
        n=n,
        K=K,
        h=h,
        P=len(distinct),
        row_bytes=bits.shape[1],
    )
    if len(text) > MAX_SCRIPT_BYTES:
        raise SizeError(
            f"script: got {len(text):,} characters of data and program, expected at most {MAX_SCRIPT_BYTES:,}",
            predicted=len(text),
            limit=MAX_SCRIPT_BYTES,
        )
    return text


def _embed(array: NDArray[np.generic]) -> str:
    """Compressed base64 text of an array, wrapped."""
    raw = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    return "\n".join(textwrap.wrap(raw, 110))

"""The present problem as a self-contained CVXPY script that anyone can run and read.

The script takes the data, beta and the codes of the cells from the problem, and everything else as text: from the
formulas of the loss, the penalty and the architecture. It states the convex program, solves it, maps the blocks back to
a network and evaluates that by a forward pass, all without this library.
"""

from __future__ import annotations

import base64
import textwrap
import zlib

import numpy as np
from numpy.typing import NDArray

from ..architectures import formulas_of, no_codes
from ..contracts.validation import check_arguments
from ..errors import InputError, SizeError
from ..networks.neurons import random_neurons
from ..problem import Problem
from ..status import Exactness

__all__ = [
    "MAX_SCRIPT_BYTES",
    "MAX_SCRIPT_CELLS",
    "cvxpy_script",
    "some_cell",
    "statement",
    "used_cells_script",
    "whole_cvxpy_script",
]

#: longest text of embedded data; beyond, a script is no longer something to read
MAX_SCRIPT_BYTES = 2_000_000
#: more cells than this take CVXPY minutes
MAX_SCRIPT_CELLS = 5_000
_WIDTH = 104

_TEMPLATE = '''\
"""{title}

{statement}

{note}
Needs: numpy, scipy, cvxpy (with Clarabel). Source: Ergen and Pilanci, ICLR 2021, arXiv 2006.14798.
"""

import base64
import zlib

import cvxpy as cp
import numpy as np
import scipy.sparse as sp


def unpack(text, dtype, shape):
    return np.frombuffer(zlib.decompress(base64.b64decode("".join(text.split()))), dtype).reshape(shape)


beta = {beta!r}
y = unpack("""
{y}
""", "<f8", ({size},)){flat}
# patch matrices X_k, k = 1..K{ones}
X = unpack("""
{patches}
""", "<f8", ({K}, {n}, {h}))
K, n, h = X.shape
{code}
{design}
{blocks}
f = G.transpose(1, 0, 2).reshape(len(y), -1) @ cp.vec(C, order="C"){free}
loss = {cvxpy}
{penalty}
problem = cp.Problem(cp.Minimize(loss + beta * penalty), constraints)
problem.solve(solver=cp.CLARABEL)
print(problem.status, "objective", problem.value)

# back to a network, without what is negligible: an interior-point method leaves it
norm = np.linalg.norm(C.value, axis=1)
keep = np.flatnonzero(norm > 1e-6 * norm.max())
c, sign, block = C.value[keep], sign[keep], keep % P
{neurons}

# what the network itself gives: a forward pass and its cost
{atoms}
f = {outputs}{fitted}
loss = {numpy}
value = loss + beta * {costs}
print(len(u), "neurons, objective of the network", value)
'''

_CODE = '''\
# cells: one row per cell, in bits
code = np.unpackbits(unpack("""
{bits}
""", "u1", ({P}, {row_bytes})), axis=1)[:, :{width}].astype(float)
P = len(code)
{cells}'''

_PAIRS = """\
{cone}

# a row of C per block: c'_1 .. c'_P with output weight +1, then c_1 .. c_P with -1
G, sign = np.concatenate([G, -G]), np.repeat([1.0, -1.0], P)
C = cp.Variable((2 * P, G.shape[2]))
cone = sp.block_diag([*cone, *cone], format="csr")
cone = cone[np.diff(cone.indptr) > 0]  # rows of zeros say nothing
constraints = [cone @ cp.vec(C, order="C") >= 0]"""

_SINGLE = """
sign = np.ones(P)
C = cp.Variable((P, G.shape[2]))  # a row per cell: Z, flat; there are no cones, so that -Z needs no block of its own
constraints = []"""

_FREE = """
E = {E}  # what costs nothing
z = cp.Variable(E.shape[1])
f = f + E @ z"""

_WORDS = {
    Exactness.EXACT: "the optimum of the training problem",
    Exactness.EXACT_IF_RANK_ONE: (
        "a lower bound on the optimum of the training problem, and equal to it if every block has rank one"
    ),
    Exactness.BOUND_ONLY: "a lower bound on the optimum of the training problem, and no more",
}


def cvxpy_script(problem: Problem, patterns: NDArray[np.bool_], *, complete: bool) -> str:
    """Text of a Python script that states and solves the convex program of `problem` with CVXPY.

    Parameters
    ----------
    problem : Problem
        Any architecture with any loss.
    patterns : (P, N) bool
        Codes of the cells to include: all of them (:meth:`Architecture.patterns`), or for a short script those of the
        blocks of a solution (:attr:`Solution.active`); the value over the latter equals that of the whole program if
        the solution is certified.
    complete : bool
        Whether `patterns` are all there are; the script says which, and what its value then means.

    Raises
    ------
    InputError
        Unless there is at least one code, of as many bits as the architecture's codes have.
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
    check_arguments("cvxpy_script", problem=(problem, Problem))
    architecture, loss = problem.architecture, problem.loss
    formulas, penalty = formulas_of(architecture), architecture.penalty.formulas
    width = no_codes(architecture, problem.patches).shape[1]
    if np.ndim(patterns) != 2 or not len(patterns) or patterns.shape[1] != width:
        raise InputError(
            f"patterns: got an array of shape {np.shape(patterns)}, expected at least one row of {width} bits"
        )
    K, n, h = problem.patches.shape
    packed = np.unique(np.packbits(patterns, axis=1), axis=0)
    P = len(packed) if width else 1
    q = problem.size // n
    code = "P = 1  # there is one cell only"
    if width:
        code = _CODE.format(bits=_embed(packed), P=P, row_bytes=packed.shape[1], width=width, cells=formulas.cells)
    cones = bool(formulas.cone)
    text = _TEMPLATE.format(
        title=f"{formulas.title[0].upper()}{formulas.title[1:]}, {loss.name} loss: the convex program in CVXPY.",
        statement=statement(problem),
        note=_note(architecture.exactness, P, complete=complete or not width),
        beta=problem.beta,
        y=_embed(problem.y.astype("<f8")),
        size=problem.size,
        flat=f"  # sample by sample\nq = {q}  # outputs" if q > 1 else "",
        patches=_embed(problem.patches.astype("<f8")),
        ones="; the last column is 1, so that a filter ends in its bias" if architecture.geometry.biased else "",
        K=K,
        n=n,
        h=h,
        code=code,
        design=formulas.design,
        blocks=_PAIRS.format(cone=formulas.cone) if cones else _SINGLE,
        free=_FREE.format(E=_free(problem)) if _free(problem) else "",
        fitted=" + E @ z.value" if _free(problem) else "",
        cvxpy=loss.formulas.cvxpy,
        penalty=penalty.cvxpy,
        neurons=formulas.neurons,
        atoms=formulas.atoms,
        outputs=formulas.outputs,
        numpy=loss.formulas.numpy,
        costs=formulas.costs,
    )
    if len(text) > MAX_SCRIPT_BYTES:
        raise SizeError(
            f"script: got {len(text):,} characters of data and program, expected at most {MAX_SCRIPT_BYTES:,}",
            predicted=len(text),
            limit=MAX_SCRIPT_BYTES,
        )
    return text


def whole_cvxpy_script(problem: Problem, *, max_patterns: int = MAX_SCRIPT_CELLS) -> str:
    """:func:`cvxpy_script` over every cell of the data.

    Raises
    ------
    SizeError
        If there are more than `max_patterns` cells, or as in :func:`cvxpy_script`.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> text = whole_cvxpy_script(Problem.from_dataset(load_dataset("edge"), architecture="linear"))
    >>> "The only cell is included: this is the whole program." in text
    True
    """
    check_arguments("whole_cvxpy_script", problem=(problem, Problem))
    cells = problem.architecture.patterns(problem.patches, max_patterns=max_patterns)
    return cvxpy_script(problem, cells.active(), complete=cells.certified)


def used_cells_script(problem: Problem, active: NDArray[np.bool_]) -> str:
    """:func:`cvxpy_script` over the cells `active` (B, N) of a solution; the zero network has none: any will do."""
    return cvxpy_script(problem, active if len(active) else some_cell(problem), complete=False)


def some_cell(problem: Problem) -> NDArray[np.bool_]:
    """The code of the cell of one random neuron, (1, N)."""
    architecture = problem.architecture
    neuron = architecture.project(random_neurons(architecture, 1, np.random.default_rng(0)))
    return architecture.codes(problem.patches, neuron)


def _free(problem: Problem) -> str:
    """Expression of the matrix that free coefficients multiply; empty if there are none."""
    q = problem.architecture.q
    bias = "np.ones((n, 1))" if q == 1 else "np.tile(np.eye(q), (n, 1))"
    parts = [formulas_of(problem.architecture).skip, bias * problem.architecture.geometry.output_bias]
    given = [part for part in parts if part]
    return f"np.hstack([{', '.join(given)}])" if len(given) > 1 else "".join(given)


def statement(problem: Problem) -> str:
    """Both problems as text."""
    formulas, penalty = formulas_of(problem.architecture), problem.architecture.penalty.formulas
    block = "C" if "C_i" in formulas.program else "Z" if "Z_i" in formulas.program else "c"
    if not formulas.cone:
        norm = f"sum_i {penalty.text.format(c='Z_i')}" if "Z_i" in formulas.program else penalty.text.format(c="Z")
    else:
        first, second = (penalty.text.format(c=f"{block}{prime}_i") for prime in ("", "'"))
        norm = f"sum_i ({first} + {second})"
    bias = "b + " if problem.architecture.geometry.output_bias else ""
    lines = [
        f"Training problem: minimise loss(f, y) + beta sum_j {formulas.cost}",
        f"    f = {bias}{formulas.network}",
        f"Convex program:   minimise loss(f, y) + beta {norm}",
        f"    f = {bias}{formulas.program}",
    ]
    if formulas.constraints:
        lines.append(f"    subject to {formulas.constraints}")
    if penalty.definition:
        lines.append(f"    where {penalty.definition}")
    return "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent=" " * 8) for line in lines)


def _note(exactness: Exactness, cells: int, *, complete: bool) -> str:
    """Which cells are included, and what the value then means."""
    if complete:
        included = "The only cell is" if cells == 1 else f"All {cells} cells of the data are"
        words = f"{included} included: this is the whole program."
    else:
        words = (
            f"Only {cells} of the cells (sign patterns) {'is' if cells == 1 else 'are'} included, such as those a "
            "solution uses. The value is an upper bound on that of the whole program, over all cells, and equal to it "
            "if that solution was certified."
        )
    words += f" {exactness.capitalize()}: the value of the whole program is {_WORDS[exactness]}."
    if exactness is not Exactness.EXACT:
        words += " The objective of the network, printed last, is an upper bound on that optimum."
    return textwrap.fill(words, _WIDTH)


def _embed(array: NDArray[np.generic]) -> str:
    """Compressed base64 text of an array, wrapped."""
    raw = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    return "\n".join(raw[at : at + _WIDTH] for at in range(0, len(raw), _WIDTH))

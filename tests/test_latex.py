"""The LaTeX of both problems says what the library computes, for every option of every architecture."""

import math
import re

import numpy as np
import pytest
from architecture_cases import every_architecture, tiny_problem
from loss_cases import EVERY, each

from convex_core import Problem, load_dataset, make_loss
from convex_core.architectures import make_architecture
from convex_core.export.latex import convex_latex, training_latex
from convex_core.patches import patch_geometry
from convex_core.penalties import NuclearLiftPenalty, SpectralPenalty, TracePenalty, symmetric_vectors
from convex_core.status import Exactness

every = pytest.mark.parametrize("architecture", list(every_architecture()))


def number(text: str) -> float:
    """Value of a factor such as ``\\tfrac{1}{\\sqrt{3}}``; of nothing 1."""
    python = re.sub(r"\\tfrac\{1\}\{(.*)\}", r"1/(\1)", text.replace(r"\,", ""))
    python = re.sub(r"\\sqrt\{(\d+)\}", r"math.sqrt(\1)", python)
    return float(eval(python or "1", {"math": math}))


@every
def test_the_markup_is_balanced(architecture):
    problem = tiny_problem(architecture)
    for text in (training_latex(problem), convex_latex(problem, 12), convex_latex(problem)):
        depth = np.cumsum([{"{": 1, "}": -1}.get(c, 0) for c in re.sub(r"\\[{}]", "", text)])
        assert depth.min() >= 0
        assert depth[-1] == 0
        for left, right in ((r"\big(", r"\big)"), (r"\Big(", r"\Big)"), (r"\{", r"\}")):
            assert text.count(left) == text.count(right)
        assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}") == 1
        # one alignment mark in each line
        assert [line.count("&") for line in text.splitlines()[1:-1]] == [1] * (len(text.splitlines()) - 2)
        assert not re.search(r"\{[^{}]*\{\}|None|\{\w+_\w+\}'?'\^", text)


@every
def test_blocks_have_the_length_of_the_program(architecture):
    problem = tiny_problem(architecture)
    shape = architecture.formulas.latex.shape
    length = architecture.design(problem.patches).shape[2]
    symmetric = len(shape) == 2 and shape[0] == shape[1] and length == shape[0] * (shape[0] + 1) // 2
    assert symmetric or math.prod(shape) == length
    size = r"\times ".join(map(str, shape))
    assert rf"\in\mathbb{{R}}^{{{size}}}}}\;" in convex_latex(problem)


@every
def test_the_norm_is_the_penalty(architecture):
    text, penalty = convex_latex(tiny_problem(architecture)), architecture.penalty
    latex = architecture.formulas.latex
    c = np.random.default_rng(0).standard_normal((1, math.prod(latex.shape)))
    objective = text.splitlines()[1]
    if isinstance(penalty, TracePenalty):
        S = c.reshape(latex.shape) @ c.reshape(latex.shape).T
        assert all(rf"\tfrac12\operatorname{{tr}}{block}" in objective for block in latex.blocks)
        assert r"S\succeq 0" in text
        assert penalty.norm(symmetric_vectors(S[None])) == pytest.approx(0.5 * np.trace(S))
        return
    shown = [re.search(rf"(\\\||N\(){re.escape(block)}(\\\|_(.)|\))", objective) for block in latex.blocks]
    assert all(shown)
    index = shown[0][3]
    if index in ("2", "F"):
        assert (index == "F") == (len(latex.shape) == 2)
        assert penalty.norm(c) == pytest.approx(np.linalg.norm(c, axis=1))
    elif index == "*":
        assert sorted(latex.shape) == sorted(penalty.shape)
        assert penalty.norm(c) == pytest.approx(np.linalg.norm(c.reshape(penalty.shape), "nuc"))
    elif isinstance(penalty, SpectralPenalty):
        amplitude = np.abs(np.fft.fft(c[0], norm="ortho"))
        scale, weighted = re.search(r"N\(c\) = (.*?)(\\\|F c\\\|_1|\\textstyle\\sum_f)", text).groups()
        omega = np.ones(len(amplitude))
        if weighted.startswith(r"\textstyle"):
            alone, pair, _ = re.search(r"1\\text\{ for \}f = (.*?)\\text\{, else \}(.*?)( \\\\|\n)", text).groups()
            omega[:] = number(pair)
            omega[[int(f) for f in alone.split(r",\,")]] = 1.0
        assert penalty.norm(c)[0] == pytest.approx(number(scale) * float(omega @ amplitude))
    else:
        assert isinstance(penalty, NuclearLiftPenalty)
        scale, h, d, modulus = re.search(
            r"N\(c\) = (.*?)\\min \\\|Z\\\|_\*.*?R\}\^\{(\d+)\\times (\d+)\}.*?bmod (\d+)", text, re.DOTALL
        ).groups()
        assert number(scale) == pytest.approx(penalty.scale)
        assert (int(h), int(d), int(modulus)) == (penalty.h, penalty.d, penalty.d)


@every
def test_a_bound_is_called_a_bound(architecture):
    text = convex_latex(tiny_problem(architecture))
    assert ("(a lower bound" in text) == (architecture.exactness is not Exactness.EXACT)
    assert ("exact if rank one" in text) == (architecture.exactness is Exactness.EXACT_IF_RANK_ONE)


@every
def test_cones_and_cells_are_those_of_the_program(architecture):
    problem = tiny_problem(architecture)
    latex, text = architecture.formulas.latex, convex_latex(problem, 24)
    cones = architecture.hyperplanes(problem.patches).shape[0] > 0
    assert (r"\text{s.t.}" in text) == cones
    assert len(latex.blocks) == 1 + cones  # without cones -Z needs no block of its own
    none = {name: np.zeros((0, *shape)) for name, shape in architecture.shapes.items()}
    several = architecture.codes(problem.patches, none).shape[1] > 0
    assert (rf"\sum_{{i=1}}^{{{24 // architecture.cells_per_pattern}}}" in text) == several
    assert (r"\sum_{i=1}^{P}" in convex_latex(problem)) == several


@every
def test_copies_are_cells_of_one_pattern(architecture):
    problem = tiny_problem(architecture)
    cells = len(architecture.patterns(problem.patches, max_patterns=10_000))
    assert (architecture.cells_per_pattern > 1) == bool(architecture.formulas.copies)
    if architecture.cells_per_pattern > 1:
        assert str(architecture.cells_per_pattern) in architecture.formulas.copies
    one = architecture.single
    assert (one.q, one.cells_per_pattern) == (1, 1)
    assert cells == architecture.cells_per_pattern * len(one.patterns(problem.patches, max_patterns=10_000))


@every
def test_the_network_has_its_sizes(architecture):
    problem = tiny_problem(architecture)
    text, K = training_latex(problem), architecture.geometry.K
    options = architecture.options
    weights = r"\times ".join(map(str, architecture.shapes["weights"]))
    for length in {str(architecture.unit_length or architecture.geometry.h), weights} - {""}:
        assert rf"\in\mathbb{{R}}^{{{length}}}" in text
    assert (r"\max_" in text) == (options.get("pooling") == "max")
    share = r"|R_r|" if "pooling_grid" in options else str(K)
    assert (rf"\tfrac{{1}}{{{share}}}" in text) == (options.get("pooling") == "mean")
    assert (r"\text{s.t.}" in text) == (architecture.unit_length is not None)
    if architecture.name == "circular":
        assert len(re.findall(r"U_\{?\d?j", text.splitlines()[2])) == architecture.convolutions
    elif options.get("pooling") != "max":
        assert (r"\sum_{k\in R_r}" if "pooling_grid" in options else rf"\sum_{{k=1}}^{{{K}}}") in text
    assert ("flat" in text) == (architecture.q > 1) == ("flat" in convex_latex(problem))


def test_cones_are_those_of_the_relaxation():
    def cone(name, geometry, **options):
        return convex_latex(tiny_problem(make_architecture(name, geometry, **options)))

    geometry = patch_geometry((4,), 2, 2)
    talk, strong = (cone("three-layer", geometry, sharing="shared", relaxation=r) for r in ("frobenius", "strong"))
    assert "D^1_{i,k}-I" in talk
    assert "D^1_{i,k'}-I" not in talk
    assert "D^1_{i,k'}-I" in strong
    five = patch_geometry((3,), 2, 1, "circular")
    assert r"U_{1j} \cdots U_{4j}" in training_latex(tiny_problem(make_architecture("circular", five, layers=6)))
    even = patch_geometry((4,), 4, 1, "circular")
    assert r"f = 0,\, 2\text{, else }\sqrt{2}" in cone("circular", even, layers=4)


@pytest.mark.parametrize("beta", [1e-5, 0.1, 2.5e-7, 1.0])
def test_beta_is_a_number_of_mathematics(beta):
    problem = Problem.from_dataset(load_dataset("shift"), beta=beta)
    for text in (training_latex(problem), convex_latex(problem)):
        assert "e-" not in text
        written = {1e-5: "10^{-5}", 2.5e-7: r"2.5\cdot 10^{-7}"}.get(beta, f"{beta:g}")
        assert written in text


@each(EVERY)
def test_the_loss_is_in_both(loss):
    problem = tiny_problem(make_architecture("two-layer", patch_geometry((6,), 2, 2)), loss)
    assert loss.formulas.latex in training_latex(problem)
    assert loss.formulas.latex in convex_latex(problem)


def test_softmax_and_long_counts():
    problem = Problem.from_dataset(load_dataset("motifs3"), loss=make_loss("softmax"))
    assert problem.loss.formulas.latex in convex_latex(problem)
    for text in (training_latex(problem), convex_latex(problem)):  # too long for one line of a phone
        assert text.splitlines()[1].endswith(problem.loss.formulas.latex + r" \\")
        assert text.splitlines()[2].startswith("& {} + ")
    assert r"\sum_{i=1}^{4{,}072} \sum_{o=1}^{3}" in convex_latex(problem, 3 * 4072)

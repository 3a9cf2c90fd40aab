"""The eight steps: what is shown, two sentences, a question, and the answer, with the library's numbers in them.

A step is plain data for the browser. `before` and `after` say what is seen while one guesses, and once the answer is
known: which `panels`; what is hidden in them (`veil`); what is pinned, a target of the playground (`pin`); letters at
filters (`marks`); whether there is the `dial` of beta, the sentence over the picture (`story`), the `switch` between
networks; and then the `beta` that is set, and what gradient descent is trained with (`train`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from convex_core import InputError
from pages._ui.playground import link
from pages._ui.playground.scene import Scene

from . import facts

__all__ = ["COUNT", "TITLES", "scene_of", "step"]

_Step = dict[str, Any]

#: Titles of the steps, and the scene each is about.
_STEPS: tuple[tuple[str, Scene], ...] = (
    ("What a filter reads", facts.SIGNAL),
    ("A line for each patch", facts.SIGNAL),
    ("Inside a cell, nothing switches", facts.SIGNAL),
    ("All cells at once", facts.SAMPLES),
    ("The dial: filters die whole", facts.SAMPLES),
    ("Training, the usual way", facts.SAMPLES),
    ("The ceiling: why nobody can do better", facts.SAMPLES),
    ("How many cells are there?", facts.SAMPLES),
)
TITLES = tuple(title for title, _ in _STEPS)
COUNT = len(_STEPS)

#: Parts of the middle picture that can be hidden while one guesses.
_ALL = ("lines", "cells", "curve", "ceiling", "stars")
_PATCH = 1  # the patch of step 2


def scene_of(number: int) -> Scene:
    """The scene of a step, counted from 1."""
    return _STEPS[number - 1][1]


def step(number: int) -> _Step:
    """Everything that a step, counted from 1, says and shows.

    Raises
    ------
    InputError
        If there is no such step.

    Examples
    --------
    >>> first = step(1)
    >>> first["title"], len(first["text"]), first["question"]["kind"]
    ('What a filter reads', 2, 'choice')
    """
    if not 1 <= number <= COUNT:
        raise InputError(f"step: got {number}, expected 1 to {COUNT}")
    title, scene = _STEPS[number - 1]
    return {"step": number, "title": title, "scene": scene.name, "link": link.address(scene), **_MADE[number - 1]()}


def _reading() -> _Step:
    patches, products, answer = facts.readings()
    heard = [max(value, 0.0) for value in products]
    best = max(range(len(heard)), key=heard.__getitem__)
    left, right = patches[best]
    first, second = map(_number, facts.FILTER)
    return {
        "lead": "Training a neural network means looking for its best numbers. Here you see why the best can be "
        "found, and proved to be the best.",
        "text": [
            f"A small network looks at a row of numbers through a window, {_word(len(facts.FILTER))} at a time: what "
            "the window shows is a patch.",
            f"A filter is {_word(len(facts.FILTER))} weights. Here they are {first} and {second}: the filter takes the "
            "right number minus the left one, and passes the result on only where it is positive (the ReLU).",
        ],
        "question": _choice(
            f"Which of the {_word(len(heard))} patches does this filter answer most strongly?",
            [f"Patch {k + 1}: {_number(a)}, {_number(b)}" for k, (a, b) in enumerate(patches)],
            best,
        ),
        "reveal": [
            f"Patch {best + 1} rises most, from {_number(left)} to {_number(right)}: the filter answers "
            f"{_number(heard[best])}. Patches that fall get no answer at all.",
            f"Added up, the network hears {_number(answer)}. That is all a filter does.",
        ],
        "sheet": {
            "title": f"What the filter (left weight {first}, right weight {second}) makes of each patch",
            "filter": list(facts.FILTER),
            "head": ["Patch", "Right minus left", "Answer"],
            "rows": [
                [f"{k + 1}", f"{_number(b)} − {_bracketed(a)} = {_number(z)}", _number(heard[k])]
                for k, ((a, b), z) in enumerate(zip(patches, products, strict=True))
            ],
            "open": 1,
            "total": ["", "added up", _number(answer)],
        },
        "before": {"panels": "data sheet", "pin": {"kind": "patch", "i": 0, "k": 0}},
        "after": {"panels": "data sheet", "pin": {"kind": "direction", "u": _unit(facts.FILTER)}},
    }


def _lines() -> _Step:
    patches = facts.readings()[0]
    angles = facts.borders(_PATCH)
    a, b = patches[_PATCH]
    return {
        "text": [
            "Every filter of two weights is a direction on this circle; the little pictures at its rim show some of "
            "them.",
            "On one half of the circle a filter answers a patch, on the other half it is silent.",
        ],
        "question": {
            "kind": "direction",
            "text": f"Patch {_PATCH + 1} is the pair {_number(a)}, {_number(b)}. Drag the dot to where a filter makes "
            "exactly zero of it.",
            "angles": list(angles),
            "close": 8.0,
            "start": 150.0,
            "name": "zero",
        },
        "reveal": [
            f"At {angles[0]:.0f}° the two weights are equal, so {_number(a)} and {_number(b)} cancel; and at "
            f"{angles[1]:.0f}°, just opposite. The line between them is the patch's own.",
            f"{_word(len(patches)).capitalize()} patches are {_word(len(patches))} lines.",
        ],
        "before": {"panels": "data directions", "veil": _ALL},
        "after": {
            "panels": "data directions",
            "veil": ("cells", "curve", "ceiling", "stars"),
            "pin": {"kind": "patch", "i": 0, "k": _PATCH},
        },
    }


def _linear() -> _Step:
    found = facts.linear()
    first, second, other = facts.COMPARED
    total = found.first + found.second
    mark = [{"u": _unit(first), "name": "A"}, {"u": _unit(second), "name": "B"}]
    return {
        "text": [
            f"The {_word(len(facts.readings()[0]))} lines cut the circle into {facts.cells(facts.SIGNAL)} pieces, "
            "called cells.",
            "While a filter stays inside one cell, nothing switches on or off: the same patches answer, the others "
            "stay silent.",
        ],
        "question": _choice(
            f"Filters A and B lie in one cell. A answers {_number(found.first)} to the whole signal, B answers "
            f"{_number(found.second)}. Add their weights: what does the filter A + B answer?",
            [f"Less than {_number(total)}", f"Exactly {_number(total)}", f"More than {_number(total)}"],
            1 if abs(found.both - total) < 1e-9 else 0 if found.both < total else 2,
        ),
        "reveal": [
            f"It answers {_number(found.both)}, the sum: inside a cell the network is linear, it only multiplies and "
            "adds.",
            f"Across a line that ends. C, in another cell, answers {_number(found.other)}; A + C answers "
            f"{_number(found.across)} and not {_number(found.first + found.other)}.",
        ],
        "before": {
            "panels": "data directions",
            "veil": ("curve", "ceiling", "stars"),
            "pin": {"kind": "cell", "u": _unit(first)},
            "marks": mark,
        },
        "after": {
            "panels": "data directions",
            "veil": ("curve", "ceiling", "stars"),
            "pin": {"kind": "cell", "u": _unit(first)},
            "marks": [*mark, {"u": _unit(other), "name": "C"}],
        },
    }


def _all_cells() -> _Step:
    best = facts.optimum()
    problem, cells, left = best.problem, facts.cells(facts.SAMPLES), best.network.m
    n, patches = problem.n, problem.patches.shape[0] * problem.n
    options = sorted({left, cells, 2 * cells})
    return {
        "text": [
            f"Now {_word(n)} samples, each with a target to reach: {patches} patches, so {patches} lines and {cells} "
            "cells. Put two filters into every cell, one that adds and one that subtracts, and let each pay for its "
            "length.",
            "As nothing switches inside a cell, this is a convex problem: a bowl, where every way down leads to the "
            "bottom. Its name is group lasso, and its bottom is the best network there is.",
        ],
        "question": _choice(
            f"How many of these {2 * cells} filters are left at the bottom?",
            [str(count) for count in options],
            options.index(left),
        ),
        "reveal": [
            f"{_word(left).capitalize()}, the stars. All others have shrunk to nothing: no luck and no guessing, as "
            f"all {cells} cells were looked at together.",
            f"There is a best network with at most as many filters as samples, here {_word(n)}: that is a theorem.",
        ],
        "before": {"panels": "data directions", "veil": ("curve", "ceiling", "stars")},
        "after": {"panels": "data directions", "veil": ("curve", "ceiling")},
    }


def _dial() -> _Step:
    best, last = facts.optimum(), facts.dying()
    beta = best.problem.beta
    return {
        "text": [
            "How much a filter pays for its length is set by a dial, the penalty β. Cheap filters: many. Dear "
            "filters: few.",
            "The price is for the whole filter, not for each of its weights, so weights do not go one by one: a "
            "filter dies whole.",
        ],
        "question": {
            "kind": "beta",
            "text": f"At β = {beta:g} there are {_word(best.network.m)} filters. Turn the dial below to where you "
            "think the last one dies.",
            "beta": last.beta,
            "close": 1.25,
        },
        "reveal": [
            f"The last filter dies at β = {last.beta:.3g}: from there on, no network is better than none. At half of "
            f"that, {last.half:g}, {_are(last.left)} left.",
            "Turn the dial back and watch the stars return, each with all its weights at once.",
        ],
        "before": {"panels": "directions outcome", "veil": ("curve", "ceiling", "stars", "outcome"), "dial": True},
        # to the next beta that the dial's three figures can show
        "after": {
            "panels": "directions outcome",
            "veil": ("curve", "ceiling"),
            "dial": True,
            "beta": _rounded_up(last.beta),
        },
    }


def _stuck() -> _Step:
    one, here = facts.runs("one"), facts.runs("trap")
    far = sorted(share for share in one.excess if share > 0.25)
    options = sorted({0, here.found, 3, 5, 8})
    options.remove(3 if here.found == 5 else 5)
    best = facts.optimum().network.m
    return {
        "text": [
            "The usual way to train is to start anywhere and go downhill step by step (gradient descent, the plain "
            "form of SGD).",
            f"Even for a single sample and {_word(one.neurons)} neurons, {len(far)} of {len(one.excess)} such runs end "
            f"{_percent(far[0])} or more too high.",
        ],
        "question": _choice(
            f"Back to our {_word(facts.SAMPLES.problem().n)} samples: {_word(here.neurons)} neurons, where "
            f"{_word(best)} are enough, and {len(here.excess)} random starts. How many runs find the best network?",
            [str(count) for count in options],
            options.index(here.found),
        ),
        "reveal": [
            f"{here.found} of {len(here.excess)}. The luckiest stops {_percent(min(here.excess))} above the best, the "
            f"unluckiest {_percent(max(here.excess))}.",
            "Watch the dots: a neuron feels the slope only where it stands, and slides from where it was born. Some "
            "stars stay without a dot.",
        ],
        "before": {"panels": "directions outcome", "veil": ("curve", "ceiling", "outcome"), "story": True},
        "after": {
            "panels": "directions outcome",
            "veil": ("curve", "ceiling"),
            "story": True,
            "train": {
                "optimiser": "gradient descent",
                "m": here.neurons,
                "seeds": len(here.excess),
                "iterations": here.steps,
            },
        },
    }


def _ceiling() -> _Step:
    best = facts.optimum()
    certificate = best.certificate
    filters = best.network.filters
    return {
        "text": [
            "For every direction, the curve says how much a filter there would help; the dashed circle, the ceiling, "
            "says what it costs: β.",
            "A filter is in the best network only where the two meet: there it is just worth its price.",
        ],
        "question": {
            "kind": "direction",
            "text": "This is the curve of the best network; its filters are hidden. Drag the dot to where one of "
            "them must be.",
            "angles": [_angle(u) for u in filters],
            "close": 10.0,
            "start": 90.0,
            "name": "filter",
        },
        "reveal": [
            f"The curve touches the ceiling at {_word(len(filters))} filters and is nowhere above it: its highest "
            f"point is {certificate.tau / best.problem.beta:.3f} times β. So no other filter can help.",
            f"That is a proof: no network ends below {_digits(best.lower_bound, math.floor)}, and this one ends at "
            f"{_digits(best.network_objective, math.ceil)}.",
        ],
        "before": {"panels": "directions", "veil": ("stars",), "story": True},
        "after": {"panels": "directions outcome", "switch": True, "story": True},
    }


def _count() -> _Step:
    problem = facts.SAMPLES.problem()
    patches, found = problem.patches.shape[0] * problem.n, facts.cells(facts.SAMPLES)
    combinations = 2**patches
    options = [found, combinations // 8, combinations]
    rows = facts.growth()
    return {
        "text": [
            f"Each of our {patches} patches is answered or not. On paper that makes {combinations:,} combinations, "
            "and every further patch doubles them.",
            "A cell is a combination that some filter really makes. If there were that many, nobody could look into "
            "all of them.",
        ],
        "question": _choice(
            f"How many of the {combinations:,} combinations do really occur?",
            [f"{count:,}" for count in options],
            0,
        ),
        "reveal": [
            f"Only {found}: a further line through the centre cuts two pieces in two, so {patches} lines make {found} "
            "cells.",
            "With filters of two weights the cells grow like the number of patches, with three like its square: "
            "polynomial, not exponential. This is why the best network can be found.",
        ],
        "sheet": {
            "title": "Random patches, their cells counted",
            "head": ["Patches", "On paper", "Cells, two weights", "Three weights"],
            "rows": [
                [str(row.patches), _large(2**row.patches), f"{row.cells[0]:,}", f"{row.cells[1]:,}"] for row in rows
            ],
            "open": 0,
        },
        "before": {"panels": "directions", "veil": ("curve", "ceiling", "stars")},
        "after": {"panels": "directions sheet", "veil": ("curve", "ceiling", "stars")},
    }


_MADE: tuple[Callable[[], _Step], ...] = (
    _reading, _lines, _linear, _all_cells, _dial, _stuck, _ceiling, _count,
)  # fmt: skip


def _choice(text: str, options: Sequence[str], right: int) -> _Step:
    return {"kind": "choice", "text": text, "options": list(options), "right": right}


_WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def _word(count: int) -> str:
    """A small number as a word."""
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def _are(count: int) -> str:
    return f"{_word(count)} {'is' if count == 1 else 'are'}"


def _number(value: float) -> str:
    return f"{value + 0.0:.3g}".replace("-", "−")


def _bracketed(value: float) -> str:
    return f"({_number(value)})" if value < 0.0 else _number(value)


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def _digits(value: float, to: Callable[[float], int]) -> str:
    """Five decimals, a lower bound rounded down and an upper one up."""
    return f"{to(value * 1e5) / 1e5:.5f}"


def _large(count: int) -> str:
    """Digits while they can be read, then a power of ten."""
    if count < 10**6:
        return f"{count:,}"
    mantissa, exponent = f"{count:.1e}".split("e+")
    return f"{mantissa} × 10{exponent.lstrip('0').translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _unit(u: Sequence[float]) -> list[float]:
    length = math.hypot(*u)
    return [entry / length for entry in u]


def _angle(u: Sequence[float]) -> float:
    return math.degrees(math.atan2(u[1], u[0])) % 360.0


def _rounded_up(value: float) -> float:
    """The next number of three figures."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / unit) * unit:.3g}")

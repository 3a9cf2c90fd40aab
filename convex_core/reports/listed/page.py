"""The page of a report of training over a list."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from ...presentation.text import counted, number
from ..frame import figures, footer, frame, made_words
from ..mathml import mathml
from ..words import gap, percent
from .pictures import pictures
from .reading import ListedState

__all__ = ["listed_page"]

_TRAINING = (
    r"\min_{w, b} \; L(f_w(X), Y) + \beta \sum_j \|w_j\|_F, \quad "
    r"f_w(x) = b + \sum_j \sum_r \frac{1}{|r|} \sum_{k \in r} (x_k^T u_j)_+ w_{jr}"
)
#: How images are named, in one sentence.
NAMED = (
    "The images are not in this file: they are named by dataset, seed and options, and by a hash of all their numbers, "
    "and the check finds them again or asks for their file."
)


def listed_page(state: ListedState, document: Mapping[str, Any], text: str) -> str:
    """The page of a report, whose JSON is `text`: `document`, which is that of `state`."""
    title = f"{headline(state)}: {state.name}"
    body = "\n".join(
        [
            _header(state, document),
            _certificate(state),
            figures(pictures(state)),
            _program(state),
            _again(state),
            _record(state, document),
        ]
    )
    return frame(title, body, text)


def headline(state: ListedState) -> str:
    """The verdict in one line."""
    right = f"{100.0 * state.accuracy:.1f} % of unseen images right"
    if state.lower_bound <= 0.0:
        return f"{right}, nothing proved"
    return f"{right}, at most {percent(state.relative_gap)} from the best over its list"


def _lead(state: ListedState) -> str:
    listed = counted(state.features.P, "listed filter")
    first = f"This network has the objective {number(state.objective, 10)}."
    if state.lower_bound <= 0.0:
        return f"{first} Nothing is proved about other weights of these {listed}: the time was over before."
    return (
        f"{first} No other weights of these {listed} have less than {number(state.lower_bound, 10)} on the training "
        "images. The proof covers the list: networks with other filters may lie below."
    )


def _header(state: ListedState, document: Mapping[str, Any]) -> str:
    made = document["made"]
    size = "x".join(map(str, state.features.geometry.filter_shape))
    what = (
        f"{state.n:,} training and {state.n_test:,} test images in {len(state.classes)} classes, filters {size}, "
        f"{'x'.join(map(str, state.features.grid.cuts))} regions, {state.loss} loss"
    )
    return (
        f'<header>\n<p class="eyebrow">Report of convex_core {escape(made["convex_core"])} · '
        f"{escape(made['date'])}</p>\n"
        f'<h1>{escape(headline(state))}</h1>\n<p class="lead">{escape(_lead(state))}</p>\n'
        f'<p class="what"><b>{escape(state.name)}</b>, {escape(what)}</p>\n'
        f'<p class="muted">{escape(state.description)} {NAMED}</p></header>'
    )


def _certificate(state: ListedState) -> str:
    run = state.run
    right = int(state.confusion.trace())
    others = ", ".join(f"{item['name']} {100.0 * item['accuracy']:.1f} %" for item in run["baselines"])
    price = run["price_of_others"]
    rows = [
        ("objective", number(state.objective, 10), "of this network (upper bound)"),
        ("lower bound", number(state.lower_bound, 10), "over the list"),
        ("relative gap", gap(state.relative_gap), f"wanted {state.tol:.0e}"),
        ("filters", f"{state.network.m} of {state.features.P}", "in use, of those listed"),
        ("test images", f"{right} of {state.n_test}", others or "right"),
        (
            "price of others",
            "–" if price is None else f"{price:.3g}",
            f"largest of {run['looked']} looked at; above 1 pays",
        ),
    ]
    facts = "".join(
        f'<div class="fact"><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>'
        for name, value, note in rows
    )
    notes = "".join(
        f'<li><b class="badge open">{escape(word)}</b> {escape(sentence)}</li>'
        for word, sentence in (
            (f"scope: {state.scope}", state.scope.text),
            (f"status: {state.status}", state.status.text),
        )
    )
    return (
        '<section class="certificate" aria-labelledby="certificate">\n<h2 id="certificate">Certificate</h2>\n'
        f'<dl class="facts">{facts}</dl>\n<ul class="notes">{notes}</ul>\n</section>'
    )


def _program(state: ListedState) -> str:
    whitening = "Patches are whitened first, by a linear map that is in the file. "
    return (
        '<section aria-labelledby="program">\n<h2 id="program">The program</h2>\n'
        f"<p>{whitening}The filters u are given, and their weights w and the biases b are looked for: a group lasso, "
        "which is convex, and has the value of training with the squares of all weights as penalty.</p>\n"
        f'<div class="formula">{mathml(_TRAINING)}</div>\n<p>β = {state.beta:.6g}, nothing divided by the number of '
        "images.</p>\n</section>"
    )


def _again(state: ListedState) -> str:
    source = state.source
    if source is None:
        code = "# the images are the sender's own: data = ..."
    else:
        options = {"seed": source.seed, **source.options}
        asked = "".join(f", {name}={value!r}" for name, value in options.items())
        code = f"data = load_dataset({source.dataset!r}{asked})"
    code = (
        "from convex_core import load_dataset\nfrom convex_core.experiments import recognise\n\n"
        f"{code}\nfound = recognise(data, filters={state.features.P}, beta={state.beta!r}, loss={state.loss!r}, "
        f"tol={state.tol:g}, seed={state.seed})\nprint(found)\n"
    )
    link = state.link
    shown = None if link is None else link if len(link) <= 90 else f"{link[:87]}..."
    open_it = f'<p>The same in the app: <a href="{escape(link)}">{escape(shown)}</a></p>\n' if link and shown else ""
    check = "convex-core verify report.html"
    given = shlex.join(["convex-core", "verify", "report.html", "--data", "IMAGES"])
    return (
        '<section class="again" aria-labelledby="again">\n<h2 id="again">Check it, make it again</h2>\n'
        "<p>The first command believes nothing of this page: it finds the images, compares their hash, runs the "
        "network on all of them, and prices every listed filter. Where the images are not found, the second one is "
        f"told where they are.</p>\n<pre>{check}</pre>\n<pre>{given}</pre>\n"
        '<p><button type="button" id="save">Save report.json</button></p>\n'
        f"<h3>Python</h3>\n<pre>{escape(code)}</pre>\n{open_it}</section>"
    )


def _record(state: ListedState, document: Mapping[str, Any]) -> str:
    tried = state.run["tried"]
    rows = [
        ("made", made_words(document["made"])),
        ("β", f"{state.beta:.6g}" + (f", chosen among {counted(len(tried), 'value')}" if tried else ", given")),
        ("seed", f"{state.seed} of the list and the hold-out"),
        ("seconds", f"{state.run['seconds']:.2f}"),
        ("images", f"SHA-256 {state.sha256}"),
        ("seal", document["seal"]),
    ]
    return footer(rows)

"""The page of a report about a solved problem."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ..export.latex import convex_latex, training_latex
from ..export.script import statement
from ..presentation.text import counted, number
from ..status import Exactness
from . import again, around, words
from .frame import figures, footer, frame, made_words
from .mathml import mathml
from .pictures import gauge, pictures
from .state import State

__all__ = ["page"]

#: Most rows and columns of a table that is written out.
MAX_ROWS, MAX_COLUMNS = 60, 12


def page(state: State, document: Mapping[str, Any], text: str) -> str:
    """The page of a report, whose JSON is `text`: `document`, which is that of `state`."""
    name = document["data"]["name"]
    title = f"{_headline(state)}: {name}"
    body = "\n".join(
        [
            _header(state, document),
            *([] if state.around is None else [around.section(state)]),
            _certificate(state),
            figures(pictures(state)),
            _program(state, document),
            _numbers(state),
            _again(state, document),
            _record(document),
        ]
    )
    return frame(title, body, text)


def _headline(state: State) -> str:
    return words.headline(state) if state.around is None else around.headline(state.around)


def _header(state: State, document: Mapping[str, Any]) -> str:
    data = document["data"]
    lead = words.lead(state) if state.around is None else around.lead(state.around)
    described = f'<p class="muted">{escape(data["description"])}</p>' if data["description"] else ""
    return (
        f'<header>\n<p class="eyebrow">Report of convex_core {escape(document["made"]["convex_core"])} · '
        f"{escape(document['made']['date'])}</p>\n<h1>{escape(_headline(state))}</h1>\n"
        f'<p class="lead">{escape(lead)}</p>\n'
        f'<p class="what"><b>{escape(data["name"])}</b>, {escape(state.point.problem.network_text())}, '
        f"{escape(state.point.problem.loss.name)} loss</p>\n{described}</header>"
    )


def _certificate(state: State) -> str:
    facts = "".join(
        f'<div class="fact"><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>'
        for name, value, note in words.facts(state)
    )
    notes = "".join(
        f'<li><b class="badge {"good" if good else "open"}">{escape(word)}</b> {escape(sentence)}</li>'
        for word, sentence, good in words.notes(state)
    )
    return (
        '<section class="certificate" aria-labelledby="certificate">\n<h2 id="certificate">Certificate</h2>\n'
        f'{gauge(state)}\n<dl class="facts">{facts}</dl>\n<ul class="notes">{notes}</ul>\n'
        "</section>"
    )


def _program(state: State, document: Mapping[str, Any]) -> str:
    problem, claims = state.point.problem, state.point.claims
    cells = claims.patterns
    return (
        '<section aria-labelledby="program">\n<h2 id="program">The program</h2>\n'
        "<p>Training looks for filters and weights that fit the targets and are small: the loss, plus β times half "
        "the squares of all weights. That problem is not convex.</p>\n"
        f'<div class="formula">{mathml(training_latex(problem))}</div>\n'
        "<p>The convex program has a block for each sign pattern of the data (which samples a filter is active on); "
        f"{_relation(state)}.</p>\n"
        f'<div class="formula">{mathml(convex_latex(problem, cells))}</div>\n'
        f"<details><summary>The same as plain text</summary><pre>{escape(statement(problem))}</pre></details>\n"
        "</section>"
    )


def _relation(state: State) -> str:
    return _RELATIONS[state.point.claims.exactness]


_RELATIONS = {
    Exactness.EXACT: "its best value is that of the training problem",
    Exactness.EXACT_IF_RANK_ONE: (
        "its best value is a lower bound on the training problem's, and equal to it if every block has rank one"
    ),
    Exactness.BOUND_ONLY: "its best value is a lower bound on the training problem's, and no more",
}


def _numbers(state: State) -> str:
    """What fits on a page; all of it is in the JSON."""
    network, problem = state.point.network, state.point.problem
    tables = []
    if 0 < network.m <= MAX_ROWS and network.filters.shape[1] <= MAX_COLUMNS:
        weights = network.weights.reshape(network.m, -1)
        if weights.shape[1] + network.filters.shape[1] <= 2 * MAX_COLUMNS:
            head = [*(f"u{i + 1}" for i in range(network.filters.shape[1])), *(
                ["w"] if weights.shape[1] == 1 else [f"w{i + 1}" for i in range(weights.shape[1])]
            )]  # fmt: skip
            rows = np.hstack([network.filters, weights])
            tables.append(_table("Filters u and weights w", head, rows, "filter"))
    if problem.architecture.q == 1 and problem.n <= MAX_ROWS:
        columns = {"target": problem.y, "prediction": state.predictions}
        if state.point.claims.dual is not None:
            columns["dual"] = state.point.claims.dual
        tables.append(
            _table(
                "Targets, predictions and dual vector", list(columns), np.column_stack(list(columns.values())), "sample"
            )
        )
    if not tables:
        return ""
    return f'<section aria-labelledby="numbers">\n<h2 id="numbers">Numbers</h2>\n{"".join(tables)}\n</section>'


def _table(title: str, head: list[str], rows: np.ndarray[Any, Any], what: str) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in [what, *head])
    body = "".join(
        f'<tr><th scope="row">{at + 1}</th>{"".join(f"<td>{number(float(value), 6)}</td>" for value in row)}</tr>'
        for at, row in enumerate(rows)
    )
    return (
        f'<details><summary>{escape(title)}</summary><div class="scroll"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>\n"
    )


def _again(state: State, document: Mapping[str, Any]) -> str:
    link = document["link"]
    which = "" if state.around is None else ", for the tightest program"
    open_it = f'<p>The same in the app: <a href="{escape(link)}">{escape(_short(link))}</a></p>\n' if link else ""
    return (
        '<section class="again" aria-labelledby="again">\n<h2 id="again">Check it, make it again</h2>\n'
        "<p>This page holds everything that it claims, with all digits. The command below believes none of it: it "
        "rebuilds the problem from the data, runs the network, searches every direction for the largest price, and "
        "says whether the report holds.</p>\n<pre>convex-core verify report.html</pre>\n"
        '<p><button type="button" id="save">Save report.json</button></p>\n'
        f'<h3>Command line{which}</h3>\n<pre class="line">{escape(again.command(state, document))}</pre>\n'
        f"<h3>Python</h3>\n<pre>{escape(again.python(state, document))}</pre>\n{open_it}</section>"
    )


def _short(link: str) -> str:
    return link if len(link) <= 90 else f"{link[:87]}..."


def _record(document: Mapping[str, Any]) -> str:
    made, run = document["made"], document["run"]
    seconds = run["seconds"]
    stages = ", ".join(f"{name} {seconds[name]:.2f}" for name in ("patterns", "build", "solve", "certify"))
    source = document["data"]["source"]
    rows = [
        ("made", made_words(made)),
        ("method", f"{run['method']}, {counted(len(run['rounds']), 'round')}, relative gap wanted {run['tol']:g}"),
        ("seed", f"{run['seed']} of sampling" + (f", {source['seed']} of the data" if source else "")),
        ("seconds", f"{seconds['total']:.2f} ({stages})"),
        ("seal", document["seal"]),
    ]  # fmt: skip
    return footer(rows)

"""Reports: what is written holds, what is changed does not, and nothing else is a report."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import re
import shlex
import threading
import xml.etree.ElementTree as ElementTree
from functools import cache
from html.parser import HTMLParser
from pathlib import Path as FilePath

import numpy as np
import pytest
from architecture_cases import every_architecture, tiny_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import EVERY, each, problem_with
from problem_cases import patch_problem

from convex_core import (
    InputError,
    Problem,
    Report,
    Scope,
    SizeError,
    convex_latex,
    load_dataset,
    read_dataset,
    solve,
    solve_path,
    training_latex,
    verify,
)
from convex_core.architectures import make_architecture
from convex_core.cli import main
from convex_core.cli.parser import build_parser
from convex_core.contracts.strict_json import parse, seal
from convex_core.losses import SoftmaxLoss
from convex_core.patches import patch_geometry
from convex_core.reports import MAX_PAGE_BYTES, Verdict
from convex_core.reports.document import json_text
from convex_core.reports.mathml import mathml

ARCHITECTURES = list(every_architecture())
VOID = ("meta", "link", "br", "path", "circle", "rect")


@cache
def small() -> tuple[str, dict]:
    """The report of filters of two numbers with a path, as text and as what it says."""
    data = load_dataset("edge", n=4)
    problem = Problem.from_dataset(data)
    solution = solve(problem, tol=1e-8)
    path = solve_path(problem, points=3, tol=1e-8)
    text = solution.report(dataset=data, options={"n": 4}, path=path, link="https://example.org/?beta=0.1").json()
    return text, json.loads(text)


def written(document, *, sealed=True) -> Report:
    """The report that says so, with a seal that fits."""
    if sealed:
        document["seal"] = seal(document)
    return Report(json_text(document))


def caught(report) -> bool:
    """Whether it is refused, or found not to hold."""
    try:
        return not verify(report).holds
    except InputError:
        return True


# --- what is written holds


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_report_of_every_network_holds_and_is_a_page(architecture):
    solution = solve(tiny_problem(architecture), max_rounds=20)
    report = solution.report()
    found = verify(report)
    assert found.holds, found.summary()
    names = [check.name for check in found.checks]
    assert ("lower bound" in names) == (solution.scope is Scope.GLOBAL)
    assert well_formed(report.html())


@pytest.mark.slow
@each(EVERY)
def test_a_report_with_every_loss_holds(loss):
    problem = problem_with(loss)
    report = solve(problem).report(path=solve_path(problem, points=3))
    found = verify(report)
    assert found.holds, found.summary()
    assert well_formed(report.html())


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"loss": "softmax"}, {"pooling": "max"}, {"activation": "leaky", "bias": "regularised"}, {"padding": "zero"}],
    ids=lambda options: "-".join(options.values()),
)
def test_a_report_holds_with_images_outputs_and_biases(options):
    data = load_dataset("patterns2d", n=5)
    problem = Problem.from_dataset(data, beta=1.0, **options)
    report = solve(problem, max_rounds=20).report(dataset=data, options={"n": 5})
    assert report.to_dict()["data"]["source"] == {"dataset": "patterns2d", "seed": 0, "options": {"n": 5}}
    assert verify(report).holds, verify(report).summary()
    assert well_formed(report.html())


def test_the_zero_network_has_a_report():
    problem = patch_problem(0, beta=1e3)
    report = solve(problem).report()
    found = verify(report)
    assert found.holds, found.summary()
    assert report.to_dict()["certificate"]["price"] <= problem.beta
    assert "The zero network, proved best" in report.html()


def test_the_numbers_are_those_of_the_solution():
    solution = solve(patch_problem(1), tol=1e-8)
    says = solution.report().to_dict()
    assert np.array_equal(says["data"]["X"], solution.problem.X)
    assert np.array_equal(says["network"]["filters"], solution.network.filters)
    claims = says["certificate"]
    assert claims["objective"] == solution.network_objective
    assert claims["lower_bound"] == solution.lower_bound
    assert np.array_equal(claims["dual"], solution.dual)
    assert 0.999 * solution.problem.beta < claims["price"] <= solution.problem.beta
    assert says["run"]["tol"] == 1e-8


def test_sampled_patterns_claim_no_bound():
    solution = solve(patch_problem(0), method="sampled")
    assert solution.scope is Scope.RESTRICTED
    document = solution.report().to_dict()
    claims = document["certificate"]
    assert [claims[name] for name in ("lower_bound", "relative_gap", "price", "dual")] == [None] * 4
    assert verify(written(document)).holds
    assert "an upper bound only" in written(document).html()
    claims |= {"scope": "global", "lower_bound": claims["objective"], "relative_gap": 0.0, "status": "optimal"}
    claims |= {"dual": [0.0] * solution.problem.n, "price": 0.0}
    assert "dual value" in [check.name for check in verify(written(document)).differences]


def test_what_was_asked_for_does_not_make_it_the_best():
    solution = solve(patch_problem(0), tol=0.9)
    assert 1e-3 < solution.relative_gap <= 0.9
    report = solution.report()
    assert report.to_dict()["certificate"]["status"] == "optimal"
    assert verify(report).holds
    assert "proved best" not in report.html()
    assert f"at most {100 * solution.relative_gap:.2g} % from the best" in report.html()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    architecture=st.sampled_from([case.values[0] for case in ARCHITECTURES]),
    powers=st.tuples(st.integers(-30, 30), st.integers(-30, 30), st.integers(-8, 3)),
    method=st.sampled_from(["auto", "sampled", "gated"]),
    seed=st.integers(0, 99),
)
def test_a_report_holds_whatever_the_scale_and_the_method(architecture, powers, method, seed):
    base = tiny_problem(architecture, seed=seed)
    x, y, beta = (10.0**power for power in powers)
    targets = y * base.y.reshape(base.n, -1)[:, : architecture.q]
    X = x * base.X
    problem = Problem(
        X, targets.ravel() if architecture.q == 1 else targets, architecture=architecture, beta=x * y * beta
    )
    try:
        solution = solve(problem, method=method, max_rounds=10)
    except InputError:  # a method that this network does not have
        return
    found = verify(solution.report())
    assert found.holds, found.summary()


def test_another_writer_of_json_does_not_break_the_seal():
    document = small()[1]
    whole = json.dumps(document, indent=3, sort_keys=True)
    doubles = json.dumps(json.loads(whole, parse_int=float), indent=None)
    for text in (whole, doubles):
        assert verify(Report(text)).holds


# --- what is changed does not


def leaves(value, place=()):
    """Places of all texts, numbers and nothings."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*place, name))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from leaves(part, (*place, at))
    else:
        yield place


def changed(document, place, change):
    """The document with one value changed."""
    other = copy.deepcopy(document)
    inside = other
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = change(inside[place[-1]])
    return other


#: ways to change a number a little, a lot, or to nonsense
CHANGES = {
    "little": lambda x: x * (1 + 1e-7) + (1e-7 if x == 0 else 0),
    "more": lambda x: x * 3.0 + 11.0,
    "sign": lambda x: -x - (x == 0),
    "zero": lambda x: 0.0 if x else 1.0,
    "text": lambda x: "1",
    "none": lambda x: None if x is not None else 0.5,
}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_changed_value_anywhere_is_caught(data):
    document = small()[1]
    place = data.draw(st.sampled_from(list(leaves(document))), label="place")
    value = changed(document, place, lambda x: x)
    for name in place:
        value = value[name]
    if isinstance(value, str):
        kind = lambda text: text[:-1] + ("a" if text[-1:] != "a" else "b")  # noqa: E731
    elif value is None:
        kind = CHANGES["none"]
    else:
        kind = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), label="change")]
    assert caught(written(changed(document, place, kind), sealed=False))


#: claims, each of which follows from the data, the network and the dual vector
CLAIMED = [
    *(("certificate", name) for name in ("objective", "lower_bound", "relative_gap", "active_filters", "patterns")),
    *(("path", "points", 1, "certificate", name) for name in ("objective", "lower_bound", "active_filters")),
    *(("predictions", at) for at in range(4)),
    *(("certificate", "dual", at) for at in range(4)),
    *(("data", "y", at) for at in range(4)),
    ("problem", "beta"), ("path", "points", 1, "beta"), ("path", "beta_max"), ("problem", "n"), ("problem", "patches"),
]  # fmt: skip


@pytest.mark.parametrize("place", CLAIMED, ids=lambda place: ".".join(map(str, place)))
def test_a_changed_claim_is_caught_whatever_the_seal_says(place):
    for change in (lambda x: x * (1 + 1e-5) + (x == 0) * 1e-5, lambda x: 2 * x + 3, lambda x: -x - (x == 0)):
        assert caught(written(changed(small()[1], place, change)))


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("scope", ["restricted"]),
        ("status", ["time limit", "bound reached", "restricted optimum", "stalled"]),
        ("exactness", ["bound only", "exact if rank one"]),
        ("price", [None]),
        ("dual", [None]),
        ("lower_bound", [None]),
        ("patterns_bound", [1]),
    ],
)
def test_a_changed_word_is_caught_whatever_the_seal_says(name, others):
    for other in others:
        assert caught(written(changed(small()[1], ("certificate", name), lambda _, other=other: other)))


def by_hand(document):
    """What is wrong with the claims, by numpy alone: outputs, objective, dual value, and prices of many directions."""
    X, y = np.array(document["data"]["X"]), np.array(document["data"]["y"])
    U, w = np.array(document["network"]["filters"]), np.array(document["network"]["weights"])
    beta, claims = document["problem"]["beta"], document["certificate"]
    patches = [X[:, k : k + 2] for k in range(7)]
    f = sum(np.maximum(x @ U.T, 0) @ w for x in patches)
    objective = 0.5 * np.sum((f - y) ** 2) + 0.5 * beta * (np.sum(U**2) + np.sum(w**2))
    v = np.array(claims["dual"])
    angle = np.linspace(0, 2 * np.pi, 20_001)
    atoms = sum(np.maximum(x @ np.stack([np.cos(angle), np.sin(angle)]), 0) for x in patches)
    return {
        "predictions": np.abs(f - document["predictions"]).max(),
        "objective": abs(objective - claims["objective"]),
        "dual value": abs(0.5 * np.sum(y**2) - 0.5 * np.sum((v - y) ** 2) - claims["lower_bound"]),
        "price": max(0.0, np.abs(v @ atoms).max() - beta * (1 + 1e-9)),
    }


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_forger_changes_is_caught_or_still_true(data):
    """With a new seal, and without the name of the data, every claim is compared with what numpy says."""
    document = copy.deepcopy(small()[1])
    document["data"]["source"] = None
    document["path"] = None
    assert max(by_hand(document).values()) < 1e-8
    parts = ("data", "network", "certificate", "predictions")
    places = [p for p in leaves(document) if p[0] in parts and p[-1] not in ("name", "description", "source")]
    place = data.draw(st.sampled_from([*places, ("problem", "beta")]), label="place")
    factor = data.draw(st.sampled_from([1 + 1e-6, 1 - 1e-4, 0.5, 2.0, -1.0]), label="factor")
    forged = changed(document, place, lambda x: x * factor if isinstance(x, (int, float)) else x)
    report = written(forged)
    try:
        holds = verify(report).holds
    except InputError:
        return
    wrong = {name: error for name, error in by_hand(forged).items() if error > 1e-8}
    assert not (holds and wrong), (place, factor, wrong)


def test_data_of_the_library_are_drawn_again():
    document = copy.deepcopy(small()[1])
    document["data"]["source"]["seed"] = 1
    assert [check.name for check in verify(written(document)).differences] == ["data"]
    for options in ({"n": 5}, {"n": 10**9}, {"n_test": 10**9}, {"path": "/etc/passwd"}, {"noise": 0.2}):
        document["data"]["source"] = {"dataset": "edge", "seed": 0, "options": options}
        assert [check.name for check in verify(written(document)).differences] == ["data"], options
    document["data"]["source"] = {"dataset": "mnist", "seed": 0, "options": {"download": True}}
    assert [check.name for check in verify(written(document)).differences] == ["data"]


def test_a_page_is_compared_with_its_numbers(tmp_path):
    page = Report(small()[0]).html()
    file = tmp_path / "report.html"

    def wrong(text):
        file.write_text(text, encoding="utf-8")
        return [check.name for check in verify(file).differences]

    assert wrong(page) == []
    shown = re.search(r"<dd>(0\.\d+)<small>of this network", page)[1]
    lower = page.replace(f"<dd>{shown}", "<dd>0.1")
    assert wrong(lower) == ["page", "page says"]
    assert wrong(page.replace('cy="', 'cy="1', 1)) == ["page", "page says"]
    # a new seal for the page
    from convex_core.reports.same_page import page_seal

    forged = re.sub(r'(<meta name="seal" content=")\w+', rf"\g<1>{page_seal(lower)}", lower)
    assert wrong(forged) == ["page says"]
    assert "seal" in wrong(page.replace('"objective": ', '"objective": 1', 1))


def resealed(page):
    """A page with the seal that fits it, as a forger makes it, or another machine."""
    from convex_core.reports.same_page import page_seal

    return re.sub(r'(<meta name="seal" content=")\w+', rf"\g<1>{page_seal(page)}", page)


def test_a_page_of_another_machine_may_round_its_drawings_in_another_way(tmp_path):
    """And nothing else: no place may be far off, none may be added, and nothing is hidden behind its name."""
    page, file = Report(small()[0]).html(), tmp_path / "report.html"

    def wrong(text):
        assert text != page
        file.write_text(resealed(text), encoding="utf-8")
        return [check.name for check in verify(file).differences]

    def moved(by, kind):
        return re.sub(rf' {kind}="(\d+)"', lambda at: f' {kind}="{int(at[1]) + by:g}"', page)

    for kind in ("x", "y"):
        assert wrong(moved(0.1, kind)) == []
        assert wrong(moved(0.5, kind)) == ["page says"]
    assert wrong(re.sub(r' style="width:[^"]*"', ' style="width:0.00%"', page)) == ["page says"]
    for added in (' x="Certified by nobody."', ' style="display:none"', ' d=""'):
        assert wrong(page.replace("</h1>", f"{added}</h1>")) == ["page says"]
        assert wrong(page.replace("<h1", f"<h1{added}")) == ["page says"]


def test_a_page_of_another_version_does_not_hold_by_its_version_alone(tmp_path):
    """A forger may write any version, so that words which are not today's are not believed."""
    from convex_core.reports.page import page
    from convex_core.reports.reading import rebuild

    document = changed(small()[1], ("made", "convex_core"), lambda _: "0.0.1")
    text = written(document).text
    honest, file = page(rebuild(parse(text, "report"), "report"), parse(text, "report"), text), tmp_path / "report.html"
    forged = honest.replace("3 filters, proved best", "9 filters, and better than any other")
    for said, verdict in ((honest, Verdict.HOLDS), (forged, Verdict.UNDECIDED)):
        file.write_text(resealed(said), encoding="utf-8")
        found = verify(file)
        assert found.verdict is verdict
        assert {check.name: check.verdict for check in found.checks}["page says"] is verdict


def test_without_a_proof_the_sign_patterns_are_not_believed_either():
    document = solve(Problem.from_dataset(load_dataset("edge", n=4)), method="sampled").report().to_dict()
    assert document["certificate"]["scope"] == "restricted"
    assert verify(written(document)).holds
    forged = changed(document, ("certificate", "patterns_bound"), lambda _: 1)
    assert [check.name for check in verify(written(forged)).differences] == ["patterns at most"]
    forged = changed(document, ("certificate", "patterns"), lambda _: 7)
    assert verify(written(forged)).verdict is Verdict.UNDECIDED


def test_what_cannot_be_computed_again_is_named():
    said = verify(Report(small()[0])).summary()
    for record in ("seconds", "method", "wanted gap", "seed", "rounds", "date", "versions", "link", "said about data"):
        assert record in said, record


def test_changed_targets_are_not_called_those_of_the_library():
    data = load_dataset("edge", n=4)
    problem = Problem(data.X, -2 * data.y, filter_size=2, beta=0.1)
    report = solve(problem).report(dataset=data, options={"n": 4})
    assert report.to_dict()["data"]["source"] is None
    assert verify(report).holds


def test_names_that_are_no_text_are_written_as_far_as_they_are(tmp_path):
    """As those of files whose names are no UTF-8."""
    data = load_dataset("edge", n=4)
    named = type(data)("bad\udcff", data.X, data.y, description="from bad\udcff.csv")
    solution = solve(Problem.from_dataset(named, filter_size=2))
    for name in ("report.html", "report.json"):
        report = solution.report(tmp_path / name, dataset=named)
        assert verify(tmp_path / name).holds
    assert report.to_dict()["data"]["name"] == "bad?"


# --- what is none


def bad_files():
    """Contents that are no report."""
    text, document = small()
    page = Report(text).html()
    yield "empty", b""
    yield "pickle", pickle.dumps(document)
    yield "npz", npz()
    yield "html", b"<!doctype html><p>hello"
    yield "list", b"[1, 2]"
    yield "number", b"1"
    yield "deep", b'{"a":' * 100_000
    yield "latin", b'{"a": "\xe9"}'
    yield "nan", text.replace('"beta": 0.1', '"beta": NaN').encode()
    yield "infinite", text.replace('"beta": 0.1', '"beta": 1e999').encode()
    yield "half a character", text.replace('"name": "', '"name": "\\ud83d', 1).encode()
    yield "large", json_text(changed(document, ("run", "rounds", 1, "lower"), lambda _: -1e308)).encode()
    yield "large weight", json_text(changed(document, ("network", "weights", 0), lambda _: 1e200)).encode()
    yield "large dual", json_text(changed(document, ("certificate", "dual", 0), lambda _: 1e200)).encode()
    yield "tiny beta", json_text(changed(document, ("problem", "beta"), lambda _: 5e-324)).encode()
    yield "digits", text.replace('"beta": 0.1', '"beta": ' + "1" * 5000).encode()
    yield "huge", text.replace('"beta": 0.1', '"beta": ' + "1" * 400).encode()
    yield "twice", text.replace('"version": 1', '"version": 1, "version": 1').encode()
    yield "version", text.replace('"version": 1', '"version": 2').encode()
    yield "true", text.replace('"version": 1', '"version": true').encode()
    yield "format", text.replace("convex-core report", "another report").encode()
    yield "link", text.replace("https://example.org/", "javascript:alert(1)//").encode()
    yield "method", text.replace('"method": "column-generation"', '"method": "magic"').encode()
    yield "more", text.replace('"version": 1', '"version": 1, "note": 2').encode()
    yield "two pages", (page + page).encode()
    for share in (0.1, 0.5, 0.9, 0.999):
        yield f"cut {share}", text[: int(share * len(text))].encode()
        yield f"page cut {share}", page[: int(share * page.index("</script>"))].encode()
    for name in document:
        yield f"without {name}", json_text({key: part for key, part in document.items() if key != name}).encode()
        for nonsense in ([], {}, "a", -1.5, True):
            if nonsense != document[name]:
                yield f"{name} {nonsense!r}", json_text(document | {name: nonsense}).encode()
    yield "filter", json_text(changed(document, ("problem", "filter_shape"), lambda _: [99])).encode()
    yield "wide", json_text(changed(document, ("problem", "input_shape"), lambda _: [10**9])).encode()
    yield "ragged", json_text(changed(document, ("data", "X", 1), lambda row: row[:-1])).encode()


def npz():
    out = io.BytesIO()
    np.savez(out, X=np.ones((2, 2)))
    return out.getvalue()


def test_anything_else_is_refused_in_one_sentence(tmp_path):
    seen = 0
    for name, content in bad_files():
        file = tmp_path / "report.json"
        file.write_bytes(content)
        if name.startswith("seal") and "'a'" in name:  # it may be any text
            assert not verify(file).holds
            continue
        with pytest.raises(InputError, match="expected") as refused:
            verify(file)
        assert "\n" not in str(refused.value), name
        assert len(str(refused.value)) < 500
        seen += 1
    assert seen > 80
    for place in (tmp_path, tmp_path / "none.json", "a\0b"):
        with pytest.raises(InputError):
            verify(place)
    with pytest.raises(InputError, match="got int, expected the path"):
        verify(3)


def test_a_network_of_a_stranger_is_of_moderate_size(monkeypatch):
    architecture = next(case.values[0] for case in ARCHITECTURES if case.values[0].name == "circular")
    document = solve(tiny_problem(architecture), max_rounds=5).report().to_dict()
    document["problem"]["layers"] = 10**9
    with pytest.raises(InputError, match="layers: got 1000000000, expected at most 10,000"):
        verify(written(document))
    # 4 samples, 7 patches of 2 numbers, 3 filters
    for most, words in ((50, "patches: got 56 entries, expected at most 50"), (60, "3 filters, 84 products")):
        monkeypatch.setattr("convex_core.reports.reading.MAX_PATCH_ENTRIES", most)
        with pytest.raises(InputError, match=words):
            verify(Report(small()[0]))


def test_a_report_is_refused_for_what_does_not_belong_to_it(tmp_path):
    data = load_dataset("edge", n=4)
    solution = solve(Problem.from_dataset(data))
    with pytest.raises(InputError, match="other inputs than the solution's"):
        solution.report(dataset=load_dataset("edge", n=4, seed=1))
    with pytest.raises(InputError, match="that of another problem"):
        solution.report(path=solve_path(patch_problem(0), points=2))
    for link in ("javascript:alert(1)", "http:", "https://[", "", "//example.org"):
        with pytest.raises(InputError, match="begins with http"):
            solution.report(link=link)
    with pytest.raises(InputError, match="got a bytes for link"):
        solution.report(link=b"https://example.org")
    with pytest.raises(InputError, match=r"ends in \.html or \.json"):
        solution.report(tmp_path / "report.pdf")
    with pytest.raises(InputError, match="expected a writable file"):
        solution.report(tmp_path / "none" / "report.html")


def test_a_page_that_would_be_too_large_is_refused_and_its_json_is_not():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 1000)), rng.standard_normal(60)
    report = solve(Problem(X, y, filter_size=1000, architecture="linear", beta=1e6)).report()
    with pytest.raises(SizeError, match="data included") as error:
        report.html()
    assert error.value.limit == MAX_PAGE_BYTES
    assert verify(report).holds


# --- limits


def test_what_was_not_checked_in_time_does_not_hold():
    report = Report(small()[0])
    for limits in ({"time_limit": 1e-9}, {"cancel": threading.Event()}):
        if "cancel" in limits:
            limits["cancel"].set()
        found = verify(report, **limits)
        assert (found.verdict, found.holds) == (Verdict.UNDECIDED, False)
        assert found.differences == ()
        assert "in the time allowed" in found.summary()


def test_what_is_too_large_to_list_is_undecided():
    found = verify(Report(small()[0]), max_patterns=3)
    assert found.verdict is Verdict.UNDECIDED
    assert "allow more" in found.summary()


def test_progress_is_reported():
    told = []
    verify(Report(small()[0]), progress=told.append)
    assert "verify" in {item.stage for item in told}


# --- the page


class Balanced(HTMLParser):
    """Fails on an end without a beginning; keeps what is asked of other places."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.unnamed = 0

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.asked += [values[name] for name in ("src", "href") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        self.unnamed += tag == "svg" and not values.get("aria-label")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)


def well_formed(page):
    """Whether a page is small, whole, and asks nothing of others."""
    reader = Balanced()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert all(link.startswith("https://example.org") for link in reader.asked)
    assert len(set(reader.ids)) == len(reader.ids)
    assert reader.unnamed == 0
    assert not re.search(r"url\(|@import|<script src|NaN|\binf\b|\bnan\b", page.partition('id="report">')[0])
    return len(page.encode()) < MAX_PAGE_BYTES


def test_a_page_says_what_is_claimed():
    text, document = small()
    page = Report(text).html()
    assert well_formed(page)
    for words in (
        "3 filters, proved best", "program: exact", "scope: global", "status: optimal", "Prices of all directions",
        "Predictions and targets", "Path over beta", "How the bounds closed", "Data", "convex-core verify report.html",
        document["seal"], document["made"]["date"], f"{document['certificate']['objective']:.10g}",
        'href="https://example.org/?beta=0.1"',
    ):  # fmt: skip
        assert words in page, words
    assert parse(re.search(r'id="report">(.*?)</script>', page, re.DOTALL)[1], "page") == document


def test_several_outputs_share_the_sign_patterns():
    """A pattern comes with each output; what is counted as cells is said as patterns."""
    problem = Problem.from_dataset(load_dataset("motifs3", n=3), loss="softmax", stride=5, beta=0.3)
    solution = solve(problem)
    page = solution.report().html()
    one = solve(Problem(problem.X, np.arange(3.0), filter_size=3, stride=5, beta=0.3)).patterns
    assert solution.patterns == 3 * one
    assert f"every sign pattern, {one:,} in all, each for 3 outputs" in page
    assert f"<dd>{one:,}<small>each for 3 outputs" in page


def test_words_of_a_stranger_are_text():
    data = load_dataset("edge", n=4)
    evil = "</script><img src=x onerror=alert(1)>"
    named = type(data)(evil, data.X, data.y, description=evil)
    page = solve(Problem.from_dataset(named, filter_size=2)).report(dataset=named).html()
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert well_formed(page)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_formula_is_mathml(architecture):
    for loss in EVERY if architecture.q == 1 else (None, SoftmaxLoss()):
        problem = tiny_problem(architecture, loss)
        for latex in (training_latex(problem), convex_latex(problem, 16)):
            element = ElementTree.fromstring(mathml(latex))
            assert len(element.findall(".//mtr")) == latex.count(r"\\") + 1
            assert "\\" not in "".join(element.itertext())


def test_mathml_of_what_is_not_known_is_refused():
    for latex in (r"\unknown", r"\text x", "{x"):
        with pytest.raises(InputError, match="formula: got"):
            mathml(latex)
    assert "<mn>4,072</mn>" in mathml("4{,}072")
    assert mathml(r"\sum_{i=1}^2 x").count("munderover") == 2


# --- again


CASES = [
    ("edge", {"n": 4}, {}),
    ("talk", {"n": 4}, {"loss": "huber", "delta": 0.5}),
    ("patterns2d", {"n": 4}, {"beta": 1.0, "bias": "regularised", "filter_size": (2, 1), "stride": (2, 4)}),
    ("motifs", {"n": 4}, {"architecture": "circular", "filter_size": 2, "beta": 1.0}),
    ("edge", {"n": 4}, {"activation": "leaky", "slope": 0.25, "pooling": "mean"}),
    ("motifs3", {"n": 3}, {"loss": "softmax", "stride": 5}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "settings"), CASES, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("known", [True, False], ids=["library", "own data"])
def test_the_lines_of_a_report_make_it_again(name, options, settings, known, tmp_path, monkeypatch, capsys):
    from convex_core.reports import again
    from convex_core.reports.reading import rebuild

    monkeypatch.chdir(tmp_path)
    data = load_dataset(name, **options)
    solution = solve(Problem.from_dataset(data, **settings), tol=1e-7)
    report = solution.report("report.json", dataset=data if known else None, options=options)
    document = report.to_dict()
    assert (document["data"]["source"] is not None) == known
    state = rebuild(document, "report")
    exec(again.python(state, document), {})
    program, *words = again.command(state, document).replace("again.html", "line.html").split()
    assert program == "convex-core"
    assert main(words) == 0
    capsys.readouterr()
    for file in ("again.html", "line.html"):
        assert verify(file).holds
        made = verify_document(file)
        assert made["problem"] == document["problem"]
        assert made["data"]["X"] == document["data"]["X"]
        assert made["data"]["y"] == document["data"]["y"]
        assert made["certificate"]["objective"] == pytest.approx(document["certificate"]["objective"], rel=1e-9)


def verify_document(file):
    return parse(re.search(r'id="report">(.*?)</script>', FilePath(file).read_text(), re.DOTALL)[1], "page")


def test_the_data_of_a_report_are_read_back(tmp_path):
    file = tmp_path / "report.json"
    data = load_dataset("motifs3", n=3)
    problem = Problem.from_dataset(data, loss="softmax", stride=5, beta=0.3)
    solve(problem).report(file, dataset=data)
    again = read_dataset(file)
    assert np.array_equal(again.X, data.X)
    assert np.array_equal(again.y, data.y)
    assert Problem.from_dataset(again, loss="softmax") == problem
    assert "the data of a report" in again.description
    for text, expected in (
        ('{"a": 1}', "without the data of a report"),
        ("[]", "expected an object"),
        ('{"data": {"name": "a", "X": [[1]], "y": [[0.5, 0.5]]}, "problem": {}}', "patch geometry"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=expected):
            read_dataset(file)


# --- command line


def options_of(command):
    """Names, defaults and help of a command's options."""
    parser = next(a for a in build_parser("x")._actions if a.dest == "command").choices[command]
    return {a.dest: (a.option_strings, a.default, a.help, a.metavar) for a in parser._actions}


def test_report_has_the_options_of_solve():
    own, solving = options_of("report"), options_of("solve")
    shared = {
        name: option
        for name, option in solving.items()
        if name not in ("out", "save_data", "script", "script_cells", "onnx")
    }
    assert shared.items() <= own.items()
    assert own.keys() - shared.keys() == {"out", "path", "link"}


def test_the_command_writes_and_checks(tmp_path, capsys):
    page, numbers = tmp_path / "mine.html", tmp_path / "mine.json"
    base = ["report", "--dataset", "edge", "--option", "n=4", "--out", str(page)]
    assert main([*base, "--path", "3", "--tol", "1e-8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["files"] == [str(page), str(numbers)]
    assert result["seal"] == json.loads(numbers.read_text())["seal"]
    assert verify_document(page) == json.loads(numbers.read_text())
    assert len(json.loads(numbers.read_text())["path"]["points"]) == 3
    for file in (page, numbers):
        assert main(["verify", str(file)]) == 0
        assert "holds. Every claim" in capsys.readouterr().out
    assert main(["verify", str(numbers), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    assert main(["verify", str(numbers), "--time-limit", "1e-9"]) == 1
    assert "undecided" in capsys.readouterr().out
    numbers.write_text(numbers.read_text().replace('"relative_gap": ', '"relative_gap": 1'))
    assert main(["verify", str(numbers), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert {check["name"] for check in result["checks"] if check["verdict"] == "does not hold"} >= {"seal", "words"}
    numbers.write_text(numbers.read_text()[:-10])
    assert main(["verify", str(numbers)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_the_line_that_checks_can_be_pasted(tmp_path, capsys):
    file = tmp_path / "my report.html"
    assert main(["report", "--dataset", "edge", "--option", "n=4", "--out", str(file)]) == 0
    line = next(row for row in capsys.readouterr().out.splitlines() if row.startswith("check"))
    program, *words = shlex.split(line.removeprefix("check"))
    assert (program, main(words)) == ("convex-core", 0)


@pytest.mark.parametrize(
    "words",
    [
        ["--out", "report.pdf"],
        ["--out", "none/report.html"],
        ["--out", "report.html", "--path", "1"],
        ["--out", "report.html", "--link", "ftp://a"],
        ["--out", "report.html", "--tol", "0"],
    ],
)
def test_the_command_refuses_in_one_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--dataset", "edge", "--option", "n=4", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_too_large_for_a_page_are_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("large.npz", X=np.random.default_rng(0).standard_normal((60, 1000)), y=np.arange(60.0))
    monkeypatch.setattr("convex_core.cli.report.solve", lambda *_, **__: pytest.fail("solved"))
    assert main(["report", "--data", "large.npz", "--out", "report.html"]) == 2
    assert "report.json has no such limit" in capsys.readouterr().err


def test_a_search_by_branch_and_bound_is_repeated():
    data = load_dataset("planted", n=6)
    solution = solve(Problem.from_dataset(data), method="branch-and-bound", tol=1e-8)
    found = verify(solution.report(dataset=data, options={"n": 6}))
    assert found.holds, found.summary()
    assert math.isfinite(solution.certificate.price)
    assert solution.certificate.price <= solution.problem.beta


def test_the_rounds_of_a_conic_solver_contradict_nothing():
    """Its value is below the proved bound by 1.02e-9 of it, which is what such a solver leaves open."""
    cnn = make_architecture(
        "two-layer", patch_geometry((6,), 2, 2), outputs=2, output_norm="l2", relaxation="lifted", pooling="mean"
    )
    base = tiny_problem(cnn, seed=1)
    problem = Problem(base.X, base.y.reshape(base.n, 2), architecture=cnn, beta=0.01)
    assert verify(solve(problem, max_rounds=10).report()).holds

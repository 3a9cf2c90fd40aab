"""From the JSON of a report back to a problem, its network and its claims; what does not fit is refused by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ..architectures import OPTIONS, make_architecture
from ..bounding.programs import programs_around
from ..contracts.validation import finite_array, frozen, moderate
from ..errors import InputError
from ..losses import LOSS_OPTIONS, make_loss
from ..networks.network import Network
from ..patches import PatchGeometry
from ..problem import Problem
from ..solvers.search import METHODS
from ..status import Exactness, Scope, Status
from .state import Around, Claims, Point, Source, State

__all__ = ["FORMAT", "VERSION", "Reader", "rebuild"]

#: What the file says it is, and the version of its layout.
FORMAT, VERSION = "convex-core report", 1
#: Most entries of all patches, and of their products with all filters, that a report may ask for: 512 MB.
MAX_PATCH_ENTRIES = 1 << 26
#: Largest whole number among the options of a network: layers, outputs, patches of a pool.
MAX_OPTION = 10_000
#: Largest number: the squares of moderate ones, summed, and far from what overflows.
MAX_NUMBER = 1e120
#: Longest text in a report.
MAX_TEXT = 20_000

_Array = NDArray[np.float64]

_PARTS = (
    "format", "version", "made", "data", "problem", "network", "predictions", "certificate", "run", "path", "link",
    "seal",
)  # fmt: skip
_BOUNDS = ("programs", "network", "objective", "lower_bound", "relative_gap", "status")
_CERTIFICATE = (
    "objective", "lower_bound", "relative_gap", "scope", "status", "exactness", "active_filters", "patterns",
    "patterns_bound", "price", "dual",
)  # fmt: skip
_GEOMETRY = ("input_shape", "filter_shape", "stride", "padding", "bias")
_STAGES = ("patterns", "build", "solve", "certify", "total")


def rebuild(document: Mapping[str, Any], name: str) -> State:
    """The problem, the network and the claims of a report called `name`.

    Raises
    ------
    InputError
        If it is no report, of a version that is not known, or if a part is missing, unknown, or does not fit.
    """
    if document.get("format") != FORMAT:
        raise InputError(f"{name}: got JSON without the format {FORMAT!r}, expected a report")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise InputError(f"{name}: got version {_shown(version)} of the format, expected {VERSION}")
    try:
        return Reader(name).state(document)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from error


class Reader:
    """Reads values of one kind each, and says where one of another kind lies."""

    def __init__(self, name: str) -> None:
        self.name = name

    def state(self, document: Mapping[str, Any]) -> State:
        """The whole report."""
        # only reports of bounds have them
        self.parts(document, "report", (*_PARTS, "bounds") if "bounds" in document else _PARTS)
        self.words(document["made"], "made", ("convex_core", "python", "numpy", "scipy", "date"))
        self.text(document["seal"], "seal")
        self.link(document["link"])
        problem, source = self._problem(document["data"], document["problem"])
        run = self.parts(document["run"], "run", ("method", "tol", "seed", "seconds", "rounds"))
        seconds = self.parts(run["seconds"], "run.seconds", _STAGES)
        for stage in _STAGES:
            self.number(seconds[stage], f"run.seconds.{stage}", least=0.0)
        rounds = []
        for at, item in enumerate(self.list(run["rounds"], "run.rounds")):
            place = f"run.rounds[{at}]"
            self.parts(item, place, ("upper", "lower", "columns"))
            self.integer(item["columns"], f"{place}.columns")
            rounds.append((self.maybe(item["upper"], f"{place}.upper"), self.maybe(item["lower"], f"{place}.lower")))
        point = self._point(problem, document["network"], document["certificate"], run, "")
        predictions = finite_array(document["predictions"], "predictions", ndim=1)
        if len(predictions) != problem.size:
            raise InputError(f"predictions: got {len(predictions)} numbers, expected {problem.size}")
        path, beta_max = self._path(document["path"], problem)
        return State(
            point=point,
            path=path,
            beta_max=beta_max,
            predictions=cast(_Array, frozen(predictions)),
            rounds=tuple(rounds),
            seed=self.integer(run["seed"], "run.seed"),
            source=source,
            around=self._around(document["bounds"], point) if "bounds" in document else None,
        )

    def _problem(self, data: Any, fields: Any) -> tuple[Problem, Source | None]:
        self.parts(data, "data", ("name", "description", "source", "X", "y"))
        for name in ("name", "description"):
            self.text(data[name], f"data.{name}")
        options = [key for key in OPTIONS if isinstance(fields, Mapping) and key in fields]
        loss_options = [key for key in LOSS_OPTIONS if isinstance(fields, Mapping) and key in fields]
        names = ("n", "d", "patches", *_GEOMETRY, "architecture", *options, "loss", *loss_options, "beta")
        self.parts(fields, "problem", names)
        sizes = {
            key: [self.integer(k, f"problem.{key}") for k in self.list(fields[key], f"problem.{key}")]
            for key in _GEOMETRY[:3]
        }
        texts = {key: self.text(fields[key], f"problem.{key}") for key in _GEOMETRY[3:]}
        geometry = PatchGeometry.from_dict(sizes | texts)
        X, y = finite_array(data["X"], "data.X", ndim=2), finite_array(data["y"], "data.y", ndim=(1, 2))
        if len(X) * geometry.K * geometry.h > MAX_PATCH_ENTRIES:
            raise InputError(
                f"patches: got {len(X) * geometry.K * geometry.h:,} entries, expected at most {MAX_PATCH_ENTRIES:,}"
            )
        chosen = {key: self._option(fields[key], key) for key in options}
        architecture = make_architecture(self.text(fields["architecture"], "architecture"), geometry, **chosen)
        numbers = {key: self.number(fields[key], f"problem.{key}") for key in loss_options}
        loss = make_loss(self.text(fields["loss"], "loss"), **numbers)
        beta = self.number(fields["beta"], "problem.beta")
        problem = Problem(X, y, architecture=architecture, beta=beta, loss=loss)
        again = problem.to_dict()
        for key in names:
            if again[key] != fields[key]:
                raise InputError(
                    f"problem.{key}: got {_shown(fields[key])}, expected {_shown(again[key])} for these data"
                )
        return problem, self.source(data["source"])

    def source(self, given: Any) -> Source | None:
        """`given` as a dataset of the library, or None."""
        if given is None:
            return None
        self.parts(given, "data.source", ("dataset", "seed", "options"))
        options = given["options"]
        if not isinstance(options, Mapping):
            self.refuse("data.source.options", options, "options by name")
        plain = {key: _plain(value) for key, value in options.items()}
        seed = None if given["seed"] is None else self.integer(given["seed"], "data.source.seed")
        return Source(self.text(given["dataset"], "data.source.dataset"), seed, plain)

    def _point(self, problem: Problem, network: Any, certificate: Any, run: Mapping[str, Any], place: str) -> Point:
        trained = self._network(problem, network, place)
        method = self.text(run["method"], f"{place}method")
        if method not in METHODS:
            self.refuse(f"{place}method", method, f"one of {', '.join(METHODS)}")
        tol = self.number(run["tol"], f"{place}tol", least=0.0)
        return Point(problem, trained, self._claims(certificate, problem, f"{place}certificate"), tol, method)

    def _network(self, problem: Problem, network: Any, place: str) -> Network:
        shapes = problem.architecture.shapes
        free = ("free",) if problem.architecture.free_columns(problem.patches).shape[1] else ()
        self.parts(network, f"{place}network", (*shapes, *free))
        arrays = {key: np.asarray(self.list(network[key], f"{place}network.{key}")) for key in shapes}
        m = len(arrays["weights"])
        entries = problem.n * problem.architecture.geometry.K * m
        if entries > MAX_PATCH_ENTRIES:
            raise InputError(
                f"{place}network: got {m} filters, {entries:,} products, expected at most {MAX_PATCH_ENTRIES:,}"
            )
        coefficients = finite_array(network["free"], f"{place}network.free", ndim=1) if free else None
        trained = Network.from_parameters(problem.architecture, arrays, coefficients)
        for key, array in {**trained.parameters, "free": trained.free}.items():
            moderate(array, f"{place}network.{key}")
        return trained

    def _claims(self, given: Any, problem: Problem, place: str) -> Claims:
        self.parts(given, place, _CERTIFICATE)
        dual = None if given["dual"] is None else finite_array(given["dual"], f"{place}.dual", ndim=1)
        if dual is not None:
            if len(dual) != problem.size:
                raise InputError(f"{place}.dual: got {len(dual)} numbers, expected {problem.size}")
            with np.errstate(over="ignore"):
                moderate(dual / min(problem.beta, 1.0), f"{place}.dual, in units of beta")
        return Claims(
            objective=self.number(given["objective"], f"{place}.objective"),
            lower_bound=self.maybe(given["lower_bound"], f"{place}.lower_bound"),
            relative_gap=self.maybe(given["relative_gap"], f"{place}.relative_gap"),
            scope=self.word(given["scope"], f"{place}.scope", Scope),
            status=self.word(given["status"], f"{place}.status", Status),
            exactness=self.word(given["exactness"], f"{place}.exactness", Exactness),
            active_filters=self.integer(given["active_filters"], f"{place}.active_filters"),
            patterns=None if given["patterns"] is None else self.integer(given["patterns"], f"{place}.patterns"),
            patterns_bound=self.integer(given["patterns_bound"], f"{place}.patterns_bound"),
            price=self.maybe(given["price"], f"{place}.price"),
            dual=None if dual is None else cast(_Array, frozen(dual)),
        )

    def _around(self, given: Any, tightest: Point) -> Around:
        """Which programs there are, and what they are, follows from the network: a file only names them."""
        self.parts(given, "bounds", _BOUNDS)
        known = programs_around(tightest.problem.architecture)
        label, own = known.below[-1]
        if own != tightest.problem.architecture:
            self.refuse("bounds", tightest.problem.network_text(), f"a report of the program {label}")
        wanted = [*known.below[:-1], *([] if known.above is None else [known.above])]
        items = self.list(given["programs"], "bounds.programs")
        if len(items) != len(wanted):
            self.refuse("bounds.programs", len(items), f"{len(wanted)} of them")
        points = []
        for at, (item, (name, architecture)) in enumerate(zip(items, wanted, strict=True)):
            place = f"bounds.programs[{at}]"
            self.parts(item, place, ("label", "tol", "method", "network", "certificate"))
            if item["label"] != name:
                self.refuse(f"{place}.label", item["label"], repr(name))
            there = tightest.problem.with_architecture(architecture)
            points.append((name, self._point(there, item["network"], item["certificate"], item, f"{place}.")))
        return Around(
            below=tuple(points[: len(known.below) - 1]),
            label=label,
            above=None if known.above is None else points[-1],
            network=self._network(tightest.problem, given["network"], "bounds."),
            objective=self.number(given["objective"], "bounds.objective"),
            lower_bound=self.maybe(given["lower_bound"], "bounds.lower_bound"),
            relative_gap=self.maybe(given["relative_gap"], "bounds.relative_gap"),
            status=self.word(given["status"], "bounds.status", Status),
        )

    def _path(self, given: Any, problem: Problem) -> tuple[tuple[Point, ...], float | None]:
        if given is None:
            return (), None
        self.parts(given, "path", ("beta_max", "scope", "points"))
        beta_max = self.number(given["beta_max"], "path.beta_max", least=0.0)
        scope = self.word(given["scope"], "path.scope", Scope)
        points = []
        for at, item in enumerate(self.list(given["points"], "path.points")):
            place = f"path.points[{at}]"
            self.parts(item, place, ("beta", "tol", "method", "network", "certificate"))
            beta = self.number(item["beta"], f"{place}.beta")
            there = problem.with_beta(beta)
            points.append(self._point(there, item["network"], item["certificate"], item, f"{place}."))
        return tuple(points), beta_max if scope is Scope.GLOBAL else None

    def _option(self, value: Any, key: str) -> str | int | float:
        kind = OPTIONS[key].kind
        if kind is str:
            return self.text(value, f"problem.{key}")
        if kind is float:
            return self.number(value, f"problem.{key}")
        whole = self.integer(value, f"problem.{key}")
        if whole > MAX_OPTION:  # a stranger's network may have any number of layers
            self.refuse(f"problem.{key}", value, f"at most {MAX_OPTION:,}")
        return whole

    def word(self, value: Any, place: str, kind: Any) -> Any:
        """`value` as a member of an enum."""
        if not isinstance(value, str) or value not in [word.value for word in kind]:
            self.refuse(place, value, f"one of {', '.join(word.value for word in kind)}")
        return kind(value)

    def words(self, given: Any, place: str, names: Sequence[str]) -> None:
        """`given` as an object with exactly these texts."""
        for key in self.parts(given, place, names):
            self.text(given[key], f"{place}.{key}")

    def parts(self, given: Any, place: str, names: Sequence[str]) -> Mapping[str, Any]:
        """`given` as an object with exactly these names."""
        if not isinstance(given, Mapping):
            self.refuse(place, given, "an object")
        missing = [key for key in names if key not in given]
        others = [key for key in given if key not in names]
        if missing or others:
            got = f"no {missing[0]}" if missing else f"{others[0][:40]!r}, which is not used"
            raise InputError(f"{place}: got {got}, expected {', '.join(names)}")
        return given

    def list(self, given: Any, place: str, most: int | None = None) -> list[Any]:
        """`given` as a list of at most `most` parts."""
        if not isinstance(given, list) or (most is not None and len(given) > most):
            self.refuse(place, given, "a list" if most is None else f"a list of at most {most:,}")
        return given

    def link(self, given: Any) -> str | None:
        """`given` as an address, or None."""
        if given is not None and not _is_address(self.text(given, "link")):
            raise InputError(f"link: got {given[:60]!r}, expected an address that begins with http or https")
        return None if given is None else str(given)

    def text(self, value: Any, place: str) -> str:
        """`value` as text of moderate length."""
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            self.refuse(place, value, f"text of at most {MAX_TEXT:,} characters")
        return value

    def number(self, value: Any, place: str, *, least: float = -math.inf) -> float:
        """`value` as a float."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(place, value, "a number")
        try:
            found = float(value)
        except OverflowError:
            self.refuse(place, value, "a finite number")
        if found < least:
            self.refuse(place, value, f"a number >= {least:g}")
        if abs(found) > MAX_NUMBER:
            self.refuse(place, value, f"at most {MAX_NUMBER:g} in size")
        return found

    def maybe(self, value: Any, place: str) -> float | None:
        """`value` as a float, or None."""
        return None if value is None else self.number(value, place)

    def integer(self, value: Any, place: str) -> int:
        """`value` as a whole number >= 0."""
        if isinstance(value, float) and value.is_integer():  # some writers of JSON have no other numbers
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.refuse(place, value, "a whole number >= 0")
        return value

    def refuse(self, place: str, value: Any, expected: str) -> NoReturn:
        """Say what was got at `place`."""
        raise InputError(f"{self.name}: {place}: got {_shown(value)}, expected {expected}")


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:  # brackets of an IPv6 address that do not close
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _plain(value: Any) -> Any:
    """An option as Python has it: JSON knows no tuples, and some of its writers no whole numbers."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""The command line with any arguments: a result, or one line on standard error and exit code 2 or 1."""

from __future__ import annotations

import contextlib
import io
import json

from convex_core.architectures import ARCHITECTURES, OPTIONS
from convex_core.cli import main
from convex_core.losses import LOSSES

from .kept import WrongError
from .networks import VALUES

ODD = ["", "nan", "-1", "0", "1e400", "abc", "99999999999999999999", "1,2", "--", "\u00e9", "a=b", "\n"]


def some_arguments(rng):
    """A command that means something, with some values that do not."""

    def pick(values):
        values = list(values)
        return str(values[int(rng.integers(len(values)))])

    command = pick(
        ["solve", "solve", "patterns", "path", "minimum-norm", "sgd", "audit", "datasets", "report", "nosuch"]
    )
    out = [command]
    if command in ("datasets", "nosuch"):
        return out + ([] if rng.random() < 0.5 else [pick(ODD)])
    if command == "audit":
        out.append(pick(["no.npz", *ODD]))
    data = pick(["edge", "edge", "motifs", "motifs3", "bars", "nosuch"])
    out += ["--dataset", data, "--option", "n=4"] if data != "bars" else ["--dataset", data]
    given = {
        "--beta": ["1", "0.5"], "--filter-size": ["2", "1"], "--stride": ["3", "4"], "--tol": ["1e-4"],
        "--padding": ["valid", "zero", "circular"], "--bias": ["none", "free", "output", "regularised"],
        "--seed": ["0", "1"], "--max-patterns": ["2000"], "--architecture": list(ARCHITECTURES), "--loss": list(LOSSES),
        "--delta": ["0.5"], "--method": ["auto", "sampled", "clarabel", "gated"], "--sample": ["3"], "--points": ["3"],
        "--m": ["3"], "--refine": ["1"], "--optimizer": ["adam", "all"], "--exact": [""], "--margin": [""],
        **{f"--{key.replace('_', '-')}": VALUES[key] for key in OPTIONS},
    }  # fmt: skip
    for name, values in given.items():
        if rng.random() < 0.12:
            out += [name] if values == [""] else [name, pick(values) if rng.random() < 0.85 else pick(ODD)]
    out += ["--max-rounds", "20"] if command not in ("patterns", "sgd", "report") else []
    out += ["--iterations", "5"] if command == "sgd" else []
    out += ["--out", "/dev/null"] if command == "report" else []
    return [*out, "--time-limit", "2", "--json"]


def command_case(rng, kept):
    """Run it in this process."""
    arguments = some_arguments(rng)
    kept.update(said=arguments)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    said = err.getvalue()
    kept.update(code=code, err=said[-500:])
    if code not in (0, 1, 2):
        raise WrongError(f"exit code {code} of {arguments}")
    if code and (not said.strip() or "Traceback" in said or said.strip().splitlines()[-1].count("error: ") < 1):
        raise WrongError(f"exit code {code} of {arguments} with {said[-300:]!r}")
    if code == 0 and "--json" in arguments:
        json.loads(out.getvalue(), parse_constant=lambda word: (_ for _ in ()).throw(WrongError(f"{word} in JSON")))

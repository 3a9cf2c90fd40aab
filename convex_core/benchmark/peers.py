"""Peer libraries in an interpreter of their own: adelie needs numpy < 2, scnn brings torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..errors import BackendError, InputError
from .clock import Spent

__all__ = ["OWN", "PEERS", "PeerAnswer", "Peers"]

#: peers by import name, with what to install
PEERS: dict[str, str] = {"scnn": "pip install pyscnn", "adelie": "pip install adelie 'numpy<2'"}

#: runs in a process of its own too, but of the running interpreter, which has it
OWN = "cvxpy"

_SCRIPT = Path(__file__).with_name("peer_script.py")
# importing torch can take this long
_IMPORT_SECONDS = 60.0


@record
@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """Blocks C (2P, h), those with output sign +1 first; every run's seconds; its word; its peak in bytes."""

    C: NDArray[np.float64]
    runs: tuple[Spent, ...]
    word: str
    peak: int | None


@dataclass(slots=True)
class Peers:
    """The peers that one interpreter can import.

    Attributes
    ----------
    python : str
        Path of the interpreter; by default the running one.
    versions : dict
        Version of each peer found.
    """

    python: str = sys.executable
    versions: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        try:
            run = subprocess.run(
                [self.python, str(_SCRIPT), "probe"], capture_output=True, text=True, timeout=2 * _IMPORT_SECONDS
            )
            self.versions = json.loads(run.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            self.versions = {}
        except (OSError, ValueError, IndexError) as error:
            raise InputError(f"peer-python: got {self.python!r}, expected a Python interpreter with numpy") from error

    def has(self, name: str) -> bool:
        """Whether `name` can be run: a peer that was found, or :data:`OWN`."""
        return name == OWN or name in self.versions

    def run(self, name: str, arrays: dict[str, NDArray[Any]], *, repeat: int, time_limit: float) -> PeerAnswer:
        """Solve by the peer `name` on one thread; :class:`BackendError` if it is missing, fails or takes too long."""
        if not self.has(name):
            raise BackendError(f"not installed ({PEERS[name]}, or --peer-python)")
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "problem.npz"), Path(folder, "answer.npz")
            everything: dict[str, Any] = {**arrays, "repeat": repeat, "time_limit": time_limit}
            np.savez(source, **everything)
            try:
                run = subprocess.run(
                    [sys.executable if name == OWN else self.python, str(_SCRIPT), name, str(source), str(target)],
                    capture_output=True,
                    text=True,
                    timeout=2 * time_limit + _IMPORT_SECONDS,
                    env=os.environ | threads,
                )
            except subprocess.TimeoutExpired:
                raise BackendError(f"stopped after {2 * time_limit + _IMPORT_SECONDS:g} seconds") from None
            if run.returncode != 0 or not target.exists():
                last = (run.stderr.strip().splitlines() or ["no message"])[-1]
                raise BackendError(f"failed: {last[:120]}")
            with np.load(target, allow_pickle=False) as answer:
                runs = tuple(Spent(*pair) for pair in answer["seconds"].tolist())
                peak = int(answer["peak"])
                return PeerAnswer(answer["C"], runs, str(answer["word"]), peak or None)

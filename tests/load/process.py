"""The server's process as Linux sees it: processor time, memory and threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Process", "server_process"]


@dataclass(frozen=True)
class Process:
    """A process of this machine."""

    pid: int

    @property
    def seconds(self) -> float:
        """Processor time so far, of all its threads."""
        return self._times(11)

    @property
    def waited(self) -> float:
        """Processor time of the processes that it has started and that have ended."""
        return self._times(13)

    @property
    def children(self) -> list[int]:
        """Processes that it has started and that are at work."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        return self._status("VmRSS") / 1024

    @property
    def threads(self) -> int:
        """Number of them."""
        return self._status("Threads")

    def _times(self, first: int) -> float:
        """User and system time, the two numbers from position `first` behind the name."""
        times = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(times[first]) + int(times[first + 1])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def server_process(address: str) -> Process:
    """The Streamlit server that was started for an address."""
    port = str(urlsplit(address).port)
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and {"streamlit", port} <= _words(entry):
                return Process(int(entry.name))
        except OSError:
            continue
    raise RuntimeError(f"no Streamlit server of this machine was started for port {port}")


def _words(entry: Path) -> set[str]:
    line = (entry / "cmdline").read_text()
    return {word for word in ("streamlit", line.rpartition("--server.port=")[2][:5].strip("\0'],\" ")) if word in line}

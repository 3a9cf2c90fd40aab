"""What threads have freed goes back to the system, where the C library would keep it."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from pages._ui.work import heap

ROOT = Path(__file__).resolve().parents[1]
THREADS, MEGABYTES = 8, 20
#: Prints how many megabytes a process has more when eight threads, which stay, have made and freed 20 each.
CODE = f"""
import threading
import numpy as np
{{before}}

def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

def work():
    everyone.wait()
    large = [np.ones(250_000) for _ in range({MEGABYTES} // 2)]
    everyone.wait()
    everyone.wait()
    del large
    everyone.wait()
    everyone.wait()

np.ones(4_000_000)  # whoever has freed one as large keeps what is smaller
everyone = threading.Barrier({THREADS} + 1)
threads = [threading.Thread(target=work) for _ in range({THREADS})]
for thread in threads:
    thread.start()
begin = resident()
everyone.wait()
everyone.wait()
most = resident()
everyone.wait()
everyone.wait()
print(most - begin, resident() - begin)
everyone.wait()
"""


def megabytes(before: str) -> tuple[float, float]:
    """At most, and when all is freed."""
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(before=before)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    most, last = map(float, run.stdout.split())
    return most, last


glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other heaps")


@glibc
@pytest.mark.slow
def test_threads_keep_little_of_what_they_have_freed() -> None:
    most, last = megabytes("from pages._ui.work import opening; opening._importing().join()")
    assert most > 0.8 * THREADS * MEGABYTES
    assert last < 0.2 * most


@glibc
@pytest.mark.slow
def test_left_to_itself_the_c_library_keeps_most_of_it() -> None:
    most, last = megabytes("")
    assert last > 0.3 * most


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    assert heap.give_back() is False
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError()))
    assert heap.give_back() is False

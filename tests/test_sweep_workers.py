"""Sweeps in other processes: the same rows, whoever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from convex_core import HuberLoss, Problem, Status, Sweep, load_dataset, sweep
from convex_core.cli import main
from convex_core.errors import BackendError
from convex_core.sweeps import engines

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
GRID = {
    "dataset": "edge",
    "data.n": [4, 5, 6],
    "beta": [0.1, 1.0],
    "pooling": ["sum", "max"],
    "loss": ["squared", "hinge"],
}
OPTIONS = [
    "sweep", "--dataset", "edge", "--vary", "n=4,5,6", "--beta", "0.1,1", "--pooling", "sum,max", "--loss",
    "squared,hinge",
]  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return sweep(GRID, workers=1).rows


@dataclass(frozen=True, slots=True, repr=False)
class Deadly(HuberLoss):
    """Takes the worker down that is sent it."""

    def __setstate__(self, values):
        object.__setattr__(self, "delta", 1.0)
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)


def test_two_processes_give_the_rows_of_one_though_one_is_killed(rows, tmp_path):
    out, killed = tmp_path / "rows.jsonl", []

    def kill(report):
        if report.message.startswith("5 of") and not killed:
            killed.append(left()[0])
            os.kill(killed[0].pid, signal.SIGKILL)

    found = sweep(GRID, workers=2, out=out, progress=kill)
    assert len(killed) == 1
    assert found.rows == rows
    assert Sweep.read(out).rows == rows
    assert len(out.read_bytes().splitlines()) == len(rows)
    assert left() == []


def test_a_task_that_takes_its_worker_down_is_a_row_and_the_others_are_not_blamed(tmp_path):
    problem = Problem.from_dataset(load_dataset("edge", n=4), beta=0.1)
    out = tmp_path / "rows.jsonl"
    tasks = [problem, problem.with_loss(Deadly()), problem.with_beta(0.2)]
    found = sweep(tasks, workers=2, out=out)
    assert [row.error for row in found.failed] == ["the worker process was killed 2 times, alone with this task"]
    assert len(found.answered) == 2
    assert len(Sweep.read(out).rows) == 3


def children_of(pid):
    """Processes that `pid` has begun, without this module's own."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


def gone(pid):
    """Whether a process has ended; one that nobody has waited for has."""
    with suppress(OSError):
        return " Z " in f" {Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]} "
    return True


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes where Linux shows them")
def test_a_driver_that_is_killed_leaves_its_rows_and_no_worker(rows, tmp_path, capsys):
    out = tmp_path / "rows.jsonl"
    command = [sys.executable, "-m", "convex_core", *OPTIONS, "--workers", "2", "--out", str(out)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        while not out.exists() or out.read_bytes().count(b"\n") < 3:
            assert driver.poll() is None
            time.sleep(0.005)
        workers = children_of(driver.pid)
        driver.kill()
    left = out.read_bytes().count(b"\n")
    assert 3 <= left < len(rows)
    assert len(workers) >= 2
    for _ in range(1000):
        if all(map(gone, workers)):
            break
        time.sleep(0.02)
    assert [pid for pid in workers if not gone(pid)] == []
    assert main([*OPTIONS, "--workers", "1", "--out", str(out), "--resume", "--json"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert Sweep.read(out).rows == rows


def test_a_cancelled_sweep_leaves_no_worker(rows):
    cancel = threading.Event()
    found = sweep(GRID, workers=2, cancel=cancel, progress=lambda report: report.message[0] == "2" and cancel.set())
    assert found.stopped is Status.CANCELLED
    assert 2 <= len(found.rows) < len(rows)
    assert set(found.rows) <= set(rows)
    assert left() == []


def test_a_script_that_begins_at_once_is_told_where_to_begin(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from convex_core import sweep\nfrom convex_core.errors import BackendError\ntry:\n"
        "    sweep({'dataset': 'edge', 'seed': [0, 1]}, workers=2)\nexcept BackendError as error:\n    print(error)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert 'stands below if __name__ == "__main__":' in done.stdout


def test_joblibs_backends_give_the_same_rows(rows):
    joblib = pytest.importorskip("joblib")
    with joblib.Parallel(n_jobs=2, return_as="generator_unordered") as parallel:
        assert sweep(GRID, parallel).rows == rows
    with pytest.raises(Exception, match="expected return_as='generator_unordered'"):
        sweep(GRID, joblib.Parallel(n_jobs=2))


def test_a_dask_cluster_of_processes_gives_the_same_rows_though_a_worker_is_killed(rows, tmp_path, capsys):
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50,
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        pids = set(client.run(os.getpid).values())
        assert len(pids) == 2
        assert os.getpid() not in pids
        killed = []

        def kill(report):
            if report.message.startswith("5 of") and not killed:
                killed.append(next(iter(pids)))
                os.kill(killed[0], signal.SIGKILL)

        out = tmp_path / "rows.jsonl"
        found = sweep(GRID, client.get_executor(), out=out, progress=kill)
        assert len(killed) == 1
        assert found.rows == rows
        assert Sweep.read(out).rows == rows
        again = str(tmp_path / "again.jsonl")
        assert main([*OPTIONS, "--dask", cluster.scheduler_address, "--out", again, "--json"]) == 0
        assert capsys.readouterr().out.count("\n") == 1
        assert Sweep.read(again).rows == rows


def test_no_scheduler_is_one_sentence(capsys, monkeypatch):
    pytest.importorskip("dask.distributed")
    monkeypatch.setattr("convex_core.cli.sweep._CONNECT", 0.3)
    for address in ("tcp://127.0.0.1:1", "nonsense", "tcp://"):
        assert main([*OPTIONS, "--dask", address]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"convex_core: error: dask: got '{address}' (")
        assert err.count("\n") == 1


def test_processes_that_do_not_start_are_one_sentence(monkeypatch):
    monkeypatch.setattr("convex_core.sweeps.engines._begin", os._exit)
    with pytest.raises(BackendError, match="the worker processes do not start, or end at once"):
        sweep(GRID, workers=2)


def left():
    """Processes that a sweep has left; joblib keeps its own for the next one."""
    return [child for child in multiprocessing.active_children() if not type(child).__name__.startswith("Loky")]


@pytest.mark.parametrize("number", [1, 2])
def test_a_worker_that_is_killed_while_it_starts_is_replaced(number, rows, monkeypatch):
    """The first, without which there is no pool yet, or the second, while the first one works."""
    sent, killed = engines._sent, []

    def kill(pool, work, *args):
        future = sent(pool, work, *args)
        if not killed and len(pool._processes) == number:
            killed.append(list(pool._processes)[-1])
            os.kill(killed[0], signal.SIGKILL)
        return future

    monkeypatch.setattr(engines, "_sent", kill)
    assert sweep(GRID, workers=2).rows == rows
    assert killed
    assert left() == []


def test_a_worker_that_its_pool_forgets_ends_with_it(rows, monkeypatch):
    """As one does that is begun while another one dies: the pool ends those that it has, and waits for this one."""
    killed = []

    def kill(report):
        if report.message.startswith("2 of") and not killed:
            killed.append(left()[0])
            os.kill(killed[0].pid, signal.SIGKILL)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "terminate", lambda _: None)
    assert sweep(GRID, workers=2, progress=kill).rows == rows
    assert killed
    assert left() == []

"""Sweeps: from grids to tasks, rows that depend on their task alone, and a file that goes on where it ended."""

from __future__ import annotations

import json
import os
import pickle
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import convex_core as cc
from convex_core import Dataset, InputError, Problem, Status, Sweep, SweepRow, sweep
from convex_core.errors import BackendError, SizeError
from convex_core.numerics.threads import at_once, available_cores, one_core
from convex_core.sweeps import MAX_TASKS, run_task, tasks_of
from convex_core.sweeps.rows import FAILED, REFUSED
from convex_core.sweeps.store import RowStore

GRID = {"dataset": "edge", "data.n": 4, "beta": [0.1, 1.0], "pooling": ["sum", "max"], "seed": [0, 1]}


class Reversed(Executor):
    """Runs what it is given from the last to the first, when it is asked for a result."""

    def __init__(self):
        self.given = []

    def submit(self, fn, /, *args):
        future = Future()
        self.given.append((future, fn, args))
        if len(self.given) == 8:
            for future_, fn_, args_ in reversed(self.given):
                future_.set_result(fn_(*pickle.loads(pickle.dumps(args_))))
        return future


@pytest.fixture(scope="module")
def rows():
    return sweep(GRID, workers=1).rows


# --- from grids to tasks


def test_every_combination_is_a_task_and_a_tuple_is_one_value():
    tasks = tasks_of({"dataset": ["talk", "edge"], "beta": np.array([0.1, 1]), "filter_size": (2,), "seed": range(3)})
    assert len({task.key for task in tasks}) == len(tasks) == 12
    assert {task.settings["filter_size"] for task in tasks} == {2}
    assert tasks_of({"dataset": "patterns2d", "filter_size": (2, 1)})[0].settings["filter_size"] == [2, 1]


def test_a_key_is_that_of_what_is_meant():
    (task,) = tasks_of({"dataset": "talk", "beta": 1})
    # the same on every machine and in every version: what was computed is found again
    assert task.key == "a5c0054087a3863b9a06d850"
    for same in ({"beta": 1.0, "dataset": "talk"}, {"dataset": "talk", "beta": np.float64(1), "loss": "squared"},
                 [{"dataset": ["talk", "talk"], "beta": [1, 1.0], "tol": 1e-6, "stride": None}]):  # fmt: skip
        assert [other.key for other in tasks_of(same)] == [task.key]
    others = ({"beta": 1.1}, {"seed": 1}, {"task_limit": 5.0}, {"tol": 1e-7}, {"data.n": 6}, {"loss": "huber"})
    keys = {tasks_of({"dataset": "talk", "beta": 1, **other})[0].key for other in others}
    assert len(keys | {task.key}) == 7


def test_data_of_ones_own_and_problems_are_told_by_their_content():
    def key(X, y=(1.0, -1.0), **options):
        return tasks_of({"dataset": Dataset("mine", X, y, **options)})[0].key

    X = [[1.0, 2.0], [3.0, 4.0]]
    assert key(X) == key(np.array(X), description="other words")
    assert len({key(X), key(X, (1.0, 1.0)), key([[1.0, 2.0], [3.0, 5.0]]), key(X, X_test=X, y_test=[1, 1])}) == 4
    problem = Problem(X, [1, -1], filter_size=1, beta=0.1)
    several = [problem, problem.with_beta(0.2), problem.with_loss("hinge"), problem.with_loss(cc.make_loss("huber"))]
    several += [problem.with_loss(cc.HuberLoss(0.5)), Problem(X, [1, 1], filter_size=1, beta=0.1)]
    assert len({task.key for task in tasks_of(several)}) == 6
    again = Problem(X, [1, -1], filter_size=1, beta=0.1)
    assert tasks_of(again)[0].key == tasks_of(problem)[0].key


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ({}, "dataset: got none, expected the name of a dataset, a Dataset, or a problem"),
        ([], "sweep: got no task, expected at least one"),
        ("talk", "sweep: got a str, expected a mapping"),
        (["talk"], "sweep: got a str among the grids, expected a Problem or a mapping"),
        ({"dataset": "talk", "betta": 1}, "sweep: got the setting 'betta', expected some of dataset, beta, "),
        ({"dataset": "talk", "beta": []}, "beta: got an empty list, expected at least one value"),
        ({"dataset": "talk", "beta": [0.1, 0]}, "beta: got 0, expected a finite number > 0"),
        ({"dataset": "talk", "beta": "x"}, "beta: got 'x', expected a positive number"),
        ({"dataset": "nosuch"}, "dataset: got 'nosuch', expected one of talk, "),
        ({"dataset": 3}, "dataset: got 3, expected one of talk, "),
        ({"dataset": "talk", "loss": ["squared", "cubed"]}, "loss: got 'cubed', expected one of squared, "),
        ({"dataset": "talk", "architecture": "rnn"}, "architecture: got 'rnn', whose weights are the same"),
        ({"dataset": "talk", "stride": 0}, "stride: got 0, expected an integer >= 1"),
        ({"dataset": "talk", "stride": (1, "a")}, "stride: got 'a', expected an integer >= 1"),
        ({"dataset": "talk", "seed": -1}, "seed: got -1, expected an integer >= 0"),
        ({"dataset": "talk", "autoencoder": "yes"}, "autoencoder: got 'yes', expected True or False"),
        ({"dataset": "talk", "slope": "x"}, "slope: got 'x', expected a number"),
        ({"dataset": "talk", "pooling": 3}, "pooling: got 3, expected a text"),
        ({"dataset": "talk", "data.nosuch": 3}, "data.nosuch: got an option that no dataset has, expected one of "),
        ({"dataset": "talk", "data.n": {}}, "data.n: got a dict, expected a number, a text or a tuple of them"),
        ({"dataset": Dataset("m", [[1.0]], [1]), "data.n": 3}, "data.n: got it beside data of your own"),
        ({"problem": 3}, "problem: got an int, expected a Problem"),
        ({"problem": Problem([[1.0]], [1], filter_size=1, beta=1), "stride": 1}, "stride: got it beside a problem"),
        ({"dataset": "talk", "seed": range(400), "beta": [*range(1, 400)]}, "sweep: got 159,600 tasks, expected at m"),
        ({"dataset": "talk", "seed": range(10**9)}, "sweep: got 1,000,000,000 tasks, expected at most 100,000"),
    ],
)  # fmt: skip
def test_a_bad_grid_is_refused_in_one_sentence_before_any_work(grid, sentence, monkeypatch):
    monkeypatch.setattr("convex_core.sweeps.work.solve", lambda *_, **__: pytest.fail("work was done"))
    with pytest.raises(InputError) as caught:
        sweep(grid, workers=1)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, SizeError) == ("tasks, expected at m" in sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"executor": 3}, "executor: got an int, expected a concurrent.futures.Executor"),
        ({"executor": Reversed(), "workers": 2}, "workers: got 2 beside an executor that has its own"),
        ({"workers": 0}, "workers: got 0, expected an integer in [1, 1024]"),
        ({"resume": True}, "resume: got it without out, expected a file to go on with"),
        ({"time_limit": -1}, "time_limit: got -1, expected a positive number of seconds"),
        ({"out": "no/such/folder/rows.jsonl"}, "out: got 'no/such/folder/rows.jsonl' (No such file"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(InputError) as caught:
        sweep(GRID, **arguments)
    assert str(caught.value).startswith(sentence)


# --- rows


def test_a_row_says_what_solve_says(rows):
    assert len(rows) == 8
    for row in rows:
        said = row.settings
        data = cc.load_dataset("edge", n=4, seed=said["seed"])
        problem = Problem.from_dataset(data, beta=said["beta"], pooling=said["pooling"])
        solution = cc.solve(problem, seed=said["seed"])
        assert row.problem == problem.to_dict()
        assert (row.objective, row.lower_bound) == (solution.network_objective, solution.lower_bound)
        assert (row.status, row.scope, row.filters) == ("optimal", "global", solution.active_filters)
        assert (row.patterns, row.rounds, row.error) == (solution.patterns, solution.rounds, None)
        assert (row.train_accuracy, row.test_accuracy) == cc.networks.classes.accuracies(solution.network, data)


def test_a_problem_has_the_row_of_the_same_settings():
    data = cc.load_dataset("edge", n=4)
    problem = Problem.from_dataset(data, beta=0.1)
    (one,) = sweep(problem, workers=1).rows
    (two,) = sweep({"dataset": data, "beta": 0.1}, workers=1).rows
    assert one.problem == two.problem
    assert (one.objective, one.train_accuracy) == (two.objective, two.train_accuracy)
    assert (one.test_accuracy is None, two.test_accuracy is None) == (True, False)
    found = sweep({"problem": problem, "beta": [0.1, 1]}, workers=1)
    assert found.axes == {"beta": (0.1, 1.0)}
    assert one.objective in [row.objective for row in found.rows]


def test_several_outputs_have_an_accuracy_where_they_are_classes():
    X = np.eye(3)
    classes = Problem(X, [0, 1, 2], filter_size=1, beta=0.01, outputs=3)
    numbers = Problem(X, X + 0.5, filter_size=1, beta=0.01, outputs=3)
    found = sweep([classes, numbers], workers=1).rows
    assert sorted(str(row.train_accuracy is None) for row in found) == ["False", "True"]


def test_autoencoders_are_rows_too():
    data = cc.load_dataset("edge", n=4)
    grid = {"dataset": "edge", "data.n": 4, "beta": 0.5, "architecture": "linear"}
    one, two = sweep({**grid, "autoencoder": [True, False]}, workers=1).rows
    if not one.settings["autoencoder"]:
        one, two = two, one
    assert two.key == tasks_of(grid)[0].key  # False is what is meant without it
    problem = Problem.autoencoder(data.X, beta=0.5, architecture="linear")
    assert (one.problem, one.objective) == (problem.to_dict(), cc.solve(problem).network_objective)
    assert (one.train_accuracy, two.train_accuracy is None) == (None, False)
    (given,) = sweep(problem, workers=1).rows
    assert (given.objective, given.train_accuracy) == (one.objective, None)


def test_settings_that_are_no_problem_together_are_a_row_that_says_so():
    found = sweep({"dataset": "talk", "loss": ["hinge", "squared"], "filter_size": [10, 40]}, workers=1)
    assert len(found.refused) == 3
    assert len(found.answered) == 1
    for row in found.refused:
        assert (row.status, row.objective, row.finished) == (REFUSED, None, True)
        assert "got" in row.error
        assert "\n" not in row.error
    assert "3 without an answer" in repr(found)


def test_whatever_else_goes_wrong_is_a_row_too(monkeypatch):
    def broken(*_, **__):
        raise FloatingPointError("first line\nsecond line")

    monkeypatch.setattr("convex_core.sweeps.work.solve", broken)
    (row,) = sweep({"dataset": "talk"}, workers=1).failed
    assert (row.status, row.error, row.finished) == (FAILED, "FloatingPointError: first line second line", False)


def test_rows_are_the_same_in_any_order_and_executor(rows):
    shuffled = {name: values[::-1] if isinstance(values, list) else values for name, values in reversed(GRID.items())}
    assert sweep(shuffled, workers=1).rows == rows
    assert sweep(GRID, Reversed()).rows == rows
    with ThreadPoolExecutor(2) as pool:
        assert sweep(GRID, pool).rows == rows
        assert pool.submit(int).result() == 0  # stays open
    parts = [{**GRID, "beta": 1.0}, {**GRID, "beta": [0.1, 1.0]}]
    assert sweep(parts, workers=1).rows == rows


def test_a_task_keeps_to_one_core():
    with one_core():
        assert available_cores() == 1
        names = at_once(lambda _: threading.current_thread().name, range(3))
        assert set(names) == {threading.current_thread().name}
    assert available_cores() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else True


def test_a_row_is_a_line_and_back(rows):
    for row in rows:
        line = row.to_line()
        assert line.count(b"\n") == 1
        assert SweepRow.from_line(line, "x") == row
        assert SweepRow.from_line(line, "x").to_line() == line
    assert len(set(rows)) == len(rows)


# --- the file


def test_rows_are_in_the_file_as_they_come(tmp_path, rows):
    out, seen = tmp_path / "rows.jsonl", []

    def look(report):
        seen.append((report.message, len(out.read_bytes().splitlines())))

    found = sweep(GRID, workers=1, out=out, progress=look)
    assert seen == [(f"{k} of 8 rows", k) for k in range(9)]
    assert found.rows == rows
    assert Sweep.read(out) == found
    assert [json.loads(line)["key"] for line in out.read_text().splitlines()] != []


def test_a_file_with_rows_is_not_begun_again_without_being_told_so(tmp_path):
    out = tmp_path / "rows.jsonl"
    sweep({"dataset": "edge", "data.n": 4}, workers=1, out=out)
    before = out.read_bytes()
    with pytest.raises(InputError, match="which has 1 row, expected a new file, or resume"):
        sweep(GRID, workers=1, out=out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("cut", [1, 5, 200, 10_000])
def test_what_is_there_is_not_computed_again_and_a_torn_line_is(tmp_path, rows, monkeypatch, cut):
    out, whole = tmp_path / "rows.jsonl", b"".join(row.to_line() for row in rows)
    torn = rows[3].to_line()[:cut].removesuffix(b"\n")
    out.write_bytes(b"".join(row.to_line() for row in rows[:3]) + torn)
    assert Sweep.read(out).rows == rows[:3]
    computed = []

    def counted(task, cancel=None):
        computed.append(task.key)
        return run_task(task, cancel)

    monkeypatch.setattr("convex_core.sweeps.engines.run_task", counted)
    assert sweep(GRID, workers=1, out=out, resume=True).rows == rows
    assert sorted(computed) == [row.key for row in rows[3:]]
    assert Sweep.read(out).rows == rows
    assert len(out.read_bytes().splitlines()) == 8
    computed.clear()
    assert sweep(GRID, workers=1, out=out, resume=True).rows == rows
    assert computed == []
    assert sorted(whole.splitlines()) != []


def test_failures_are_tried_again_and_refusals_are_not(tmp_path):
    out = tmp_path / "rows.jsonl"
    grid = {"dataset": "talk", "loss": ["hinge", "squared"]}
    tasks = {task.settings["loss"]: task for task in tasks_of(grid)}
    kept = SweepRow(tasks["hinge"].key, tasks["hinge"].settings, REFUSED, error="as before")
    with RowStore(out) as store:
        store.append(kept)
        store.append(SweepRow(tasks["squared"].key, tasks["squared"].settings, FAILED, error="the worker died"))
    found = sweep(grid, workers=1, out=out, resume=True)
    assert found.refused == (kept,)
    assert len(found.answered) == 1
    assert Sweep.read(out) == found  # the last row of a key counts
    assert len(out.read_bytes().splitlines()) == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello\n", "rows.jsonl, line 1: got no JSON"),
        (b"hello", "rows.jsonl, line 1: got b'hello', expected a row of a sweep"),
        (b'{"a": 1}\n', "rows.jsonl, line 1: got no row of a sweep"),
        (b'{"key":"a","settings":3,"status":"optimal"}\n', "rows.jsonl, line 1: got settings 3, expected that of a"),
        (b'{"key":"a","settings":{},"status":"optimal","objective":"x"}\n', "rows.jsonl, line 1: got objective 'x'"),
        (b'{"key":"a","settings":{},"status":"optimal","objective":NaN}\n', "rows.jsonl, line 1: got the number NaN"),
        (b"\xff\xfe\n", "rows.jsonl, line 1: got bytes that are no text"),
        (b'{"key":"a","settings":{},"status":"optimal"}\n{"key":"b"\n{}\n', "rows.jsonl, line 2: got no JSON"),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_refused_and_kept(tmp_path, content, sentence):
    out = tmp_path / "rows.jsonl"
    out.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Sweep.read(out)
    assert str(caught.value).startswith(sentence)
    with pytest.raises(InputError):
        sweep(GRID, workers=1, out=out, resume=True)
    assert out.read_bytes() == content


def test_what_a_power_cut_leaves_at_the_end_is_cut_off(tmp_path, rows):
    out = tmp_path / "rows.jsonl"
    out.write_bytes(rows[0].to_line() + bytes(4096))
    with RowStore(out, resume=True) as store:
        assert list(store.rows) == [rows[0].key]
    assert out.read_bytes() == rows[0].to_line()


def test_reading_no_file_is_one_sentence(tmp_path):
    (tmp_path / "empty").touch()
    for name, why in (("gone", "No such file"), ("", "Is a directory"), ("empty", "without a row")):
        with pytest.raises(InputError, match=why):
            Sweep.read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="locks are those of POSIX")
def test_two_sweeps_do_not_write_one_file_and_a_fork_holds_no_lock(tmp_path):
    out = tmp_path / "rows.jsonl"
    with RowStore(out):
        with pytest.raises(InputError, match="which another sweep is writing, expected a file of its own"):
            sweep(GRID, workers=1, out=out)
        stay, leave = os.pipe()
        here, there = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(there, b"!")
            os.close(leave)
            os.read(stay, 1)  # until the parent goes on
            os._exit(0)
        os.read(here, 1)  # the child has begun
    try:
        with RowStore(out):  # while the child lives
            pass
    finally:
        os.close(leave)
        os.waitpid(child, 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_a_full_disk_in_the_middle_is_one_sentence(tmp_path, rows):
    with RowStore(tmp_path / "rows.jsonl") as store:
        store.append(rows[0])
        with Path("/dev/full").open("wb", buffering=0) as full:
            store._file, kept = full, store._file
            with pytest.raises(InputError, match="No space left on device"):
                store.append(rows[1])
            store._file = kept
    assert Sweep.read(tmp_path / "rows.jsonl").rows == rows[:1]


# --- how it ends


def test_a_cancelled_sweep_has_the_rows_so_far_and_goes_on(tmp_path, rows):
    out, cancel = tmp_path / "rows.jsonl", threading.Event()
    found = sweep(
        GRID, workers=1, out=out, cancel=cancel, progress=lambda r: cancel.set() if r.message[0] == "3" else None
    )
    assert (len(found.rows), found.tasks, found.stopped) == (3, 8, Status.CANCELLED)
    assert "3 of 8 tasks" in found.summary()
    assert sweep(GRID, workers=1, out=out, resume=True).rows == rows


def test_a_task_that_is_cut_short_leaves_no_row():
    found = sweep({"dataset": "digits", "beta": 0.001, "data.n": 60}, workers=1, time_limit=0.05)
    assert found.rows == ()
    assert found.stopped is Status.TIME_LIMIT
    with ThreadPoolExecutor(1) as pool:
        blocked, go = threading.Event(), threading.Event()
        pool.submit(lambda: (blocked.set(), go.wait()))
        blocked.wait()
        ended = sweep(GRID, pool, time_limit=0.2)
        go.set()
    assert (ended.rows, ended.stopped) == ((), Status.TIME_LIMIT)


def test_the_time_limit_of_a_task_is_part_of_its_row():
    (row,) = sweep({"dataset": "digits", "beta": 0.001, "data.n": 60, "task_limit": 0.05}, workers=1).rows
    assert row.status == "time limit"
    assert row.finished


class Broken(ThreadPoolExecutor):
    """Breaks at the third task."""

    count = 0

    def submit(self, fn, /, *args):
        self.count += 1
        if self.count == 3:
            raise BrokenExecutor("the cluster is gone")
        return super().submit(fn, *args)


def test_an_executor_that_breaks_keeps_the_rows(tmp_path, rows):
    out = tmp_path / "rows.jsonl"
    with Broken(1) as pool, pytest.raises(BackendError, match="got a broken Broken with 6 tasks left"):
        sweep(GRID, pool, out=out)
    assert len(Sweep.read(out).rows) == 2
    assert sweep(GRID, workers=1, out=out, resume=True).rows == rows


class Losing(ThreadPoolExecutor):
    """Loses one task, as a cluster does whose workers are killed too often."""

    def submit(self, fn, /, task):
        if task.settings["seed"] == 1:
            future = Future()
            future.set_exception(OSError("killed worker"))
            return future
        return super().submit(fn, task)


def test_a_task_that_an_executor_loses_is_a_failed_row():
    with Losing(1) as pool:
        found = sweep({**GRID, "beta": 1.0, "pooling": "sum"}, pool)
    assert [row.error for row in found.failed] == ["OSError: killed worker"]
    assert len(found.answered) == 1


# --- the table


@pytest.mark.slow
def test_the_table_goes_into_pandas_and_files_and_back(tmp_path, rows):
    import pandas as pd

    found = Sweep(rows, 8)
    frame = found.to_pandas()
    assert len(frame) == 8
    assert frame["objective"].tolist() == [row.objective for row in rows]
    assert {"key", "dataset", "data.n", "beta", "stride", "filters", "seconds"} <= set(frame.columns)
    assert "delta" not in frame.columns  # nobody said one
    found.save(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "rows.parquet"), frame, check_dtype=False)
    found.save(tmp_path / "rows.csv")
    assert pd.read_csv(tmp_path / "rows.csv")["objective"].tolist() == frame["objective"].tolist()
    with pytest.raises(InputError, match=r"table: got '.*rows.xlsx', expected a name that ends in .parquet or .csv"):
        found.save(tmp_path / "rows.xlsx")


def test_columns_of_two_kinds_are_texts(tmp_path):
    grid = [{"dataset": "patterns2d", "filter_size": [2, (2, 1), 99, (99, 1)]}]
    found = sweep(grid, workers=1)
    found.save(tmp_path / "rows.parquet")
    assert sorted(set(found.to_pandas()["filter_size"])) == ["2", "2 x 1", "99", "99 x 1"]


def test_the_axes_are_the_settings_that_differ(rows):
    found = Sweep(rows, 8)
    assert found.axes == {"beta": (0.1, 1.0), "pooling": ("max", "sum"), "seed": (0, 1)}
    lines = found.summary().splitlines()
    assert lines[0].split() == ["rows", "8", "of", "8", "tasks"]
    begun = [line.split()[:3] for line in lines[-8:-5]]
    assert begun == [["0.1", "max", "0"], ["0.1", "max", "1"], ["0.1", "sum", "0"]]
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_max_tasks_is_what_the_sentence_says():
    assert MAX_TASKS == 100_000

"""Programs that take long to set up are solved by another process: the same answers, and it ends when it should."""

import subprocess
import sys
import threading
from contextvars import copy_context

import numpy as np
import pytest
from few_cases import few
from scipy import sparse

from convex_core import BackendError, Network, Problem, Status, minimum_norm, solve
from convex_core.numerics import clarabel_process, interior_point
from convex_core.numerics.interior_point import minimise
from convex_core.progress import Budget, _wait, inside, together


@pytest.fixture
def started(monkeypatch):
    """Every program is long enough for another process; those that were started."""
    processes, real = [], subprocess.Popen

    def start(*args, **options):
        processes.append(real(*args, **options))
        return processes[-1]

    monkeypatch.setattr(interior_point, "_FELT", 0.0)
    monkeypatch.setattr(interior_point, "_forbidden", False)
    monkeypatch.setattr(interior_point.subprocess, "Popen", start)
    return processes


@pytest.fixture
def stuck(monkeypatch, tmp_path):
    """Another process that says it is ready and sets up its program for ever, or what is given to it instead."""

    def write(then):
        script = tmp_path / "process.py"
        script.write_text(f"import json, struct, sys, time\nprint('ready', flush=True)\n{then}\n")
        monkeypatch.setattr(clarabel_process, "__file__", str(script))

    write("while True: time.sleep(1)")
    return write


def program(seed=0):
    """The nearest point with bounds, a norm, an exponential and a semidefinite cone, each with entries of its own."""
    rng = np.random.default_rng(seed)
    n = 15
    half = rng.standard_normal((n, n))
    cones = (("zero", 1), ("nonnegative", 4), ("second-order", 4), ("exponential", 3), ("semidefinite", 2))
    A = np.zeros((15, n))
    A[0] = 1.0
    A[1:] = -np.eye(n)[1:]
    b = np.concatenate([[1.0], 0.1 * rng.standard_normal(14)])
    P = sparse.triu(half @ half.T + np.eye(n), format="csc")
    return P, rng.standard_normal(n), sparse.csc_matrix(A), b, cones


def same(one, other):
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.z, other.z)
    assert (one.value, one.status, one.iterations) == (other.value, other.status, other.iterations)


def test_another_process_answers_bit_by_bit_what_this_one_does(started):
    here = [minimise(*program(seed), tol=1e-9) for seed in range(3)]
    assert not started
    assert [answer.status for answer in here] == ["Solved"] * 3
    with together():
        for _ in range(2):
            for seed, answer in enumerate(here):
                same(answer, minimise(*program(seed), tol=1e-9))
    assert len(started) == 1


def outputs():
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((5, 6)), rng.standard_normal((5, 2))
    return Problem(X, Y, filter_size=3, stride=3, outputs=2, output_norm="l2", relaxation="cone", beta=0.1)


def flatten():
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((6, 6)), rng.standard_normal(6)
    return Problem(X, y, filter_size=3, stride=3, architecture="flatten", beta=0.1)


@pytest.mark.parametrize(
    ("verb", "problem"), few([(solve, flatten), (minimum_norm, flatten), (solve, outputs), (minimum_norm, outputs)])
)
def test_a_computation_has_one_other_process_and_ends_it(problem, verb, started, monkeypatch):
    with_another = verb(problem(), time_limit=1e6)
    assert len(started) == 1
    assert started[0].returncode is not None
    started.clear()
    monkeypatch.setattr(interior_point, "_FELT", np.inf)
    alone = verb(problem(), time_limit=1e6)
    assert not started
    assert with_another.status is alone.status
    assert with_another.lower_bound == alone.lower_bound
    for name, values in alone.network.parameters.items():
        np.testing.assert_array_equal(with_another.network.parameters[name], values)


@pytest.mark.parametrize("how", ["cancel", "limit"])
def test_a_program_that_is_being_set_up_is_left_with_the_best_answer(how, started, stuck, monkeypatch, ticking):
    cancel, told, real = threading.Event(), [], interior_point._Process._exchange

    def exchanging(self, program, news):
        if how == "cancel":
            cancel.set()  # a thread of this process runs while the other one sets up its program
        else:
            ticking.now += 2e6
        told.append(program.cones)
        real(self, program, news)

    monkeypatch.setattr(interior_point._Process, "_exchange", exchanging)
    problem = outputs()
    solution = solve(problem, **({"cancel": cancel} if how == "cancel" else {"time_limit": 1e6}))
    _wait()
    assert len(told) == 1
    assert solution.status is (Status.CANCELLED if how == "cancel" else Status.TIME_LIMIT)
    assert solution.objective <= problem.objective(Network.zero(problem.architecture))
    assert solution.lower_bound <= solution.objective
    assert [process.returncode is not None for process in started] == [True]


def test_a_program_that_is_stopped_between_iterations_answers_where_it_is(started, stuck, monkeypatch):
    stuck(
        "source = sys.stdin.buffer\n"
        "program = json.loads(source.readline())\n"
        "n, m = program['A'][0][1], program['A'][0][0]\n"
        "source.read(sum(8 * (2 * M[1] + M[0][1] + 1) for M in (program['P'], program['A'])) + 8 * (n + m))\n"
        "assert json.loads(source.readline()) == {'stop': True}\n"
        "answer = {'status': 'CallbackTerminated', 'value': 2.5, 'iterations': 3, 'seconds': 1e3, 'lengths': [n, m]}\n"
        "sys.stdout.buffer.write(json.dumps(answer).encode() + b'\\n' + struct.pack(f'{n + m}d', *range(n + m)))\n"
        "sys.stdout.flush()\n"
        "time.sleep(1e6)"
    )
    asked, real = [], interior_point._Process._exchange
    monkeypatch.setattr(
        interior_point._Process, "_exchange", lambda self, *args: asked.append(self) or real(self, *args)
    )
    budget = Budget()
    with inside(budget):
        answer = minimise(*program(), tol=1e-9, stop=lambda: bool(asked) and asked[0]._sent.is_set())
        assert started[0].returncode is not None  # it may hold a word to stop that it has not read
    np.testing.assert_array_equal(np.concatenate([answer.x, answer.z]), np.arange(30.0))
    assert (answer.status, answer.value, answer.iterations) == ("CallbackTerminated", 2.5, 3)
    assert budget.cpu_seconds >= 1e3


def test_an_interrupt_ends_the_other_process(started, stuck):
    def interrupt():
        raise KeyboardInterrupt

    with together():
        with pytest.raises(KeyboardInterrupt):
            minimise(*program(), tol=1e-9, stop=interrupt)
        assert started[0].returncode is not None


@pytest.mark.parametrize("then", ["sys.exit(1)", "print('{', flush=True)"])
def test_a_process_that_ends_by_itself_is_one_sentence(then, started, stuck):
    stuck(then)
    with together(), pytest.raises(BackendError, match=r"^Clarabel: .* expected an answer"):
        minimise(*program(), tol=1e-9)


@pytest.mark.parametrize("how", ["missing", "none", "another program", "no package", "frozen"])
def test_without_another_process_programs_are_solved_here(how, started, monkeypatch):
    here = minimise(*program(), tol=1e-9)
    with together():
        if how == "no package":
            monkeypatch.setattr(sys, "path", [])
        elif how == "frozen":
            monkeypatch.setattr(sys, "frozen", True, raising=False)
        else:
            wrong = {"missing": "/nowhere/python", "none": None, "another program": "/bin/false"}[how]
            monkeypatch.setattr(sys, "executable", wrong)
        same(here, minimise(*program(), tol=1e-9))
        same(here, minimise(*program(), tol=1e-9))
    assert len(started) <= 1
    assert all(process.returncode is not None for process in started)


def test_the_other_process_ends_when_nobody_asks_any_more(started):
    with together():
        minimise(*program(), tol=1e-9)
        started[0].stdin.close()
        assert started[0].wait(60.0) == 0


@pytest.mark.parametrize("rest", [b'{"P": [[3', b'{"P": [[1, 1], 1, true], "A": [[1, 1], 1, true]}\n\0\0\0'])
def test_the_other_process_ends_in_the_middle_of_what_it_is_told(rest, started):
    with together():
        minimise(*program(), tol=1e-9)
        started[0].stdin.write(rest)
        started[0].stdin.close()
        assert started[0].wait(60.0) == 0


def test_processes_are_not_shared_by_threads_at_once_nor_by_copies_of_this_process(started):
    here, answers = minimise(*program(), tol=1e-9), []
    with together():
        context = copy_context()
        begun = threading.Event()
        other = threading.Thread(target=lambda: answers.append(context.run(minimise, *program(), tol=1e-9)))

        def stop():
            if not begun.is_set():
                begun.set()
                other.start()
                other.join()
            return False

        answers.append(minimise(*program(), tol=1e-9, stop=stop))
        assert len(started) == 2
        for process in interior_point.kept.get():
            process.owner = -1
        answers.append(minimise(*program(), tol=1e-9))
        assert len(started) == 3
        for process in started[:2]:
            process.kill()
    for answer in answers:
        same(here, answer)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_panic_of_clarabel_is_no_answer_and_the_best_known_stays(elsewhere, started, stuck, monkeypatch):
    class PanicException(BaseException):
        """As Clarabel raises it: no Exception."""

    class Broken:
        def __init__(self, *_):
            pass

        def set_termination_callback(self, _):
            pass

        def solve(self):
            raise PanicException("Eigval error")

    monkeypatch.setattr(clarabel_process.clarabel, "DefaultSolver", Broken)
    stuck("print('null', flush=True)\nsys.stdin.buffer.read()")
    if not elsewhere:
        monkeypatch.setattr(interior_point, "_FELT", np.inf)
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), filter_size=2, beta=0.1, loss="absolute")
    with together():
        assert minimise(*program(), tol=1e-9) is None
    found = solve(problem)
    assert found.status != Status.OPTIMAL
    assert found.lower_bound <= found.network_objective <= problem.loss.value(np.zeros(4), problem.y)
    assert bool(started) == elsewhere
    assert all(process.returncode is not None for process in started)

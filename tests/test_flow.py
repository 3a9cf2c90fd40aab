"""A reader who follows a call goes through few files: what is counted is in tests/flow.py."""

import pytest
from flow import ROOT, follow, readme_problem

from convex_core import Network, solve

#: files entered, and changes from one file to another, of `solve` on the README's problem
FILES, CHANGES = 36, 108


def test_a_change_of_files_is_counted_once_and_calls_within_a_file_are_none():
    problem = readme_problem()
    flow = follow(lambda: [problem.with_beta(0.5), problem.with_beta(0.25)])
    assert {first for first, _ in flow.changes} <= flow.files
    assert all(first != second for first, second in flow.changes)
    one = follow(lambda: Network.zero(problem.architecture))
    assert (f"{ROOT}networks/network.py", f"{ROOT}contracts/validation.py") in one.changes
    assert follow(lambda: None) == (set(), set())


def test_solve_leads_through_no_more_files_than_before():
    pytest.importorskip("numba")
    problem = readme_problem()
    solve(problem)  # what is done once in a process is not followed
    flow = follow(lambda: solve(problem))
    assert len(flow.files) <= FILES, sorted(flow.files)
    assert len(flow.changes) <= CHANGES, sorted(flow.changes)

"""The command ``patterns``: counts, samples, files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from arrangement_cases import threshold

from convex_core.arrangement import enumerate_patterns, sample_patterns
from convex_core.cli import main


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, threshold(3))
    return path


@pytest.fixture
def run(capsys):
    def call(*argv):
        assert main(["patterns", *map(str, argv), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def unpacked(path):
    with np.load(path) as file:
        active = np.unpackbits(file["active"], axis=1, count=len(file["rows"]), bitorder="little").astype(bool)
        return active, file["rows"], bool(file["complete"])


def test_all_patterns_in_a_file(run, rows, tmp_path):
    result = run("--rows", rows, "--out", tmp_path / "all.npz")
    active, written, complete = unpacked(tmp_path / "all.npz")
    assert result["patterns"] == len(active) == 104
    assert np.array_equal(active, enumerate_patterns(threshold(3)).active())
    assert np.array_equal(written, threshold(3))
    assert complete


@pytest.mark.parametrize("method", ["uniform", "gaussian", "ascent"])
def test_samples(run, rows, tmp_path, method):
    out = tmp_path / "draws.npz"
    result = run("--rows", rows, "--sample", 300, "--method", method, "--seed", 5, "--out", out)
    active, _, complete = unpacked(out)
    expected = sample_patterns(threshold(3), 300, method=method, seed=5)
    assert np.array_equal(active, expected.active())
    assert not complete
    sample = result["sample"]
    assert (sample["draws"], sample["method"], sample["certified"]) == (300, method, True)
    assert sample["distinct"] == len(expected.distinct())
    assert sample["share_seen"] == expected.share_seen(104)
    assert result["patterns"] == 104


def test_samples_where_there_are_too_many_to_count(run, rows):
    result = run("--rows", rows, "--sample", 10, "--max-patterns", 50)
    assert (result["patterns"], result["closed_form"], result["sample"]["share_seen"]) == (None, 128, None)
    assert (result["rows"], result["merged_rows"], result["rank"]) == (8, 8, 4)
    assert result["sample"]["draws"] == 10


def test_more_samples_than_memory_are_refused(capsys, rows):
    assert main(["patterns", "--rows", str(rows), "--sample", "1000000000000", "--json"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "m: got 1,000,000,000,000 draws, expected at most" in err


def test_text(capsys, rows):
    assert main(["patterns", "--rows", str(rows), "--sample", "20000"]) == 0
    text = capsys.readouterr().out
    assert "20,000 uniform draws, 104 different patterns, 100 % of all" in text
    assert main(["patterns", "--rows", str(rows), "--sample", "5", "--max-patterns", "9"]) == 0
    assert "too many to count" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--sample", "0"), "sample"),
        (("--sample", "x"), "sample"),
        (("--method", "gaussian"), "method"),
        (("--sample", "3", "--method", "sobol"), "method"),
        (("--out", "/nowhere/patterns.npz"), "out"),
    ],
)
def test_bad_input(capsys, rows, options, word):
    assert main(["patterns", "--rows", str(rows), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert word in err


def test_too_many_to_list(capsys, rows, tmp_path):
    assert main(["patterns", "--rows", str(rows), "--max-patterns", "50", "--out", str(tmp_path / "a.npz")]) == 2
    assert not (tmp_path / "a.npz").exists()
    assert "max_patterns" in capsys.readouterr().err

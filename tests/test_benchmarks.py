"""The benchmarks compute what they say, run at all, and refuse a contestant that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fcnet

pytest.importorskip("psutil")

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(fcnet.__file__).parents[1])
    return subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *arguments],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "case",
    [
        {"N": 1, "D": 1, "H": 1, "K": 2},
        {"N": 4, "D": 9, "H": 6, "K": 3},
        {"N": 20, "D": 48, "H": 50, "K": 10},
    ],
)
def test_with_and_without_loops_loss_and_gradients_are_the_same(case):
    from harness import compare
    from loops import BENCHMARK

    results = {name: entry.prepare(case)() for name, entry in BENCHMARK.contestants.items()}
    assert len(results) == 3
    for name, result in results.items():
        assert compare(name, result, results[BENCHMARK.baseline], 1e-10) <= 1e-10


def test_a_second_repetition_computes_the_same_again():
    from loops import BENCHMARK

    for entry in BENCHMARK.contestants.values():
        timed = entry.prepare(BENCHMARK.quick_cases[0])
        first, second = timed(), timed()
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.parametrize("wrong", [1e-9, np.nan])
def test_a_result_that_differs_is_refused(wrong):
    from harness import BenchmarkError, compare

    with pytest.raises(BenchmarkError, match="loopy: W1 differs from the baseline's by"):
        compare("loopy", {"W1": np.array([1.0, 2.0 + wrong])}, {"W1": np.array([1.0, 2.0])}, 1e-10)


@pytest.mark.parametrize("result", [{}, {"W1": [1.0]}, {"W1": 1.0}])
def test_a_result_that_is_incomplete_is_refused(result):
    from harness import BenchmarkError, compare

    with pytest.raises(BenchmarkError, match=r"W1 is missing or not of the baseline's shape \(2,\)"):
        compare("short", result, {"W1": np.ones(2)}, 1e-10)


def test_every_step_lowers_the_loss_of_one_small_minibatch():
    from step import BENCHMARK, CLASSES

    (case,) = [case for case in BENCHMARK.quick_cases if case["momentum"] == 0]
    step = BENCHMARK.contestants["fcnet"].prepare(case | {"images": case["batch"]})
    losses = [step() for _ in range(100)]
    assert losses[-1] < losses[0] < 3 * np.log(len(CLASSES))


def test_a_run_leaves_a_record(tmp_path):
    done = run("loops", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "loops.json").read_text())
    assert record["machine"]["cores"] >= 1
    assert set(record["machine"]) >= {
        "processor",
        "versions",
        "load_average_before",
        "cores_used_by_others",
        "shared",
    }
    (case,) = record["cases"]
    assert case["results"][0]["contestant"] == record["baseline"]
    for row in case["results"]:
        assert row["min"] <= row["median"] <= row["max"]
        assert len(row["seconds"]) == row["n"] == 2
        assert row["difference"] <= 1e-10
        assert row["contestant"].split()[0] in done.stdout
    assert case["results"][0]["ratio"] == 1


def test_an_unknown_benchmark_is_refused():
    done = run("nothing")
    assert done.returncode == 2
    assert "there is no benchmark nothing, choose from loops, step" in done.stderr


def test_the_second_worker_ends_with_the_first():
    """A follower that outlived its benchmark would keep a core busy for ever after."""
    pytest.importorskip("torch")
    import psutil

    done = run("scaling", "--quick")
    assert done.returncode == 0, done.stderr
    assert "two workers, one thread each" in done.stdout
    followers = [
        p for p in psutil.process_iter(["cmdline"])
        if any(str(word).endswith("scaling.py") for word in p.info["cmdline"] or ())
    ]  # fmt: skip
    _, alive = psutil.wait_procs(followers, timeout=20)
    assert not alive

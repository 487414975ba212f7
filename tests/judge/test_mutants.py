"""Every mutant is made, alone and in pairs, and the judge has to name what was made."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fcnet.judge.catalogue import kinds
from fcnet.records import read_json

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import confusion  # noqa: E402

RECORD = ROOT / "results" / "checking" / "confusion.json"

EACH = 1 if os.environ.get("FCNET_ALL_MUTANTS") else 6
"""One mutant in six is made here; FCNET_ALL_MUTANTS=1 makes them all, as the record does, in minutes."""


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2) as pool:
        yield pool


def verdict_fits(row: dict[str, Any]) -> bool:
    """An error is never called right."""
    half = kinds(row["half"])
    return row["verdict"] != "right" or all(half[code].severity == "remark" for code in row["made"])


def test_mutants_of_numpy_kinds_are_named(pool: ProcessPoolExecutor) -> None:
    tasks = [task for task in confusion.singles("numpy") if task["mutants"] == [0]]
    assert len(tasks) >= 60
    rows = list(pool.map(confusion.check, tasks[::EACH]))
    assert [row for row in rows if not verdict_fits(row)] == []
    missed = [(row["made"], row["named"]) for row in rows if not row["all_named"]]
    assert len(missed) <= 0.05 * len(rows), missed


def test_most_pairs_are_named(pool: ProcessPoolExecutor) -> None:
    rows = list(pool.map(confusion.check, confusion.pairs("numpy", 60, seed=1)[::EACH]))
    assert [row for row in rows if not verdict_fits(row)] == []
    missed = [(row["made"], row["named"]) for row in rows if not row["all_named"]]
    assert len(missed) <= 0.2 * len(rows), missed


def test_some_pytorch_kinds_are_named(pool: ProcessPoolExecutor) -> None:
    """The record has all of them; each takes seconds, since torch is imported for each."""
    pytest.importorskip("torch")
    codes = (
        "PT_LAYERS_IN_LIST",
        "PT_DEPTH_FIXED",
        "PT_NO_ACTIVATION",
        "PT_SOFTMAX_IN_FORWARD",
        "PT_ZERO_GRAD_MISSING",
        "PT_WEIGHTS_ZERO",
        "PT_EVAL_PART",
        "PT_EVAL_SIGMOID",
        "PT_EVAL_GRADIENTS",
        "PT_BATCH_VIEW",
    )
    tasks = [
        task for task in confusion.singles("pytorch") if task["made"][0] in codes and task["mutants"] == [0]
    ]
    rows = list(pool.map(confusion.check, tasks))
    assert [(row["made"], row["named"]) for row in rows if not row["all_named"]] == []


@pytest.mark.parametrize(("half", "fewest"), [("numpy", 60), ("pytorch", 20)])
def test_the_record_has_every_mutant_of_the_catalogue_and_is_good_enough(half: str, fewest: int) -> None:
    record = read_json(RECORD)
    rows = [row for row in record["rows"] if row["half"] == half]
    made = {(row["made"][0], row["mutants"][0]) for row in rows}
    assert made == {(task["made"][0], task["mutants"][0]) for task in confusion.singles(half)}
    assert len({code for code, _ in made}) >= fewest
    assert record["singles"][half] == confusion.summary(rows)
    assert record["singles"][half]["named"] >= 0.95
    pairs = [row for row in record["pair_rows"] if row["half"] == half]
    assert record["pairs"][half] == confusion.summary(pairs)
    assert record["pairs"][half]["named"] >= 0.8
    assert [row for row in [*rows, *pairs] if not verdict_fits(row)] == []

"""Mutants of every kind are made, alone and in pairs, and the judge has to name what was made.

A kind may have several mutants: the first one of each is made here, of every second kind, and all with
FCNET_ALL=1. Without it, kinds that test_wrong.py has in programs of other styles are left to it. The record
has all, each by itself, and a test holds it against the catalogue.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fcnet.judge.catalogue import kinds
from fcnet.records import read_json
from judge.wrong_solutions import WRONG

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import confusion  # noqa: E402

RECORD = ROOT / "results" / "checking" / "confusion.json"

Rows = list[dict[str, Any]]


def assert_named(rows: Rows, least: float) -> None:
    """Enough mutants are named, and no error is called right."""
    assert [row for row in rows if not verdict_fits(row)] == []
    missed = [(row["made"], row["mutants"], row["named"]) for row in rows if not row["all_named"]]
    assert len(missed) <= (1 - least) * len(rows), missed


def verdict_fits(row: dict[str, Any]) -> bool:
    """An error is never called right."""
    half = kinds(row["half"])
    return row["verdict"] != "right" or all(half[code].severity == "remark" for code in row["made"])


@pytest.mark.parametrize("half", ["numpy", "pytorch"])
def test_every_mutant_is_named(half: str, apart: ProcessPoolExecutor) -> None:
    if half == "pytorch":
        pytest.importorskip("torch")
    tasks = [task for task in confusion.singles(half) if not confusion.needs_a_process(task)]
    if not os.environ.get("FCNET_ALL"):
        tasks = list({task["made"][0]: task for task in reversed(tasks)}.values())
    assert len({task["made"][0] for task in tasks}) >= (200 if half == "numpy" else 50)
    if not os.environ.get("FCNET_ALL"):
        elsewhere = {code for wrong in WRONG for code in wrong.codes}
        tasks = [task for task in tasks if task["made"][0] not in elsewhere][::2]
    assert_named(list(apart.map(confusion.check, tasks)), 0.95)


@pytest.mark.parametrize(("half", "count"), [("numpy", 24), ("pytorch", 8)])
def test_most_pairs_are_named(half: str, count: int, apart: ProcessPoolExecutor) -> None:
    if half == "pytorch":
        pytest.importorskip("torch")
    assert_named(list(apart.map(confusion.check, confusion.pairs(half, count, seed=1))), 0.8)


def test_mutants_are_named_in_their_own_process() -> None:
    """One of each stage, through all that users run; the attacks' tests meet the limits."""
    singles = [task for task in confusion.singles("numpy") if not confusion.needs_a_process(task)]
    first = {kinds()[task["made"][0]].stage: task for task in singles}
    assert len(first) >= 8
    assert_named([confusion.check(task) for task in first.values()], 1.0)


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

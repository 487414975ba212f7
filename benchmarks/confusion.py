"""Which mistake does `fcnet check` name? Every mutant of the catalogue is made and checked.

    python benchmarks/confusion.py [--pairs N] [--workers N] [--half numpy|pytorch] [--isolated] [--out FILE]

Singles: each mutant of each kind. Pairs: N pairs of kinds, drawn at random, whose changes fit into one
program. The record goes to results/checking/confusion.json; docs/checking.md shows it.

The mutants are ours, so they run in the judge's process, without isolation, in a fifth of the time.
Those that are seen by what happens to their process, and all with --isolated, run as a student's file does.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.judge import Options, check_submission
from fcnet.judge.catalogue import SPECIMENS, Kind, kinds, mutated, specimen
from fcnet.judge.hypotheses import answers, close
from fcnet.judge.probes import main_probes
from fcnet.records import environment, write_json
from in_process import judge_in_process

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"numpy": "two_layernet.py", "pytorch": "ex2_pytorch.py"}


def singles(half: str) -> list[dict[str, Any]]:
    """Every mutant of every kind."""
    return [
        {"half": half, "made": [kind.code], "mutants": [number], "text": mutated(specimen(half), patch)}
        for kind in kinds(half).values()
        for number, patch in enumerate(kind.mutants)
    ]


def pairs(half: str, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Pairs of kinds that can be made in one program and are both seen: both are reached by the judge."""
    found = []
    usable = [kind for kind in kinds(half).values() if kind.mutants and kind.stage not in STOPS]
    couples = list(itertools.combinations(usable, 2))
    random.Random(seed).shuffle(couples)
    for one, other in couples:
        if len(found) == count:
            break
        if {one.fingerprint, other.fingerprint} & set(HIDES) or {one.code, other.code} & set(ENDS):
            continue
        text = mutated(specimen(half), one.mutants[0])
        text = mutated(text, other.mutants[0]) if text is not None else None
        if text is not None and not any(hidden(half, text, *two) for two in ((one, other), (other, one))):
            found.append({"half": half, "made": [one.code, other.code], "mutants": [0, 0], "text": text})
    return found


def hidden(half: str, text: str, one: Kind, other: Kind) -> bool:
    """Whether a mistake in numbers has no effect beside another: both answer as the other alone."""
    alone = mutated(specimen(half), other.mutants[0])
    if half != "numpy" or one.fingerprint != "numbers" or other.fingerprint != "lines" or alone is None:
        return False
    probe = main_probes(np.random.default_rng(0))[0]
    both, single = answers(text, probe), answers(alone, probe)
    return both.keys() == single.keys() and all(close(both[name], single[name]) for name in single)


STOPS = ("loads", "interface", "construction")
"""A mistake here keeps the rest from being looked at."""

HIDES = ("exception", "form", "limits", "repeat", "rest")
"""So does one that ends a call, or gives something else than numbers, or that no mutant explains."""

ENDS = (
    "PT_FORWARD_UNIMPLEMENTED", "PT_FORWARD_FAILS", "PT_BATCH_VIEW", "PT_OUTPUT_FORM", "PT_DETACHED",
    "PT_DROPOUT_ALWAYS_ON", "PT_TRAINING_UNIMPLEMENTED", "PT_BACKWARD_MISSING", "PT_STEP_MISSING",
    "PT_STEP_BEFORE_BACKWARD", "PT_LOSS_ARGUMENTS", "PT_SCRIPT_FAILS", "PT_EVALUATION_UNIMPLEMENTED",
    "PT_EVAL_ON_TRAINING_SET", "PT_TRAINED_ON_VALIDATION",
)  # fmt: skip
"""PyTorch kinds after which the rest of the script is not seen, or has no effect."""


def needs_a_process(task: dict[str, Any]) -> bool:
    """Whether a mutant is seen by what happens to its process."""
    return any(kinds(task["half"])[code].fingerprint == "limits" for code in task["made"])


def check_all(tasks: Sequence[dict[str, Any]], workers: int, isolated: bool) -> list[dict[str, Any]]:
    """Check mutants in other processes, where stand-ins of packages disturb nobody."""
    fresh = multiprocessing.get_context("spawn")
    rows: dict[int, dict[str, Any]] = {}
    for initializer, apart in ((judge_in_process, False), (None, True)):
        chosen = [place for place, task in enumerate(tasks) if (isolated or needs_a_process(task)) == apart]
        with ProcessPoolExecutor(workers, fresh, initializer=initializer) as pool:
            rows |= zip(chosen, pool.map(check, [tasks[place] for place in chosen]), strict=True)
    return [rows[place] for place in range(len(tasks))]


def check(task: dict[str, Any]) -> dict[str, Any]:
    """Check one mutant."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAMES[task["half"]]
        path.write_text(task["text"])
        start = time.perf_counter()
        report = check_submission(path, Options(seed=0))
    errors = [finding.code for finding in report.findings if finding.severity == "error"]
    remarks = [finding.code for finding in report.findings if finding.severity == "remark"]
    named = [finding.code for finding in report.findings]
    return {
        "half": task["half"],
        "made": task["made"],
        "mutants": task["mutants"],
        "named": named,
        "errors": errors,
        "remarks": remarks,
        "verdict": report.verdict,
        "all_named": set(task["made"]) <= set(named),
        "only": set(task["made"]) == set(named),
        "seconds": round(time.perf_counter() - start, 2),
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares of rows in which all mistakes are named, and in which nothing else is."""
    count = max(len(rows), 1)
    return {
        "checked": len(rows),
        "named": sum(row["all_named"] for row in rows) / count,
        "named_and_nothing_else": sum(row["only"] for row in rows) / count,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all mutants and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=int, default=200, help="pairs of the NumPy half; a quarter of PyTorch's"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--half", choices=sorted(SPECIMENS), action="append", help="this half alone")
    parser.add_argument("--only", nargs="*", default=[], help="these kinds alone, printed and not recorded")
    parser.add_argument("--isolated", action="store_true", help="each in a process of its own")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "checking" / "confusion.json")
    options = parser.parse_args(arguments)
    halves = options.half or sorted(SPECIMENS)
    alone = [task for half in halves for task in singles(half)]
    if options.only:
        alone = [task for task in alone if task["made"][0] in options.only]
    together = (
        []
        if options.only
        else [
            task
            for half in halves
            for task in pairs(half, options.pairs if half == "numpy" else options.pairs // 4)
        ]
    )
    rows = check_all(alone, options.workers, options.isolated)
    pair_rows = check_all(together, options.workers, options.isolated)
    for row in (*rows, *pair_rows):
        if not row["only"] or options.only:
            print(row["made"], row["mutants"], "->", row["named"], row["verdict"], row["seconds"], flush=True)
    record = {
        "singles": {half: summary([row for row in rows if row["half"] == half]) for half in halves},
        "pairs": {half: summary([row for row in pair_rows if row["half"] == half]) for half in halves},
        "rows": rows,
        "pair_rows": pair_rows,
        "environment": environment() | {"command": f"python benchmarks/confusion.py --pairs {options.pairs}"},
    }
    print(record["singles"], record["pairs"])
    if not options.only:
        write_json(options.out, record)
    return 0


if __name__ == "__main__":
    sys.exit(main())

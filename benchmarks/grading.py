"""How long does a teacher wait? Forty submissions, graded on two cores, and graded again.

    python benchmarks/grading.py [--workers N] [--out FILE]

Of the forty, eight are right, twenty-four have one mistake each of the catalogue, four solve the PyTorch
half, two are zips with both halves, one never ends and one kills its own process. The record goes to
results/checking/grading.json; docs/grading.md states it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from fcnet.judge import Options
from fcnet.judge.catalogue import kinds, mutated, specimen
from fcnet.judge.grade import find_entries, grade_course
from fcnet.judge.grade.pages import write_pages
from fcnet.judge.grade.rubric import Rubric
from fcnet.records import environment, write_json

ROOT = Path(__file__).resolve().parents[1]


def mutants(half: str) -> Iterator[str]:
    """The first mutant of each kind."""
    for kind in kinds(half).values():
        text = mutated(specimen(half), kind.mutants[0]) if kind.mutants else None
        if text is not None:
            yield text


def write_course(folder: Path) -> None:
    """Write the forty submissions."""
    right, right_torch = specimen("numpy"), specimen("pytorch")
    spread = list(mutants("numpy"))
    texts = [right] * 8 + spread[:: max(1, len(spread) // 24)][:24]
    loss = "    def loss(self, X, y=None, reg=0.0):\n"
    for line in ("while True: pass", "import os; os.kill(os.getpid(), 9)"):
        texts.append(right.replace(loss, f"{loss}        {line}\n"))
    for number, text in enumerate(texts):
        place = folder / f"student{number:02d}"
        place.mkdir(parents=True)
        (place / "two_layernet.py").write_text(text)
    for number, text in enumerate([right_torch, right_torch, *islice(mutants("pytorch"), 2)]):
        (folder / f"torch{number}.py").write_text(text)
    for number in range(2):
        with zipfile.ZipFile(folder / f"both{number}.zip", "w") as archive:
            archive.writestr("two_layernet.py", right)
            archive.writestr("ex2_pytorch.py", right_torch)


def measured(workers: int) -> dict[str, Any]:
    """Seconds for the whole course, and for grading it again unchanged."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "course"), Path(place, "graded")
        write_course(folder)
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            course = grade_course(find_entries(folder), out, Options(), Rubric(), workers)
            write_pages(course.graded, out)
            seconds.append(round(time.perf_counter() - start, 1))
    each = sorted(one.record.get("seconds", 0.0) for one in course.graded)
    return {
        "submissions": len(course.graded),
        "workers": workers,
        "seconds": seconds[0],
        "again_seconds": seconds[1],
        "median_seconds_of_one": each[len(each) // 2],
        "longest_seconds_of_one": each[-1],
        "verdicts": dict(Counter(one.verdict for one in course.graded)),
        "reused": course.reused,
    }


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "checking" / "grading.json")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    record = {
        "command": "python benchmarks/grading.py",
        "environment": environment(),
        "load_before": None if load is None else round(load, 1),
        **measured(options.workers),
    }
    write_json(options.out, record)
    print(record)


if __name__ == "__main__":
    main()

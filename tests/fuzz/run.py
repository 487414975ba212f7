"""The fuzzer: spoils what fcnet reads, runs every command that reads it, and says what did not hold.

    python tests/fuzz/run.py --minutes 60 --out results/fuzz.json   fuzz for an hour, and record it
    python tests/fuzz/run.py --seed 1234 --keep case                one case again, in a folder that stays

A command must end by itself with exit status 0 or 2 and at most one line on standard error, without a
traceback, without control characters, within its limits of time and memory, and change no file outside of the
folder. Each case follows from its seed alone.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported: a process with threads is not forked safely
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "tools")]

from fuzz import cases, child, seeds  # noqa: E402

KEPT = 5
"""Seeds that are recorded of each finding."""


def main(arguments: list[str] | None = None) -> int:
    """Fuzz; returns the exit status, 1 if anything was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="how long to fuzz, once the good inputs are made"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed; the others follow it")
    parser.add_argument("--seed", type=int, help="this case alone")
    parser.add_argument("--keep", type=Path, help="where the folder of that case is kept")
    parser.add_argument(
        "--workers", type=int, default=len(os.sched_getaffinity(0)), help="commands at a time"
    )
    parser.add_argument("--out", type=Path, help="write the record there")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out = options.out.absolute()  # the cases run elsewhere
    with tempfile.TemporaryDirectory(prefix="fcnet-fuzz-") as temporary:
        record = fuzz(options, Path(temporary))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    for finding in record["findings"]:
        print(f"{finding['times']:>5} x {finding['what']}")
        print(f"        seeds {finding['seeds']}: {finding['command']}")
    found = len(record["findings"])
    print(
        f"{record['inputs']} inputs in {record['seconds']:.0f} s: {found} finding{'' if found == 1 else 's'}"
    )
    return 1 if found else 0


def fuzz(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run cases until the time is up; returns the record."""
    from fcnet.cli.commands import command_of

    began = time.monotonic()
    _offline(folder)
    child.warm()
    (folder / "seeds").mkdir()
    with _silence(folder / "log"):
        seeds.make(folder / "seeds")
    numbers: Iterator[int] = (
        iter([options.seed]) if options.seed is not None else itertools.count(options.first)
    )
    commands: Counter[str] = Counter()
    findings: dict[str, dict[str, Any]] = {}
    slowest = 0.0
    end = time.monotonic() + 60 * options.minutes
    for running, status in _all(numbers, folder, options.workers, end, options.seed is not None):
        case = running.case
        commands[command_of(case.command) or case.command[0]] += 1
        slowest = max(slowest, time.monotonic() - running.started)
        for what in child.judged(running, status):
            _note(findings, case, f"{case.command[0]}: {what}", running.folder)
        if options.keep:
            shutil.copytree(running.folder, options.keep, symlinks=True, copy_function=_copy)
        _remove(running.folder)
    return {
        "inputs": sum(commands.values()), "first seed": options.first,
        "seconds": round(time.monotonic() - began, 1), "slowest command, seconds": round(slowest, 1),
        "commands": dict(sorted(commands.items())),
        "limits": {"bytes of memory": child.MEMORY, "seconds": child.SECONDS}, "environment": _machine(),
        "findings": sorted(findings.values(), key=lambda one: -one["times"]),
    }  # fmt: skip


def _all(
    numbers: Iterator[int], folder: Path, workers: int, end: float, one: bool
) -> Iterator[tuple[child.Running, int]]:
    """Each case with its exit status, several at a time."""
    at_work: list[child.Running] = []
    while True:
        while len(at_work) < workers and (one or time.monotonic() < end):
            number = next(numbers, None)
            if number is None:
                break
            place = folder / "cases" / str(number)
            place.mkdir(parents=True)
            at_work.append(child.start(cases.make(number, folder / "seeds", place), place))
        if not at_work:
            return
        for running in list(at_work):
            if (result := child.ended(running)) is not None:
                at_work.remove(running)
                yield running, result[0]
        time.sleep(0.005)


def _note(findings: dict[str, dict[str, Any]], case: cases.Case, what: str, folder: Path) -> None:
    said = (folder / "err").read_text(errors="replace").replace(f"{folder}/work/", "")
    finding = findings.setdefault(
        what,
        {
            "what": what, "times": 0, "seeds": [],
            "command": " ".join(("fcnet", *case.command)), "kind": case.kind, "spoiled": list(case.spoiled),
            "said": said.splitlines()[-1:],
        },
    )  # fmt: skip
    finding["times"] += 1
    if len(finding["seeds"]) < KEPT:
        finding["seeds"].append(case.seed)


def _machine() -> dict[str, Any]:
    from fcnet.records import environment

    return {name: value for name, value in environment().items() if name != "command"}


def _offline(folder: Path) -> None:
    """The surroundings of a user without a network, without CIFAR-10 and with a cache that we fill."""
    os.environ |= {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "seeds" / "cache"), "COLUMNS": "80"}
    os.environ.pop("FCNET_DATA", None)


@contextlib.contextmanager
def _silence(path: Path) -> Iterator[None]:
    with path.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield


def _copy(source: str, target: str) -> None:
    with contextlib.suppress(OSError, shutil.SpecialFileError):
        shutil.copy(source, target, follow_symlinks=False)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

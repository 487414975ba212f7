"""Try the whole table, or a part of it, and write what happened as a record.

PYTHONPATH=tools python -m hostile.run --out results/hostile.json
PYTHONPATH=tools python -m hostile.run --only history      what has this word in its name, told line by line
PYTHONPATH=tools python -m hostile.run --again RECORD --out RECORD
                                                           what a record found, once that is mended
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fcnet.cli import main as fcnet
from fcnet.cli.commands import COMMANDS as ALL
from fcnet.cli.commands import load
from fcnet.records import environment, read_json, write_json
from hostile.attempt import attempt, surroundings
from hostile.cases import CASES, COMMANDS, READS, RUN, TRAINS, Case
from hostile.prepare import whole_folders

KINDS = (
    "traceback", "hang", "changed outside", "other runs are not shown", "no JSON", "raw control characters",
    "more than one line", "no line", "no answer", "left behind",
)  # fmt: skip
"""What must not happen, the worst first."""


COMMAND = "python -m hostile.run"

NOT_WARMED = {"watch", TRAINS, "resume --watch", "tensorboard"}
"""Commands that serve a page, or import PyTorch for one row of the table."""


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns how many things were found that must not be, 1 at most."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--out", type=Path, help="the record to write")
    parser.add_argument("--only", default="", help="words in the names of the cases")
    parser.add_argument("--part", default="0/1", help="K/N: the K-th of N parts of the table")
    parser.add_argument("--join", type=Path, nargs="+", help="records of parts, to be made one record")
    parser.add_argument("--again", type=Path, help="a record whose findings are tried again")
    options = parser.parse_args(arguments)
    if options.join:
        write_json(options.out, joined([read_json(path) for path in options.join]))
        return 0
    part, parts = map(int, options.part.split("/"))
    chosen = [case for case in CASES if options.only in case.name][part::parts]
    earlier = read_json(options.again) if options.again else None
    if earlier:
        chosen = [case for case in CASES if case.name in {one["folder"] for one in earlier["each"]}]
    counts: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        whole.mkdir()
        surroundings(whole)
        whole_folders(whole)
        warm(whole)
        for number, case in enumerate(chosen):
            for command in READS[case.reads]:
                _count(case, command, whole, Path(folder) / "home", counts, found)
            if number % 20 == 0:
                print(f"{number} of {len(chosen)} folders, {counts['commands']} commands", file=sys.stderr)
    record = {
        "folders": len(chosen),
        "commands": counts["commands"],
        "found": {kind: counts[kind] for kind in KINDS},
        "each": found,
        "longest_seconds": counts["milliseconds"] / 1e3,
        "environment": environment() | {"command": COMMAND},
    }
    if earlier:
        record = earlier | {name: record[name] for name in ("found", "each")} | {"mended": earlier["each"]}
    if options.out:
        write_json(options.out, record)
    print({name: record[name] for name in ("folders", "commands", "found", "longest_seconds")})
    return 1 if found else 0


def warm(whole: Path) -> None:
    """Do everything once in this process: the forks have from the start what it imports and keeps.

    Parameters
    ----------
    whole : holds what `whole_folders` made
    """
    for command in ALL:
        load(command)
    for name in ("fcnet.live.server", "fcnet.live.beside", "encodings.idna"):
        import_module(name)
    with tempfile.TemporaryDirectory() as name, patch.dict(os.environ), chdir(name):
        surroundings(Path(name))
        shutil.copytree(whole / "finished", RUN)
        shutil.copytree(whole / "good", "good")
        shutil.copy(whole / "picture.png", name)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            for words in (words for command, words in COMMANDS.items() if command not in NOT_WARMED):
                fcnet(words.split())
    gc.freeze()  # or each fork would copy all of that when it collects garbage for the first time


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of the records of all parts."""
    first = parts[0]
    return first | {
        "folders": sum(part["folders"] for part in parts),
        "commands": sum(part["commands"] for part in parts),
        "found": {kind: sum(part["found"][kind] for part in parts) for kind in first["found"]},
        "each": [one for part in parts for one in part["each"]],
        "longest_seconds": max(part["longest_seconds"] for part in parts),
        "environment": first["environment"] | {"command": COMMAND},
    }


def _count(
    case: Case, command: str, whole: Path, home: Path, counts: Counter[str], found: list[dict[str, Any]]
) -> None:
    outcome = attempt(case, command, whole, home)
    counts["commands"] += 1
    counts["milliseconds"] = max(counts["milliseconds"], round(1e3 * outcome.seconds))
    for kind in {kind for kind, _ in outcome.findings}:
        counts[kind] += 1
    for kind, word in outcome.findings:
        found.append(
            {"folder": case.name, "command": command, "what": kind, "words": word.replace(str(home), "HOME")}
        )
        print(f"{case.name} | {command} | {kind} | {word}"[:300], flush=True)


if __name__ == "__main__":
    sys.exit(main())

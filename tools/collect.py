"""Copies the small records of a finished run into results/, without the folders of the machine."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from fcnet.errors import RunError
from fcnet.experiments.depth import best_run
from fcnet.files import write_atomically
from fcnet.records import read_json, write_json
from fcnet.report.pictures import Pictures
from fcnet.report.reading import DEFAULT_PICTURES, TUNED_PICTURES

RECORDS = (
    "toy.json", "ladder.json",
    "default/history.jsonl", "default/diagnosis.json", "default/record.json",
    "tuned/history.jsonl", "tuned/record.json", "tuned/test.json",
    "depth.json", "pytorch/history.jsonl", "pytorch/record.json", "numpy/history.jsonl", "numpy/record.json",
)  # fmt: skip
"""What is copied besides results.json and the pictures."""


def collect(out: Path, root: Path) -> None:
    """Copy the records behind the documents' numbers from `out` into results/, without the machine's folders.

    Raises
    ------
    RunError : the reproduction is unfinished, or a quick one
    """
    results = read_json(out / "results.json")
    if results.get("quick", True):
        raise RunError(
            f"{out} holds a quick reproduction, the documents state a full one: run without --quick"
        )
    write_json(root / "results" / "reproduce.json", without_folders(results))
    kept = root / "results" / "reproduce"
    for name in RECORDS:
        if name.endswith(".json"):
            write_json(kept / name, without_folders(read_json(out / name)))
        else:
            write_atomically(kept / name, (out / name).read_text())
    _, best = best_run(read_json(out / "depth.json")["rows"], out / "depth")
    for name in ("record.json", "test.json"):
        write_json(kept / "best" / name, without_folders(read_json(best / name)))
    for run, count in (("default", DEFAULT_PICTURES), ("tuned", TUNED_PICTURES)):
        Pictures.read(out / run, count).save(kept / run)


def without_folders(record: dict[str, Any]) -> dict[str, Any]:
    """The record, with every path of the machine cut down to its last name."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: Path(item).name if name == "path" else clean(item) for name, item in value.items()}
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, str) and value.startswith("fcnet "):
            return shlex.join(Path(word).name if "/" in word else word for word in shlex.split(value))
        return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

    cleaned: dict[str, Any] = clean(record)
    return cleaned

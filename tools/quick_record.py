"""The record of a quick reproduction on digits, which a test makes anew: results/quick.json.

    python tools/quick_record.py            write it, where a number is meant to change
    python tools/quick_record.py OUT        say in what a quick reproduction in the folder OUT differs from it

A record that is older than the code is noticed this way, whatever document or figure it feeds.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fcnet.data.digits import load_digits
from fcnet.data.load import UNAVAILABLE
from fcnet.experiments.reproduce import Reproduction
from fcnet.records import read_json, write_json
from fcnet.train.callbacks import Callback
from fcnet.train.history import read_history

PATH = Path(__file__).resolve().parents[1] / "results" / "quick.json"

STAGES = ("results.json", "toy.json", "default/diagnosis.json", "depth.json")

RUNS = ("default", "tuned", "pytorch", "numpy")

ELSEWHERE = {
    "environment", "engine", "training_seconds", "seconds", "best_h", "worst", "kinks", "kink_count",
}  # fmt: skip
"""Names of what depends on the machine, or on how it rounds."""

TOLERANCES = {
    "errors": (0.0, 1e-4),  # of central differences over steps from 1e-1 to 1e-10: rounding, on purpose
    "complex_error": (0.0, 1e-10),
    "references": (0.0, 1e-9),
    "best_error": (0.0, 1e-8),
    "gradient_relative_error": (0.0, 1e-8),
    "loss_difference": (0.0, 1e-10),
    "updates": (1e-3, 0.0),
    "signal": (1e-3, 0.0),
    "default": (1e-3, 0.005),  # one of 200 images; its small steps amplify no rounding
    "diagnosis": (1e-3, 0.005),
    "accuracy": (0.0, 0.03),  # six of 200 images: other libraries round otherwise, and training amplifies it
    "pytorch": (0.05, 0.03),  # in bfloat16 where the machine has it
    "depth": (0.05, 0.03),
    "tuned": (0.02, 0.03),
    "numpy": (0.02, 0.03),
}
"""Relative and absolute tolerance of the numbers at or below a name; the first that fits a place holds."""

USUAL = (1e-3, 0.0)
"""Tolerance of everything else: the toy problem, the default run and its diagnosis, the signal."""


def collected(out: Path) -> dict[str, Any]:
    """Every number of a finished quick reproduction that does not depend on the machine."""
    whole: dict[str, Any] = {Path(name).stem: read_json(out / name) for name in STAGES}
    findings = whole["diagnosis"]["findings"]  # whose sentences are made of these numbers
    whole["diagnosis"]["findings"] = {finding["name"]: finding["value"] for finding in findings}
    whole["last"] = {run: vars(read_history(out / run / "history.jsonl")[-1]) for run in RUNS}
    stripped: dict[str, Any] = _stripped(whole)
    return stripped


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(inner) for name, inner in value.items() if name not in ELSEWHERE}
    if isinstance(value, list | tuple):
        return [_stripped(inner) for inner in value]
    return value


def drift(old: Any, new: Any, place: tuple[str, ...] = ()) -> Iterator[str]:
    """Say each thing in which two collected records differ by more than the tolerances."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for name in old:
            yield from drift(old[name], new[name], (*place, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from drift(one, other, (*place, str(number)))
    elif not _close(old, new, place):
        shown = [str(sorted(value)) if isinstance(value, dict) else repr(value) for value in (old, new)]
        yield f"{'/'.join(place)}: recorded {shown[0]}, now {shown[1]}"


def _close(old: Any, new: Any, place: tuple[str, ...]) -> bool:
    if not all(isinstance(value, float) for value in (old, new)):
        return bool(old == new) or "best" in place  # which of several equally good networks that is
    words = {*place, *re.findall("accuracy", " ".join(place))}
    relative, absolute = next((TOLERANCES[name] for name in TOLERANCES if name in words), USUAL)
    return bool(abs(new - old) <= absolute + relative * abs(old))


def reproduced(out: Path) -> Path:
    """Run all of it in a folder, without a word."""
    quick = Reproduction(load_digits(UNAVAILABLE), out, quick=True)
    quick.toy()
    quick.default(Callback())
    quick.tuned(Callback())
    quick.test()
    for engine in ("torch", "numpy"):
        quick.pytorch(engine, Callback())
    quick.test_best(quick.depth(lambda title: Callback())["rows"])
    quick.results()
    return out


def main(arguments: list[str]) -> int:
    """Write the record, or compare with it; returns the exit status."""
    if arguments:
        found = list(drift(read_json(PATH), collected(Path(arguments[0]))))
        print("\n".join(found) or "no difference")
        return 1 if found else 0
    with tempfile.TemporaryDirectory() as folder:
        write_json(PATH, collected(reproduced(Path(folder))))
    print(f"wrote {PATH}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

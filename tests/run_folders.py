"""What is in a run folder, and whether two of them hold the same run."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.files import LEFTOVER
from fcnet.records import RunFolder, read_json
from fcnet.runs.training import read_config
from fcnet.train.checkpoint import load_checkpoint
from fcnet.train.history import read_history
from fcnet.train.model import Model


def leftovers(run: RunFolder) -> set[str]:
    """What is half written: temporary files of killed processes, by the names that they were for."""
    found = (LEFTOVER.fullmatch(path.name) for path in run.path.rglob(".*")) if run.path.exists() else ()
    return {match["name"] for match in found if match}


def hit(run: RunFolder, before: set[str]) -> str:
    """What a training was doing when it was killed, from what it left."""
    if new := leftovers(run) - before:
        return f"writing {', '.join(sorted(new))}"
    if run.finished:
        return "after the record"
    if run.sums.exists() or (run.path / "input.safetensors").exists():
        return "between the files of the end"
    if run.checkpoint.exists():
        return "training, after a checkpoint"
    return "training, before the first checkpoint" if run.config.exists() else "before the settings"


def step_of(run: RunFolder) -> int:
    """The step that a killed run goes on from; every file that has its name must be whole.

    Raises
    ------
    FcnetError : one is not
    """
    for path in (run.config, run.history, run.path / "model.safetensors", run.record):
        if path.exists():
            {"config.toml": read_config, "history.jsonl": read_history, "record.json": read_json}.get(
                path.name, lambda path: Model.load(path.parent)
            )(path)
    if run.finished:
        return int(run.read_record()["steps"])
    checkpoint = load_checkpoint(run.checkpoint)
    return checkpoint.step if checkpoint else 0


def timeless(folder: Path) -> list[dict[str, Any]]:
    """The history without its seconds, which no two trainings share."""
    return [asdict(replace(row, seconds=0.0)) for row in read_history(RunFolder(folder).history)]


def without_times(folder: Path) -> dict[str, Any]:
    """The record without its seconds and without the command, which a resumed run was given last."""
    record = read_json(RunFolder(folder).record)
    record.pop("seconds")
    record["environment"].pop("command")
    return record


def differences(one: Path, other: Path) -> list[str]:
    """Where two finished runs differ, apart from times; nothing if they are the same bit for bit."""
    found = []
    names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) for folder in (one, other)]
    if names[0] != names[1]:
        found.append(f"the files: {sorted(set(names[0]) ^ set(names[1]))}")
    for name in ("model.safetensors", "input.safetensors", "config.toml"):
        if (one / name).read_bytes() != (other / name).read_bytes():
            found.append(name)
    found += ["history.jsonl"] if timeless(one) != timeless(other) else []
    ours, theirs = without_times(one), without_times(other)
    found += [f"record.json: {key}" for key in sorted(ours | theirs) if ours.get(key) != theirs.get(key)]
    return found


def worst_difference(one: Path, other: Path) -> float:
    """The largest relative difference between losses of two histories; infinite where rows are missing."""
    rows = [read_history(RunFolder(folder).history) for folder in (one, other)]
    if [row.step for row in rows[0]] != [row.step for row in rows[1]]:
        return float("inf")
    losses = np.array([[(row.loss, row.val_loss) for row in history] for history in rows])
    return float((np.abs(losses[0] - losses[1]) / losses[1]).max())


def content(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder; None for folders."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }

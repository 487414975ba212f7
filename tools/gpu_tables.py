"""The tables of what was measured on a GPU: steps a second, and the search for a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fcnet.records import read_json
from fcnet.wording import by, percent

COMMON: dict[str, Any] = {
    "lasso": 3e-6, "beta": 1.0, "reg": 1e-4, "learning_rate": 0.15, "batch_size": 1024, "dropout": 0.0,
    "mixup": 0.0, "receptive_field": 4.0, "shift": 3, "rotate": 15.0, "zoom": 0.15, "contrast": 0.0,
    "cutout": 0, "seed": 0,
}  # fmt: skip
"""Settings that are named only where they differ."""

NAMES = {
    "reg": "L2", "learning_rate": "rate", "batch_size": "batch", "receptive_field": "patches of",
    "rotate": "turned", "zoom": "zoomed", "beta": "threshold times",
}  # fmt: skip


def gpu_search(path: Path) -> str:
    """Every training of the search, in the order in which they were done."""
    record = read_json(path)
    lines = [
        "| hidden | norm | otherwise | epochs | seconds | training | validation | 18 views |",
        "| --- | --- | --- |" + " ---: |" * 5,
    ]
    for row in record["rows"]:
        changed = ", ".join(
            f"{NAMES.get(name, name)} {row[name]:g}" for name, usual in COMMON.items() if row[name] != usual
        )
        reached = (
            ("diverged", "", "")
            if row["diverged"]
            else tuple(percent(row[f"{part}_accuracy"]) for part in ("train", "val", "folded"))
        )
        cells = (
            by(row["hidden"]), row["norm"], changed, row["epochs"], f"{row['seconds']:.0f}", *reached,
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def gpu_longer(runs: Sequence[Path]) -> str:
    """The trainings that were compared for a longer recipe, the best before the others."""
    lines = [
        "| hidden | lasso | dropout | shift | turned | zoomed | mixup | epochs | seconds | training "
        "| validation |",
        "| --- |" + " ---: |" * 10,
    ]
    records = [read_json(run / "record.json") for run in runs]
    for record in sorted(records, key=lambda one: -float(one["metrics"]["val_accuracy"])):
        config, metrics = record["config"], record["metrics"]
        cells = (
            by(config["hidden"]), f"{config['lasso']:g}", f"{config['dropout']:g}", config["shift"],
            f"{config['rotate']:g}°",
            f"{config['zoom']:g}", f"{config['mixup']:g}", config["epochs"], f"{record['seconds']:.0f}",
            percent(metrics["train_accuracy"]), percent(metrics["val_accuracy"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def gpu_trainings(path: Path) -> str:
    """Seconds of whole recipes until they show an accuracy on the validation split."""
    lines = [
        "| recipe | until | epochs | seconds | of these before the second epoch |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in read_json(path)["trainings"]:
        lines.append(
            f"| `{row['recipe']}` | {percent(row['level'], 0)} | {row['epochs']:.0f} | {row['seconds']:.1f} "
            f"| {row['points'][0][1]:.1f} |"
        )
    return "\n".join(lines) + "\n"


def gpu_steps(path: Path) -> str:
    """Steps a second of every way of doing one, a row for each size and batch."""
    rows = read_json(path)["rows"]
    ways = list(dict.fromkeys(row["way"] for row in rows))
    cases = list(dict.fromkeys((tuple(row["hidden"]), row["batch"]) for row in rows))
    found = {(tuple(row["hidden"]), row["batch"], row["way"]): row["steps_per_second"] for row in rows}
    lines = [
        f"| hidden | batch | {' | '.join(ways)} |",
        "| --- |" + " ---: |" * (len(ways) + 1),
    ]
    for hidden, batch in cases:
        cells = (found.get((hidden, batch, way)) for way in ways)
        shown = " | ".join("" if cell is None else f"{cell:,}" for cell in cells)
        lines.append(f"| {by(hidden)} | {batch:,} | {shown} |")
    return "\n".join(lines) + "\n"

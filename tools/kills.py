"""What came of trainings that were killed, from the record of `tests/survival.py`."""

from __future__ import annotations

from pathlib import Path

from fcnet.records import read_json
from pages import wrapped


def survival(path: Path) -> str:
    """What each kind of kill hit, and how many trainings ended as if nobody had killed them."""
    record = read_json(path)
    engines = [name for name in ("numpy", "torch") if name in record]
    names = {"numpy": "NumPy", "torch": "PyTorch, CPU"}
    hits = sorted({hit for name in engines for hit in record[name]["hit"]})
    rows = [
        ["killed while", *(names[name] for name in engines)],
        ["---", *("---:" for _ in engines)],
        *([hit, *(str(record[name]["hit"].get(hit, 0)) for name in engines)] for hit in hits),
        ["**kills in all**", *(str(record[name]["kills"]) for name in engines)],
        ["resumed", *(str(record[name]["resumed"]) for name in engines)],
        ["ended as promised", *(f"**{record[name]['identical']}**" for name in engines)],
    ]
    machine = record["environment"]
    versions = machine["versions"]
    where = f"{machine['processor']} ({machine['system']}), Python {machine['python']}"
    said = (
        f"Kills drawn from seed {record['seed']}, up to five a training, on one thread of {where}, "
        f"NumPy {versions['numpy']}. Every kill is in [results/survival.json](../results/survival.json)."
    )
    if "torch" in engines:
        worst = record["torch"]["largest_relative_difference_of_a_loss"]
        differed = f"differed by at most {worst:.1g}, relatively" if worst else "were the same to the bit"
        said += f" PyTorch {versions['torch']}: the losses {differed}."
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", *wrapped(said)])

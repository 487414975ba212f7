"""What watching a training costs, from the record of `benchmarks/watching.py`."""

from __future__ import annotations

from pathlib import Path

from fcnet.records import read_json
from pages import wrapped


def watching(path: Path) -> str:
    """The times of pairs with and without --watch, divided by each other, and how busy the machine was."""
    record = read_json(path)
    machine = record["machine"]
    table = [
        "| training | time with `--watch` by time without: median | quartiles | share of the callback |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in record["rows"]:
        ratio, epochs = row["ratio"], row["settings"]["epochs"]
        table.append(
            f"| {row['training']}, {epochs} epochs | {ratio['median']:.3f} | {ratio['q1']:.3f} to "
            f"{ratio['q3']:.3f} | {100 * row['share']['median']:.1f} % |"
        )
    others = machine["cores_used_by_others"]
    busy = (
        f"Other programs used {others:.1f} of the {machine['cores']} cores meanwhile, so single pairs vary; "
        "the callback's share is measured inside the training."
        if machine["shared"]
        else "The machine was otherwise idle."
    )
    said = (
        f"{record['data']}, {record['pairs']} pairs of each training, one right after the other, on "
        f"{machine['processor']} ({machine['system']}), with the page open. {busy} The record is "
        f"[results/watching.json](../results/watching.json)."
    )
    return "\n".join([*table, "", *wrapped(said)])

"""What watching a training costs, from the record of `benchmarks/watching.py`."""

from __future__ import annotations

from pathlib import Path

from fcnet.records import read_json
from pages import wrapped


def watching(path: Path) -> str:
    """What trainings take with --watch by what they take without, as medians; how busy the machine was."""
    record = read_json(path)
    machine = record["machine"]
    table = [
        "| training | processor time with `--watch` by without | time, with quartiles | in the callback |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in record["rows"]:
        ratio, processor, epochs = row["ratio"], row["processor_ratio"], row["settings"]["epochs"]
        table.append(
            f"| {row['training']}, {epochs} epochs | {processor['median']:.3f} | {ratio['median']:.2f} "
            f"({ratio['q1']:.2f} to {ratio['q3']:.2f}) | {100 * row['share']['median']:.1f} % |"
        )
    others = machine["cores_used_by_others"]
    busy = (
        f"Other programs used {others:.1f} of the {machine['cores']} cores meanwhile, so times vary by more "
        "than they differ."
        if machine["shared"]
        else "The machine was otherwise idle."
    )
    said = (
        f"{record['data']}, {record['pairs']} pairs of each training, one right after the other, on "
        f"{machine['processor']} ({machine['system']}), with the page open. {busy} The record is "
        f"[results/watching.json](../results/watching.json)."
    )
    return "\n".join([*table, "", *wrapped(said)])

"""What spoiled inputs did, from the record of `tests/fuzz/run.py`."""

from __future__ import annotations

from pathlib import Path

from fcnet.records import read_json
from pages import wrapped


def fuzz(path: Path) -> str:
    """How many inputs each command was given, and each finding with a seed that repeats it."""
    record = read_json(path)
    machine, findings = record["environment"], record["findings"]
    rows = [["command", "spoiled inputs"], ["---", "---:"]]
    rows += [[f"`fcnet {name}`", f"{count:,}"] for name, count in record["commands"].items()]
    rows.append(["**in all**", f"**{record['inputs']:,}**"])
    said = (
        f"In {record['seconds'] / 60:.0f} minutes on {machine['processor']} ({machine['system']}), "
        f"Python {machine['python']}, seeds from {record['first seed']} on, while other programs ran. "
        f"{'Nothing was found.' if not findings else f'Findings: {len(findings)}.'} "
        f"The record is [results/fuzz.json](../results/fuzz.json)."
    )
    found = [["finding", "times", "seed"], ["---", "---:", "---:"]]
    found += [[one["what"].replace("|", "\\|"), str(one["times"]), str(one["seeds"][0])] for one in findings]
    return "\n".join([*_table(rows), "", *wrapped(said), *(["", *_table(found)] if findings else [])])


def _table(rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in rows]

"""The tables of docs/grading.md: what attacks came to, and how long a course takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcnet.records import read_json
from pages import wrapped

OUTCOMES = {
    "done": "done",
    "refused": "refused by the system",
    "died": "its process ended",
    "time": "stopped: time",
    "memory": "stopped: memory",
    "output": "stopped: output",
    "files": "stopped: files",
    "protocol": "stopped: no valid reply",
    "value": "its value did not travel",
    "exception": "an exception",
    "no word of it": "its process ended",
}


def blocks(folder: Path) -> dict[str, str]:
    """The content of each block, from the records in `results/checking`."""
    return {
        "attacks": attacks(read_json(folder / "attacks.json")),
        "grading": grading(read_json(folder / "grading.json")),
    }


def attacks(record: dict[str, Any]) -> str:
    """A line for each attack, and where they were made."""
    rows = [
        ["attack", "what it is after", "outcome", "verdict"],
        ["---"] * 4,
        *(
            [entry["name"], entry["tries"], OUTCOMES[entry["outcome"]], entry["verdict"]]
            for entry in record["attacks"]
        ),
    ]
    harmed = sum(bool(entry["harm"]) for entry in record["attacks"])
    right = sum(entry["verdict"] == "right" for entry in record["attacks"])
    machine = record["environment"]
    held = ", ".join(record["held"])
    said = (
        f"{len(record['attacks'])} attacks on {machine['system']}, Python {machine['python']}: "
        f"{harmed} harmed a file or a process, {right} were called right. Held were {held}. The record is "
        "[results/checking/attacks.json](../results/checking/attacks.json), "
        f"made by `{record['command']}`."
    )
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", *wrapped(said)])


def grading(record: dict[str, Any]) -> str:
    """How long a course took."""
    machine = record["environment"]
    verdicts = ", ".join(
        f"{count} {verdict.replace('does not', 'that do not')}"
        for verdict, count in sorted(record["verdicts"].items())
    )
    load = record["load_before"]
    busy = f" Other programs were running (a load of {load:g})." if load is not None and load > 0.5 else ""
    seconds, again = f"{record['seconds']:.0f} s", f"{record['again_seconds']:.1f} s"
    median, longest = record["median_seconds_of_one"], record["longest_seconds_of_one"]
    said = (
        f"{record['submissions']} submissions ({verdicts}) took {seconds} with {record['workers']} workers "
        f"on {machine['cores']} cores of {machine['processor']} ({machine['system']}): {median:.1f} s for "
        f"the median submission, {longest:.0f} s for the slowest. A second time, unchanged: {again}.{busy} "
        "One measurement; the record is [results/checking/grading.json](../results/checking/grading.json), "
        f"made by `{record['command']}`."
    )
    return "\n".join(wrapped(said))

"""What came of the hostile run folders, from the record of `hostile.run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcnet.records import read_json
from pages import wrapped

BEFORE = {"folders": 147, "commands": 822, "traceback": 139, "hang": 31}
"""What another table of hostile folders found before there was one opener and one schema. Nothing else was
counted then."""

WORDS = {
    "traceback": "tracebacks",
    "hang": "commands that hung",
    "changed outside": "files changed outside",
    "other runs are not shown": "`fcnet runs` without the other runs",
    "no JSON": "output of `--json` that is no JSON",
    "raw control characters": "control characters on the terminal",
    "more than one line": "more than one line",
    "no line": "no line",
    "no answer": "questions of the live page without an answer",
    "left behind": "locks left behind",
}


def hostile(path: Path) -> str:
    """How many folders and commands were tried, and how often what must not happen did."""
    record = read_json(path)
    rows = [("", "before", "now"), ("---", "---:", "---:")]
    rows += [("folders", f"{BEFORE['folders']}", f"{record['folders']}")]
    rows += [("commands", f"{BEFORE['commands']}", f"{record['commands']:,}")]
    rows += [
        (WORDS[kind], str(BEFORE.get(kind, "not counted")), str(n)) for kind, n in record["found"].items()
    ]
    said = (
        'The column "before" is of another table, tried before there was one opener and one schema. Now '
        f"the slowest command took {record['longest_seconds']:.1f} s on a busy machine. {_mended(record)}"
        "[results/hostile.json](../results/hostile.json) names each finding."
    )
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", *wrapped(said)])


def _mended(record: dict[str, Any]) -> str:
    """What a run of the whole table found that was mended, and then tried again alone."""
    if not (mended := record.get("mended")):
        return ""
    if len(mended) == 1:
        return "What it found, once, was mended, and that folder tried again. "
    return f"What it found, {len(mended)} times, was mended, and those folders tried again. "

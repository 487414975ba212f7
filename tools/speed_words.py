"""What the tables and figures of speed have in common: which program is which, and where it was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcnet.records import read_json
from pages import wrapped

OURS = ("fcnet", "fcnet, MKL", "fcnet, bfloat16", "fcnet, PyTorch", "fcnet, PyTorch bfloat16")
"""Programs of this project."""

REFERENCE = "avx512-bf16-2-cores"
"""The kind of machine whose records README.md, the report, docs/scaling.md and docs/estimator.md show."""

NOT_YET = "Not measured yet: `make bench`."


def kinds(records: Path) -> list[str]:
    """The kinds of machines that have records, each a folder; see `benchmarks/machine.py`."""
    return sorted({path.parent.name for path in records.glob("*/*.json")})


def found(records: Path, name: str) -> dict[str, Any] | None:
    """A record that is there, complete, and of the present form."""
    path = records / f"{name}.json"
    if not path.exists():
        return None
    record = read_json(path)
    whole = record.get("format") == 2 and not record["quick"] and record.get("finished", True)
    return record if whole else None


def where(record: dict[str, Any]) -> str:
    """The machine in half a sentence, and whether it was quiet."""
    machine = record["machine"]
    simd = [
        name.upper().replace("_", "-")
        for name in machine.get("simd", [])
        if name.startswith(("avx512", "amx"))
    ]
    text = f"{machine['cores']} cores of {machine['processor']}"
    text += f" ({', '.join(simd)})" if simd else ""
    return text + (", which other programs shared" if machine["shared"] else "")


def left_out(record: dict[str, Any]) -> str:
    """What is not in the table, as a sentence with a space before it."""
    reasons = [f"{name} ({why})" for name, why in record.get("left_out", {}).items()]
    return f" Left out: {', '.join(reasons)}." if reasons else ""


def rows_by_case(
    record: dict[str, Any], **wanted: Any
) -> list[tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
    """The cases that have these sizes, each with its results by contestant."""
    return [
        (case["case"], {row["contestant"]: row for row in case["results"]})
        for case in record["cases"]
        if all(case["case"].get(name) == value for name, value in wanted.items())
    ]


def in_words(kind: str) -> str:
    """The name of a kind of machine as a heading: `AVX512-BF16, 2 cores`."""
    name, count, cores = kind.rsplit("-", 2)
    return f"{name.upper()}, {count} {cores}"


def table(headings: list[str], rows: list[list[str]], words: int = 1) -> str:
    """A table in Markdown, all but the first columns aligned to the right."""
    lines = [f"| {' | '.join(headings)} |"]
    lines.append("|" + " --- |" * words + " ---: |" * (len(headings) - words))
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def remark(text: str) -> str:
    """A paragraph below a table."""
    return "\n" + "\n".join(wrapped(text)) + "\n"

"""The tables of docs/checking.md: kinds of mistakes, and which of them were named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from fcnet.judge.catalogue import kinds, phrases, texts
from fcnet.records import read_json

HALVES = ("numpy", "pytorch")
FILES = {"numpy": "`two_layernet.py`", "pytorch": "`ex2_pytorch.py`"}


def blocks(record: Path) -> dict[str, str]:
    """The blocks of docs/checking.md by name."""
    read = read_json(record)
    return {"named": named(read), "confusion": confusion(read), "kinds": kind_table()}


def named(record: dict[str, Any]) -> str:
    """Shares of mutants whose mistakes were named."""
    lines = [
        "| program | mutants | number | all named | all named and nothing else |",
        "|---|---|---|---|---|",
    ]
    for what in ("singles", "pairs"):
        for half in HALVES:
            row = record[what][half]
            if row["checked"]:
                count = "one mistake" if what == "singles" else "two mistakes"
                lines.append(
                    f"| {FILES[half]} | {count} | {row['checked']} "
                    f"| {100 * row['named']:.1f} % | {100 * row['named_and_nothing_else']:.1f} % |"
                )
    return "\n".join(lines)


def confusion(record: dict[str, Any]) -> str:
    """Kind made against kinds named, one line a kind; the diagonal is the number in the third column."""
    lines = ["| made | mutants | named | named instead or besides |", "|---|---|---|---|"]
    for half in HALVES:
        for code in kinds(half):
            rows = [row for row in record["rows"] if row["half"] == half and row["made"] == [code]]
            if rows:
                hits = sum(row["all_named"] for row in rows)
                others = Counter(name for row in rows for name in row["named"] if name != code)
                told = ", ".join(f"{name} ({count})" for name, count in sorted(others.items()))
                lines.append(f"| {code} | {len(rows)} | {hits} | {told} |")
    return "\n".join(lines)


def kind_table() -> str:
    """Every kind with its stage, its weight and its sentence."""
    words = phrases()
    lines = ["| code | stage | weight | what is said |", "|---|---|---|---|"]
    for half in HALVES:
        for code, kind in kinds(half).items():
            message = texts()[code].message.replace("|", " ")
            lines.append(f"| {code} | {words[kind.stage]} | {words[kind.severity]} | {message} |")
    return "\n".join(lines)

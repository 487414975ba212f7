"""Records as tables on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def show(console: Console, record: dict[str, Any]) -> None:
    """Print a record as a table, and what must be known to read it."""
    if "cases" in record:
        show_cases(console, record)
    else:
        show_rows(console, record)
    console.print(surroundings(record))


def show_cases(console: Console, record: dict[str, Any]) -> None:
    """What was measured in rounds: a row a contestant and case."""
    cases = [case["case"] for case in record["cases"]]
    keys = dict.fromkeys(key for case in cases for key in case)  # cases of different kinds have others
    varying = [key for key in keys if len({str(case.get(key, "")) for case in cases}) > 1]
    table = Table(title=record["question"], title_justify="left", title_style="bold")
    for heading in (*varying, "contestant"):
        table.add_column(heading)
    for heading in ("median", "quartiles", "ratio", "quartiles"):
        table.add_column(heading, justify="right")
    for case in record["cases"]:
        for row in case["results"]:
            times = f"{in_words(row['q1'])} to {in_words(row['q3'])}"
            ratios = f"{row['ratio_q1']:.3g} to {row['ratio_q3']:.3g}"
            settings = [str(case["case"].get(key, "")) for key in varying]
            table.add_row(
                *settings, row["contestant"], in_words(row["median"]), times, f"{row['ratio']:.3g}", ratios
            )
        table.add_section()
    console.print(table)
    fixed = ", ".join(f"{key} {value}" for key, value in cases[0].items() if key not in varying)
    console.print(f"{fixed}; {record['rounds']} rounds; ratio: to {record['baseline']}, right before it")


def show_rows(console: Console, record: dict[str, Any]) -> None:
    """Any other record: its rows, with the columns that it names itself."""
    table = Table(title=record["question"], title_justify="left", title_style="bold")
    for heading in record["columns"]:
        table.add_column(heading, justify="left" if heading == record["columns"][0] else "right")
    for row in record["table"]:
        table.add_row(*row)
    console.print(table)


def surroundings(record: dict[str, Any]) -> str:
    """The machine in a line or two."""
    machine = record["machine"]
    text = f"{machine['cores']} cores, {machine['processor']}"
    text += f"; other programs kept {machine['cores_used_by_others']} of them busy"
    if machine["shared"]:
        text += ": the machine was shared, read these times with care"
    for name, why in record.get("left_out", {}).items():
        text += f"\nleft out: {name} ({why})"
    return text


def in_words(seconds: float) -> str:
    """A duration with three digits."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"

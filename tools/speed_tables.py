"""The tables of docs/speed.md, each made from the record that it states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fcnet.wording import percent
from speed_kinds import floors, losses, shapes, side_by_side, small, tables
from speed_sizes import crossing
from speed_words import NOT_YET, OURS, found, in_words, kinds, left_out, remark, rows_by_case, table, where

PICTURES = {
    "step": "Each program's step as a multiple of its matrix products",
    "small": "The time of a step against the number of parameters, for each program",
    "work": "The time of a step against width, batch and depth",
    "accuracy": "Validation accuracy against seconds",
}
"""Figures below tables, by the names of their blocks, and what they show."""


SHARED_CACHE = 3e-4
"""Seconds below which a handover of 2.4 MB between two cores went through a cache: 0.1 and 1 ms are usual."""


def blocks(records: Path) -> dict[str, str]:
    """The generated blocks of docs/speed.md by name, each with one part for each kind of machine."""
    makers = {
        "step": step, "momentum": momentum, "extras": extras, "evaluate": evaluate, "cold": cold,
        "imports": imports, "accuracy": accuracy, "levels": levels, "work": work, "memory": memory,
        "floors": floors, "shapes": shapes, "small": with_crossing, "tables": tables,
    }  # fmt: skip
    sources = {"momentum": "step", "extras": "step", "levels": "accuracy"}
    result = {name: by_kind(records, name, sources.get(name, name), make) for name, make in makers.items()}
    known = [found(records / kind, "memory") for kind in kinds(records)]
    latest = max((record for record in known if record), key=lambda record: str(record["when"]), default=None)
    return result | {
        "formula": formula(latest) if latest else f"{NOT_YET}\n",
        "kinds": side_by_side(records), "losses": losses(records),
    }  # fmt: skip


def with_crossing(record: dict[str, Any]) -> str:
    """A step on small tables, and from which size on fcnet is the fastest."""
    return small(record) + remark(crossing(record))


def by_kind(records: Path, name: str, source: str, make: Callable[[dict[str, Any]], str]) -> str:
    """A block's parts, one after the other, below the names of their kinds of machines."""
    parts = []
    for kind in kinds(records):
        record = found(records / kind, source)
        if record is None:
            continue
        picture = f"![{PICTURES[name]}](figures/speed_{name}_{kind}.svg)\n" if name in PICTURES else ""
        parts.append("\n".join([f"**{in_words(kind)}**\n", make(record), picture]).rstrip("\n") + "\n")
    absent = [f"`{kind}`" for kind in kinds(records) if found(records / kind, source) is None]
    if absent:
        parts.append(f"Not measured yet: {', '.join(absent)}.\n")
    return "\n".join(parts) or f"{NOT_YET}\n"


def ratios(record: dict[str, Any], momentum: float) -> str:
    """Every program at every width, as multiples of the floor."""
    cases = sorted(rows_by_case(record, momentum=momentum), key=lambda case: case[0]["hidden"])
    names = [name for name in cases[0][1] if name != record["baseline"]]
    names = [name for name in names if all(name in rows for _, rows in cases)]
    lines = [["products alone", *(f"{1e3 * rows[record['baseline']]['median']:.2f} ms" for _, rows in cases)]]
    for name in sorted(names, key=lambda name: name not in OURS):
        cells = [f"x {rows[name]['ratio']:.2f}" for _, rows in cases]
        lines.append([f"**{name}**" if name in OURS else name, *cells])
    return table(["hidden units", *(str(case["hidden"]) for case, _ in cases)], lines)


def step(record: dict[str, Any]) -> str:
    """Plain SGD, with how it was measured."""
    spread = max(
        (row["ratio_q3"] - row["ratio_q1"]) / row["ratio"]
        for case in record["cases"]
        for row in case["results"]
    )
    apart = [
        row["difference_at_end"] for case in record["cases"] for row in case["results"]
        if row.get("difference_at_end") is not None and "bfloat16" not in row["contestant"]
    ]  # fmt: skip
    return ratios(record, 0.0) + remark(
        f"Medians of {record['rounds']} rounds on {where(record)}; the quartiles of each ratio "
        f"are at most {percent(spread)} of it apart. After the last step the float32 programs "
        f"differed by at most {percent(max(apart))} of their way. {shared_cache(record)}{left_out(record)}"
    )


def shared_cache(record: dict[str, Any]) -> str:
    """In how many rounds a core could quickly overwrite what another had read, see benchmarks/machine.py."""
    known = [seconds for case in record["cases"] for seconds in case["handovers"] if seconds is not None]
    quick = sum(seconds < SHARED_CACHE for seconds in known)
    return f"In {quick} of {len(known)} rounds the cores shared a cache." if known else ""


def momentum(record: dict[str, Any]) -> str:
    return ratios(record, 0.9)


def extras(record: dict[str, Any]) -> str:
    """What mirroring and shifting add."""
    name = "fcnet, mirrored and shifted"
    for case, rows in rows_by_case(record, momentum=0.0):
        if name in rows:
            more = rows[name]["ratio"] / rows["fcnet"]["ratio"] - 1
            return remark(
                f"Images mirrored and shifted by up to 3 pixels cost {percent(more)} more "
                f"at {case['hidden']} units."
            ).lstrip("\n")
    return f"{NOT_YET}\n"


def evaluate(record: dict[str, Any]) -> str:
    """Images a second, and the part of the products' own speed."""
    cases = sorted(rows_by_case(record), key=lambda case: case[0]["hidden"])
    names = [name for name in cases[0][1] if name != record["baseline"]]
    alone = [f"{case['images'] / rows[record['baseline']]['median']:,.0f}/s" for case, rows in cases]
    lines = [["products alone", *alone]]
    for name in sorted(names, key=lambda name: name not in OURS):
        cells = [percent(1 / rows[name]["ratio"]) for _, rows in cases]
        lines.append([f"**{name}**" if name in OURS else name, *cells])
    return table(["hidden units", *(str(case["hidden"]) for case, _ in cases)], lines) + remark(
        f"Images per second of the products alone, and the part of that speed which each program reaches, "
        f"from uint8 pixels to scores; medians of {record['rounds']} rounds on {where(record)}."
        f"{left_out(record)}"
    )


def cold(record: dict[str, Any]) -> str:
    """The time from a cold process to an accuracy, and the ratio to fcnet's."""
    lines = []
    for row in record["rows"]:
        bound = "" if row["reached"] else "> "
        accuracy = percent(sum(row["val_accuracy"]) / row["n"])
        epochs = sum(row["epochs"]) / row["n"]
        lines.append([
            row["program"], str(row["n"]), f"{bound}{row['median']:.1f} s",
            f"{row['q1']:.1f} to {row['q3']:.1f} s",
            f"{epochs:.1f}", accuracy, f"{bound}x {row['ratio']:.1f}",
        ])  # fmt: skip
    headings = ["program", "n", "median", "quartiles", "epochs", "validation", "against fcnet"]
    return table(headings, lines) + remark(
        f"Time until an evaluation shows {percent(record['wanted'])} or more. If ten epochs do not reach it, "
        f"time and ratio are those of all ten, a lower bound (>). Measured on {where(record)}."
        f"{left_out(record)}"
    )


def imports(record: dict[str, Any]) -> str:
    lines = [
        [row["program"], f"{row['median']:.3f} s", f"{row['q1']:.3f} to {row['q3']:.3f} s", str(row["n"]),
         f"{row['goal']:.2f} s" if row["goal"] else ""]
        for row in record["rows"]
    ]  # fmt: skip
    headings = ["from the start of the process", "median", "quartiles", "n", "goal, at most"]
    return table(headings, lines) + remark(f"Measured on {where(record)}.")


def seconds(value: float | None) -> str:
    return f"{value:.1f} s" if value is not None else ""


def accuracy(record: dict[str, Any]) -> str:
    """All programs on the nets that all can train."""
    lines = [
        [row["net"], f"**{row['program']}**" if row["program"] in OURS else row["program"],
         seconds(row["seconds"]), percent(row["val_accuracy"]),
         *(seconds(value) for value in row["to_level"][:2])]
        for row in record["rows"] if not row["program"].startswith("recipe")
    ]  # fmt: skip
    names = [f"to {100 * level:.0f} %" for level in record["levels"][:2]]
    return table(["net", "program", "all epochs", "validation", *names], lines, words=2) + remark(
        f"Medians of {record['rounds']} trainings each on {where(record)}; the time "
        f"includes training, evaluation and compilation, but no imports and loading.{left_out(record)}"
    )


def levels(record: dict[str, Any]) -> str:
    """How soon this project's recipes reach an accuracy."""
    lines = [
        [f"`{row['net']}`", *(seconds(value) for value in row["to_level"])]
        for row in record["rows"] if row["program"].startswith("recipe")
    ]  # fmt: skip
    names = [f"to {100 * level:.0f} %" for level in record["levels"]]
    return table(["recipe", *names], lines) + remark(
        f"Time to a validation accuracy, one training each on {where(record)}; an empty cell means that the "
        f"training did not reach it."
    )


def work(record: dict[str, Any]) -> str:
    """The largest and the smallest step of each sweep."""
    lines = []
    for swept in ("width", "batch", "depth"):
        for threads in (1, 2):
            cases = rows_by_case(record, swept=swept, threads=threads)
            worst = max(cases, key=lambda case: case[1]["fcnet"]["ratio"])
            best = min(cases, key=lambda case: case[1]["fcnet"]["ratio"])
            cells = [f"x {rows['fcnet']['ratio']:.2f} at {size_of(case)}" for case, rows in (best, worst)]
            lines.append([swept, str(threads), *cells])
    return table(["what grows", "cores", "closest to the products", "furthest"], lines) + remark(
        f"Medians of {record['rounds']} rounds on {where(record)}."
    )


def size_of(case: dict[str, Any]) -> int:
    """What is swept in a case."""
    sizes = {"width": case["hidden"][0], "batch": case["batch"], "depth": len(case["hidden"]) + 1}
    return int(sizes[case["swept"]])


def memory(record: dict[str, Any]) -> str:
    lines = [
        [row["setting"], " x ".join(str(units) for units in row["hidden"]), f"{row['batch']:,}",
         row["optimiser"],
         f"{row['peak'] / 1e6:.0f} MB", f"{row['formula'] / 1e6:.0f} MB", f"{100 * row['error']:+.1f} %"]
        for row in record["rows"]
    ]  # fmt: skip
    headings = ["training", "hidden units", "batch", "optimiser", "peak", "formula", "error"]
    holds = "holds" if record["holds"] else "does not hold"
    return table(headings, lines) + remark(
        f"The formula {holds} to {percent(record['tolerance'])} on {where(record)}. The goal for the "
        f"exercise's net is {record['wanted'] / 1e6:.0f} MB at most.{shared(record)}"
    )


def shared(record: dict[str, Any]) -> str:
    """The first training, and several at once, where they were measured."""
    text = ""
    if record.get("first"):
        first = f"{record['first'] / 1e6:.0f} MB"
        text += f" Its first training, which reads the files of the data set, takes {first}."
    if record.get("together"):
        each = record["rows"][0]["peak"] * record["side_by_side"]
        text += (
            f" {record['side_by_side']} of its trainings side by side share the images: they take "
            f"{record['together'] / 1e6:.0f} MB together, not {each / 1e6:.0f}."
        )
    return text


def formula(record: dict[str, Any]) -> str:
    """The terms in their own words."""
    lines = [[f"`{name}`", what] for name, what in record["formula"].items()]
    text = table(["term", "bytes"], lines, words=2)
    return text + remark(f"`base` was {record['base'] / 1e6:.0f} MB.")

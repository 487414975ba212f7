"""The parts of docs/speed.md that set machines side by side, and those that say where fcnet loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fcnet.wording import percent
from speed_words import NOT_YET, OURS, found, in_words, kinds, remark, rows_by_case, table, where

Record = dict[str, Any]

FLOAT32, BFLOAT16 = "fcnet", "fcnet, PyTorch bfloat16"
"""What a program of either precision is held against."""

NOTICED = 1.02
"""A program that is less than this much faster is called equal."""


def side_by_side(records: Path) -> str:
    """One column for each kind of machine; ratios are to the floor of the same machine."""
    names = kinds(records)
    if not names:
        return f"{NOT_YET}\n"
    columns = [dict(figures(records / name)) for name in names]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    lines = [[title, *(column.get(title, "") for column in columns)] for title in titles]
    return table(["", *map(in_words, names)], lines) + remark(
        "An empty cell was not measured on that machine."
    )


def figures(folder: Path) -> Iterator[tuple[str, str]]:
    """What stands in the column of a machine, by the heading of its line."""
    if floors := found(folder, "floors"):
        yield "peak of all cores, float32", f"{floors['peak'] / 1e9:.0f} GFLOPS"
    if step := found(folder, "step"):
        for case, rows in sorted(rows_by_case(step, momentum=0.0), key=lambda case: case[0]["hidden"]):
            products, units = rows[step["baseline"]], f"{case['hidden']:,} units"
            yield f"products, {units}", f"{1e3 * products['median']:.2f} ms"
            yield f"fcnet, {units}", f"x {rows['fcnet']['ratio']:.2f}"
            others = {name: row["ratio"] for name, row in rows.items() if is_other(name)}
            best = min(others, key=lambda name: others[name])
            yield f"fastest other program, float32, {units}", f"x {others[best]:.2f} ({best})"
    if small := found(folder, "small"):
        for case, rows in rows_by_case(small, momentum=0.0):
            ours, plain = (1e6 * rows[name]["median"] for name in ("fcnet", "plain NumPy"))
            yield (
                f"a step of {net_of(case)}, batch {case['batch']}",
                f"{ours:.0f} µs, plain NumPy {plain:.0f}",
            )
    if cold := found(folder, "cold"):
        row = next(row for row in cold["rows"] if row["program"].startswith("fcnet, 50"))
        yield f"a cold process to {percent(cold['wanted'])}", f"{row['median']:.1f} s"
    if memory := found(folder, "memory"):
        yield "peak memory of the exercise's net", f"{memory['rows'][0]['peak'] / 1e6:.0f} MB"


def shapes(record: Record) -> str:
    """Each product of a step alone, as a share of the peak with vectors of the kernels' width."""
    rates = {(row["kernels"], row["product"]): row for row in record["rows"]}
    kernels = list(dict.fromkeys(row["kernels"] for row in record["rows"]))
    products = list(dict.fromkeys(row["product"] for row in record["rows"]))
    lines = [
        [
            product.replace("^T", "ᵀ"),
            *(
                f"{rates[name, product]['flops'] / 1e9:.0f}, {percent(rates[name, product]['share'])}"
                for name in kernels
            ),
        ]
        for product in products
    ]
    headings = [f"{name} kernels" for name in kernels]
    peaks = " and ".join(f"{rates[name, products[0]]['peak'] / 1e9:.0f}" for name in kernels)
    return table(["GFLOPS, and part of the peak", *headings], lines) + remark(
        f"{record['hidden']:,} units, 3,072 inputs, float32, NumPy's OpenBLAS on {where(record)}. The peaks "
        f"are {peaks} GFLOPS."
    )


def is_other(name: str) -> bool:
    """Whether a contestant is another program, in float32."""
    return not (name in OURS or name.startswith(("fcnet", "products")) or "bfloat16" in name)


def floors(record: Record) -> str:
    """Every library on every shape, and what the fastest reaches of the peak."""
    cases = rows_by_case(record)
    names = list(cases[0][1])
    lines = []
    for name in names:
        cells = [f"x {rows[name]['ratio']:.2f}" for _, rows in cases]
        if name == record["baseline"]:
            cells = [in_units(rows[name]["median"]) for _, rows in cases]
        lines.append([name.removeprefix("products, "), *cells])
    fastest = [max(row["flops"] for row in rows.values()) / record["peak"] for _, rows in cases]
    lines.append(["**the fastest, of the peak**", *map(percent, fastest)])
    text = table(["products of a step", *(net_of(case) for case, _ in cases)], lines)
    left = [f"{name.removeprefix('products, ')} ({why})" for name, why in record["left_out"].items()]
    return text + remark(
        f"Medians of {record['rounds']} rounds on {where(record)}. The peak is {record['peak'] / 1e9:.0f} "
        f"GFLOPS: {record['peak_how']}.{' Left out: ' + ', '.join(left) + '.' if left else ''}"
    )


def net_of(case: Mapping[str, Any]) -> str:
    """The sizes of a net: `30-32-3`, or its hidden units where the rest is CIFAR-10's."""
    return (
        f"{case['inputs']}-{case['hidden']}-{case['classes']}"
        if "inputs" in case
        else f"{case['hidden']:,} units"
    )


def in_units(seconds: float) -> str:
    return f"{1e6 * seconds:.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:.2f} ms"


def small(record: Record) -> str:
    """Microseconds of a step on small tables."""
    cases = rows_by_case(record)
    titles = [
        f"{net_of(case)}, batch {case['batch']}{', momentum' if case['momentum'] else ''}"
        for case, _ in cases
    ]
    names = dict.fromkeys(name for _, rows in cases for name in rows)  # not all take part in every case
    lines = []
    for name in sorted(names, key=lambda name: (name != record["baseline"], name not in OURS)):
        shown = f"**{name}**" if name in OURS else name
        lines.append([shown, *(in_units(rows[name]["median"]) if name in rows else "" for _, rows in cases)])
    return table(["a step", *titles], lines) + remark(
        f"Medians of {record['rounds']} rounds on {where(record)}."
    )


def tables(record: Record) -> str:
    """Seconds to the same score on ten tables."""
    programs = list(record["rows"][0]["reached"])
    lines = []
    for row in record["rows"]:
        reached = [row["reached"][program] for program in programs]
        lines.append([
            row["table"], f"{row['examples']:,} x {row['features']}", percent(row["score"]),
            *(f"{one['seconds']:.2f} s, {one['epochs']} epochs" for one in reached), f"x {row['ratio']:.2f}",
        ])  # fmt: skip
    ahead = sum(row["ratio"] < 1 for row in record["rows"])
    return table(["table", "size", "score to reach", *programs, "ratio"], lines) + remark(
        f"FCNetClassifier is ahead on {ahead} of {len(record['rows'])} tables. Medians of {record['rounds']} "
        f"splits on {where(record)}."
    )


def losses(records: Path) -> str:
    """Where another program is faster than fcnet, on each kind of machine."""
    parts = []
    for kind in kinds(records):
        lines = [f"- {line}" for line in lost(records / kind) if line]
        measured = any(found(records / kind, name) for name in ("step", "small", "tables", "accuracy"))
        if measured:
            shown = "\n".join(lines) or "Nowhere, where it was measured."
            parts.append(f"**{in_words(kind)}**\n\n{shown}\n")
    return "\n".join(parts) or f"{NOT_YET}\n"


def lost(folder: Path) -> Iterator[str]:
    """A sentence for each case that another program wins."""
    for name, what in (("step", "a step"), ("evaluate", "evaluation"), ("small", "a step on a small table")):
        record = found(folder, name)
        for case, rows in rows_by_case(record) if record else []:
            sizes = f"{net_of(case)}{', momentum' if case.get('momentum') else ''}"
            yield faster(f"{what}, {sizes}", {name: row["ratio"] for name, row in rows.items()}, "x {:.2f}")
    if record := found(folder, "accuracy"):
        for net in dict.fromkeys(row["net"] for row in record["rows"]):
            times = {row["program"]: row["seconds"] for row in record["rows"] if row["net"] == net}
            yield faster(f"the whole training of the net `{net}`", times, "{:.1f} s")
    if record := found(folder, "tables"):
        behind = [row["table"] for row in record["rows"] if row["ratio"] >= 1]
        if behind:
            yield f"the time to the same score on {', '.join(behind)}: MLPClassifier"


def faster(what: str, costs: Mapping[str, float], form: str) -> str:
    """The programs that cost less than fcnet's of the same precision; empty if there are none."""
    winners = []
    for name, cost in costs.items():
        ours = costs.get(BFLOAT16 if "bfloat16" in name else FLOAT32)
        other = is_other(name) or (name not in OURS and "bfloat16" in name)
        if other and ours is not None and cost * NOTICED < ours:
            winners.append(f"{name} ({form.format(cost)}, fcnet {form.format(ours)})")
    return f"{what}: {', '.join(winners)}" if winners else ""

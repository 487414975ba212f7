"""From how many parameters on fcnet is the fastest: the nets on 30 inputs of the benchmark `small`."""

from __future__ import annotations

from typing import Any

from speed_kinds import NOTICED, in_units, is_other, net_of
from speed_words import rows_by_case

INPUTS = 30
"""Of the nets that differ in nothing but their width."""

Net = tuple[int, str, dict[str, dict[str, Any]]]
"""Parameters, sizes such as `30-32-3`, and the results by contestant."""


def growing(record: dict[str, Any]) -> list[Net]:
    """The nets on 30 inputs without momentum, the smallest first."""
    cases = rows_by_case(record, inputs=INPUTS, momentum=0.0)
    nets = ((parameters(case), net_of(case), rows) for case, rows in cases)
    return sorted(nets, key=lambda net: net[0])


def parameters(case: dict[str, Any]) -> int:
    """Weights and biases of a net with one hidden layer."""
    inputs, hidden, classes = case["inputs"], case["hidden"], case["classes"]
    return int((inputs + 1) * hidden + (hidden + 1) * classes)


def leader(rows: dict[str, dict[str, Any]]) -> str:
    """The other program that beats fcnet by the most; empty if none beats it by more than 2 %."""
    others = {name: row["median"] for name, row in rows.items() if is_other(name)}
    best = min(others, key=lambda name: others[name])
    return best if others[best] * NOTICED < rows["fcnet"]["median"] else ""


def crossing(record: dict[str, Any]) -> str:
    """From which net on fcnet is the fastest, and who is ahead of it elsewhere, in words."""
    nets = growing(record)
    behind = [place for place, (_, _, rows) in enumerate(nets) if leader(rows)]
    first = behind[-1] + 1 if behind else 0  # from here on nobody is ahead
    smallest, largest = (f"{net[0]:,} parameters ({net[1]})" for net in (nets[0], nets[-1]))
    if not behind:
        return f"No program is faster than fcnet on any of these nets, from {smallest} to {largest}."
    if first < len(nets):
        count, sizes, _ = nets[first]
        text = f"From {count:,} parameters ({sizes}) on, no program is faster than fcnet."
    else:
        text = f"Up to {largest}, there is no size from which on fcnet is the fastest."
    ahead = [f"{leader(rows)} on {sizes} ({times(rows)})" for _, sizes, rows in (nets[at] for at in behind)]
    return f"{text} Ahead of it: {', '.join(ahead)}."


def times(rows: dict[str, dict[str, Any]]) -> str:
    """The leader's time beside fcnet's."""
    theirs, ours = (in_units(rows[name]["median"]) for name in (leader(rows), "fcnet"))
    return f"{theirs}, fcnet {ours}"

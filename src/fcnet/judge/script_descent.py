"""Whether a PyTorch training goes down the cross-entropy and moves all parameters: `child/following.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fcnet.judge.case import Case
from fcnet.judge.script_events import Events, add, seen

GIVEN_RATE = 1e-3
"""The exercise's learning rate: a smaller one may make up for a summed loss."""

FEW = 8
"""A factor of fewer examples than these may be anything. Smoothed labels and weights of classes change it."""

CLEAR = 0.05
"""The cosine between movement and gradient from which a direction is told."""

NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?"


def slopes(events: Events, sources: Sequence[str]) -> list[tuple[str, float, int]]:
    """Of each loss that was looked at: its kind, its factor, and the number of examples."""
    found = []
    for event in seen(events, "slope", (*sources, "")):
        match = re.fullmatch(rf"(cross_entropy|squared|other) ({NUMBER})", event[3])
        if match:
            found.append((match.group(1), float(match.group(2)), event[2]))
    return found


def judge_descent(case: Case, events: Events, sources: Sequence[str]) -> None:
    """Name a summed loss, steps uphill, and parameters that training leaves alone."""
    known = slopes(events, sources)
    plain = [(factor, count) for kind, factor, count in known if kind != "other"]
    if plain and all(count >= FEW and 0.5 < factor / count < 2 for factor, count in plain):
        told_sum(case, events, plain[0][1])
    direction(case, events, sources)
    for event in events:
        if event[0] == "frozen":
            add(case, "PT_FROZEN", "a training of all parameters", f"no gradients for {event[3]}")
        elif event[0] == "left out":
            add(case, "PT_PARAMETERS_LEFT_OUT", "an optimiser of all parameters", f"without {event[3]}")


def told_sum(case: Case, events: Events, count: int) -> None:
    """A loss that is a sum: a mistake, unless the learning rate may make up for it."""
    rates = [re.search(rf"\blr=({NUMBER})", event[3]) for event in seen(events, "step")]
    rate = max((float(found.group(1)) for found in rates if found), default=0.0)
    if rate >= GIVEN_RATE * (1 - 1e-6):
        got = f"the sum over {count} examples, learning rate {rate:g}"
        add(case, "PT_LOSS_SUM", "the mean over the minibatch", got)
    else:
        case.notes.append("the loss is a sum over the minibatch; a small learning rate may make up for that")


def direction(case: Case, events: Events, sources: Sequence[str]) -> None:
    """Whether the first movement of the parameters is uphill, of a loss whose sign is known."""
    signs = [factor for _, factor, _ in slopes(events, sources) if factor]
    moves = [float(event[3]) for event in seen(events, "move") if re.fullmatch(NUMBER, event[3])]
    if signs and moves and moves[0] * (1 if signs[0] > 0 else -1) > CLEAR:
        add(case, "PT_UPHILL", "steps down the cross-entropy", "the first step goes up")

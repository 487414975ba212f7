"""The events of a PyTorch script that ran on random pictures; `child/script.py` records them."""

from collections.abc import Sequence
from typing import Any

from fcnet.judge.case import Case
from fcnet.judge.isolation import Submission
from fcnet.judge.isolation.reply import Event

SECONDS = 6.0
"""Of the processor's time, for each of the two runs, training and test."""

Events = list[Event]


def events_of(submission: Submission, text: str, train: bool) -> Events:
    """The events of a run; none where its process ended."""
    reply = submission.call("script", source=text, seconds=SECONDS, train=train)
    if reply.failure is not None:
        return [Event("failed", "", reply.failure.line or 0, reply.failure.text)]
    events: Events = reply.value
    return events


def seen(events: Events, kind: str, sources: Sequence[str] = ("train", "validation", "test", "")) -> Events:
    """The events of a kind, while a part of the data was being read."""
    return [event for event in events if event.kind == kind and event.source in sources]


def epochs(events: Events, sources: Sequence[str]) -> list[Events]:
    """The events between two passes over the training set."""
    parts: list[Events] = [[]]
    for event in events:
        parts[-1].append(event)
        if (event.kind == "end" and event.source in sources) or (
            event.kind == "batch" and event.source not in sources
        ):
            parts.append([])
    return [part for part in parts if seen(part, "batch", sources)]


def add(case: Case, code: str, expected: Any, got: Any, line: int | None = None) -> None:
    case.add(
        code, "the script on random pictures", expected, got, line=line, spans=[(1, len(case.source.lines))]
    )

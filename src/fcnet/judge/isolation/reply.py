"""What comes back from a submission's process, checked piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fcnet.wording import shown

Kind = Literal["exception", "value", "memory", "time", "died", "output", "files", "protocol"]

MOST_TEXT = 2000
"""Characters of any text of a failure."""


@dataclass(frozen=True)
class Failure:
    """Why a call has no value; see `fcnet.judge.isolation` for the kinds and for `line`."""

    kind: Kind
    type: str = ""
    message: str = ""
    line: int | None = None

    @property
    def text(self) -> str:
        """The failure in words: `ValueError: ...`, or `no answer within 10 s`."""
        return f"{self.type}: {self.message}" if self.type else self.message or self.kind


@dataclass(frozen=True)
class Reply:
    """The outcome of one call."""

    value: Any = None
    failure: Failure | None = None
    output: str = ""

    @property
    def ok(self) -> bool:
        """Whether the operation returned."""
        return self.failure is None


def failure_of(told: Any) -> Failure:
    """The failure that a process reports; one that is not a report is a protocol failure itself."""
    if not isinstance(told, dict) or told.get("kind") not in ("exception", "value", "memory"):
        return Failure("protocol", message="the process reported a failure of no known kind")
    line = told.get("line")
    known = line if type(line) is int and line > 0 else None
    return Failure(told["kind"], _text(told.get("type")), _text(told.get("message")), known)


def _text(told: Any) -> str:
    return shown(told, MOST_TEXT) if isinstance(told, str) else ""

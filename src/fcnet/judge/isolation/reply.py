"""What comes back from a submission's process, checked piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from fcnet.wording import shown

Kind = Literal["exception", "value", "memory", "time", "died", "output", "files", "protocol"]

MOST_TEXT = 2000
"""Characters of any text of a failure."""


@dataclass(frozen=True)
class Frame:
    """A line of the submission that was being executed: `file` is relative to the submission's folder."""

    file: str
    line: int
    function: str
    text: str


@dataclass(frozen=True)
class Failure:
    """Why a call has no value; see `fcnet.judge.isolation` for the kinds."""

    kind: Kind
    type: str = ""
    message: str = ""
    frames: tuple[Frame, ...] = ()

    @property
    def text(self) -> str:
        """The failure in words: `ValueError: ...`, or `no answer within 10 s`."""
        return f"{self.type}: {self.message}" if self.type else self.message or self.kind

    @property
    def line(self) -> int | None:
        """The line of the last frame in the submission."""
        return self.frames[-1].line if self.frames else None


@dataclass(frozen=True)
class Reply:
    """The outcome of one call."""

    value: Any = None
    failure: Failure | None = None
    output: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the operation returned."""
        return self.failure is None


def failure_of(told: Any) -> Failure:
    """The failure that a process reports; one that is no report is a protocol failure itself."""
    if not isinstance(told, dict) or told.get("kind") not in ("exception", "value", "memory"):
        return Failure("protocol", message="the process reported a failure of no known kind")
    assert told["kind"] in get_args(Kind)
    frames = told.get("frames")
    known = [frame for frame in map(_frame, frames if isinstance(frames, list) else []) if frame is not None]
    return Failure(told["kind"], _text(told.get("type")), _text(told.get("message")), tuple(known[-30:]))


def _frame(told: Any) -> Frame | None:
    if not isinstance(told, dict) or type(told.get("line")) is not int:
        return None
    return Frame(_text(told.get("file")), told["line"], _text(told.get("function")), _text(told.get("text")))


def _text(told: Any) -> str:
    return shown(told, MOST_TEXT) if isinstance(told, str) else ""

"""What comes back from a submission's process, checked against types: a hostile one may send anything."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from fcnet.wording import shown

Kind = Literal["exception", "value", "memory", "time", "died", "output", "files", "protocol"]

MOST_TEXT = 2000
"""Characters of any text of a failure."""


class Failure(msgspec.Struct, frozen=True):
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
    """The outcome of one call; `value` is of the type that `VALUES` has for the operation."""

    value: Any = None
    failure: Failure | None = None
    output: str = ""

    @property
    def ok(self) -> bool:
        """Whether the operation returned."""
        return self.failure is None


# Values of the operations: child/operations.py explains them ------------------------------------------------
class Parameter(msgspec.Struct):
    """A parameter of a method: its name, whether it has a default, and its kind as `inspect` names it."""

    name: str
    default: bool
    kind: str


class Class(msgspec.Struct):
    """A class: its methods' parameters, whether it is a torch module, and the other file that defines it."""

    name: str
    methods: dict[str, list[Parameter]]
    module: bool = False
    file: str = ""


class Missing(msgspec.Struct):
    """An import that failed: the module, the line, and the names that are not there because of it."""

    module: str
    line: int
    names: list[str]


class Loaded(msgspec.Struct):
    classes: list[Class]
    missing: list[Missing] = []


class Record(msgspec.Struct):
    """A recorded call: its arguments, described, and the object's arrays at that moment."""

    args: list[Any]
    keywords: dict[str, Any]
    params: dict[str, Any]


class Called(msgspec.Struct):
    value: Any
    changed: list[int] = []
    lines: dict[int, int] = {}
    records: list[Record] = []


class Event(msgspec.Struct, array_like=True):
    """What a script did: the kind, the part of the data that was being read, a number, words and measures."""

    kind: str
    source: str = ""
    number: int = 0
    text: str = ""
    measures: dict[str, float] = {}

    @property
    def words(self) -> list[str]:
        """The words of the text."""
        return self.text.split()


VALUES: dict[str, Any] = {
    "load": Loaded,
    "construct": dict[str, Any],
    "attributes": dict[str, Any],
    "assign": None,
    "call": Called,
    "script": list[Event],
}


def formed(operation: str, value: Any) -> Any:
    """The value of an operation in its type.

    Raises
    ------
    msgspec.ValidationError : it has another form
    """
    return msgspec.convert(value, VALUES[operation], str_keys=True)


def failure_of(told: Any) -> Failure:
    """The failure that a process reports; one that is not a report is a protocol failure itself."""
    try:
        one = msgspec.convert(told, Failure)
    except msgspec.ValidationError:
        one = Failure("protocol")
    if one.kind not in ("exception", "value", "memory"):
        return Failure("protocol", message="the process reported a failure of no known kind")
    line = one.line if one.line is not None and one.line > 0 else None
    return Failure(one.kind, shown(one.type, MOST_TEXT), shown(one.message, MOST_TEXT), line)

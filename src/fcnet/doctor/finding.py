"""What a check reports."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line about this machine.

    name : what was looked at
    status : "ok"; "note" where something optional is missing or slow; "problem" where commands fail
    found : what there is
    advice : what to do, where something is missing or slow
    """

    name: str
    status: Status
    found: str
    advice: str = ""

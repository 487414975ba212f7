"""What a process can be kept from, and what to do where the system cannot keep it from all of it."""

from collections.abc import Iterable
from typing import Literal

from fcnet.errors import FcnetError

Isolation = Literal["auto", "require", "none"]

PROTECTIONS = {
    "memory": "use more memory than it is allowed",
    "files": "read your files and the solution inside fcnet, and write and delete whatever you may",
    "network": "use the network",
    "processes": "start processes that outlive it, and stop processes of yours",
}
"""Each protection, and what a submission can do without it."""


def checked(held: Iterable[str], isolation: Isolation) -> tuple[str, ...]:
    """What is held, of `PROTECTIONS`.

    Raises
    ------
    FcnetError : with "require", something is missing
    """
    known = tuple(name for name in PROTECTIONS if name in set(held))
    missing = not_held(known)
    if missing and isolation == "require":
        raise FcnetError(
            f"this system cannot restrict {', '.join(missing)} of a submission,  "
            "use Linux 6.2 or newer, install bubblewrap, or leave out --isolation require"
        )
    return known


def not_held(held: Iterable[str]) -> tuple[str, ...]:
    """The protections that are missing."""
    return tuple(name for name in PROTECTIONS if name not in set(held))


def warning(held: Iterable[str]) -> str:
    """What to tell the user of what is not held, "" if nothing."""
    missing = not_held(held)
    if not missing:
        return ""
    can = "; ".join(PROTECTIONS[name] for name in missing)
    return f"warning: the submission is not fully isolated here. Hostile code could {can}."

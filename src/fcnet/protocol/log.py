"""The log of a record: entries are appended, and each carries the hash of the one before.

The first one carries the hash of the plan. So an entry that is edited, removed or moved no longer fits,
unless all that follow are written anew.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from fcnet.errors import RunError
from fcnet.files import exists, write_atomically
from fcnet.protocol.contents import Ended, Entry, Plan, Started, digest, now
from fcnet.schema import read_lines


def appended(plan: Plan, log: Sequence[Entry], event: Started | Ended) -> list[Entry]:
    """The log with one entry more."""
    previous, when = log[-1].sha256 if log else digest(plan), now()
    return [*log, Entry(when, event, previous, digest([when, event, previous]))]


def broken(plan: Plan, log: Iterable[Entry]) -> int | None:
    """The number, from 1, of the first entry whose hashes do not fit; None if all do."""
    previous = digest(plan)
    for number, entry in enumerate(log, 1):
        fits = entry.sha256 == digest([entry.when, entry.event, entry.previous])
        if entry.previous != previous or not fits:
            return number
        previous = entry.sha256
    return None


def ended(log: Iterable[Entry]) -> dict[int, Ended]:
    """What became of each seed that has ended; the first time, if there are several."""
    found: dict[int, Ended] = {}
    for entry in log:
        if isinstance(entry.event, Ended):
            found.setdefault(entry.event.seed, entry.event)
    return found


def read_log(path: Path, plan: Plan) -> list[Entry]:
    """Read a log file; an empty log where there is none.

    Raises
    ------
    RunError : it cannot be read, or an entry was edited, removed or moved
    """
    if not exists(path):
        return []
    log = read_lines(path, Entry, "restore it or choose another --out")
    wrong = broken(plan, log)
    if wrong is not None:
        raise RunError(f"{path} was altered in line {wrong}, restore it or choose another --out")
    return log


def write_log(path: Path, log: Iterable[Entry]) -> None:
    """Write a log file, one entry a line.

    Raises
    ------
    RunError : it cannot be written
    """
    write_atomically(path, b"".join(msgspec.json.encode(entry) + b"\n" for entry in log))

"""One search in a folder, one writer in a journal; both locks die with the process that holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fcnet.errors import RunError


@contextmanager
def only_search_in(folder: Path) -> Iterator[int | None]:
    """Hold the folder for this search; yields a file descriptor that makes a child hold it, too.

    A search that was killed lets go of the folder with the last of its workers. None where the system has
    no such locks.

    Raises
    ------
    RunError : `another fcnet tune works in FOLDER, ...`
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield None
        return
    with (folder / ".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another fcnet tune works in {folder}, wait for it or choose another folder with --out"
            ) from None
        yield file.fileno()


class JournalLock:
    """Lets one process write to a journal at a time, and mends what a killed one left half written.

    Optuna's own lock is a file that outlives a killed process, and has to be waited for. Half a line at the
    end would make the journal unreadable as soon as the next line follows it.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self._file = -1

    def acquire(self) -> bool:
        import fcntl

        self._file = os.open(f"{self.journal}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            mend(self.journal)
        except BaseException:  # Ctrl-C: a lock that nobody releases would be waited for by ourselves
            os.close(self._file)
            raise
        return True

    def release(self) -> None:
        os.close(self._file)


def mend(journal: Path) -> None:
    """Cut off an unfinished last line."""
    with journal.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        kept = end
        while kept:
            file.seek(kept - 1)
            if file.read(1) == b"\n":
                break
            kept -= 1
        if kept < end:
            file.truncate(kept)

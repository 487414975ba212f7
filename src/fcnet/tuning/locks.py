"""One search in a folder, one writer in a journal; both locks end with the process that holds them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fcnet.errors import RunError

try:
    import fcntl
except ImportError:  # Windows, where Optuna's own lock protects the journal
    fcntl = None  # type: ignore[assignment]


def open_regular(path: Path) -> int:
    """Open a file of the search for reading and writing, and make it if it is missing.

    A link would let a folder from elsewhere change any file of its reader.

    Returns
    -------
    descriptor : of a regular file with one name

    Raises
    ------
    RunError : it is a link, a pipe or a device, or cannot be opened
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    refused = f"{path} is not a regular file with one name, remove it or choose another folder with --out"
    if path.is_symlink():
        raise RunError(refused)
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        raise RunError(f"cannot open {path}: {error.strerror or error}, choose another with --out") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise RunError(refused)
    return descriptor


@contextmanager
def only_search_in(folder: Path) -> Iterator[int | None]:
    """Hold the folder for this search.

    Yields
    ------
    descriptor : a child that inherits it holds the folder too, so that a search that was killed releases
        the folder with the last of its workers; None where the system has no such locks

    Raises
    ------
    RunError : `another fcnet tune works in FOLDER, ...`
    """
    if fcntl is None:
        yield None
        return
    descriptor = open_regular(folder / ".lock")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another fcnet tune works in {folder}, wait for it or choose another folder with --out"
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def journal_lock(journal: Path) -> JournalLock | None:
    """The lock of a journal; None where the system has no such locks, for Optuna's own."""
    return None if fcntl is None else JournalLock(journal)


class JournalLock:
    """Lets one process at a time write to a journal, and cuts off what a killed process left unfinished.

    Optuna's own locks are files that outlive a killed process, so that others wait for it half a minute. An
    unfinished last line would make the journal unreadable as soon as the next line follows it.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self._descriptor = -1

    def acquire(self) -> bool:
        self._descriptor = open_regular(self.journal)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            cut_unfinished_line(self._descriptor)
        except BaseException:  # after Ctrl-C, a lock that nobody releases would block this process itself
            os.close(self._descriptor)
            raise
        return True

    def release(self) -> None:
        os.close(self._descriptor)


def cut_unfinished_line(descriptor: int) -> None:
    """Cut a file after its last line break."""
    size = kept = os.fstat(descriptor).st_size
    while kept and os.pread(descriptor, 1, kept - 1) != b"\n":
        kept -= 1
    if kept < size:
        os.ftruncate(descriptor, kept)

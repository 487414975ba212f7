"""One process at a time in a folder, whatever becomes of that process.

The lock belongs to an open file, so the kernel releases it when its holder ends, by a kill too. A file
`.lock` that a killed process left behind locks nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fcnet.errors import RunError

try:
    import fcntl
except ImportError:  # Windows: two processes in one folder are not noticed there
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What file systems say that have no locks; on these, too, two processes are not noticed."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process, and every other `locked` of this one, out of a folder during the block.

    The folder must be there. The file `.lock` in it names the holder and is removed at the end.

    Raises
    ------
    RunError : `FOLDER is in use by process PID on HOST, wait until it ends or choose another with --out`;
        the folder cannot be written
    """
    if fcntl is None:
        yield
        return
    path = folder / NAME
    with _explained(folder):
        descriptor = _acquired(path)
    try:
        with _explained(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is held, so that it is ours
        os.close(descriptor)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say in one line that the folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write to {folder}: {error.strerror or error}, mend that or choose another with --out"
        ) from error


def _acquired(path: Path) -> int:
    """A descriptor of the file that has this name now, locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _lock(descriptor, path.parent)
            if _is(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder removed it after we had opened it


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 300, 0).decode(errors="replace").strip() or "another process"
        raise RunError(
            f"{folder} is in use by {holder}, wait until it ends or choose another with --out"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def _is(descriptor: int, path: Path) -> bool:
    """Whether a path still names the file that a descriptor has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False

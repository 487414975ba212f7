"""The one kind of lock: a file that one process holds, until it lets go or ends in whatever way.

The lock belongs to an open file, so the kernel releases it when its holder ends, by a kill too: `flock` on
Unix, `LockFileEx` on Windows, through filelock. A file that a killed process left behind locks nothing.

A lock file is opened without following a link, and nothing is written to it unless it is a regular file with
one name. So a folder that somebody else prepared cannot make us change a file outside of it.
"""

import errno
import os
import platform
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from fcnet.errors import RunError
from fcnet.files import exists, holding, make_folder, reached

NAME = ".lock"

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What file systems say that have no locks; on these, two processes are not noticed."""

PAUSE = 0.02
"""Seconds between two attempts of a process that waits."""

PATIENCE = 1.0
"""Seconds of waiting before the user is told about it."""

UNREADABLE = 1 if os.name == "nt" else 0
"""How many bytes at the beginning of a held file Windows lets nobody else read."""

CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
FLAGS = os.O_RDWR | os.O_CREAT | CAREFUL


def open_own_file(path: Path) -> int:
    """Open a file for reading and writing, or make it, but never open another one through a link.

    Returns
    -------
    descriptor : of a regular file of this folder with one name; nothing of it is changed

    Raises
    ------
    OSError : the file cannot be opened, or is a link, a folder, a pipe, a device or a file with two names
    """
    with reached(path) as (name, folder):
        descriptor = os.open(name, FLAGS, 0o666, dir_fd=folder)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        os.close(descriptor)
        raise OSError(errno.EPERM, f"{path.name} is a link or no regular file", str(path))
    return descriptor


class Lock:
    """A lock on a file name, held by one process and by one `Lock` of that process.

    The file names its holder, and is removed when the holder lets go.

    Attributes
    ----------
    path : the lock file; its folder must exist
    descriptor : of the open file while the lock is held; a child that inherits it holds the lock too
    holder : who held the lock at the last attempt that failed, e.g. `process 12 on host`
    works : False where the file system has no locks, so that the lock keeps nobody out
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor: int | None = None
        self.holder = ""
        self.works = True

    def try_acquire(self) -> bool:
        """Take the lock if it is free; returns whether it is held now.

        Raises
        ------
        OSError : the file cannot be written, or is a link, a folder, a pipe or a file with two names
        """
        while True:
            descriptor = open_own_file(self.path)
            try:
                if not self._lock(descriptor):
                    self.holder = _text(descriptor) or "another process"
                    break
                if _is(descriptor, self.path):
                    self._name_holder(descriptor)
                    self.descriptor, descriptor = descriptor, -1
                    return True
            finally:  # its holder removed the file after we had opened it, so we open the next one
                if descriptor >= 0:
                    os.close(descriptor)
        return False

    def acquire(self, on_wait: Callable[[str], object] | None = None) -> bool:
        """Wait for the lock; returns True.

        Parameters
        ----------
        on_wait : called once, with the holder, when another process has kept us waiting for a second

        Raises
        ------
        OSError : as `try_acquire`
        """
        start = time.monotonic()
        while not self.try_acquire():
            if on_wait is not None and time.monotonic() - start >= PATIENCE:
                on_wait(self.holder)
                on_wait = None
            time.sleep(PAUSE)
        return True

    def release(self) -> None:
        """Let go, and remove the file."""
        if self.descriptor is None:
            return
        descriptor, self.descriptor = self.descriptor, None
        _remove(self.path)  # while it is held, so that it is ours
        os.close(descriptor)
        if os.name == "nt":  # where an open file cannot be removed
            _remove(self.path)

    def _name_holder(self, descriptor: int) -> None:
        try:
            _write(descriptor, f"process {os.getpid()} on {platform.node()}\n")
        except OSError:  # a full disk
            _remove(self.path)
            raise

    def _lock(self, descriptor: int) -> bool:
        try:
            return lock_descriptor(descriptor, blocking=False)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            self.works = False
            return True


@contextmanager
def locked(folder: Path, otherwise: str = "or choose another with --out") -> Iterator[Lock]:
    """Keep every other process, and every other `locked` of this one, out of a folder during the block.

    The folder is held open, see `fcnet.files.holding`: if it is moved, the files of the block go with it.
    It is made with its parents if it is missing; if the block fails and left nothing in them, they go again.

    Parameters
    ----------
    folder : that the block writes to
    otherwise : what the errors tell the user to do beside waiting or mending it

    Raises
    ------
    RunError : `FOLDER is in use by process PID on HOST, wait until it ends or choose another with --out`;
        `cannot write to FOLDER: REASON, fix that or choose another with --out`
    """
    new = [place for place in (folder, *folder.parents) if not exists(place)]
    try:
        with ExitStack() as held:
            lock = Lock(folder / NAME)
            try:
                make_folder(folder)
                held.enter_context(holding(folder))
                free = lock.try_acquire()
            except OSError as error:
                reason = f"{NAME} is a link" if error.errno == errno.ELOOP else error.strerror or error
                raise RunError(f"cannot write to {folder}: {reason}, fix that {otherwise}") from error
            if not free:
                raise RunError(f"{folder} is in use by {lock.holder}, wait until it ends {otherwise}")
            held.callback(lock.release)
            yield lock
    except Exception:
        with suppress(OSError):  # it holds something
            for place in new:
                place.rmdir()
        raise


@contextmanager
def waiting_for(path: Path, on_wait: Callable[[str], object]) -> Iterator[Lock]:
    """Hold the lock file `path` during the block, and wait for it if another process holds it.

    Parameters
    ----------
    path : the lock file; its folder must exist
    on_wait : called once, with the holder, after a second of waiting

    Raises
    ------
    OSError : as `Lock.try_acquire`
    """
    lock = Lock(path)
    lock.acquire(on_wait)
    try:
        yield lock
    finally:
        lock.release()


def holder_of(path: Path) -> str:
    """Who holds a lock file at the moment, as `Lock.holder`; "" if nobody does. Nothing is written.

    A link, a pipe or a device is not a lock file, and is not opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | CAREFUL)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or lock_descriptor(descriptor, blocking=False):
            return ""
        return _text(descriptor) or "another process"
    except OSError:  # a file system without locks
        return ""
    finally:
        os.close(descriptor)


def _text(descriptor: int) -> str:
    os.lseek(descriptor, UNREADABLE, os.SEEK_SET)
    return os.read(descriptor, 300).decode(errors="replace").strip()


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, UNREADABLE * b"\n" + text.encode())


def _remove(path: Path) -> None:
    with suppress(OSError), reached(path) as (name, folder):
        os.unlink(name, dir_fd=folder)


def _is(descriptor: int, path: Path) -> bool:
    """Whether a path still names the file that a descriptor has open."""
    try:
        with reached(path) as (name, folder):
            return os.path.samestat(os.fstat(descriptor), os.lstat(name, dir_fd=folder))
    except FileNotFoundError:
        return False

"""Writing so that a reader never sees half a file, and two processes at once do no harm."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from fcnet.errors import DataError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def disk_error(error: OSError, path: Path, kept: str = "") -> DataError:
    """Say in one line why `path` could not be written.

    Parameters
    ----------
    error : what the operating system reported
    path : what was being written
    kept : what survives, to be told to a user whose disk is full, e.g. `the first 12 MB are kept`
    """
    if error.errno in FULL:
        return DataError(
            f"no space left for {path}, free some or choose another folder with --data or $FCNET_CACHE"
            + (f" ({kept})" if kept else "")
        )
    return DataError(
        f"cannot write {path} ({error.strerror or error}), "
        "make its folder writable or choose another with --data or $FCNET_CACHE"
    )


def require_space(folder: Path, size: int) -> None:
    """Require `size` free bytes, before minutes are spent on a fetch that cannot end well.

    Raises
    ------
    DataError : `no space left for ...`
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"no space left for CIFAR-10 in {folder}: {size / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free, "
            "free some or choose another folder with --data or $FCNET_CACHE"
        )


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold the lock file `path` against other processes, waiting for it if need be.

    Parameters
    ----------
    path : the lock file; it is made, and stays
    on_wait : called once if another process holds the lock

    Yields
    ------
    bool : False where the system or file system has no locks, so that the caller must not share names
    """
    with path.open("ab") as file:
        yield _acquire(file, on_wait)


def _acquire(file: BinaryIO, on_wait: Callable[[], None] | None) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if on_wait is not None:
            on_wait()
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:  # some network file systems
        return False
    return True


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Offer a temporary folder beside `target` that takes its name once the block has succeeded.

    What stood at `target` before is kept under a new name beside it; after a failure nothing new is left.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.tmp-", dir=target.parent))
    try:
        temporary.chmod(0o755)
        yield temporary
        for file in temporary.iterdir():
            sync(file)
        if target.exists():
            target.rename(_free_name(target))
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _free_name(target: Path) -> Path:
    return next(p for k in range(1, 1000) if not (p := target.with_name(f"{target.name}.old-{k}")).exists())


def remove_leftovers(target: Path) -> None:
    """Remove the temporary folders for `target` that killed processes left; the caller holds the lock."""
    for left in target.parent.glob(f".{target.name}.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the disk hold what was written to `path`, so that a power cut cannot leave it empty."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data` to an unbuffered file, which may take it in pieces."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]

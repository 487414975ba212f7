"""Reading regular files alone, and writing so that nobody ever sees half a file and what is written stays."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcnet.errors import RunError

REMEDY = "choose a folder with room and write permission"

LEFTOVER = re.compile(r"\.(?P<name>.+)\.tmp-\d+-[0-9a-f]{8}")
"""The name of a temporary file of `new_file`."""


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading if it is a regular file, by its own name or through a link.

    A pipe or a device, which might be waited for or read without end, is refused at once.

    Raises
    ------
    OSError : the file cannot be read, or is no regular file
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "no regular file", str(path))


def read_plain(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises
    ------
    OSError : as `open_plain`, or the file is longer
    """
    with open_plain(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return content


@contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Offer a temporary file beside `target` that replaces it in one step once the block has succeeded.

    A reader sees the old file or the new one, which is on the disk before it has the name; after the block
    the name is on the disk too. Where the block or the writing fails, the old file is as it was and no
    temporary file stays behind. A killed process does leave one, see `remove_leftovers`.
    """
    temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def write_atomically(path: Path, content: bytes | str, remedy: str = REMEDY) -> None:
    """Write a whole file, and the folders above it, as `new_file` does.

    Parameters
    ----------
    path, content : the file
    remedy : what the error tells the user to do

    Raises
    ------
    RunError : `cannot write PATH: REASON, REMEDY`
    """
    try:
        make_folder(path.parent)
        with new_file(path) as file:
            # a file's name that is no Unicode stands as its escape
            file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}, {remedy}") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that each is on the disk."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system lets one ask for it."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
            raise
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path, names: Collection[str]) -> None:
    """Remove what killed processes left of files with these names: temporary files, never those themselves.

    Only for who holds the folder's lock and alone writes these files; another's would still be in use.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        found = LEFTOVER.fullmatch(path.name)
        if found and found["name"] in names:
            path.unlink(missing_ok=True)

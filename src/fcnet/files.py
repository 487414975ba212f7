"""Writing files so that nobody ever sees half of one, and so that what is written stays written."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcnet.errors import RunError

REMEDY = "choose a folder with room and write permission"

LEFTOVER = re.compile(r"\.(?P<name>.+)\.tmp-\d+-[0-9a-f]{8}")
"""The name of a temporary file of `new_file`."""


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
            file.write(content.encode() if isinstance(content, str) else content)
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

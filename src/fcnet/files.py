"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcnet.errors import RunError


@contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Offer a temporary file beside `target` that replaces it in one step once the block has succeeded.

    A reader sees the old file or the new one, which is on the disk before it has the name. Where the block
    or the writing fails, the old file is as it was and no temporary file stays behind.
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


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a whole file, and the folders above it, as `new_file` does.

    Raises
    ------
    RunError : `cannot write PATH: REASON, ...`
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {error.strerror or error}, choose a folder with room and write permission"
        ) from error

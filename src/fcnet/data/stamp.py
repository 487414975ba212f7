"""What tells whether a file has changed since it was read, without reading it again."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

Stamp = list[int]


def stamp(state: os.stat_result) -> Stamp:
    """The stamp of a file: size, times of change of its content and of its inode in ns, and inode."""
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def state_of(paths: Iterable[Path]) -> str:
    """A hash of the names and stamps of files.

    Raises
    ------
    OSError : one is missing
    """
    stamps = {path.name: stamp(path.stat()) for path in paths}
    return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()

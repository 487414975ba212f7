"""What tells whether a file has changed since it was read, without reading it again."""

from __future__ import annotations

import os

Stamp = list[int]


def stamp(state: os.stat_result) -> Stamp:
    """The stamp of a file: size, times of change of its content and of its inode in ns, and inode."""
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]

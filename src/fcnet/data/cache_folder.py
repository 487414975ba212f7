"""What is in the cache folder, and the careful removal of what is no longer of use.

Everything there can be fetched or computed again. Even so only what fcnet itself put there is removed: names
that it does not know are listed and left alone, and no link is followed, neither to look nor to remove.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcnet.data.archive import lock_of
from fcnet.data.cache import MANIFEST, VERSION, Manifest, manifest_in
from fcnet.data.datasets import DATASETS
from fcnet.data.load import kept_of
from fcnet.data.published import Published
from fcnet.data.stamp import stamp, state_of
from fcnet.files import LEFTOVER
from fcnet.lock import NAME, Lock, holder_of

KEY = re.compile(r"[0-9a-f]{16}")
"""The name of a folder of images or rows that were kept."""

KEYED = "decoded"
"""The folder of such folders."""

OLDER = ("opened", "pictures", "rows")
"""Folders of such folders that earlier versions made."""


@dataclass(frozen=True)
class Entry:
    """One thing in the cache.

    path : of the file or folder
    kind : "images", "rows", "older", "copy", "partial", "leftover" or "unknown"
    what : a description for people
    reason : why it is no longer of use; empty if it is of use
    size : in bytes
    used : when it was last used, in seconds since 1970, as far as the file system says
    parts : the files and folders that it consists of
    locks : the lock files that a process holds which works on it
    """

    path: Path
    kind: str
    what: str
    reason: str = ""
    size: int = 0
    used: float = 0.0
    parts: tuple[Path, ...] = ()
    locks: tuple[Path, ...] = ()

    @property
    def holder(self) -> str:
        """The process that works on it at the moment; empty if none does."""
        return next(filter(None, map(holder_of, self.locks)), "")

    @property
    def removable(self) -> bool:
        """Whether fcnet put it there, so that it may remove it."""
        return self.kind != "unknown"

    @property
    def stale(self) -> bool:
        """Whether it is no longer of use, and no process uses it."""
        return bool(self.reason) and not self.holder


def inventory(root: Path) -> list[Entry]:
    """Everything in a cache folder; nothing where there is none.

    Raises
    ------
    OSError : the folder cannot be read
    """
    if not root.is_dir():
        return []
    return [_entry(root, path) for path in _places(root)]


def _places(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name in (KEYED, *OLDER) and path.is_dir() and not path.is_symlink():
            yield from sorted(path.iterdir())
        else:
            yield path


def _entry(root: Path, path: Path) -> Entry:
    if path.is_symlink():
        return Entry(path, "unknown", "a link, which is not followed")
    if path.parent != root and path.is_dir() and KEY.fullmatch(path.name):
        return _kept(path) if path.parent.name == KEYED else _older(path)
    return _published(root, path) or Entry(path, "unknown", "not made by fcnet", size=_size(path))


def remove(root: Path, entry: Entry) -> str:
    """Remove an entry, unless a process works on it.

    Parameters
    ----------
    root : the cache folder
    entry : one of its `inventory`

    Returns
    -------
    str : why it was left; empty if it is gone

    Raises
    ------
    OSError : something could not be removed
    """
    if not entry.removable:
        return entry.what
    if entry.path.parent != root and entry.path.parent.is_symlink():
        return "it is reached through a link"
    with ExitStack() as stack:
        for path in entry.locks:
            lock = Lock(path)
            if not lock.try_acquire():
                return f"in use by {lock.holder}"
            stack.callback(lock.release)
        for part in entry.parts:
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other files are in it, or another process has made it again
        if entry.path.is_dir():
            entry.path.rmdir()
    return ""


def _kept(path: Path) -> Entry:
    """Images or rows that were read from a source."""
    parts = tuple(part for part in sorted(path.iterdir()) if part.name != NAME)
    facts: dict[str, Any] = {"kind": "images", "size": _size(*parts), "parts": parts, "locks": (path / NAME,)}
    try:
        about = manifest_in(path)
        facts["used"] = (path / MANIFEST).lstat().st_mtime
    except (OSError, ValueError):
        return Entry(path, what="images without a description", reason="they were never finished", **facts)
    source, what = about.origin.path, f"images of {about.name}, read from {about.origin.path}"
    if about.origin.kind == "table":
        facts["kind"], what = "rows", f"rows of the table {source}"
    reason = ""
    if about.version != VERSION:
        reason = "they were kept by another version of fcnet"
    elif about.arrays != {file.name: stamp(file.lstat()) for file in parts if file.name in about.arrays}:
        reason = "they are damaged"
    elif not Path(source).exists():
        reason = "their source is gone"
    elif _changed(about):
        reason = "their source has changed"
    elif leftovers := tuple(part for part in parts if LEFTOVER.fullmatch(part.name)):
        facts |= {"parts": leftovers, "size": _size(*leftovers), "kind": "leftover"}
        reason = "a killed process left it"
    return Entry(path, what=what, reason=reason, **facts)


def _older(path: Path) -> Entry:
    """Pictures, rows or the files of an archive, where an earlier version kept them."""
    locks = (path / NAME, *path.glob(".*.lock"))
    parts = tuple(part for part in sorted(path.iterdir()) if part not in locks)
    reason = "another version of fcnet kept them"
    return Entry(path, "older", "data that were read", reason, _size(*parts), _used(*parts), parts, locks)


def _changed(about: Manifest) -> bool:
    """Whether a source is another one than was read, as far as can be told without reading it."""
    source = Path(about.origin.path)
    if about.origin.kind == "table":
        return about.state != state_of([source])
    known = next((known for known in DATASETS.values() if known.title == about.name), None)
    return known is not None and bool(known.files) and kept_of(source, known) is None


def _published(root: Path, path: Path) -> Entry | None:
    """A data set that was fetched, or a part of one; None if it is neither."""
    for about in DATASETS.values():
        if about.files and (found := _fetched(root, path, about)):
            return found
    return None


def _fetched(root: Path, path: Path, about: Published) -> Entry | None:
    lock = lock_of(root / about.folder)
    facts: dict[str, Any] = {"size": _size(path), "used": _used(path), "parts": (path,), "locks": (lock,)}
    if path == lock:
        return Entry(path, "leftover", "a lock", "a killed process left it", locks=(path,))
    remotes = "|".join(re.escape(remote.name) for remote in about.remotes)
    if path.is_file() and re.fullmatch(rf"({remotes})(\.\d+)?\.part", path.name):
        reason = "the data set is complete" if about.is_complete(root / about.folder) else ""
        return Entry(path, "partial", f"the beginning of {about.title}, fetched in part", reason, **facts)
    if path.is_dir() and path.name == about.folder:
        return _copy(path, about, facts)
    return None


def _copy(path: Path, about: Published, facts: dict[str, Any]) -> Entry:
    """A copy of a data set: its files, the beginnings of those that are fetched one by one, and leftovers."""
    names = {*about.files, *about.also, *(f"{remote.name}.part" for remote in about.remotes)}
    parts = tuple(part for part in sorted(path.iterdir()) if LEFTOVER.sub(r"\g<name>", part.name) in names)
    state = "" if about.is_complete(path) else ", incomplete"
    return Entry(path, "copy", f"{about.title}, fetched{state}", **facts | {"parts": parts})


def _size(*paths: Path) -> int:
    return sum(state.st_size for state in _states(paths))


def _used(*paths: Path) -> float:
    return max((max(state.st_atime, state.st_mtime) for state in _states(paths)), default=0.0)


def _states(paths: Iterable[Path]) -> Iterator[os.stat_result]:
    """What the system says of each file, and of those in folders; links stand for themselves."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                for place, _, names in os.walk(path):
                    yield from (Path(place, name).lstat() for name in names)
            else:
                yield path.lstat()

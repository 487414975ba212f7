"""`fcnet cache`: list what fcnet keeps in the user's cache, and remove it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.cli import tell
from fcnet.cli.tables import print_table
from fcnet.errors import DataError, FcnetError
from fcnet.wording import megabytes, shown

if TYPE_CHECKING:
    from fcnet.data.cache_folder import Entry


@dataclass(frozen=True)
class List:
    """List what is in the cache: the data set, its size, when it was last used, and which process uses it.

    The cache is $FCNET_CACHE, or the system's place for caches. All of it can be fetched or read again.

    Example: fcnet cache list
    """

    json: bool = False
    """Print a JSON object for programs instead of a table."""

    def run(self) -> int:
        """Print the entries; returns the exit status 0."""
        from fcnet.data.find import cache_root

        root = cache_root()
        entries = _entries(root)
        if self.json:
            print(json.dumps({"folder": str(root), "entries": [_as_json(one) for one in entries]}, indent=2))
            return 0
        size = megabytes(sum(entry.size for entry in entries))
        tell(f"{root}: {_counted(entries)}, {size}", sys.stdout)
        _print(entries, root)
        if stale := [entry for entry in entries if entry.removable and entry.stale]:
            freed = megabytes(sum(entry.size for entry in stale))
            tell(f"fcnet cache prune would remove {_counted(stale)} and free {freed}", sys.stdout)
        return 0


@dataclass(frozen=True)
class Prune:
    """Remove what is no longer of use from the cache: list it, ask, and remove it.

    These are images whose source is gone or has changed, files of other versions of fcnet, and leftovers
    of killed processes. Files that a running process uses stay, and so do files that fcnet did not make.

    Example: fcnet cache prune --yes
    """

    all: bool = False
    """Remove all that fcnet put there, data sets that were fetched too."""
    yes: bool = False
    """Remove without asking."""

    def run(self) -> int:
        """Remove what the user agrees to; returns the exit status 0.

        Raises
        ------
        FcnetError : something could not be removed; nobody is there to be asked
        """
        from fcnet.data.find import cache_root

        root = cache_root()
        entries = _entries(root)
        chosen = [entry for entry in entries if entry.removable and (self.all or entry.stale)]
        if not chosen:
            rest = "; remove it with: fcnet cache prune --all" if any(e.removable for e in entries) else ""
            tell(f"nothing to remove: {root} holds {_counted(entries)}{rest}", sys.stdout)
            return 0
        _print(chosen, root)
        if not self.yes and not self._agreed(chosen):
            print("nothing was removed")
            return 0
        self._remove(root, chosen)
        return 0

    def _agreed(self, chosen: Sequence[Entry]) -> bool:
        if not sys.stdin.isatty():
            raise FcnetError("nothing was removed, there is no terminal to ask on; give --yes")
        try:
            answer = input(f"remove {_counted(chosen)}, {megabytes(sum(e.size for e in chosen))}? [y/N] ")
        except EOFError:
            return False
        return answer.strip().lower() in ("y", "yes")

    def _remove(self, root: Path, chosen: Sequence[Entry]) -> None:
        from fcnet.data.cache_folder import remove

        freed, failures = 0, []
        for entry in chosen:
            try:
                left = remove(root, entry)
            except OSError as error:
                failures.append(f"{shown(entry.path)} ({error.strerror or error})")
                continue
            freed += 0 if left else entry.size
            if left:
                tell(f"left {entry.path}: {left}", sys.stdout)
        print(f"freed {megabytes(freed)}")
        if failures:
            raise FcnetError(f"cannot remove {', '.join(failures)}, make its folder writable and try again")


def _entries(root: Path) -> list[Entry]:
    from fcnet.data.cache_folder import inventory

    if root.exists() and not root.is_dir():
        raise DataError(f"the cache {root} is not a folder, choose another with $FCNET_CACHE")
    try:
        return inventory(root)
    except OSError as error:
        where = shown(error.filename or root)
        raise DataError(
            f"cannot read {where} in the cache ({error.strerror or error}), "
            "make it readable or choose another cache with $FCNET_CACHE"
        ) from error


def _counted(entries: Sequence[Entry]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"


def _state(entry: Entry) -> str:
    if holder := entry.holder:
        return f"in use by {holder}"
    return entry.reason


def _print(entries: Sequence[Entry], root: Path) -> None:
    rows = []
    for entry in entries:
        lines = [entry.what, entry.path.relative_to(root)]
        lines += [state] if (state := _state(entry)) else []
        used = time.strftime("%Y-%m-%d", time.localtime(entry.used)) if entry.used else ""
        rows.append([megabytes(entry.size), used, lines])
    if rows:
        print_table(("size", "last used", "what"), rows, right=("size",))


def _as_json(entry: Entry) -> dict[str, object]:
    used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.used)) if entry.used else None
    return {
        "path": str(entry.path),
        "kind": entry.kind,
        "what": entry.what,
        "bytes": entry.size,
        "last_used": used,
        "in_use_by": entry.holder or None,
        "stale": entry.reason or None,
    }

"""Where CIFAR-10 is looked for, in order, and what counts as having found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fcnet.data.published import ARCHIVE, FILES, FOLDER
from fcnet.errors import DataError


@dataclass(frozen=True)
class Found:
    """A copy: a folder with the seven files, or else the archive, which has yet to be opened."""

    folder: Path | None = None
    archive: Path | None = None


@dataclass(frozen=True)
class Place:
    """A folder to look in; `named_by` is the option or variable by which the user chose it, or empty."""

    path: Path
    named_by: str = ""


def cache_root() -> Path:
    """The folder of what can be fetched or computed again: `$FCNET_CACHE`, or the system's place for it."""
    if chosen := os.environ.get("FCNET_CACHE"):
        return expanded(Path(chosen), "$FCNET_CACHE")
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("fcnet"))


def chosen_place(data: Path | None) -> Place | None:
    """The one folder that the user named, by `--data` or else `$FCNET_DATA`."""
    if data is not None:
        return Place(expanded(data, "--data"), "--data")
    if named := os.environ.get("FCNET_DATA"):
        return Place(expanded(Path(named), "$FCNET_DATA"), "$FCNET_DATA")
    return None


def places(data: Path | None = None) -> list[Place]:
    """The folders to look in, in order: the one that the user named, or else the usual ones."""
    if chosen := chosen_place(data):
        return [chosen]
    return [Place(Path("data")), Place(Path("datasets")), Place(cache_root())]


def find(data: Path | None = None) -> Found | None:
    """Look for CIFAR-10.

    Parameters
    ----------
    data : the user's `--data`: the folder `cifar-10-batches-py`, one that holds it, one that holds the
        archive, or the archive

    Returns
    -------
    Found : the first copy, or None where the usual places hold none

    Raises
    ------
    DataError : the folder that the user named, by `--data` or `$FCNET_DATA`, is missing or holds no CIFAR-10
    """
    for place in places(data):
        if found := look(place.path):
            return found
        if place.named_by:
            raise DataError(_nothing(place))
    return None


def look(path: Path) -> Found | None:
    """Return the copy that `path` is or holds, if any."""
    if is_file(path):
        return Found(archive=path)
    for folder in candidates(path):
        if is_complete(folder):
            return Found(folder=folder)
    if is_file(path / ARCHIVE):
        return Found(archive=path / ARCHIVE)
    return None


def candidates(path: Path) -> Iterator[Path]:
    """The folders that may hold the seven files, given what the user may have named."""
    yield path / FOLDER
    yield path


def is_complete(folder: Path) -> bool:
    """Whether all seven files are there."""
    return all(is_file(folder / name) for name in FILES)


def is_file(path: Path) -> bool:
    """Whether a path is a file, or a link to one, that this user can reach."""
    try:
        return path.is_file()
    except OSError:  # no permission to look, a name that is too long, a link to itself
        return False


def expanded(path: Path, named_by: str) -> Path:
    """Replace a leading `~` by the home folder.

    Raises
    ------
    DataError : `PATH (NAMED_BY) begins with an unknown user, ...`
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise DataError(f"{path} ({named_by}) begins with an unknown user, write the path in full") from error


def _nothing(place: Place) -> str:
    try:
        place.path.stat()
    except FileNotFoundError:
        return (
            f"{place.path} ({place.named_by}) does not exist, name a folder that holds {FOLDER} or {ARCHIVE}"
        )
    except OSError as error:
        return f"{place.path} ({place.named_by}) cannot be read ({error.strerror}), name another folder"
    for folder in candidates(place.path):
        missing = [name for name in FILES if not is_file(folder / name)]
        if 0 < len(missing) < len(FILES):
            return f"{folder} ({place.named_by}) lacks {', '.join(missing)}, put that back or fetch all again"
    return (
        f"{place.path} ({place.named_by}) holds no CIFAR-10, name a folder that holds {FOLDER} or {ARCHIVE}, "
        f"or fill it: fcnet data fetch --data {place.path}"
    )

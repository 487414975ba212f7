"""The places to look for data sets, in order, and the search itself."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fcnet.data.datasets import DATASETS, DEFAULT
from fcnet.data.published import Published, is_file
from fcnet.errors import DataError


@dataclass(frozen=True)
class Found:
    """A copy of a data set: a folder with its files, or else its archive, which has yet to be opened."""

    about: Published
    path: Path

    @property
    def packed(self) -> bool:
        """Whether it is the archive."""
        return not self.path.is_dir()


@dataclass(frozen=True)
class Place:
    """A folder to look in; `named_by` is the option or variable by which the user chose it, or empty."""

    path: Path
    named_by: str = ""


def cache_root() -> Path:
    """The user's cache folder: `$FCNET_CACHE`, or the system's folder for caches.

    For a user without a home folder, as in containers, it is among the temporary files.
    """
    if chosen := os.environ.get("FCNET_CACHE"):
        return expanded(Path(chosen), "$FCNET_CACHE")
    if os.path.expanduser("~").startswith("~"):  # noqa: PTH111  a user id without an entry, and no HOME
        return _temporary_cache()
    from platformdirs import user_cache_dir

    try:
        return Path(user_cache_dir("fcnet"))
    except RuntimeError as error:  # neither $HOME nor an entry in the system's list of users
        raise DataError("no home folder is known for the cache, set FCNET_CACHE to a folder") from error


def _temporary_cache() -> Path:
    """A folder among the temporary files that is this user's.

    Raises
    ------
    DataError : it is another user's
    """
    user = os.getuid()
    folder = Path(tempfile.gettempdir()) / f"fcnet-{user}"
    if os.path.lexists(folder) and folder.lstat().st_uid != user:
        raise DataError(f"{folder} belongs to another user, name a folder for the cache with $FCNET_CACHE")
    return folder


def chosen_place(data: Path | None) -> Place | None:
    """The one folder that the user named, by `--data` or else `$FCNET_DATA`."""
    by, path = ("--data", data) if data is not None else ("$FCNET_DATA", os.environ.get("FCNET_DATA"))
    return Place(expanded(Path(path), by), by) if path else None


def places(data: Path | None = None) -> list[Place]:
    """The folders to look in, in order: the one that the user named, or else the usual ones."""
    if chosen := chosen_place(data):
        return [chosen]
    return [Place(Path("data")), Place(Path("datasets")), Place(cache_root())]


def find(data: Path | None = None, about: Published | None = None) -> Found | None:
    """Look for a data set.

    Parameters
    ----------
    data : the user's `--data`: the folder of the files, one that holds it, one that holds the archive, or
        the archive
    about : the data set; None for any that a named folder holds, and for CIFAR-10 in the usual places

    Returns
    -------
    Found : the first copy, or None where the usual places hold none

    Raises
    ------
    DataError : the folder that the user named, by `--data` or `$FCNET_DATA`, is missing or holds no data set
    """
    for place in places(data):
        wanted = [about] if about else list(DATASETS.values()) if place.named_by else [DATASETS[DEFAULT]]
        if found := look(place.path, wanted):
            return found
        if place.named_by:
            raise DataError(_nothing(place, about or DATASETS[DEFAULT]))
    return None


def look(path: Path, wanted: Iterable[Published]) -> Found | None:
    """Return the copy of one of the data sets that `path` is or holds, if any."""
    with_files = [about for about in wanted if about.files]
    if is_file(path):
        named = [about for about in with_files if about.archive and about.archive.name == path.name]
        archives = named or [about for about in with_files if about.archive]
        return Found(archives[0], path) if archives else None
    for about in with_files:
        for folder in candidates(path, about):
            if about.is_complete(folder):
                return Found(about, folder)
        if about.archive and is_file(path / about.archive.name):
            return Found(about, path / about.archive.name)
    return None


def candidates(path: Path, about: Published) -> Iterator[Path]:
    """The folders that may hold the files, given what the user may have named."""
    yield path / about.folder
    yield path


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


def _nothing(place: Place, about: Published) -> str:
    from shlex import quote

    try:
        place.path.stat()
        if place.path.is_dir():
            next(place.path.iterdir(), None)
    except FileNotFoundError:
        by_name = f", or a data set: {', '.join(DATASETS)}" if place.path.name == str(place.path) else ""
        wanted = f"name a folder that holds {about.holders}{by_name}"
        return f"{place.path} ({place.named_by}) does not exist, {wanted}"
    except OSError as error:
        return f"{place.path} ({place.named_by}) cannot be read ({error.strerror}), name another folder"
    for folder in candidates(place.path, about):
        missing = [name for name in about.files if not is_file(folder / name)]
        if 0 < len(missing) < len(about.files):
            return f"{folder} ({place.named_by}) lacks {', '.join(missing)}, restore that or fetch all again"
    name = next((name for name, known in DATASETS.items() if known.title == about.title), DEFAULT)
    option = "" if name == DEFAULT else f" --name {name}"
    return (
        f"{place.path} ({place.named_by}) holds no {about.title}, name a folder that holds {about.holders}, "
        f"or fill it: fcnet data fetch{option} --data {quote(str(place.path))}"
    )

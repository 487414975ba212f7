"""The one way in: a data set by its name, a copy of it in a folder, or a user's own pictures and arrays."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

from fcnet.data.cache import MANIFEST, cached, ensured, home, kept, written
from fcnet.data.dataset import DataOptions, Dataset, content_hash, given
from fcnet.data.datasets import DATASETS, DEFAULT
from fcnet.data.disk import disk_error
from fcnet.data.find import Found, cache_root, expanded, find, look, places
from fcnet.data.published import Progress, Published
from fcnet.data.readable import known, read
from fcnet.data.stamp import state_of
from fcnet.errors import DataError
from fcnet.extension import program

log = logging.getLogger(__name__)

UNAVAILABLE = "CIFAR-10 is not available"
"""Stands beside every number of the digits that were used instead."""


Showing = Callable[[Literal["files", "bytes"]], AbstractContextManager[Progress | None]]
"""Shows what takes long, counted in files or in bytes; it is entered when that begins."""


def unshown(unit: str) -> AbstractContextManager[None]:
    """Show nothing."""
    return nullcontext()


def load(asked: DataOptions | None = None, *, own: bool = True, shown: Showing = unshown) -> Dataset:
    """Load what a user asks for; without `--data` CIFAR-10, fetched if need be, or else the digits.

    Parameters
    ----------
    asked : the data, and how they are to be read
    own : whether a user's own data will do
    shown : shows how much is fetched or read

    Returns
    -------
    Dataset : uint8 images, mapped from disk and read-only; or `digits` with the reason in `origin.note`

    Raises
    ------
    DataError : what was named holds no data, is damaged, or cannot be fetched; the disk is full
    """
    asked = asked or DataOptions()
    path = expanded(asked.data, "--data") if asked.data is not None else None
    about = known(str(path)) if path is not None and not path.exists() else None
    if path is not None and about is None and own and not path.exists():
        raise _nowhere(path)
    if path is not None and about is None and own:
        from fcnet.data.own.load import kind_of, load_own

        if kind_of(path):
            if asked.require_cifar10:
                both = f"--require-cifar10, and --data names other data, {path}"
                raise DataError(f"{both}; leave out one of them")
            with shown("files") as progress:
                return load_own(path, asked, progress)
    if given(asked).keys() - {"data", "require_cifar10"}:
        from fcnet.data.own.load import check_options

        check_options(asked, None, "name one with --data")
    return _load_published(None if about else path, about, asked.require_cifar10, shown)


def _nowhere(path: Path) -> DataError:
    """The error about `--data` that is neither a path nor a data set, with the likeliest advice."""
    from difflib import get_close_matches
    from shlex import quote

    if close := get_close_matches(str(path).lower()[:80], DATASETS, n=1):
        advice = f"do you mean {close[0]}? Otherwise "
    elif path.suffix:  # a file, and a sample is a folder
        advice = ""
    else:
        advice = f"draw a sample with: fcnet data sample {quote(str(path))}; or "
    return DataError(
        f"{path} (--data) does not exist, {advice}name a folder of pictures by class, an .npz file of X and "
        f"y, a table (.csv, .parquet), or a data set: {', '.join(DATASETS)}"
    )


def _load_published(path: Path | None, about: Published | None, required: bool, shown: Showing) -> Dataset:
    if about is not None and not about.files:
        return read(about, Path())
    if found := _find_named(path, about):
        return load_folder(folder_of(found), found.about)
    from fcnet.data.download import UnavailableError
    from fcnet.data.fetch import fetch

    wanted = about or DATASETS[DEFAULT]
    try:
        with shown("bytes") as progress:
            return load_folder(fetch(wanted, cache_root(), progress=progress), wanted)
    except UnavailableError as error:
        if required or about is not None:
            raise
        log.info("%s", error)
        from fcnet.data.digits import load_digits

        return load_digits(UNAVAILABLE)


def _find_named(path: Path | None, about: Published | None) -> Found | None:
    """A copy; where a data set is asked for by its name, `$FCNET_DATA` need not be its folder."""
    try:
        return find(path, about)
    except DataError:
        if about is None:
            raise
        return look(cache_root(), [about])


def load_known(title: str, data: Path | None = None) -> Dataset:
    """Load the data set that a record calls `title`, from the first copy that is found, without the network.

    Parameters
    ----------
    data : the folder to look in, and no other; None for `$FCNET_DATA`, or else the usual places

    Raises
    ------
    DataError : it is not known, there is no copy, or it is damaged
    """
    from fcnet.data.datasets import titled

    about = titled(title)
    return load_folder(folder_of(require(data, about)), about) if about.files else read(about, Path())


def require(data: Path | None = None, about: Published | None = None) -> Found:
    """Find a copy, as `find` does, and insist.

    Raises
    ------
    DataError : there is none
    """
    found = find(data, about)
    if found is None:
        about = about or DATASETS[DEFAULT]
        name = next((name for name, known in DATASETS.items() if known.title == about.title), "")
        looked = ", ".join(str(place.path) for place in places(data))
        how = f"{program()} data fetch" + (f" --name {name}" if name != DEFAULT else "")
        raise DataError(f"no {about.title} in {looked}, fetch it with: {how}, or name its folder with --data")
    return found


def folder_of(found: Found, every_byte: bool = False) -> Path:
    """Return the folder with the files; an archive is unpacked to the user's cache, once.

    The published files are in the cache already if an earlier start found them so; the archive then need only
    have its size, unless every byte of it is to be looked at.

    Raises
    ------
    DataError : as `fcnet.data.archive.extract`
    """
    published = found.about.archive
    if not found.packed or published is None:
        return found.path
    home = cache_root() / found.about.folder
    known = None if every_byte else kept_of(home, found.about)
    if known and known.origin.official and found.path.stat().st_size == published.size:
        return home
    from fcnet.data.archive import extract

    return extract(found.path, cache_root(), found.about)


def load_folder(folder: Path, about: Published) -> Dataset:
    """Read the files of a folder, or map what an earlier start kept of them.

    Raises
    ------
    DataError : the folder does not hold what it should
    """
    try:
        state = _state(folder, about)
    except OSError:
        return read(about, folder)  # which says in full what is missing
    return cached(_source(folder, about), state, lambda: read(about, folder))


def kept_of(folder: Path, about: Published) -> Dataset | None:
    """What an earlier start kept of a folder, if its files have not changed since; reads none of them."""
    try:
        return kept(home(_source(folder, about)), _state(folder, about))
    except OSError:
        return None


def verify(folder: Path, about: Published) -> tuple[Dataset, str]:
    """Read and hash a folder and the images kept of it; kept images that differ are written again.

    Returns
    -------
    dataset : as every later start loads it
    state : of the kept images: `intact`, `none yet, written now`, `damaged, written again`

    Raises
    ------
    DataError : a file is missing or damaged, or the cache cannot be written
    """
    try:
        before = _state(folder, about)
    except OSError:
        before = ""
    dataset, where = read(about, folder), home(_source(folder, about))
    found = kept(where, before)
    if found and content_hash(found.train, found.test) == found.origin.sha256 == dataset.origin.sha256:
        return found, "intact"
    state = "damaged, written again" if where.exists() else "none yet, written now"
    try:
        (where / MANIFEST).unlink(missing_ok=True)
        ensured(where, before, lambda: written(where, dataset))
    except OSError as error:
        raise disk_error(error, cache_root()) from error
    return load_folder(folder, about), state


def _source(folder: Path, about: Published) -> str:
    return f"{about.title}\0{folder.resolve()}"


def _state(folder: Path, about: Published) -> str:
    return state_of(folder / name for name in about.files)

"""The way in: CIFAR-10 from wherever it is, fetched if need be, or digits if it cannot be had."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.data.cache import load_folder
from fcnet.data.dataset import Dataset
from fcnet.data.find import Found, cache_root, find, places
from fcnet.data.published import CIFAR10, Published
from fcnet.errors import DataError

if TYPE_CHECKING:
    from fcnet.data.fetch import Progress

log = logging.getLogger(__name__)


def load_cifar10(data: Path | None = None, *, published: Published = CIFAR10) -> Dataset:
    """Load CIFAR-10 from the first copy that is found; never touches the network.

    Parameters
    ----------
    data : the folder to look in, and no other; None for `$FCNET_DATA`, or else `./data`, `./datasets` and
        the user's cache
    published : hashes and number of rows to hold the copy against

    Returns
    -------
    Dataset : train (50000, 3072) and test (10000, 3072) uint8, mapped from disk and read-only

    Raises
    ------
    DataError : there is no copy, or it is damaged
    """
    return load_found(require(data), published)


def require(data: Path | None = None) -> Found:
    """Find a copy, as `find` does, and insist.

    Raises
    ------
    DataError : there is none
    """
    found = find(data)
    if found is None:
        looked = ", ".join(str(place.path) for place in places(data))
        raise DataError(
            f"no CIFAR-10 in {looked}, fetch it with: fcnet data fetch, or name its folder with --data"
        )
    return found


def load_found(found: Found, published: Published = CIFAR10) -> Dataset:
    """Load the copy that was found, opening its archive first if that is all there is.

    Raises
    ------
    DataError : the copy is damaged
    """
    return load_folder(folder_of(found, published), published)


def folder_of(found: Found, published: Published = CIFAR10) -> Path:
    """Return the folder with the seven files; an archive is unpacked to the user's cache, once."""
    if found.folder is not None:
        return found.folder
    assert found.archive is not None
    from fcnet.data.archive import opened

    return opened(found.archive, cache_root(), published)


def load_or_fetch(
    data: Path | None = None,
    require_cifar10: bool = False,
    source: str | None = None,
    progress: Progress | None = None,
    *,
    published: Published = CIFAR10,
) -> Dataset:
    """Load CIFAR-10, fetching it if there is no copy; without network, load scikit-learn's digits instead.

    Parameters
    ----------
    data : the folder to look in, and no other; None for the usual places
    require_cifar10 : refuse rather than go on with digits
    source : the only address or path to fetch from; implies `require_cifar10`
    progress : called with a `Status` while fetching
    published : hashes and number of rows to hold the copy against

    Returns
    -------
    Dataset : `CIFAR-10`, or `digits` with the reason in `origin.note`

    Raises
    ------
    DataError : a folder that was named holds no CIFAR-10; a copy is damaged; the disk is full; or CIFAR-10
        cannot be had and is required
    """
    if found := find(data):
        return load_found(found, published)
    from fcnet.data.fetch import UnavailableError, fetch

    try:
        return load_folder(
            fetch(cache_root(), source=source, progress=progress, published=published), published
        )
    except UnavailableError as error:
        if require_cifar10 or source is not None:
            raise
        log.info("%s", error)
        from fcnet.data.digits import load_digits

        return load_digits("CIFAR-10 could not be had")

"""Fetches a published data set into a folder: one process at a time downloads, verifies and unpacks it."""

import logging
import os
from pathlib import Path

from fcnet.data.archive import check_there, extract, lock_of
from fcnet.data.disk import disk_error, require_space
from fcnet.data.download import Download, Pace, Source, UnavailableError
from fcnet.data.find import expanded
from fcnet.data.published import Progress, Published, Remote, is_file
from fcnet.data.transfer import without_user
from fcnet.errors import DataError
from fcnet.lock import Lock, waiting_for
from fcnet.wording import shown

log = logging.getLogger(__name__)


def fetch(
    about: Published,
    parent: Path,
    *,
    source: str | None = None,
    progress: Progress | None = None,
    pace: Pace | None = None,
) -> Path:
    """Bring a data set to `parent/FOLDER`.

    Parameters
    ----------
    about : the data set, with the size and hashes that its files must have
    parent : the folder to fill; made if need be
    source : the only address, or path of the archive, to take it from; None for the known mirrors
    progress : called with host, bytes done and bytes in all after each piece
    pace : minimum rate, timeouts and retries

    Returns
    -------
    Path : the folder with the official files

    Raises
    ------
    UnavailableError : no network, or no source delivers the files
    DataError : a full disk, an unwritable folder, a source that is a path and not the archive
    """
    target = parent / about.folder
    if about.is_complete(target):
        return target

    def tell(holder: str) -> None:
        log.warning("waiting for %s, which is fetching %s to the same folder", shown(holder), about.title)

    if source is not None and not is_url(source):
        return extract(local_archive(source, about), parent, about, tell)
    refuse_if_forbidden(about)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with waiting_for(lock_of(target), tell) as lock:
            if about.is_complete(target):  # by another process, while this one waited
                return target
            if about.archive and is_file(parent / about.archive.name):  # it belongs to the user, so it stays
                return extract(parent / about.archive.name, parent, about, lock=lock)
            _bring(about, parent, lock, source, progress, pace or Pace())
    except OSError as error:
        raise disk_error(error, target) from error
    return target


def _bring(
    about: Published, parent: Path, lock: Lock, source: str | None, progress: Progress | None, pace: Pace
) -> None:
    """Download what is missing."""
    into = parent if about.archive else parent / about.folder
    if about.archive:  # or the end would be that it cannot be unpacked there
        check_there(parent / about.folder, about)
    into.mkdir(exist_ok=True)
    parts = {remote: _part(into / remote.name, lock) for remote in about.remotes}
    missing = {remote: part for remote, part in parts.items() if not is_file(into / remote.name)}
    left = sum(
        max(remote.size - (part.stat().st_size if part.exists() else 0), 0)
        for remote, part in missing.items()
    )
    require_space(parent, left + about.unpacked, about.title)
    for remote, part in missing.items():
        sources = [Source(url) for url in _addresses(about, remote, source)]
        Download(remote, about.title, part, sources, pace, progress).run()
        if about.archive:
            extract(part, parent, about, lock=lock)
            part.unlink()
        else:
            part.rename(into / remote.name)


def _part(path: Path, lock: Lock) -> Path:
    """The partial file, of this process alone where there are no locks."""
    own = "" if lock.works else f".{os.getpid()}"
    return path.with_name(f"{path.name}{own}.part")


def _addresses(about: Published, remote: Remote, source: str | None) -> tuple[str, ...]:
    """The sources of a file; for several files, a user's source is the folder that holds them."""
    if source is None:
        return remote.sources
    return (source if about.archive else f"{source.rstrip('/')}/{remote.name}",)


def refuse_if_forbidden(about: Published) -> None:
    """Require that `$FCNET_OFFLINE` does not forbid the network.

    Raises
    ------
    UnavailableError : it does
    """
    if os.environ.get("FCNET_OFFLINE", "0") not in ("", "0"):
        raise UnavailableError(
            f"FCNET_OFFLINE is set and there is no {about.title}, "
            "unset it or give a copy with --data or --source"
        )


def is_url(source: str) -> bool:
    """Whether a source is an address and not a path.

    Raises
    ------
    DataError : an address that is neither http nor https
    """
    scheme, colon, _ = source.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        raise DataError(
            f"--source {without_user(source)} is neither http nor https, "
            "give such an address or the archive's path"
        )
    return bool(colon)


def local_archive(source: str, about: Published) -> Path:
    """Return the archive that a path names, or that lies in the folder that it names.

    Raises
    ------
    DataError : there is none
    """
    if about.archive is None:
        raise DataError(
            f"{about.title} is not an archive, give the folder of its files with --data instead of --source"
        )
    named = expanded(Path(source), "--source")
    path = next((p for p in (named, named / about.archive.name) if is_file(p)), None)
    if path is None:
        raise DataError(
            f"--source {source} is not an archive and holds no {about.archive.name}, give the path of one"
        )
    return path

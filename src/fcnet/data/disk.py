"""Space and errors of the disk that data are written to."""

import errno
import shutil
from pathlib import Path

from fcnet.errors import DataError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def disk_error(error: OSError, path: Path, kept: str = "", ways: str = "--data or $FCNET_CACHE") -> DataError:
    """Say in one line why `path` could not be written.

    Parameters
    ----------
    error : what the operating system reported
    path : what was being written
    kept : the part that is kept, for a user whose disk is full, e.g. `the first 12 MB are kept`
    ways : how the user chooses another folder
    """
    if error.errno in FULL:
        return DataError(
            f"no space left for {path}, free some or choose another folder with {ways}"
            + (f" ({kept})" if kept else "")
        )
    return DataError(
        f"cannot write {path} ({error.strerror or error}), "
        f"make its folder writable or choose another with {ways}"
    )


def require_space(folder: Path, size: int, title: str, ways: str = "--data or $FCNET_CACHE") -> None:
    """Require `size` free bytes before a work that would fail after minutes.

    `ways` says how the user chooses another folder.

    Raises
    ------
    DataError : `no space left for ...`
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"no space left for {title} in {folder}: {size / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free, "
            f"free some or choose another folder with {ways}"
        )

"""Opens a published archive: its hash first, then the expected files and nothing else."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from fcnet.data.disk import disk_error
from fcnet.data.published import Published, Remote, hash_like, is_file
from fcnet.errors import DataError
from fcnet.files import new_file, open_plain, remove_leftovers
from fcnet.lock import Lock, waiting_for

MEBIBYTE = 1 << 20
ADVICE = "put the published one in its place, or move it away and run: fcnet data fetch"


def extract(
    archive: Path,
    parent: Path,
    about: Published,
    tell: Callable[[str], object] = lambda holder: None,
    lock: Lock | None = None,
) -> Path:
    """Verify the archive and write its files to `parent/FOLDER`.

    Files that are there already are left as they are. Each new one is written whole or not at all, so that
    the next process completes what a killed one left.

    Parameters
    ----------
    archive : the published archive
    parent : where the folder goes
    about : the data set, with the size and hashes of its archive
    tell : called with the name of another process that is working there
    lock : the one of this folder, see `lock_of`, if the caller holds it

    Returns
    -------
    Path : the folder

    Raises
    ------
    DataError : the file is not the published one, a file that is in the folder is not, or the disk is full
    """
    assert about.archive is not None
    target = parent / about.folder
    try:
        with open_plain(archive) as file:
            if problem := remote_problem(file, about.archive):
                raise DataError(f"{archive} is not the published archive: {problem}; {ADVICE}")
            file.seek(0)
            try:
                parent.mkdir(parents=True, exist_ok=True)
                with nullcontext(lock) if lock else waiting_for(lock_of(target), tell) as held:
                    if held.works:
                        remove_leftovers(target, (*about.files, *about.also))
                    check_there(target, about)
                    if not about.is_complete(target):
                        _unpack(file, archive, target, about)
            except OSError as error:
                raise disk_error(error, target) from error
    except OSError as error:
        raise DataError(f"cannot read {archive} ({error.strerror or error}), {ADVICE}") from error
    return target


def lock_of(target: Path) -> Path:
    """The file that a process locks which fills the folder of a data set."""
    return target.with_name(f".{target.name}.lock")


def remote_problem(file: BinaryIO, remote: Remote) -> str:
    """The difference of `file` from the published one, by size and hash; empty if there is none."""
    size = file.seek(0, 2)
    if size != remote.size:
        return f"it has {size} bytes instead of {remote.size}"
    file.seek(0)
    found = hash_like(remote.sha256, file)
    return "" if found == remote.sha256 else f"its sha256 is {found} instead of {remote.sha256}"


def check_there(target: Path, about: Published) -> None:
    """Make sure that the files that a folder has already are the published ones.

    Raises
    ------
    DataError : `FILE is there and is not the published file, ...`
    OSError : one cannot be read
    """
    for name in filter(lambda name: is_file(target / name), about.files):
        with open_plain(target / name) as there:
            if hash_like(about.files[name], there) != about.files[name]:
                where = target / name
                raise DataError(
                    f"{where} is there and is not the published file, move {target} away and try again"
                )


def _unpack(file: BinaryIO, archive: Path, target: Path, about: Published) -> None:
    """Write known members as plain files of ours; the hash has said that the archive is the published one."""
    wanted = {
        f"{about.folder}/{name}": target / name
        for name in (*about.files, *about.also)
        if not is_file(target / name)
    }
    try:
        with tarfile.open(fileobj=file, mode="r|gz") as tar:
            for member in tar:
                if member.isreg() and member.name in wanted and (source := tar.extractfile(member)):
                    with source, new_file(wanted[member.name]) as new:
                        shutil.copyfileobj(source, new, MEBIBYTE)
        if missing := [name for name in about.files if not is_file(target / name)]:
            raise DataError(f"it lacks {', '.join(missing)}")
    except (DataError, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{archive} cannot be unpacked: {error}; {ADVICE}") from error

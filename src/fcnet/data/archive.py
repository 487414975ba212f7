"""Opens a published archive: its hash first, then the expected files and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcnet.data.disk import disk_error
from fcnet.data.published import Published, Remote, hash_like
from fcnet.data.stamp import stamp
from fcnet.errors import DataError
from fcnet.files import open_plain, read_plain, write_atomically
from fcnet.lock import waiting_for

MEBIBYTE = 1 << 20
ADVICE = "put the published one in its place, or move it away and run: fcnet data fetch"


def extract(
    archive: Path, parent: Path, about: Published, tell: Callable[[str], object] = lambda holder: None
) -> Path:
    """Verify the archive and write its files to `parent/FOLDER`.

    Parameters
    ----------
    archive : the published archive
    parent : where the folder goes; a complete one that is there already is left as it is, an incomplete
        one is put aside
    about : the data set, with the size and hashes of its archive
    tell : called with the name of another process that is working there

    Returns
    -------
    Path : the folder

    Raises
    ------
    DataError : the file is not the published one, the archive has unexpected content, or the disk is full
    """
    assert about.archive is not None
    try:
        with open_plain(archive) as file:
            if problem := remote_problem(file, about.archive):
                raise DataError(f"{archive} is not the published archive: {problem}; {ADVICE}")
            file.seek(0)
            return _write_folder(file, archive, parent / about.folder, about, tell)
    except OSError as error:
        raise DataError(f"cannot read {archive} ({error.strerror or error}), {ADVICE}") from error


def opened(archive: Path, root: Path, about: Published) -> Path:
    """Return the folder of an archive, unpacked below `root` at the first call and found there at the next.

    Parameters
    ----------
    archive : the published archive, which stays as it is
    root : the user's cache
    about : the data set

    Raises
    ------
    DataError : as `extract` does
    """
    home = root / "opened" / hashlib.sha256(os.fsencode(archive.resolve())).hexdigest()[:16]
    now = json.dumps([str(archive.resolve()), *stamp(archive.stat())])
    try:
        if (
            about.is_complete(home / about.folder)
            and read_plain(home / "archive.json", MEBIBYTE) == now.encode()
        ):
            return home / about.folder
    except OSError:  # nothing there yet
        pass
    folder = extract(archive, home, about)
    write_atomically(home / "archive.json", now)
    return folder


def remote_problem(file: BinaryIO, remote: Remote) -> str:
    """The difference of `file` from the published one, by size and hash; empty if there is none."""
    size = file.seek(0, 2)
    if size != remote.size:
        return f"it has {size} bytes instead of {remote.size}"
    file.seek(0)
    found = hash_like(remote.sha256, file)
    return "" if found == remote.sha256 else f"its sha256 is {found} instead of {remote.sha256}"


def _write_folder(
    file: BinaryIO, archive: Path, target: Path, about: Published, tell: Callable[[str], object]
) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with waiting_for(target.parent / f".{target.name}.lock", tell) as lock:
            if about.is_complete(target):
                return target
            if lock.works:
                _remove_leftovers(target)
            with _new_folder(target) as temporary:
                _unpack(file, archive, temporary, about)
    except OSError as error:
        if not about.is_complete(target):  # without locks, another process may have been quicker
            raise disk_error(error, target) from error
    return target


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Provide a temporary folder beside `target` that takes its name once the block has succeeded.

    What stood at `target` before is kept under a new name beside it; after a failure nothing new is left.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.tmp-", dir=target.parent))
    try:
        temporary.chmod(0o755)
        yield temporary
        for path in temporary.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())  # so that a power cut cannot leave it empty
        if target.exists():
            aside = (target.with_name(f"{target.name}.old-{k}") for k in range(1, 1000))
            target.rename(next(path for path in aside if not path.exists()))
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary folders for `target` that killed processes left; the caller holds the lock."""
    for left in target.parent.glob(f".{target.name}.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to yield more than `limit` bytes, whatever the headers ask for."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        super().__init__()
        self.file, self.left = file, limit

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        if size > self.left:
            raise DataError("it unpacks to far more than the published one")
        data = self.file.read(size)
        self.left -= len(data)
        return data


def _unpack(file: BinaryIO, path: Path, folder: Path, about: Published) -> None:
    limit = 2 * about.unpacked + 100 * MEBIBYTE // 16
    try:
        with (
            gzip.GzipFile(fileobj=file) as plain,
            tarfile.open(fileobj=_Bounded(plain, limit), mode="r|") as tar,
        ):
            for member in tar:
                _unpack_member(tar, member, folder, about)
        if missing := [name for name in about.files if not (folder / name).is_file()]:
            raise DataError(f"it lacks {', '.join(missing)}")
    except (DataError, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be unpacked: {error}; {ADVICE}") from error


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, about: Published) -> None:
    """Write one member as a plain file; its owner, mode, time and links are ignored."""
    if member.isdir() and member.name == about.folder:
        return
    parent, _, name = member.name.rpartition("/")
    known = name in about.files or name in about.also
    if parent != about.folder or not known or not member.isreg() or member.issparse():
        raise DataError(f"it holds {member.name!r:.80}, which the published archive does not")
    if (folder / name).exists():
        raise DataError(f"it holds {member.name} twice")
    if member.size > about.unpacked + MEBIBYTE:
        raise DataError(f"{member.name} has {member.size} bytes, far more than the published one")
    source = tar.extractfile(member)
    if source is None:
        raise DataError(f"{member.name} has no content")
    with source, (folder / name).open("xb") as target:
        shutil.copyfileobj(source, target, MEBIBYTE)

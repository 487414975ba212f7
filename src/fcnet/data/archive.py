"""Opens the published archive: its hash first, then the eight expected files and nothing else."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import BinaryIO

from fcnet.data.files import disk_error, locked, new_folder, remove_leftovers
from fcnet.data.find import is_complete
from fcnet.data.published import CIFAR10, FOLDER, MEMBERS, ArchiveSpec, Published
from fcnet.errors import DataError
from fcnet.files import new_file

MEBIBYTE = 1 << 20
ADVICE = "put the published one in its place, or move it away and run: fcnet data fetch"


def extract(archive: Path, parent: Path, published: Published = CIFAR10) -> Path:
    """Verify the archive and write its eight files to `parent/cifar-10-batches-py`.

    Parameters
    ----------
    archive : the published `cifar-10-python.tar.gz`
    parent : where the folder goes; a complete one that is there already is left as it is, an incomplete
        one is put aside
    published : size and hashes that the archive must have

    Returns
    -------
    Path : the folder

    Raises
    ------
    DataError : another file than the published one, an archive with anything unexpected in it, a full disk
    """
    try:
        with archive.open("rb") as file:
            if problem := archive_problem(file, published.archive):
                raise DataError(f"{archive} is not the published archive: {problem}; {ADVICE}")
            file.seek(0)
            return _write_folder(file, archive, parent / FOLDER, published)
    except OSError as error:
        raise DataError(f"cannot read {archive} ({error.strerror or error}), {ADVICE}") from error


def opened(archive: Path, root: Path, published: Published = CIFAR10) -> Path:
    """Return the folder of an archive, unpacked below `root` at the first call and found there at the next.

    Parameters
    ----------
    archive : the published archive, which stays as it is
    root : the user's cache
    published : size and hashes that the archive must have

    Returns
    -------
    Path : the folder `cifar-10-batches-py`

    Raises
    ------
    DataError : as `extract` does
    """
    import hashlib

    home = root / "opened" / hashlib.sha256(os.fsencode(archive.resolve())).hexdigest()[:16]
    stamp = home / "archive.json"
    state = archive.stat()
    now = json.dumps([str(archive.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns])
    if is_complete(home / FOLDER) and stamp.is_file() and stamp.read_text("utf-8") == now:
        return home / FOLDER
    folder = extract(archive, home, published)
    with new_file(stamp) as file:
        file.write(now.encode())
    return folder


def archive_problem(file: BinaryIO, spec: ArchiveSpec) -> str:
    """Say what tells `file` from the published archive, by size, md5 and sha256; empty if nothing does."""
    import hashlib

    size = file.seek(0, 2)
    if size != spec.size:
        return f"it has {size} bytes instead of {spec.size}"
    file.seek(0)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    while chunk := file.read(MEBIBYTE):
        md5.update(chunk)
        sha256.update(chunk)
    if md5.hexdigest() != spec.md5:
        return f"its md5 is {md5.hexdigest()} instead of {spec.md5}"
    if sha256.hexdigest() != spec.sha256:
        return f"its sha256 is {sha256.hexdigest()} instead of {spec.sha256}"
    return ""


def _write_folder(file: BinaryIO, archive: Path, target: Path, published: Published) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f".{FOLDER}.lock") as alone:
            if is_complete(target):
                return target
            if alone:
                remove_leftovers(target)
            with new_folder(target) as temporary:
                _unpack(file, archive, temporary, published.batch_limit)
    except OSError as error:
        if not is_complete(target):  # unless another process was quicker, where there are no locks
            raise disk_error(error, target) from error
    return target


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to yield more than `limit` bytes, whatever the headers ask for."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        super().__init__()
        self.file, self.left = file, limit

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        if size > self.left:
            raise DataError("it unpacks to far more than CIFAR-10")
        data = self.file.read(size)
        self.left -= len(data)
        return data


def _stream(plain: gzip.GzipFile, limit: int) -> tarfile.TarFile:
    return tarfile.open(fileobj=_Bounded(plain, limit), mode="r|")


def _unpack(file: BinaryIO, path: Path, folder: Path, member_limit: int) -> None:
    limit = len(MEMBERS) * member_limit + MEBIBYTE
    try:
        with gzip.GzipFile(fileobj=file) as plain, _stream(plain, limit) as tar:
            for member in tar:
                _unpack_member(tar, member, folder, member_limit)
        if missing := [name for name in MEMBERS if not (folder / name).is_file()]:
            raise DataError(f"it lacks {', '.join(missing)}")
    except (DataError, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be unpacked: {error}; {ADVICE}") from error


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, limit: int) -> None:
    """Write one member as a plain file of ours; its owner, mode, time and links are never looked at."""
    if member.isdir() and member.name == FOLDER:
        return
    parent, _, name = member.name.rpartition("/")
    if parent != FOLDER or name not in MEMBERS or not member.isreg() or member.issparse():
        raise DataError(f"it holds {member.name!r:.80}, which the published archive does not")
    if (folder / name).exists():
        raise DataError(f"it holds {member.name} twice")
    if member.size > limit:
        raise DataError(f"{member.name} has {member.size} bytes, far more than the published one")
    source = tar.extractfile(member)
    if source is None:
        raise DataError(f"{member.name} has no content")
    with source, (folder / name).open("xb") as target:
        shutil.copyfileobj(source, target, MEBIBYTE)

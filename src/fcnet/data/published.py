"""Descriptions of data sets: their sources, files and hashes, and how to read them.

Everything that finds, fetches, verifies or reads a data set takes a `Published`. `fcnet.data.datasets` lists
those that are known by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fcnet.errors import DataError
from fcnet.extension import broken
from fcnet.files import read_plain

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset


Progress = Callable[[str, int, int], object]
"""Called with what is being done or who sends it, and how many files or bytes of how many are done."""


@dataclass(frozen=True)
class Remote:
    """A file as it is published.

    name : of the file
    size : in bytes
    sha256 : hash in hexadecimal
    sources : addresses of byte-identical copies, in the order in which they are tried
    """

    name: str
    size: int
    sha256: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """A data set that is known by name; each kind of files is a subclass that can read them.

    title : as printed beside every number, e.g. `CIFAR-10`
    classes : names of the K classes
    image_shape : (channels, height, width)
    folder : name of the folder that holds the files, in a place where data sets lie
    files : published hash, md5 or sha256, of each file that is read; empty where none is looked for
    also : further files that the archive may hold
    remotes : what can be fetched: one archive of `files`, or the files themselves
    unpacked : about how many bytes the files take outside the archive
    """

    title: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    folder: str = ""
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    also: tuple[str, ...] = ()
    remotes: tuple[Remote, ...] = ()
    unpacked: int = 0

    @property
    def archive(self) -> Remote | None:
        """The one archive that holds the files, if they are published so."""
        packed = [remote for remote in self.remotes if remote.name not in self.files]
        return packed[0] if packed else None

    @property
    def holders(self) -> str:
        """The required content of a folder, for messages."""
        return f"{self.folder} or {self.archive.name}" if self.archive else self.folder

    @property
    def advice(self) -> str:
        """The advice for a damaged file."""
        return "replace it by the published file, or remove its folder and run: fcnet data fetch"

    def is_complete(self, folder: Path) -> bool:
        """Whether a folder holds the files of this data set."""
        return all(is_file(folder / name) for name in self.files)

    def read(self, folder: Path) -> Dataset:
        """Read and check all files of a folder.

        Raises
        ------
        DataError : a file is missing, unreadable, damaged, or has the wrong content
        """
        raise broken(f"the data set {self.title!r}", self, "lacks read(folder), define it")

    def content(self, path: Path, limit: int) -> bytes:
        """The bytes of one of the files, of which it has at most `limit`.

        Raises
        ------
        DataError : `cannot read PATH (REASON), ...`
        """
        try:
            return read_plain(path, limit)
        except OSError as error:
            raise DataError(f"cannot read {path} ({error.strerror or error}), {self.advice}") from error

    def note_on(
        self,
        folder: Path,
        hashes: Mapping[str, str],
        own: Iterable[str],
        note: str = "not the official files",
    ) -> str:
        """What must be known about a copy: nothing where every file is the published one, else `note`.

        Parameters
        ----------
        folder, hashes : the copy and the hash of each of its files
        own : the files that no other edition has in common with the published one

        Raises
        ------
        DataError : one of `own` is the published one beside files that are not, which is damage
        """
        other = [name for name in self.files if hashes[name] != self.files[name]]
        if other and any(hashes[name] == self.files[name] for name in own):
            same = f"{len(self.files) - len(other)} of {len(self.files)} files are the published ones"
            raise DataError(
                f"{folder / other[0]} is damaged: its hash is {hashes[other[0]]}, not "
                f"{self.files[other[0]]}, while {same}; {self.advice}"
            )
        return note if other else ""


def hash_like(published: str, content: bytes | BinaryIO) -> str:
    """The hash of a content in hexadecimal: md5 where the published one is an md5, else sha256.

    Parameters
    ----------
    published : the hash to compare with
    content : bytes, or a file opened for reading bytes
    """
    md5 = len(published) == 32
    digest = hashlib.md5(usedforsecurity=False) if md5 else hashlib.sha256()
    if isinstance(content, bytes):
        digest.update(content)
    else:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def is_file(path: Path) -> bool:
    """Whether a path is a regular file, or a link to one, that this user can reach."""
    try:
        return path.is_file()
    except OSError:  # no permission to look, a name that is too long, a link to itself
        return False

"""Zip files of people: each entry is checked before anything of it is written.

A zip says of itself how large it is and where its files go. None of that is believed: names are checked one
by one, links and encrypted files are refused, and bytes are counted as they come.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fcnet.errors import DataError

MOST_FILES, MOST_BYTES = 500, 32 << 20
"""Of one archive, unpacked."""

MOST_NAME = 200
"""Characters of one part of a name."""

IGNORED = {"__MACOSX", "__pycache__", ".git", ".ipynb_checkpoints", ".DS_Store"}

UTF8 = 0x800
ENCRYPTED = 0x1


def unpack(archive: Path, target: Path) -> None:
    """Write what a zip holds into a folder.

    Raises
    ------
    DataError : `NAME is REASON, WHAT TO DO`; nothing is left in `target` that is not inside it
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = checked(opened.infolist(), archive.name)
            room = MOST_BYTES
            for info, name in entries:
                room -= _write(opened, info, target / name, room, archive.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{archive.name} is damaged or no zip ({error}), ask for it again") from error
    except OSError as error:
        raise DataError(
            f"{archive.name} cannot be unpacked: {error.strerror or error}, unpack it by hand"
        ) from error


def checked(infos: list[zipfile.ZipInfo], archive: str) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files of an archive with where they go.

    Raises
    ------
    DataError : too many, a link, an encrypted file, or a name that leads out of the folder or is there twice
    """
    if len(infos) > 4 * MOST_FILES:
        raise DataError(f"{archive} has {len(infos):,} entries, {MOST_FILES} files are allowed")
    found: dict[str, tuple[zipfile.ZipInfo, PurePosixPath]] = {}
    for info in infos:
        name = place(info, archive)
        if info.is_dir() or name is None:
            continue
        mode = info.external_attr >> 16
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise DataError(f"{archive} holds {name}, which is a link or a device, ask for plain files")
        if info.flag_bits & ENCRYPTED:
            raise DataError(f"{archive} is encrypted, ask for it without a password")
        key = str(name).casefold()
        if key in found:
            raise DataError(f"{archive} holds {name} twice, ask for it again")
        found[key] = info, name
    if len(found) > MOST_FILES:
        raise DataError(f"{archive} holds {len(found):,} files, {MOST_FILES} are allowed")
    return list(found.values())


def place(info: zipfile.ZipInfo, archive: str) -> PurePosixPath | None:
    """Where an entry goes, None if nobody needs it.

    Raises
    ------
    DataError : out of the folder, or a name that a file cannot have
    """
    path = PurePosixPath(decoded(info).replace("\\", "/"))
    parts = path.parts
    if any(part in IGNORED for part in parts) or not parts:
        return None
    if path.is_absolute() or ".." in parts or ":" in parts[0]:
        raise DataError(f"{archive} holds {path}, which leads out of its folder, do not unpack it by hand")
    if any(len(part) > MOST_NAME or not part.isprintable() for part in parts) or len(parts) > 16:
        raise DataError(f"{archive} holds a name that is too long or not printable, ask for it again")
    return path


def decoded(info: zipfile.ZipInfo) -> str:
    """The name of an entry. Many programs write UTF-8 without saying so; Python then reads it as cp437."""
    if info.flag_bits & UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, room: int, archive: str) -> int:
    """Write one file; returns its size. What the archive says of the size is not asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with opened.open(info) as source, path.open("xb") as file:
        while part := source.read(1 << 16):
            size += len(part)
            if size > room:
                raise DataError(
                    f"{archive} has more than {MOST_BYTES >> 20} MB inside, ask for the code alone"
                )
            file.write(part)
    return size

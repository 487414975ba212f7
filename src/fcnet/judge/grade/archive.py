"""Zip files of people: each entry is checked before anything of it is written.

A zip says of itself how large it is and where its files go. None of that is believed: names are checked one
by one, links and encrypted files are refused, and bytes are counted as they come.
"""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fcnet.errors import DataError

MOST_FILES, MOST_BYTES = 500, 32 << 20
"""Of one archive, unpacked."""

COURSE_FILES, COURSE_BYTES = 20_000, 2 << 30
"""Of a whole course in one archive, whose submissions may be archives themselves."""

MOST_NAME = 200
"""Characters of one part of a name."""

IGNORED = {"__MACOSX", "__pycache__", ".git", ".ipynb_checkpoints", ".DS_Store"}

UTF8 = 0x800
ENCRYPTED = 0x1


def unpack(archive: Path, target: Path, files: int = MOST_FILES, size: int = MOST_BYTES) -> None:
    """Write what a zip holds into a folder.

    Parameters
    ----------
    archive, target : the zip and the folder
    files, size : files and bytes that are allowed

    Raises
    ------
    DataError : `NAME is REASON, WHAT TO DO`; nothing is left in `target` that is not inside it
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            room = size
            for info, name in checked(opened.infolist(), archive.name, files):
                written = _write(opened, info, target / name, room)
                if written > room:
                    raise DataError(
                        f"{archive.name} has more than {size >> 20} MB inside, ask for the code alone"
                    )
                room -= written
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{archive.name} is damaged or not a zip ({error}), ask for it again") from error
    except OSError as error:
        raise DataError(
            f"{archive.name} cannot be unpacked: {error.strerror or error}, unpack it by hand"
        ) from error


def checked(
    infos: list[zipfile.ZipInfo], archive: str, most: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files of an archive with where they go.

    Raises
    ------
    DataError : too many, a link, an encrypted file, or a name that leads out of the folder or is there twice
    """
    if len(infos) > 4 * most:
        raise DataError(f"{archive} has {len(infos):,} entries, {most} files are allowed")
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
    if len(found) > most:
        raise DataError(f"{archive} holds {len(found):,} files, {most} are allowed")
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


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, room: int) -> int:
    """Write one file up to a little more than `room`; returns its size, whatever the archive says of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with opened.open(info) as source, path.open("xb") as file:
        while size <= room and (part := source.read(min(1 << 16, room + 1 - size))):
            size += len(part)
            file.write(part)
    return size

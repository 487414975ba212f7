"""The one way to files: regular files alone are read, nothing is half-written, and nothing leaves its folder.

A folder that a process holds (`holding`) is reached through its open descriptor and no longer by its name. So
all that goes into it goes there, wherever it is moved meanwhile, and no folder inside it may be a link.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from fcnet.errors import RunError

RESTORE = "restore it or repeat the run"
REMEDY = "choose a folder with room and write permission"
AGAIN = "fix that and try again"
"""What errors tell the user to do."""

LEFTOVER = re.compile(r"\.(?P<name>.+)\.tmp-\d+-[0-9a-f]{8}")
"""The name of a temporary file of `new_file`."""

READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
"""How files are opened for reading, new files for writing, and folders."""

RELATIVE = os.open in os.supports_dir_fd
"""Whether names may be relative to an open folder. Windows has no such calls, and lets nobody move a folder
in which a file is open."""

_held: dict[Path, int] = {}
"""The folders that this process holds, by the names that they had, and their descriptors."""


@contextmanager
def os_errors_as(what: str, remedy: str) -> Iterator[None]:
    """A block in which an error of the system becomes one line.

    Raises
    ------
    RunError : `WHAT: REASON, REMEDY`
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"{what}: {error.strerror or error}, {remedy}") from error


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold a folder open during the block, so that everything in it is reached from there.

    Raises
    ------
    OSError : it is not a folder, or cannot be opened
    """
    if not RELATIVE:
        yield
        return
    name, descriptor = folder.absolute(), os.open(folder, FOLDER)
    before = _held.get(name)
    _held[name] = descriptor
    try:
        yield
    finally:
        _held.pop(name)
        if before is not None:
            _held[name] = before
        os.close(descriptor)


@contextmanager
def reached(path: Path, make: bool = False) -> Iterator[tuple[str, int | None]]:
    """A path as system calls take it: a name, and the open folder that it is relative to.

    Outside of held folders that is the whole path, and None.

    Parameters
    ----------
    path : a file or folder, which need not exist
    make : make the folders above it

    Raises
    ------
    OSError : a folder above it cannot be opened, or is a link inside a held folder
    """
    whole = path.absolute()
    root = next((place for place in whole.parents if place in _held), None)
    if root is None:
        if make:
            _make_named(path.parent)
        yield str(path), None
        return
    with ExitStack() as opened:
        folder = _held[root]
        for part in whole.parent.relative_to(root).parts:
            folder = _inside(folder, part, make)
            opened.callback(os.close, folder)
        yield whole.name, folder


def _inside(folder: int, name: str, make: bool) -> int:
    """Open a folder in an open folder."""
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
            os.fsync(folder)
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise OSError(errno.ENOTDIR, f"{name} is a link or no folder", name) from error
        raise


def open_plain(path: Path, limit: int | None = None) -> BufferedReader:
    """Open a file for reading if it is a regular file, by its own name or through a link.

    A pipe or a device, which might be waited for or read without end, is refused at once.

    Parameters
    ----------
    path : the file
    limit : the most bytes that it may have

    Raises
    ------
    OSError : the file cannot be read, is not a regular file, or is longer
    """
    with reached(path) as (name, folder):
        descriptor = os.open(name, READ, dir_fd=folder)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and (limit is None or about.st_size <= limit):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISREG(about.st_mode):
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    raise OSError(errno.EINVAL, "no regular file", str(path))


def read_plain(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises
    ------
    OSError : as `open_plain`
    """
    with open_plain(path, limit) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) > size:
        raise OSError(errno.EFBIG, "it grew while it was read", str(path))
    return content


def read_file(path: Path, limit: int, remedy: str | None = None) -> bytes:
    """Read a file of a run folder as `read_plain` does.

    Parameters
    ----------
    path, limit : the file, and the most bytes that one of its kind may have
    remedy : what the error tells the user to do, where it is not a file of a finished run

    Raises
    ------
    RunError : `PATH is missing, ...` or `cannot read PATH: REASON; REMEDY`
    """
    try:
        return read_plain(path, limit)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        if remedy is None and isinstance(error, FileNotFoundError):
            raise RunError(f"{path} is missing, is {path.parent} the folder of a finished run?") from error
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"cannot read {path}: {reason}; {remedy or RESTORE}") from error


def exists(path: Path) -> bool:
    """Whether there is something of this name, in a held folder wherever that is now."""
    try:
        with reached(path) as (name, folder):
            os.lstat(name, dir_fd=folder)
    except OSError:
        return False
    return True


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted; nothing where there is none.

    Raises
    ------
    OSError : it cannot be read, or is a link inside a held folder
    """
    try:
        with reached(folder / "any") as (name, descriptor):
            return sorted(os.listdir(Path(name).parent if descriptor is None else descriptor))  # noqa: PTH208
    except FileNotFoundError:
        return []


def remove(path: Path) -> None:
    """Remove a name from its folder, if it is there; what a link points to stays.

    Raises
    ------
    RunError : `cannot remove PATH: REASON, fix that and try again`
    """
    missing = contextlib.suppress(FileNotFoundError)
    with os_errors_as(f"cannot remove {path}", AGAIN), missing, reached(path) as (name, folder):
        os.unlink(name, dir_fd=folder)


def create(name: str, folder: int | None) -> BinaryIO:
    """A new file; a name that is there already, a link too, is refused."""
    return os.fdopen(os.open(name, CREATE, 0o666, dir_fd=folder), "wb")


@contextmanager
def temporary_file(target: Path) -> Iterator[tuple[BinaryIO, str, int | None]]:
    """A new file beside `target`, its name and its folder as `reached` has them; removed in the end."""
    with reached(target, make=True) as (name, folder):
        temporary = str(Path(name).with_name(f".{target.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}"))
        try:
            with create(temporary, folder) as file:
                yield file, temporary, folder
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)


@contextmanager
def new_file(target: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Offer a temporary file beside `target` that replaces it in one step once the block has succeeded.

    A reader sees the old file or the new one, which is on the disk before it has the name; after the block
    the name is on the disk too. Where the block or the writing fails, the old file is as it was and no
    temporary file stays behind. A killed process does leave one, see `remove_leftovers`. Folders above it
    that are missing are made.

    Parameters
    ----------
    target : the file
    durable : wait until it is on the disk; what is only looked at now need not outlive a loss of power
    """
    with temporary_file(target) as (file, temporary, folder):
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())
        file.close()
        name = str(target) if folder is None else target.name
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        if durable:
            _sync(target.parent, folder)


def write_atomically(path: Path, content: bytes | str, remedy: str = REMEDY, durable: bool = True) -> None:
    """Write a whole file, and the folders above it, as `new_file` does.

    Parameters
    ----------
    path, content : the file
    remedy : what the error tells the user to do
    durable : as for `new_file`

    Raises
    ------
    RunError : `cannot write PATH: REASON, REMEDY`
    """
    with os_errors_as(f"cannot write {path}", remedy), new_file(path, durable) as file:
        # a file's name that is not Unicode stands as its escape
        file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that each is on the disk."""
    with reached(folder / "any", make=True):
        pass


def _make_named(folder: Path) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        _sync(place.parent, None)


def _sync(folder: Path, held: int | None) -> None:
    """Put the names in a folder on the disk, where the system lets one ask for it."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, FOLDER) if held is None else held
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
            raise
    finally:
        if held is None:
            os.close(descriptor)


def remove_leftovers(folder: Path, names: Collection[str]) -> None:
    """Remove what killed processes left of files with these names: temporary files, never those themselves.

    Only for who holds the folder's lock and alone writes these files; another's would still be in use.

    Raises
    ------
    RunError : the folder cannot be read, or one cannot be removed
    """
    with os_errors_as(f"cannot read {folder}", AGAIN):
        there = names_in(folder)
    for name in there:
        found = LEFTOVER.fullmatch(name)
        if found and found["name"] in names:
            remove(folder / name)

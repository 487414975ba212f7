"""The folder that a submission works in: a copy of what it needs, thrown away at the end."""

import contextlib
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fcnet.errors import FcnetError

MOST_BYTES, MOST_FILES, MOST_DEPTH = 32 << 20, 500, 8
"""Of the files that come along."""

LEFT_OUT = {".git", "__pycache__", ".ipynb_checkpoints", ".venv", "venv", "node_modules"}
"""Folders whose files do not."""


@contextmanager
def scratch_copy(path: Path) -> Iterator[tuple[Path, Path]]:
    """Copy a submission to a new folder; gives that folder and the copy's path, and removes it afterwards.

    The file brings the other `.py` files of its folder along, and those of the packages in it, up to
    `MOST_BYTES`. Links are left out, so that nothing outside of the submission comes along.

    Raises
    ------
    FcnetError : `cannot read PATH: REASON, give a file`
    """
    scratch = Path(tempfile.mkdtemp(prefix="fcnet-judge-")).resolve()
    try:
        (scratch / "code").mkdir()
        (scratch / "tmp").mkdir()
        try:
            copied = _copy(path, scratch / "code")
        except OSError as error:
            raise FcnetError(
                f"cannot read {error.filename or path}: {error.strerror or error}, give a file"
            ) from error
        yield scratch, copied
    finally:
        remove(scratch)


def _copy(path: Path, code: Path) -> Path:
    """Copy a file with what it may import from its folder; returns the copy."""
    shutil.copyfile(path, code / path.name)
    room = MOST_BYTES
    for file in itertools.islice(_importable(path.parent), MOST_FILES):
        regular = file.is_file() and not file.is_symlink()
        if regular and file != path and (room := room - file.stat().st_size) >= 0:
            copy = code / file.relative_to(path.parent)
            with contextlib.suppress(OSError):  # one that cannot be read is not there for the submission
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    return code / path.name


def _importable(folder: Path) -> Iterator[Path]:
    """The `.py` files of a folder, and then those of its packages."""
    yield from sorted(folder.glob("*.py"))
    for package in sorted(file.parent for file in folder.glob("*/__init__.py")):
        if package.name in LEFT_OUT or package.is_symlink():
            continue
        for place, folders, files in os.walk(package):
            depth = len(Path(place).relative_to(folder).parts)
            folders[:] = [] if depth >= MOST_DEPTH else sorted(set(folders) - LEFT_OUT)
            yield from (Path(place, name) for name in sorted(files) if name.endswith(".py"))


def usage(scratch: Path, most: int) -> tuple[int, int]:
    """Bytes on the disk and number of entries in a folder that another process is writing to.

    Counting ends when there are more than `most` entries.
    """
    size = count = 0
    places = [str(scratch)]
    while places and count <= most:
        with contextlib.suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    # a file with holes takes less than its size
                    size += status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
                    if stat.S_ISDIR(status.st_mode):
                        places.append(entry.path)
    return size, count


def remove(scratch: Path) -> None:
    """Remove a folder that hostile code has filled; links in it are removed, not followed.

    Folders may be nested deeper than a path or a recursion can reach. So each folder inside another is first
    moved to the top, where it is removed once its own folders have been moved.
    """
    with contextlib.suppress(OSError):
        names = itertools.count()
        while folders := _emptied(scratch):
            for folder in folders:
                for inner in _emptied(folder):
                    inner.rename(_unused(scratch, names))
                folder.rmdir()
        scratch.rmdir()


def _emptied(folder: Path) -> list[Path]:
    """Remove everything in a folder but its folders, which are returned."""
    folder.chmod(0o700)
    folders = []
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            folders.append(entry)
        else:
            entry.unlink()
    return folders


def _unused(folder: Path, names: Iterator[int]) -> Path:
    """A path in a folder that nothing has."""
    return next(path for path in (folder / f"{number}" for number in names) if not path.exists())

"""Who has handed in what: a folder of submissions as people and learning platforms write it.

Each folder, each `.py` file, notebook or zip in it is one submission. Names of Moodle's folders
(`Ada Example_123_assignsubmission_file_`) and of Canvas's files (`exampleada_123_456_two_layernet.py`) are
understood: the latter belong together if their first two parts agree.
"""

import hashlib
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fcnet.errors import DataError
from fcnet.judge.grade.archive import IGNORED, MOST_BYTES, MOST_FILES, unpack

CODE = (".py", ".ipynb", ".zip")

OTHER_ARCHIVES = (".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz")

MOODLE = re.compile(r"(?P<who>.+)_(?P<number>\d+)_assignsubmission_\w+?_?")
CANVAS = re.compile(r"(?P<who>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)")
AGAIN = re.compile(r"-\d+(?=\.\w+$)")
"""What Canvas puts before the suffix of a file that is handed in again."""


@dataclass(frozen=True)
class Entry:
    """One submission.

    Attributes
    ----------
    name : of the submission, fit for a file
    shown : its name for people
    files, closed, links : what was handed in, as in `Files`; links are not followed
    """

    name: str
    shown: str
    files: tuple[tuple[str, Path], ...]
    closed: Path | None = None
    links: tuple[Path, ...] = ()

    def digest(self) -> str:
        """A hash of all that was handed in; a file that cannot be read counts with the reason."""
        total = hashlib.sha256(b"" if self.closed is None else os.fsencode(self.closed))
        for link in self.links:
            total.update(f"link {link.name}\0".encode(errors="surrogateescape"))
        for name, path in self.files:
            try:
                content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b"too large"
            except OSError as error:
                content = f"cannot be read: {error.strerror}".encode()
            total.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
            total.update(content)
        return total.hexdigest()

    def prepare(self, folder: Path) -> Path:
        """Copy and unpack everything into an empty folder; returns what to check, that or its only file.

        Raises
        ------
        DataError : nothing to check, too much, a folder that may not be entered, a file that cannot be read,
            or an archive that cannot be unpacked
        """
        if self.closed is not None:
            raise DataError(f"cannot enter {self.closed}, change its permissions and grade again")
        if not self.files and self.links:
            raise DataError(
                f"{self.shown} holds a link, {self.links[0].name}, and no file; links are not followed, ask "
                f"for the file itself"
            )
        if not self.files:
            raise DataError(f"{self.shown} is empty, ask for the file with the class")
        if len(self.files) > MOST_FILES or sum(_size(path) for _, path in self.files) > MOST_BYTES:
            raise DataError(
                f"{self.shown} is too large, {MOST_BYTES >> 20} MB and {MOST_FILES} files are allowed"
            )
        for name, path in self.files:
            if path.suffix.lower() == ".zip":
                unpack(path, folder / Path(name).parent)
            elif path.suffix.lower() in OTHER_ARCHIVES:
                raise DataError(f"{name} is not a zip, unpack it and grade again")
            else:
                copy = folder / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        code = [path for _, path in _files(folder).files if path.suffix in (".py", ".ipynb")]
        if not code:
            raise DataError(
                f"{self.shown} holds no .py file and no notebook, ask for the file with the class"
            )
        return code[0] if len(code) == 1 else folder


def find_entries(folder: Path) -> list[Entry]:
    """All submissions in a folder, by name.

    Raises
    ------
    DataError : there is no such folder, or nothing in it
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder, give the one with the submissions")
    grouped: dict[tuple[str, str], Files] = {}
    for path in sorted(folder.iterdir()):
        if not _is_submission(path):
            continue
        if path.is_dir():
            grouped[path.name, moodle(path.name)] = _files(path)
        else:
            found = CANVAS.fullmatch(path.name)
            key = (
                (f"{found['who']}_{found['number']}", found["who"])
                if found
                else (path.stem, moodle(path.stem))
            )
            name = AGAIN.sub("", found["file"]) if found else path.name
            before = grouped.get(key, Files())
            grouped[key] = before._replace(files=(*before.files, (name, path)))
    if not grouped:
        raise DataError(
            f"{folder} holds no submissions, give a folder with folders, .py files, notebooks or zips"
        )
    names = unique(name for name, _ in grouped)
    return [Entry(name, who, *held) for name, ((_, who), held) in zip(names, grouped.items(), strict=True)]


def _is_submission(path: Path) -> bool:
    """Whether something in the folder with the submissions is one, or a file of one."""
    if path.name.startswith((".", "__")) or path.is_symlink():
        return False
    return path.is_dir() or (path.is_file() and path.suffix.lower() in (*CODE, *OTHER_ARCHIVES))


def passed_over(folder: Path, entries: Iterable[Entry]) -> str:
    """What is not graded of a folder with these submissions, in words; "" for nothing.

    Files that begin with a dot or `__`, which systems leave there, are not counted.
    """
    others = [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith((".", "__")) and not _is_submission(path)
    ]
    links = [path for path in others if path.is_symlink()]
    links += [path for entry in entries for path in entry.links]
    rest = [path for path in others if not path.is_symlink()]
    kinds = (("links", links), ("files that are no .py file, notebook or zip", rest))
    return "; ".join(
        f"{what}: {len(paths)}, such as {paths[0].relative_to(folder)}" for what, paths in kinds if paths
    )


def one_entry(folder: Path) -> Entry:
    """A folder or a file that is one submission.

    Raises
    ------
    DataError : there is none
    """
    if folder.is_dir():
        name = folder.resolve().name
        return Entry(fit(name), name, *_files(folder))
    if not folder.is_file():
        raise DataError(f"there is no {folder}, give the submission's folder or file")
    return Entry(fit(folder.stem), folder.stem, ((folder.name, folder),))


def moodle(name: str) -> str:
    """The person in the name of a folder of Moodle's, else the name."""
    found = MOODLE.fullmatch(name)
    return found["who"] if found else name


def fit(name: str) -> str:
    """A name with letters, digits, dots and dashes alone, which every file system takes."""
    plain = unicodedata.normalize("NFKC", name)
    return re.sub(r"[^\w.-]+", "-", plain).strip(".-")[:80] or "submission"


def unique(names: Iterable[str]) -> Iterator[str]:
    """Fit names, with a number where two agree; upper and lower case are the same for some file systems."""
    seen: set[str] = set()
    for name in map(fit, names):
        number, candidate = 1, name
        while candidate.casefold() in seen:
            number += 1
            candidate = f"{name}-{number}"
        seen.add(candidate.casefold())
        yield candidate


def _size(path: Path) -> int:
    """The bytes of a file that can be read.

    Raises
    ------
    DataError : it cannot
    """
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot read {path}: {reason}, change its permissions and grade again") from error


def _is_link(path: Path) -> bool:
    """Whether it is a link; not where its folder may not be entered."""
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except OSError:
        return False


class Files(NamedTuple):
    """What is in a folder and below it, in order.

    files : the path of each regular file inside the folder, and where it is
    closed : a folder in it, or the folder itself, that may not be entered
    links : to files and to folders
    """

    files: tuple[tuple[str, Path], ...] = ()
    closed: Path | None = None
    links: tuple[Path, ...] = ()


def _files(folder: Path) -> Files:
    """What a folder holds; not many more files than are allowed.

    A file that is gone by the time it is looked at is left out.
    """
    found: list[tuple[str, Path]] = []
    closed: list[Path] = []
    links: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        links += [path for path in (Path(place, name) for name in folders) if _is_link(path)]
        for name in sorted(files):
            path = Path(place, name)
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            except OSError:  # the folder may be listed, but not entered
                closed.append(path.parent)
                break
            if name not in IGNORED and stat.S_ISREG(mode):
                found.append((str(path.relative_to(folder)), path))
            elif stat.S_ISLNK(mode):
                links.append(path)
        if len(found) > MOST_FILES:
            break
    return Files(tuple(found), next(iter(closed), None), tuple(links))

"""Which pictures of which class are in a folder.

pictures/cats/*.jpg  pictures/dogs/*.jpg                      one folder a class, or the same within
pictures/train/cats/*.jpg ...  pictures/test/cats/*.jpg ...   train/ and test/ and perhaps validation/
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fcnet.data.own.picture import suffixes
from fcnet.errors import DataError

PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "validation": "validation", "valid": "validation", "val": "validation",
}  # fmt: skip
"""Names of folders that are parts of a data set and not classes, where all folders have such names."""


@dataclass(frozen=True)
class File:
    """A picture file, known by its size in bytes and its time of change in nanoseconds."""

    path: Path
    label: int
    size: int
    changed: int


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder.

    folder : in full
    classes : names, sorted
    parts : "train", and where they are given "validation" and "test", each file with its class
    ignored : files that are no pictures by their names
    """

    folder: Path
    classes: tuple[str, ...]
    parts: dict[str, list[File]]
    ignored: list[Path]

    def digest(self) -> str:
        """A hash by which a changed, new or missing picture is noticed without reading any."""
        digest = hashlib.sha256()
        for part, files in self.parts.items():
            for file in files:
                name = file.path.relative_to(self.folder).as_posix()
                line = f"{part}\0{name}\0{file.label}\0{file.size}\0{file.changed}\n"
                digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()


def list_pictures(folder: Path) -> Listing:
    """Find the pictures of a folder.

    Raises
    ------
    DataError : there are no folders of pictures, one class only, one without pictures, or one in test/ or
        validation/ that train/ lacks; the text names it
    """
    try:
        folder = folder.resolve()
        within = _folders(folder)
        parts = {PARTS[path.name.lower()]: path for path in within if path.name.lower() in PARTS}
        if len(parts) == len(within) > 0 and "train" in parts:
            return _of_parts(
                folder, {name: parts[name] for name in ("train", "validation", "test") if name in parts}
            )
        return _of_parts(folder, {"train": folder})
    except OSError as error:
        raise DataError(f"cannot read {error.filename or folder}: {error.strerror}") from error


def _of_parts(folder: Path, parts: dict[str, Path]) -> Listing:
    classes = tuple(path.name for path in _folders(parts["train"]))
    _check_classes(parts["train"], classes)
    ignored: list[Path] = []
    found: dict[str, list[File]] = {}
    for part, home in parts.items():
        found[part] = []
        for own in _folders(home):
            if own.name not in classes:
                raise DataError(f"{own} is no class of {parts['train']}, put it there too or remove it")
            files = list(_pictures(own, classes.index(own.name), ignored))
            if not files:
                raise DataError(f"{own} holds no pictures, put some there or remove the folder")
            found[part] += files
        if not found[part]:
            raise DataError(f"{home} holds no pictures, put some there or remove the folder")
    return Listing(folder, classes, found, ignored)


def _check_classes(home: Path, classes: tuple[str, ...]) -> None:
    if not classes:
        raise DataError(
            f"{home} holds no folders of pictures, give one folder a class, such as {home / 'cats' / '1.jpg'}"
        )
    if len(classes) == 1:
        raise DataError(f"{home} holds one class only, {classes[0]}; give a folder for each of two or more")
    for name in classes:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"the folder {name!r} in {home} has no name in Unicode, rename it") from error


def visible(home: Path) -> Iterator[Path]:
    """What is in a folder, without what programs hide there."""
    return (path for path in home.iterdir() if not path.name.startswith((".", "__")))


def _folders(home: Path) -> list[Path]:
    """The folders in one, sorted by name."""
    return sorted(path for path in visible(home) if path.is_dir())


def _pictures(home: Path, label: int, ignored: list[Path]) -> Iterator[File]:
    """The pictures in a folder and below it, sorted by name; the rest goes to `ignored`."""
    for path in pictures_below(home, ignored):
        about = path.stat()
        yield File(path, label, about.st_size, about.st_mtime_ns)


def pictures_below(home: Path, ignored: list[Path] | None = None) -> Iterator[Path]:
    """The files in a folder and below it that are pictures by their names; the rest goes to `ignored`."""
    for where, folders, names in os.walk(home):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(where) / name
            if path.suffix.lower() in suffixes() and not name.startswith("."):
                yield path
            elif ignored is not None and not name.startswith("."):
                ignored.append(path)

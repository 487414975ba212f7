"""Which pictures of which class are in a folder.

pictures/cats/*.jpg  pictures/dogs/*.jpg                      one folder per class, with any folders within
pictures/train/cats/*.jpg ...  pictures/test/cats/*.jpg ...   train/ and test/ and perhaps validation/
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fcnet.data.own.picture import suffixes
from fcnet.data.stamp import Stamp, stamp
from fcnet.errors import DataError

PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
}  # fmt: skip
"""Names of folders that are parts of a data set and not classes; `_set` and the like may follow."""

ENDINGS = re.compile(r"[ _-]?(set|data|dataset|images)$")

SYSTEM = {
    "@eadir", "$recycle.bin", "lost+found", "system volume information", "thumbs.db", "desktop.ini",
    ".appledouble", "#recycle", "@recycle", "#snapshot", "@recently-snapshot", "ehthumbs.db",
}  # fmt: skip
"""What file servers and systems leave in folders, in lower case."""

WRAPPERS = 10
"""Folders in one another that are looked through; a link may make a circle of them."""


@dataclass(frozen=True)
class File:
    """A picture file with its class, and what tells whether it has changed."""

    path: Path
    label: int
    stamp: Stamp


@dataclass
class Passed:
    """What was passed over: files that are not pictures by their names, and how many entries of systems."""

    ignored: list[Path] = field(default_factory=list)
    system: int = 0

    def such(self, since: int = 0) -> str:
        """The files that are not pictures, from the one of this number on, with an example; empty if none."""
        others = self.ignored[since:]
        if not others:
            return ""
        return f" but {len(others)} other file{'s' if len(others) > 1 else ''}, such as {others[0].name}"


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder.

    folder : in full
    classes : names, sorted
    parts : "train", and where they are given "validation" and "test", each file with its class
    passed : what was passed over
    """

    folder: Path
    classes: tuple[str, ...]
    parts: dict[str, list[File]]
    passed: Passed

    def digest(self) -> str:
        """A hash by which a changed, new or missing picture is noticed without reading any."""
        digest = hashlib.sha256()
        for part, files in self.parts.items():
            for file in files:
                digest.update(json.dumps([part, str(file.path), file.label, file.stamp]).encode())
        return digest.hexdigest()


def list_pictures(folder: Path) -> Listing:
    """Find the pictures of a folder.

    Raises
    ------
    DataError : there are no folders of pictures, one class only, one without pictures, or one in test/ or
        validation/ that train/ lacks; the layout is mixed; a folder cannot be read. The text names it
    """
    try:
        folder = folder.resolve()
        passed = Passed()
        within = _folders(folder, passed)
        parts: dict[str, Path] = {_part(path): path for path in within if _part(path)}
        if len(parts) == len(within) > 0 and "train" in parts:
            order = ("train", "validation", "test")
            found: dict[str, Path] = {name: parts[name] for name in order if name in parts}
            return _of_parts(folder, found, passed)
        _check_layout(folder, within)
        return _of_parts(folder, {"train": folder}, passed)
    except OSError as error:
        raise DataError(f"cannot read {error.filename or folder}: {error.strerror}") from error


def _class(path: Path) -> str:
    """The class that a folder's name says: systems spell one and the same accent in two ways."""
    return unicodedata.normalize("NFC", path.name)


def _part(path: Path) -> str:
    """Which part of a data set a folder is by its name, empty if none."""
    return PARTS.get(ENDINGS.sub("", path.name.lower()), "")


def _check_layout(folder: Path, within: list[Path]) -> None:
    """Refuse folders that hold classes where classes are expected."""
    inner = {path: _folders(path, Passed()) for path in within if not _has_pictures(path)}
    for path, below in inner.items():
        if _part(path) and len(below) > 1:
            others = [other.name for other in within if other != path]
            beside = f" beside {others[0]}" if others else ""
            raise DataError(
                f"{folder} holds {path.name}, which looks like a part of a data set{beside}; "
                "give train, test and perhaps validation and nothing else, or one folder per class"
            )
        if any(_part(one) for one in below):
            raise DataError(
                f"{path} holds parts of a data set; give train/{path.name} and test/{path.name} in {folder}"
            )
    shared = Counter(one.name for path in inner for one in _folders(_unwrapped(path), Passed()))
    twice = sorted(name for name, count in shared.items() if count > 1)
    if len(twice) > 1:
        raise DataError(
            f"the folders in {folder} hold folders of the same names, such as {twice[0]} and {twice[1]}; "
            "give one folder per class, or train and test with one folder per class in each"
        )


def _unwrapped(home: Path) -> Path:
    """A folder, or the one that it holds where there is nothing else: archives often wrap one in another."""
    for _ in range(WRAPPERS):
        below = _folders(home, Passed())
        if len(below) != 1 or _has_pictures(home):
            break
        home = below[0]
    return home


def _of_parts(folder: Path, parts: dict[str, Path], passed: Passed) -> Listing:
    classes = tuple(sorted({_class(path) for path in _folders(parts["train"], Passed())}))
    _check_classes(parts["train"], classes)
    found: dict[str, list[File]] = {}
    for part, home in parts.items():
        found[part] = []
        for own in _folders(home, passed if home != folder else Passed()):
            if _class(own) not in classes:
                raise DataError(f"{own} is not a class of {parts['train']}, put it there too or remove it")
            before = len(passed.ignored)
            label = classes.index(_class(own))
            files = [File(path, label, _stamp(path)) for path in pictures_below(own, passed)]
            if not files:
                such = passed.such(before)
                raise DataError(f"{own} holds no pictures{such}, put some there or remove the folder")
            found[part] += files
        if not found[part]:
            raise DataError(f"{home} holds no pictures, put some there or remove the folder")
    return Listing(folder, classes, found, passed)


def _stamp(path: Path) -> Stamp:
    """The stamp of a file, or of a link that leads nowhere, which is a picture that cannot be read."""
    try:
        return stamp(path.stat())
    except OSError:
        return stamp(path.lstat())


def _check_classes(home: Path, classes: tuple[str, ...]) -> None:
    if not classes:
        raise DataError(
            f"{home} holds no folders of pictures, give one folder per class, "
            f"such as {home / 'cats' / '1.jpg'}"
        )
    if len(classes) == 1:
        raise DataError(f"{home} holds one class only, {classes[0]}; give a folder for each of two or more")
    for name in classes:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"the folder {name!r} in {home} has no name in Unicode, rename it") from error


def visible(home: Path, passed: Passed | None = None) -> Iterator[Path]:
    """What is in a folder, sorted by name, without what programs and systems hide or leave there."""
    for path in sorted(home.iterdir()):
        if path.name.lower() in SYSTEM:
            if passed is not None:
                passed.system += 1
        elif not path.name.startswith((".", "__")):
            yield path


def _folders(home: Path, passed: Passed) -> list[Path]:
    """The folders in one, sorted by name."""
    return [path for path in visible(home, passed) if path.is_dir()]


def _has_pictures(home: Path) -> bool:
    """Whether pictures lie in a folder itself."""
    return any(path.suffix.lower() in suffixes() and not path.is_dir() for path in visible(home))


def pictures_below(home: Path, passed: Passed) -> Iterator[Path]:
    """The files in a folder and below it that are pictures by their names, sorted; the rest goes to `passed`.

    Links to folders are followed, and no folder is entered twice.

    Raises
    ------
    OSError : a folder cannot be read
    """
    seen: set[tuple[int, int]] = set()
    waiting = [home]
    while waiting:
        folder = waiting.pop()
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            continue
        seen.add((state.st_dev, state.st_ino))
        below = []
        for path in visible(folder, passed):
            if path.is_dir():
                below.append(path)
            elif path.suffix.lower() in suffixes():
                yield path
            else:
                passed.ignored.append(path)
        waiting += reversed(below)

"""`fcnet data`: fetch a data set, verify a copy, say which copy is used, draw a sample."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import DataError
from fcnet.extension import program
from fcnet.wording import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fcnet.data.dataset import Dataset
    from fcnet.data.published import Published


@dataclass(frozen=True)
class Fetch:
    """Fetch a data set, by default CIFAR-10 (170 MB), or resume an interrupted fetch.

    The command tries the sources in order, leaves slow ones, and accepts only files with the published hash.
    Without --data the copy goes to the user's cache, where later commands find it.

    Example: fcnet data fetch
    """

    data: Path | None = None
    """Folder for the copy; by default $FCNET_DATA, or else the user's cache."""

    source: Annotated[str | None, "ADDRESS"] = None
    """The only address, or path of an archive, to fetch from."""

    name: str = "cifar10"
    """The data set: cifar10, cifar100, mnist or fashion-mnist."""

    def run(self) -> int:
        """Fetch unless a copy is there, read it once, and print what it is; returns the exit status 0."""
        from fcnet.cli.progress import showing
        from fcnet.data.fetch import fetch
        from fcnet.data.find import cache_root, chosen_place
        from fcnet.data.load import load_folder

        about = fetchable(self.name)
        folder = self.copy_there(about)
        if folder is not None:
            _console().print(f"already there: {shown(folder)}", markup=False, highlight=False, soft_wrap=True)
        else:
            chosen = chosen_place(self.data)
            with showing("bytes") as progress:
                parent = chosen.path if chosen else cache_root()
                folder = fetch(about, parent, source=self.source, progress=progress)
        _console().print(_facts(load_folder(folder, about)))
        return 0

    def copy_there(self, about: Published) -> Path | None:
        """The copy where this one would go, or an official one in a usual place."""
        from fcnet.data.find import cache_root, chosen_place, find, look
        from fcnet.data.load import load_folder

        chosen = chosen_place(self.data)
        found = look(chosen.path if chosen else cache_root(), [about])
        if found and not found.packed:
            return found.path
        usual = None if chosen else find(None, about)
        if usual and not usual.packed and load_folder(usual.path, about).origin.official:
            return usual.path
        return None


@dataclass(frozen=True)
class Verify:
    """Verify every byte of a copy of a data set against the published hashes.

    Images in the cache are checked too, and read again if they differ.

    Example: fcnet data verify
    """

    data: Path | None = None
    """The copy's folder; by default $FCNET_DATA, ./data, ./datasets or the user's cache."""

    official: bool = False
    """Fail unless every file is the published one, byte for byte."""

    name: str | None = None
    """The data set; by default whichever the folder holds, and CIFAR-10 in the usual places."""

    def run(self) -> int:
        """Print one row for each file; returns the exit status 0, and raises DataError for a damaged copy."""
        from fcnet.data.load import folder_of, require, verify
        from fcnet.data.published import hash_like

        found = require(self.data, fetchable(self.name) if self.name else None)
        folder = folder_of(found)
        dataset, kept = verify(folder, found.about)
        table = _table("file", "hash", "published")
        for name, published in found.about.files.items():
            with (folder / name).open("rb") as file:
                own = hash_like(published, file)
            table.add_row(name, own, "yes" if own == published else "no")
        _console().print(table)
        _console().print(f"kept images: {shown(kept)}", markup=False, highlight=False)
        _console().print(_facts(dataset))
        if self.official and not dataset.origin.official:
            raise DataError(
                f"{folder} is not official ({dataset.origin.note}), "
                "name an official copy with --data, or remove this one and run: fcnet data fetch"
            )
        return 0


@dataclass(frozen=True)
class Info:
    """Show which copy of a data set is used, which places were searched, and facts about the copy.

    Example: fcnet data info
    """

    data: Path | None = None
    """The copy's folder; by default $FCNET_DATA, ./data, ./datasets or the user's cache."""

    name: str | None = None
    """The data set; by default whichever the folder holds, and CIFAR-10 in the usual places."""

    def run(self) -> int:
        """Print the places and the copy; returns the exit status, 1 if there is no copy."""
        from fcnet.data.datasets import DATASETS, DEFAULT
        from fcnet.data.find import find, look, places
        from fcnet.data.load import folder_of, load_folder

        about = fetchable(self.name) if self.name else None
        table = _table("looked in", "found")
        for place in places(self.data):
            there = look(place.path, [about] if about else DATASETS.values())
            table.add_row(_cell(place.path.absolute()), _cell(there.path if there else "nothing"))
        _console().print(table)
        found = find(self.data, about)
        if found is None:
            name = f" --name {self.name}" if self.name else ""
            title = (about or DATASETS[DEFAULT]).title
            _console().print(f"no {title} yet; fetch it with: fcnet data fetch{name}", highlight=False)
            return 1
        _console().print(_facts(load_folder(folder_of(found), found.about)))
        return 0


@dataclass(frozen=True)
class Sample:
    """Draw a small folder of pictures to try fcnet with: circles, squares and triangles.

    It is laid out as your own pictures would be, with one folder per class, and is about 90 kB.

    Example: fcnet data sample pictures
    """

    folder: Annotated[Path, Positional("FOLDER")]
    """The folder to make."""

    seed: int = 0
    """What the pictures follow from."""

    def run(self) -> int:
        """Draw them and say what to do next; returns the exit status 0."""
        from fcnet.data.own.sample import CORNERS, write_sample
        from fcnet.validation import check_not_negative

        check_not_negative(seed=self.seed)
        count = write_sample(self.folder, self.seed)
        tell(f"{self.folder}: {count} pictures in {len(CORNERS)} classes, {', '.join(CORNERS)}", sys.stdout)
        train = f"{program()} train --data {quote(str(self.folder))} --out runs/first --recipe quick"
        print(f"train on them with: {shown(train)}")
        return 0


def fetchable(name: str) -> Published:
    """The data set of a name, which has files.

    Raises
    ------
    DataError : it is not known, or comes with a package
    """
    from fcnet.data.datasets import DATASETS
    from fcnet.registry import look_up

    about = look_up(DATASETS, name, "--name")
    if not about.files:
        raise DataError(f"{name} has no files to look for or fetch, train on it with: --data {name}")
    return about


def _facts(dataset: Dataset) -> Table:
    origin = dataset.origin
    table = _table("", "")
    table.show_header = False
    table.add_row("data", _cell(dataset.label))
    table.add_row("folder", _cell(origin.path))
    table.add_row("images", f"{len(dataset.train):,} train, {len(dataset.test):,} test")
    table.add_row("official", "yes" if origin.official else "no")
    table.add_row("sha256", origin.sha256)
    return table


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cell(text: object) -> Text:
    """Foreign text in a table."""
    from rich.text import Text

    return Text(shown(text))


def _console() -> Console:
    from rich.console import Console

    return Console()

"""`fcnet data`: fetch a data set, verify a copy, say which copy is used, draw a sample."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.cli.tables import print_table
from fcnet.errors import DataError
from fcnet.extension import program
from fcnet.wording import shown

if TYPE_CHECKING:
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
            tell(f"already there: {folder}", sys.stdout)
        else:
            chosen = chosen_place(self.data)
            with showing("bytes") as progress:
                parent = chosen.path if chosen else cache_root()
                folder = fetch(about, parent, source=self.source, progress=progress)
        _print_facts(load_folder(folder, about))
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
        folder = folder_of(found, every_byte=True)
        dataset, kept = verify(folder, found.about)
        rows = []
        for name, published in found.about.files.items():
            with (folder / name).open("rb") as file:
                own = hash_like(published, file)
            rows.append((name, own, "yes" if own == published else "no"))
        print_table(("file", "hash", "published"), rows)
        tell(f"kept images: {kept}", sys.stdout)
        _print_facts(dataset)
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
        rows = []
        for place in places(self.data):
            there = look(place.path, [about] if about else DATASETS.values())
            rows.append((place.path.absolute(), there.path if there else "nothing"))
        print_table(("looked in", "found"), rows)
        found = find(self.data, about)
        if found is None:
            name = f" --name {self.name}" if self.name else ""
            title = (about or DATASETS[DEFAULT]).title
            tell(f"no {title} yet; fetch it with: fcnet data fetch{name}", sys.stdout)
            return 1
        _print_facts(load_folder(folder_of(found), found.about))
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


def _print_facts(dataset: Dataset) -> None:
    origin = dataset.origin
    facts = {
        "data": dataset.label,
        "folder": origin.path,
        "images": f"{len(dataset.train):,} train, {len(dataset.test):,} test",
        "official": "yes" if origin.official else "no",
        "sha256": origin.sha256,
    }
    print_table(("", ""), facts.items())

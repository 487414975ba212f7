"""Loads a user's own data."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from fcnet.data.cache import cached
from fcnet.data.dataset import DataOptions, Dataset, Origin, given
from fcnet.data.datasets import DATASETS
from fcnet.data.find import candidates
from fcnet.data.own import arrays, remarks
from fcnet.data.own.decode import UnreadableError, common_size, decode
from fcnet.data.own.folders import File, Listing, list_pictures, visible
from fcnet.data.own.picture import suffixes
from fcnet.data.own.split import arranged, dataset_of
from fcnet.data.own.streamed import load_streamed
from fcnet.data.own.table import load_table
from fcnet.data.own.table_rows import load_streamed_table
from fcnet.data.published import Progress, Published, is_file
from fcnet.data.tables.files import is_table
from fcnet.errors import DataError

Kind = Literal["pictures", "arrays", "table"]

PICTURES: tuple[tuple[Kind, ...], str] = ("pictures",), "a folder of pictures"
TABLE: tuple[tuple[Kind, ...], str] = ("table",), "a table (.csv, .parquet)"

OPTIONS = {
    "image_size": PICTURES,
    "skip_damaged": PICTURES,
    "stream": (("table", "arrays"), "a table or a folder of X.npy and y.npy"),
    "target": TABLE,
    "missing": TABLE,
    "drop": TABLE,
    "categorical": TABLE,
}
"""What an option suits, and what that is in words."""


def check_options(asked: DataOptions, kind: Kind | None, otherwise: str) -> None:
    """Refuse an option that does not suit the data.

    Parameters
    ----------
    asked : the options
    kind : what the data are; None if they are not a user's own
    otherwise : the end of the error

    Raises
    ------
    DataError : `--OPTION is for WORDS, OTHERWISE`
    """
    for option in (*given(asked), *given(asked.table)):
        kinds, words = OPTIONS.get(option, ((kind,), ""))
        if kind not in kinds:
            flag = "drop-columns" if option == "drop" else option.replace("_", "-")
            raise DataError(f"--{flag} is for {words}, {otherwise}")


def kind_of(path: Path) -> Kind | None:
    """What a path holds of a user's own, as far as names tell; None if it is published data or nothing.

    Raises
    ------
    DataError : a file of another kind
    """
    if is_table(path):
        return "table"
    if path.suffix.lower() in (".npz", ".npy"):
        return "arrays"
    if path.is_file() and not path.name.endswith((".gz", ".tgz")):
        raise DataError(
            f"{path} (--data) is not a data set, give a folder of pictures by class, "
            f"an .npz file of X and y, a table (.csv, .parquet), or CIFAR-10"
        )
    if not path.is_dir() or any(_holds_some(path, about) for about in DATASETS.values()):
        return None
    try:
        entries = list(visible(path))
    except OSError:
        return None
    if any(entry.suffix.lower() == ".npy" for entry in entries):
        return "arrays"
    is_picture = any(entry.is_dir() or entry.suffix.lower() in suffixes() for entry in entries)
    return "pictures" if is_picture else None


def _holds_some(path: Path, about: Published) -> bool:
    """Whether a folder holds the archive or a file of a data set, and so is a copy, perhaps a damaged one."""
    names = (*about.files, *(remote.name for remote in about.remotes))
    return any(is_file(home / name) for home in candidates(path, about) for name in names)


def load_own(path: Path, asked: DataOptions | None = None, progress: Progress | None = None) -> Dataset:
    """Load a folder of pictures by class, an .npz file of X and y, or a table.

    Parameters
    ----------
    path : the folder, or the file
    asked : how they are to be read
    progress : called while pictures are read

    Returns
    -------
    Dataset : images stay uint8, in colour unless all are grey; features are float32, or float64 where those
        lack digits of them

    Raises
    ------
    DataError : a file is damaged, a class is empty, there is one class only, ...; the text names it
    """
    asked, progress = asked or DataOptions(), progress or (lambda what, done, total: None)
    kind = kind_of(path) or "pictures"
    check_options(asked, kind, f"and {path} is none, leave it out")
    if kind == "table":
        if asked.stream:
            return load_streamed_table(path, asked.table, progress)
        return load_table(path, asked.table)
    if kind == "arrays":
        return load_streamed(path) if asked.stream else load_arrays(path)
    if asked.image_size is not None and not 1 <= asked.image_size <= 1024:
        raise DataError(f"--image-size is {asked.image_size}, give from 1 to 1024 pixels")
    return load_pictures(path, asked.image_size, progress, asked.skip_damaged)


def load_arrays(path: Path) -> Dataset:
    """Load an .npz file or a folder of .npy files, see `fcnet.data.own.arrays`.

    Raises
    ------
    DataError : as there
    """
    content = arrays.read_arrays(path)
    X, shape = arrays.examples(path, content)
    y, classes = arrays.labels(path, content)
    order, sizes = arranged(y)
    rows = np.concatenate(list(X.values()))[order]
    labels = np.concatenate(list(y.values()))[order]
    told = remarks.told_of(sizes, shape, len(classes), features=shape[1] == 1, apart="test" in y)
    if shape[1] == 1:
        told += remarks.of_features(rows, labels, sizes)
    else:
        told += remarks.of_images(rows, labels, sizes, shape[0])
    digest = remarks.content_hash(rows, labels, shape)
    origin = Origin(str(path.resolve()), digest, None, kind="arrays", how=told)
    return dataset_of(path.stem, rows, labels, sizes, classes, shape, origin)


def load_pictures(folder: Path, image_size: int | None, progress: Progress, skip_damaged: bool) -> Dataset:
    """Load a folder of pictures by class, see `fcnet.data.own.folders`.

    Raises
    ------
    DataError : as there, or a picture cannot be read
    """
    listing = list_pictures(folder)
    dataset = cached(
        f"pictures\0{listing.folder}\0{image_size}\0{skip_damaged}",
        listing.digest(),
        lambda: read_all(listing, image_size, progress, skip_damaged),
    )
    how, passed = dataset.origin.how, listing.passed
    if passed.ignored:
        how += f"; files that are not pictures: {len(passed.ignored)}, such as {passed.ignored[0].name}"
    if passed.system:
        how += f"; passed over {passed.system} that a system left there"
    return replace(dataset, origin=replace(dataset.origin, how=how))


def read_all(listing: Listing, image_size: int | None, progress: Progress, skip_damaged: bool) -> Dataset:
    """Read every picture of a folder, in the order that training wants.

    Raises
    ------
    DataError : pictures cannot be read; with `skip_damaged`, all of a class or a part
    """
    parts: dict[str, list[File]] = listing.parts
    skipped: list[Path] = []
    while True:
        try:
            dataset = _read_parts(listing, parts, image_size, progress)
            break
        except UnreadableError as error:  # their number decides the order, so all are read again
            if not skip_damaged:
                raise DataError(f"{error}; repair or remove them, or give --skip-damaged") from error
            skipped += error.paths
            parts = _without(parts, set(error.paths), listing)
    if not skipped:
        return dataset
    names = tuple(str(path.relative_to(listing.folder)) for path in sorted(skipped))
    how = f"{dataset.origin.how}; skipped {len(names)} that cannot be read, such as {names[0]}"
    return replace(dataset, origin=replace(dataset.origin, how=how, skipped=names))


def _without(parts: dict[str, list[File]], damaged: set[Path], listing: Listing) -> dict[str, list[File]]:
    """The pictures without the damaged ones.

    Raises
    ------
    DataError : a part, or a class of the training part, has no others
    """
    left = {part: [file for file in own if file.path not in damaged] for part, own in parts.items()}
    for part, files in left.items():
        if not files:
            raise DataError(f"no picture for {part} in {listing.folder} can be read, repair some")
    for label in sorted(set(range(len(listing.classes))) - {file.label for file in left["train"]}):
        raise DataError(
            f"no picture of the class {listing.classes[label]} in {listing.folder} can be read, repair some"
        )
    return left


def _read_parts(
    listing: Listing, parts: dict[str, list[File]], image_size: int | None, progress: Progress
) -> Dataset:
    files = [file for part in parts.values() for file in part]
    given = {part: np.array([file.label for file in own], dtype=np.int64) for part, own in parts.items()}
    order, sizes = arranged(given)
    paths = [files[row].path for row in order]
    height, width = common_size(paths, progress) if image_size is None else (image_size, image_size)
    images, channels = decode(paths, height, width, progress)
    labels = np.concatenate(list(given.values()))[order]
    shape = (channels, height, width)
    told = remarks.told_of(sizes, shape, len(listing.classes), features=False, apart="test" in listing.parts)
    names = [str(path.relative_to(listing.folder)) for path in paths]
    told += remarks.of_images(images, labels, sizes, channels, names.__getitem__)
    origin = Origin(
        str(listing.folder), remarks.content_hash(images, labels, shape), None, kind="folder", how=told,
        image_size=image_size,
    )  # fmt: skip
    return dataset_of(listing.folder.name, images, labels, sizes, listing.classes, shape, origin)

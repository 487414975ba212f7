"""Loads a user's own data."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.cache import cached
from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.datasets import DATASETS
from fcnet.data.find import candidates
from fcnet.data.own import arrays
from fcnet.data.own.decode import Reading, common_size, decode
from fcnet.data.own.folders import Listing, list_pictures, visible
from fcnet.data.own.picture import suffixes
from fcnet.data.own.split import TEST_SHARE, Sizes, arranged
from fcnet.data.published import Published, is_file
from fcnet.errors import DataError


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


def is_own(path: Path) -> bool:
    """Whether a path names a user's own data, as far as names tell, and no published data set."""
    if path.suffix.lower() in (".npz", ".npy"):
        return True
    if not path.is_dir() or any(_holds_some(path, about) for about in DATASETS.values()):
        return False
    try:
        entries = list(visible(path))
    except OSError:
        return False
    return any(entry.is_dir() for entry in entries) or any(
        entry.suffix.lower() in suffixes() for entry in entries
    )


def _holds_some(path: Path, about: Published) -> bool:
    """Whether a folder holds the archive or a file of a data set, and so is a copy, perhaps a damaged one."""
    names = (*about.files, *(remote.name for remote in about.remotes))
    return any(is_file(home / name) for home in candidates(path, about) for name in names)


def load_own(path: Path, image_size: int | None = None, progress: Reading | None = None) -> Dataset:
    """Load a folder of pictures by class, or an .npz file of X and y.

    Parameters
    ----------
    path : the folder, or the file
    image_size : side of the squares that pictures become; None where their own size decides
    progress : called while pictures are read

    Returns
    -------
    Dataset : images stay uint8, in colour unless all are grey; features are float32

    Raises
    ------
    DataError : a file is damaged, a class is empty, there is one class only, ...; the text names it
    """
    if path.suffix.lower() in (".npz", ".npy"):
        if image_size is not None:
            raise DataError(f"--image-size is for pictures, and {path} holds arrays, leave it out")
        return load_arrays(path)
    if image_size is not None and not 1 <= image_size <= 1024:
        raise DataError(f"--image-size is {image_size}, give from 1 to 1024 pixels")
    return load_pictures(path, image_size, progress or silent)


def load_arrays(path: Path) -> Dataset:
    """Load an .npz file, see `fcnet.data.own.arrays`.

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
    told = told_of(sizes, shape, len(classes), features=shape[1] == 1, apart="test" in y)
    origin = Origin(str(path.resolve()), content_hash(rows, labels, shape), None, kind="arrays", how=told)
    return dataset_of(path.stem, rows, labels, sizes, classes, shape, origin)


def load_pictures(folder: Path, image_size: int | None, progress: Reading) -> Dataset:
    """Load a folder of pictures by class, see `fcnet.data.own.folders`.

    Raises
    ------
    DataError : as there, or a picture cannot be read
    """
    listing = list_pictures(folder)
    dataset = cached(
        f"pictures\0{listing.folder}\0{image_size}",
        listing.digest(),
        lambda: read_all(listing, image_size, progress),
    )
    how, passed = dataset.origin.how, listing.passed
    if passed.ignored:
        how += f"; files that are no pictures: {len(passed.ignored)}, such as {passed.ignored[0].name}"
    if passed.system:
        how += f"; passed over {passed.system} that a system left there"
    return replace(dataset, origin=replace(dataset.origin, how=how))


def read_all(listing: Listing, image_size: int | None, progress: Reading) -> Dataset:
    """Read every picture of a folder, in the order that training wants."""
    files = [file for part in listing.parts.values() for file in part]
    given = {
        part: np.array([file.label for file in own], dtype=np.int64) for part, own in listing.parts.items()
    }
    order, sizes = arranged(given)
    paths = [files[row].path for row in order]
    height, width = common_size(paths, progress) if image_size is None else (image_size, image_size)
    images, channels = decode(paths, height, width, progress)
    labels = np.concatenate(list(given.values()))[order]
    shape = (channels, height, width)
    told = told_of(sizes, shape, len(listing.classes), features=False, apart="test" in listing.parts)
    origin = Origin(
        str(listing.folder), content_hash(images, labels, shape), None, kind="folder", how=told,
        image_size=image_size,
    )  # fmt: skip
    return dataset_of(listing.folder.name, images, labels, sizes, listing.classes, shape, origin)


def told_of(sizes: Sizes, shape: tuple[int, int, int], classes: int, features: bool, apart: bool) -> str:
    """What a reader wants to know: how many of what, and what is held out for testing."""
    channels, height, width = shape
    what = f"rows of {width} numbers" if features else "images"
    kind = "" if features else f", {width} x {height} {'grey' if channels == 1 else 'in colour'}"
    given = f"{sizes.train:,} for training"
    given += f", {sizes.validation:,} for validation" if sizes.validation else ""
    test = f"{sizes.test:,} for testing" + ("" if apart else f", one in {TEST_SHARE} of each class")
    return f"{what} of {classes} classes{kind}: {given}, {test}"


def dataset_of(
    name: str, rows: NDArray[Any], labels: NDArray[np.int64], sizes: Sizes, classes: tuple[str, ...],
    shape: tuple[int, int, int], origin: Origin,
) -> Dataset:  # fmt: skip
    """The parts as views of all rows."""
    cut = sizes.train + sizes.validation
    return Dataset(
        name=name,
        train=Part(rows[:cut], labels[:cut]),
        test=Part(rows[cut:], labels[cut:]),
        classes=classes,
        image_shape=shape,
        origin=origin,
        validation=sizes.validation or None,
    )


def content_hash(rows: NDArray[Any], labels: NDArray[np.int64], shape: tuple[int, int, int]) -> str:
    """The sha256 over shape, rows (N, D) and labels (N,)."""
    digest = hashlib.sha256(f"{rows.dtype.str} {rows.shape} {shape}".encode())
    digest.update(np.ascontiguousarray(rows).data)
    digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()

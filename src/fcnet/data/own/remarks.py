"""What has to be said of a user's data before anything is learnt from them, and their hash."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.features import constant
from fcnet.data.own.split import TEST_SHARE, Sizes
from fcnet.errors import DataError

NAMED = 5
"""Constant features that are named."""

Namer = Callable[[int], str]
"""From the place of an example to its name."""

LONGEST = 500
"""Characters of a class name; records hold no longer words, see `fcnet.schema.Word`."""

SHADES = 2
"""A picture whose values in each channel differ by no more is of one colour."""


def of_features(rows: NDArray[Any], labels: NDArray[np.int64], sizes: Sizes) -> str:
    """Features of the training rows that have one value only, which tells no class, and rows that are there
    twice where they must not be; empty if none.

    Parameters
    ----------
    rows : (N, D) of all parts
    labels : (N,)
    sizes : of the parts
    """
    said = named(np.flatnonzero(constant(rows[: sizes.train])), rows.shape[1])
    return said + twice(digests(rows), labels, sizes, "rows")


def named(places: NDArray[np.int64], features: int) -> str:
    """The words about constant features, by their places among all; empty if there are none."""
    if not len(places):
        return ""
    which = ", ".join(str(place) for place in places[:NAMED]) + (", ..." if len(places) > NAMED else "")
    return f"; {len(places)} of {features} features are constant: {which}"


def of_images(
    rows: NDArray[np.uint8],
    labels: NDArray[np.int64],
    sizes: Sizes,
    channels: int,
    name: Namer | None = None,
) -> str:
    """Pictures of one colour, and pictures that are there twice where they must not be; empty if none.

    Parameters
    ----------
    rows : (N, D) uint8, channel by channel
    labels : (N,)
    sizes : of the parts
    channels : 1 or 3
    name : of the image at a place, where they have names

    Raises
    ------
    DataError : all pictures are the same one
    """
    found = digests(rows)
    if len(rows) > 1 and (found == found[0]).all():
        raise DataError(
            f"all {len(rows):,} images are the same one once they are read (values from {rows.min()} to "
            f"{rows.max()}), so there is nothing to learn; look at one of them"
        )
    flat = rows.reshape(len(rows), channels, -1)
    one_colour = np.flatnonzero((np.ptp(flat, axis=2) <= SHADES).all(axis=1))
    said = f"; images of one colour: {len(one_colour)}{_such(one_colour, name)}" if len(one_colour) else ""
    return said + twice(found, labels, sizes, "images", name)


def digests(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """A hash (N,) of each row (N, D), by which equal ones are found."""
    lines = np.ascontiguousarray(rows)
    made = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in lines)
    return np.frombuffer(made, np.uint64)


def twice(
    found: NDArray[np.uint64],
    labels: NDArray[np.int64],
    sizes: Sizes,
    what: str,
    name: Namer | None = None,
) -> str:
    """Examples that are there twice where they must not be; empty if there are none.

    Parameters
    ----------
    found : (N,) `digests` of the examples of all parts
    labels : (N,)
    sizes : of the parts
    what : the examples are
    name : of the example at a place, where they have names
    """
    _, first, own = np.unique(found, return_index=True, return_inverse=True)
    before, places = first[own], np.arange(len(found))
    between_classes = labels[before] != labels
    between_parts = ~between_classes & (_part(before, sizes) != _part(places, sizes))
    said = ""
    for where, which in (("in two parts", between_parts), ("under two classes", between_classes)):
        if which.any():
            said += f"; {what} that are {where}: {which.sum():,}{_such(np.flatnonzero(which), name)}"
    return said


def _such(places: NDArray[np.intp], name: Namer | None) -> str:
    return "" if name is None else f", such as {name(int(places[0]))}"


def _part(places: NDArray[np.intp], sizes: Sizes) -> NDArray[np.intp]:
    cut = sizes.train + sizes.validation
    return (places >= sizes.train).astype(np.intp) + (places >= cut)


def told_of(sizes: Sizes, shape: tuple[int, int, int], classes: int, features: bool, apart: bool) -> str:
    """What a reader wants to know: how many of what, and what is held out for testing."""
    channels, height, width = shape
    what = f"rows of {width} numbers" if features else "images"
    kind = "" if features else f", {width} x {height} {'grey' if channels == 1 else 'in colour'}"
    given = f"{sizes.train:,} for training"
    given += f", {sizes.validation:,} for validation" if sizes.validation else ""
    test = f"{sizes.test:,} for testing" + ("" if apart else f", one in {TEST_SHARE} of each class")
    return f"{what} of {classes} classes{kind}: {given}, {test}"


def check_class_names(path: Path, names: tuple[str, ...]) -> None:
    """Make sure that records can hold the names of the classes.

    Raises
    ------
    DataError : `PATH has a class name of N characters, ...`
    """
    if (length := max(map(len, names))) > LONGEST:
        raise DataError(f"{path} has a class name of {length:,} characters, give at most {LONGEST}")


def content_hash(rows: NDArray[Any], labels: NDArray[np.int64], about: object) -> str:
    """The sha256 over rows (N, D), labels (N,) and what the rows are, such as their shape."""
    digest = hashlib.sha256(f"{rows.dtype.str} {rows.shape} {about}".encode())
    digest.update(np.ascontiguousarray(rows).data)
    digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()

"""What has to be said of a user's data before anything is learnt from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.features import constant
from fcnet.data.own.split import Sizes
from fcnet.errors import DataError

NAMED = 5
"""Constant features that are named."""

SHADES = 2
"""A picture whose values in each channel differ by no more is of one colour."""


def of_features(rows: NDArray[Any], sizes: Sizes) -> str:
    """How many features of the training rows have one value only, which tells no class; empty if none.

    Parameters
    ----------
    rows : (N, D) of all parts
    sizes : of the parts
    """
    places = np.flatnonzero(constant(rows[: sizes.train]))
    return named(places, rows.shape[1]) if len(places) else ""


def named(places: NDArray[np.int64], features: int) -> str:
    """The words about constant features, by their places among all."""
    which = ", ".join(str(place) for place in places[:NAMED]) + (", ..." if len(places) > NAMED else "")
    return f"; {len(places)} of {features} features are constant: {which}"


def of_images(
    rows: NDArray[np.uint8],
    labels: NDArray[np.int64],
    sizes: Sizes,
    channels: int,
    names: Sequence[str] | None = None,
) -> str:
    """Pictures of one colour, and pictures that are there twice where they must not be; empty if none.

    Parameters
    ----------
    rows : (N, D) uint8, channel by channel
    labels : (N,)
    sizes : of the parts
    channels : 1 or 3
    names : N names of files, if they have such

    Raises
    ------
    DataError : all pictures are the same one
    """
    digests = [hashlib.blake2b(row.data, digest_size=16).digest() for row in np.ascontiguousarray(rows)]
    if len(set(digests)) == 1 and len(rows) > 1:
        raise DataError(
            f"all {len(rows):,} images are the same one once they are read (values from {rows.min()} to "
            f"{rows.max()}), so there is nothing to learn; look at one of them"
        )

    def such(places: Sequence[int]) -> str:
        return f", such as {names[places[0]]}" if names is not None else ""

    flat = rows.reshape(len(rows), channels, -1)
    one_colour = np.flatnonzero((np.ptp(flat, axis=2) <= SHADES).all(axis=1)).tolist()
    said = f"; images of one colour: {len(one_colour)}{such(one_colour)}" if one_colour else ""
    first: dict[bytes, int] = {}
    between_parts, between_classes = [], []
    for place, digest in enumerate(digests):
        before = first.setdefault(digest, place)
        if labels[before] != labels[place]:
            between_classes.append(place)
        elif _part(before, sizes) != _part(place, sizes):
            between_parts.append(place)
    if between_parts:
        said += f"; images that are in two parts: {len(between_parts)}{such(between_parts)}"
    if between_classes:
        said += f"; images that are under two classes: {len(between_classes)}{such(between_classes)}"
    return said


def _part(place: int, sizes: Sizes) -> int:
    return (place >= sizes.train) + (place >= sizes.train + sizes.validation)

"""What a data set of a user's own reads is checked before anything is trained on it."""

import math
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.datasets import DATASETS
from fcnet.data.published import Published
from fcnet.extension import broken, called, described, is_own


def known(name: str) -> Published | None:
    """The data set of this name; None if there is none.

    Raises
    ------
    ExtensionError : what a user's code put there is none
    """
    about = DATASETS.get(name)
    if about is not None and not isinstance(about, Published):
        text = "is no Published, put an instance of a subclass of it there"
        raise broken(f"the data set {name!r}", about, text)
    return about


def read(about: Published, folder: Path) -> Dataset:
    """What a published data set or one of a user's own reads from a folder.

    Raises
    ------
    DataError : a file is missing, damaged, or has the wrong content
    ExtensionError : a user's own gives something else than a data set, or parts that do not fit together
    """
    if not is_own(about):
        return about.read(folder)
    what = f"the data set {about.title!r}"
    dataset: Any = called(what, about.read, folder, wants="a method read(self, folder)")
    if not isinstance(dataset, Dataset):
        raise broken(what, about, f"reads {described(dataset)}, return a Dataset")
    shape = dataset.image_shape
    three = isinstance(shape, tuple) and len(shape) == 3
    if not three or not all(isinstance(n, Integral) and n > 0 for n in shape):
        raise broken(what, about, f"has image_shape {shape!r}, give (channels, height, width)")
    if not isinstance(dataset.origin, Origin):
        raise broken(what, about, f"has {described(dataset.origin)} as its origin, give an Origin")
    for name in ("train", "test"):
        if problem := _wrong(getattr(dataset, name), shape, len(dataset.classes)):
            raise broken(what, about, f"reads a {name} part {problem}")
    channels, height, width = map(int, shape)  # NumPy's whole numbers do not fit into JSON
    return replace(dataset, image_shape=(channels, height, width))


def _wrong(part: Any, shape: tuple[int, int, int], classes: int) -> str:
    """What is wrong with a part, "" if nothing is."""
    if not isinstance(part, Part):
        return f"that is {described(part)}, give a Part(images, labels)"
    X, y, D = part.images, part.labels, math.prod(shape)
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != D:
        return f"whose images are {described(X)}, give an array (N, {D}), a row for each"
    if not isinstance(y, np.ndarray) or y.shape != (len(X),) or y.dtype.kind not in "iu":
        return f"whose labels are {described(y)}, give whole numbers ({len(X)},), one for each row"
    if len(y) == 0:
        return "without examples, give at least one"
    if shape[1] > 1 and X.dtype != np.uint8:
        return f"whose images are {X.dtype}, give uint8, or the image_shape (1, 1, {D}) for rows of numbers"
    if X.dtype != np.uint8 and X.dtype.kind != "f":
        return f"whose rows are {X.dtype}, give float32 or float64"
    if not np.isfinite(X).all():
        return f"whose rows are {X.dtype} numbers that are not all finite, give finite float32 or float64"
    if not 0 <= y.min() <= y.max() < classes:
        return f"whose labels run from {y.min()} to {y.max()}, give those of {classes} classes, from 0"
    return ""

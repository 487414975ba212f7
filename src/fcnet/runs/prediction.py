"""Predictions of a trained network for picture files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.own.folders import Passed, pictures_below
from fcnet.data.own.picture import Picture, quiet_pillow, read_picture
from fcnet.errors import DataError
from fcnet.net.losses import softmax
from fcnet.train.model import Model

CHUNK = 500
"""Pictures in one batch."""


@dataclass(frozen=True)
class Prediction:
    """A picture, what was done to it, and its probabilities.

    path : the file
    pixels : (channels, height, width) uint8, as the network saw it
    steps : what was done to it, in words
    probabilities : (K,) of the classes, their sum is 1
    """

    path: Path
    pixels: NDArray[np.uint8]
    steps: tuple[str, ...]
    probabilities: NDArray[np.float64]

    def best(self, count: int) -> list[int]:
        """Numbers of the most probable classes, the first one first."""
        return _best(self.probabilities, count)


@dataclass(frozen=True)
class Failure:
    """A file that could not be read, and why, in one line that names it."""

    path: Path
    reason: str


def named(probabilities: NDArray[np.float64], classes: Sequence[str], count: int) -> list[tuple[str, float]]:
    """The most probable classes with their probabilities, the first one first."""
    return [(classes[place], float(probabilities[place])) for place in _best(probabilities, count)]


def _best(probabilities: NDArray[np.float64], count: int) -> list[int]:
    return [int(place) for place in np.argsort(-probabilities, kind="stable")[:count]]


def predict(
    model: Model, paths: Sequence[Path], without: Path | None = None
) -> Iterator[Prediction | Failure]:
    """Classify picture files, and folders of them, in order.

    Parameters
    ----------
    model : the network
    paths : files and folders
    without : a file that is passed over in the folders

    Raises
    ------
    DataError : the network was trained on rows of numbers, not on images
    """
    if model.image_shape[1] == 1:
        raise DataError(
            f"this network was trained on rows of {model.architecture.inputs} numbers and not on images, "
            f"use it from Python: from fcnet.train.model import Model; Model.load('RUN').logits(X)"
        )
    waiting: list[Failure | tuple[Path, Picture]] = []
    for one in _read(paths, without, *model.image_shape[1:]):
        waiting.append(one)
        if len(waiting) == CHUNK:
            yield from _answers(model, waiting)
            waiting = []
    yield from _answers(model, waiting)


def files_of(path: Path, without: Path | None, passed: Passed) -> list[Path]:
    """The picture files that a path names: itself, or those in a folder and below it but one.

    Raises
    ------
    OSError : a folder cannot be read
    """
    if not path.is_dir():
        return [path]
    found = pictures_below(path, passed)
    return [file for file in found if without is None or not file.exists() or not file.samefile(without)]


def _read(
    paths: Iterable[Path], without: Path | None, height: int, width: int
) -> Iterator[Failure | tuple[Path, Picture]]:
    for path in paths:
        passed = Passed()
        try:
            files = files_of(path, without, passed)
        except OSError as error:
            yield Failure(path, f"cannot read {error.filename or path}: {error.strerror}")
            continue
        if not files:
            yield Failure(path, f"{path} holds no pictures{passed.such()}")
        for file in files:
            try:
                with quiet_pillow():
                    picture = read_picture(file, height, width)
            except DataError as error:
                yield Failure(file, str(error))
            else:
                yield file, picture


def _answers(
    model: Model, waiting: Sequence[Failure | tuple[Path, Picture]]
) -> Iterator[Prediction | Failure]:
    """Predictions for the pictures that could be read, in order with the failures."""
    channels = model.image_shape[0]
    rows = [one[1].row(channels) for one in waiting if not isinstance(one, Failure)]
    answers = iter(softmax(model.logits(np.stack(rows))) if rows else ())
    for one in waiting:
        if isinstance(one, Failure):
            yield one
            continue
        path, picture = one
        steps = picture.steps if channels == 3 or picture.grey else (*picture.steps, "made grey")
        yield Prediction(path, picture.row(channels).reshape(model.image_shape), steps, next(answers))

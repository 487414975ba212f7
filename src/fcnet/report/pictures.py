"""First-layer weights as pictures: the pattern and colours to which each hidden unit responds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import RunError
from fcnet.files import RESTORE, write_atomically
from fcnet.net.weights import read_tensors
from fcnet.train.model import Model

FILE = "first_layer.safetensors"
"""File with pictures from a model that is itself too large to keep."""

LEVELS = 40
"""Shades per colour: the eye cannot distinguish more, and they would double the file."""

SCALE = "each unit scaled by its own largest weight, middle grey is 0"
"""The scale in captions."""

CRISP = 32
"""Pixels; narrower pictures are enlarged."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of some hidden units.

    units : (n,) int64, their numbers in the first layer, those with the largest weights first
    total : hidden units in that layer
    after : (n, height, width, 3) uint8, of the trained weights
    before : the same units at the start, (n, height, width, 3) uint8, or with n = 0 where it was not kept
    """

    units: NDArray[np.int64]
    total: int
    after: NDArray[np.uint8]
    before: NDArray[np.uint8]

    def save(self, folder: Path) -> None:
        """Write them into a run's folder.

        Raises
        ------
        RunError : the folder cannot be written
        """
        from safetensors.numpy import save

        tensors = {
            "units": self.units,
            "total": np.array([self.total]),
            "after": self.after,
            "before": self.before,
        }
        # safetensors writes an array's memory as it lies there, whatever its order
        tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
        write_atomically(folder / FILE, save(tensors))

    @classmethod
    def read(cls, folder: Path, count: int) -> Pictures:
        """The pictures of a run: as saved, or taken from its model.

        Parameters
        ----------
        folder : of a run; the weights that it started from lie in `initial`, if they were kept
        count : units at most

        Raises
        ------
        RunError : a file is missing or damaged
        """
        if (folder / FILE).exists():
            return cls._saved(folder / FILE).first(count)
        final = Model.load(folder)
        W = final.first_layer
        units = largest(W, count)
        after = as_pictures(W[:, units], final.image_shape)
        before = after[:0]
        if (folder / "initial" / "model.safetensors").exists():
            start = Model.load(folder / "initial").first_layer
            if start.shape != W.shape:
                raise RunError(f"{folder / 'initial'} holds a network of another shape, repeat the run")
            before = as_pictures(start[:, units], final.image_shape)
        return cls(units, W.shape[1], after, before)

    def first(self, count: int) -> Pictures:
        """Of these the first `count`."""
        return Pictures(self.units[:count], self.total, self.after[:count], self.before[:count])

    @classmethod
    def _saved(cls, path: Path) -> Pictures:
        tensors, _ = read_tensors(path)
        try:
            units, total = tensors["units"], tensors["total"]
            after, before = tensors["after"], tensors["before"]
        except KeyError as error:
            raise RunError(f"{path} is damaged: {error} is missing; {RESTORE}") from error
        pictures = after.ndim == 4 and after.shape[3] == 3 and after.size and after.dtype == np.uint8
        start = before.dtype == np.uint8 and before.shape in (after.shape, (0, *after.shape[1:]))
        counted = units.shape == after.shape[:1] and total.shape == (1,)
        if not (pictures and start and counted and units.dtype == total.dtype == np.int64):
            raise RunError(f"{path} is damaged: its arrays are not pictures of units; {RESTORE}")
        return cls(units, int(total[0]), after, before)


def largest(W: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Numbers of the columns of W (D, H) with the largest norms, largest first, `count` at most."""
    norms = np.linalg.norm(np.nan_to_num(W.astype(np.float64)), axis=0)
    return np.argsort(-norms, kind="stable")[:count].astype(np.int64)


def as_pictures(W: NDArray[Any], image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Columns of W (D, n) as pictures (n, height, width, 3) uint8.

    Each is scaled by its own largest weight, so that 0 is middle grey and both signs are shown alike. The
    rows of W are ordered channel by channel, as the images are. Three channels are red, green, blue; of any
    other number the mean is shown in grey.
    """
    weights = np.nan_to_num(W.T.astype(np.float64)).reshape(-1, *image_shape)
    if image_shape[0] != 3:
        weights = weights.mean(axis=1, keepdims=True).repeat(3, axis=1)
    size = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    shade = (1 + weights / np.where(size > 0, size, 1)) / 2
    shade = np.rint(shade * (LEVELS - 1)) / (LEVELS - 1)
    return np.ascontiguousarray(np.rint(np.moveaxis(shade, 1, 3) * 255), dtype=np.uint8)


def mosaic(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Pictures (n, height, width, 3) in rows, RGBA, with transparent borders between them.

    Small pictures are enlarged pixel by pixel, since some viewers would blur them.

    columns : at most; fewer where there are so few pictures that they would stand in a single row
    """
    n, _, width, _ = pictures.shape
    factor = max(1, CRISP // width)
    pictures = pictures.repeat(factor, axis=1).repeat(factor, axis=2)
    height, width = pictures.shape[1:3]
    columns = max(1, min(columns, math.ceil(math.sqrt(1.5 * n))))
    rows, border = -(-n // columns), max(1, width // 16)
    sheet = np.zeros((rows * (height + border) - border, columns * (width + border) - border, 4), np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + border), place % columns * (width + border)
        sheet[top : top + height, left : left + width, :3] = picture
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet

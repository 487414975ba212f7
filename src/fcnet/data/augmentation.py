"""Mirrored and shifted views of an image, so that a training hardly ever sees one image twice.

A deformation only moves pixels, so each is a table that says for every pixel where it comes from. All
tables lie in one array; gathering a minibatch is one `take` with as many tables as images, without a loop
over examples. Pixels that a shift leaves empty repeat the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fcnet.data.minibatches import Minibatch
from fcnet.errors import DataError


@dataclass(frozen=True)
class Augmentation:
    """What a training may do to an image.

    mirror : left and right exchanged, in half of the cases
    shift : up to so many pixels in each direction
    """

    mirror: bool = False
    shift: int = 0

    def tables(self, image_shape: tuple[int, int, int]) -> NDArray[np.intp]:
        """For each deformation and pixel, the pixel that it takes, (views, D).

        The first table leaves the image as it is, and with neither mirror nor shift it is the only one.

        Raises
        ------
        DataError : `shift is S, ...`: negative, or not smaller than the image
        """
        channels, height, width = image_shape
        if not 0 <= self.shift < min(height, width):
            raise DataError(f"shift is {self.shift}, choose from 0 to {min(height, width) - 1} pixels")
        pixels = np.arange(channels * height * width).reshape(image_shape)
        offsets = sorted(range(-self.shift, self.shift + 1), key=abs)
        views = []
        for mirror in (False, True) if self.mirror else (False,):
            source = pixels[:, :, ::-1] if mirror else pixels
            for down in offsets:
                rows = np.clip(np.arange(height) + down, 0, height - 1)
                for right in offsets:
                    columns = np.clip(np.arange(width) + right, 0, width - 1)
                    views.append(source[:, rows][:, :, columns].reshape(-1))
        return np.array(views, dtype=np.intp)


@dataclass
class Gatherer:
    """Picks the images of a minibatch, deformed as it says, into a buffer that is reused.

    images : (N, D) uint8
    tables : (views, D), from `Augmentation.tables`
    """

    images: NDArray[np.uint8]
    tables: NDArray[np.intp]
    _pixels: NDArray[np.uint8] = field(init=False, repr=False)
    _sources: NDArray[np.intp] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.images = np.ascontiguousarray(self.images).view(np.ndarray)
        self._flat = self.images.reshape(-1)
        self._pixels = np.empty((0, self.images.shape[1]), np.uint8)
        self._sources = np.empty((0, self.images.shape[1]), np.intp)

    def gather(self, batch: Minibatch) -> NDArray[np.uint8]:
        """The deformed images (B, D) uint8, valid until the next call."""
        D, B = self.images.shape[1], len(batch.rows)
        if len(self._pixels) < B:
            self._pixels = np.empty((B, D), np.uint8)
            self._sources = np.empty((B if len(self.tables) > 1 else 0, D), np.intp)
        pixels = self._pixels[:B]
        # mode="clip" lets NumPy write straight into `out`; every index is in range
        if len(self.tables) == 1:
            return np.take(self.images, batch.rows, axis=0, out=pixels, mode="clip")
        sources = self._sources[:B]
        np.take(self.tables, batch.views, axis=0, out=sources, mode="clip")
        sources += (batch.rows * D)[:, None]
        return np.take(self._flat, sources, out=pixels, mode="clip")

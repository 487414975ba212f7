"""From uint8 pixels to what the network sees.

The exercise subtracts the mean image of the training split and leaves pixels at their scale of 0 to 255.
The tuned nets also divide by one number, the standard deviation of all pixels, which changes nothing that
a network can express and lets the usual initialisation and learning rates apply. Question 4 maps the scale
to -1 to 1, which needs no look at the images. Rows of a user's own features are float32 and go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

TILE = 8
"""Images from which the mean is subtracted at once: one by one, NumPy takes twice the time."""

CHUNK = 2000
"""Images that are converted to floating point at once wherever all images are walked through."""


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixel - mean) / scale.

    mean : (D,) float32, in units of a pixel's 0 to 255
    scale : a positive number, in the same units
    takes : what it is given, "uint8" pixels or "float32" features
    """

    mean: NDArray[np.float32]
    scale: float = 1.0
    takes: Literal["uint8", "float32"] = "uint8"

    def apply(self, images: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        """Fill out (N, D), of floating-point type, with the network's view of images (N, D)."""
        self.centre(images, out)
        if self.scale != 1.0:
            out *= 1 / self.scale
        return out

    def centre(self, images: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        """Fill out (N, D) with images (N, D) minus the mean, not yet divided by the scale."""
        np.copyto(out, images)
        tiles, rest = divmod(len(out), TILE) if out.flags.c_contiguous else (0, len(out))
        many, few = out[: tiles * TILE].reshape(tiles, self._tile.size), out[len(out) - rest :]
        many -= self._tile
        few -= self.mean
        return out

    @cached_property
    def _tile(self) -> NDArray[np.float32]:
        """The mean for `TILE` images at once."""
        return np.tile(self.mean, TILE)

    def __call__(self, images: NDArray[Any], dtype: Any = np.float32) -> NDArray[Any]:
        """The network's view of images (N, D), as an array of its own."""
        return self.apply(images, np.empty(images.shape, dtype))


def mean_image(images: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of each pixel over images (N, D), (D,) float32, summed exactly as integers where they are."""
    kind = np.float64 if images.dtype.kind == "f" else np.int64
    mean: NDArray[np.float32] = (images.sum(axis=0, dtype=kind) / len(images)).astype(np.float32)
    return mean


def centred(images: NDArray[Any]) -> Preprocessing:
    """The exercise's preprocessing, from the training split: subtract its mean image."""
    return Preprocessing(mean_image(images), takes=_kind(images))


def standardised(images: NDArray[Any]) -> Preprocessing:
    """Subtract the training split's mean image and divide by the standard deviation of all its pixels."""
    mean = mean_image(images)
    if images.dtype.kind == "f":
        variance = _spread(images, mean)
    else:
        variance = mean_square(images) - float(np.square(mean, dtype=np.float64).mean())
    return Preprocessing(mean, float(np.sqrt(variance)) if variance > 0 else 1.0, _kind(images))


def mean_square(images: NDArray[np.uint8]) -> float:
    """The mean of all squared pixels, summed as integers: exact, and three times as quick as in floats."""
    total = 0
    for start in range(0, len(images), CHUNK):
        squares = images[start : start + CHUNK].astype(np.uint16)
        squares *= squares  # at most 255**2, which 16 bits hold
        total += int(squares.sum(axis=0, dtype=np.uint32).sum(dtype=np.uint64))
    return total / images.size


def symmetric(pixels: int) -> Preprocessing:
    """Question 4's preprocessing of images of so many pixels: (pixel / 255 - 0.5) / 0.5."""
    return Preprocessing(np.full(pixels, 127.5, dtype=np.float32), 127.5)


def _spread(rows: NDArray[Any], mean: NDArray[np.float32]) -> float:
    """The variance of all features (N, D) about their means (D,)."""
    total = 0.0
    for start in range(0, len(rows), CHUNK):
        total += float(np.square(rows[start : start + CHUNK] - mean).sum(dtype=np.float64))
    return total / rows.size


def _kind(images: NDArray[Any]) -> Literal["uint8", "float32"]:
    return "float32" if images.dtype.kind == "f" else "uint8"

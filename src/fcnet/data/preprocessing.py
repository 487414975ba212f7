"""From uint8 pixels to the network's inputs.

The exercise subtracts the mean image of the training split and leaves pixels at their scale of 0 to 255.
The tuned nets also divide by one number, the standard deviation of all pixels, which changes nothing that
a network can express and lets the usual initialisation and learning rates apply. Question 4 maps the scale
to -1 to 1, which needs no look at the images.

Of rows of a user's features, each feature has a mean and a scale of its own, see `fcnet.data.features`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fcnet.data.features import chunks, moments, scales, shifted_and_scaled, spared
from fcnet.errors import DataError

Kind = Literal["uint8", "float32", "float64"]
"""Of the numbers that a network is given."""

TILE = 8
"""Images from which the mean is subtracted at once: one by one, NumPy takes twice the time."""

CHUNK = 2000
"""Images that are converted to floating point at once wherever all images are walked through."""


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixel - mean) / scale.

    mean : (D,), of pixels float32, in units of their 0 to 255; of features float64
    scale : a positive number, in the same units; of features it may be (D,) float64, one number for each
    takes : what it is given: "uint8" pixels, or the kind of the features
    """

    mean: NDArray[Any]
    scale: float | NDArray[np.float64] = 1.0
    takes: Kind = "uint8"

    @property
    def of_features(self) -> bool:
        """Whether it is for rows of features, which are computed with in float64."""
        return self.mean.dtype == np.float64

    def apply(self, images: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        """Fill out (N, D), of floating-point type, with the network's view of images (N, D).

        Raises
        ------
        DataError : as `centre`
        """
        factor = self.centre(images, out)
        if factor != 1.0:
            out *= factor
        return out

    def centre(self, images: NDArray[Any], out: NDArray[Any]) -> float:
        """Fill out (N, D) with what is left to be multiplied by the number that is returned.

        Of pixels it is images minus the mean, and a caller may leave the multiplication to its next product.

        Raises
        ------
        DataError : features that are too large for the type of out
        """
        if self.of_features:
            for here in chunks(*images.shape):
                shifted_and_scaled(images[here], self.mean, self.scale, out[here])
            return 1.0
        np.copyto(out, images)
        tiles, rest = divmod(len(out), TILE) if out.flags.c_contiguous else (0, len(out))
        many, few = out[: tiles * TILE].reshape(tiles, self._tile.size), out[len(out) - rest :]
        many -= self._tile
        few -= self.mean
        return 1 / float(self.scale)

    @cached_property
    def _tile(self) -> NDArray[np.float32]:
        """The mean for `TILE` images at once."""
        return np.tile(self.mean, TILE)

    def __call__(self, images: NDArray[Any], dtype: Any = np.float32) -> NDArray[Any]:
        """The network's view of images (N, D), as an array of its own."""
        return self.apply(images, np.empty(images.shape, dtype))


def mean_image(images: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of each pixel over images (N, D) uint8, (D,) float32, summed exactly as integers."""
    mean: NDArray[np.float32] = (images.sum(axis=0, dtype=np.int64) / len(images)).astype(np.float32)
    return mean


def centred(images: NDArray[Any]) -> Preprocessing:
    """The exercise's preprocessing, from the training split: subtract its mean image."""
    return Preprocessing(mean_image(images))


def standardised(images: NDArray[Any]) -> Preprocessing:
    """Subtract the training split's mean image and divide by the standard deviation of all its pixels."""
    mean = mean_image(images)
    variance = mean_square(images) - float(np.square(mean, dtype=np.float64).mean())
    return Preprocessing(mean, float(np.sqrt(variance)) if variance > 0 else 1.0)


def of_features(
    rows: NDArray[Any], *, one_by_one: bool, indicators: NDArray[np.bool_] | None = None
) -> Preprocessing:
    """Subtract from each feature its mean over the training split, rows (N, D).

    Parameters
    ----------
    rows : the training split
    one_by_one : also divide each feature by its standard deviation, unless it is constant
    indicators : features (D,) that stay as they are, see `spared`

    Raises
    ------
    DataError : a feature spreads too far
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = moments(lambda here: rows[here], rows.shape[1], np.ones(len(rows)))
    takes: Kind = "uint8" if rows.dtype == np.uint8 else "float32" if rows.dtype == np.float32 else "float64"
    if one_by_one:
        return Preprocessing(*spared(mean, scales(mean, deviation, len(rows)), indicators), takes)
    with np.errstate(over="ignore", invalid="ignore"):
        farthest = [np.abs(rows[here] - mean).max(axis=0) for here in chunks(*rows.shape)]
    reach = np.max(farthest, axis=0)
    if not (reach < np.finfo(np.float32).max).all():
        raise DataError(
            f"feature {int(np.argmax(reach))} reaches {reach.max():.4g} from its mean, too large for the "
            f"network, of 32 bits; choose the preprocessing standardised"
        )
    return Preprocessing(mean, takes=takes)


def mean_square(images: NDArray[np.uint8]) -> float:
    """The mean of all squared pixels, summed as integers: exact, and three times as quick as in floats."""
    total = 0
    for start in range(0, len(images), CHUNK):
        squares = images[start : start + CHUNK].astype(np.uint16)
        squares *= squares  # at most 255**2, which 16 bits hold
        total += int(squares.sum(axis=0, dtype=np.uint32).sum(dtype=np.uint64))
    return total / images.size


def symmetric(pixels: int) -> Preprocessing:
    """Question 4's preprocessing of images with this number of pixels: (pixel / 255 - 0.5) / 0.5."""
    return Preprocessing(np.full(pixels, 127.5, dtype=np.float32), 127.5)

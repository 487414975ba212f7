"""Whitening: the same network, trained in coordinates in which gradient descent is not blind.

Neighbouring pixels of photographs are nearly equal. In pixel coordinates the first layer's loss surface is
therefore a long valley: steep along the mean brightness, flat along everything that tells a cat from a dog,
and a learning rate small enough for the one is useless for the other (LeCun et al., Efficient BackProp,
1998). In the coordinates of the principal components, each divided by its standard deviation, the
valley is round.

Whitening is linear, and so is the first layer: W1 = P V gives x W1 = (x P) V. What is trained is V; what is
saved is W1, a plain two-layer network on centred pixels. Only the way to it was shorter.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.preprocessing import CHUNK, Preprocessing
from fcnet.errors import DataError


def whitening_matrix(
    images: NDArray[np.uint8], preprocessing: Preprocessing, components: int, floor: float
) -> NDArray[np.float32]:
    """P (D, components): projects preprocessed images on their largest components, and evens these out.

    Component i, of variance s_i, is divided by sqrt(s_i + floor): components far above the floor get
    variance 1, those far below stay small, since they are mostly noise. All are then scaled together
    to a mean variance of 1, which is what the usual initialisation expects.

    Parameters
    ----------
    images : (N, D) uint8, the training split
    preprocessing : what is applied to them first
    components : how many to keep, at most D
    floor : in squared units of a pixel's 0 to 255, or of a feature that has the variance 1

    Raises
    ------
    DataError : `components is C, ...`: more than there are inputs
    """
    D = images.shape[1]
    if components > D:
        raise DataError(f"components is {components}, choose at most the {D} numbers of an example")
    variances, directions = np.linalg.eigh(covariance(images, preprocessing))
    variances = np.maximum(variances[::-1][:components], 0)
    directions = _signed(directions[:, ::-1][:, :components])
    unit = 1.0 if preprocessing.of_features else float(preprocessing.scale)
    gains = 1 / np.sqrt(variances + floor / unit**2 + 1e-12)
    gains /= np.sqrt((variances * gains**2).mean())
    return np.ascontiguousarray(directions * gains, dtype=np.float32)


def _signed(directions: NDArray[Any]) -> NDArray[Any]:
    """Eigenvectors (D, K) with the one of their two signs that does not depend on the library.

    Each is made to point to the side of a fixed random vector: a symmetry of the pictures, which makes sums
    and largest entries ambiguous, does not make the product with that vector vanish.
    """
    fixed = np.random.default_rng(0).standard_normal(len(directions))
    return directions * np.where(fixed @ directions < 0, -1.0, 1.0)


def covariance(images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
    """Covariance (D, D) of the preprocessed images, float32 products summed in float64."""
    key = _key(images, preprocessing) if _kept is not None else b""
    if _kept is not None and key in _kept:
        return _kept[key]
    D = images.shape[1]
    total = np.zeros((D, D))
    for start in range(0, len(images), CHUNK):
        X = preprocessing(images[start : start + CHUNK])
        total += X.T @ X
    total /= len(images)
    if _kept is not None:
        _kept.clear()
        _kept[key] = total
    return total


_kept: dict[bytes, NDArray[Any]] | None = None


@contextmanager
def covariance_kept() -> Iterator[None]:
    """Trainings within it on the same images compute their covariance once, which takes seconds.

    The numbers are the same as without; they occupy 75 MB for CIFAR-10, so this is for many trainings.
    """
    global _kept
    _kept = {}
    try:
        yield
    finally:
        _kept = None


def _key(images: NDArray[np.uint8], preprocessing: Preprocessing) -> bytes:
    """What the covariance follows from; hashing the images takes a hundredth of the time."""
    digest = hashlib.blake2b(repr((images.shape, images.dtype.str)).encode())
    digest.update(np.asarray(preprocessing.scale).data)
    digest.update(np.ascontiguousarray(preprocessing.mean).data)
    digest.update(np.ascontiguousarray(images).data)
    return digest.digest()

"""Whitening: the same network, trained in coordinates in which gradient descent is not blind.

Neighbouring pixels of photographs are nearly equal. In pixel coordinates the first layer's loss surface is
therefore a long valley: steep along the mean brightness, flat along everything that tells a cat from a dog,
and a learning rate small enough for the one is useless for the other (LeCun et al., Efficient BackProp,
1998). In the coordinates of the principal components, each divided by its standard deviation, the
valley is round.

Whitening is linear, and so is the first layer: W1 = P V gives x W1 = (x P) V. What is trained is V; what is
saved is W1, a plain two-layer network on centred pixels. Only the way to it was shorter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

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
    floor : in squared units of a pixel's 0 to 255

    Raises
    ------
    DataError : `components is C, ...`: more than there are inputs
    """
    D = images.shape[1]
    if components > D:
        raise DataError(f"components is {components}, choose at most the {D} numbers of an image")
    variances, directions = eigh(covariance(images, preprocessing), subset_by_index=[D - components, D - 1])
    variances = np.maximum(variances[::-1], 0)
    gains = 1 / np.sqrt(variances + floor / preprocessing.scale**2 + 1e-12)
    gains /= np.sqrt((variances * gains**2).mean())
    return np.ascontiguousarray(directions[:, ::-1] * gains, dtype=np.float32)


def covariance(images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
    """Covariance (D, D) of the preprocessed images, float32 products summed in float64."""
    D = images.shape[1]
    total = np.zeros((D, D))
    for start in range(0, len(images), CHUNK):
        X = preprocessing(images[start : start + CHUNK])
        total += X.T @ X
    return total / len(images)

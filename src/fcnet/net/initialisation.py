"""Where the weights start. Biases start at zero throughout.

The exercise draws every layer from N(0, std^2) with one std (1e-4 in NumPy, 1e-3 in PyTorch). Each layer
then shrinks what passes it, and a deep net starts with no signal at all. He et al. (2015) choose
the variance 2 / in, which a ReLU layer passes on unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import DataError


def initial_weights(scheme: str, n_in: int, n_out: int, rng: np.random.Generator) -> NDArray[Any]:
    """Draw a weight matrix (n_in, n_out), float64.

    Parameters
    ----------
    scheme : "he", or the standard deviation as text: "1e-4" is the exercise's
    n_in, n_out : units below and above
    rng : where the numbers come from

    Raises
    ------
    DataError : `initialisation is S, give "he" or a positive standard deviation`
    """
    return standard_deviation(scheme, n_in) * rng.standard_normal((n_in, n_out))


def standard_deviation(scheme: str, n_in: int) -> float:
    """Standard deviation of the initial weights of a layer with n_in inputs."""
    if scheme == "he":
        return float(np.sqrt(2 / n_in))
    try:
        std = float(scheme)
    except ValueError:
        std = -1.0
    if not (np.isfinite(std) and std > 0):
        raise DataError(f'initialisation is {scheme!r}, give "he" or a positive standard deviation')
    return std

"""Where the weights start, of both networks: what is drawn here is the same numbers in NumPy and in PyTorch.

The exercise draws every layer from N(0, std^2) with one std (1e-4 in NumPy, 1e-3 in PyTorch), biases zero.
Each layer then shrinks what passes it, and a deep net starts with no signal at all. He et al. (2015) choose
the variance 2 / in, which a ReLU layer passes on unchanged. PyTorch's own default for `nn.Linear` is uniform
between -1 / sqrt(in) and 1 / sqrt(in), biases too: the variance is 1 / (3 in), a sixth of He's.

Settings are checked here, and `fcnet --help` shows settings, so NumPy is imported where numbers are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fcnet.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


def initial_parameters(scheme: str, sizes: Sequence[int], rng: np.random.Generator) -> dict[str, Array]:
    """Draw all parameters, {"W1": (D, H1), "b1": (H1,), ...}, float64.

    Parameters
    ----------
    scheme : "he", "pytorch", or the standard deviation as text: "1e-4" is the exercise's
    sizes : units from the input to the classes
    rng : where the numbers come from

    Raises
    ------
    DataError : `initialisation is S, give "he", "pytorch" or a positive standard deviation`
    """
    from numpy import zeros

    params: dict[str, Array] = {}
    for number, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        if scheme == "pytorch":
            bound = n_in**-0.5
            params[f"W{number}"] = rng.uniform(-bound, bound, (n_in, n_out))
            params[f"b{number}"] = rng.uniform(-bound, bound, n_out)
        else:
            std = standard_deviation(scheme, n_in)
            params[f"W{number}"] = std * rng.standard_normal((n_in, n_out))
            params[f"b{number}"] = zeros(n_out)
    return params


def standard_deviation(scheme: str, n_in: int) -> float:
    """Standard deviation of the initial weights of a layer with n_in inputs.

    Raises
    ------
    DataError : as `initial_parameters`
    """
    if scheme == "he":
        return math.sqrt(2 / n_in)
    if scheme == "pytorch":
        return math.sqrt(1 / (3 * n_in))
    try:
        std = float(scheme)
    except ValueError:
        std = -1.0
    if not (math.isfinite(std) and std > 0):
        raise DataError(
            f'initialisation is {scheme!r}, give "he", "pytorch" or a positive standard deviation'
        )
    return std

"""The initial parameters: NumPy and PyTorch get the same numbers.

The exercise draws every layer from N(0, std^2) with one std (1e-4 in NumPy, 1e-3 in PyTorch), biases zero.
Each layer then shrinks its signal, and a deep net starts with no signal at all. He et al. (2015) choose
the variance 2 / in, which a ReLU layer passes on unchanged. PyTorch's own default for `nn.Linear` is uniform
between -1 / sqrt(in) and 1 / sqrt(in), biases too: the variance is 1 / (3 in), a sixth of He's.

`fcnet train --help` needs the checks of settings in this module, so it imports NumPy only to draw numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fcnet.extension import broken, called, described, is_own
from fcnet.registry import unknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fcnet.net.architecture import Architecture
    from fcnet.net.parameters import Declared

    Array = NDArray[Any]

Scheme = Callable[["Declared", "np.random.Generator"], "Array"]
"""Draws a weight or a bias, float64, from the layer's declaration."""


def he(parameter: Declared, rng: np.random.Generator) -> Array:
    """N(0, 2 / fan_in), biases zero."""
    return _normal(parameter, rng, math.sqrt(2 / parameter.fan_in))


def pytorch(parameter: Declared, rng: np.random.Generator) -> Array:
    """Uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in), biases too."""
    bound = parameter.fan_in**-0.5
    return rng.uniform(-bound, bound, parameter.shape)


INITIALISATIONS: dict[str, Scheme] = {"he": he, "pytorch": pytorch}
"""The schemes by name; a positive number as text is a standard deviation for all weights."""


def initialisation(name: str) -> Scheme:
    """The scheme of this name, or of this standard deviation.

    Raises
    ------
    DataError : `initialisation is S, choose from ...`
    """
    if name in INITIALISATIONS:
        return INITIALISATIONS[name]
    try:
        std = float(name)
    except ValueError:
        std = -1.0
    if not (math.isfinite(std) and std > 0):
        raise unknown(INITIALISATIONS, name, "initialisation", " or a positive standard deviation")
    return lambda parameter, rng: _normal(parameter, rng, std)


def initial_parameters(scheme: str, architecture: Architecture, rng: np.random.Generator) -> dict[str, Array]:
    """Draw all parameters of a network, by name, float64.

    Parameters
    ----------
    scheme : a name in `INITIALISATIONS`, or a standard deviation as text: "1e-4" is the exercise's
    architecture : the network
    rng : where the numbers come from

    Raises
    ------
    DataError : `initialisation is S, choose from ...`
    ExtensionError : a user's own scheme draws something else than the parameters, or a user's own layer does
        not do what it has to
    """
    from numpy import ones, zeros

    from fcnet.net.contract import check_own_layers

    check_own_layers(architecture)
    draw = initialisation(scheme)
    if is_own(draw):
        draw = partial(_checked, f"the initialisation {scheme!r}", draw)
    starts: dict[str, Scheme] = {
        "weight": draw,
        "bias": draw,
        "ones": lambda parameter, rng: ones(parameter.shape),
        "zeros": lambda parameter, rng: zeros(parameter.shape),
    }
    return {parameter.name: starts[parameter.start](parameter, rng) for parameter in architecture.parameters}


def _checked(what: str, draw: Scheme, parameter: Declared, rng: np.random.Generator) -> Array:
    """What a user's scheme draws, which has to be finite numbers in the parameter's shape.

    Raises
    ------
    ExtensionError : it is not
    """
    from numpy import asarray, isfinite, ndarray

    drawn = called(what, draw, parameter, rng, wants="a function of (parameter, rng)")
    if not isinstance(drawn, ndarray) or drawn.shape != parameter.shape:
        given = f"gives {described(drawn)} for {parameter.name}"
        raise broken(what, draw, f"{given}, return an array of shape {parameter.shape}")
    if drawn.dtype.kind != "f" or not isfinite(drawn).all():
        found = f"{drawn.dtype} numbers" if drawn.dtype.kind != "f" else "NaN or infinity"
        raise broken(what, draw, f"gives {found} for {parameter.name}, return finite floating-point numbers")
    return asarray(drawn, order="C")  # a transposed one would not be


def _normal(parameter: Declared, rng: np.random.Generator, std: float) -> Array:
    from numpy import zeros

    if parameter.start == "bias":
        return zeros(parameter.shape)
    return std * rng.standard_normal(parameter.shape)

"""The lasso: a term lambda_1 sum |W| in the loss, which makes small weights exactly zero (Tibshirani 1996).

Its slope jumps at zero, so a step along the gradient would never arrive there. Each step of the rest of the
loss is followed by soft thresholding instead, the exact minimiser of the term beside the distance to where
the step led:

    S_t(w) = w - clip(w, -t, t)

Every weight moves by t towards zero, and stays there if it is nearer than that. Biases and normalisations
are left out, as by weight decay.

Adam divides by the size of a gradient, so noise alone moves a weight by about alpha, far more than t, and
hardly any stays at zero (on digits, at lambda_1 = 0.01, 0.1 % of W1; with SGD 40 %).
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from fcnet.net.optimisers import Optimiser
from fcnet.net.parameters import Parameter

Number = TypeVar("Number", float, Any)


def threshold(lasso: float, learning_rate: Number, momentum: float) -> Number:
    """The threshold t = alpha lambda_1 / (1 - mu), a tensor if the learning rate is one.

    Momentum lets a lasting gradient act 1 / (1 - mu) times as strongly as one step does, and the term acts
    in every step.
    """
    return learning_rate * (lasso / (1 - momentum))


def shrink(parameters: Sequence[Parameter], optimiser: Optimiser, lasso: float, learning_rate: float) -> None:
    """Soft-threshold all weights after a step of the optimiser, in place.

    Parameters
    ----------
    parameters : of the network
    optimiser : what has just changed them
    lasso : lambda_1
    learning_rate : of that step
    """
    momentum = getattr(optimiser, "momentum", 0.0)
    # a user's own optimiser may call something else by this name, such as its memory
    t = threshold(lasso, learning_rate, float(momentum) if isinstance(momentum, Real) else 0.0)
    settle = getattr(optimiser, "settle", None)
    for parameter in parameters:
        if parameter.decayed:
            if settle is not None:
                settle(parameter)
            W = parameter.value
            W -= np.clip(W, -t, t)

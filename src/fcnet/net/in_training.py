"""A layer of a user's own in training, as functions of numbers with the derivatives that it claims.

The audit differentiates a network without training, and these functions beside it: what a layer does in
training alone, nothing else looks at.
"""

from collections.abc import Callable, Iterator

import numpy as np

from fcnet.arrays import Array
from fcnet.extension import broken
from fcnet.net.contract import EXAMPLES
from fcnet.net.declaring import bind_random
from fcnet.net.layers.base import Layer
from fcnet.net.optimisers import gradient_of

DIRECTIONS = 3
"""Random ones, along which the input and each parameter are moved."""

Claim = tuple[str, Callable[[Array], float], Array]
"""What is wrong where the claim does not hold; a function of distances (DIRECTIONS,); its slopes at 0."""


def claims_in_training(layer: Layer) -> Iterator[Claim]:
    """What a fresh layer claims of its derivative by its input and by each of its parameters.

    The function is a random sum of outputs, at the same draws of the generator that `bind` gave the layer. A
    layer that gives other numbers all the same, such as one that counts its calls, claims nothing that could
    be compared.
    """
    rng = np.random.default_rng(0)
    own, state = bind_random(layer, np.dtype(np.float64), rng), rng.bit_generator.state
    drawn = np.random.default_rng(2)
    start = [drawn.standard_normal((EXAMPLES, layer.inputs)), *(one.value.copy() for one in own)]
    delta = drawn.standard_normal((EXAMPLES, layer.outputs))
    directions = [drawn.standard_normal((DIRECTIONS, *value.shape)) for value in start]
    layer.overwrite_input = layer.overwrite_delta = False

    def at(moved: int, distances: Array) -> tuple[float, Array]:
        """The sum with one of the arrays moved, and the error that is passed down."""
        values = [value.copy() for value in start]
        values[moved] += np.tensordot(distances, directions[moved], 1)
        for parameter, value in zip(own, values[1:], strict=True):
            parameter.value[...] = value
        rng.bit_generator.state = state
        with np.errstate(all="ignore"):
            total = float((layer.forward(values[0], True) * delta).sum())
            return total, np.asarray(layer.backward(delta.copy(), True))  # as in a training

    def moving(place: int) -> Callable[[Array], float]:
        return lambda distances: at(place, distances)[0]

    nothing = np.zeros(DIRECTIONS)
    first, below = at(0, nothing)
    gradients = [np.array(below), *(np.array(gradient_of(parameter).dense()) for parameter in own)]
    if not np.isfinite(first) or not at(0, nothing)[0] == first == at(0, nothing)[0]:
        return
    names = ["the error that it passes down", *(f"the gradient of {parameter.name}" for parameter in own)]
    for place, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
        mistake = f"is wrong in training: {name} is not the derivative of forward(X, True)"
        slopes = (gradient * directions[place]).reshape(DIRECTIONS, -1).sum(axis=1)
        yield str(broken("the layer", layer, mistake)), moving(place), slopes

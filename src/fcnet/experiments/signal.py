"""Question 4: why some deep nets do not start. What passes through each layer before the first step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.net.architecture import Architecture
from fcnet.net.initialisation import initial_parameters
from fcnet.net.network import Network
from fcnet.two_layernet import relu


def signal(
    X: Array, y: NDArray[np.int64], hidden: Sequence[int], classes: int, initialisation: str
) -> dict[str, list[float]]:
    """Measure a network as it is drawn, in float64: the one that a training with the seed 0 starts from.

    Parameters
    ----------
    X, y : (N, D) inputs as the network sees them, and (N,) labels
    hidden, classes, initialisation : the network

    Returns
    -------
    activations : root mean square of what leaves each layer: hidden layers after the ReLU, then the logits
    gradients : root mean square of dJ/dW of each layer
    weights : root mean square of W of each layer
    dead : fraction of each hidden layer's units that are off for all N examples
    """
    architecture = Architecture.of(X.shape[1], hidden, classes)
    rng = np.random.default_rng([0, 2**32 - 1])
    params = initial_parameters(initialisation, architecture, rng)
    net = Network(architecture, rng, dtype=np.float64, params=params)
    Z = [*net.preactivations(X), net.logits(X)]
    A = [*(relu(z) for z in Z[:-1]), Z[-1]]
    _, grads = net.loss(X, y)
    weights = [parameter.name for parameter in architecture.parameters if parameter.decayed]
    return {
        "activations": [rms(a) for a in A],
        "gradients": [rms(grads[name]) for name in weights],
        "weights": [rms(params[name]) for name in weights],
        "dead": [float((z <= 0).all(axis=0).mean()) for z in Z[:-1]],
    }


def rms(values: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(values).mean()))

"""The arithmetic of a training step."""

from __future__ import annotations

from math import prod

from fcnet.train.config import TrainConfig


def step_products(config: TrainConfig, inputs: int, classes: int) -> int:
    """Multiplications, each with an addition, in the matrix products of a training step.

    Every weight matrix has a product forward, one for its gradient, and one that passes the error back, which
    the first matrix does not need. Whitened inputs have one more, the projection of the minibatch. With a
    bank only some epochs have it, and this is the mean over all of them.

    Parameters
    ----------
    config : the settings
    inputs : numbers of an example, before whitening
    classes : K
    """
    seen = min(config.components, inputs) if config.preprocessing == "whitened" else inputs
    architecture = config.architecture(seen, classes)
    matrices = {one.name: prod(one.shape) for one in architecture.parameters if len(one.shape) == 2}
    first = sum(matrices[weight] for weight, _ in architecture.first_layers)
    projection = config.whitens * inputs * seen
    if config.bank:
        projection = projection * min(config.bank, config.epochs) // config.epochs
    return config.batch_size * (3 * sum(matrices.values()) - first + projection)

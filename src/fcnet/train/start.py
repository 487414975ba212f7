"""The parameters that a training starts from, the same in both engines.

A unit of the first layer sees the whole image, and `initialisation` gives each pixel the same weight on
average. `receptive_field` starts the unit from a patch instead: its weights are large around one place and
fade out from there. Only the start is local: all weights are trained, and the network stays fully connected.
Photographs gain several points from it (docs/log.md), since neighbouring pixels belong together.
"""

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.net.initialisation import initial_parameters
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import Inputs

PATCHES_AT_ONCE = 256
"""Patches that are drawn together: 256 of CIFAR-10 occupy 6 MB."""


def starting_parameters(
    config: TrainConfig,
    architecture: Architecture,
    inputs: Inputs,
    image_shape: tuple[int, int, int],
    rng: np.random.Generator,
) -> dict[str, Array]:
    """All parameters of a network by name, float64.

    Parameters
    ----------
    config : the settings: `initialisation` and `receptive_field` count
    architecture : the network as it trains, after the projection of whitened inputs
    inputs : from images to what the network is given
    image_shape : (channels, height, width); (1, 1, D) of rows that are not images
    rng : where the numbers come from

    Raises
    ------
    DataError : an unknown initialisation; a receptive field for rows that are not images, or for a network
        that does not begin with a linear layer
    """
    params = initial_parameters(config.initialisation, architecture, rng)
    if config.receptive_field:
        first = architecture.first_weight
        if image_shape[1] == 1:
            raise DataError("receptive_field is for pictures, leave it out for rows of features")
        if first is None:
            raise DataError("receptive_field needs a network that begins with a linear layer")
        params[first] = _local(params[first], config.receptive_field, inputs, image_shape, rng)
    return params


def _local(
    weights: Array,
    width: float,
    inputs: Inputs,
    image_shape: tuple[int, int, int],
    rng: np.random.Generator,
) -> Array:
    """Weights (inputs, units) of random patches, each unit's with the norm that it has in `weights`.

    A patch is white noise under a Gaussian window, whose middle is anywhere in the image and whose standard
    deviation is half the width. Whitened inputs are principal components, so the patch is projected on them.
    """
    directions = inputs.directions
    local = np.empty_like(weights)
    for start in range(0, weights.shape[1], PATCHES_AT_ONCE):
        patches = _patches(min(PATCHES_AT_ONCE, weights.shape[1] - start), width, image_shape, rng)
        local[:, start : start + len(patches)] = (patches if directions is None else patches @ directions).T
    scaled: Array = local * (np.linalg.norm(weights, axis=0) / np.linalg.norm(local, axis=0))
    return scaled


def _patches(count: int, width: float, image_shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """White noise under Gaussian windows, (count, D), float64."""
    _, height, columns = image_shape
    down = _window(rng.uniform(0, height - 1, count), height, width)
    right = _window(rng.uniform(0, columns - 1, count), columns, width)
    noise = rng.standard_normal((count, *image_shape))
    noise *= down[:, None, :, None] * right[:, None, None, :]
    return noise.reshape(count, -1)


def _window(middles: Array, length: int, width: float) -> Array:
    """For each middle, exp(-d^2 / (2 (width/2)^2)) of the distance d to each of `length` pixels."""
    distances = np.arange(length) - middles[:, None]
    window: Array = np.exp(-2 * np.square(distances / width))
    return window

"""What all programs are given: the same images, labels, initial weights and settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.load import load_known
from fcnet.data.preprocessing import Preprocessing, standardised
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.net.initialisation import initial_parameters

Array = NDArray[Any]

D, K = 3072, 10
IMAGE_SHAPE = (3, 32, 32)

ORDERS = 100
"""Minibatches that are drawn before anything is timed, and then used in turn."""


@dataclass(frozen=True)
class Problem:
    """A training, from pixels to updated weights.

    The network sees (pixel - mean) / scale. Its loss is the mean cross-entropy; an update follows the
    gradient plus 2 reg W for each weight matrix, and no such term for biases.

    Parameters
    ----------
    images : (N, D) uint8, in memory
    labels : (N,) int64 in [0, K)
    pixels : what the images are: CIFAR-10, or random
    hidden : units of each hidden layer
    image_shape, classes : (channels, height, width) of an image, whose product is D; and K
    batch : examples a step
    momentum : mu of v <- mu v - alpha gradient; theta <- theta + v. 0 is theta <- theta - alpha gradient
    reg : lambda of the L2 term, without one-half
    learning_rate : alpha
    threads : that a program may use
    mirror, shift : deformations of the images, for fcnet alone
    seed : what weights and minibatches follow from
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    pixels: str = "random"
    hidden: tuple[int, ...] = (50,)
    batch: int = 200
    momentum: float = 0.0
    reg: float = 3e-2
    learning_rate: float = 2e-4
    threads: int = 1
    mirror: bool = False
    shift: int = 0
    seed: int = 0
    image_shape: tuple[int, int, int] = IMAGE_SHAPE
    classes: int = K

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units from the input to the classes."""
        return (math.prod(self.image_shape), *self.hidden, self.classes)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """The mean image and the standard deviation of all pixels."""
        return standardised(self.images)

    @property
    def mean(self) -> NDArray[np.float32]:
        """(D,) to be subtracted from the pixels."""
        return self.preprocessing.mean

    @property
    def scale(self) -> float:
        """What the difference is divided by."""
        return float(self.preprocessing.scale)

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network sees of images (N, D), for programs that do this in NumPy."""
        inputs: NDArray[np.float32] = (images.astype(np.float32) - self.mean) / np.float32(self.scale)
        return inputs

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Initial weights and biases, {"W1": (D, H1), "b1": (H1,), ...}, He's, drawn again at each call."""
        rng = np.random.default_rng([self.seed, 2**32 - 1])
        drawn = initial_parameters("he", Architecture.plain(self.sizes), rng)
        return {name: value.astype(np.float32) for name, value in drawn.items()}

    def minibatches(self) -> Iterator[NDArray[np.int64]]:
        """Rows of one minibatch after the other, without end, drawn before the first is handed out."""
        rng = np.random.default_rng([self.seed, 1])
        rows = [rng.choice(len(self.labels), self.batch, replace=False) for _ in range(ORDERS)]
        while True:
            yield from rows


def make_problem(case: Mapping[str, Any]) -> Problem:
    """The problem of a benchmark's case: its first images of CIFAR-10 where that is, or random ones.

    A case with `inputs` and `classes` has a table's sizes: so many numbers a row, from 0 to 255.
    """
    hidden = case["hidden"] if isinstance(case["hidden"], tuple | list) else (case["hidden"],)
    known = {name: case[name] for name in ("batch", "momentum", "threads", "mirror", "shift") if name in case}
    if "inputs" in case:
        images, labels, pixels = random_images(case["images"], case["inputs"], case["classes"])
        known |= {"image_shape": (1, 2, case["inputs"] // 2), "classes": case["classes"]}
    else:
        images, labels, pixels = first_images(case["images"], case.get("pixels", "any"))
    return Problem(images, labels, pixels, hidden=tuple(hidden), **known)


def first_images(count: int, wanted: str = "any") -> tuple[NDArray[np.uint8], NDArray[np.int64], str]:
    """`count` images and labels in memory, and their name. "random" needs no CIFAR-10."""
    if wanted != "random":
        try:
            train = load_known("CIFAR-10").train
            return np.array(train.images[:count]), np.array(train.labels[:count]), "CIFAR-10"
        except DataError:
            pass
    return random_images(count, D, K)


def random_images(
    count: int, features: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], str]:
    """The same, drawn."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(count, features), dtype=np.uint8)
    return images, rng.integers(classes, size=count), "random"

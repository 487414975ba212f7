"""The order in which a training sees its examples.

The order and the deformations of an epoch depend on (seed, epoch) alone, and the numbers that other
augmentations draw on (seed, epoch, step). A training that is resumed in the middle of an epoch draws the
order again, skips the minibatches that it has seen, and continues bit for bit. Two networks with the same
seed get the same minibatches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcnet.data.blocks import Blocks
from fcnet.errors import DataError


@dataclass(frozen=True)
class Minibatch:
    """Which examples, and how each is deformed.

    rows : (B,) indices into the training part
    views : (B,) indices into the tables of a `Deformation`, see there
    origin : (seed, epoch, step within the epoch)
    """

    rows: NDArray[np.int64]
    views: NDArray[np.int64]
    origin: tuple[int, int, int] = (0, 0, 0)

    def generator(self) -> np.random.Generator:
        """A new generator for the augmentations, the same each time and in every engine."""
        seed, epoch, step = self.origin
        # a spawn key, since [seed, epoch, 0] would give the numbers of [seed, epoch], which the order is from
        return np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=(step,)))


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Minibatches that one pass over the examples takes; the last one may be smaller.

    Raises
    ------
    DataError : `batch_size is B, ...`: below 1 or more than there are examples
    """
    if not 1 <= batch_size <= examples:
        raise DataError(f"batch_size is {batch_size}, choose from 1 to the {examples} training examples")
    return -(-examples // batch_size)


def minibatches(
    examples: int,
    batch_size: int,
    views: int,
    seed: int,
    epoch: int,
    skip: int = 0,
    blocks: Blocks | None = None,
) -> Iterator[Minibatch]:
    """One pass over all examples in random order, each with a random deformation.

    Parameters
    ----------
    examples : N
    batch_size : B
    views : number of deformations to choose from; 1 for none
    seed, epoch : which decide the order and the deformations
    skip : minibatches to leave out at the start
    blocks : how examples are mixed that are read from a disk; None mixes all of them
    """
    steps = steps_per_epoch(examples, batch_size)
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(examples) if blocks is None else blocks.order(examples, rng)
    deformations = rng.integers(views, size=examples)
    for step in range(skip, steps):
        here = slice(step * batch_size, (step + 1) * batch_size)
        yield Minibatch(order[here], deformations[here], (seed, epoch, step))

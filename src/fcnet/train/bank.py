"""The network's inputs of whole epochs, kept and used again in turn: cheaper epochs.

With `bank = K` only the first K epochs deform their images and project them on the whitening's components.
Epoch e takes the inputs of epoch e modulo K, in an order of its own. So each image is seen in K deformations
instead of one for every epoch.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from fcnet.data.minibatches import Minibatch
from fcnet.memory import check_memory

T = TypeVar("T")

AT_ONCE = 1000
"""Images that are deformed and projected together."""


class Bank(Generic[T]):
    """The inputs of all examples in each of several deformations.

    An entry depends on the seed and its number alone, never on the minibatch that asks for it first, so a
    training that is resumed gets the same bits.

    Parameters
    ----------
    entries : epochs whose inputs are kept, K
    examples : N
    views : number of deformations to choose from
    compute : the inputs (B, C) of a minibatch, in memory of their own
    join : puts a list of them one below the other
    """

    def __init__(
        self,
        entries: int,
        examples: int,
        views: int,
        compute: Callable[[Minibatch], T],
        join: Callable[[list[T]], T],
    ) -> None:
        self.entries, self.examples, self.views = entries, examples, views
        self._compute, self._join = compute, join
        self._kept: dict[tuple[int, int], T] = {}

    def of(self, batch: Minibatch) -> T:
        """The inputs (N, C) of all examples, as they are in the epoch of this minibatch."""
        seed, epoch, _ = batch.origin
        key = seed, epoch % self.entries
        if key not in self._kept:
            self._kept[key] = self._entry(*key)
        return self._kept[key]

    def _entry(self, seed: int, number: int) -> T:
        # a spawn key of two numbers, since those of one belong to the minibatches of an epoch
        rng = np.random.default_rng(np.random.SeedSequence([seed, number], spawn_key=(0, 0)))
        views, rows = rng.integers(self.views, size=self.examples), np.arange(self.examples)
        pieces = (slice(start, start + AT_ONCE) for start in range(0, self.examples, AT_ONCE))
        return self._join([self._compute(Minibatch(rows[here], views[here])) for here in pieces])


def check_bank(entries: int, examples: int, inputs: int, itemsize: int, left: int | None = None) -> None:
    """Refuse a bank that is larger than the memory, before the training fills it.

    Parameters
    ----------
    entries, examples, inputs : K, N, C
    itemsize : bytes of a number
    left : bytes that are available, those of this process if not given

    Raises
    ------
    DataError : `a bank of K epochs takes about N of memory and M are available; choose a smaller one`
    """
    size = entries * examples * inputs * itemsize
    check_memory(f"a bank of {entries} epochs", size, "choose a smaller one", left)

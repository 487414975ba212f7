"""An order of examples for data that are read from a disk while a network trains.

The examples are cut into blocks of neighbours. An epoch takes the blocks in random order, a window of so many
at a time, and mixes the examples of a window. So every block is read once, in one piece, and a window is all
that has to be in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK, WINDOW = 1 << 20, 1 << 26
"""Bytes of a block and of a window, in about."""


@dataclass(frozen=True)
class Blocks:
    """How examples are mixed.

    rows : examples of a block; the last one may have fewer
    window : blocks that are mixed with one another
    """

    rows: int
    window: int

    @classmethod
    def of(cls, width: int) -> Blocks:
        """Those for examples of `width` bytes: they depend on nothing else, so every machine has the same."""
        rows = max(1, BLOCK // width)
        return cls(rows, max(1, WINDOW // (rows * width)))

    def windows(self, examples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """The numbers of the blocks of each window, in the order of an epoch."""
        blocks = rng.permutation(-(-examples // self.rows))
        for start in range(0, len(blocks), self.window):
            yield blocks[start : start + self.window]

    def members(self, blocks: NDArray[np.int64], examples: int) -> NDArray[np.int64]:
        """The examples of some blocks, block after block."""
        rows = (blocks[:, None] * self.rows + np.arange(self.rows)).reshape(-1)
        return rows[rows < examples]

    def order(self, examples: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """A permutation of the examples (N,) for an epoch; the first that it draws are the windows."""
        windows = list(self.windows(examples, rng))
        return np.concatenate([rng.permutation(self.members(blocks, examples)) for blocks in windows])

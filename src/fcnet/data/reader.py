"""The rows of minibatches from files: a window in memory, the next one on its way."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.deformation import Gatherer
from fcnet.data.minibatches import Minibatch
from fcnet.data.streamed import Streamed
from fcnet.errors import DataError

Epoch = tuple[int, int]
"""Seed and number."""

Key = tuple[int, int, int]
"""Of a window: seed, epoch and number."""

KEPT = 2
"""Windows that are kept beside the one that is being read: a minibatch may take rows of two."""


def make_gatherer(images: Any, tables: NDArray[np.intp]) -> Gatherer | StreamReader:
    """What picks the examples of minibatches, from memory or from files.

    Parameters
    ----------
    images : (N, D)
    tables : of a `Deformation`

    Raises
    ------
    DataError : the examples of files are to be deformed
    """
    if not isinstance(images, Streamed):
        return Gatherer(images, tables)
    if len(tables) > 1:
        raise DataError("rows that are streamed are not images, leave out what moves their pixels")
    return StreamReader(images)


class StreamReader:
    """Picks the rows of minibatches in the order of `Blocks`, as `Gatherer` does from memory.

    It knows the order of an epoch from its seed and number, so it reads ahead of what it is asked for, and
    goes on in the middle of an epoch.

    Parameters
    ----------
    rows : (N, D), in the order of their places, so that neighbours lie beside each other
    worker, workers : which of how many processes this is; each reads every so many-th block, and no other
    """

    def __init__(self, rows: Streamed, worker: int = 0, workers: int = 1) -> None:
        self.rows, self.blocks = rows, rows.blocks
        self.worker, self.workers = worker, workers
        self._layout = lru_cache(2)(self._laid_out)  # of the epoch, and of the next one to read ahead
        self._read: dict[Key, Future[Array]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fcnet-reader")
        self._buffer: Array = np.empty((0, rows.shape[1]), rows.dtype)

    def share(self, batch: Minibatch) -> NDArray[np.int64]:
        """The places in a minibatch of the rows that are in this worker's blocks."""
        return np.flatnonzero(batch.rows // self.blocks.rows % self.workers == self.worker)

    def gather(self, batch: Minibatch) -> Array:
        """The rows (n, D) of this worker's share of a minibatch, valid until the next call."""
        epoch, rows = batch.origin[:2], batch.rows
        rows = rows if self.workers == 1 else rows[self.share(batch)]
        _, window_of, first_of = self._layout(epoch)
        block, within = np.divmod(rows, self.blocks.rows)
        windows, slots = window_of[block], first_of[block] + within
        if len(self._buffer) < len(rows):
            self._buffer = np.empty((len(rows), self.rows.shape[1]), self.rows.dtype)
        out = self._buffer[: len(rows)]
        needed = np.unique(windows).tolist()
        for window in needed:
            content = self._content((*epoch, window))
            if len(needed) == 1:
                np.take(content, slots, axis=0, out=out, mode="clip")
            else:
                here = windows == window
                out[here] = content[slots[here]]
        if needed:
            self._ahead(epoch, needed)
        return out

    def _laid_out(self, epoch: Epoch) -> tuple[list[Array], Array, Array]:
        """Its own blocks in each window, and of each block its window and where it begins there."""
        rng = np.random.default_rng(list(epoch))  # as `minibatches` has it
        windows = [
            blocks[blocks % self.workers == self.worker]
            for blocks in self.blocks.windows(len(self.rows), rng)
        ]
        count = -(-len(self.rows) // self.blocks.rows)
        window_of, first_of = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for number, blocks in enumerate(windows):
            window_of[blocks] = number
            sizes = np.minimum(self.blocks.rows, len(self.rows) - blocks * self.blocks.rows)
            first_of[blocks] = np.cumsum(sizes) - sizes
        return windows, window_of, first_of

    def _content(self, key: Key) -> Array:
        if key not in self._read:
            self._begin(key)
        return self._read[key].result()

    def _ahead(self, epoch: Epoch, needed: list[int]) -> None:
        """Begin to read the window that comes next, and forget those that have been used."""
        seed, number = epoch
        following = needed[-1] + 1
        last = following == len(self._layout(epoch)[0])
        key = (seed, number + 1, 0) if last else (seed, number, following)
        kept = [(seed, number, window) for window in needed[-KEPT:]]
        for old in [one for one in self._read if one != key and one not in kept]:
            del self._read[old]
        if key not in self._read:
            self._begin(key)

    def _begin(self, key: Key) -> None:
        blocks = self._layout(key[:2])[0][key[2]]
        members = self.blocks.members(blocks, len(self.rows))

        def read() -> Array:
            out = np.empty((len(members), self.rows.shape[1]), self.rows.dtype)
            self.rows[members].read(out)
            return out

        self._read[key] = self._thread.submit(read)

"""Rows that stay in their files: they are read when they are asked for, and look like an array otherwise.

Reading goes through one bounded buffer and never through a memory map, so the memory that a training takes is
what it allocates, whatever the size of the files.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.blocks import Blocks
from fcnet.data.damage import naming
from fcnet.errors import DataError
from fcnet.files import open_plain

TYPES = ("float32", "float64", "uint8")
"""Of numbers that are used as they are in the file."""

HEADS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""The formats of .npy files; a third one is for fields with names that are not ASCII."""

SPAN = 1 << 22
"""The most bytes that are read at once."""

GAP = 16
"""Rows between two others that are read along with them."""


@dataclass(frozen=True)
class RowFile:
    """An open .npy file of rows (N, D).

    path : of the file
    file : open for reading
    start : where its numbers begin, in bytes
    rows, width : N and D
    dtype : of its numbers
    """

    path: Path
    file: BufferedReader
    start: int
    rows: int
    width: int
    dtype: np.dtype[Any]
    lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path) -> RowFile:
        """Open a file and read what it says of itself.

        Raises
        ------
        DataError : it cannot be read, is cut, or holds something else than rows of numbers
        """
        with naming(path, "an .npy file"), ExitStack() as failed:
            file = failed.enter_context(open_plain(path))
            start, shape, dtype = _header(path, file)
            failed.pop_all()
        made = cls(path, file, start, *shape, dtype)
        weakref.finalize(made, file.close)
        return made

    def read(self, first: int, out: Array) -> None:
        """Fill out (n, D) with the rows from `first` on.

        Raises
        ------
        DataError : the file was cut meanwhile, or the disk fails
        """
        view = out.reshape(-1).view(np.uint8).data
        done = 0
        with naming(self.path, "an .npy file"), self.lock:
            self.file.seek(self.start + first * self.width * self.dtype.itemsize)
            while done < len(view):
                count = self.file.readinto(view[done:])
                if not count:
                    raise DataError(f"{self.path} was cut while it was read, write it again")
                done += count


def _header(path: Path, file: BufferedReader) -> tuple[int, tuple[int, int], np.dtype[Any]]:
    """Where the numbers of an .npy file begin, its shape, and their type."""
    shape, fortran, dtype = HEADS[np.lib.format.read_magic(file)](file)
    if len(shape) != 2 or fortran or dtype not in map(np.dtype, TYPES) or 0 in shape:
        layout = " in columns" if fortran else ""
        raise DataError(
            f"{path} has shape {shape} and dtype {dtype}{layout}, to be streamed it must have rows (N, D) of "
            f"{', '.join(TYPES)}, C-contiguous; or leave out --stream"
        )
    start, size = file.tell(), os.fstat(file.fileno()).st_size
    if start + math.prod(shape) * dtype.itemsize > size:
        raise DataError(f"{path} is cut: it says that it has {shape[0]:,} rows, write it again")
    return start, shape, dtype


@dataclass(frozen=True)
class Streamed:
    """Rows (N, D) of one or more files, in any order; what is sliced stays in the files until it is used.

    files : one after the other
    places : (N,) which of all their rows
    """

    files: Sequence[RowFile]
    places: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.places), self.files[0].width

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.files[0].dtype

    @property
    def ndim(self) -> int:
        return 2

    @property
    def blocks(self) -> Blocks:
        """How its rows are mixed in a training."""
        return Blocks.of(self.files[0].width * self.dtype.itemsize)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Streamed:
        return Streamed(self.files, self.places[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The rows, read."""
        out = np.empty(self.shape, self.dtype)
        self.read(out)
        return out if dtype is None else out.astype(dtype, copy=False)

    def read(self, out: Array) -> None:
        """Fill out (N, D).

        Raises
        ------
        DataError : as `RowFile.read`
        """
        order = np.argsort(self.places, kind="stable")
        places = self.places[order]
        apart = np.flatnonzero(np.diff(places) > GAP) + 1
        for run in np.split(np.arange(len(places)), apart):
            self._read_run(places[run], order[run], out)

    def _read_run(self, places: NDArray[np.int64], rows: NDArray[np.int64], out: Array) -> None:
        """Rows that lie close to each other, in order, to `rows` of out; a few at a time, file by file."""
        most = max(1, SPAN // (self.shape[1] * self.dtype.itemsize))
        begin = 0
        for file in self.files:
            end = begin + file.rows
            first, stop = np.searchsorted(places, [begin, end])
            while first < stop:
                last = int(np.searchsorted(places[:stop], places[first] + most))
                span = np.empty((int(places[last - 1] - places[first]) + 1, file.width), file.dtype)
                file.read(int(places[first]) - begin, span)
                out[rows[first:last]] = span[places[first:last] - places[first]]
                first = last
            begin = end

"""Reads the idx files of MNIST and of the data sets that took over its layout.

An idx file says its number of dimensions and their sizes, each in four bytes, and then holds one byte for
each number.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part, content_hash
from fcnet.data.published import Published, is_file
from fcnet.errors import DataError
from fcnet.files import read_plain

PARTS = ("train", "t10k")
UINT8 = 8
"""The code of unsigned bytes in the head of an idx file."""


class _File(NamedTuple):
    values: NDArray[np.uint8]
    md5: str


@dataclass(frozen=True)
class Idx(Published):
    """Four compressed idx files: images and labels of the training and of the test part."""

    def is_complete(self, folder: Path) -> bool:
        """Whether a folder holds these files and no others of the same names, by the hash of the smallest."""
        if not super().is_complete(folder):
            return False
        smallest = min(self.remotes, key=lambda remote: remote.size)
        return is_file(folder / smallest.name) and _md5(self._raw(folder / smallest.name)) == smallest.md5

    def read(self, folder: Path) -> Dataset:
        """Read and check the four files; raises DataError as `Published.read` does."""
        files = {name: self._idx(folder / name) for name in self.files}
        parts = []
        for part in PARTS:
            images = files[f"{part}-images-idx3-ubyte.gz"].values
            labels = files[f"{part}-labels-idx1-ubyte.gz"].values
            where = folder / f"{part}-images-idx3-ubyte.gz"
            if images.shape != (len(labels), *self.image_shape[1:]) or labels.ndim != 1 or not len(labels):
                raise DataError(
                    f"{where} has shape {images.shape} beside labels of shape {labels.shape}, {self.advice}"
                )
            if labels.max() >= len(self.classes):
                raise DataError(f"the labels beside {where} go to {labels.max()}, {self.advice}")
            parts.append(Part(images.reshape(len(images), -1), labels.astype(np.int64)))
        train, test = parts
        note = self.note_on(folder, {name: file.md5 for name, file in files.items()}, tuple(files))
        return Dataset(
            self.title, train, test, self.classes, self.image_shape,
            Origin(str(folder.resolve()), content_hash(train, test), not note, note),
        )  # fmt: skip

    def _idx(self, path: Path) -> _File:
        raw = self._raw(path)
        largest = 100 + 70_000 * math.prod(self.image_shape)
        try:
            plain = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, largest)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path} cannot be unpacked ({error}), {self.advice}") from error
        dimensions = plain[3] if len(plain) >= 4 and plain[:3] == bytes([0, 0, UINT8]) else 0
        shape = tuple(int(n) for n in np.frombuffer(plain[4 : 4 + 4 * dimensions], ">u4"))
        content = plain[4 + 4 * dimensions :]
        if not dimensions or len(shape) != dimensions or math.prod(shape) != len(content):
            raise DataError(f"{path} is no whole idx file of bytes, {self.advice}")
        return _File(np.frombuffer(content, np.uint8).reshape(shape), _md5(raw))

    def _raw(self, path: Path) -> bytes:
        size = next(remote.size for remote in self.remotes if remote.name == path.name)
        try:
            return read_plain(path, 2 * size + 1000)
        except OSError as error:
            raise DataError(f"cannot read {path} ({error.strerror or error}), {self.advice}") from error


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()

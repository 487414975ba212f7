"""Reads the idx files of MNIST and of the data sets with the same layout.

An idx file states its number of dimensions and their sizes, each in four bytes, and then holds one byte for
each number.
"""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part, content_hash
from fcnet.data.published import Published, hash_like
from fcnet.errors import DataError

PARTS = ("train", "t10k")

IDX_FILES = tuple(f"{part}-{kind}-ubyte.gz" for part in PARTS for kind in ("images-idx3", "labels-idx1"))
"""The files of such a data set."""

UINT8 = 8
"""The code of unsigned bytes in the head of an idx file."""


@dataclass(frozen=True)
class Idx(Published):
    """Four compressed idx files: images and labels of the training and of the test part."""

    def is_complete(self, folder: Path) -> bool:
        """Whether a folder holds these files and no others of the same names, by the hash of the smallest."""
        if not super().is_complete(folder):
            return False
        smallest = min(self.remotes, key=lambda remote: remote.size)
        return hash_like(smallest.sha256, self._raw(folder / smallest.name)) == smallest.sha256

    def read(self, folder: Path) -> Dataset:
        """Read and check the four files; raises DataError as `Published.read` does."""
        raw = {name: self._raw(folder / name) for name in self.files}
        arrays = {name: self._idx(content, folder / name) for name, content in raw.items()}
        parts = []
        for part in PARTS:
            images = arrays[f"{part}-images-idx3-ubyte.gz"]
            labels = arrays[f"{part}-labels-idx1-ubyte.gz"]
            where = folder / f"{part}-images-idx3-ubyte.gz"
            if images.shape != (len(labels), *self.image_shape[1:]) or labels.ndim != 1 or not len(labels):
                raise DataError(
                    f"{where} has shape {images.shape} beside labels of shape {labels.shape}, {self.advice}"
                )
            if labels.max() >= len(self.classes):
                raise DataError(f"the labels beside {where} go to {labels.max()}, {self.advice}")
            parts.append(Part(images.reshape(len(images), -1), labels.astype(np.int64)))
        train, test = parts
        hashes = {name: hash_like(self.files[name], content) for name, content in raw.items()}
        note = self.note_on(folder, hashes, self.files)
        return Dataset(
            self.title, train, test, self.classes, self.image_shape,
            Origin(str(folder.resolve()), content_hash(train, test), not note, note),
        )  # fmt: skip

    def _idx(self, raw: bytes, path: Path) -> NDArray[np.uint8]:
        largest = 100 + 70_000 * math.prod(self.image_shape)
        try:
            plain = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, largest)
        except zlib.error as error:
            raise DataError(f"{path} cannot be unpacked ({error}), {self.advice}") from error
        dimensions = plain[3] if len(plain) >= 4 and plain[:3] == bytes([0, 0, UINT8]) else 0
        shape = tuple(int(n) for n in np.frombuffer(plain[4 : 4 + 4 * dimensions], ">u4"))
        content = plain[4 + 4 * dimensions :]
        if not dimensions or len(shape) != dimensions or math.prod(shape) != len(content):
            raise DataError(f"{path} is not a complete idx file of bytes, {self.advice}")
        return np.frombuffer(content, np.uint8).reshape(shape)

    def _raw(self, path: Path) -> bytes:
        size = next(remote.size for remote in self.remotes if remote.name == path.name)
        return self.content(path, 2 * size + 1000)

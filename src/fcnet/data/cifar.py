"""From the files of CIFAR-10 and CIFAR-100 to arrays, with every check on the way.

Each file is a pickled dict: those of images hold `data`, labels and the names of the images' own files, and
one holds the names of the classes.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part, content_hash
from fcnet.data.published import Published, hash_like
from fcnet.errors import DataError

BYTES_EACH = 1000
"""Bytes of a file beyond which the name and the labels of an image are none."""


@dataclass(frozen=True)
class Batch:
    """One file of images: images (rows, 3072) uint8, labels (rows,) int64, names of the images' own files."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    filenames: tuple[bytes, ...]


@dataclass(frozen=True)
class Cifar(Published):
    """Files of pickled images, the last one for testing, and a file of names.

    rows : images of the test part
    """

    rows: int = 10_000
    labels_key = "labels"
    names_key = "label_names"
    names_file = "batches.meta"

    @property
    def batches(self) -> dict[str, int]:
        """The files of images with their numbers of rows, in order."""
        raise NotImplementedError

    def read(self, folder: Path) -> Dataset:
        """Read and check all files; raises DataError as `Published.read` does."""
        pixels, rows = math.prod(self.image_shape), sum(self.batches.values())
        images, labels = np.empty((rows, pixels), np.uint8), np.empty(rows, np.int64)
        names_path = folder / self.names_file
        raw = self._raw(names_path, 1)
        hashes = {self.names_file: hash_like(self.files[self.names_file], raw)}
        classes = self.names(raw, names_path)
        stored_as_jpeg, start = True, 0
        for name, count in self.batches.items():
            raw = self._raw(folder / name, count)
            hashes[name] = hash_like(self.files[name], raw)
            batch = self.decode(raw, folder / name, count, len(classes))
            images[start : start + count], labels[start : start + count] = batch.images, batch.labels
            stored_as_jpeg &= _named_jpeg(batch.filenames)
            start += count
            del raw, batch  # or the next file is read beside them: 350 MB at the peak, not 290
        cut = rows - self.rows
        train, test = Part(images[:cut], labels[:cut]), Part(images[cut:], labels[cut:])
        other = "JPEG copy" if stored_as_jpeg else "not the official files"
        note = self.note_on(folder, hashes, self.batches, other)
        origin = Origin(str(folder.resolve()), content_hash(train, test), not note, note)
        return Dataset(self.title, train, test, classes, self.image_shape, origin)

    def decode(self, raw: bytes, path: Path, rows: int, classes: int) -> Batch:
        """Read one file of images.

        Parameters
        ----------
        raw : the file's bytes
        path : where it lies, for messages
        rows : images that it must hold
        classes : how many there are

        Raises
        ------
        DataError : not a plain pickled dict, other than `rows` images of uint8 pixels, labels that are not
            `rows` whole numbers from 0 to `classes` - 1
        """
        content, pixels = self._unpickled(raw, path), math.prod(self.image_shape)
        images, labels = content.get("data"), content.get(self.labels_key)
        if not isinstance(images, np.ndarray) or images.shape != (rows, pixels):
            found = f"shape {images.shape}" if isinstance(images, np.ndarray) else "none"
            raise DataError(
                f"{path} should hold images of shape ({rows}, {pixels}) and holds {found}, {self.advice}"
            )
        if not isinstance(labels, list) or len(labels) != rows:
            found = str(len(labels)) if isinstance(labels, list) else "no list of them"
            raise DataError(f"{path} should hold {rows} labels and holds {found}, {self.advice}")
        for row, label in enumerate(labels):
            if type(label) is not int or not 0 <= label < classes:
                wrong = f"{label:.4g}" if type(label) is int else f"of type {type(label).__name__}"
                known = f"labels run from 0 to {classes - 1}"
                raise DataError(f"{path} has a label {wrong} in row {row}, {known}, {self.advice}")
        names = content.get("filenames")
        plain = tuple(n for n in names if isinstance(n, bytes)) if isinstance(names, list) else ()
        return Batch(images, np.array(labels, np.int64), plain)

    def names(self, raw: bytes, path: Path) -> tuple[str, ...]:
        """The names of the classes, from the bytes of the file of names.

        Raises
        ------
        DataError : not a plain pickled dict, or other names than the published ones
        """
        found = self._unpickled(raw, path).get(self.names_key)
        names = tuple(_text(name) for name in found) if isinstance(found, list) else ()
        if not names or not all(names) or self.classes not in ((), names):
            raise DataError(f"{path} does not name the classes of {self.title}, {self.advice}")
        return names

    def _raw(self, path: Path, rows: int) -> bytes:
        return self.content(path, rows * (math.prod(self.image_shape) + BYTES_EACH) + 100_000)

    def _unpickled(self, raw: bytes, path: Path) -> dict[str, object]:
        from fcnet.data.unpickle import UnpickleError, read_pickle

        try:
            content = read_pickle(raw)
        except UnpickleError as error:
            raise DataError(f"{path} is not a data file: {error}; {self.advice}") from error
        return {_text(key): value for key, value in content.items()}


class Cifar10(Cifar):
    """Five files for training and one for testing."""

    @property
    def batches(self) -> dict[str, int]:
        """Six files of the same number of rows."""
        return {name: self.rows for name in self.files if name != self.names_file}


class Cifar100(Cifar):
    """One file for training and one for testing, with the finer of two kinds of labels."""

    labels_key = "fine_labels"
    names_key = "fine_label_names"
    names_file = "meta"

    @property
    def batches(self) -> dict[str, int]:
        """Five times as many rows for training as for testing."""
        return {"train": 5 * self.rows, "test": self.rows}


def _text(value: object) -> str:
    """Text as it is or from bytes, otherwise empty: other values may nest too deeply to be printed."""
    return value.decode("latin1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _named_jpeg(filenames: tuple[bytes, ...]) -> bool:
    """Whether a copy itself says that its images were JPEG files; the published ones were PNG files."""
    return bool(filenames) and all(name.lower().endswith((b".jpg", b".jpeg")) for name in filenames)

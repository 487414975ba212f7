"""From a folder in the official layout to arrays, with every check on the way.

The folder holds `data_batch_1` to `data_batch_5`, `test_batch` and `batches.meta`, each a pickled dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.published import BATCH_FILES, CIFAR10, CLASSES, FILES, META_FILE, PIXELS, Published
from fcnet.data.unpickle import UnpickleError, read_pickle
from fcnet.errors import DataError

ADVICE = "replace it by the published file, or remove its folder and run: fcnet data fetch"


@dataclass(frozen=True)
class Decoded:
    """Everything that a folder holds.

    images : (6 * rows, 3072) uint8, the five training batches and then the test batch
    labels : (6 * rows,) int64 in [0, 10)
    md5 : of each file
    sha256 : over the images and then one byte for each label
    official : whether every file is the published one, byte for byte
    note : what must be known about a copy that is not
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    md5: Mapping[str, str]
    sha256: str
    official: bool
    note: str


@dataclass(frozen=True)
class Batch:
    """One file of images: images (rows, 3072) uint8, labels (rows,) int64, names of the images' own files."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    filenames: tuple[bytes, ...]


def read_folder(folder: Path, published: Published = CIFAR10) -> Decoded:
    """Read and check all seven files.

    Parameters
    ----------
    folder : holds the seven files
    published : hashes and number of rows to hold them against

    Raises
    ------
    DataError : a file is missing, unreadable, damaged, or holds anything but what it should
    """
    images = np.empty((len(BATCH_FILES) * published.rows, PIXELS), np.uint8)
    labels = np.empty(len(images), np.int64)
    md5: dict[str, str] = {}
    stored_as_jpeg = True
    for k, name in enumerate(BATCH_FILES):
        raw = _read(folder / name, published.batch_limit)
        md5[name] = _md5(raw)
        batch = decode_batch(raw, folder / name, published.rows)
        rows = slice(k * published.rows, (k + 1) * published.rows)
        images[rows], labels[rows] = batch.images, batch.labels
        stored_as_jpeg &= _named_jpeg(batch.filenames)
    raw = _read(folder / META_FILE, published.batch_limit)
    md5[META_FILE] = _md5(raw)
    check_meta(raw, folder / META_FILE)
    official = _check_hashes(folder, md5, published)
    note = "" if official else "JPEG copy" if stored_as_jpeg else "not the official files"
    return Decoded(images, labels, md5, content_hash(images, labels), official, note)


def decode_batch(raw: bytes, path: Path, rows: int) -> Batch:
    """Read one file of images.

    Parameters
    ----------
    raw : the file's bytes
    path : where it lies, for messages
    rows : images that it must hold

    Raises
    ------
    DataError : `PATH ... , replace it ...`: not a plain pickled dict, other than `rows` images of 3072 uint8
        pixels, labels that are not `rows` whole numbers from 0 to 9
    """
    content = _unpickled(raw, path)
    images, labels = content.get("data"), content.get("labels")
    if not isinstance(images, np.ndarray) or images.shape != (rows, PIXELS):
        found = f"shape {images.shape}" if isinstance(images, np.ndarray) else "none"
        raise DataError(f"{path} should hold images of shape ({rows}, {PIXELS}) and holds {found}, {ADVICE}")
    if not isinstance(labels, list) or len(labels) != rows:
        found = str(len(labels)) if isinstance(labels, list) else "no list of them"
        raise DataError(f"{path} should hold {rows} labels and holds {found}, {ADVICE}")
    for row, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(CLASSES):
            wrong = label if type(label) is int else f"of type {type(label).__name__}"
            raise DataError(f"{path} has a label {wrong} in row {row}, labels run from 0 to 9, {ADVICE}")
    names = content.get("filenames")
    plain = tuple(n for n in names if isinstance(n, bytes)) if isinstance(names, list) else ()
    return Batch(images, np.array(labels, np.int64), plain)


def check_meta(raw: bytes, path: Path) -> None:
    """Require that `batches.meta` names CIFAR-10's ten classes, in order.

    Raises
    ------
    DataError : not a plain pickled dict, or other names
    """
    names = _unpickled(raw, path).get("label_names")
    if not isinstance(names, list) or tuple(_text(name) for name in names) != CLASSES:
        raise DataError(f"{path} does not name the ten classes of CIFAR-10, {ADVICE}")


def content_hash(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Return the sha256 over images (N, D) uint8 and then labels (N,), one byte each."""
    import hashlib

    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(labels.astype(np.uint8).tobytes())
    return digest.hexdigest()


def _read(path: Path, limit: int) -> bytes:
    try:
        if not path.is_file():
            raise DataError(f"{path} is missing or no plain file, {ADVICE}")
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error}), {ADVICE}") from error
    if len(raw) > limit:
        raise DataError(f"{path} has more than {limit} bytes, too many for a file of CIFAR-10, {ADVICE}")
    return raw


def _md5(raw: bytes) -> str:
    import hashlib

    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _unpickled(raw: bytes, path: Path) -> dict[str, object]:
    try:
        content = read_pickle(raw)
    except UnpickleError as error:
        raise DataError(f"{path} is no data file: {error}; {ADVICE}") from error
    return {_text(key): value for key, value in content.items()}


def _text(value: object) -> str:
    """Text as it is or from bytes; anything else has none, and may nest too deeply to be printed."""
    return value.decode("latin1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _named_jpeg(filenames: tuple[bytes, ...]) -> bool:
    """Whether a copy itself says that its images were JPEG files; the published ones were PNG files."""
    return bool(filenames) and all(name.lower().endswith((b".jpg", b".jpeg")) for name in filenames)


def _check_hashes(folder: Path, md5: Mapping[str, str], published: Published) -> bool:
    """Whether all files are the published ones; a published batch beside others is damage, and refused."""
    other = [name for name in FILES if md5[name] != published.files[name]]
    if other and any(md5[name] == published.files[name] for name in BATCH_FILES):
        name = other[0]
        raise DataError(
            f"{folder / name} is damaged: its md5 is {md5[name]}, not {published.files[name]}, while "
            f"{len(FILES) - len(other)} of {len(FILES)} files are the published ones; {ADVICE}"
        )
    return not other

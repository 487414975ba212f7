"""Keeps what was read as one uint8 memory map, so that the next start takes a tenth of a second.

For every folder that was read, `CACHE/decoded/KEY/` holds `images.npy` (60000, 3072) uint8, `labels.npy`
(60000,) int64 and `manifest.json`: the sizes, times and hashes of the files they came from, the hash of the
content, and whether the files are the official ones. A start compares sizes and times, and reads no pixel.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.cifar10 import Decoded, content_hash, read_folder
from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.files import locked
from fcnet.data.find import cache_root
from fcnet.data.published import BATCH_FILES, CIFAR10, CLASSES, FILES, IMAGE_SHAPE, PIXELS, Published
from fcnet.files import new_file

VERSION = 1
"""Raised when the meaning of the kept files changes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """What is known about the kept images without reading them.

    folder : where they were read from
    stamps : size in bytes, and times of change in nanoseconds, of each file there
    md5 : of each file there
    sha256 : over the images and labels
    """

    version: int
    folder: str
    rows: int
    stamps: dict[str, list[int]]
    md5: dict[str, str]
    sha256: str
    official: bool
    note: str


@dataclass(frozen=True)
class Kept:
    """Images (N, 3072) uint8 and labels (N,) int64 with their manifest."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    manifest: Manifest


def home(folder: Path) -> Path:
    """The folder in which what was read from `folder` is kept."""
    import hashlib

    key = hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()[:16]
    return cache_root() / "decoded" / key


def load_folder(folder: Path, published: Published = CIFAR10) -> Dataset:
    """Read a folder in the official layout, or map what an earlier start kept of it.

    Parameters
    ----------
    folder : holds the seven files
    published : hashes and number of rows to hold them against

    Returns
    -------
    Dataset : `CIFAR-10`, read-only images; in memory where the cache cannot be written, which is logged

    Raises
    ------
    DataError : the folder does not hold what it should
    """
    kept = kept_images(folder, published) or _read_and_keep(folder, published)
    return as_dataset(folder, kept, published)


def as_dataset(folder: Path, kept: Kept, published: Published = CIFAR10) -> Dataset:
    """Cut the images into the two published parts."""
    cut = (len(BATCH_FILES) - 1) * published.rows
    manifest = kept.manifest
    return Dataset(
        name="CIFAR-10",
        train=Part(kept.images[:cut], kept.labels[:cut]),
        test=Part(kept.images[cut:], kept.labels[cut:]),
        classes=CLASSES,
        image_shape=IMAGE_SHAPE,
        origin=Origin(str(folder.resolve()), manifest.sha256, manifest.official, manifest.note),
    )


def kept_images(folder: Path, published: Published = CIFAR10) -> Kept | None:
    """Map what is kept of `folder`; None if there is nothing, or it is out of date or damaged."""
    where = home(folder)
    try:
        manifest = Manifest(**json.loads((where / "manifest.json").read_text("utf-8")))
        if (manifest.version, manifest.rows, manifest.stamps) != (VERSION, published.rows, stamps(folder)):
            return None
        images = np.load(where / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(where / "labels.npy", allow_pickle=False)
    except (OSError, ValueError, TypeError, EOFError):
        return None
    rows = len(BATCH_FILES) * published.rows
    if not _is(images, (rows, PIXELS), np.uint8) or not _is(labels, (rows,), np.int64):
        return None
    if not 0 <= labels.min() <= labels.max() < len(CLASSES):
        return None
    return Kept(images.view(np.ndarray), labels, manifest)


def _is(array: object, shape: tuple[int, ...], dtype: type) -> bool:
    return (
        isinstance(array, np.ndarray)
        and array.shape == shape
        and array.dtype == dtype
        and array.flags.c_contiguous
    )


def is_intact(kept: Kept) -> bool:
    """Whether the kept images still have the hash that the manifest states; reads them all."""
    return content_hash(kept.images, kept.labels) == kept.manifest.sha256


def stamps(folder: Path) -> dict[str, list[int]]:
    """Size and times of change of each file, by which a replaced file is noticed."""
    found = {name: (folder / name).stat() for name in FILES}
    return {name: [s.st_size, s.st_mtime_ns, s.st_ctime_ns] for name, s in found.items()}


def keep(
    folder: Path, decoded: Decoded, before: dict[str, list[int]], published: Published = CIFAR10
) -> None:
    """Write images, labels and, last, the manifest; each under a temporary name first.

    Parameters
    ----------
    folder : where `decoded` was read from
    decoded : what was read
    before : the files' stamps before they were read
    published : states the number of rows

    Raises
    ------
    OSError : the cache cannot be written
    """
    where = home(folder)
    where.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(folder, decoded, before, published)
    with locked(where / ".lock"):
        for left in where.glob(".*.tmp-*"):
            left.unlink(missing_ok=True)
        (where / "manifest.json").unlink(missing_ok=True)
        _save(where / "images.npy", decoded.images)
        _save(where / "labels.npy", decoded.labels)
        with new_file(where / "manifest.json") as file:
            file.write(json.dumps(asdict(manifest), indent=1).encode())


def _read_and_keep(folder: Path, published: Published) -> Kept:
    decoded, before = read_stable(folder, published)
    try:
        keep(folder, decoded, before, published)
        if kept := kept_images(folder, published):
            return kept
    except OSError as error:
        reason = error.strerror or str(error)
        log.warning(
            "cannot keep the images in %s (%s): each start reads all files again", home(folder), reason
        )
    decoded.images.flags.writeable = False
    return Kept(decoded.images, decoded.labels, _manifest(folder, decoded, before, published))


def _manifest(folder: Path, decoded: Decoded, before: dict[str, list[int]], published: Published) -> Manifest:
    return Manifest(
        version=VERSION,
        folder=str(folder.resolve()),
        rows=published.rows,
        stamps=before,
        md5=dict(decoded.md5),
        sha256=decoded.sha256,
        official=decoded.official,
        note=decoded.note,
    )


def read_stable(folder: Path, published: Published = CIFAR10) -> tuple[Decoded, dict[str, list[int]]]:
    """Read a folder, and return its stamps from before, so that a change meanwhile is noticed later."""
    try:
        before = stamps(folder)
    except OSError:
        before = {}  # `read_folder` says in full what is missing
    return read_folder(folder, published), before


def _save(path: Path, array: NDArray[np.uint8] | NDArray[np.int64]) -> None:
    with new_file(path) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)

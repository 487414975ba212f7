"""Keeps what was read of a source, so that the next start takes a tenth of a second.

For every source, a folder of files or of pictures or a table whose rows are streamed, `CACHE/decoded/KEY/`
holds `images.npy` (N, D), `labels.npy` (N,) int64 and `manifest.json`: what the `Dataset` says besides, the
stamp of the source, and the stamps of the two arrays. A start compares stamps, and reads no pixel and no row.
It reads everything that does not agree again.
"""

import contextlib
import functools
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.find import cache_root
from fcnet.data.stamp import Stamp, stamp
from fcnet.files import make_folder, new_file, open_plain, read_plain, remove_leftovers
from fcnet.lock import NAME, waiting_for

VERSION = 3
"""Increased when sources are read in another way, or the meaning of the kept files changes."""

IMAGES, LABELS, MANIFEST = "images.npy", "labels.npy", "manifest.json"
MANIFEST_LIMIT = 1 << 24

Opener = Callable[[Path, "Manifest", NDArray[np.int64]], Dataset]
"""Makes a data set of a folder, its manifest and its labels."""

log = logging.getLogger(__name__)


class Manifest(msgspec.Struct, frozen=True):
    """What is kept beside images and labels.

    version : of this format
    state : a hash of the stamps of the source
    arrays : stamps of the kept files
    train : how many of the examples are for training
    mapping : of a table, from columns to features, as JSON; the versions before 3 had none
    """

    version: int
    state: str
    arrays: dict[str, Stamp]
    name: str
    train: int
    validation: int | None
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    origin: Origin
    mapping: str = ""


def mapped(where: Path, about: Manifest, labels: NDArray[np.int64]) -> Dataset:
    """The data set of images that are kept in a folder.

    Raises
    ------
    OSError, ValueError : they are damaged
    """
    images, cut = _mapped(where / IMAGES), about.train
    if images.shape != (len(labels), math.prod(about.image_shape)) or images.dtype != np.uint8:
        raise ValueError(f"{where} holds other images than its manifest says")
    if not 0 < cut < len(labels) or not 0 <= labels.min() <= labels.max() < len(about.classes):
        raise ValueError(f"{where} holds other labels than its manifest says")
    train, test = Part(images[:cut], labels[:cut]), Part(images[cut:], labels[cut:])
    return Dataset(about.name, train, test, about.classes, about.image_shape, about.origin, about.validation)


def home(source: str) -> Path:
    """The cache folder of a source."""
    key = hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:16]
    return cache_root() / "decoded" / key


def cached(source: str, state: str, read: Callable[[], Dataset]) -> Dataset:
    """Map what an earlier start kept of a source, or read and keep it.

    Parameters
    ----------
    source : names the source, and everything else that the result depends on
    state : a hash of the stamps of its files, taken before they are read
    read : reads it

    Returns
    -------
    Dataset : read-only images; in memory where the cache cannot be written, which is logged
    """
    where, once = home(source), functools.cache(read)
    try:
        if found := ensured(where, state, lambda: written(where, once())):
            return found
    except OSError as error:
        reason = error.strerror or str(error)
        log.warning("cannot keep the images in %s (%s): each start reads all files again", where, reason)
    dataset = once()
    for part in (dataset.train, dataset.test):
        part.images.flags.writeable = False
    return dataset


def ensured(where: Path, state: str, write: Callable[[], Dataset], opened: Opener = mapped) -> Dataset | None:
    """As `kept`; what is not there is written first, by one process. None if it changes meanwhile.

    Parameters
    ----------
    write : writes images and labels to the folder, and returns what the manifest is to say

    Raises
    ------
    OSError : the cache cannot be written
    """
    if found := kept(where, state, opened):
        with contextlib.suppress(OSError):  # the cache may be another user's
            os.utime(where / MANIFEST)  # when it was last used
        return found
    make_folder(where)
    try:
        with waiting_for(where / NAME, _tell_waiting):
            if found := kept(where, state, opened):  # by another process, while this one waited
                return found
            remove_leftovers(where, (IMAGES, LABELS, MANIFEST))
            (where / MANIFEST).unlink(missing_ok=True)
            made = write()
            mapping = made.mapping.dumps() if made.mapping else ""
            about = Manifest(
                VERSION, state, _stamps(where), made.name, len(made.train), made.validation, made.classes,
                made.image_shape, made.origin, mapping,
            )  # fmt: skip
            with new_file(where / MANIFEST) as file:
                file.write(json.dumps(msgspec.to_builtins(about), indent=1).encode())
            return kept(where, state, opened)
    finally:
        with contextlib.suppress(OSError):  # it holds files
            where.rmdir()


def kept(where: Path, state: str, opened: Opener = mapped) -> Dataset | None:
    """Open the kept files; None if there are none, or they are out of date or damaged.

    Parameters
    ----------
    where : the folder, see `home`
    state : a hash of the stamps of the source's files
    opened : opens the images; raises OSError or ValueError if they are damaged
    """
    try:
        about = manifest_in(where)
        if (about.version, about.state, about.arrays) != (VERSION, state, _stamps(where)):
            return None
        labels = np.array(_mapped(where / LABELS))
        return opened(where, about, labels) if labels.ndim == 1 and labels.dtype == np.int64 else None
    except (OSError, ValueError, EOFError):
        return None


def manifest_in(where: Path) -> Manifest:
    """The manifest of a folder.

    Raises
    ------
    OSError, ValueError : there is none, or it is damaged
    """
    try:
        return msgspec.convert(json.loads(read_plain(where / MANIFEST, MANIFEST_LIMIT)), Manifest)
    except RecursionError as error:
        raise ValueError(f"{where / MANIFEST} nests too deeply") from error


def written(where: Path, dataset: Dataset) -> Dataset:
    """Write the images and labels of a data set, each under a temporary name first.

    Raises
    ------
    OSError : the cache cannot be written
    """
    _save(where / IMAGES, [dataset.train.images, dataset.test.images])
    _save(where / LABELS, [dataset.train.labels, dataset.test.labels])
    return dataset


def _stamps(where: Path) -> dict[str, Stamp]:
    return {name: stamp((where / name).lstat()) for name in (IMAGES, LABELS)}


def _mapped(path: Path) -> NDArray[Any]:
    with open_plain(path) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{path} has another format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran or dtype.hasobject:
            raise ValueError(f"{path} has another layout")
        return np.memmap(file, dtype, "r", file.tell(), shape).view(np.ndarray)


def _save(path: Path, parts: list[NDArray[Any]]) -> None:
    """Write arrays one after the other as one array, without a copy of them in memory."""
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
    with new_file(path) as file:
        head = {"descr": parts[0].dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, head)
        for part in parts:
            file.write(np.ascontiguousarray(part).data)


def _tell_waiting(holder: str) -> None:
    log.warning("waiting for %s, which is reading the same data into the cache", holder)

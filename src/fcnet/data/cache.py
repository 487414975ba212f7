"""Caches decoded images as one memory map, so that the next start takes a tenth of a second.

For every source, a folder of files or of pictures, `CACHE/decoded/KEY/` holds `images.npy` (N, D) uint8,
`labels.npy` (N,) int64 and `manifest.json`: what the `Dataset` says besides, the stamp of the source, and the
stamps of the two arrays. A start compares stamps, and reads no pixel. It reads everything that does not agree
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.find import cache_root
from fcnet.data.stamp import Stamp, stamp
from fcnet.files import make_folder, new_file, open_plain, read_plain, remove_leftovers
from fcnet.lock import NAME, waiting_for

VERSION = 2
"""Increased when pictures are read in another way, or the meaning of the cached files changes."""

IMAGES, LABELS, MANIFEST = "images.npy", "labels.npy", "manifest.json"
MANIFEST_LIMIT = 1 << 24

log = logging.getLogger(__name__)


def home(source: str, kind: str = "decoded") -> Path:
    """The cache folder of a source, among those of its kind."""
    key = hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:16]
    return cache_root() / kind / key


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
    where = home(source)
    if found := kept(where, state):
        with contextlib.suppress(OSError):  # the cache may be another user's
            os.utime(where / MANIFEST)  # when it was last used
        return found
    dataset = None
    try:
        make_folder(where)
        with waiting_for(where / NAME, _tell_waiting):
            if found := kept(where, state):  # by another process, while this one waited
                return found
            dataset = read()
            keep(where, state, dataset)
            if found := kept(where, state):
                return found
    except OSError as error:
        reason = error.strerror or str(error)
        log.warning("cannot keep the images in %s (%s): each start reads all files again", where, reason)
    dataset = dataset if dataset is not None else read()
    for part in (dataset.train, dataset.test):
        part.images.flags.writeable = False
    return dataset


def kept(where: Path, state: str) -> Dataset | None:
    """Map the cached files; None if there are none, or they are out of date or damaged."""
    try:
        about = json.loads(read_plain(where / MANIFEST, MANIFEST_LIMIT))
        if (about["version"], about["state"], about["arrays"]) != (VERSION, state, _stamps(where)):
            return None
        images, labels = _mapped(where / IMAGES), np.array(_mapped(where / LABELS))
        shape, classes = tuple(about["image_shape"]), tuple(about["classes"])
        whole = (
            images.shape == (len(labels), math.prod(shape))
            and images.dtype == np.uint8
            and labels.dtype == np.int64
            and labels.ndim == 1
            and 0 < about["train"] < len(labels)
            and 0 <= labels.min() <= labels.max() < len(classes)
        )
        if not whole:
            return None
        cut = about["train"]
        return Dataset(
            about["name"], Part(images[:cut], labels[:cut]), Part(images[cut:], labels[cut:]), classes, shape,
            Origin(**about["origin"] | {"skipped": tuple(about["origin"].get("skipped", ()))}),
            about["validation"],
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError, RecursionError):
        return None


def keep(where: Path, state: str, dataset: Dataset) -> None:
    """Write images, labels and, last, the manifest; each under a temporary name first. The lock is held.

    Raises
    ------
    OSError : the cache cannot be written
    """
    remove_leftovers(where, (IMAGES, LABELS, MANIFEST))
    (where / MANIFEST).unlink(missing_ok=True)
    _save(where / IMAGES, [dataset.train.images, dataset.test.images])
    _save(where / LABELS, [dataset.train.labels, dataset.test.labels])
    about = {
        "version": VERSION,
        "state": state,
        "arrays": _stamps(where),
        "name": dataset.name,
        "train": len(dataset.train),
        "validation": dataset.validation,
        "classes": dataset.classes,
        "image_shape": dataset.image_shape,
        "origin": asdict(dataset.origin),
    }
    with new_file(where / MANIFEST) as file:
        file.write(json.dumps(about, indent=1).encode())


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

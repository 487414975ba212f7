"""Keeps pictures that were read as one memory map, so that the next start reads none of them.

`CACHE/pictures/KEY/DIGEST/` holds `images.npy` (N, D) uint8, `labels.npy` (N,) int64 and `manifest.json`. KEY
follows from the folder and the size asked for, DIGEST from the files' names, sizes and times.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.files import locked, new_folder
from fcnet.data.find import cache_root
from fcnet.data.own.split import Sizes

VERSION = 1
"""Raised when pictures are read in another way."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """What is known about the kept images without reading them.

    sizes : rows of each part
    image_shape : (channels, height, width)
    sha256 : over the images and labels
    """

    version: int
    folder: str
    sizes: Sizes
    image_shape: tuple[int, int, int]
    sha256: str


@dataclass(frozen=True)
class Kept:
    """Images (N, D) uint8 and labels (N,) int64 with their manifest."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    manifest: Manifest


def place(folder: Path, image_size: int | None, digest: str) -> Path:
    """Where the pictures of a folder, at the size that was asked for, are kept."""
    key = hashlib.sha256(f"{folder}\0{image_size}".encode(errors="surrogateescape")).hexdigest()
    return cache_root() / "pictures" / key[:16] / digest[:16]


def kept(where: Path) -> Kept | None:
    """Map what is kept; None if there is nothing, or it is damaged."""
    try:
        about = json.loads((where / "manifest.json").read_text("utf-8"))
        shape, sizes = tuple(about.pop("image_shape")), Sizes(**about.pop("sizes"))
        manifest = Manifest(**about, sizes=sizes, image_shape=shape)
        images = np.load(where / "images.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
        labels = np.load(where / "labels.npy", allow_pickle=False)
        rows = sizes.train + sizes.validation + sizes.test
        whole = images.shape == (rows, math.prod(shape)) and labels.shape == (rows,)
    except (OSError, ValueError, TypeError, KeyError, EOFError):
        return None
    if not whole or manifest.version != VERSION or images.dtype != np.uint8 or labels.dtype != np.int64:
        return None
    return Kept(images, labels, manifest)


def keep(where: Path, content: Kept) -> Kept:
    """Write what was read and map it; what was kept of an earlier state of the folder goes.

    Where the cache cannot be written, which is logged, the images stay in memory.
    """
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        with locked(where.parent / ".lock"):
            with new_folder(where) as folder:
                np.save(folder / "images.npy", content.images, allow_pickle=False)
                np.save(folder / "labels.npy", content.labels, allow_pickle=False)
                (folder / "manifest.json").write_text(json.dumps(asdict(content.manifest), indent=1))
            for other in where.parent.iterdir():
                if other.is_dir() and other != where:
                    shutil.rmtree(other, ignore_errors=True)
        if written := kept(where):
            return written
    except OSError as error:
        log.warning(
            "cannot keep the pictures in %s (%s): each start reads all of them again",
            where, error.strerror or error,
        )  # fmt: skip
    content.images.flags.writeable = False
    return content

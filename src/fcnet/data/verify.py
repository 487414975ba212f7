"""Reads a copy again, every byte of it, and checks what was kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fcnet.data.cache import is_intact, keep, kept_images, load_folder, read_stable
from fcnet.data.cifar10 import Decoded
from fcnet.data.dataset import Dataset
from fcnet.data.files import disk_error
from fcnet.data.find import cache_root
from fcnet.data.published import CIFAR10, Published


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    folder : that was read
    decoded : the files' contents and hashes
    kept : what became of the kept images: `intact`, `none yet, written now`, `damaged, written again`
    dataset : as every later start loads it
    """

    folder: Path
    decoded: Decoded
    kept: str
    dataset: Dataset


def verify(folder: Path, published: Published = CIFAR10) -> Verified:
    """Read and hash a folder and the images kept of it; kept images that differ are written again.

    Parameters
    ----------
    folder : holds the seven files
    published : hashes and number of rows to hold them against

    Raises
    ------
    DataError : a file is missing or damaged, or the cache cannot be written
    """
    decoded, before = read_stable(folder, published)
    kept = kept_images(folder, published)
    if kept is not None and kept.manifest.sha256 == decoded.sha256 and is_intact(kept):
        state = "intact"
    else:
        state = "damaged, written again" if kept else "none yet, written now"
        try:
            keep(folder, decoded, before, published)
        except OSError as error:
            raise disk_error(error, cache_root()) from error
    return Verified(folder, decoded, state, load_folder(folder, published))

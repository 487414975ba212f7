"""The data set that every source of images returns, and the exercise's split of it.

A `Dataset` is uint8 images and integer labels, exactly as they lie on disk; nothing is scaled here, so
that 60,000 CIFAR-10 images cost 184 MB and not four times as much.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fcnet.data.blocks import Blocks
from fcnet.data.streamed import Streamed
from fcnet.data.tables.columns import column_name
from fcnet.data.tables.mapping import Mapping, Missing
from fcnet.errors import DataError


@dataclass(frozen=True)
class TableOptions:
    """What a user asks of a table.

    target : the column that is to be predicted
    missing : what is done about missing values
    drop : columns that are left out
    categorical : columns of numbers that are categories

    Raises
    ------
    DataError : one column is to be two of these
    """

    target: str | None = None
    missing: Missing = "median"
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        target = None if self.target is None else column_name(self.target)
        object.__setattr__(self, "target", target)
        for name in ("drop", "categorical"):
            object.__setattr__(self, name, tuple(map(column_name, getattr(self, name))))
        twice = [n for n in self.drop if n in (self.target, *self.categorical)]
        twice += [n for n in self.categorical if n == self.target]
        if twice:
            raise DataError(f"the column {twice[0]} is asked for in two ways, leave out one of them")


@dataclass(frozen=True)
class DataOptions:
    """The data that a user asks for, and how they are to be read.

    data : a path of a copy, of a folder of pictures by class, of an .npz file or of a table; or the name of a
        data set; None for CIFAR-10, fetched if need be, or else the digits
    require_cifar10 : refuse rather than use the digits where CIFAR-10 is not available
    image_size : side of the squares that a user's own pictures become; None where their own size decides
    skip_damaged : leave out pictures of a user's own that cannot be read, instead of refusing
    stream : read the rows of a user's own table or .npy files while training, and keep none in memory
    table : what is asked of a table
    """

    data: Path | None = None
    require_cifar10: bool = False
    image_size: int | None = None
    skip_damaged: bool = False
    stream: bool = False
    table: TableOptions = field(default_factory=TableOptions)


def given(options: DataOptions | TableOptions) -> dict[str, Any]:
    """The options that are not as they usually are, and so were asked for."""
    usual = asdict(type(options)())
    return {name: getattr(options, name) for name, value in asdict(options).items() if value != usual[name]}


@dataclass(frozen=True)
class Origin:
    """Where the images came from, as every run record states it.

    path : the folder or package that they were read from
    sha256 : hash over the decoded images and labels, in order, so that two copies of one data set agree
    official : whether the files are byte for byte the published ones; None where nobody published hashes
    note : a remark on this copy for readers of its numbers, e.g. "JPEG copy"; empty if there is none
    kind : "folder", "arrays" or "table" of a user's own data, by which they are read again; else empty
    how : how a user's own data were read, in words
    image_size : side of the squares that a user's own pictures were to become, None if they decided
    skipped : a user's own pictures that could not be read and were left out, below `path`
    table : what was asked of a user's own table; None where it is none
    streamed : whether a user's own rows are read while a network trains, and not kept in memory
    """

    path: str
    sha256: str
    official: bool | None
    note: str = ""
    kind: Literal["", "folder", "arrays", "table"] = ""
    how: str = ""
    image_size: int | None = None
    skipped: tuple[str, ...] = ()
    table: TableOptions | None = None
    streamed: bool = False


@dataclass(frozen=True)
class Part:
    """Images and labels of one part of a data set.

    images : (N, D) uint8, each row one image, channel by channel, row by row; or rows of features,
        float32 where these have the data's digits, else float64
    labels : (N,) int64 in [0, K)
    blocks : how a training mixes its rows where these are read from a disk; None mixes all of them
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    blocks: Blocks | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A labelled set of images with its official test set apart.

    A label that names no class would change the gradients of other examples: such data are refused.

    name : as printed beside every number
    train, test : the two published parts
    classes : K names
    image_shape : (channels, height, width), whose product is D; (1, 1, D) of rows that are not images
    validation : how many rows at the end of the training part were set apart for validation, if any
    mapping : from the columns of a table to its features; None where it is not a table

    Raises
    ------
    DataError : a training label that is not a whole number in [0, K)
    """

    name: str
    train: Part
    test: Part
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    origin: Origin
    validation: int | None = None
    mapping: Mapping | None = None

    def __post_init__(self) -> None:
        y, K = np.asarray(self.train.labels), len(self.classes)  # nobody looks at those of the test set
        if y.dtype.kind not in "iu":
            raise DataError(f"labels of {self.name} are {y.dtype}, give whole numbers from 0 to {K - 1}")
        if y.size and not 0 <= y.min() <= y.max() < K:
            row = int(np.argmax((y < 0) | (y >= K)))
            raise DataError(
                f"label {y[row]} of training example {row} of {self.name} names none of its {K} classes, "
                f"give whole numbers from 0 to {K - 1}"
            )

    @property
    def indicators(self) -> NDArray[np.bool_] | None:
        """Which features (D,) say a category by 1 or 0, and stay as they are; None where none do."""
        return None if self.mapping is None else self.mapping.indicators

    @property
    def of_images(self) -> bool:
        """Whether the examples are images, and not rows of numbers."""
        return self.image_shape[1] > 1

    @property
    def called(self) -> str:
        """What the examples are called where people read of them: `images` or `rows`."""
        return "images" if self.of_images else "rows"

    @property
    def label(self) -> str:
        """The name with the remark on this copy, e.g. `CIFAR-10 (JPEG copy)`."""
        return f"{self.name} ({self.origin.note})" if self.origin.note else self.name


def content_hash(*parts: Part) -> str:
    """The sha256 over all images (N, D) uint8 of the parts, in order, and then all labels, one byte each."""
    import hashlib

    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.images).data)
    for part in parts:
        digest.update(part.labels.astype(np.uint8).tobytes())
    return digest.hexdigest()


def split(part: Part, validation: int) -> tuple[Part, Part]:
    """Keep the last `validation` rows for validation, as the exercise does, and train on the rest.

    Parameters
    ----------
    part : the training part of a data set, N rows
    validation : rows to hold out, 0 < validation < N

    Returns
    -------
    train, validation : two views of `part`, N - validation and `validation` rows

    Raises
    ------
    DataError : `cannot hold out V of N training examples, ...`
    """
    if not 0 < validation < len(part):
        raise DataError(
            f"cannot hold out {validation} of {len(part)} training examples, "
            f"choose between 1 and {len(part) - 1}"
        )
    cut = len(part) - validation
    if isinstance(
        part.images, Streamed
    ):  # those for training in the order of the file, so that it is read in one
        rows = np.argsort(part.images.places[:cut], kind="stable")
        streamed: Any = part.images[:cut][rows]
        train = Part(streamed, part.labels[:cut][rows], streamed.blocks)
        return train, Part(part.images[cut:], part.labels[cut:])
    return Part(part.images[:cut], part.labels[:cut]), Part(part.images[cut:], part.labels[cut:])

"""Rows of a user's own that do not fit into memory: X.npy and y.npy in a folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin
from fcnet.data.features import chunks
from fcnet.data.own import arrays
from fcnet.data.own.remarks import digests, named, told_of, twice
from fcnet.data.own.split import arranged, dataset_of
from fcnet.data.streamed import RowFile, Streamed
from fcnet.errors import DataError


def load_streamed(folder: Path) -> Dataset:
    """Open the rows of a folder of .npy files, and read its labels.

    All rows are read once, for their hash, and to find numbers that are not finite. The rows that are held
    out for validation and for testing are the same ones as in memory.

    Parameters
    ----------
    folder : with X.npy and y.npy, and perhaps X_test.npy and the like

    Raises
    ------
    DataError : a file is missing, damaged or of another type; a number is not finite
    """
    paths = arrays.array_files(folder) if folder.is_dir() else {}
    if not paths:
        raise DataError(
            f"--stream is for a table or a folder of X.npy and y.npy, and {folder} is none, leave it out"
        )
    arrays.check_names(folder, set(paths))
    ends = {part: end for part, end in arrays.PARTS.items() if f"X{end}" in paths}
    files = [RowFile.open(paths[f"X{end}"]) for end in ends.values()]
    _check_alike(files)
    rows: Any = {f"X{end}": range(file.rows) for end, file in zip(ends.values(), files, strict=True)}
    given = {name: arrays.read_file(path) for name, path in paths.items() if not name.startswith("X")}
    y, classes = arrays.labels(folder, rows | given)
    order, sizes = arranged(y)
    labels = np.concatenate(list(y.values()))[order]
    found, width = looked_at(files, labels, order), files[0].width
    how = told_of(sizes, (1, 1, width), len(classes), features=True, apart="test" in y)
    how += "; read while training" + named(found.constant, width)
    how += twice(found.digests[order], labels, sizes, "rows")
    images: Any = Streamed(files, order)
    origin = Origin(str(folder.resolve()), found.sha256, None, kind="arrays", how=how, streamed=True)
    return dataset_of(folder.name, images, labels, sizes, classes, (1, 1, width), origin)


def _check_alike(files: list[RowFile]) -> None:
    for file in files[1:]:
        if (file.width, file.dtype) != (files[0].width, files[0].dtype):
            raise DataError(
                f"{file.path} has rows of {file.width} {file.dtype}, those of {files[0].path} are "
                f"{files[0].width} {files[0].dtype}; save both alike"
            )


@dataclass(frozen=True)
class Looked:
    """What one look at all rows finds.

    sha256 : over the rows in the order of their files, their order in the parts, and their labels
    constant : numbers of the features that have one value only
    digests : (N,) of the rows, by which equal ones are found
    """

    sha256: str
    constant: NDArray[np.int64]
    digests: NDArray[np.uint64]


def looked_at(
    files: Sequence[RowFile], labels: NDArray[np.int64], order: NDArray[np.int64], about: str = ""
) -> Looked:
    """Read all rows once.

    Parameters
    ----------
    files : of N rows in all
    labels : (N,), in the order of the parts
    order : (N,) which row stands where in the parts
    about : what the features mean

    Raises
    ------
    DataError : a number is not finite, or a file cannot be read
    """
    shape, done = (len(order), files[0].width), 0
    digest = hashlib.sha256(f"streamed {files[0].dtype.str} {shape}{about}".encode())
    equal, same, first = np.empty(len(order), np.uint64), np.ones(shape[1], np.bool_), None
    for file in files:
        rows = Streamed([file], np.arange(file.rows))
        for here in chunks(*rows.shape):
            part = np.asarray(rows[here])
            arrays.check_finite(part, str(file.path), before=here.start)
            digest.update(part.data)
            equal[done : done + len(part)] = digests(part)
            first = part[0] if first is None else first
            same &= (part == first).all(axis=0)
            done += len(part)
    digest.update(order.astype("<i8").tobytes())
    digest.update(labels.astype("<i8").tobytes())
    return Looked(digest.hexdigest(), np.flatnonzero(same), equal)

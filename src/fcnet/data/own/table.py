"""A user's own table: a CSV or Parquet file with a row for each example and a column that says its class."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part, TableOptions
from fcnet.data.own.arrays import as_features, check_class_names
from fcnet.data.own.split import TEST_SHARE, Sizes, arranged
from fcnet.data.tables.columns import Table, listed
from fcnet.data.tables.files import read_table
from fcnet.data.tables.fit import fitted
from fcnet.data.tables.mapping import Mapping, Number, Remarks
from fcnet.data.tables.target import labels_of


def load_table(path: Path, options: TableOptions) -> Dataset:
    """Load a table.

    Categories and what fills a gap follow from the rows for training alone; what the test rows hold beside
    them counts as none, as in any later table.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file is damaged, or its columns do not suit; the text names file and column
    """
    table = read_table(path)
    with_class, labels, classes = labels_of(table, options.target)
    check_class_names(path, classes)
    order, sizes = arranged({"train": labels})
    rows = with_class[order]
    mapping, left = fitted(
        table,
        rows[: sizes.train],
        target=str(options.target),
        gaps=options.missing,
        drop=options.drop,
        categorical=options.categorical,
    )
    exact, remarks = mapping.rows(table)  # all of it, so that an error names the row of the file
    features = as_features(exact[rows], str(path))
    told = _told(mapping, sizes, len(classes)) + "".join(
        f"; {one}" for one in (*_without_class(table, with_class), *left, *_filled(remarks, options))
    )
    origin = Origin(
        str(path.resolve()), _content_hash(features, labels[order], mapping), None, kind="table", how=told,
        table=options,
    )  # fmt: skip
    cut = sizes.train
    return Dataset(
        path.stem,
        Part(features[:cut], labels[order][:cut]),
        Part(features[cut:], labels[order][cut:]),
        classes,
        (1, 1, mapping.width),
        origin,
        mapping=mapping,
    )


def _told(mapping: Mapping, sizes: Sizes, classes: int) -> str:
    numbers = sum(isinstance(column, Number) for column in mapping.columns)
    others = len(mapping.columns) - numbers
    columns = f"columns of numbers: {numbers}, of categories: {others}, features: {mapping.width}"
    return (
        f"rows of {classes} classes ({columns}): {sizes.train:,} for training, {sizes.test:,} for testing, "
        f"one in {TEST_SHARE} of each class"
    )


def _without_class(table: Table, rows: NDArray[np.intp]) -> list[str]:
    without = table.rows - len(rows)
    return [f"rows without a class, left out: {without:,}"] if without else []


def _filled(remarks: Remarks, options: TableOptions) -> list[str]:
    """What the mapping did to the rows."""
    said = []
    if remarks.missing:
        how = f"numbers are filled with the column's {options.missing}, others are a category of their own"
        said.append(f"missing values: {listed(remarks.missing)}; {how}")
    if remarks.unseen:
        said.append(f"categories of test rows alone, which count as none: {listed(remarks.unseen)}")
    return said


def _content_hash(rows: NDArray[np.float64], labels: NDArray[np.int64], mapping: Mapping) -> str:
    """The sha256 over rows (N, D), labels (N,) and what the features mean."""
    digest = hashlib.sha256(f"{rows.dtype.str} {rows.shape} {mapping.dumps()}".encode())
    digest.update(np.ascontiguousarray(rows).data)
    digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()

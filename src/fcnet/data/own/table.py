"""A user's own table: a CSV or Parquet file with a row for each example and a column that says its class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, TableOptions
from fcnet.data.own import remarks
from fcnet.data.own.arrays import HINT, as_features
from fcnet.data.own.split import TEST_SHARE, Sizes, arranged, dataset_of
from fcnet.data.tables.columns import Table, listed
from fcnet.data.tables.files import read_table
from fcnet.data.tables.fit import fitted
from fcnet.data.tables.mapping import Mapping, Number, Remarks
from fcnet.data.tables.target import labels_of, many_numbers
from fcnet.memory import check_memory


@dataclass(frozen=True)
class Plan:
    """What a training makes of a table, before any row is mapped.

    rows : numbers in the table of the rows (N,) that are used, in its order
    labels : (N,) of them, from 0 to K - 1
    classes : K names
    order : (N,) which of them stands where: first those for training, then those for testing
    sizes : of the parts
    mapping : from columns to features
    said : what has to be said of the columns and of the rows that are left out
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    order: NDArray[np.int64]
    sizes: Sizes
    mapping: Mapping
    said: tuple[str, ...]

    @property
    def mapped(self) -> NDArray[np.intp] | None:
        """The rows that are mapped; None for all, so that what is wrong in any of them is noticed."""
        return self.rows if self.mapping.gaps == "drop" else None

    def name(self, place: int) -> str:
        """What the row that stands at a place is called in remarks."""
        return f"row {self.rows[self.order[place]] + 1}"

    def words(self, found: Remarks, options: TableOptions) -> str:
        """What a reader wants to know; `found` is what was noticed while rows were mapped."""
        numbers = sum(isinstance(column, Number) for column in self.mapping.columns)
        others = len(self.mapping.columns) - numbers
        columns = f"columns of numbers: {numbers}, of categories: {others}, features: {self.mapping.width}"
        told = (
            f"rows of {len(self.classes)} classes ({columns}): {self.sizes.train:,} for training, "
            f"{self.sizes.test:,} for testing, one in {TEST_SHARE} of each class"
        )
        return told + "".join(f"; {one}" for one in (*self.said, *_filled(found, options)))


def load_table(path: Path, options: TableOptions) -> Dataset:
    """Load a table.

    Categories and what fills a gap follow from the rows for training alone; what the test rows hold beside
    them counts as none, as in any later table.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file is damaged, or does not fit into memory, or its columns do not suit; the text names
        file and column
    """
    table = read_table(path, HINT)
    plan = planned(table, path, options)
    check_memory(str(path), 3 * 8 * table.rows * plan.mapping.width, HINT)
    if plan.mapped is None:
        exact, found = plan.mapping.rows(table)
        exact = exact[plan.rows[plan.order]]
    else:
        exact, found = plan.mapping.rows(table.take(plan.mapped))
        exact = exact[plan.order]
    features, labels = as_features(exact, str(path)), plan.labels[plan.order]
    told = plan.words(found, options) + remarks.twice(
        remarks.digests(features), labels, plan.sizes, "rows", plan.name
    )
    digest = remarks.content_hash(features, labels, plan.mapping.dumps())
    origin = Origin(str(path.resolve()), digest, None, kind="table", how=told, table=options)
    shape = (1, 1, plan.mapping.width)
    return dataset_of(path.stem, features, labels, plan.sizes, plan.classes, shape, origin, plan.mapping)


def planned(table: Table, path: Path, options: TableOptions) -> Plan:
    """Decide which rows and columns of a table are used, and how.

    Raises
    ------
    DataError : its columns do not suit
    """
    rows, labels, classes = labels_of(table, options.target)
    said = _left_out("rows without a class", table.rows - len(rows))
    said += many_numbers(table, str(options.target), classes)
    if options.missing == "drop":
        before, _ = fitted(table, rows, options)  # which columns have to have values
        kept = before.complete(table)
        said += _left_out("rows with missing values", len(rows) - int(kept[rows].sum()))
        rows, labels, classes = labels_of(table, options.target, kept)
    remarks.check_class_names(path, classes)
    order, sizes = arranged({"train": labels})
    mapping, left = fitted(table, rows[order][: sizes.train], options)
    return Plan(rows, labels, classes, order, sizes, mapping, (*said, *left))


def _left_out(what: str, count: int) -> list[str]:
    return [f"{what}, left out: {count:,}"] if count else []


def _filled(found: Remarks, options: TableOptions) -> list[str]:
    """What the mapping did to the rows."""
    said = []
    if found.missing:
        how = f"numbers are filled with the column's {options.missing}, others are a category of their own"
        said.append(f"missing values: {listed(found.missing)}; {how}")
    if found.unseen:
        said.append(f"categories of test rows alone, which count as none: {listed(found.unseen)}")
    return said

"""What a network learnt of a table: its columns, their categories, and what stands for a missing value.

A mapping is kept in the model as JSON, and does to every table what it did to that of the training: columns
are found by their names, a number stays one feature, and a category becomes one of several features that is 1
where the others are 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from fcnet.data.tables.columns import SHOWN, Column, Table, listed
from fcnet.errors import DataError
from fcnet.schema import decoded

Array = NDArray[Any]

Missing = Literal["median", "mean", "error"]
"""What to do about numbers that are missing: fill them, or refuse them."""

Name = Annotated[str, Meta(max_length=100_000)]


class Number(Struct, frozen=True, tag="number"):
    """A column of numbers, and what stands for a missing one."""

    name: Name
    fill: float

    @property
    def width(self) -> int:
        return 1


class Category(Struct, frozen=True, tag="category"):
    """A column of categories: one feature for each, and perhaps a last one for a missing value."""

    name: Name
    categories: tuple[Name, ...]
    missing: bool = False

    @property
    def width(self) -> int:
        return len(self.categories) + self.missing


@dataclass
class Remarks:
    """What is noticed while a table is mapped, each with the name of its column.

    missing : how many values are missing
    unseen : how many values are categories that the training did not have
    unused : columns of the table that the network does not use
    """

    missing: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


class Mapping(Struct, frozen=True):
    """From a table to rows of features.

    columns : those that are used, in the order of their features
    target : name of the column that is predicted; empty where that came apart
    gaps : what is done about missing values: with "error" none may be missing
    """

    columns: tuple[Number | Category, ...]
    target: Name = ""
    gaps: Missing = "median"

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(column.width for column in self.columns)

    @property
    def indicators(self) -> NDArray[np.bool_]:
        """Which features (D,) are 1 or 0 and say a category."""
        return np.repeat(
            [isinstance(column, Category) for column in self.columns],
            [column.width for column in self.columns],
        )

    @property
    def names(self) -> list[str]:
        """The names of the features: the column's, and of a category `COLUMN=CATEGORY`."""
        found = []
        for column in self.columns:
            if isinstance(column, Number):
                found.append(column.name)
            else:
                found += [f"{column.name}={category}" for category in column.categories]
                found += [f"{column.name} is missing"] if column.missing else []
        return found

    def dumps(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def loads(cls, text: str) -> Mapping:
        """The inverse of `dumps`.

        Raises
        ------
        ValueError : it is none; the text says what is wrong
        """
        mapping = decoded(text, cls)
        names = [column.name for column in mapping.columns]
        if not names or len(set(names)) < len(names):
            raise DataError("the table's columns are none, or two of them have one name")
        for column in mapping.columns:
            if isinstance(column, Category) and len(set(column.categories)) < len(column.categories):
                raise DataError("a column of the table has the same category twice")
        return mapping

    def rows(self, table: Table) -> tuple[NDArray[np.float64], Remarks]:
        """The features of each row of a table, and what has to be said of it.

        Returns
        -------
        rows : (N, D)
        remarks : what was filled, and what is not used

        Raises
        ------
        DataError : a column is missing, or holds what it did not hold in the training
        """
        if lacking := [column.name for column in self.columns if column.name not in table.columns]:
            raise DataError(
                f"{table.where} lacks {_columns(lacking)}, which the network was trained with; "
                f"it has {_columns(list(table.columns))}"
            )
        used = {column.name for column in self.columns} | {self.target}
        said = Remarks(unused=[name for name in table.columns if name not in used])
        rows = np.zeros((table.rows, self.width))
        ends = list(accumulate(column.width for column in self.columns))
        for column, end in zip(self.columns, ends, strict=True):
            given = table.columns[column.name]
            try:
                if isinstance(column, Number):
                    rows[:, end - 1] = self._numbers(column, given, said)
                else:
                    self._mark(rows[:, end - column.width : end], column, given, said)
            except DataError as error:
                raise DataError(f"the column {column.name[:SHOWN]!r} of {table.where} {error}") from error
        return rows, said

    def _numbers(self, column: Number, given: Column, said: Remarks) -> NDArray[np.float64]:
        values = given.numbers()
        if np.isinf(values).any():
            raise DataError(f"holds infinity in row {int(np.argmax(np.isinf(values))) + 1}, correct it")
        missing = np.isnan(values)
        self._check(missing, column, said)
        return np.where(missing, column.fill, values)

    def _mark(self, out: Array, column: Category, given: Column, said: Remarks) -> None:
        """Write 1 where a row's category is, in out (N, width) of zeros."""
        codes, names = given.categories()
        self._check(codes < 0, column, said)
        place = {name: number for number, name in enumerate(column.categories)}
        none = len(place) if column.missing else -1
        places = np.array([*(place.get(name, -1) for name in names), none])[codes]
        known = places >= 0
        out[np.flatnonzero(known), places[known]] = 1
        unseen = (codes >= 0) & ~known
        if count := int(unseen.sum()):
            example = names[codes[int(np.argmax(unseen))]][:SHOWN]
            said.unseen.append(f"{count:,} in {column.name[:SHOWN]}, such as {example!r}")

    def _check(self, missing: NDArray[np.bool_], column: Number | Category, said: Remarks) -> None:
        """Say which values are missing, or refuse them."""
        if not missing.any():
            return
        if self.gaps == "error":
            raise DataError(f"has no value in row {int(np.argmax(missing)) + 1}, fill it in")
        said.missing.append(f"{int(missing.sum()):,} in {column.name[:SHOWN]}")


def _columns(names: list[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {listed(names)}"

"""What a network learnt of a table: its columns, their categories, and what stands for a missing value.

A mapping is kept in the model as JSON, and does to every table what it did to that of the training: columns
are found by their names, a number stays one feature, and a category becomes one of several features that is 1
where the others are 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.tables.columns import SHOWN, Table, listed, spelling
from fcnet.errors import DataError
from fcnet.schema import decoded

Missing = Literal["median", "mean", "drop", "error"]
"""What to do about values that are missing: fill them, leave out their rows in a training, or refuse them."""

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
    """What is noticed while a table is mapped, or the pieces of one, by the names of its columns.

    gaps : how many values are missing
    strange : how many values are categories that the training did not have
    examples : one of these
    unused : columns of the table that the network does not use
    """

    gaps: Counter[str] = field(default_factory=Counter)
    strange: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Of each column how many values are missing, in words."""
        return [f"{count:,} in {name[:SHOWN]}" for name, count in self.gaps.items()]

    @property
    def unseen(self) -> list[str]:
        """Of each column how many values the training did not have, in words."""
        return [
            f"{count:,} in {name[:SHOWN]}, such as {self.examples[name]!r}"
            for name, count in self.strange.items()
        ]


class Mapping(Struct, frozen=True):
    """From a table to rows of features.

    columns : those that are used, in the order of their features
    target : name of the column that is predicted; empty where that came apart
    gaps : what is done about missing values: with "drop" and "error" none may be missing
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
            raise DataError("the table has no columns, or two with the same name")
        for column in mapping.columns:
            if isinstance(column, Category) and len(set(column.categories)) < len(column.categories):
                raise DataError("a column of the table has the same category twice")
        return mapping

    def rows(self, table: Table, said: Remarks | None = None) -> tuple[NDArray[np.float64], Remarks]:
        """The features of each row of a table, and what has to be said of it.

        Parameters
        ----------
        table : with the columns of the training, and perhaps others
        said : of the pieces before, where the table is a piece of one

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
        said = said or Remarks()
        said.unused = [name for name in table.columns if name not in used]
        rows = np.zeros((table.rows, self.width))
        ends = list(accumulate(column.width for column in self.columns))
        for column, end in zip(self.columns, ends, strict=True):
            try:
                if isinstance(column, Number):
                    rows[:, end - 1] = self._numbers(column, table, said)
                else:
                    self._mark(rows[:, end - column.width : end], column, table, said)
            except DataError as error:
                raise DataError(f"the column {column.name[:SHOWN]!r} of {table.where} {error}") from error
        return rows, said

    def parts(self, columns: int) -> list[Mapping]:
        """The same in mappings of so many columns each."""
        return [
            msgspec.structs.replace(self, columns=self.columns[start : start + columns])
            for start in range(0, len(self.columns), columns)
        ]

    def complete(self, table: Table) -> NDArray[np.bool_]:
        """Which rows (N,) of a table have a value in every column that is used."""
        whole = np.ones(table.rows, np.bool_)
        for column in self.columns:
            given = table.columns[column.name]
            if isinstance(column, Number):
                whole &= ~np.isnan(given.numbers())
            else:
                whole &= given.categories()[0] >= 0
        return whole

    def _numbers(self, column: Number, table: Table, said: Remarks) -> NDArray[np.float64]:
        values = table.columns[column.name].numbers()
        if np.isinf(values).any():
            raise DataError(f"holds infinity in row {table.row(np.isinf(values))}, correct it")
        missing = np.isnan(values)
        self._check(missing, column, table, said)
        return np.where(missing, column.fill, values)

    def _mark(self, out: Array, column: Category, table: Table, said: Remarks) -> None:
        """Write 1 where a row's category is, in out (N, width) of zeros."""
        codes, names = table.columns[column.name].categories()
        self._check(codes < 0, column, table, said)
        place = {spelling(name): number for number, name in enumerate(column.categories)}
        none = len(column.categories) if column.missing else -1
        places = np.array([*(place.get(name, -1) for name in names), none])[codes]
        known = places >= 0
        out[np.flatnonzero(known), places[known]] = 1
        unseen = (codes >= 0) & ~known
        if count := int(unseen.sum()):
            said.strange[column.name] += count
            said.examples.setdefault(column.name, names[codes[int(np.argmax(unseen))]][:SHOWN])

    def _check(
        self, missing: NDArray[np.bool_], column: Number | Category, table: Table, said: Remarks
    ) -> None:
        """Count the values that are missing, or refuse them."""
        if not missing.any():
            return
        if self.gaps == "error":
            raise DataError(f"has no value in row {table.row(missing)}, fill it in")
        if self.gaps == "drop":
            raise DataError(
                f"has no value in row {table.row(missing)}, and the network was trained without such rows; "
                f"fill it in or leave the row out"
            )
        said.gaps[column.name] += int(missing.sum())


def _columns(names: list[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {listed(names)}"

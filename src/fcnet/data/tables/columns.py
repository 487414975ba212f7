"""What a column of a table is, whichever library read it: numbers, categories, or neither.

A column says what it is by itself (`kind`), and can be asked for the other: whole numbers may be categories,
and the text of a CSV file may be numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import DataError

Kind = Literal["numbers", "categories", "other"]

Categories = tuple[NDArray[np.int64], tuple[str, ...]]
"""Of each row the place of its category (N,), -1 where it is missing, and the names of the categories."""

NAMED = 5
"""Columns and the like that a remark names; of others it says how many there are."""

SHOWN = 60
"""Characters of a name or a value that a remark shows."""


@dataclass(frozen=True)
class Column:
    """One column of N rows; by itself one that is neither numbers nor categories, such as one of dates.

    array : (N,) the values
    what : what they are, in words, where they are neither
    """

    array: NDArray[Any]
    what: str = field(default="", kw_only=True)

    @property
    def kind(self) -> Kind:
        """What the column is unless it is asked for as something else."""
        return "other"

    def __len__(self) -> int:
        return len(self.array)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some of the rows, by number."""
        return replace(self, array=self.array[rows])

    def numbers(self) -> NDArray[np.float64]:
        """The values (N,), NaN where one is missing.

        Raises
        ------
        DataError : `holds VALUE, which is not a number`
        """
        raise DataError(f"holds {self.what}, and no numbers")

    def categories(self) -> Categories:
        """The values as categories.

        Raises
        ------
        DataError : `holds WHAT, and no categories`
        """
        raise DataError(f"holds {self.what}, and no categories")


class Numbers(Column):
    """Numbers (N,) float64, NaN where one is missing."""

    @property
    def kind(self) -> Kind:
        return "numbers"

    def numbers(self) -> NDArray[np.float64]:
        return self.array

    def categories(self) -> Categories:
        present = ~np.isnan(self.array)
        levels, own = np.unique(self.array[present], return_inverse=True)
        codes = np.full(len(self), -1)
        codes[present] = own
        return codes, tuple(map(written, levels))


@dataclass(frozen=True)
class Levels(Column):
    """Categories: places among the names, (N,), -1 where one is missing."""

    names: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "categories"

    def numbers(self) -> NDArray[np.float64]:
        values = np.array([*map(number, self.names), np.nan])  # the last one is what -1 finds
        return np.take(values, self.array)

    def categories(self) -> Categories:
        return self.array, self.names


def other(what: str, rows: int) -> Column:
    """A column of so many rows that is neither numbers nor categories, and what it is, in words."""
    return Column(np.empty(rows, np.bool_), what=what)


def levels_of(codes: NDArray[np.int64], texts: Iterable[str]) -> Levels:
    """Categories with their names sorted, without spaces around them, and each spelt in one way.

    Parameters
    ----------
    codes : (N,) places among the texts, -1 where one is missing
    texts : as they were found, in any order; two of them may be spellings of one name
    """
    spelt = list(map(spelling, texts))
    names = sorted(set(spelt))
    place = {name: number for number, name in enumerate(names)}
    return Levels(np.array([*(place[name] for name in spelt), -1])[codes], tuple(names))


def column_name(name: str) -> str:
    """The one spelling of the name of a column: accents composed, no spaces around it."""
    return normalize("NFC", name.strip())


def column_names(names: Iterable[object], where: str) -> list[str]:
    """The names of the columns of a table, by which they can be told apart.

    Raises
    ------
    DataError : `WHERE has two columns named N, ...`
    """
    spelt = [column_name(str(name)) for name in names]
    if len(set(spelt)) < len(spelt):
        twice = next(name for name in spelt if spelt.count(name) > 1)
        raise DataError(f"{where} has two columns named {twice[:SHOWN]!r}, rename one of them")
    return spelt


def spelling(text: str) -> str:
    """The one spelling of a category: accents composed, no spaces around it, truths in small letters.

    It depends on the text alone, so that a piece of a table has the categories of the whole.
    """
    spelt = normalize("NFC", text.strip())
    return spelt.lower() if spelt.lower() in ("true", "false") else spelt


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name.

    where : the file or object that it came from, for errors
    columns : in their order
    rows : N
    numbers : (N,) of the rows in what they came from, from 0; None where these are all of its rows
    """

    where: str
    columns: Mapping[str, Column]
    rows: int
    numbers: NDArray[np.intp] | None = None

    def take(self, rows: NDArray[np.intp]) -> Table:
        """Some of the rows, by number."""
        numbers = rows if self.numbers is None else self.numbers[rows]
        columns = {name: one.take(rows) for name, one in self.columns.items()}
        return Table(self.where, columns, len(rows), numbers)

    def row(self, which: NDArray[np.bool_]) -> int:
        """The number, from 1, of the first row that a mask (N,) marks, for errors."""
        place = int(np.argmax(which))
        return 1 + (place if self.numbers is None else int(self.numbers[place]))


def number(text: str) -> float:
    """The number that a text says.

    Raises
    ------
    DataError : `holds TEXT, which is not a number`
    """
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"holds {text[:SHOWN]!r}, which is not a number") from error


def written(value: float) -> str:
    """A number as the name of a category or a class; whole ones without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def listed(names: Sequence[Any]) -> str:
    """Names in a row; of many only the first ones."""
    few = ", ".join(str(name)[:SHOWN] for name in names[:NAMED])
    return f"{few} and {len(names) - NAMED} more" if len(names) > NAMED else few

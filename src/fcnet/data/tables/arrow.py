"""Columns of Arrow tables, and the text of CSV files, whose kind is yet to be found. Needs PyArrow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.tables.columns import (
    SHOWN,
    Categories,
    Column,
    Kind,
    Levels,
    Numbers,
    Table,
    column_names,
    levels_of,
    other,
)
from fcnet.errors import DataError
from fcnet.extras import require

MISSING = (
    "", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None",
)  # fmt: skip
"""Texts of a CSV file that say that a value is missing."""

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"

DATE = (
    r"^([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{4}|[0-9]{2}))([T ].*)?$"
)

MOSTLY, MANY = 0.8, 20
"""A column of text in which this share of the values are numbers, and these of more than so many different
ones, is a column of numbers with mistakes in it."""


def table_of(arrow: Any, where: str, make: Callable[[Any], Column] | None = None) -> Table:
    """An Arrow table with its columns by name.

    Parameters
    ----------
    arrow : the table
    where : it came from, for errors
    make : makes a column of a chunked array; None for what the array's type says

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : two columns have one name; dates or lists are columns that are neither numbers nor categories
    """
    names = column_names(arrow.column_names, where)
    return Table(where, dict(zip(names, map(make or column_of, arrow.columns), strict=True)), arrow.num_rows)


def column_of(values: Any) -> Column:
    """A column from a chunked array of any type."""
    pa = require("pyarrow", "tables")
    types, kind = pa.types, values.type
    if types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
        if types.is_integer(kind) or types.is_floating(kind):
            return Levels(*Numbers(_floats(values)).categories())
    if types.is_boolean(kind) or types.is_string(kind) or types.is_large_string(kind):
        return _levels(values.cast(pa.large_string()))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return Numbers(_floats(values))
    if kind == pa.string_view():
        return _levels(values.cast(pa.large_string()))
    if types.is_temporal(kind):
        return other("dates or times", len(values))
    return other(f"values of the type {str(kind)[:SHOWN]}", len(values))


def _floats(values: Any) -> NDArray[np.float64]:
    """Numbers of any type as float64, NaN where one is missing."""
    pa = require("pyarrow", "tables")
    plain = values.cast(pa.float64(), safe=False)
    return np.array(plain.to_numpy(zero_copy_only=False) if isinstance(plain, pa.Array) else plain.to_numpy())


def _levels(strings: Any) -> Levels:
    """Text as categories."""
    codes, texts = encoded(strings)
    return levels_of(codes, texts.to_pylist())


def encoded(strings: Any) -> tuple[NDArray[np.int64], Any]:
    """Of each text (N,) its place among the different ones, -1 where it is missing; and these, as an array.

    Parameters
    ----------
    strings : a chunked array of text, or of a dictionary of text that has no nulls
    """
    types = require("pyarrow", "tables").types
    whole = strings.combine_chunks()
    whole = whole if types.is_dictionary(whole.type) else whole.dictionary_encode()
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.array(codes, dtype=np.int64), whole.dictionary


@dataclass(frozen=True)
class Text(Column):
    """A column of a CSV file.

    array : (N,) places among the texts, -1 where a value is missing
    texts : an Arrow array of different texts without spaces around them; some may be used no more
    decimal_comma : numbers may have a comma where others have a point
    """

    texts: Any
    decimal_comma: bool = False
    what: str = field(default="dates or times", kw_only=True)

    @cached_property
    def kind(self) -> Kind:
        if self._others(NUMBER) == 0:
            return "numbers"
        dates = self._others(DATE) == 0
        return "other" if dates else "categories"

    def numbers(self) -> NDArray[np.float64]:
        pc = require("pyarrow.compute", "tables")
        if wrong := self._others(NUMBER):
            text, row = self._example(NUMBER)
            raise DataError(f"holds {text!r} in row {row}, which is not a number ({wrong} such)")
        numbers = pc.if_else(require("pyarrow", "tables").array(self._match(NUMBER)), self._pointed, None)
        values = np.append(_floats(numbers), np.nan)  # the last one is what -1 finds
        return np.take(values, self.array)

    def categories(self) -> Categories:
        return levels_of(self.array, self.texts.to_pylist()).categories()

    def mistakes(self) -> str:
        """What is wrong with a column that is nearly one of numbers; empty if it is none."""
        present, wrong = int(self._counts.sum()), self._others(NUMBER)
        if not 0 < wrong <= (1 - MOSTLY) * present:
            return ""
        if np.count_nonzero(self._counts[self._match(NUMBER)]) <= MANY:
            return ""
        return f"{present - wrong:,} numbers and {wrong:,} other values, such as {self._example(NUMBER)[0]!r}"

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """How often each text is there."""
        return np.bincount(self.array[self.array >= 0], minlength=len(self.texts))

    @cached_property
    def _pointed(self) -> Any:
        pc = require("pyarrow.compute", "tables")
        if not self.decimal_comma:
            return self.texts
        comma = pc.match_substring_regex(self.texts, r"^[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?$")
        return pc.if_else(comma, pc.replace_substring(self.texts, ",", "."), self.texts)

    def _match(self, pattern: str) -> NDArray[np.bool_]:
        """Which of the texts match."""
        pc = require("pyarrow.compute", "tables")
        return np.asarray(
            pc.match_substring_regex(self._pointed, pattern).to_numpy(zero_copy_only=False), bool
        )

    def _others(self, pattern: str) -> int:
        """How many values there are that do not match."""
        return int(self._counts[~self._match(pattern)].sum())

    def _example(self, pattern: str) -> tuple[str, int]:
        """The first value that does not match, and its row, from 1."""
        first = int(np.argmax(np.append(~self._match(pattern), False)[self.array]))
        return str(self._pointed[int(self.array[first])].as_py())[:SHOWN], 1 + first

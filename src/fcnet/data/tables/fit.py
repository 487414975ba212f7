"""From the table of a training: which columns are learnt from, their categories, and what fills a gap."""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import TableOptions
from fcnet.data.tables.arrow import Text
from fcnet.data.tables.columns import SHOWN, Column, Table, listed
from fcnet.data.tables.mapping import Category, Mapping, Missing, Number
from fcnet.errors import DataError

MOST = 1_000
"""Categories that a column has at most."""

EXACT = 2**53
"""The largest whole number up to which float64 holds each."""

FEW = 20
"""With so few rows or categories, nothing is concluded from their number."""


@dataclass
class Left:
    """Columns that are left out, by the reason."""

    reasons: dict[str, list[str]] = field(default_factory=dict)

    def out(self, name: str, reason: str) -> None:
        self.reasons.setdefault(reason, []).append(name)

    def words(self) -> list[str]:
        return [f"left out, {reason}: {listed(names)}" for reason, names in self.reasons.items()]


def fitted(table: Table, rows: NDArray[np.intp], options: TableOptions) -> tuple[Mapping, list[str]]:
    """Learn a mapping from some rows of a table.

    Parameters
    ----------
    table : all of it
    rows : numbers of the rows for training, from which categories and what fills a gap are
    options : what is asked of the table

    Returns
    -------
    mapping : of the columns that say something
    remarks : which were left out, and why

    Raises
    ------
    DataError : a column that is named is not there, or is nearly one of numbers; no column is left
    """
    for name in (*options.drop, *options.categorical):
        if name not in table.columns:
            raise absent(name, table)
    left, columns, ordered = Left(), list[Number | Category](), np.sort(rows)
    for name in table.columns:
        if name == options.target:
            continue
        if name in options.drop:
            left.out(name, "as asked")
            continue
        categorical = name in options.categorical
        try:
            found = _fitted(name, table.columns[name], ordered, categorical, options.missing, left)
        except DataError as error:
            raise DataError(f"the column {name[:SHOWN]!r} of {table.where} {error}") from error
        columns += [] if found is None else [found]
    if not columns:
        reasons = "; ".join(left.words()) or "it has the target alone"
        raise DataError(f"{table.where} has no column to learn from ({reasons}), give some")
    return Mapping(tuple(columns), options.target or "", options.missing), left.words()


def of_all(table: Table, rows: NDArray[np.intp]) -> Mapping:
    """A mapping of every column, for who chose them; no value may be missing.

    Raises
    ------
    DataError : a column is neither of numbers nor of categories, or has too many of these
    """
    columns: list[Number | Category] = []
    for name, column in table.columns.items():
        if column.kind == "numbers":
            columns.append(Number(name, 0.0))
            continue
        try:
            codes, names = column.categories()
        except DataError as error:
            raise DataError(
                f"the column {name[:SHOWN]!r} of {table.where} {error}, make numbers of them"
            ) from error
        seen = np.unique(codes[rows])
        if len(seen) > MOST:
            raise DataError(
                f"the column {name[:SHOWN]!r} of {table.where} has {len(seen):,} categories, "
                f"more than {MOST:,}; leave it out, or make fewer of them"
            )
        columns.append(Category(name, tuple(names[place] for place in seen if place >= 0)))
    return Mapping(tuple(columns), gaps="error")


def absent(name: str, table: Table) -> DataError:
    """The error about a column that is not there, with those that are and the likeliest first guess."""
    from difflib import get_close_matches

    by_lower = {known.lower(): known for known in reversed(list(table.columns))}
    close = get_close_matches(name.lower()[:80], [known[:80] for known in by_lower], n=1)
    guess = f" (did you mean {by_lower[close[0]]!r}?)" if close and close[0] in by_lower else ""
    known = ", ".join(one[:SHOWN] for one in list(table.columns)[:30])
    more = f" and {len(table.columns) - 30} others" if len(table.columns) > 30 else ""
    rows = all(re.match(r"[+-]?[0-9.]+$", one) for one in table.columns)
    hint = "; the first line must name the columns" if rows else ""
    return DataError(f"{table.where} has no column {name[:80]!r}, its columns are {known}{more}{guess}{hint}")


def _fitted(
    name: str, column: Column, rows: NDArray[np.intp], categorical: bool, gaps: Missing, left: Left
) -> Number | Category | None:
    """One column from some of its rows; what it holds, all of them say. None if it is left out."""
    kind = "categories" if categorical else column.kind
    if kind == "other":
        left.out(name, column.what)
        return None
    if kind == "numbers":
        return _number(name, column.numbers()[rows], gaps, left)
    if not categorical and isinstance(column, Text) and (mistakes := column.mistakes()):
        raise DataError(
            f"holds {mistakes}; correct them or leave them empty, or name the column with "
            f"--drop-columns or --categorical"
        )
    return _category(name, column.take(rows), categorical, left)


def _number(name: str, values: NDArray[np.float64], gaps: Missing, left: Left) -> Number | None:
    present = values[~np.isnan(values)]
    if len(present) == 0:
        left.out(name, "empty")
    elif len(present) == len(values) and (present == present[0]).all():
        left.out(name, "one value only" + (" in 15 digits" if abs(present[0]) > EXACT else ""))
    elif _are_row_numbers(present):
        left.out(name, "row numbers")
    else:
        fill = np.mean(present) if gaps == "mean" else np.median(present)
        return Number(name, float(fill) if np.isfinite(fill) else 0.0)
    return None


def _are_row_numbers(values: NDArray[np.float64]) -> bool:
    """Whether whole numbers go steadily up from row to row, as those do that count the rows."""
    if len(values) < FEW or not np.isfinite(values).all() or not (values == np.round(values)).all():
        return False
    return bool((np.diff(values) > 0).all() and values[-1] - values[0] <= 2 * len(values))


def _category(name: str, column: Column, asked: bool, left: Left) -> Category | None:
    codes, names = column.categories()
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    seen = [known for known, count in zip(names, counts, strict=True) if count]
    present, missing = int(counts.sum()), bool((codes < 0).any())
    if not seen:
        left.out(name, "empty")
    elif len(seen) == 1 and not missing:
        left.out(name, "one value only")
    elif not asked and len(seen) == present > 2:
        left.out(name, "text that differs in every row")
    elif not asked and len(seen) > max(FEW, present / 2):
        left.out(name, "text that differs in most rows")
    elif len(seen) > MOST:
        left.out(name, f"more than {MOST:,} categories")
    else:
        return Category(name, tuple(seen), missing)
    return None

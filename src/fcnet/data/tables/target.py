"""The column that is to be predicted, as labels."""

import numpy as np
from numpy.typing import NDArray

from fcnet.data.tables.columns import SHOWN, Table, written
from fcnet.data.tables.fit import absent
from fcnet.errors import DataError

MOST = 1_000
"""Classes that a target has at most."""


MANY = 20
"""With more classes than these, a column of whole numbers may well be one of amounts."""


def labels_of(
    table: Table, target: str | None, kept: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.int64], tuple[str, ...]]:
    """The classes that a column says.

    Parameters
    ----------
    table : with the column
    target : its name
    kept : (N,) which rows are asked for; None for all

    Returns
    -------
    rows : numbers of the rows (N,) that have a class
    labels : (N,) of them, from 0 to K - 1
    classes : K names, sorted; numbers by their size

    Raises
    ------
    DataError : there is no such column, it is one of dates or of measurements, or has one class only
    """
    if target is None:
        *_, last = table.columns
        raise DataError(
            f"give the column of {table.where} that is to be predicted, e.g. --target {last}; "
            f"its columns are {', '.join(list(table.columns)[:30])}"
        )
    if target not in table.columns:
        raise absent(target, table)
    column, where = table.columns[target], f"the column {target!r} of {table.where}"
    if column.kind == "numbers":
        codes, names = _of_numbers(column.numbers(), where)
    else:
        try:
            codes, names = column.categories()
        except DataError as error:
            raise DataError(f"{where} {error}; name another with --target") from error
    rows = np.flatnonzero(codes >= 0 if kept is None else (codes >= 0) & kept)
    used, labels = np.unique(codes[rows], return_inverse=True)
    if len(used) < 2:
        raise DataError(f"{where} has fewer than two classes, give rows of two or more")
    if len(used) > MOST or (len(used) == len(rows) > 2):
        raise DataError(
            f"{where} has {len(used):,} different values in {len(rows):,} rows, too many for classes; "
            f"name another with --target"
        )
    return rows, labels.astype(np.int64), tuple(names[place] for place in used)


def many_numbers(table: Table, target: str, classes: tuple[str, ...]) -> list[str]:
    """What has to be said of a target of many whole numbers, which may be amounts; empty if nothing."""
    if len(classes) <= MANY or table.columns[target].kind != "numbers":
        return []
    return [
        f"each of the {len(classes)} numbers in {target[:SHOWN]} is a class of its own (to predict an "
        f"amount, use fcnet.FCNetRegressor in Python)"
    ]


def _of_numbers(values: NDArray[np.float64], where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    present = values[~np.isnan(values)]
    if not (present == np.round(present)).all():
        broken = float(present[present != np.round(present)][0])
        raise DataError(
            f"{where} holds measurements, such as {broken:g}, and fcnet train learns classes; "
            f"name another with --target, or use fcnet.FCNetRegressor in Python"
        )
    levels = np.unique(present)
    codes = np.where(np.isnan(values), -1, np.searchsorted(levels, values))
    return codes.astype(np.int64), tuple(map(written, levels))

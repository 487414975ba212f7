"""Tables in memory: pandas DataFrames, Arrow tables, and what else offers itself as one, such as Polars'."""

import sys
from typing import Any

import numpy as np

from fcnet.data.tables.arrow import column_of, table_of
from fcnet.data.tables.columns import Column, Levels, Numbers, Table, column_names, levels_of, other, written


def table_in(X: Any, where: str = "X") -> Table | None:
    """A table of columns; None where X is none, but an array, a sparse matrix or a list.

    Raises
    ------
    MissingExtraError : it is not a pandas DataFrame, and PyArrow is not installed
    DataError : two columns have one name
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        names = column_names(X.columns, where)
        columns = {name: _of_series(X.iloc[:, place], pandas) for place, name in enumerate(names)}
        return Table(where, columns, len(X))
    if hasattr(X, "__arrow_c_stream__") and hasattr(X, "schema"):
        from fcnet.extras import require

        return table_of(require("pyarrow", "tables").table(X), where)
    return None


def is_plain(X: Any) -> bool:
    """Whether X is not a table but Arrow's, or one of numbers alone, as scikit-learn knows it."""
    kinds = getattr(X, "dtypes", None)  # of pandas and Polars
    if kinds is None:
        return not hasattr(X, "__arrow_c_stream__")
    return all(getattr(kind, "kind", "") in "iuf" and not hasattr(kind, "na_value") for kind in kinds)


def _of_series(series: Any, pandas: Any) -> Column:
    """A column of a DataFrame."""
    kinds, kind = pandas.api.types, series.dtype
    if kind == np.dtype(object):
        return _of_objects(series, pandas)
    if isinstance(kind, pandas.CategoricalDtype):
        return levels_of(series.cat.codes.to_numpy(np.int64), map(_text, series.cat.categories))
    if kinds.is_bool_dtype(kind):
        return _levels(series, pandas)
    if kinds.is_numeric_dtype(kind) and not kinds.is_complex_dtype(kind):
        return Numbers(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if hasattr(kind, "pyarrow_dtype") and not kinds.is_string_dtype(kind):
        import pyarrow

        return column_of(pyarrow.chunked_array(series.array.__arrow_array__()))
    if kinds.is_string_dtype(kind):
        return _levels(series, pandas)
    dates = kinds.is_datetime64_any_dtype(kind) or kinds.is_timedelta64_dtype(kind)
    return other("dates or times" if dates else f"values of the type {kind}", len(series))


def _of_objects(series: Any, pandas: Any) -> Column:
    """A column of Python's own objects: text, truths or numbers."""
    what = pandas.api.types.infer_dtype(series, skipna=True)
    if what in ("string", "boolean"):
        return _levels(series, pandas)
    if what in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        return Numbers(pandas.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan))
    dates = what in ("datetime", "datetime64", "date", "time", "timedelta", "timedelta64", "period")
    return other("dates or times" if dates else f"values of several types ({what})", len(series))


def _levels(series: Any, pandas: Any) -> Levels:
    codes, names = pandas.factorize(series, use_na_sentinel=True)
    return levels_of(np.asarray(codes, np.int64), map(_text, names))


def _text(value: Any) -> str:
    """The name of a category; whole numbers without a point."""
    return written(float(value)) if isinstance(value, float | np.floating) else str(value)

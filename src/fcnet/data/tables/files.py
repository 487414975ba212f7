"""Tables in files: CSV and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from fcnet.data.tables.arrow import table_of
from fcnet.data.tables.columns import Table
from fcnet.data.tables.csv import read_csv
from fcnet.errors import DataError
from fcnet.extras import require
from fcnet.files import open_plain

CSV, PARQUET = (".csv", ".tsv", ".tab"), (".parquet", ".pq")
SUFFIXES = (*CSV, *PARQUET)

LIMIT = 1 << 33
"""The most bytes of a file, and about the most of its numbers."""


def is_table(path: Path) -> bool:
    """Whether a path names a table, by its ending."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path) -> Table:
    """Read a CSV or Parquet file.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file cannot be read, is damaged or too large, or holds no rows; the text names it
    """
    pa = require("pyarrow", "tables")
    try:
        with open_plain(path, LIMIT) as file:
            return (_parquet if path.suffix.lower() in PARQUET else read_csv)(file, path)
    except DataError:
        raise
    except (MemoryError, pa.ArrowMemoryError) as error:
        raise DataError(f"{path} does not fit into memory, give fewer rows or columns") from error
    except Exception as error:  # files of others, and a library that fails in many ways
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path} is damaged or no table: {reason}") from error


def _parquet(file: BinaryIO, path: Path) -> Table:
    parquet: Any = require("pyarrow.parquet", "tables")
    content = parquet.ParquetFile(file)
    about = content.metadata
    if about.num_rows == 0 or about.num_columns == 0:
        raise DataError(f"{path} holds no rows or no columns, give both")
    if 8 * about.num_rows * about.num_columns > LIMIT:
        raise DataError(
            f"{path} says that it holds {about.num_rows:,} rows of {about.num_columns:,} columns, "
            f"too many to be read at once; give fewer"
        )
    return table_of(content.read(use_threads=False), str(path))

"""Tables in files: CSV and Parquet."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fcnet.data.damage import naming
from fcnet.data.tables.arrow import table_of
from fcnet.data.tables.columns import Table
from fcnet.data.tables.csv import Layout
from fcnet.errors import DataError
from fcnet.extras import require
from fcnet.files import open_plain
from fcnet.memory import check_memory

CSV, PARQUET = (".csv", ".tsv", ".tab"), (".parquet", ".pq")
SUFFIXES = (*CSV, *PARQUET)

COPIES = 4
"""How many times its size a table takes in memory while it is read, mapped and put in order."""


def is_table(path: Path) -> bool:
    """Whether a path names a table, by its ending."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path, remedy: str = "give fewer rows or columns") -> Table:
    """Read a CSV or Parquet file into memory.

    Parameters
    ----------
    path : of the file
    remedy : what to do if the memory that is available is too small, which is said before the file is read

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file cannot be read, is damaged or too large, or holds no rows; the text names it
    """
    with opened(path) as file, reported(path):
        return (_parquet if path.suffix.lower() in PARQUET else _csv)(file, path, remedy)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file of any size, open for reading.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file cannot be read
    """
    require("pyarrow", "tables")
    with reported(path):
        file = open_plain(path)
    with file:
        yield file


def reported(where: object, scratch: bool = False) -> AbstractContextManager[None]:
    """Make an error that names a table of whatever goes wrong while it is read, see `naming`."""
    return naming(where, "a table", "give fewer rows or columns", scratch)


def check_rows(about: Any, where: str) -> None:
    """Make sure that a Parquet file says that it holds something.

    Raises
    ------
    DataError : it holds no rows or no columns
    """
    if about.num_rows == 0 or about.num_columns == 0:
        raise DataError(f"{where} holds no rows or no columns, give both")


def _csv(file: BinaryIO, path: Path, remedy: str) -> Table:
    check_memory(str(path), COPIES * os.fstat(file.fileno()).st_size, remedy)
    layout, pa = Layout.of(file, path), require("pyarrow", "tables")
    return table_of(pa.Table.from_batches(layout.pieces(file)), str(path), layout.column)


def _parquet(file: BinaryIO, path: Path, remedy: str) -> Table:
    parquet: Any = require("pyarrow.parquet", "tables")
    content = parquet.ParquetFile(file)
    about = content.metadata
    check_rows(about, str(path))
    unpacked = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    check_memory(str(path), COPIES * max(unpacked, 8 * about.num_rows * about.num_columns), remedy)
    return table_of(content.read(use_threads=False), str(path))

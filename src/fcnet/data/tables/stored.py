"""A table that stays in its file: a column, or a piece of its rows, is read when it is asked for.

Parquet keeps columns apart, so one can be read without the others. A CSV file is written once to a temporary
Parquet file, as text, which is then read in the same way.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fcnet.data.tables.arrow import column_of
from fcnet.data.tables.columns import Column, Table, column_names
from fcnet.data.tables.csv import Layout
from fcnet.data.tables.files import PARQUET, check_rows, opened, reported
from fcnet.extras import require
from fcnet.memory import check_memory

PIECE = 1 << 20
"""Numbers of a piece, in about: 8 MB in float64."""

ROW = 130
"""Bytes of memory that a row takes in about, whatever its columns: label, place, hash, a column."""

BUFFER = 1 << 16
"""Bytes of a column that are read from a disk at once."""


@dataclass(frozen=True)
class StoredTable:
    """A table in a Parquet file.

    where : what the user called it, for errors
    content : a `pyarrow.parquet.ParquetFile`
    names : names in the file, by the names of the columns
    make : from a chunked array to a column
    """

    where: str
    content: Any
    names: dict[str, str]
    make: Callable[[Any], Column]

    @property
    def rows(self) -> int:
        return int(self.content.metadata.num_rows)

    def table(self) -> Table:
        """The whole table; a column is read whenever it is asked for, and not kept."""
        return Table(self.where, _Columns(self), self.rows)

    def column(self, name: str) -> Column:
        """All values of a column.

        Raises
        ------
        DataError : the file is damaged, or the column does not fit into memory
        """
        own = self.names[name]
        with reported(self.where):
            return self.make(self.content.read(columns=[own], use_threads=False).column(own))

    def pieces(self, names: Sequence[str], width: int) -> Iterator[Table]:
        """All rows in order, some at a time.

        Parameters
        ----------
        names : of the columns that are wanted
        width : features that a row will have

        Raises
        ------
        DataError : the file is damaged
        """
        pa, start = require("pyarrow", "tables"), 0
        own = {name: self.names[name] for name in names}
        batches = self.content.iter_batches(
            max(1, PIECE // max(width, 1)), columns=list(own.values()), use_threads=False
        )
        with reported(self.where):
            for batch in batches:
                arrow = pa.Table.from_batches([batch])
                columns = {name: self.make(arrow.column(stored)) for name, stored in own.items()}
                numbers = np.arange(start, start + len(batch), dtype=np.intp)
                yield Table(self.where, columns, len(batch), numbers)
                start += len(batch)


class _Columns(Mapping[str, Column]):
    """The columns of a stored table by their names."""

    def __init__(self, stored: StoredTable) -> None:
        self.stored = stored

    def __getitem__(self, name: str) -> Column:
        return self.stored.column(name)

    def __contains__(self, name: object) -> bool:
        return name in self.stored.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored.names)

    def __len__(self) -> int:
        return len(self.stored.names)


@contextmanager
def stored_table(path: Path, scratch: Path) -> Iterator[StoredTable]:
    """Open a CSV or Parquet file of any size.

    Parameters
    ----------
    path : of the file
    scratch : a folder for the temporary copy of a CSV file, which takes about as much as the file

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : the file cannot be read or is damaged; the text names it
    OSError : the folder cannot be written
    """
    with opened(path) as file:
        if path.suffix.lower() in PARQUET:
            yield _of_parquet(file, str(path), column_of)
            return
        with reported(path):
            layout = Layout.of(file, path)
        with tempfile.TemporaryFile(dir=scratch) as copy:
            with reported(path, scratch=True):
                _write_text(layout, file, copy)
            yield _of_parquet(copy, str(path), layout.column)


def _of_parquet(file: Any, where: str, make: Callable[[Any], Column]) -> StoredTable:
    pa, parquet = require("pyarrow", "tables"), require("pyarrow.parquet", "tables")
    with reported(where):
        about = parquet.ParquetFile(file)
        check_rows(about.metadata, where)
        check_memory(where, ROW * about.metadata.num_rows, "give fewer rows")
        texts = [field.name for field in about.schema_arrow if _is_text(field.type, pa.types)]
        content = parquet.ParquetFile(file, read_dictionary=texts, buffer_size=BUFFER)
        own = content.schema_arrow.names
        return StoredTable(where, content, dict(zip(column_names(own, where), own, strict=True)), make)


def _is_text(kind: Any, types: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _write_text(layout: Layout, file: BinaryIO, copy: Any) -> None:
    """Write the rows of a CSV file as a Parquet file of text."""
    pa, parquet = require("pyarrow", "tables"), require("pyarrow.parquet", "tables")
    schema = pa.schema([(name, pa.string()) for name in layout.names])
    with parquet.ParquetWriter(copy, schema, compression="zstd", compression_level=1) as writer:
        for batch in layout.pieces(file):
            writer.write_batch(batch)

"""A CSV file as columns of text: encoding, delimiter, the names in its first line, and no ragged rows.

PyArrow parses the rows. The first line is read here, so that every column comes as the text that it is and
`01234` keeps its zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fcnet.data.tables.arrow import MISSING, Text, encoded
from fcnet.data.tables.columns import column_names
from fcnet.errors import DataError
from fcnet.extras import require

DELIMITERS = ",;\t|"
"""In this order where a first line has none of them more often."""

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
"""Byte order marks, and the encodings that they begin."""

HEADER = 1 << 20
"""The most bytes of the line with the names."""

BLOCK = 1 << 24
"""Bytes that are parsed at once, and so the most of one row."""


@dataclass(frozen=True)
class Layout:
    """What the beginning of a CSV file says.

    path : of the file, for errors
    names : of the columns
    delimiter : between two values
    encoding : of the text
    start : where the rows begin, in bytes
    """

    path: Path
    names: list[str]
    delimiter: str
    encoding: str
    start: int

    @classmethod
    def of(cls, file: BinaryIO, path: Path) -> Layout:
        """Read the first line of a file.

        Raises
        ------
        MissingExtraError : PyArrow is not installed
        DataError : no text, another encoding, no columns, two columns of one name
        """
        require("pyarrow", "tables")
        encoding, start = _encoding(file)
        names, delimiter, length = _header(file, path, encoding, start)
        return cls(path, column_names(names, str(path)), delimiter, encoding, start + length)

    def column(self, strings: Any) -> Text:
        """A column of such a file; between semicolons, numbers may have a comma where others have a point.

        Parameters
        ----------
        strings : as for `encoded`, null where a value is missing
        """
        return Text(*encoded(strings), decimal_comma=self.delimiter == ";")

    def pieces(self, file: BinaryIO) -> Iterator[Any]:
        """The rows, some thousands at a time: Arrow's batches of text, null where a value is missing.

        Raises
        ------
        DataError : ragged rows, another encoding, no rows, a row without end
        """
        pa, rows, last = require("pyarrow", "tables"), 0, ""
        file.seek(self.start)
        for batch in _parsed(file, self):
            if batch.num_rows:
                rows += batch.num_rows
                last = batch.column(batch.num_columns - 1)[-1].as_py()
            yield pa.RecordBatch.from_arrays(list(map(_cleaned, batch.columns)), names=self.names)
        _check_end(file, self.path, last)
        if not rows:
            raise DataError(f"{self.path} holds names of columns and no rows, give rows")


def _encoding(file: BinaryIO) -> tuple[str, int]:
    """The encoding that the file's mark says, and the length of the mark."""
    beginning = file.read(4)
    mark = next((mark for mark in MARKS if beginning.startswith(mark)), b"")
    return MARKS.get(mark, "utf-8"), len(mark)


def _header(file: BinaryIO, path: Path, encoding: str, start: int) -> tuple[list[str], str, int]:
    """The names of the columns, the delimiter, and how many bytes the line takes that has them."""
    file.seek(start)
    beginning = file.read(HEADER)
    if not beginning.strip():
        raise DataError(f"{path} is empty, give a line with the names of the columns, and rows")
    text = beginning.decode(encoding, errors="replace")
    if "\0" in text:
        raise DataError(f"{path} is not text, give a CSV or a Parquet file")
    before = text[: len(text) - len(text.lstrip("\r\n"))]  # empty lines
    skipped = len(before.encode(encoding))
    line = _first_line(text[len(before) :])
    length = len(line.encode(encoding))
    try:
        line = beginning[skipped : skipped + length].decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(path) from error
    if line == text and len(beginning) == HEADER:
        raise DataError(f"{path} has a first line of more than {HEADER:,} characters, give names of columns")
    delimiter = max(DELIMITERS, key=lambda one: len(_fields(line, one)))
    names = [name.strip() or f"unnamed {place}" for place, name in enumerate(_fields(line, delimiter), 1)]
    return names, delimiter, skipped + length


def _first_line(text: str) -> str:
    """The first line, with its end; a break between quotes does not end it."""
    quoted = False
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character in "\r\n" and not quoted:
            return text[: place + 1 + (text[place : place + 2] == "\r\n")]
    return text


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])


def _parsed(file: BinaryIO, layout: Layout) -> Iterator[Any]:
    """The rows as Arrow batches of text.

    Raises
    ------
    DataError : ragged rows, another encoding, a row without end
    """
    pa, reader = require("pyarrow", "tables"), require("pyarrow.csv", "tables")
    ragged: list[Any] = []
    path, names = layout.path, layout.names

    def note(row: Any) -> str:
        ragged.append((row.number, row.actual_columns))
        return "skip"

    places = [str(place) for place in range(len(names))]
    try:
        yield from reader.open_csv(
            file,
            reader.ReadOptions(
                use_threads=False, block_size=BLOCK, column_names=places, encoding=layout.encoding
            ),
            reader.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            reader.ConvertOptions(column_types=dict.fromkeys(places, pa.string())),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _unread(path, error) from error
    if ragged:
        number, found = ragged[0]
        others = f", and {len(ragged) - 1:,} other rows are like it" if len(ragged) > 1 else ""
        raise DataError(
            f"row {number} of {path} has {found} values and the first line has {len(names)} names{others}; "
            f"correct them, or put quotes around values with a {_named(layout.delimiter)} in them"
        )


def _check_end(file: BinaryIO, path: Path, last: str) -> None:
    """Make sure that the last value is one, and not all that follows a quote without end."""
    if "\n" not in last.rstrip("\r\n") and "\r" not in last.rstrip("\r\n"):
        return
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - 100))
    if not file.read().replace(b"\0", b"").rstrip().endswith(b'"'):
        raise DataError(f"{path} has a quote that has no end, see the value that begins: {last[:40]!r}")


def _unread(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())
    if "Empty CSV" in reason:
        return DataError(f"{path} holds names of columns and no rows, give rows")
    if "UTF8" in reason or isinstance(error, UnicodeDecodeError):
        return _undecodable(path)
    if "straddl" in reason or "block" in reason:
        return DataError(f"{path} has a row of more than {BLOCK:,} bytes, look for a quote that has no end")
    return DataError(f"{path} cannot be read as CSV: {reason[:200]}")


def _undecodable(path: Path) -> DataError:
    return DataError(
        f"{path} is not in UTF-8, save it as such, e.g. with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def _named(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab"}.get(delimiter, delimiter)


def _cleaned(strings: Any) -> Any:
    """Text without spaces around it, and null where that is one of `MISSING`."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    trimmed = pc.utf8_trim_whitespace(strings)
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)

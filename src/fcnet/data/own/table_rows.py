"""A table that does not fit into memory: its features are written to the user's cache once, and stay there.

`CACHE/rows/KEY/` holds `X.npy` (N, D), the features of the rows that are used, in the order of the table,
`y.npy` (N,), their labels, and `manifest.json`: what else a `Dataset` says, the stamp of the table, and the
stamps of the two files. A later start compares stamps, and reads no row.
"""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from fcnet.data.cache import MANIFEST, MANIFEST_LIMIT, home
from fcnet.data.dataset import Dataset, Origin, TableOptions
from fcnet.data.disk import disk_error, require_space
from fcnet.data.features import chunks
from fcnet.data.own.arrays import read_file
from fcnet.data.own.decode import Reading
from fcnet.data.own.remarks import twice
from fcnet.data.own.split import arranged, dataset_of
from fcnet.data.own.streamed import looked_at
from fcnet.data.own.table import Plan, planned
from fcnet.data.stamp import Stamp, stamp
from fcnet.data.streamed import RowFile, Streamed
from fcnet.data.tables.mapping import Mapping, Remarks
from fcnet.data.tables.stored import StoredTable, stored_table
from fcnet.errors import DataError
from fcnet.files import make_folder, new_file, read_plain, remove_leftovers
from fcnet.lock import NAME, waiting_for
from fcnet.wording import megabytes

VERSION = 1
"""Increased when tables are read in another way, or the meaning of the kept files changes."""

ROWS, LABELS = "X.npy", "y.npy"

FOLDER = "rows"
"""Of the cache."""

COLUMNS = 32
"""Columns that are read at once: of each a reader of Parquet keeps some pages, about 3 MB, in memory."""

log = logging.getLogger(__name__)


class Manifest(msgspec.Struct, frozen=True):
    """What is kept beside rows and labels.

    version : of this format
    state : the stamp of the table
    files : stamps of the kept files
    source : path of the table
    mapping : from columns to features, as JSON
    classes : their names
    how : how the table was read, in words
    sha256 : hash of rows, labels and mapping
    """

    version: int
    state: Stamp
    files: dict[str, Stamp]
    source: str
    mapping: str
    classes: tuple[str, ...]
    how: str
    sha256: str


def load_streamed_table(path: Path, options: TableOptions, progress: Reading) -> Dataset:
    """Load a table whose rows are read while a network trains.

    Everything is as `fcnet.data.own.table.load_table` has it. In memory are the labels, one column of the
    table at a time, and a piece of its rows.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : as there; the cache cannot be written
    """
    where = home(f"{path.resolve()}\0{json.dumps(asdict(options))}", FOLDER)
    state = _stamp_of(path)
    try:
        make_folder(where)
        with waiting_for(where / NAME, _tell_waiting):
            kept = _kept(where, state)
            if kept is None:
                _keep(path, options, where, state, progress)
                kept = _kept(where, state)
    except OSError as error:
        raise disk_error(error, where, ways="$FCNET_CACHE") from error
    finally:
        with suppress(OSError):  # it holds rows
            where.rmdir()
    if kept is None or _stamp_of(path) != state:
        raise DataError(f"{path} was changed while it was read, start again")
    return _dataset(path, options, *kept)


def manifest_in(where: Path) -> Manifest:
    """What is kept in a folder.

    Raises
    ------
    OSError, ValueError : there is none, or it is damaged
    """
    return msgspec.json.decode(read_plain(where / MANIFEST, MANIFEST_LIMIT), type=Manifest)


def _stamp_of(path: Path) -> Stamp:
    try:
        return stamp(path.stat())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _kept(where: Path, state: Stamp) -> tuple[Manifest, RowFile, NDArray[np.int64]] | None:
    """What an earlier start kept; None if there is nothing, or it is out of date or damaged."""
    try:
        about = manifest_in(where)
        found = {name: stamp((where / name).lstat()) for name in (ROWS, LABELS)}
        if (about.version, about.state, about.files) != (VERSION, state, found):
            return None
        rows, labels = RowFile.open(where / ROWS), read_file(where / LABELS)
    except (OSError, ValueError):
        return None
    fits = labels.shape == (rows.rows,) and labels.dtype == np.int64
    return (about, rows, labels) if fits else None


def _dataset(
    path: Path, options: TableOptions, about: Manifest, rows: RowFile, labels: NDArray[np.int64]
) -> Dataset:
    order, sizes = arranged({"train": labels})
    origin = Origin(
        str(path.resolve()), about.sha256, None, kind="table", how=about.how, table=options, streamed=True
    )
    shape = 1, 1, rows.width
    images: Any = Streamed([rows], order)
    made = dataset_of(path.stem, images, labels[order], sizes, about.classes, shape, origin)
    return replace(made, mapping=Mapping.loads(about.mapping))


def _keep(path: Path, options: TableOptions, where: Path, state: Stamp, progress: Reading) -> None:
    """Map the table and write what is kept of it; the lock is held.

    Raises
    ------
    OSError : the cache cannot be written
    DataError : the table does not suit
    """
    remove_leftovers(where, (ROWS, LABELS, MANIFEST))
    for name in (MANIFEST, ROWS, LABELS):
        (where / name).unlink(missing_ok=True)
    with stored_table(path, where) as stored:
        plan = planned(stored.table(), path, options)
        with new_file(where / ROWS) as file:
            found = _Writer(stored, plan, path.name, progress).write(file, where)
    with new_file(where / LABELS) as file:
        np.save(file, plan.labels)
    file_of_rows, labels = RowFile.open(where / ROWS), plan.labels[plan.order]
    whole = Streamed([file_of_rows], np.arange(len(plan.order)))
    looked = looked_at(whole, labels, plan.order, plan.mapping.dumps())
    size = megabytes((where / ROWS).stat().st_size)
    about = Manifest(
        VERSION,
        state,
        {name: stamp((where / name).lstat()) for name in (ROWS, LABELS)},
        str(path.resolve()),
        plan.mapping.dumps(),
        plan.classes,
        plan.words(found, options)
        + twice(looked.digests[plan.order], labels, plan.sizes, "rows", plan.name)
        + f"; read while training, from {size} in the cache",
        looked.sha256,
    )
    with new_file(where / MANIFEST) as file:
        file.write(msgspec.json.encode(about))


@dataclass(frozen=True)
class _Writer:
    """Writes the features of the rows that are used, a piece at a time."""

    stored: StoredTable
    plan: Plan
    name: str
    progress: Reading

    def write(self, file: BinaryIO, where: Path) -> Remarks:
        """Write an .npy file: of float32 where that has all digits, as in memory, else of float64.

        Parameters
        ----------
        file : open for writing
        where : the folder that it is in
        """
        parts = self.plan.mapping.parts(COLUMNS)
        copies = 1 if len(parts) == 1 else 2
        for dtype in (np.dtype("<f4"), np.dtype("<f8")):
            shape = len(self.plan.rows), self.plan.mapping.width
            size = copies * dtype.itemsize * shape[0] * shape[1]
            require_space(where, size, f"the rows of {self.name}", ways="$FCNET_CACHE")
            file.seek(0)
            file.truncate()
            head = {"descr": dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, head)
            if len(parts) == 1:
                found = self._written(file, parts, dtype)
            else:
                with tempfile.TemporaryFile(dir=where) as scratch:
                    if found := self._written(scratch, parts, dtype):
                        _merge(scratch, file, shape[0], [part.width for part in parts], dtype)
            if found is not None:
                break
        assert found is not None
        return found

    def _written(self, file: BinaryIO, parts: list[Mapping], dtype: np.dtype[Any]) -> Remarks | None:
        """What was noticed while all rows were written, one group of columns after the other.

        None if they have more digits than the type.
        """
        used, found = np.zeros(self.stored.rows, np.bool_), Remarks()
        used[self.plan.rows] = True
        for place, part in enumerate(parts):
            for piece in self.stored.pieces([column.name for column in part.columns], part.width):
                assert piece.numbers is not None
                own, done = used[piece.numbers], int(piece.numbers[-1]) + 1
                if self.plan.mapped is not None:
                    piece, own = piece.take(np.flatnonzero(own)), own[own]
                exact, found = part.rows(piece, found)
                exact = exact[own]
                with np.errstate(over="ignore"):
                    rows = exact.astype(dtype)
                if not np.array_equal(rows, exact):
                    return None
                file.write(rows.data)
                total = len(parts) * self.stored.rows
                self.progress(f"mapping {self.name}", place * self.stored.rows + done, total)
        return found


def _merge(scratch: BinaryIO, file: BinaryIO, rows: int, widths: list[int], dtype: np.dtype[Any]) -> None:
    """Put groups of columns, which lie one after the other, side by side."""
    starts = np.cumsum([0, *widths])
    for here in chunks(rows, int(starts[-1])):
        whole = np.empty((here.stop - here.start, starts[-1]), dtype)
        for start, width in zip(starts, widths, strict=False):
            part = np.empty((len(whole), width), dtype)
            scratch.seek((rows * int(start) + here.start * width) * dtype.itemsize)
            scratch.readinto(part.data)  # type: ignore[attr-defined]
            whole[:, start : start + width] = part
        file.write(whole.data)


def _tell_waiting(holder: str) -> None:
    log.warning("waiting for %s, which is writing the rows of the same table into the cache", holder)

"""A table that does not fit into memory: its features are written to the user's cache once, and stay there.

See `fcnet.data.cache`; the images are the features of the rows that are used, in the order of the table.
"""

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fcnet.data.cache import IMAGES, LABELS, ensured, home
from fcnet.data.damage import naming
from fcnet.data.dataset import Dataset, Origin, TableOptions
from fcnet.data.disk import disk_error, require_space
from fcnet.data.features import chunks
from fcnet.data.own.remarks import twice
from fcnet.data.own.split import arranged, dataset_of
from fcnet.data.own.streamed import looked_at
from fcnet.data.own.table import Plan, planned
from fcnet.data.published import Progress
from fcnet.data.stamp import state_of
from fcnet.data.streamed import RowFile, Streamed
from fcnet.data.tables.mapping import Mapping, Remarks
from fcnet.data.tables.stored import StoredTable, stored_table
from fcnet.errors import DataError
from fcnet.files import new_file
from fcnet.wording import megabytes

COLUMNS = 32
"""Columns that are read at once: of each a reader of Parquet keeps some pages, about 3 MB, in memory."""


def load_streamed_table(path: Path, options: TableOptions, progress: Progress) -> Dataset:
    """Load a table whose rows are read while a network trains.

    Everything is as `fcnet.data.own.table.load_table` has it. In memory are the labels, one column of the
    table at a time, and a piece of its rows.

    Raises
    ------
    MissingExtraError : PyArrow is not installed
    DataError : as there; the cache cannot be written
    """
    where = home(f"table\0{path.resolve()}\0{json.dumps(asdict(options))}")
    state = _state_of(path)
    try:
        dataset = ensured(
            where,
            state,
            lambda: _written(path, options, where, progress),
            lambda where, about, labels: _opened(
                where, labels, about.classes, Mapping.loads(about.mapping), about.origin
            ),
        )
    except OSError as error:
        raise disk_error(error, where, ways="$FCNET_CACHE") from error
    if dataset is None or _state_of(path) != state:
        raise DataError(f"{path} was changed while it was read, start again")
    return replace(dataset, name=path.stem)


def _state_of(path: Path) -> str:
    with naming(path, "a table"):
        return state_of([path])


def _opened(
    where: Path, labels: NDArray[np.int64], classes: tuple[str, ...], mapping: Mapping, origin: Origin
) -> Dataset:
    """The data set of the rows that are kept in a folder.

    Raises
    ------
    ValueError : they are damaged, or not as many as there are labels
    """
    rows = RowFile.open(where / IMAGES)
    if len(labels) != rows.rows:
        raise ValueError(f"{where} holds {rows.rows} rows and {len(labels)} labels")
    order, sizes = arranged({"train": labels})
    images: Any = Streamed([rows], order)
    return dataset_of("", images, labels[order], sizes, classes, (1, 1, rows.width), origin, mapping)


def _written(path: Path, options: TableOptions, where: Path, progress: Progress) -> Dataset:
    """Map the table and write rows and labels.

    Raises
    ------
    OSError : the cache cannot be written
    DataError : the table does not suit
    """
    for name in (IMAGES, LABELS):
        (where / name).unlink(missing_ok=True)
    with stored_table(path, where) as stored:
        plan = planned(stored.table(), path, options)
        with new_file(where / IMAGES) as file:
            found = _Writer(stored, plan, path.name, progress).write(file, where)
    with new_file(where / LABELS) as file:
        np.save(file, plan.labels)
    rows, labels = RowFile.open(where / IMAGES), plan.labels[plan.order]
    looked = looked_at([rows], labels, plan.order, plan.mapping.dumps())
    size = megabytes((where / IMAGES).stat().st_size)
    how = plan.words(found, options)
    how += twice(looked.digests[plan.order], labels, plan.sizes, "rows", plan.name)
    how += f"; read while training, from {size} in the cache"
    origin = Origin(
        str(path.resolve()), looked.sha256, None, kind="table", how=how, table=options, streamed=True
    )
    return _opened(where, plan.labels, plan.classes, plan.mapping, origin)


@dataclass(frozen=True)
class _Writer:
    """Writes the features of the rows that are used, a piece at a time."""

    stored: StoredTable
    plan: Plan
    name: str
    progress: Progress

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

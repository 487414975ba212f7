"""An .npz file of X and y, or a folder of X.npy and y.npy: images, or rows of numbers.

X       (N, height, width) or (N, height, width, channels) whole numbers from 0 to 255: images
        (N, D) real numbers: rows of features, float32 where no digit is lost, else float64
y       (N,) labels, whole numbers or text
X_test, y_test, X_val, y_val   the same, if there are such parts
classes (K,) text, names of the labels 0 to K - 1, if they have names
"""

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from unicodedata import normalize

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.damage import naming
from fcnet.data.own.remarks import check_class_names
from fcnet.errors import DataError
from fcnet.files import open_plain
from fcnet.memory import check_memory
from fcnet.validation import check_labels
from fcnet.wording import shown

PARTS = {"train": "", "validation": "_val", "test": "_test"}
"""The parts and what is appended to X and y."""

KNOWN = {f"{name}{end}" for name in ("X", "y") for end in PARTS.values()} | {"classes"}

COPIES = 4
"""How many times their size arrays take in memory while they are checked, put in order and converted."""

FEWER = "save fewer or smaller examples"
HINT = "train with --stream, which reads rows while training"

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How NumPy packs arrays. Other methods unpack without a bound on the memory that a step takes."""


def read_arrays(path: Path) -> dict[str, Array]:
    """Read all arrays of an .npz file, or of a folder of .npy files; nothing is unpickled.

    Arrays that are larger than the memory that is available are refused before anything is unpacked. None can
    be larger than its part of the file says.

    Raises
    ------
    DataError : a file cannot be read, X or y is missing, there are unknown arrays or Python objects, or they
        are too large
    """
    if path.is_dir():
        files = array_files(path)
        check_names(path, set(files))
        check_memory(str(path), COPIES * sum(file.stat().st_size for file in files.values()), HINT)
        return {name: read_file(file) for name, file in files.items()}
    with naming(path, "an .npz file"), open_plain(path) as file:
        if file.peek(len(MAGIC_PREFIX)).startswith(MAGIC_PREFIX):
            raise DataError(
                f"{path} holds one array, save X and y: np.savez('data.npz', X=X, y=y); "
                f"or name a folder with X.npy and y.npy"
            )
        with zipfile.ZipFile(file) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that Python 2 wrote, which are read all the same
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            check_names(path, set(members))
            size = sum(member.file_size for member in members.values())
            check_memory(str(path), COPIES * size, FEWER)
            return {name: _member(archive, member, f"{name} in {path}") for name, member in members.items()}


def array_files(folder: Path) -> dict[str, Path]:
    """The .npy files of a folder by the names of their arrays; `x.npy` is X, too.

    Raises
    ------
    OSError : the folder cannot be read
    """
    names = {name.lower(): name for name in KNOWN}
    return {
        names.get(file.stem.lower(), file.stem): file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == ".npy" and not file.name.startswith(".")
    }


def read_file(path: Path) -> Array:
    """The array of an .npy file; nothing is unpickled.

    Raises
    ------
    DataError : the file cannot be read, or holds several arrays or Python objects
    """
    with naming(path, "an .npy file", HINT), open_plain(path) as file:
        if file.peek(2).startswith(b"PK"):
            raise DataError(f"{path} holds several arrays, save each as one: np.save('X.npy', X)")
        return _array(file, str(path))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> Array:
    with naming(where, "an array", FEWER):
        if member.compress_type not in METHODS:
            raise ValueError("it is not packed as NumPy packs arrays")
        with archive.open(member) as file:
            return _array(file, where)


def _array(file: IO[bytes], where: str) -> Array:
    """The array that a file holds from here to its end.

    Raises
    ------
    DataError : `WHERE holds Python objects, ...`
    ValueError : it is none, or has more or fewer bytes than its head states
    """
    try:
        array: Array = read_array(file, allow_pickle=False)
    except ValueError as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{where} holds Python objects, which are never loaded; save plain arrays"
            ) from error
        raise
    if file.read(1):
        raise ValueError("it is longer than its head states")
    return array


def check_names(path: Path, names: set[str]) -> None:
    """Make sure that there are examples with labels, and no arrays of other names.

    Raises
    ------
    DataError : `PATH has the unknown array ...` or `PATH lacks ...`
    """
    if unknown := sorted(names - KNOWN):
        raise DataError(f"{path} has the unknown array {unknown[0]}, known are {', '.join(sorted(KNOWN))}")
    for end in PARTS.values():
        lacking = {f"X{end}", f"y{end}"} - names
        if lacking and (not end or len(lacking) == 1):
            raise DataError(f"{path} lacks {min(lacking)}, save examples with their labels: X and y")


def examples(path: Path, arrays: Mapping[str, Array]) -> tuple[dict[str, Array], tuple[int, int, int]]:
    """The parts' examples as rows (N, D), uint8 pixels or features of one type, and their common shape.

    Raises
    ------
    DataError : a part is empty, has another shape than X, or numbers that it must not have
    """
    parts: dict[str, Array] = {}
    shape: tuple[int, int, int] | None = None
    for part, end in PARTS.items():
        if f"X{end}" in arrays:
            where = f"X{end} in {path}"
            rows, own = _rows(arrays[f"X{end}"], where)
            if shape not in (None, own):
                raise DataError(f"{where} has examples of shape {own}, those of X have {shape}")
            parts[part], shape = rows, own
    assert shape is not None
    kind = np.result_type(*parts.values())
    return {part: rows.astype(kind, copy=False) for part, rows in parts.items()}, shape


def _rows(X: Array, where: str) -> tuple[Array, tuple[int, int, int]]:
    if X.ndim not in (2, 3, 4) or X.size == 0:
        raise DataError(
            f"{where} has shape {X.shape}, give (N, D), (N, height, width) or (N, height, width, channels)"
        )
    if X.dtype.kind not in "uifb":
        raise DataError(f"{where} has dtype {X.dtype}, give real numbers{_text_in(X)}")
    if X.ndim == 2:
        return as_features(X, where), (1, 1, X.shape[1])
    if X.dtype.kind == "f":
        raise DataError(f"{where} has images of dtype {X.dtype}, give pixels from 0 to 255 as uint8")
    if X.min() < 0 or X.max() > 255:
        raise DataError(f"{where} has pixels from {X.min()} to {X.max()}, give 0 to 255")
    X = X[..., None] if X.ndim == 3 else X
    if X.shape[3] not in (1, 3):
        raise DataError(f"{where} has shape {X.shape}, give 1 or 3 channels, and these last")
    X = np.ascontiguousarray(X.transpose(0, 3, 1, 2), dtype=np.uint8)
    channels, height, width = X.shape[1:]
    return X.reshape(len(X), -1), (channels, height, width)


def _text_in(X: Array) -> str:
    """Where X (N, ...) holds text that is no number, and what to do; "" where it holds none."""
    if X.dtype.kind not in "US":
        return ""
    for index, value in np.ndenumerate(X):
        try:
            float(value)
        except ValueError:
            return (
                f"; {_place(index)} is the text {shown(value, 40)!r}, which is no number: "
                f"save a table (.csv), whose text becomes categories"
            )
    return "; its text is of numbers: save X.astype(float)"


def _place(index: Sequence[Any]) -> str:
    """`row 3, column 1`, both from 0."""
    words = [f"{word} {int(at)}" for word, at in zip(("row", "column"), index, strict=False)]
    return ", ".join(words)


def check_finite(X: Array, where: str, before: int = 0) -> None:
    """Make sure that rows of features (N, D) are finite numbers.

    Parameters
    ----------
    X : some rows
    where : what they are, for the error
    before : rows that come before them

    Raises
    ------
    DataError : `WHERE holds NaN or infinity, the first in row R, column C, ...`
    """
    finite = np.isfinite(X)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise DataError(
            f"{where} holds NaN or infinity, the first in {_place((before + row, column))}; "
            f"clean or drop such rows, or save a table (.csv), whose gaps --missing fills"
        )


def as_features(X: Array, where: str) -> Array:
    """Rows of features X (N, D) of any real type as uint8, or float32 if no digit is lost, or else float64.

    Raises
    ------
    DataError : `WHERE holds NaN or infinity, ...`
    """
    if X.dtype in (np.uint8, np.bool_):
        return np.ascontiguousarray(X, dtype=np.uint8)
    with np.errstate(over="ignore"):
        exact = np.ascontiguousarray(X, dtype=np.float64)
        rows = exact.astype(np.float32)
    check_finite(exact, where)
    return rows if np.array_equal(rows, exact) else exact


def labels(path: Path, arrays: Mapping[str, Array]) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """The parts' labels from 0 to K - 1, and the names of the K classes.

    Raises
    ------
    DataError : other than one label for each example, of another kind, one class only, or one that y lacks;
        the name of a class is too long
    """
    given = {part: (end, _composed(arrays[f"y{end}"])) for part, end in PARTS.items() if f"y{end}" in arrays}
    for end, y in given.values():
        rows = len(arrays[f"X{end}"])
        if y.shape != (rows,):
            raise DataError(
                f"y{end} in {path} has shape {y.shape}, give one label for each of the {rows} rows of X{end}"
            )
        if y.dtype.kind not in "iuUb":
            raise DataError(f"y{end} in {path} has dtype {y.dtype}, give whole numbers or text")
    if "classes" in arrays:
        names = tuple(str(name) for name in _composed(arrays["classes"]).reshape(-1))
        parts = {
            part: check_labels(y, len(y), len(names), f"y{end} in {path}") for part, (end, y) in given.items()
        }
    else:
        values = np.unique(given["train"][1])
        names = tuple(str(value) for value in values)
        parts = {part: _places(values, y, f"y{end} in {path}") for part, (end, y) in given.items()}
    if len(np.unique(parts["train"])) < 2:
        raise DataError(f"y in {path} has one class only, give examples of two or more")
    check_class_names(path, names)
    return parts, names


def _composed(y: Array) -> Array:
    """Labels with the one of the two spellings of an accent that folders of classes get, too."""
    if y.dtype.kind != "U":
        return y
    values, own = np.unique(y, return_inverse=True)
    composed: Array = np.array([normalize("NFC", str(value)) for value in values])[own].reshape(y.shape)
    return composed


def _places(values: Array, y: Array, where: str) -> NDArray[np.int64]:
    if values.dtype.kind != y.dtype.kind and "U" in (values.dtype.kind, y.dtype.kind):
        raise DataError(f"{where} has dtype {y.dtype}, and y has {values.dtype}")
    known = np.isin(y, values)
    if not known.all():
        raise DataError(f"{where} has the label {y[~known][0]}, which y lacks")
    return np.searchsorted(values, y).astype(np.int64)

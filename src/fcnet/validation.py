"""The checks on what users hand in, each with the one line that it raises."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcnet.errors import DataError


def check_positive(**numbers: int) -> None:
    """Require whole numbers of at least 1, given by name.

    Raises
    ------
    DataError : `NAME is V, give a whole number of at least 1`
    """
    for name, value in numbers.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise DataError(f"{name} is {value!r}, give a whole number of at least 1")


def check_not_negative(**numbers: float) -> None:
    """Require finite numbers of at least 0, given by name.

    Raises
    ------
    DataError : `NAME is V, give a finite number of at least 0`
    """
    for name, value in numbers.items():
        if not isinstance(value, float | int | np.floating | np.integer) or not 0 <= value < np.inf:
            raise DataError(f"{name} is {value!r}, give a finite number of at least 0")


def check_fraction(**numbers: float) -> None:
    """Require numbers in [0, 1), given by name.

    Raises
    ------
    DataError : `NAME is V, give a number from 0 up to, but not including, 1`
    """
    for name, value in numbers.items():
        if not isinstance(value, float | int | np.floating | np.integer) or not 0 <= value < 1:
            raise DataError(f"{name} is {value!r}, give a number from 0 up to, but not including, 1")


def check_images(X: ArrayLike, features: int, name: str = "X") -> NDArray[Any]:
    """Require finite examples X (N, features) with N >= 1; integers (pixels) become float64.

    Raises
    ------
    DataError : X is not two-dimensional, empty, not numeric, of other width, or holds NaN or infinity
    """
    X = _array(X, name)
    if X.ndim != 2 or X.shape[1] != features:
        raise DataError(f"{name} has shape {X.shape}, give examples as rows: (N, {features})")
    if len(X) == 0:
        raise DataError(f"{name} has no rows, give at least one example")
    if X.dtype.kind in "uib":
        return X.astype(np.float64)
    if X.dtype.kind != "f":
        raise DataError(f"{name} has dtype {X.dtype}, give real numbers")
    if not np.isfinite(X).all():
        row = int(np.argwhere(~np.isfinite(X))[0, 0])
        raise DataError(f"{name} holds NaN or infinity, the first in row {row}, clean or drop such rows")
    return X


def check_labels(
    y: ArrayLike, examples: int, classes: int, name: str = "y", rows_of: str = "X"
) -> NDArray[np.int64]:
    """Require integer labels y (examples,) in [0, classes).

    Raises
    ------
    DataError : wrong length or shape, not integers, or a label out of range
    """
    y = _array(y, name)
    if y.shape != (examples,):
        raise DataError(
            f"{name} has shape {y.shape}, give one label for each of the {examples} rows of {rows_of}"
        )
    if y.dtype.kind not in "iu":
        raise DataError(f"{name} has dtype {y.dtype}, give integer labels from 0 to {classes - 1}")
    if len(y) and (y.min() < 0 or y.max() >= classes):
        row = int(np.argmax((y < 0) | (y >= classes)))
        raise DataError(
            f"label {y[row]} in row {row} of {name} is out of range, labels run from 0 to {classes - 1}"
        )
    return y.astype(np.int64)


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of unequal length
        raise DataError(f"{name} is not an array, give rows of equal length") from error

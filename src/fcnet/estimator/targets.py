"""Labels, class weights and sample weights, checked and turned into numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_consistent_length

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.train.ranges import POSITIVE


def sample_weights(given: ArrayLike | None, X: Any) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The rows with a positive weight, and their weights.

    Parameters
    ----------
    given : (N,) numbers of at least 0, or None for ones
    X : N rows

    Returns
    -------
    rows : (n,) those of positive weight
    weights : (n,) of those rows

    Raises
    ------
    ValueError : not one finite number of at least 0 for each row, or all of them are zero
    """
    if given is None:
        return np.arange(X.shape[0]), np.ones(X.shape[0])
    weights = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.ndim != 1:
        raise DataError(f"sample_weight has shape {weights.shape}, give one number for each row of X")
    check_consistent_length(weights, X)
    if weights.min() < 0:
        row = int(weights.argmin())
        raise DataError(f"sample_weight is {weights[row]:g} in row {row}, give weights of at least 0")
    rows = np.flatnonzero(weights)
    if len(rows) == 0:
        raise DataError("sample_weight is zero in every row, at least one weight must be positive")
    return rows, weights[rows]


def labels_of(y: Array, classes: Array, name: str = "y") -> NDArray[np.int64]:
    """Places (N,) of the labels y (N,) among the sorted classes (K,).

    Raises
    ------
    DataError : `label L in y is none of the classes ...`
    """
    try:
        places = np.searchsorted(classes, y)
        places[places == len(classes)] = 0
        unknown = classes[places] != y
    except TypeError:  # numbers and strings cannot be compared
        unknown = np.ones(len(y), dtype=bool)
    if np.any(unknown):
        label = y[int(np.argmax(unknown))]
        shown = ", ".join(map(str, classes[:10])) + (", ..." if len(classes) > 10 else "")
        raise DataError(f"label {label!s} in {name} is none of the classes {shown}")
    return np.asarray(places, dtype=np.int64)


def known_classes(given: ArrayLike | None, before: Array | None) -> Array:
    """The sorted classes of a `partial_fit`, from its argument and from the calls before.

    Raises
    ------
    DataError : no classes in the first call; other classes than before
    """
    if given is None:
        if before is None:
            raise DataError("classes is missing, give all labels that will come to the first partial_fit")
        return before
    classes = np.unique(np.asarray(given))
    if before is not None and not np.array_equal(classes, before):
        raise DataError(f"classes is {classes}, but it was {before} before: give these or leave it out")
    return classes


def class_factors(
    class_weight: Any, classes: Array, labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weight of each class, (K,), by which an example's own weight is multiplied.

    Parameters
    ----------
    class_weight : None, "balanced" or {class: weight}
    classes : (K,) labels
    labels, weights : (N,) of all examples, for "balanced"

    Raises
    ------
    DataError : another type, a label that is not a class, a weight that is not positive
    """
    factors = np.ones(len(classes))
    if class_weight is None:
        return factors
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(labels, weights=weights, minlength=len(classes))
        factors[counts > 0] = weights.sum() / np.count_nonzero(counts) / counts[counts > 0]
        return factors
    if not isinstance(class_weight, Mapping):
        raise DataError(f'class_weight is {class_weight!r}, give None, "balanced" or a dict of labels')
    for label, weight in class_weight.items():
        place = labels_of(np.asarray([label]), classes, "class_weight")
        factors[place] = POSITIVE.number(f"class_weight of {label}", weight)
    return factors

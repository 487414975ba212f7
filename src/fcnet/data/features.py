"""Rows of features, each of which has a mean and a scale of its own.

All sums and differences are float64: features with a large offset, such as times in seconds since 1970,
agree in all the digits that float32 has, and differ only once the mean is subtracted.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.errors import DataError

NUMBERS = 1_000_000
"""Numbers that are converted at once wherever all rows are walked through."""


def chunks(count: int, width: int) -> Iterator[slice]:
    """Cut `count` rows of numbers into pieces of about `NUMBERS`."""
    size = max(1, NUMBERS // max(width, 1))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def moments(
    take: Callable[[slice], Array], width: int, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of each feature, (width,) each, in two passes.

    Numbers below 1e-162, whose squares are zero, have the standard deviation 0.

    Parameters
    ----------
    take : gives rows of features (n, width) by their slice
    weights : (N,) of the rows
    """
    mean, variance, total = np.zeros(width), np.zeros(width), weights.sum()
    for here in chunks(len(weights), width):
        mean += weights[here] @ np.asarray(take(here), dtype=np.float64)
    mean /= total
    for here in chunks(len(weights), width):
        deviation = np.asarray(take(here)) - mean
        np.square(deviation, out=deviation)
        variance += weights[here] @ deviation
    return mean, np.sqrt(variance / total)


def scales(mean: Array, deviation: Array, count: int) -> NDArray[np.float64]:
    """What each feature is divided by, (D,): its standard deviation, or 1 where it is constant.

    Parameters
    ----------
    mean, deviation : (D,) of the features
    count : rows that they were computed from

    Raises
    ------
    DataError : `feature J of X spreads too far, ...`
    """
    if not np.isfinite(deviation).all():
        feature = int(np.argmin(np.isfinite(deviation)))
        raise DataError(
            f"feature {feature} of X spreads too far: 64 bits cannot hold its variance, divide it by a number"
        )
    # a constant feature has the deviation of its mean's rounding
    constant = deviation <= count * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(constant, 1.0, deviation)


def spared(
    mean: NDArray[np.float64], scale: NDArray[np.float64], indicators: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and scale (D,) that leave features as they are which say a category by 1 or 0.

    Divided by its standard deviation, a category of one row in ten thousand would be a number of a hundred.

    Parameters
    ----------
    mean, scale : (D,) of the features
    indicators : (D,) which of them are such; None where none are
    """
    if indicators is None:
        return mean, scale
    return np.where(indicators, 0.0, mean), np.where(indicators, 1.0, scale)


def shifted_and_scaled(rows: Array, mean: Array, scale: Array | float, out: Array) -> Array:
    """Fill out (N, D) with (rows - mean) / scale, computed in float64.

    Raises
    ------
    DataError : `X holds numbers too large for the network, ...`
    """
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.subtract(rows, mean, dtype=np.float64, order="C")
        exact /= scale
        np.copyto(out, exact, casting="same_kind")
    if not np.isfinite(out).all():
        row, column = np.argwhere(~np.isfinite(out))[0]
        raise DataError(
            f"X holds numbers too large for the network, of 32 bits, such as {rows[row, column]:.4g} "
            f"in column {column}: scale its features, or repair or drop that row"
        )
    return out


def constant(rows: Array) -> NDArray[np.bool_]:
    """Which features (D,) have the same value in every row of (N, D)."""
    same = np.ones(rows.shape[1], np.bool_)
    for here in chunks(*rows.shape):
        same &= (rows[here] == rows[0]).all(axis=0)
    return same

"""From features, dense or sparse, to what the network sees: each feature of mean 0 and variance 1, float32.

Means are subtracted in float64, so that features with a large offset, such as times in seconds since 1970,
keep their digits. Sparse rows become dense a minibatch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fcnet.errors import DataError

Array = NDArray[Any]
Rows = NDArray[np.intp]

NUMBERS = 1_000_000
"""Numbers that are converted at once wherever all rows are walked through."""


def chunks(count: int, width: int) -> Iterator[slice]:
    """Cut `count` rows of `width` numbers into pieces of about `NUMBERS`."""
    size = max(1, NUMBERS // max(width, 1))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


@dataclass(frozen=True)
class Standardisation:
    """x = (feature - mean) / scale.

    mean : (D,) float64
    scale : (D,) float64, positive
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def none(cls, features: int) -> Standardisation:
        """Features as they are."""
        return cls(np.zeros(features), np.ones(features))

    @classmethod
    def of(cls, X: Any, rows: Rows, weights: NDArray[np.float64]) -> Standardisation:
        """To mean 0 and variance 1 over weighted rows of X; the scale of a constant feature is 1.

        Raises
        ------
        DataError : `feature J of X spreads too far, ...`
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean, variance = (_sparse_moments if sparse.issparse(X) else _moments)(X, rows, weights)
            # a constant feature has the variance of its mean's rounding
            rounding = len(rows) * np.finfo(np.float64).eps
            constant = variance <= rounding * variance + (rounding * mean) ** 2
        if not np.isfinite(variance).all():
            feature = int(np.argmin(np.isfinite(variance)))
            raise DataError(f"feature {feature} of X spreads too far, its variance is no number of 64 bits")
        return cls(mean, np.where(constant, 1.0, np.sqrt(variance)))

    def apply(self, X: Any) -> NDArray[np.float32]:
        """What the network sees of X (N, D), dense or sparse: dense, C-contiguous.

        Raises
        ------
        DataError : `X holds numbers too large for the network, ...`
        """
        dense = X.toarray() if sparse.issparse(X) else X
        with np.errstate(over="ignore", invalid="ignore"):
            shifted = np.subtract(dense, self.mean, dtype=np.float64, order="C")
            shifted /= self.scale
            seen: NDArray[np.float32] = shifted.astype(np.float32)
        if not np.isfinite(seen).all():
            raise DataError("X holds numbers too large for the network, of 32 bits: scale its features")
        return seen


class Inputs:
    """Rows of X as the network sees them.

    Parameters
    ----------
    X : (M, D), an array or a CSR matrix
    rows : (N,) which of its rows, in which order
    standardisation : applied at once where X is dense, to each minibatch where it is sparse
    """

    def __init__(self, X: Any, rows: Rows, standardisation: Standardisation) -> None:
        self.standardisation = standardisation
        self._sparse = X[rows] if sparse.issparse(X) else None
        self._shape = len(rows), X.shape[1]
        if self._sparse is None:
            self._dense = np.empty(self._shape, np.float32)
            for here in chunks(*self._shape):
                self._dense[here] = standardisation.apply(X[rows[here]])

    def __len__(self) -> int:
        return self._shape[0]

    def take(self, rows: Any) -> NDArray[np.float32]:
        """Rows by number or slice, (B, D), C-contiguous."""
        if self._sparse is None:
            taken: NDArray[np.float32] = self._dense[rows]
            return taken
        return self.standardisation.apply(self._sparse[rows])

    def chunks(self) -> Iterator[slice]:
        """All rows, a piece at a time."""
        return chunks(*self._shape)


def _moments(X: Array, rows: Rows, weights: NDArray[np.float64]) -> tuple[Array, Array]:
    """Weighted mean and variance of each feature, in two passes."""
    mean, variance, total = np.zeros(X.shape[1]), np.zeros(X.shape[1]), weights.sum()
    for here in chunks(len(rows), X.shape[1]):
        mean += weights[here] @ X[rows[here]].astype(np.float64, copy=False)
    mean /= total
    for here in chunks(len(rows), X.shape[1]):
        deviation = X[rows[here]] - mean
        np.square(deviation, out=deviation)
        variance += weights[here] @ deviation
    return mean, variance / total


def _sparse_moments(X: Any, rows: Rows, weights: NDArray[np.float64]) -> tuple[Array, Array]:
    from sklearn.utils.sparsefuncs import mean_variance_axis

    mean, variance = mean_variance_axis(X[rows].astype(np.float64), axis=0, weights=weights)
    return mean, variance

"""From features, dense or sparse, to the network's inputs: each feature of mean 0 and variance 1, float32.

Means are subtracted in float64, so that features with a large offset, such as times in seconds since 1970,
keep their digits. Sparse rows become dense a minibatch at a time.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fcnet.arrays import Array
from fcnet.data.features import chunks, moments, scales
from fcnet.data.preprocessing import Preprocessing
from fcnet.net.blas import buffer

Rows = NDArray[np.intp]


def mean_and_scale(X: Any, rows: Rows, weights: NDArray[np.float64]) -> tuple[Array, Array]:
    """What gives each feature mean 0 and variance 1 over weighted rows of X, (D,) each, see `scales`.

    Raises
    ------
    DataError : `feature J of X spreads too far, ...`
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if sparse.issparse(X):
            from sklearn.utils.sparsefuncs import mean_variance_axis

            mean, variance = mean_variance_axis(X[rows].astype(np.float64), axis=0, weights=weights)
            deviation = np.sqrt(variance)
        else:
            mean, deviation = moments(lambda here: X[rows[here]], X.shape[1], weights)
    return mean, scales(mean, deviation, len(rows))


def seen(X: Any, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """What the network sees of X (N, D), dense or sparse: dense, C-contiguous.

    Raises
    ------
    DataError : `X holds numbers too large for the network, ...`
    """
    return preprocessing(X.toarray() if sparse.issparse(X) else X)


class Examples:
    """The examples of an epoch: rows of X as the network sees them, with labels and weights.

    Parameters
    ----------
    X : (M, D), an array or a CSR matrix
    rows : (N,) which of its rows, in which order
    labels : (N,) int64 in [0, K), or of a regression float64
    weights : (N,) float32, the weight of each example; None for ones
    preprocessing : applied at once where X is dense, to each minibatch where it is sparse
    """

    def __init__(
        self,
        X: Any,
        rows: Rows,
        labels: Array,
        weights: NDArray[np.float32] | None,
        preprocessing: Preprocessing,
    ) -> None:
        self.labels, self.weights, self.preprocessing = labels, weights, preprocessing
        self._sparse = X[rows] if sparse.issparse(X) else None
        self._shape = len(rows), X.shape[1]
        self._buffers: dict[str, Array] = {}
        if self._sparse is None:
            self._dense = np.empty(self._shape, np.float32)
            for here in chunks(*self._shape):
                preprocessing.apply(X[rows[here]], self._dense[here])

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Any) -> NDArray[np.float32]:
        """Inputs by number or slice, (B, D), C-contiguous; by number valid until the next call."""
        if self._sparse is not None:
            return seen(self._sparse[rows], self.preprocessing)
        if isinstance(rows, slice):
            return self._dense[rows]
        taken = buffer(self._buffers, "taken", (len(rows), self._shape[1]), self._dense.dtype)
        return np.take(self._dense, rows, axis=0, out=taken, mode="clip")  # every number is in range

    def chunks(self) -> Iterator[slice]:
        """All rows, a piece at a time."""
        return chunks(*self._shape)

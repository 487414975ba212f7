"""The classifier's form of a data set: distinct examples, each with a weight.

The result should follow from the data, not from the layout of a table. So rows that agree in features and
label become one example with the sum of their weights, rows of weight 0 are left out, and the examples are
sorted by a hash of each. An example of weight 3 then equals three rows of weight 1, and the order of the rows
has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fcnet.arrays import Array
from fcnet.data.features import chunks
from fcnet.data.preprocessing import Preprocessing
from fcnet.errors import DataError
from fcnet.estimator.inputs import Examples, Rows


@dataclass(frozen=True)
class Table:
    """Some rows of X with their labels and weights; X itself is never copied.

    X : (M, D), an array or a CSR matrix
    rows : (N,) which of its rows
    labels : (N,) int64 in [0, K), or of a regression float64
    weights : (N,) float64, positive
    """

    X: Any
    rows: Rows
    labels: Array
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, places: Rows) -> Table:
        """Some of these rows, by their places among them."""
        return Table(self.X, self.rows[places], self.labels[places], self.weights[places])

    def distinct(self) -> Table:
        """Rows that agree in features and label as one, with the sum of their weights, ordered by a hash."""
        keys = _hashes(self.X, self.rows, self.labels)
        order = np.lexsort((keys["low"], keys["high"]))
        ordered = keys[order]
        first = np.append(True, ordered[1:] != ordered[:-1])
        totals = np.add.reduceat(self.weights[order], np.flatnonzero(first))
        return replace(self.part(order[first]), weights=totals)

    def in_range(self) -> Table:
        """The weights times a power of 2, so that the largest is about 1 and no sum of them overflows."""
        return replace(self, weights=np.ldexp(self.weights, -np.frexp(self.weights.max())[1]))

    def relative(self) -> Table:
        """The weights divided by their mean."""
        return replace(self, weights=self.weights / self.weights.mean())

    def split(self, fraction: float, rng: np.random.Generator) -> tuple[Table, Table]:
        """Set the same fraction of each class aside, at random; one row of each class stays at least.

        Of numbers, any rows are set aside.

        Returns
        -------
        training, validation

        Raises
        ------
        DataError : `validation_fraction is F, which leaves ...`
        """
        aside = np.zeros(len(self), dtype=bool)
        strata = self.labels if self.labels.dtype.kind == "i" else np.zeros(len(self), np.int64)
        for label in np.unique(strata):
            members = rng.permutation(np.flatnonzero(strata == label))
            aside[members[: min(round(fraction * len(members)), len(members) - 1)]] = True
        if not aside.any():
            raise DataError(
                f"validation_fraction is {fraction:g}, which sets none of {len(self)} examples aside, "
                f"choose a larger one or give X_val and y_val"
            )
        return self.part(np.flatnonzero(~aside)), self.part(np.flatnonzero(aside))

    def examples(self, preprocessing: Preprocessing) -> Examples:
        """The rows as the network sees them.

        Raises
        ------
        DataError : `sample_weight and class_weight give ...`
        """
        alike = bool((self.weights == 1).all())
        with np.errstate(over="ignore"):
            weights = None if alike else self.weights.astype(np.float32)
        if weights is not None and not 0 < weights.max() < np.inf:
            raise DataError(
                f"sample_weight and class_weight give an example the weight {self.weights.max():g}, "
                f"which the network's 32 bits cannot hold: give weights near 1"
            )
        return Examples(self.X, self.rows, self.labels, weights, preprocessing)


def _hashes(X: Any, rows: Rows, labels: Array) -> Array:
    """128 bits for each row with its label: of which features are not zero, and of their values as float64.

    So 0 and -0 are the same, and rows of equal values have equal hashes, dense or sparse.
    """
    found = []
    for here in chunks(len(rows), X.shape[1]):
        chunk = X[rows[here]]
        values = np.asarray(chunk.toarray() if sparse.issparse(X) else chunk, np.float64)
        present = values != 0
        places = np.packbits(present, axis=1)
        for label, row, on, bits in zip(labels[here], values, present, places, strict=True):
            content = blake2b(bits, digest_size=16)
            content.update(row[on])
            content.update(label.tobytes())
            found.append(content.digest())
    return np.frombuffer(b"".join(found), dtype=[("high", "<u8"), ("low", "<u8")])

"""DataFrames and Arrow tables with categories, for an estimator: mapped as `fcnet train` maps a file."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, check_X_y, validate_data

from fcnet.arrays import Array
from fcnet.data.tables.columns import listed
from fcnet.data.tables.fit import of_all
from fcnet.data.tables.frames import is_plain, table_in
from fcnet.data.tables.mapping import Mapping
from fcnet.errors import DataError
from fcnet.estimator.targets import sample_weights

FLOATS = [np.float64, np.float32]


class TableInputs:
    """What an estimator does with X before it is rows of numbers.

    mapping_ : of a table with categories, which is found again by the names of its columns; only where `fit`
        was given one
    """

    mapping_: Mapping
    n_features_in_: int
    feature_names_in_: Array

    def _checked(
        self, X: Any, y: Any, reset: bool, sample_weight: Any = None, **options: Any
    ) -> tuple[Any, Array]:
        """X as an array or CSR matrix of floating-point numbers and y as an array, of equal length.

        Parameters
        ----------
        X, y : as given
        reset : the columns are those that are learnt
        sample_weight : as given; rows without weight say no category
        options : of scikit-learn's `check_X_y`
        """
        if reset:
            self._learn_columns(X, sample_weight)
        rows = self._mapped(X)
        if rows is not None:
            X, y = check_X_y(rows, y, dtype=FLOATS, estimator=self, **options)
            return X, y
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, reset=reset, **options)
        return X, y

    def _checked_alone(self, X: Any) -> Any:
        """X as an array or CSR matrix of floating-point numbers, for a prediction."""
        rows = self._mapped(X)
        if rows is not None:
            return check_array(rows, dtype=FLOATS, estimator=self)
        return validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)

    def _learn_columns(self, X: Any, sample_weight: Any) -> None:
        if hasattr(self, "mapping_"):
            del self.mapping_
        table = None if is_plain(X) else table_in(X)
        if table is None:
            return
        if table.rows == 0:
            raise DataError("X has no rows, give at least one example")
        rows, _ = sample_weights(sample_weight, np.empty((table.rows, 1)))
        self.mapping_ = of_all(table, rows)
        self.n_features_in_ = len(table.columns)
        self.feature_names_in_ = np.array(list(table.columns), dtype=object)

    def _mapped(self, X: Any) -> NDArray[np.float64] | None:
        """The rows of a table X; None where scikit-learn reads it as it is.

        Raises
        ------
        DataError : a table was learnt, and X is none or lacks a column
        """
        mapping: Mapping | None = getattr(self, "mapping_", None)
        if mapping is None:
            return None
        table = table_in(X)
        if table is None:
            raise DataError(
                f"X is not a table, and fit was given one; give a DataFrame or an Arrow table with the "
                f"columns {listed([column.name for column in mapping.columns])}"
            )
        rows, remarks = mapping.rows(table)
        if remarks.unused:
            warnings.warn(f"X has columns that fit did not have: {listed(remarks.unused)}", stacklevel=4)
        if remarks.unseen:
            warnings.warn(
                f"X has categories that fit did not have, which count as none: {listed(remarks.unseen)}",
                stacklevel=4,
            )
        return rows

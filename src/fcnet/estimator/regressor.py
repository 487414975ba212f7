"""`FCNetRegressor`: the network as scikit-learn's users know their regressors."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from fcnet.errors import DataError
from fcnet.estimator.base import FCNetEstimator
from fcnet.estimator.examples import Table
from fcnet.estimator.history import RegressionEpoch
from fcnet.estimator.targets import sample_weights

SMALLEST = 2.0**-960
"""A variance below it may have lost digits, since squares below 2^-1022 do."""


class FCNetRegressor(RegressorMixin, FCNetEstimator):  # type: ignore[misc]
    """A fully-connected network of any depth as a scikit-learn regressor.

    It minimises sum_i w_i (z_i - t_i)^2 / sum_i w_i + reg * (sum of the squared weights of the network),
    z_i being the network's output, t_i the target of example i, scaled to mean 0 and variance 1, and w_i its
    sample weight. As in `FCNetClassifier`, rows may come in any order, a row of weight 3 equals three rows,
    and a row of weight 0 equals none.

    Parameters
    ----------
    hidden : units of each hidden layer, or their number for a single one; () is a linear model
    activation, norm, blocks, epochs, batch_size, learning_rate, optimiser, momentum, schedule, reg : as of
        `FCNetClassifier`, and so are dropout, initialisation, standardise, validation_fraction, patience,
        warm_start, random_state and verbose
    callback : called with the `RegressionEpoch` after each epoch; training stops if it returns True

    Attributes
    ----------
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn
    mapping_ : where X was a table with categories: its columns, and by `mapping_.names` the D features
    architecture_ : the network, an `fcnet.net.architecture.Architecture` with one output
    params_ : {"W1": (D, H1), "b1": (H1,), ...} float32, for standardised features and target
    mean_, scale_ : (D,) of the features' standardisation
    target_mean_, target_scale_ : of the target's, in its units
    history_ : list of `RegressionEpoch`, one an epoch
    n_iter_ : epochs trained by the last `fit`, or by all calls of `partial_fit`
    loss_ : weighted mean squared error of the training examples with these weights, in squared units of the
        target

    Examples
    --------
    >>> from fcnet import FCNetRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> X_train, X_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    >>> regressor = FCNetRegressor(epochs=20, reg=0.01, random_state=0).fit(X_train, y_train)
    >>> regressor.score(X_test, y_test) > 0.3
    True
    """

    _loss, _row = "squared", RegressionEpoch

    target_mean_: float
    target_scale_: float

    def partial_fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one pass over some rows; the next call continues from there.

        The first call's rows decide the standardisation, that of the target too, and the learning rate is
        constant.

        Parameters
        ----------
        X, y : as `fit`
        sample_weight : (N,) factors on each example's part of a step, which takes the mean over examples

        Returns
        -------
        self

        Raises
        ------
        DataError : (a ValueError) as `fit`
        DivergedError : the loss became NaN or infinite
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The target of each row of X (N, D), (N,), in its units."""
        return np.asarray(self._scores(X)[:, 0].astype(np.float64) * self.target_scale_ + self.target_mean_)

    def raw_params(self) -> dict[str, NDArray[np.float64]]:
        """The parameters from features as they are to the target in its units: both scales folded in."""
        params = super().raw_params()
        W, b = (parameter.name for parameter in self.architecture_.parameters[-2:])  # of the last layer
        params[W] = params[W] * self.target_scale_
        params[b] = params[b] * self.target_scale_ + self.target_mean_
        return params

    def _given(
        self, X: Any, y: Any, reset: bool, sample_weight: Any, *, known: bool = False, name: str = "y"
    ) -> Table:
        X, y = self._checked(X, y, reset, sample_weight, y_numeric=True)
        rows, weights = sample_weights(sample_weight, X)
        return Table(X, rows, y[rows].astype(np.float64) + 0.0, weights)  # -0 and 0 are one number

    def _outputs(self) -> int:
        return 1

    def _learn_scale(self, table: Table) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            total = table.weights.sum()
            mean = float(table.weights @ table.labels / total)
            deviation = float(np.sqrt(table.weights @ np.square(table.labels - mean) / total))
        if not np.isfinite(deviation):
            raise DataError("y spreads too far: 64 bits cannot hold its variance, divide it by a number")
        same = bool((table.labels == table.labels[0]).all())  # the deviation is only that of rounding
        if not same and deviation**2 < SMALLEST:
            raise DataError("y spreads too little: 64 bits cannot hold its variance, multiply it by a number")
        self.target_mean_, self.target_scale_ = mean, 1.0 if same else deviation

    def _scaled(self, table: Table) -> Table:
        return replace(table, labels=(table.labels - self.target_mean_) / self.target_scale_)

    @property
    def _unit(self) -> float:
        return self.target_scale_**2

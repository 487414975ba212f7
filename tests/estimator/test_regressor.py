"""The regressor: what it learns, in which units, and that weights and order are as the classifier's."""

from __future__ import annotations

import io
import pickle
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, train_test_split

from fcnet import FCNetRegressor
from fcnet.errors import DataError
from fcnet.estimator import RegressionEpoch

Array = np.ndarray[Any, Any]


def friedman(noise: float = 0.1) -> list[Any]:
    return list(train_test_split(*make_friedman1(1500, noise=noise, random_state=0), random_state=0))


def regressor(**settings: Any) -> FCNetRegressor:
    return FCNetRegressor(**{"hidden": (50,), "epochs": 60, "reg": 1e-4, "random_state": 0} | settings)


def test_a_function_that_is_not_linear_is_learnt() -> None:
    X, X_test, y, y_test = friedman()
    fitted = regressor().fit(X, y)
    assert fitted.score(X_test, y_test) > 0.85
    assert Ridge().fit(X, y).score(X_test, y_test) < 0.8


def test_predictions_are_in_the_units_of_the_target() -> None:
    X, X_test, y, _ = friedman()
    whole = {"batch_size": len(y), "learning_rate": 0.01}  # so that no order matters
    first = regressor(**whole).fit(X, y).predict(X_test)
    for factor, offset in ((1e6, -3e7), (1e-9, 0)):
        other = regressor(**whole).fit(X, factor * y + offset).predict(X_test)
        np.testing.assert_allclose((other - offset) / factor, first, atol=1e-3)
    assert first.dtype == np.float64


def test_the_history_is_the_error_in_squared_units() -> None:
    X, X_test, y, y_test = friedman()
    fitted = regressor().fit(X, 100 * y, X_val=X_test, y_val=100 * y_test)
    last = fitted.history_[-1]
    assert isinstance(last, RegressionEpoch)
    assert last.loss == pytest.approx(np.mean((fitted.predict(X) - 100 * y) ** 2), rel=1e-4)
    assert last.loss == fitted.loss_
    assert last.r2 == pytest.approx(fitted.score(X, 100 * y), rel=1e-5)
    assert last.validation_loss == pytest.approx(
        np.mean((fitted.predict(X_test) - 100 * y_test) ** 2), rel=1e-4
    )
    assert last.validation_r2 == pytest.approx(fitted.score(X_test, 100 * y_test), rel=1e-5)
    with redirect_stdout(io.StringIO()) as told:
        regressor(epochs=1, verbose=True).fit(X, y)
    assert told.getvalue().startswith("epoch 1: RMSE ")


def test_a_linear_model_is_ridge_regression() -> None:
    """The minimum is known: reg on the standardised weights is Ridge's alpha = N reg."""
    X, y = load_diabetes(return_X_y=True)
    fitted = FCNetRegressor((), epochs=400, reg=0.05, learning_rate=0.01, random_state=0).fit(X, y)
    Z, t = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    ridge = Ridge(alpha=len(y) * 0.05).fit(Z, t)
    np.testing.assert_allclose(fitted.predict(X), ridge.predict(Z) * y.std() + y.mean(), atol=0.2)


def test_weights_count_as_rows_and_order_does_not_matter() -> None:
    X, _, y, _ = friedman()
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = regressor(epochs=5).fit(X, y, sample_weight=weights)
    repeated = np.repeat(np.arange(len(y)), weights)
    shuffled = np.random.default_rng(1).permutation(repeated)
    for rows in (repeated, shuffled):
        other = regressor(epochs=5).fit(X[rows], y[rows])
        np.testing.assert_array_equal(other.predict(X), weighted.predict(X))


def test_raw_params_take_features_as_they_are_to_the_target() -> None:
    X, X_test, y, _ = friedman()
    for hidden in ((), (20,), (20, 10)):
        fitted = regressor(hidden=hidden, epochs=3).fit(1000 * X, 50 * y + 7)
        raw = fitted.raw_params()
        A = 1000 * X_test
        for layer in range(1, len(hidden) + 2):
            A = A @ raw[f"W{layer}"] + raw[f"b{layer}"]
            A = np.maximum(A, 0) if layer <= len(hidden) else A
        np.testing.assert_allclose(A[:, 0], fitted.predict(1000 * X_test), rtol=1e-4)


def test_it_stops_early_continues_and_is_pickled() -> None:
    X, X_test, y, y_test = friedman(noise=3.0)
    early = regressor(epochs=300, patience=5, schedule="constant", learning_rate=0.01)
    early.fit(X, y, X_val=X_test, y_val=y_test)
    losses = [row.validation_loss for row in early.history_]
    assert len(losses) < 300
    assert np.mean((early.predict(X_test) - y_test) ** 2) == pytest.approx(min(losses), rel=1e-4)
    aside = regressor(epochs=5, validation_fraction=0.2).fit(X, y)
    assert aside.history_[-1].validation_r2 is not None
    warm = regressor(epochs=5, warm_start=True).fit(X, y)
    scale = warm.target_scale_
    warm.fit(X[:50], 3 * y[:50])
    assert (len(warm.history_), warm.target_scale_) == (10, scale)  # or the weights would mean something else
    parts = regressor(learning_rate=0.005)
    for _ in range(15):
        for start in range(0, len(y), 100):
            parts.partial_fit(X[start : start + 100], y[start : start + 100])
    assert parts.score(X_test, y_test) > 0.5
    again = pickle.loads(pickle.dumps(parts))
    np.testing.assert_array_equal(again.predict(X_test), parts.predict(X_test))
    parts.partial_fit(X, y)
    again.partial_fit(X, y)
    np.testing.assert_array_equal(again.predict(X_test), parts.predict(X_test))


def test_searches_and_tables() -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    homes = pd.DataFrame({"area": rng.uniform(30, 200, 300), "town": rng.choice(["Ulm", "Bonn"], 300)})
    price = 3000 * homes["area"] * np.where(homes["town"] == "Bonn", 1.5, 1.0)
    search = GridSearchCV(regressor(epochs=80), {"hidden": [(), (30,)]}, cv=3).fit(homes, price)
    assert search.best_params_ == {"hidden": (30,)}
    assert search.score(homes, price) > 0.98
    assert search.best_estimator_.mapping_.names == ["area", "town=Bonn", "town=Ulm"]


def test_constant_and_wild_targets() -> None:
    X = np.random.default_rng(0).normal(size=(30, 3))
    for constant in (0.0, 0.1, -5e9):
        np.testing.assert_allclose(regressor().fit(X, np.full(30, constant)).predict(X), constant, atol=0.2)
    with pytest.raises(DataError, match="y spreads too far: 64 bits cannot hold its variance"):
        regressor().fit(X, 1e200 * X[:, 0])
    with pytest.raises(DataError, match="y spreads too little: 64 bits cannot hold its variance, multiply"):
        regressor().fit(X, 1e-200 * X[:, 0])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(X, np.full(30, np.nan))
    with pytest.raises(DataError, match="patience needs a validation set"):
        regressor(patience=3).fit(X, X[:, 0])

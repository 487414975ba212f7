"""What is learnt follows from the examples and their weights, not from how a table holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from fcnet import FCNetClassifier
from fcnet.data.preprocessing import Preprocessing
from fcnet.errors import DataError
from fcnet.estimator.examples import Table
from fcnet.estimator.inputs import mean_and_scale, seen


def data(N: int = 40, D: int = 5, K: int = 3, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)) * 10 ** rng.uniform(-3, 3, D), rng.integers(K, size=N)


def fitted(X: Any, y: Any, weights: Any = None, **parameters: Any) -> FCNetClassifier:
    classifier = FCNetClassifier((6,), epochs=4, random_state=0).set_params(**parameters)
    return classifier.fit(X, y, sample_weight=weights)


def assert_same(one: FCNetClassifier, other: FCNetClassifier, rtol: float = 0) -> None:
    for name in (*one.params_, "mean_", "scale_", "classes_"):
        pair = [c.params_[name] if name in c.params_ else getattr(c, name) for c in (one, other)]
        np.testing.assert_allclose(*pair, rtol=rtol, atol=rtol * np.abs(pair[0]).max(), err_msg=name)
    assert one.loss_ == pytest.approx(other.loss_, rel=rtol or 1e-12)


@settings(max_examples=15, deadline=None)
@given(
    N=st.integers(3, 25),
    D=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    parameters=st.sampled_from(
        [
            {},
            {"dropout": 0.3, "label_smoothing": 0.1},
            {"class_weight": "balanced", "optimiser": "sgd"},
            {"validation_fraction": 0.4, "patience": 1},
        ]
    ),
)
def test_weights_are_repetitions_and_order_is_nothing(N: int, D: int, seed: int, parameters: Any) -> None:
    X, y = data(N, D, seed=seed)
    rng = np.random.default_rng(seed)
    times = rng.integers(4, size=N)
    times[0] = 3
    if np.bincount(y[times > 0]).max() < 3:  # nothing to set aside
        parameters = {}
    weighted = fitted(X, y, times, **parameters)
    order = rng.permutation(times.sum())
    repeated = fitted(X.repeat(times, axis=0)[order], y.repeat(times)[order], **parameters)
    assert_same(weighted, repeated)
    assert_same(weighted, fitted(X, y, 4.0 * times, **parameters))  # only ratios matter


def test_fractions_weigh_in_proportion() -> None:
    X, y = data()
    weights = np.random.default_rng(3).exponential(size=len(y))
    halves = fitted(np.vstack([X, X]), np.append(y, y), np.append(0.25 * weights, 0.75 * weights))
    assert_same(fitted(X, y, weights), halves, rtol=1e-4)


def test_class_weights_are_sample_weights() -> None:
    X, y = data()
    by_class = fitted(X, y, class_weight={0: 3, 2: 0.5})
    assert_same(by_class, fitted(X, y, np.array([3, 1, 0.5])[y]))
    balanced = fitted(X, y, class_weight="balanced")
    assert_same(balanced, fitted(X, y, (1 / np.bincount(y))[y]), rtol=1e-4)


def test_both_weights_multiply_and_balance_counts_weights() -> None:
    X, y = data()
    weights = np.random.default_rng(0).integers(1, 4, size=len(y))
    totals = np.bincount(y, weights=weights)
    both = fitted(X, y, weights, class_weight="balanced")
    assert_same(both, fitted(X, y, weights / totals[y]), rtol=1e-4)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_features_are_the_same_as_dense_ones(container: Any) -> None:
    X, y = data(D=8)
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0
    X[0], X[1, 0] = 0, -0.0
    dense, thin = fitted(X, y), fitted(container(X), y)
    assert_same(dense, thin, rtol=1e-4)
    np.testing.assert_allclose(thin.predict_proba(container(X)), dense.predict_proba(X), rtol=1e-3)


def test_duplicates_and_zeros_that_a_sparse_matrix_states_are_tidied_up() -> None:
    stated = sparse.csr_array((np.array([1.0, 2.0, 0.0, 3.0]), ([0, 0, 0, 1], [2, 2, 0, 1])), shape=(2, 3))
    untidy = sparse.csr_array(
        (np.array([0.0, 2.0, 1.0, 3.0]), np.array([0, 2, 2, 1]), np.array([0, 3, 4])), shape=(2, 3)
    )
    tables = [
        Table(X, np.arange(2), np.zeros(2, np.int64), np.ones(2)).distinct()
        for X in (stated, untidy, stated.toarray())
    ]
    assert all((table.rows == tables[0].rows).all() for table in tables)
    assert untidy.nnz == 4


def test_rows_that_differ_in_their_label_or_place_alone_stay_apart() -> None:
    X = np.array([[1.0, 0], [0, 1.0], [1.0, 0], [1.0, 0], [-0.0, 1.0]])
    table = Table(X, np.arange(5), np.array([0, 0, 1, 0, 0]), np.arange(1.0, 6)).distinct()
    found = {
        (*X[row], label): w for row, label, w in zip(table.rows, table.labels, table.weights, strict=True)
    }
    assert found == {(1, 0, 0): 5, (0, 1, 0): 7, (1, 0, 1): 3}


# Standardisation


def test_standardised_features_have_mean_0_and_variance_1_over_the_weighted_rows() -> None:
    X, _ = data(D=6)
    X[:, 1] += 1e9  # float32 would keep nothing of it
    X[:, 2] = 0.1
    weights = np.random.default_rng(0).exponential(size=len(X))
    means, scale = mean_and_scale(X, np.arange(len(X)), weights)
    mean = np.average(X, axis=0, weights=weights)
    variance = np.cov(X.T, aweights=weights, ddof=0).diagonal()
    moving = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(means, mean, rtol=1e-9)
    np.testing.assert_allclose(scale[moving], variance[moving] ** 0.5, rtol=1e-6)
    assert scale[2] == 1
    inputs = seen(X, Preprocessing(means, scale, "float64"))
    assert inputs.dtype == np.float32
    assert np.abs(inputs[:, 2]).max() < 1e-12
    assert np.average(inputs[:, 1] ** 2, weights=weights) == pytest.approx(1, rel=1e-5)


def test_a_large_offset_costs_no_digits() -> None:
    X, y = data()
    parameters = {"epochs": 30, "learning_rate": 0.01}
    moved = fitted(X + 2.0**40, y, **parameters).score(X + 2.0**40, y)
    assert moved == pytest.approx(fitted(X, y, **parameters).score(X, y), abs=0.1)


def test_without_standardisation_features_are_taken_as_they_are() -> None:
    X, y = data()
    classifier = fitted(X, y, standardise=False)
    assert not classifier.mean_.any()
    assert (classifier.scale_ == 1).all()


@pytest.mark.parametrize("scale", [1e200, 1e39])
def test_numbers_that_are_too_large_are_refused(scale: float) -> None:
    X, y = data()
    X[:, 3] *= scale
    with pytest.raises(DataError, match="feature 3 of X spreads too far" if scale > 1e100 else "too large"):
        fitted(X, y, standardise=scale > 1e100)
    with pytest.raises(DataError, match="too large for the network"):
        fitted(*data()).predict_proba(np.full((1, 5), 1e300))

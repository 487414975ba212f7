"""scikit-learn's own checks, all of them, with nothing excused; and that they would notice."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from fcnet import FCNetClassifier, FCNetRegressor
from fcnet.estimator.examples import Table

OTHER = FCNetClassifier(
    (9,), epochs=60, optimiser="nesterov", learning_rate=0.05, batch_size=16, dropout=0.05, standardise=False
)


SHAPES_ONLY = {
    "check_estimator_sparse_matrix", "check_estimator_sparse_array", "check_estimator_sparse_tag",
    "check_estimators_dtypes", "check_estimators_nan_inf", "check_dtype_object",
    "check_positive_only_tag_during_fit", "check_f_contiguous_array_estimator", "check_sample_weights_list",
    "check_dict_unchanged", "check_n_features_in", "check_fit2d_1feature", "check_fit2d_predict1d",
    "check_fit_score_takes_y", "check_classifiers_one_label",
}  # fmt: skip
"""Checks that fit again and again, and look at shapes, types and errors, never at what was learned: the two
estimators with default settings train for a few epochs there, and for all of them everywhere else."""


@parametrize_with_checks([FCNetClassifier(), OTHER, FCNetRegressor()])
def test_the_estimator_passes(estimator: Any, check: Any) -> None:
    short = check.func.__name__ in SHAPES_ONLY and estimator.epochs != OTHER.epochs
    check(clone(estimator).set_params(epochs=5) if short else estimator)


def test_each_of_those_checks_is_one_of_scikit_learns() -> None:
    assert {check.func.__name__ for _, check in estimator_checks_generator(OTHER)} >= SHAPES_ONLY


@pytest.mark.parametrize(
    "estimator", [FCNetClassifier((4,), epochs=5), FCNetRegressor((4,), epochs=5)], ids=["classes", "numbers"]
)
def test_a_training_that_goes_through_the_rows_as_they_come_is_rejected(
    estimator: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Table, "distinct", lambda self: self)
    outcomes = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {outcome["check_name"] for outcome in outcomes if outcome["status"] == "failed"}
    assert {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    } <= failed

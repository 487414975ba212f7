"""scikit-learn's own checks, all of them, with nothing excused; and that they would notice."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from fcnet import FCNetClassifier, FCNetRegressor
from fcnet.estimator.examples import Table

OTHER = FCNetClassifier(
    (9,), epochs=60, optimiser="nesterov", learning_rate=0.05, batch_size=16, dropout=0.05, standardise=False
)


@parametrize_with_checks([FCNetClassifier(), OTHER, FCNetRegressor()])
def test_the_estimator_passes(estimator: Any, check: Any) -> None:
    check(estimator)


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

"""Training as its users see it: history, validation, stopping, going on, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

import fcnet.estimator.classifier
from fcnet import FCNetClassifier
from fcnet.errors import DataError, DivergedError
from fcnet.estimator import Epoch

X, Y = make_moons(160, noise=0.2, random_state=0)
X_VAL, Y_VAL = make_moons(80, noise=0.2, random_state=1)


def small(**parameters: Any) -> FCNetClassifier:
    return FCNetClassifier((8,), epochs=6, learning_rate=0.01, random_state=0).set_params(**parameters)


def test_the_history_says_what_the_weights_at_the_end_of_each_epoch_do() -> None:
    seen = []

    def callback(row: Epoch) -> None:
        seen.append(row)

    classifier = small(callback=callback, dropout=0.3, label_smoothing=0.1)
    classifier.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert seen == classifier.history_
    assert [row.epoch for row in seen] == [1, 2, 3, 4, 5, 6]
    assert classifier.n_iter_ == 6
    last = seen[-1]
    for features, labels, loss, accuracy in (
        (X, Y, last.loss, last.accuracy),
        (X_VAL, Y_VAL, last.validation_loss, last.validation_accuracy),
    ):
        assert classifier.score(features, labels) == pytest.approx(accuracy)
        assert log_loss(labels, classifier.predict_proba(features)) == pytest.approx(loss, rel=1e-5)
    assert classifier.loss_ == last.loss
    rates = [row.learning_rate for row in seen]
    assert rates == sorted(rates, reverse=True)
    assert all(row.seconds > 0 for row in seen)
    assert small(schedule="constant").fit(X, Y).history_[-1].learning_rate == 0.01


def test_accuracy_and_loss_count_weights() -> None:
    weights = np.random.default_rng(0).exponential(size=len(Y))
    classifier = small().fit(X, Y, weights)
    assert classifier.history_[-1].accuracy == pytest.approx(classifier.score(X, Y, weights), rel=1e-5)
    expected = log_loss(Y, classifier.predict_proba(X), sample_weight=weights)
    assert classifier.loss_ == pytest.approx(expected, rel=1e-5)
    assert classifier.history_[-1].validation_loss is None


def test_a_validation_set_changes_nothing_that_is_learnt() -> None:
    alone, watched = small().fit(X, Y), small().fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_array_equal(alone.predict_proba(X), watched.predict_proba(X))


def test_a_callback_that_returns_true_ends_the_training() -> None:
    classifier = small(callback=lambda row: row.epoch == 3).fit(X, Y)
    assert classifier.n_iter_ == len(classifier.history_) == 3


def test_patience_goes_back_to_the_lowest_validation_loss() -> None:
    flipped = np.where(np.random.default_rng(0).random(len(Y)) < 0.4, 1 - Y, Y)
    classifier = small(epochs=200, hidden=(64,), learning_rate=0.03, schedule="constant", patience=5)
    classifier.fit(X, flipped, X_val=X_VAL, y_val=Y_VAL)
    losses = [row.validation_loss for row in classifier.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 5 < 200
    assert log_loss(Y_VAL, classifier.predict_proba(X_VAL)) == pytest.approx(losses[best], rel=1e-5)
    assert classifier.loss_ == classifier.history_[best].loss
    assert classifier.loss_ == pytest.approx(log_loss(flipped, classifier.predict_proba(X)), rel=1e-5)


def test_a_fraction_of_each_class_is_set_aside_and_not_learnt_from() -> None:
    rows = np.r_[0:160, np.flatnonzero(Y == 0)[:3]]
    classifier = small(validation_fraction=0.25)
    labels = np.append(np.where(Y == 1, "many", "some"), ["few"] * 3)
    classifier.fit(X[rows] + 1e-9 * np.arange(163)[:, None], labels)
    last = classifier.history_[-1]
    # 20 + 20 + 1 are set aside, so accuracies are multiples of 1 / 41 and 1 / 122
    assert last.validation_accuracy * 41 == pytest.approx(round(last.validation_accuracy * 41))
    assert last.accuracy * 122 == pytest.approx(round(last.accuracy * 122))
    assert list(classifier.classes_) == ["few", "many", "some"]


def test_warm_start_goes_on_from_where_it_was() -> None:
    classifier = small(warm_start=True, learning_rate=1e-4).fit(X, Y)
    before, loss = {name: value.copy() for name, value in classifier.params_.items()}, classifier.loss_
    classifier.fit(X, Y)
    assert [row.epoch for row in classifier.history_] == list(range(1, 13))
    assert classifier.n_iter_ == 6
    assert classifier.loss_ < loss
    moved = max(np.abs(before[name] - value).max() for name, value in classifier.params_.items())
    assert 0 < moved < 0.1
    for wrong, message in (
        (lambda: classifier.fit(X, Y + 1), "label 2 in y is none of the classes 0, 1"),
        (lambda: classifier.fit(X[:, :1], Y), "expecting 2 features"),
        (lambda: classifier.set_params(hidden=(9,)).fit(X, Y), "the network trained so far has other layers"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    assert classifier.score(X, Y) > 0  # what was there still is
    assert len(classifier.set_params(warm_start=False).fit(X, Y).history_) == 6


def test_without_warm_start_nothing_of_the_fit_before_is_left() -> None:
    again = small().fit(X[:, :1] * 9, Y + 3).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), small().fit(X, Y).predict_proba(X))


def test_verbose_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    small(verbose=True, validation_fraction=0.2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[-1].startswith("epoch 6: loss 0.")
    assert " %, validation 0." in lines[-1]
    assert lines[-1].endswith(" s")
    small().fit(X, Y)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "nesterov"])
@pytest.mark.parametrize("hidden", [(), 20, (16, 8)])
def test_every_kind_of_network_learns(hidden: Any, optimiser: str) -> None:
    rate = 0.02 if optimiser.startswith("adam") else 0.1
    classifier = small(hidden=hidden, epochs=40, optimiser=optimiser, learning_rate=rate).fit(X, Y)
    assert classifier.score(X_VAL, Y_VAL) > (0.8 if hidden == () else 0.9)


def test_a_divergence_is_an_error_and_leaves_no_half_of_a_classifier() -> None:
    classifier = small().fit(X, Y)
    with pytest.raises(
        DivergedError, match=r"^the loss became (nan|inf) in epoch \d at learning_rate 1e\+30"
    ):
        classifier.set_params(optimiser="sgd", learning_rate=1e30).fit(X, Y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": (10, 0)}, "hidden is (10, 0), give the units of each hidden layer, such as (100,)"),
        ({"hidden": 2.5}, "hidden is 2.5, give the units of each hidden layer, such as (100,)"),
        ({"hidden": True}, "hidden is True, give the units of each hidden layer, such as (100,)"),
        ({"hidden": (5, True)}, "hidden is (5, True), give the units of each hidden layer, such as (100,)"),
        ({"hidden": b"x"}, "hidden is b'x', give the units of each hidden layer, such as (100,)"),
        ({"hidden": np.array(5)}, "hidden is array(5), give the units of each hidden layer, such as (100,)"),
        ({"epochs": 0}, "epochs is 0, give a whole number of at least 1"),
        ({"epochs": True}, "epochs is True, give a whole number of at least 1"),
        ({"batch_size": "all"}, "batch_size is 'all', give a whole number of at least 1 or \"auto\""),
        ({"learning_rate": 0}, "learning_rate is 0, give a number above 0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast', give a number above 0"),
        ({"learning_rate": None}, "learning_rate is None, give a number above 0"),
        (
            {"validation_fraction": None},
            "validation_fraction is None, give a number from 0 up to, but not including, 1",
        ),
        ({"standardise": "no"}, "standardise is 'no', give True or False"),
        (
            {"random_state": "x"},
            "random_state is 'x', give a whole number from 0 to 4294967295, a RandomState or None",
        ),
        ({"class_weight": {0: "1"}}, "class_weight of 0 is '1', give a number above 0"),
        ({"optimiser": "lbfgs"}, "optimiser is 'lbfgs', choose from 'sgd', 'nesterov', 'adam', 'adamw'"),
        ({"momentum": 1}, "momentum is 1, give a number from 0 up to, but not including, 1"),
        ({"schedule": "step"}, "schedule is 'step', choose from 'decay', 'cosine', 'constant'"),
        ({"reg": -1}, "reg is -1, give a number of at least 0"),
        ({"dropout": float("nan")}, "dropout is nan, give a number from 0 up to, but not including, 1"),
        (
            {"label_smoothing": 1.0},
            "label_smoothing is 1.0, give a number from 0 up to, but not including, 1",
        ),
        (
            {"initialisation": "xavier"},
            "initialisation is 'xavier', choose from 'he', 'pytorch' or a positive standard deviation",
        ),
        ({"class_weight": "equal"}, "class_weight is 'equal', give None, \"balanced\" or a dict of labels"),
        ({"class_weight": {0: -1}}, "class_weight of 0 is -1, give a number above 0"),
        ({"class_weight": {"a": 1}}, "label a in class_weight is none of the classes 0, 1"),
        ({"patience": 0}, "patience is 0, give a whole number of at least 1 or None"),
        (
            {"patience": 3},
            "patience needs a validation set: give X_val and y_val, or a validation_fraction",
        ),
        (
            {"validation_fraction": 1e-3},
            "validation_fraction is 0.001, which sets none of 160 examples aside, choose a larger one or "
            "give X_val and y_val",
        ),
        ({"callback": 3}, "callback is 3, give a function of one argument or None"),
    ],
)
def test_parameters_that_cannot_be_are_refused_in_one_line(parameters: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        small(**parameters).fit(X, Y)
    assert str(caught.value) == message


def test_features_so_small_that_their_squares_vanish_count_as_constant() -> None:
    columns = np.column_stack([1e-200 * X[:, 0], X[:, 1], np.full(len(X), 1e-200), np.zeros(len(X))])
    for table in (columns, csr_matrix(columns)):
        np.testing.assert_allclose(small().fit(table, Y).scale_, [1.0, X[:, 1].std(), 1.0, 1.0])


def test_only_the_ratios_of_the_weights_matter_however_large() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1, len(X))
    expected = small().fit(X, Y, weights).predict_proba(X)
    for power in (-1000, 1023):
        found = small().fit(X, Y, np.ldexp(weights, power)).predict_proba(X)
        np.testing.assert_array_equal(found, expected)
        with pytest.raises(DataError, match="sample_weight and class_weight give an example the weight"):
            small().partial_fit(X, Y, [0, 1], np.ldexp(weights, power))


def test_numbers_of_numpy_are_numbers() -> None:
    parameters = {
        "hidden": np.array([4, 3]),
        "epochs": np.int64(2),
        "reg": np.float32(0),
        "batch_size": np.int8(9),
    }
    assert small(**parameters).fit(X, Y).n_iter_ == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_val": X}, "X_val and y_val belong together: give both or none"),
        ({"X_val": X, "y_val": Y + 1}, "label 2 in y_val is none of the classes 0, 1"),
        ({"X_val": X, "y_val": np.where(Y, "a", "b")}, r"label [ab] in y_val is none of the classes 0, 1"),
        ({"X_val": X[:, :1], "y_val": Y}, "X has 1 features, but FCNetClassifier is expecting 2 features"),
        ({"sample_weight": np.zeros(160)}, "sample_weight is zero in every row"),
        ({"sample_weight": -np.ones(160)}, "sample_weight is -1 in row 0, give weights of at least 0"),
        ({"sample_weight": np.ones((160, 2))}, "sample_weight has shape"),
        ({"sample_weight": np.full(160, np.nan)}, "Input sample_weight contains NaN"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small().fit(X, Y, **arguments)


def test_it_is_where_the_documentation_says() -> None:
    assert FCNetClassifier is fcnet.estimator.classifier.FCNetClassifier
    assert "FCNetClassifier" in fcnet.__all__

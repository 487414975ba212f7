"""With the rest of scikit-learn, joblib and pandas, in a stream, in threads, and on to other libraries."""

from __future__ import annotations

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fcnet import FCNetClassifier
from fcnet.errors import DataError
from fcnet.net.network import Network
from fcnet.net.weights import save_weights

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])


def small(**parameters: Any) -> FCNetClassifier:
    return FCNetClassifier((8,), epochs=15, learning_rate=0.02, random_state=0).set_params(**parameters)


# scikit-learn


def test_the_defaults_read_digits() -> None:
    train, test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    assert FCNetClassifier(epochs=20, random_state=0).fit(train, y_train).score(test, y_test) > 0.96


def test_cross_validation_of_string_labels() -> None:
    scores = cross_val_score(small(), X, NAMES[Y], cv=3, scoring="roc_auc_ovr")
    assert scores.min() > 0.95
    classifier = small().fit(X, NAMES[Y])
    assert set(classifier.predict(X)) == set(NAMES)
    np.testing.assert_array_equal(classifier.predict(X), NAMES[classifier.predict_proba(X).argmax(axis=1)])


def test_a_search_over_a_pipeline() -> None:
    pipeline = make_pipeline(MinMaxScaler(), small())
    grid = {"fcnetclassifier__hidden": [(), (8,)], "fcnetclassifier__dropout": np.array([0.0, 0.1])}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, Y, fcnetclassifier__sample_weight=1.0 + Y)
    assert search.best_score_ > 0.9
    assert search.best_estimator_[-1].n_features_in_ == 4


def test_a_calibrated_classifier() -> None:
    calibrated = CalibratedClassifierCV(small(), cv=3).fit(X, Y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, Y) > 0.9


def test_weights_and_a_validation_set_are_routed_through_a_pipeline() -> None:
    train, validation, y_train, y_val = train_test_split(1e3 * X, Y, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = small(standardise=False).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, classifier, transform_input=["X_val"])
        pipeline.fit(train, y_train, sample_weight=np.ones(len(train)), X_val=validation, y_val=y_val)
        assert pipeline[-1].history_[-1].validation_accuracy == pipeline.score(validation, y_val) > 0.9


def test_a_clone_is_as_new_and_a_copy_is_the_same() -> None:
    classifier = small(class_weight={0: 2.0}, callback=print_nothing).fit(X, Y)
    assert not hasattr(clone(classifier), "params_")
    assert clone(classifier).get_params() == classifier.get_params()
    np.testing.assert_array_equal(copy.deepcopy(classifier).predict_proba(X), classifier.predict_proba(X))


def print_nothing(row: Any) -> None:
    """A callback that a pickle can name."""


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib_brings_it_back(tmp_path: Path, mmap_mode: Any) -> None:
    classifier = small(callback=print_nothing).fit(X, NAMES[Y])
    joblib.dump(classifier, tmp_path / "classifier")
    back = joblib.load(tmp_path / "classifier", mmap_mode=mmap_mode)
    np.testing.assert_array_equal(back.predict_proba(X), classifier.predict_proba(X))
    assert back.history_ == classifier.history_


def test_a_data_frame_gives_feature_names() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    weights = pandas.Series(np.ones(len(Y)))
    classifier = small().fit(frame, pandas.Series(NAMES[Y]), weights, X_val=frame, y_val=NAMES[Y])
    assert list(classifier.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(classifier.predict_proba(frame), small().fit(X, Y).predict_proba(X))
    assert list(pandas.DataFrame(classifier.history_).columns)[:3] == ["epoch", "learning_rate", "loss"]
    with pytest.raises(ValueError):  # noqa: PT011  the message is scikit-learn's
        classifier.predict(frame[list("dcba")])


def test_several_threads_ask_at_once() -> None:
    classifier = small(hidden=(200, 200), epochs=1).fit(X, Y)
    rows = [np.random.default_rng(seed).normal(size=(300, 4)) for seed in range(40)]
    expected = [classifier.predict_proba(row) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(classifier.predict_proba, rows), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_scores_probabilities_and_their_logarithms_agree() -> None:
    moons = make_moons(60, random_state=0)
    for features, labels in ((X, Y), moons):
        classifier = small().fit(features, labels)
        P = classifier.predict_proba(features)
        assert P.dtype == np.float32
        np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(np.exp(classifier.predict_log_proba(features)), P, rtol=1e-5)
    ahead = classifier.decision_function(moons[0])
    assert ahead.shape == (60,)
    np.testing.assert_allclose(1 / (1 + np.exp(-ahead)), P[:, 1], rtol=1e-5)
    far = classifier.predict_log_proba(1e4 * moons[0])
    assert np.isfinite(far).all()
    assert far.min() < -500


# In a stream


def stream(classifier: FCNetClassifier, epochs: range) -> FCNetClassifier:
    for epoch in epochs:
        rows = np.random.default_rng(epoch).permutation(len(X))
        for part in np.array_split(rows, 3):
            classifier.partial_fit(X[part], NAMES[Y[part]], classes=NAMES)
    return classifier


@pytest.mark.parametrize("optimiser", ["adam", "nesterov"])
def test_a_stream_is_learnt_and_a_pickle_goes_on_bit_for_bit(optimiser: str) -> None:
    whole = stream(small(dropout=0.1, optimiser=optimiser), range(8))
    assert whole.score(X, NAMES[Y]) > 0.9
    assert whole.n_iter_ == len(whole.history_) == 24
    assert {row.learning_rate for row in whole.history_} == {0.02}
    halfway = stream(small(dropout=0.1, optimiser=optimiser), range(4))
    stream(copy.deepcopy(halfway), range(4, 6))  # which must not touch the original
    back = pickle.loads(pickle.dumps(halfway))
    for resumed in (stream(back, range(4, 8)), stream(halfway, range(4, 8))):
        for name, value in whole.params_.items():
            np.testing.assert_array_equal(resumed.params_[name], value)


def test_no_example_is_kept_in_a_pickle() -> None:
    wide = np.random.default_rng(0).normal(size=(500, 50))
    for classifier in (
        FCNetClassifier((2,), epochs=1).fit(wide, wide[:, 0] > 0),
        FCNetClassifier((2,)).partial_fit(wide, wide[:, 0] > 0, classes=[False, True]),
    ):
        assert len(pickle.dumps(classifier)) < 10_000 < wide.nbytes


def test_the_first_call_of_a_stream_decides_classes_and_standardisation() -> None:
    classifier = small().partial_fit(X[:50], Y[:50], classes=[2, 1, 0])
    assert list(classifier.classes_) == [0, 1, 2]
    np.testing.assert_allclose(classifier.mean_, X[:50].mean(axis=0))
    classifier.partial_fit(X[50:], Y[50:])
    np.testing.assert_allclose(classifier.mean_, X[:50].mean(axis=0))


def test_a_stream_goes_on_from_a_fit_and_a_fit_forgets_a_stream() -> None:
    classifier = small().fit(X, Y)
    loss = classifier.loss_
    for _ in range(5):
        classifier.partial_fit(X, Y)
    assert classifier.loss_ < loss
    assert classifier.n_iter_ == len(classifier.history_) == 20
    assert len(classifier.fit(X, Y).history_) == 15
    np.testing.assert_array_equal(classifier.predict_proba(X), small().fit(X, Y).predict_proba(X))


def test_weights_in_a_stream_scale_the_step() -> None:
    parameters = {"optimiser": "sgd", "momentum": 0.0, "reg": 0.0, "batch_size": 150}
    moved = []
    for weight in (1.0, 3.0):
        classifier = small(**parameters, learning_rate=1e-3, class_weight={1: weight})
        classifier.partial_fit(X, Y, classes=[0, 1, 2], sample_weight=(Y == 1).astype(float))
        start = small(**parameters, learning_rate=1e-30)
        start.partial_fit(X[Y == 1], Y[Y == 1], classes=[0, 1, 2])
        moved.append(classifier.params_["b2"] - start.params_["b2"])
    np.testing.assert_allclose(moved[1], 3 * moved[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("parameters", "calls", "message"),
    [
        ({}, [{}], "classes is missing, give all labels that will come to the first partial_fit"),
        ({}, [{"classes": [0, 1]}], "label 2 in y is none of the classes 0, 1"),
        ({}, [{"classes": [0, 1, 2]}, {"classes": [0, 1, 2, 3]}], "but it was"),
        ({"class_weight": "balanced"}, [{"classes": [0, 1, 2]}], "partial_fit needs a dict or None"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(parameters: Any, calls: Any, message: str) -> None:
    classifier = small(**parameters)
    for arguments in calls[:-1]:
        classifier.partial_fit(X, Y, **arguments)
    with pytest.raises(DataError, match=message):
        classifier.partial_fit(X, Y, **calls[-1])


# On to others


def test_its_parameters_with_the_standardisation_folded_in_are_a_network_on_features() -> None:
    classifier = small(hidden=(7, 5)).fit(X, Y)
    network = Network.plain((4, 7, 5, 3), np.random.default_rng(0), dtype=np.float64)
    network = network.with_params(classifier.raw_params())
    np.testing.assert_allclose(network.logits(X), classifier.decision_function(X), rtol=1e-4, atol=1e-5)
    unchanged = classifier.params_["W1"].copy()
    classifier.raw_params()["W1"][:] = 0
    np.testing.assert_array_equal(classifier.params_["W1"], unchanged)


def test_pytorch_reads_its_parameters(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load

    from fcnet.torch_net.mlp import MultiLayerPerceptron

    classifier = small().fit(X, Y)
    save_weights(tmp_path / "iris.safetensors", classifier.architecture_, classifier.raw_params())
    net = MultiLayerPerceptron(input_size=4, hidden_layers=[8], num_classes=3).double()
    net.load_state_dict(load(io.BytesIO((tmp_path / "iris.safetensors").read_bytes()).getvalue()))
    with torch.no_grad():
        logits = net(torch.tensor(X)).numpy()
    np.testing.assert_allclose(logits, classifier.decision_function(X), rtol=1e-4, atol=1e-5)

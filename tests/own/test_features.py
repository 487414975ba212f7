"""Rows of features of any offset and any scale are learnt, and a model does to new rows what training did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset, split
from fcnet.data.own.load import load_own
from fcnet.data.preprocessing import Preprocessing
from fcnet.errors import DataError, RunError
from fcnet.experiments.recipes import QUICK, fitted
from fcnet.net.weights import read_tensors, serialised
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import make_inputs
from fcnet.train.model import Model

Array = np.ndarray[Any, Any]

SETTINGS = replace(QUICK, learning_rate=0.02, epochs=10)


def features(tmp_path: Path, X: Array, y: Array, name: str = "rows") -> Dataset:
    np.savez(tmp_path / f"{name}.npz", X=X, y=y)
    return load_own(tmp_path / f"{name}.npz")


def trained(dataset: Dataset, folder: Path, **settings: Any) -> tuple[dict[str, float], Model]:
    config = fitted(replace(SETTINGS, **settings), dataset)
    return train_run(config, dataset, folder)["metrics"], Model.load(folder)


def times() -> tuple[Array, Array]:
    """Seconds since 1970, whose float32 neighbours are 128 s apart, within a minute: y says which half."""
    seconds = np.random.default_rng(0).uniform(0, 60, 400)
    seconds += np.where(seconds < 30, -3, 3)
    return 1_764_000_000 + seconds[:, None], (seconds > 30).astype(int)


def held_out(model: Model, dataset: Dataset) -> float:
    """Accuracy on all that training did not see: what it validated on, and the test part."""
    validation = split(dataset.train, fitted(SETTINGS, dataset).validation)[1]
    X = np.concatenate([validation.images, dataset.test.images])
    y = np.concatenate([validation.labels, dataset.test.labels])
    return float((model.logits(X).argmax(axis=1) == y).mean())


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("preprocessing", ["auto", "standardised", "centred", "whitened"])
def test_seconds_since_1970_are_learnt(preprocessing: str, engine: str, tmp_path: Path) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    dataset = features(tmp_path, *times())
    floor = {"whitening_floor": 0.1} if preprocessing == "whitened" else {}
    metrics, model = trained(dataset, tmp_path / "run", preprocessing=preprocessing, engine=engine, **floor)
    assert (metrics["train_accuracy"], metrics["val_accuracy"]) == (1, 1)
    assert held_out(model, dataset) == 1
    cut = dataset.test.images.astype(np.float32)  # the right answers need all the digits
    assert (model.logits(cut).argmax(axis=1) == dataset.test.labels).mean() < 0.95


def test_both_engines_are_given_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    dataset = features(tmp_path, *times())
    models = [
        trained(dataset, tmp_path / engine, engine=engine, precision="float64")[1]
        for engine in ("numpy", "torch")
    ]
    first, second = (model.logits(dataset.test.images) for model in models)
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(models[0].preprocessing.scale, models[1].preprocessing.scale)


@pytest.mark.slow
def test_the_wine_data_reach_what_the_classifier_does(tmp_path: Path) -> None:
    """With the classifier's settings: at most one of 64 held-out wines fewer, on average of three seeds."""
    from sklearn.datasets import load_wine

    from fcnet import FCNetClassifier

    dataset = features(tmp_path, *load_wine(return_X_y=True))
    train, validation = split(dataset.train, fitted(SETTINGS, dataset).validation)
    X = np.concatenate([validation.images, dataset.test.images])
    y = np.concatenate([validation.labels, dataset.test.labels])
    same = {"hidden": (100,), "optimiser": "adam", "learning_rate": 2e-3, "reg": 1e-3, "epochs": 100}
    classifier, ours = [], []
    for seed in range(3):
        classifier.append(FCNetClassifier(random_state=seed).fit(train.images, train.labels).score(X, y))
        _, model = trained(dataset, tmp_path / str(seed), seed=seed, **same)
        ours.append(held_out(model, dataset))
    assert np.mean(ours) >= np.mean(classifier) - 1 / len(y)
    assert np.mean(classifier) > 0.93
    _, centred = trained(dataset, tmp_path / "centred", preprocessing="centred")
    assert held_out(centred, dataset) < 0.8  # which is what "unless asked otherwise" gives


def test_each_feature_gets_mean_0_and_variance_1_and_a_constant_one_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 4)) * [1e-9, 1, 1e39, 0] + [0, 1e9, 0, 7.25]
    dataset = features(tmp_path, X, np.arange(200) % 2)
    assert dataset.origin.how.endswith("; 1 of 4 features are constant: 3")
    seen = make_inputs(TrainConfig(), dataset.train.images, features=True).preprocessing(dataset.train.images)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(seen.std(axis=0), [1, 1, 1, 0], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int16])
def test_whole_numbers_are_standardised_too(dtype: Any, tmp_path: Path) -> None:
    X = np.random.default_rng(2).integers(0, 2, (100, 3)).astype(dtype)
    dataset = features(tmp_path, X, np.arange(100) % 2)
    preprocessing = make_inputs(TrainConfig(), dataset.train.images, features=True).preprocessing
    np.testing.assert_allclose(preprocessing(dataset.train.images).std(axis=0), 1, atol=1e-5)


def test_no_digit_is_lost_and_no_memory_spent_without_need(tmp_path: Path) -> None:
    X, y = times()
    assert features(tmp_path, X, y).train.images.dtype == np.float64
    assert features(tmp_path, X.astype(np.float32), y).train.images.dtype == np.float32
    assert features(tmp_path, np.round(X) % 1000, y).train.images.dtype == np.float32


def test_numbers_that_the_network_cannot_hold_are_one_line(tmp_path: Path) -> None:
    X = np.random.default_rng(3).standard_normal((40, 2)) * [1, 1e300]
    dataset = features(tmp_path, X, np.arange(40) % 2)
    with pytest.raises(DataError, match="feature 1 of X spreads too far"):
        make_inputs(TrainConfig(), dataset.train.images, features=True)
    with pytest.raises(DataError, match=r"feature 1 reaches .* from its mean, too large for the network, of"):
        make_inputs(TrainConfig(preprocessing="centred"), dataset.train.images, features=True)
    preprocessing = make_inputs(TrainConfig(), X[:, :1], features=True).preprocessing
    for wrong in (1e300, np.nan, np.inf):
        with pytest.raises(DataError, match="X holds numbers too large for the network"):
            preprocessing(np.array([[wrong]]))


def test_onnx_does_the_same_in_float64(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from fcnet.export import export_onnx

    dataset = features(tmp_path, *times())
    _, model = trained(dataset, tmp_path / "run")
    export_onnx(model, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == ("features", "tensor(double)", ["N", 1])
    (logits,) = session.run(["logits"], {"features": dataset.test.images})
    np.testing.assert_allclose(logits, model.logits(dataset.test.images), rtol=1e-4, atol=1e-4)


def test_pytorch_needs_the_two_files_alone(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    dataset = features(tmp_path, *times())
    _, model = trained(dataset, tmp_path / "run", hidden=())
    given, weights = (load_file(tmp_path / "run" / f"{name}.safetensors") for name in ("input", "model"))
    inputs = ((torch.from_numpy(dataset.test.images) - given["mean"]) / given["scale"]).float()
    logits = inputs @ weights["layers.0.weight"].T + weights["layers.0.bias"]
    np.testing.assert_allclose(logits.numpy(), model.logits(dataset.test.images), rtol=1e-5, atol=1e-5)


def test_models_of_before_are_still_read(tmp_path: Path) -> None:
    dataset = features(tmp_path, np.random.default_rng(4).standard_normal((60, 3)), np.arange(60) % 2)
    trained(dataset, tmp_path / "run")
    path = tmp_path / "run" / "input.safetensors"
    _, about = read_tensors(path)
    assert about["format"] == "fcnet-model-3"
    (tmp_path / "run" / "SHA256SUMS").unlink()
    mean, scale = np.array([1, 2, 3], np.float32), np.array([4.0])
    path.write_bytes(
        serialised({"mean": mean, "scale": scale}, {"format": "fcnet-model-2", "takes": "float32"})
    )
    model = Model.load(tmp_path / "run")
    X = dataset.test.images.astype(np.float32)
    np.testing.assert_array_equal(model.preprocessing(X), (X - mean) * np.float32(0.25))
    wrong = {"mean": mean, "scale": np.ones(2)}
    path.write_bytes(serialised(wrong, {"format": "fcnet-model-3", "takes": "float32"}))
    with pytest.raises(RunError, match="are not a model"):
        Model.load(tmp_path / "run")
    path.write_bytes(serialised(wrong, {"format": "fcnet-model-4"}))
    with pytest.raises(RunError, match=r"newer version of fcnet: its format is 4, .* reads format 3"):
        Model.load(tmp_path / "run")


def test_pixels_have_one_scale_and_keep_their_format(tmp_path: Path) -> None:
    images = np.random.default_rng(5).integers(0, 256, (60, 4, 4), np.uint8)
    dataset = features(tmp_path, images, np.arange(60) % 2)
    _, model = trained(dataset, tmp_path / "run")
    assert isinstance(model.preprocessing, Preprocessing)
    assert isinstance(model.preprocessing.scale, float)
    tensors, about = read_tensors(tmp_path / "run" / "input.safetensors")
    assert (about, tensors["mean"].dtype) == ({"format": "fcnet-model-2"}, np.float32)

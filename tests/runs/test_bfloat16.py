"""Trainings of the NumPy engine with products in bfloat16, and what is said where they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, split
from fcnet.errors import DataError, FcnetError, MissingExtraError
from fcnet.net import libraries, onednn, scaled, velocity
from fcnet.net.blas import Sum, add_scaled, library_used
from fcnet.net.weights import load_weights
from fcnet.records import RunFolder
from fcnet.runs.engines import workplace
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit, accuracy_and_loss
from fcnet.train.history import read_history
from in_bfloat16 import rounded, use
from run_folders import differences
from trainings import StopAfter, small

Array = NDArray[Any]

BFLOAT16 = small(precision="bfloat16")


@pytest.fixture(params=["oneDNN", "NumPy"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    use(request.param, monkeypatch)


both = pytest.mark.usefixtures("library")


@both
def test_it_is_recorded_and_the_weights_stay_float32(digits: Dataset, tmp_path: Path) -> None:
    record = train_run(BFLOAT16, digits, tmp_path / "run")
    engine = {"name": "numpy", "device": "cpu", "precision": "bfloat16", "workers": 1, "blas": library_used()}
    assert record["engine"] == engine
    assert record["metrics"]["val_accuracy"] > 0.9
    weights = load_weights(tmp_path / "run" / "model.safetensors")[1]
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    train_run(small(), digits, tmp_path / "float32")
    ours, theirs = (read_history(RunFolder(tmp_path / name).history) for name in ("run", "float32"))
    assert all(0 < abs(one.loss - other.loss) < 0.02 for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("precision", "alone"), [("bfloat16", True), ("float32", False)])
def test_oneDNN_shares_the_cores_with_no_other_library(
    precision: Any, alone: bool, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Momentum, the lasso and the average add with NumPy's BLAS: in one thread, beside oneDNN's products."""
    use("NumPy", monkeypatch)
    library = libraries.chosen()
    if library is None:
        pytest.skip("this NumPy's BLAS cannot be told its threads")
    before = library.threads()
    library.limit(2)
    seen: dict[str, set[int]] = {"sum": set(), "once": set()}
    add_again = Sum.__call__

    def again(self: Sum, *given: Any) -> None:
        seen["sum"].add(library.threads())
        add_again(self, *given)

    def once(*given: Any) -> None:
        seen["once"].add(library.threads())
        add_scaled(*given)

    monkeypatch.setattr(Sum, "__call__", again)
    monkeypatch.setattr(scaled, "add_scaled", once)
    monkeypatch.setattr(velocity, "add_scaled", once)
    config = small(epochs=1, precision=precision, lasso=1e-5, average="ema=0.9")
    try:
        train_run(config, digits, tmp_path / "run")
        assert library.threads() == 2
    finally:
        library.limit(before)
    assert seen == {place: {1 if alone else 2} for place in seen}


def test_auto_stays_float32(digits: Dataset, tmp_path: Path) -> None:
    assert train_run(small(epochs=1), digits, tmp_path / "run")["engine"]["precision"] == "float32"


KINDS: dict[str, dict[str, Any]] = {
    "momentum": {"schedule": "cosine", "warmup_epochs": 0.5},
    "adam, averaged": {"optimiser": "adam", "learning_rate": 0.003, "average": "ema=0.9"},
    "whitened": {"preprocessing": "whitened", "components": 30, "dropout": 0.2, "mirror": True, "shift": 1},
    "deep": {"hidden": (20, 16), "norm": "layernorm", "blocks": 1, "evaluate_every": 8},
}


@both
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_training_resumes_bit_for_bit(kind: str, digits: Dataset, tmp_path: Path) -> None:
    config = small(precision="bfloat16", **KINDS[kind])
    train_run(config, digits, tmp_path / "whole")
    for step in (13, 42):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "run", resume=True, callback=StopAfter(step))
    train_run(config, digits, tmp_path / "run", resume=True)
    assert differences(tmp_path / "run", tmp_path / "whole") == []


@both
def test_whitened_inputs_are_a_product_in_bfloat16_too(digits: Dataset) -> None:
    """As with the engine torch, where this product is as large as those of the network."""
    train, _ = split(digits.train, 200)
    config = small(precision="bfloat16", preprocessing="whitened", components=30)
    engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    images = train.images[:50]
    centred = engine._centred(images)
    assert engine.projection is not None
    expected = centred.scale * (rounded(centred.stored) @ rounded(engine.projection))
    np.testing.assert_allclose(engine._given(images).settled(), expected, rtol=1e-4, atol=1e-6)


# Where a training ends


def trained(config: TrainConfig, digits: Dataset) -> tuple[Array, Array, float, float]:
    """All weights at the start and at the end, validation accuracy and loss."""
    train, validation = split(digits.train, config.validation)

    def all_weights() -> Array:
        return np.concatenate([value.ravel() for _, value in sorted(engine.weights().items())])

    with workplace(config) as place:
        engine = place.engine(train, digits)
        start = all_weights()
        Fit(engine=engine, config=config, train=train, validation=validation, callback=Callback(),
            seconds_before=0.0).run()  # fmt: skip
        return start, all_weights(), *accuracy_and_loss(engine.logits(validation.images), validation.labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.0},
        {"schedule": "cosine"},
        {"optimiser": "adam", "learning_rate": 0.003},
        {"hidden": (32, 32), "norm": "layernorm", "blocks": 1},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_a_training_ends_where_float32_ends(
    settings: dict[str, Any], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearer to it than a learning rate that is 5 % larger leads, which nobody would notice.

    Rounding is another in each step, so that its errors add up as random ones do, while the other training
    goes 5 % further in every step. Of 200 images two may change their class: the standard error of the
    accuracy itself is 0.8 to 1.9 points.
    """
    use("oneDNN", monkeypatch)
    config = small(epochs=20, **settings)
    start, end, accuracy, loss = trained(config, digits)
    _, ours, our_accuracy, our_loss = trained(small(epochs=20, precision="bfloat16", **settings), digits)
    rate = 1.05 * config.learning_rate
    _, other, *_ = trained(small(epochs=20, **settings | {"learning_rate": rate}), digits)
    assert 0 < np.linalg.norm(ours - end) < np.linalg.norm(other - end)
    assert np.linalg.norm(ours - end) < 0.05 * np.linalg.norm(end - start)
    assert abs(our_accuracy - accuracy) <= 2 / 200 + 1e-9
    assert our_loss == pytest.approx(loss, rel=0.05)


# Where it cannot be


@pytest.fixture
def anew() -> Iterator[None]:
    """The library is looked for again, now and afterwards."""
    onednn.library.cache_clear()
    yield
    onednn.library.cache_clear()


def refused(kind: type[FcnetError], digits: Dataset, folder: Path) -> str:
    """What is said before anything is written."""
    with pytest.raises(kind) as caught:
        train_run(BFLOAT16, digits, folder / "run")
    assert list(folder.iterdir()) == []
    return str(caught.value)


@pytest.mark.usefixtures("anew")
def test_without_the_library_it_says_what_to_install(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "file_of", lambda wheel: None)
    assert refused(MissingExtraError, digits, tmp_path) == (
        "precision bfloat16 without the engine torch needs oneDNN, which is not installed: "
        "pip install 'fcnet[bfloat16]'"
    )


@pytest.mark.usefixtures("anew")
def test_where_there_is_no_wheel_nothing_is_to_be_installed(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "file_of", lambda wheel: None)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert refused(DataError, digits, tmp_path) == (
        "precision bfloat16 needs oneDNN, whose wheel is for Linux on x86-64: "
        "give precision float32, or the engine torch"
    )


@pytest.mark.usefixtures("anew")
def test_a_library_that_does_not_load_is_one_line(
    digits: Dataset, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path_factory.mktemp("broken") / "libdnnl.so.3.2"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(onednn, "file_of", lambda wheel: broken)
    said = refused(DataError, digits, tmp_path)
    assert said.startswith(f"oneDNN cannot be loaded, {broken}: ")
    assert said.endswith(": install what is missing, or give precision float32, or the engine torch")
    assert "\n" not in said


def test_a_processor_without_it_is_one_line(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "hardware", lambda: "")
    assert refused(DataError, digits, tmp_path) == (
        "precision is 'bfloat16', and this processor has neither AMX nor AVX512-BF16: "
        "give precision float32, or the engine torch"
    )


def test_a_wheel_is_found_by_its_name() -> None:
    assert onednn.file_of("no-such-wheel") is None
    assert onednn.file_of("numpy") is None

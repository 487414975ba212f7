"""A bank of epochs: the inputs that it keeps, the trainings that use them, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.cli import main
from fcnet.data.augmentation import Pipeline
from fcnet.data.dataset import Dataset, split
from fcnet.data.minibatches import Minibatch, minibatches
from fcnet.errors import DataError
from fcnet.extras import missing
from fcnet.runs.engines import workplace
from fcnet.runs.training import train_run
from fcnet.train.bank import Bank
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.fit import Fit
from run_folders import differences
from trainings import StopAfter, small

ENGINES = ["numpy", pytest.param("torch", marks=pytest.mark.skipif(missing("torch"), reason="no PyTorch"))]
BANKED = {"preprocessing": "whitened", "components": 30, "mirror": True, "shift": 1, "bank": 2, "epochs": 5}


def settings_of(engine: str, **settings: Any) -> TrainConfig:
    with_torch = {"engine": "torch", "device": "cpu"} if engine == "torch" else {}
    return small(**({"precision": "float64"} | BANKED | settings | with_torch))


def trained(config: TrainConfig, digits: Dataset) -> Engine:
    train, validation = split(digits.train, config.validation)
    with workplace(config) as place:
        engine = place.engine(train, digits)
        Fit(engine, config, train, validation).run()
    return engine


def distance(one: Engine, other: Engine) -> float:
    first, second = one.weights(), other.weights()
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


def test_an_entry_holds_every_image_in_one_of_its_deformations(digits: Dataset) -> None:
    config = settings_of("numpy")
    train, _ = split(digits.train, config.validation)
    with workplace(config) as place:
        engine: Any = place.engine(train, digits)
    tables = Pipeline.of(config.augmentations, digits.image_shape).deformation.tables(digits.image_shape)
    assert engine.views == len(tables) == 18
    entries = [engine.bank.of(Minibatch(np.arange(1), np.arange(1), (7, epoch, 0))) for epoch in range(4)]
    assert entries[2] is entries[0]
    assert entries[3] is entries[1]
    views = []
    for entry in entries[:2]:
        shown = np.stack([engine.inputs.of(train.images[:, table]) for table in tables])  # (views, N, C)
        fits = np.abs(shown - entry).max(axis=2) < 1e-4
        assert fits.any(axis=0).all()
        views.append(fits.argmax(axis=0))
    assert min(np.bincount(view, minlength=18).min() for view in views) > 20  # of 1,237 images
    assert (views[0] == views[1]).mean() < 0.2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_sees_the_rows_of_its_minibatch(engine: str, digits: Dataset) -> None:
    """Nothing moves here, so the training is the one without a bank."""
    still = {"mirror": False, "shift": 0}
    with_bank, without = (trained(settings_of(engine, bank=bank, **still), digits) for bank in (1, 0))
    assert distance(with_bank, without) < 1e-9
    assert distance(with_bank, trained(settings_of(engine, bank=1, seed=1, **still), digits)) > 1e-3


@pytest.mark.skipif(missing("torch"), reason="no PyTorch")
def test_both_engines_keep_the_same(digits: Dataset) -> None:
    one, other = (trained(settings_of(engine), digits) for engine in ("numpy", "torch"))
    assert distance(one, other) < 1e-9
    for changed in ({"bank": 1}, {"bank": 3}, {"bank": 0}):
        assert distance(one, trained(settings_of("numpy", **changed), digits)) > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stopped_training_resumes_bit_for_bit(engine: str, digits: Dataset, tmp_path: Path) -> None:
    """Five epochs of 21 steps: the stops are before and after the bank is full, and within an epoch."""
    config = settings_of(engine, precision="float32")
    train_run(config, digits, tmp_path / "whole")
    for stop in (1, 21, 30, 42, 50, 84, 100):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "stopped", resume=True, callback=StopAfter(stop))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert differences(tmp_path / "whole", tmp_path / "stopped") == []


def test_an_entry_is_computed_once_and_does_not_depend_on_who_asks() -> None:
    asked = []

    def compute(batch: Minibatch) -> Any:
        asked.append(len(batch.rows))
        return np.stack([batch.rows, batch.views], axis=1)

    def bank() -> Bank[Any]:
        return Bank(3, 2500, 9, compute, np.concatenate)

    first, second = bank(), bank()
    epochs = [[next(minibatches(2500, 50, 9, 4, epoch, skip=skip)) for skip in (0, 20)] for epoch in range(6)]
    forwards = [first.of(batch) for batches in epochs for batch in batches]
    assert asked == [1000, 1000, 500] * 3
    backwards = [second.of(batch) for batches in epochs[::-1] for batch in batches[::-1]][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[:, 0], np.arange(2500))
    assert not np.array_equal(forwards[0], forwards[2])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bank_larger_than_the_memory_is_refused(
    engine: str, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings_of(engine, bank=100, precision="float32")
    train, _ = split(digits.train, config.validation)
    monkeypatch.setattr("fcnet.memory.available", lambda: 10_000_000)
    size = 100 * len(train) * 30 * 4 / 1e6
    message = f"a bank of 100 epochs takes about {size:.0f} MB of memory and 10 MB are available; choose a"
    with workplace(config) as place, pytest.raises(DataError, match=message):
        place.engine(train, digits)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preprocessing": "standardised"}, "bank is 2, give 0, or choose the preprocessing whitened"),
        ({"mixup": 0.2}, "bank is 2, give 0 with mixup, which changes minibatches"),
        ({"cutout": 2}, "bank is 2, give 0 with cutout, which changes minibatches"),
        ({"bank": -1}, "bank is -1, give a whole number of at least 0"),
        ({"bank": 1.5}, "bank is 1.5, give a whole number of at least 0"),
    ],
)
def test_settings_without_a_meaning_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        settings_of("numpy", **settings)


def test_the_command_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--data", "digits", "--out", str(tmp_path / "run"), "--epochs", "2", "--bank", "1"]
    assert main(command) == 2
    assert "choose the preprocessing whitened" in capsys.readouterr().err
    assert main([*command, "--preprocessing", "whitened", "--components", "20", "--mirror"]) == 0


def test_its_arithmetic_is_that_of_the_epochs_that_project() -> None:
    def products(**settings: Any) -> int:
        return TrainConfig(preprocessing="whitened", components=100, **settings).step_products(3072, 10)

    projection = products() - products(bank=1, epochs=10**6)
    assert projection == pytest.approx(200 * 3072 * 100, rel=1e-5)
    assert products() - products(bank=3, epochs=10) == pytest.approx(0.7 * projection, rel=1e-4)
    assert products(bank=20, epochs=10) == products()

"""Averaged weights against sums in float64, in both engines: what counts, how much, and after a stop."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcnet.cli import main
from fcnet.data.dataset import Dataset, split
from fcnet.errors import DataError
from fcnet.extras import missing
from fcnet.records import RunFolder
from fcnet.runs.engines import workplace
from fcnet.runs.training import train_run
from fcnet.train import averaging
from fcnet.train.averaging import AVERAGES, make_average
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.fit import Fit
from fcnet.train.history import read_history
from fcnet.train.model import Model
from fcnet.train.schedules import Length
from fcnet.wording import percent
from run_folders import differences
from trainings import StopAfter, small

Params = dict[str, NDArray[np.float64]]

ENGINES = ["numpy", pytest.param("torch", marks=pytest.mark.skipif(missing("torch"), reason="no PyTorch"))]

NETWORKS: dict[str, dict[str, Any]] = {
    "decayed": {"reg": 0.01},
    "whitened, dropout": {"preprocessing": "whitened", "components": 30, "dropout": 0.2, "mirror": True},
    "residual": {"hidden": (16,), "blocks": 1, "norm": "layernorm", "optimiser": "adamw",
                 "learning_rate": 0.003},
    "mixed": {"augment": ("mixup=0.4",), "label_smoothing": 0.1, "momentum": 0.0},
}  # fmt: skip


def settings_of(engine: str, **settings: Any) -> TrainConfig:
    with_torch = {"engine": "torch", "device": "cpu"} if engine == "torch" else {}
    return small(**({"precision": "float64"} | settings | with_torch))


class Weights(Callback):
    """Keeps a copy of the trained weights after every step."""

    def __init__(self) -> None:
        self.steps: list[Params] = []

    def on_train_begin(self, engine: Engine) -> None:
        self.engine = engine

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        self.steps.append({name: value.copy() for name, value in self.engine.weights().items()})


def trained(config: TrainConfig, digits: Dataset) -> tuple[Model, list[Params], Params]:
    """The model that is saved, the weights after each step, and the average with all of its digits."""
    train, validation = split(digits.train, config.validation)
    seen = Weights()
    with workplace(config) as place:
        engine = place.engine(train, digits)
        Fit(engine, config, train, validation, seen).run()
        average = {
            name.removeprefix("average."): np.array(value * engine.state().get(f"{name}.scale", 1.0))
            for name, value in engine.state().items()
            if name.startswith("average.") and not name.endswith(".scale")
        }
        return engine.model(), seen.steps, average


def by_hand(steps: list[Params], decay: float, first: int, every: int) -> Params:
    """The mean of every `every`-th weights up to the last, each counting decay^(steps to the last) times."""
    counted = [step for step in range(first, len(steps) + 1) if (len(steps) - step) % every == 0]
    shares = np.array([decay ** (len(steps) - step) for step in counted])
    return {
        name: np.tensordot(shares / shares.sum(), np.array([steps[step - 1][name] for step in counted]), 1)
        for name in steps[0]
    }


def distance(one: Params, other: Params) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max() / np.abs(other[name]).max()) for name in other)


# The average


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("average", "decay", "first", "every"),
    [("ema=0.9", 0.9, 1, 1), ("ema=0.999", 0.999, 1, 1), ("last=2", 1, 22, 1), ("last=99", 1, 1, 1)],
)
def test_the_average_is_that_of_a_sum_in_float64(
    engine: str, network: str, average: str, decay: float, first: int, every: int, digits: Dataset
) -> None:
    config = settings_of(engine, average=average, **NETWORKS[network])
    _, steps, found = trained(config, digits)
    assert len(steps) == 63
    assert distance(found, by_hand(steps, decay, first, every)) < 1e-12
    # and the comparison notices what is wrong
    wrong = [by_hand(steps, decay, first, 2), by_hand(steps, decay, first + 1, every), steps[-1]]
    if decay < 1:
        wrong += [by_hand(steps, decay + 1e-4, first, every), by_hand(steps, 1 - decay, first, every)]
    assert min(distance(found, other) for other in wrong) > 1e-8


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("average", "decay", "first"), [("ema=0.97", 0.97, 1), ("last=2", 1, 22)])
def test_a_sample_every_few_steps_is_decayed_as_many_times(
    engine: str, average: str, decay: float, first: int, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(averaging, "SAMPLES", 10)
    every = {"ema=0.97": 3, "last=2": 4}[average]
    _, steps, found = trained(settings_of(engine, average=average), digits)
    assert distance(found, by_hand(steps, decay, first, every)) < 1e-12
    assert distance(found, by_hand(steps, decay, first, every - 1)) > 1e-6


@pytest.mark.parametrize("engine", ENGINES)
def test_in_float32_the_average_is_right_to_rounding(engine: str, digits: Dataset) -> None:
    config = settings_of(engine, average="ema=0.99", precision="float32", reg=0.01, epochs=20)
    _, steps, found = trained(config, digits)
    wide = [{name: value.astype(np.float64) for name, value in one.items()} for one in steps]
    assert distance(found, by_hand(wide, 0.99, 1, 2)) < 1e-6


@pytest.mark.parametrize("average", ["ema=0.9", "last=2"])
def test_both_engines_have_the_same_average(average: str, digits: Dataset) -> None:
    pytest.importorskip("torch")
    one, other = (
        trained(settings_of(engine, average=average, dropout=0.0), digits)[2] for engine in ("numpy", "torch")
    )
    assert distance(one, other) < 1e-9


# The training and what it leaves


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_training_itself_does_not_see_it(engine: str, network: str, digits: Dataset) -> None:
    config = settings_of(engine, precision="float32", **NETWORKS[network])
    _, plain, none = trained(config, digits)
    _, averaged, _ = trained(replace(config, average="ema"), digits)
    assert none == {}
    for one, other in zip(plain, averaged, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_validated_is_saved_and_the_last_weights_stand_beside_it(
    engine: str, digits: Dataset, tmp_path: Path
) -> None:
    config = settings_of(engine, average="ema=0.9", precision="float32", preprocessing="whitened",
                         components=30, reg=0.01, learning_rate=0.3, schedule="constant")  # fmt: skip
    record = train_run(config, digits, tmp_path / "averaged")
    plain = train_run(replace(config, average="none"), digits, tmp_path / "plain")
    _, validation = split(digits.train, config.validation)
    right = Model.load(tmp_path / "averaged").logits(validation.images).argmax(axis=1) == validation.labels
    last = read_history(RunFolder(tmp_path / "averaged").history)[-1]
    assert record["metrics"]["val_accuracy"] == last.val_accuracy == right.mean()
    assert record["config"]["average"] == "ema=0.9"
    assert record["unaveraged"] == {
        name: pytest.approx(plain["metrics"][name], rel=1e-5) for name in ("val_accuracy", "val_loss")
    }
    assert record["metrics"]["val_loss"] != pytest.approx(plain["metrics"]["val_loss"], rel=1e-3)
    assert "unaveraged" not in plain


def test_the_accuracy_before_averaging_stands_beside_the_other_everywhere(
    digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--data", "digits", "--preprocessing", "standardised", "--hidden", "20",
               "--initialisation", "he", "--learning-rate", "0.3", "--epochs", "2"]  # fmt: skip
    assert main([*command, "--out", "plain"]) == 0
    assert "averaging" not in capsys.readouterr().out
    assert main([*command, "--out", "averaged", "--average", "ema=0.9"]) == 0
    before = RunFolder(tmp_path / "plain").read_record()["metrics"]["val_accuracy"]
    reached = RunFolder(tmp_path / "averaged").read_record()["metrics"]["val_accuracy"]
    assert before != reached
    both = f"{percent(reached)} ({percent(before)} before averaging)"
    assert both in capsys.readouterr().out
    assert main(["compare", "plain", "averaged"]) == 0
    assert re.search(rf"before averaging\s+{percent(before)}", capsys.readouterr().out)
    assert main(["report", "averaged"]) == 0
    page = next(Path("averaged").rglob("*.html")).read_text()
    assert re.search(rf"{percent(reached)} \({percent(before)} before averaging\)", page.replace("\xa0", " "))
    assert "ema=0.9" in page


def test_before_the_last_epochs_the_weights_themselves_are_validated(digits: Dataset, tmp_path: Path) -> None:
    for average in ("none", "last=1"):
        train_run(small(average=average), digits, tmp_path / average)
    plain, averaged = (read_history(RunFolder(tmp_path / name).history) for name in ("none", "last=1"))
    losses = [row.val_loss for row in plain], [row.val_loss for row in averaged]
    assert losses[0][:2] == losses[1][:2]
    assert losses[0][2] != losses[1][2]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("average", ["ema=0.98", "last=1.5"])
@pytest.mark.parametrize("network", ["decayed", "whitened, dropout", "residual"])
def test_a_stopped_training_resumes_bit_for_bit(
    engine: str, average: str, network: str, digits: Dataset, tmp_path: Path
) -> None:
    """63 steps; the stops are before, in and at the end of the average."""
    config = settings_of(engine, average=average, precision="float32", **NETWORKS[network])
    train_run(config, digits, tmp_path / "whole")
    for stop in (1, 20, 31, 32, 50, 63):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "stopped", resume=True, callback=StopAfter(stop))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert differences(tmp_path / "whole", tmp_path / "stopped") == []


def forgets(state: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    return lambda engine: {k: v for k, v in state(engine).items() if not k.startswith("average.")}


def test_a_checkpoint_without_the_average_is_noticed(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fcnet.train.engine import NumpyEngine

    config = small(average="ema=0.98")
    train_run(config, digits, tmp_path / "whole")
    monkeypatch.setattr(NumpyEngine, "state", forgets(NumpyEngine.state))
    with pytest.raises(KeyboardInterrupt):
        train_run(config, digits, tmp_path / "stopped", callback=StopAfter(31))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert "model.safetensors" in differences(tmp_path / "whole", tmp_path / "stopped")


# Settings


@pytest.mark.parametrize(
    ("average", "message"),
    [
        ("ema=1", "average is 'ema=1', give ema=DECAY above 0 and below 1, such as ema=0.999"),
        ("ema=0", "average is 'ema=0', give ema=DECAY above 0 and below 1, such as ema=0.999"),
        ("ema=nan", "average is 'ema=nan', give NAME or NAME=VALUE with a number"),
        ("last=-1", "average is 'last=-1', give last=EPOCHS above 0, such as last=5"),
        ("none=1", "average is 'none=1', give none without a value"),
        ("emma", "average is 'emma', choose from 'none', 'ema', 'last' (did you mean 'ema'?)"),
        (3, "average is 3, give a name"),
    ],
)
def test_settings_without_a_meaning_are_one_line(average: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        TrainConfig(average=average)


@pytest.mark.parametrize("total", [1, 7, 63, 1000, 29_400])
@pytest.mark.parametrize(
    ("text", "memory"),
    [("ema", 1000), ("ema=0.9", 10), ("ema=0.99999999", 10**8), ("last", 105), ("last=0.001", 1),
     ("last=1e9", 10**9)],
)  # fmt: skip
def test_about_fifty_steps_of_the_memory_count_and_the_last_is_one(
    text: str, memory: int, total: int
) -> None:
    average = make_average(text, Length(21, total))
    assert average is not None
    counted = [step for step in range(1, total + 1) if average(step)]
    assert average(counted[0]) == 1
    assert all(0 < average(step) <= 1 for step in counted)
    assert counted[-1] == total
    gaps, memory = set(np.diff(counted)) or {1}, min(memory, total)
    assert len(gaps) == 1
    assert gaps == {1} or 33 * max(gaps) <= memory <= 75 * max(gaps)
    assert counted[0] <= (max(gaps) if text.startswith("ema") else total - memory + max(gaps))


def test_a_kind_of_your_own(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of steps 10 and 20."""
    monkeypatch.setitem(AVERAGES, "two", lambda length: lambda step: {10: 1.0, 20: 0.5}.get(step, 0.0))
    _, steps, found = trained(settings_of("numpy", average="two"), digits)
    assert distance(found, {name: (value + steps[19][name]) / 2 for name, value in steps[9].items()}) < 1e-12

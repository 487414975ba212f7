"""The PyTorch engine on a GPU of NVIDIA: the same numbers as NumPy's, the same bits after a stop.

python -m pytest tests/torch_net/test_cuda.py
"""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.data.dataset import Dataset, split
from fcnet.data.minibatches import minibatches
from fcnet.errors import TooLargeError
from fcnet.runs.testing import use_test_set
from fcnet.runs.training import train_run
from fcnet.torch_net.capture import Recording
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.hardware import has_bfloat16
from fcnet.torch_net.weights import gpu_scores
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit
from fcnet.train.model import Model
from fcnet.train.schedules import SCHEDULES
from run_folders import differences
from trainings import KINDS, StopAfter, small

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that PyTorch reaches by CUDA")

GPU = torch.device("cuda", 0)

RANDOM: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.3, "hidden": (20, 16)},
    "everything": {
        "dropout": 0.25, "hidden": (20, 16), "norm": "layernorm", "lasso": 1e-5, "optimiser": "nesterov",
        "preprocessing": "zca", "components": 40, "receptive_field": 3.0, "label_smoothing": 0.1,
        "average": "ema=0.9", "mirror": True, "shift": 1, "rotate": 10.0, "schedule": "cosine",
        "warmup_epochs": 0.5,
    },
    "mixed": {"mixup": 0.4, "cutout": 3, "rotate": 10.0, "label_smoothing": 0.1},
    "bank": {"preprocessing": "whitened", "components": 30, "mirror": True, "shift": 1, "bank": 2},
}  # fmt: skip
"""Trainings with random numbers that are drawn on the GPU, or with arrays that stay on it."""

SAME = {"float64": 1e-6, "float32": 1e-4, "bfloat16": 1e-2}
"""By precision, how far losses of the same training may be apart, of the loss."""


def on_gpu(precision: str = "float64", **settings: Any) -> TrainConfig:
    return small(engine="torch", device="cuda", precision=precision, **settings)


def make(config: TrainConfig, digits: Dataset, captures: bool = True) -> TorchEngine:
    train, _ = split(digits.train, config.validation)
    engine = TorchEngine(config, train, digits.image_shape, digits.classes, ProcessGroup(GPU))
    engine.captures = captures
    return engine


@pytest.mark.parametrize("kind", KINDS)
def test_the_gpu_trains_as_numpy_does(kind: str, digits: Dataset) -> None:
    """Two epochs in float64, most of their steps from a CUDA graph."""
    config = on_gpu(epochs=2, **KINDS[kind])
    train, validation = split(digits.train, config.validation)
    in_numpy = replace(config, engine="numpy", device="auto")
    numpy_engine = NumpyEngine(in_numpy, train, digits.image_shape, digits.classes)
    engine = make(config, digits)
    ours = Fit(numpy_engine, in_numpy, train, validation).run()
    theirs = Fit(engine, config, train, validation).run()
    assert engine._recording is not None
    assert engine._recording.graph is not None
    for mine, other in zip(ours, theirs, strict=True):
        # a learning rate is a float32 on the GPU
        assert other.loss == pytest.approx(mine.loss, rel=1e-5)
    for name, value in numpy_engine.weights().items():
        assert np.abs(engine.weights()[name] - value).max() <= 1e-5 * np.abs(value).max(), name


@pytest.mark.parametrize(
    "settings", [{"momentum": 0.9}, {"optimiser": "nesterov"}, {"momentum": 0.0}], ids=str
)
def test_a_learning_rate_of_zero_leaves_the_rest_to_momentum(
    settings: dict[str, Any], digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In single steps among recorded ones, and for a while; stopped there, it goes on bit for bit."""

    def resting(settings: Any, length: Any) -> Any:
        return lambda step: 0.0 if step % 7 == 6 or 50 <= step < 55 else 0.05 / (1 + 0.01 * step)

    monkeypatch.setitem(SCHEDULES, "resting", resting)
    config = on_gpu(epochs=4, schedule="resting", lasso=1e-6, evaluate_every=8, **settings)
    train, validation = split(digits.train, config.validation)
    in_numpy = replace(config, engine="numpy", device="auto")
    numpy_engine = NumpyEngine(in_numpy, train, digits.image_shape, digits.classes)
    engine = make(config, digits)
    Fit(numpy_engine, in_numpy, train, validation).run()
    Fit(engine, config, train, validation).run()
    assert engine._recording is not None
    for name, value in numpy_engine.weights().items():
        assert np.abs(engine.weights()[name] - value).max() <= 1e-5 * np.abs(value).max(), name
    train_run(config, digits, tmp_path / "whole")
    for stop in (6, 7, 27, 52):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "stopped", resume=True, callback=StopAfter(stop))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert differences(tmp_path / "whole", tmp_path / "stopped") == []


@pytest.mark.parametrize("kind", KINDS | RANDOM)
@pytest.mark.parametrize("precision", SAME)
def test_a_recorded_step_is_the_same_step(kind: str, precision: str, digits: Dataset) -> None:
    """Two epochs against steps that Python starts one by one, as with several GPUs."""
    config = on_gpu(precision, **(KINDS | RANDOM)[kind])
    recorded, usual = make(config, digits), make(config, digits, captures=False)
    for epoch in range(2):
        # a recorded step has the learning rate in float32
        rate = float(np.float32(config.learning_rate)) / 2**epoch
        for batch in minibatches(len(recorded.images.labels), 60, recorded.views, 0, epoch):
            losses = [float(engine.step(batch, rate)) for engine in (recorded, usual)]
            assert losses[0] == pytest.approx(losses[1], rel=SAME[precision])
    assert recorded._recording is not None


def test_garbage_is_not_collected_while_a_step_is_recorded(digits: Dataset) -> None:
    """It may hold the graph of an earlier training."""
    thresholds = gc.get_threshold()
    gc.disable()
    try:
        for _ in range(2):
            engine = make(on_gpu(), digits)
            for batch in minibatches(len(engine.images.labels), 60, engine.views, 0, 0):
                engine.step(batch, 0.05)
            assert engine._recording is not None
            del engine  # it and its recording hold each other
            gc.set_threshold(1, 1, 1)
            gc.enable()
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()


@pytest.mark.parametrize("kind", [*RANDOM, "two layers", "adam, smoothed"])
@pytest.mark.parametrize("precision", SAME)
def test_a_stopped_training_goes_on_bit_for_bit(
    kind: str, precision: str, digits: Dataset, tmp_path: Path
) -> None:
    if precision == "bfloat16" and not has_bfloat16(GPU):
        pytest.skip("no GPU that PyTorch reaches by CUDA multiplies bfloat16")
    config = on_gpu(precision, evaluate_every=8, **(KINDS | RANDOM)[kind])
    train_run(config, digits, tmp_path / "whole")
    for stop in (1, 20, 21, 22, 61):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "stopped", resume=True, callback=StopAfter(stop))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert differences(tmp_path / "whole", tmp_path / "stopped") == []


def test_the_test_on_the_gpu_is_that_on_the_cpu(digits: Dataset, tmp_path: Path) -> None:
    train_run(on_gpu("float32", hidden=(64, 32)), digits, tmp_path / "run")
    model = Model.load(tmp_path / "run")
    scores = gpu_scores(model.architecture, model.params)
    assert scores is not None
    images = digits.train.images[:500]
    expected = model.logits(images)
    assert np.abs(model.logits(images, scores) - expected).max() <= 1e-5 * np.abs(expected).max()
    assert use_test_set(tmp_path / "run", digits)["accuracy"] > 0.85


def test_memory_that_runs_out_in_a_recorded_step_is_one_line(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another program on the same GPU may cause, or a larger minibatch."""

    def full(self: Recording, *given: Any) -> Any:
        return torch.empty(2**50, dtype=torch.uint8, device=GPU)

    monkeypatch.setattr(Recording, "__call__", full)
    with pytest.raises(TooLargeError, match=r"^not enough memory on the GPU for this training"):
        train_run(on_gpu("float32"), digits, tmp_path / "run")


@pytest.mark.filterwarnings("default")  # torch's own, within its compiler
def test_a_compiled_training_ends_where_the_usual_one_does(digits: Dataset, tmp_path: Path) -> None:
    losses = []
    for compiled in (False, True):
        record = train_run(on_gpu("float32", compile=compiled), digits, tmp_path / str(compiled))
        losses.append(record["metrics"]["train_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)

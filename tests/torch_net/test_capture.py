"""A recorded step is the same step, and no step waits for its loss to be read.

Without a GPU nothing is recorded; all else is as there: the recording's own arrays, their filling, numbers as
tensors, other sizes, and losses that are read later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fcnet.data.dataset import Dataset, split
from fcnet.data.minibatches import Minibatch, minibatches
from fcnet.errors import DivergedError
from fcnet.torch_net.capture import FIRST, Recording
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.checkpoint import Checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.fit import UNREAD, Fit
from trainings import StopAfter, small

CPU = torch.device("cpu")


def make(config: TrainConfig, digits: Dataset, captures: bool) -> TorchEngine:
    train, _ = split(digits.train, 200)
    engine = TorchEngine(config, train, digits.image_shape, digits.classes, ProcessGroup(CPU))
    engine.captures = captures
    return engine


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.0},
        {"optimiser": "nesterov"},
        {"optimiser": "adamw", "learning_rate": 1e-3},
        {"dropout": 0.3},
        {"lasso": 1e-4},
        {"mixup": 0.4, "label_smoothing": 0.1},
        {"hidden": (20, 16, 12), "norm": "layernorm"},
    ],
    ids=lambda settings: " ".join(settings) or "momentum",
)
def test_recorded_steps_go_where_usual_steps_go(settings: dict[str, Any], digits: Dataset) -> None:
    """Over two epochs with a falling rate, each with a smaller minibatch at its end."""
    config = small(engine="torch", device="cpu", precision="float64", **settings)
    usual, recorded = (make(config, digits, captures) for captures in (False, True))
    step = 0
    for epoch in range(2):
        for batch in minibatches(len(recorded.images.labels), 60, recorded.views, 0, epoch):
            rate = config.learning_rate * 0.97**step
            losses = [float(engine.step(batch, rate)) for engine in (recorded, usual)]
            assert losses[0] == pytest.approx(losses[1], rel=1e-10)
            step += 1
    assert recorded._recording is not None
    for name, value in usual.weights().items():
        np.testing.assert_allclose(recorded.weights()[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.0}, {"optimiser": "nesterov"}], ids=str)
def test_recorded_steps_without_a_rate_go_where_usual_ones_go(
    settings: dict[str, Any], digits: Dataset
) -> None:
    config = small(engine="torch", device="cpu", precision="float64", **settings)
    usual, recorded = (make(config, digits, captures) for captures in (False, True))
    batch = Minibatch(np.arange(60), np.zeros(60, np.int64))
    for rate in [0.0, 0.05, 0.0, 0.05, 0.04, 0.03, 0.0, 0.0, 0.02, 0.01]:
        assert float(recorded.step(batch, rate)) == pytest.approx(float(usual.step(batch, rate)), rel=1e-10)
    assert recorded._recording is not None
    for name, value in usual.weights().items():
        np.testing.assert_allclose(recorded.weights()[name], value, rtol=1e-9, atol=1e-12)


def test_a_training_that_is_loaded_is_recorded_anew(digits: Dataset) -> None:
    """The recording holds the optimiser's old memory."""
    engine = make(small(engine="torch", device="cpu", precision="float64"), digits, captures=True)
    batch = Minibatch(np.arange(60), np.zeros(60, np.int64))
    for _ in range(FIRST + 1):
        engine.step(batch, 0.05)
    state = {name: value.copy() for name, value in engine.state().items()}
    after = [float(engine.step(batch, 0.05)) for _ in range(3)]
    engine.load_state(state)
    assert engine._recording is None
    assert [float(engine.step(batch, 0.05)) for _ in range(3)] == pytest.approx(after, rel=1e-12)


def test_a_recording_has_arrays_of_its_own() -> None:
    X, y = torch.ones(3, 2), torch.arange(3)
    recording = Recording(
        lambda X, parts, none, rate: X.sum() * rate + parts[0].sum(), (X, (y,), None, 2.0), CPU
    )
    assert float(recording(X, (y,), None, 2.0)) == 15
    assert float(recording(2 * X, (y + 1,), None, 3.0)) == 42
    assert (float(X.sum()), float(y.sum())) == (6, 3)
    assert recording.fits(X, (y,), None, 1.0)
    for other in [
        (X[:2], (y,), None, 1.0),
        (X.double(), (y,), None, 1.0),
        (X, (y,), [X], 1.0),
        (X, y, None, 1.0),
    ]:
        assert not recording.fits(*other)


class Later:
    """A loss that is still being computed."""

    read = 0

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def __float__(self) -> float:
        Later.read += 1
        return float(self.loss)


class Ahead(TorchEngine):
    """As on a GPU: the loss is known later. One step spoils the weights."""

    spoilt = 0
    done = 0

    def step(self, batch: Minibatch, learning_rate: float) -> Any:
        self.done += 1
        if self.done == self.spoilt:
            with torch.no_grad():
                self.network.layers[0].weight.fill_(torch.nan)
        loss = super().step(batch, learning_rate)
        self.reads.append(Later.read)
        return Later(loss)

    reads: list[int]


def ahead(digits: Dataset, spoilt: int = 0, saved: list[Checkpoint] | None = None) -> tuple[Fit, Ahead]:
    config = small(engine="torch", device="cpu", precision="float64", batch_size=10, epochs=1)
    train, validation = split(digits.train, 200)
    engine = Ahead(config, train, digits.image_shape, digits.classes, ProcessGroup(CPU))
    engine.spoilt, engine.reads, Later.read = spoilt, [], 0
    save = None if saved is None else lambda checkpoint, _: saved.append(checkpoint)
    return Fit(engine, config, train, validation, save=save), engine


def test_losses_are_read_now_and_then_and_all_of_them(digits: Dataset) -> None:
    fit, engine = ahead(digits)
    history = fit.run()
    assert set(engine.reads) == {0, *range(1, fit.total, UNREAD)}
    assert Later.read == fit.total > 2 * UNREAD
    usual = Fit(make(fit.config, digits, captures=False), fit.config, *split(digits.train, 200)).run()
    assert history[-1].loss == usual[-1].loss


@pytest.mark.parametrize("spoilt", [1, 2, UNREAD + 7])
def test_a_divergence_that_is_seen_later_names_its_step(spoilt: int, digits: Dataset) -> None:
    saved: list[Checkpoint] = []
    fit, engine = ahead(digits, spoilt, saved)
    rate = fit.schedule(spoilt - 1)
    with pytest.raises(
        DivergedError, match=f"became nan in step {spoilt} of {fit.total} at learning rate {rate:g}"
    ):
        fit.run()
    assert spoilt <= engine.done <= spoilt + UNREAD
    assert all(np.isfinite(value).all() for value in engine.weights().values())
    assert all(np.isfinite(value).all() for one in saved for value in one.state.values())


def test_a_step_that_is_stopped_keeps_the_losses_before_it(digits: Dataset) -> None:
    saved: list[Checkpoint] = []
    fit, _ = ahead(digits, saved=saved)
    fit.callback = StopAfter(7)
    with pytest.raises(KeyboardInterrupt):
        fit.run()
    assert saved[-1].step == len(saved[-1].losses) == 7

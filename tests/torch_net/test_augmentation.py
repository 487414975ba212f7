"""The same minibatches in both engines, to the bit before the first product, and trainings that agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.data.augmentation import AUGMENTATIONS, Batch, MixedLabels, Mixup, Pipeline
from fcnet.data.dataset import Dataset, split
from fcnet.data.minibatches import Minibatch, minibatches
from fcnet.runs.training import train_run
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.images import DeviceImages
from fcnet.torch_net.weights import parameters_of
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from run_folders import differences
from trainings import StopAfter, small

CPU = torch.device("cpu")

ALL: dict[str, Any] = {
    "mirror": True, "shift": 1, "rotate": 10.0, "zoom": 0.1, "cutout": 3, "augment": ("noise=0.2",),
    "mixup": 0.4, "label_smoothing": 0.1,
}  # fmt: skip


class Noise:
    """An augmentation as a user writes one, with NumPy alone."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        assert isinstance(batch.X, np.ndarray)
        batch.X += self.spread * rng.standard_normal(batch.X.shape)


class Anew(Noise):
    """The same with a new array of float64, whatever X is of."""

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        batch.X = batch.X + self.spread * rng.standard_normal(batch.X.shape)


class OnDevice(Noise):
    """The same, written for tensors too."""

    on_device = True

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        batch.X += batch.array(self.spread * rng.standard_normal(tuple(batch.X.shape)))


@pytest.fixture(autouse=True)
def _noise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, augmentation in {"noise": Noise, "anew": Anew, "on-device": OnDevice}.items():
        monkeypatch.setitem(AUGMENTATIONS, name, augmentation)


def engines(config: TrainConfig, digits: Dataset) -> tuple[NumpyEngine, TorchEngine]:
    train, _ = split(digits.train, 200)
    return (
        NumpyEngine(config, train, digits.image_shape, digits.classes),
        TorchEngine(config, train, digits.image_shape, digits.classes, ProcessGroup(CPU)),
    )


def steps_of(engine: NumpyEngine, count: int) -> list[Minibatch]:
    return list(islice(minibatches(len(engine.labels), 60, engine.views, seed=0, epoch=1), count))


def given_by_numpy(engine: NumpyEngine, batch: Minibatch) -> tuple[Any, Any]:
    """What the NumPy network is given, by name of the array."""
    kept: list[Any] = []

    def step(X: Any, targets: Any, *rest: Any) -> float:
        kept.extend((X.scale * X.stored, targets))
        return 0.0

    engine.network.step = step  # type: ignore[method-assign,assignment]
    engine.step(batch, 0.1)
    return kept[0], kept[1]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("preprocessing", ["centred", "standardised", "whitened"])
@pytest.mark.parametrize("user", ["noise=0.2", "anew=0.2", "on-device=0.2"])
def test_both_engines_are_given_the_same_minibatches(
    precision: Any, preprocessing: Any, user: str, digits: Dataset
) -> None:
    own: dict[str, Any] = {"precision": precision, "preprocessing": preprocessing, "components": 30}
    ours, theirs = engines(small(**ALL | own | {"augment": (user,)}), digits)
    for batch in steps_of(ours, 3):
        X, targets = given_by_numpy(ours, batch)
        Y, others = theirs.images.batch(batch)
        if preprocessing == "whitened":  # one more product, which adds in another order
            scale = np.abs(X).max()
            np.testing.assert_allclose(Y.numpy(), X, atol=scale * (1e-12 if precision == "float64" else 1e-5))
        else:
            np.testing.assert_array_equal(Y.numpy(), X)
        assert Y.dtype == getattr(torch, precision)
        for mine, other in zip(targets, others, strict=True):
            np.testing.assert_array_equal(other.numpy(), mine.astype(other.numpy().dtype))


def test_a_users_augmentation_is_the_same_however_it_is_written(digits: Dataset) -> None:
    inputs = []
    for name in ("noise", "anew", "on-device"):
        _, engine = engines(small(**ALL | {"augment": (f"{name}=0.2",), "precision": "float64"}), digits)
        batch = next(minibatches(len(engine.images.labels), 60, engine.views, 0, 1))
        inputs.append(engine.images.batch(batch)[0].numpy())
    np.testing.assert_array_equal(inputs[1], inputs[0])
    np.testing.assert_array_equal(inputs[2], inputs[0])


@pytest.mark.parametrize(
    "without",
    [None, "cutout", "mixup", "augment", "shift", "label_smoothing"],
    ids=lambda name: name or "all",
)
@pytest.mark.parametrize("hidden", [(24,), (16, 14, 12)], ids=len)
def test_ten_steps_with_every_augmentation_lead_to_the_same_weights(
    without: str | None, hidden: tuple[int, ...], digits: Dataset
) -> None:
    """In float64, from the same weights; `without` leaves one augmentation out."""
    chosen = {name: value for name, value in ALL.items() if name != without}
    ours, theirs = engines(small(precision="float64", hidden=hidden, **chosen), digits)
    for batch in steps_of(ours, 10):
        loss = ours.step(batch, 0.05)
        assert theirs.step(batch, 0.05) == pytest.approx(loss, rel=1e-10)
    for name, value in parameters_of(theirs.network).items():
        expected = ours.network.params[name]
        assert np.abs(value - expected).max() <= 1e-10 * np.abs(expected).max(), name


class ForgetsTheTargets(Mixup):
    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        labels = batch.labels
        super().__call__(batch, rng)
        if not isinstance(batch.X, np.ndarray):
            batch._mixed = MixedLabels(labels, labels, np.ones(len(labels)))


class OtherDraws(Mixup):
    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        if not isinstance(batch.X, np.ndarray):
            rng.random()
        super().__call__(batch, rng)


class OtherPartners(Mixup):
    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        super().__call__(batch, rng)
        if not isinstance(batch.X, np.ndarray):
            batch.X = batch.X.roll(1, 0)


@pytest.mark.parametrize("wrong", [ForgetsTheTargets, OtherDraws, OtherPartners])
def test_an_engine_that_mixes_otherwise_is_seen(
    wrong: type[Mixup], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(AUGMENTATIONS, "mixup", wrong)
    ours, theirs = engines(small(precision="float64", **ALL), digits)
    batch = steps_of(ours, 1)[0]
    assert abs(theirs.step(batch, 0.05) / ours.step(batch, 0.05) - 1) > 1e-4


# Stopped and resumed


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Several add up in an order that differs from run to run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_one_thread")
def test_a_training_stopped_in_the_middle_of_an_epoch_goes_on_bit_for_bit(
    digits: Dataset, tmp_path: Path
) -> None:
    config = small(engine="torch", device="cpu", epochs=2, dropout=0.2, **ALL)
    train_run(config, digits, tmp_path / "whole")
    for step in (1, 13, 20, 22, 35):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "stopped", resume=True, listener=StopAfter(step))
    train_run(config, digits, tmp_path / "stopped", resume=True)
    assert differences(tmp_path / "whole", tmp_path / "stopped") == []


# Several workers


def share_before(images: DeviceImages, batch: Minibatch, mine: slice) -> Any:
    """What a worker would be given that knows its own rows alone: another mixture."""
    return images.batch(Minibatch(batch.rows[mine], batch.views[mine], batch.origin))


def share_after(images: DeviceImages, batch: Minibatch, mine: slice) -> Any:
    return images.batch(batch, mine)


def assert_shares_are_the_whole(share: Callable[..., Any], workers: int, digits: Dataset) -> None:
    train, _ = split(digits.train, 200)
    config = small(precision="float64", **ALL)
    _, engine = engines(config, digits)
    batch = next(minibatches(len(train), 61, engine.views, 0, 1))
    X, targets = engine.images.batch(batch)
    for rank in range(workers):
        mine = slice(rank, None, workers)
        part, own = share(engine.images, batch, mine)
        np.testing.assert_array_equal(part.numpy(), X[mine].numpy())
        for ours, whole in zip(own, targets, strict=True):
            np.testing.assert_array_equal(ours.numpy(), whole[mine].numpy())


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_share_one_augmented_minibatch(workers: int, digits: Dataset) -> None:
    assert_shares_are_the_whole(share_after, workers, digits)


def test_workers_that_mix_among_their_own_rows_are_seen(digits: Dataset) -> None:
    with pytest.raises(AssertionError):
        assert_shares_are_the_whole(share_before, 2, digits)


# Without augmentations


def test_images_are_left_alone(digits: Dataset) -> None:
    """The training images are shared with PyTorch on the CPU, and augmentations work in place."""
    before = digits.train.images.copy()
    _, engine = engines(small(**ALL), digits)
    for batch in minibatches(len(engine.images.labels), 60, engine.views, 0, 1):
        engine.step(batch, 0.05)
    np.testing.assert_array_equal(digits.train.images, before)


def test_no_augmentation_takes_the_short_way(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a deformation: each worker picks its own rows, and the labels stay on the device."""
    _, engine = engines(small(mirror=True, shift=1), digits)
    monkeypatch.setattr(Pipeline, "__call__", None)
    batch = next(minibatches(len(engine.images.labels), 60, engine.views, 0, 1))
    X, y = engine.images.batch(batch, slice(1, None, 3))
    assert isinstance(y, torch.Tensor)
    np.testing.assert_array_equal(y.numpy(), engine.images.labels.numpy()[batch.rows[1::3]])
    assert len(X) == 20

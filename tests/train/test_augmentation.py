"""Cutout and mixup do what their papers say, draws follow from (seed, epoch, step), names are checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.data.augmentation import AUGMENTATIONS, Batch, Cutout, MixedLabels, Mixup, Pipeline
from fcnet.data.dataset import Dataset, Part, split
from fcnet.data.deformation import Deformation
from fcnet.data.minibatches import Minibatch, minibatches
from fcnet.errors import DataError
from fcnet.runs.training import read_config
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from trainings import small

SHAPE = (3, 9, 12)


def batch_of_ones(B: int, shape: tuple[int, int, int] = SHAPE) -> Batch:
    return Batch(np.ones((B, shape[0] * shape[1] * shape[2])), np.zeros(B, np.int64), shape)


def batch_of_labels(B: int, K: int, seed: int = 0, dtype: Any = np.float64) -> Batch:
    """Inputs that say what the label is: whatever mixes inputs and targets alike keeps them equal."""
    labels = np.random.default_rng([7, seed]).integers(K, size=B)
    return Batch(np.eye(K, dtype=dtype)[labels], labels, (1, 1, K))


# Cutout


def assert_a_square_each(cutout: Callable[[Batch, np.random.Generator], None], size: int) -> None:
    """Hold what a cutout does to 4,000 images against what it should do."""
    batch = batch_of_ones(4000)
    X = batch.X
    cutout(batch, np.random.default_rng(1))
    assert batch.X is X
    assert set(np.unique(X)) <= {0.0, 1.0}
    images = batch.images
    assert (images == images[:, :1]).all()  # all channels alike
    out = images[:, 0] == 0
    rows, columns = out.any(axis=2), out.any(axis=1)
    assert (out == rows[:, :, None] & columns[:, None, :]).all()  # a rectangle
    for inside in (rows, columns):
        length = inside.shape[1]
        assert (np.abs(np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(int))).sum(axis=1) == 2).all()
        counts = inside.sum(axis=1)
        # the middle is equally often at each place: how many pixels are left of the square at each
        first = np.arange(length) - size // 2
        expected = np.clip(first + size, 0, length) - np.clip(first, 0, length)
        assert counts.min() == expected.min()
        assert counts.max() == expected.max() == min(size, length)
        deviation = expected.std() / np.sqrt(len(counts))
        assert abs(counts.mean() - expected.mean()) <= 4.5 * deviation
    area, wanted = out.sum(axis=(1, 2)), rows.sum(axis=1) * columns.sum(axis=1)
    np.testing.assert_array_equal(area, wanted)
    together = np.corrcoef(rows.argmax(axis=1), columns.argmax(axis=1))[0, 1]
    assert abs(together) < 0.08  # rows and columns are drawn apart


@pytest.mark.parametrize("size", [2, 3, 4, 5, 9])
def test_cutout_sets_a_square_of_each_image_to_zero(size: int) -> None:
    assert_a_square_each(Cutout(size), size)


def test_every_pixel_is_the_middle_equally_often() -> None:
    """12,960 squares of one pixel on 108 pixels: each is expected 120 times, with a deviation of 10.9."""
    batch = batch_of_ones(12960)
    Cutout(1)(batch, np.random.default_rng(0))
    counts = (batch.images[:, 0] == 0).sum(axis=0)
    assert counts.sum() == 12960
    assert np.abs(counts - 120).max() < 55


class Small(Cutout):
    def _inside(self, middles: Any, length: int) -> Any:
        return Cutout(self.size - 1)._inside(middles, length)


class NeverSticksOut(Cutout):
    def _inside(self, middles: Any, length: int) -> Any:
        return Cutout._inside(self, middles.clip(self.size // 2, length - self.size + self.size // 2), length)


class OneForAll(Cutout):
    def _inside(self, middles: Any, length: int) -> Any:
        return Cutout._inside(self, np.full_like(middles, middles[0]), length)


class OneChannel(Cutout):
    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        kept = batch.images[:, 1:].copy()
        super().__call__(batch, rng)
        batch.images[:, 1:] = kept


class Diagonal(Cutout):
    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        middles = rng.integers(min(SHAPE[1:]), size=len(batch.labels))
        rows, columns = (self._inside(middles, length) for length in SHAPE[1:])
        batch.X[:] = (batch.images * ~(rows[:, None, :, None] & columns[:, None, None, :])).reshape(
            batch.X.shape
        )


@pytest.mark.parametrize("wrong", [Small, NeverSticksOut, OneForAll, OneChannel, Diagonal])
def test_wrong_cutouts_are_rejected(wrong: type[Cutout]) -> None:
    with pytest.raises(AssertionError):
        assert_a_square_each(wrong(4), 4)


@pytest.mark.parametrize("size", [-1, 10, 40])
def test_a_square_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(DataError, match=rf"^cutout is {size}, choose from 1 to 9 pixels$"):
        Pipeline.of({"cutout": size}, SHAPE)


# Mixup


def assert_mixed_alike(mixup: Callable[[Batch, np.random.Generator], None], B: int = 60, K: int = 5) -> None:
    """Inputs that are the targets stay the targets, and lie between their two examples."""
    batch = batch_of_labels(B, K)
    before, labels = batch.X.copy(), batch.labels.copy()
    mixup(batch, np.random.default_rng(3))
    targets = batch.targets
    assert isinstance(targets, MixedLabels)
    np.testing.assert_array_equal(targets.labels, labels)
    weight = targets.weight[:, None]
    assert ((weight >= 0) & (weight <= 1)).all()
    mixed = weight * np.eye(K)[targets.labels] + (1 - weight) * np.eye(K)[targets.partners]
    np.testing.assert_allclose(batch.X, mixed, atol=1e-15)
    np.testing.assert_allclose(mixed.sum(axis=1), 1)
    assert (targets.partners != labels).any()
    assert sorted(targets.partners) == sorted(labels)  # each example is the partner of one
    assert np.ptp(targets.weight) > 0.5  # each pair has its own
    np.testing.assert_array_equal(before, np.eye(K)[labels])


def test_mixup_mixes_inputs_and_targets_alike() -> None:
    assert_mixed_alike(Mixup(0.5))


@given(
    B=st.integers(1, 8), D=st.integers(1, 5), alpha=st.floats(0.01, 10), seed=st.integers(0, 2**32),
    dtype=st.sampled_from([np.float32, np.float64]), spare=st.booleans(),
)  # fmt: skip
@settings(deadline=None)
def test_a_mixture_is_between_its_two_examples(
    B: int, D: int, alpha: float, seed: int, dtype: Any, spare: bool
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((B, D)).astype(dtype)
    labels = np.arange(B)  # so that the partner's label is its place
    batch = Batch(X.copy(), labels, (1, 1, D), np.empty_like(X) if spare else None)
    Mixup(alpha)(batch, rng)
    targets = batch.targets
    assert isinstance(targets, MixedLabels)
    partner = X[targets.partners]
    slack = 4 * np.finfo(dtype).eps * np.maximum(np.abs(X), np.abs(partner))
    assert (np.minimum(X, partner) - slack <= batch.X).all()
    assert (np.maximum(X, partner) + slack >= batch.X).all()
    assert batch.X.dtype == dtype


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_weights_are_from_the_beta_distribution(alpha: float) -> None:
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1)), of 20,000 weights."""
    batch = Batch(np.zeros((20000, 1)), np.zeros(20000, np.int64), (1, 1, 1))
    Mixup(alpha)(batch, np.random.default_rng(0))
    targets = batch.targets
    assert isinstance(targets, MixedLabels)
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(targets.weight.mean() - 0.5) < 4.5 * np.sqrt(variance / 20000)
    assert targets.weight.var() == pytest.approx(variance, rel=0.05)


def forgets_the_targets(batch: Batch, rng: np.random.Generator) -> None:
    labels = batch.labels
    Mixup(0.5)(batch, rng)
    batch._mixed = MixedLabels(labels, labels, np.ones(len(labels)))


def forgets_the_inputs(batch: Batch, rng: np.random.Generator) -> None:
    kept = batch.X.copy()
    Mixup(0.5)(batch, rng)
    batch.X[:] = kept


def swaps_the_weights(batch: Batch, rng: np.random.Generator) -> None:
    Mixup(0.5)(batch, rng)
    targets = batch.targets
    assert isinstance(targets, MixedLabels)
    batch._mixed = targets._replace(weight=1 - targets.weight)


def mixes_what_is_mixed_already(batch: Batch, rng: np.random.Generator) -> None:
    partners = rng.permutation(len(batch.labels))
    weight = rng.beta(0.5, 0.5, size=len(partners))
    batch.X *= weight[:, None]
    batch.X += (1 - weight)[:, None] * batch.X[partners]
    batch._mixed = MixedLabels(batch.labels, batch.labels[partners], weight)


def one_weight_for_all(batch: Batch, rng: np.random.Generator) -> None:
    batch.mix(rng.permutation(len(batch.labels)), np.full(len(batch.labels), 0.3))


def nobody_else(batch: Batch, rng: np.random.Generator) -> None:
    batch.mix(np.arange(len(batch.labels)), rng.random(len(batch.labels)))


@pytest.mark.parametrize(
    "wrong",
    [
        forgets_the_targets, forgets_the_inputs, swaps_the_weights, mixes_what_is_mixed_already,
        one_weight_for_all, nobody_else,
    ],
)  # fmt: skip
def test_wrong_mixups_are_rejected(wrong: Callable[[Batch, np.random.Generator], None]) -> None:
    with pytest.raises(AssertionError):
        assert_mixed_alike(wrong)


def test_targets_are_mixed_once() -> None:
    batch = batch_of_labels(6, 3)
    Mixup(1.0)(batch, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"^two augmentations mix the targets, such as mixup; choose one"):
        Mixup(1.0)(batch, np.random.default_rng(0))


# Draws


def draws(batch: Minibatch) -> list[int]:
    return batch.generator().integers(2**32, size=4).tolist()


def test_draws_follow_from_seed_epoch_and_step() -> None:
    whole = [draws(batch) for batch in minibatches(50, 10, 3, seed=4, epoch=2)]
    assert [draws(batch) for batch in minibatches(50, 10, 3, seed=4, epoch=2)] == whole
    for skip in range(5):  # a training resumed in the middle of the epoch
        tail = minibatches(50, 10, 3, seed=4, epoch=2, skip=skip)
        assert [draws(batch) for batch in tail] == whole[skip:]
    others = [
        draws(b) for seed, epoch in ((4, 3), (5, 2), (2, 4)) for b in minibatches(50, 10, 3, seed, epoch)
    ]
    assert len({tuple(numbers) for numbers in whole + others}) == len(whole + others)


def test_draws_are_not_those_that_the_order_is_made_of() -> None:
    """NumPy's seeds [4, 2] and [4, 2, 0] are the same."""
    step = next(minibatches(50, 10, 3, seed=4, epoch=2))
    assert draws(step) != np.random.default_rng([4, 2]).integers(2**32, size=4).tolist()
    assert np.random.default_rng([4, 2]).random() == np.random.default_rng([4, 2, 0]).random()


# Names and settings


def noise(spread: float = 0.1) -> Callable[[Batch, np.random.Generator], None]:
    """An augmentation as a user writes one; it puts a new array in the place of X, of NumPy's usual type."""

    def add(batch: Batch, rng: np.random.Generator) -> None:
        batch.X = batch.X + spread * rng.standard_normal(batch.X.shape)

    return add


@pytest.fixture
def _noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AUGMENTATIONS, "noise", noise)


@pytest.mark.usefixtures("_noise")
def test_the_settings_name_what_is_done_in_order() -> None:
    config = TrainConfig(mixup=0.2, augment=("noise=.5", "rotate=3"), zoom=0.1, mirror=True, cutout=4)
    assert list(config.augmentations.items()) == [
        ("mirror", None), ("rotate", 3), ("zoom", 0.1), ("cutout", 4), ("noise", 0.5), ("mixup", 0.2),
    ]  # fmt: skip
    pipeline = Pipeline.of(config.augmentations, SHAPE)
    assert pipeline.deformation == Deformation(True, 0, 3, 0.1)
    assert [type(step).__name__ for step in pipeline.steps] == ["Cutout", "function", "Mixup"]
    assert TrainConfig().augmentations == {}
    assert TrainConfig(augment=("noise=0",)).augmentations == {"noise": 0}


@pytest.mark.usefixtures("_noise")
def test_one_augmentation_is_one_setting(tmp_path: Path) -> None:
    named = TrainConfig(augment=("shift=3", "mirror", "noise=0.10", "cutout=2", "mixup=1"))
    assert named == TrainConfig(shift=3, mirror=True, cutout=2, mixup=1, augment=("noise=0.1",))
    assert replace(named, shift=1).shift == 1
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(named.to_dict()))
    assert read_config(path) == named
    assert tomllib.loads(path.read_text())["augment"] == ["noise=0.1"]


@pytest.mark.usefixtures("_noise")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"augment": ["blur=3"]}, "'blur' is not a known augmentation, choose from mirror, shift, rotate, "
            "zoom, cutout, mixup, noise, or add it to AUGMENTATIONS first"),
        ({"augment": ["noise=loud"]}, "augment is 'noise=loud', give NAME or NAME=VALUE with a number"),
        ({"augment": ["noise=nan"]}, "augment is 'noise=nan', give NAME or NAME=VALUE with a number"),
        ({"augment": ["noise=1", "noise=2"]}, "augment is 'noise=2', give noise once"),
        ({"augment": ["shift=2"], "shift": 3}, "augment is 'shift=2', give shift once, it is 3 already"),
        ({"augment": ["shift"]}, "shift is True, give a whole number of at least 0"),
        ({"augment": ["mirror=2"]}, "mirror is 2, give true or false"),
        ({"augment": "noise"}, "augment is 'noise', give a list of NAME or NAME=VALUE"),
        ({"augment": [3]}, "augment is [3], give a list of NAME or NAME=VALUE"),
        ({"cutout": 1.5}, "cutout is 1.5, give a whole number of at least 0"),
        ({"cutout": -1}, "cutout is -1, give a whole number of at least 0"),
        ({"mixup": -0.1}, "mixup is -0.1, give a number of at least 0"),
        ({"mixup": float("inf")}, "mixup is inf, give a number of at least 0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_what_cannot_be_is_refused_in_both_engines(wrong: dict[str, Any], message: str, engine: str) -> None:
    with pytest.raises(DataError, match=f"^config.toml: {re.escape(message)}$"):
        TrainConfig.from_dict({"engine": engine} | wrong, "config.toml")


def test_a_value_too_many_or_too_few_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AUGMENTATIONS, "flip", lambda: None)
    monkeypatch.setitem(AUGMENTATIONS, "blur", lambda width: None)
    with pytest.raises(DataError, match=r"^the augmentation flip takes no value, give flip$"):
        TrainConfig(augment=("flip=1",))
    with pytest.raises(DataError, match=r"^the augmentation blur takes a value, give blur=VALUE$"):
        TrainConfig(augment=("blur",))


@pytest.mark.parametrize(
    "name", ["mirror", "shift=1", "rotate=1", "zoom=0.1", "cutout=1"], ids=lambda name: name.split("=")[0]
)
def test_what_is_for_images_is_refused_for_rows_of_numbers(name: str) -> None:
    config = TrainConfig(augment=(name,))
    message = f"{name.split('=')[0]} is for images, and these are rows of 6 numbers, leave it out"
    with pytest.raises(DataError, match=f"^{message}$"):
        Pipeline.of(config.augmentations, (1, 1, 6))


@pytest.mark.usefixtures("_noise")
def test_rows_of_numbers_can_be_mixed_and_made_noisy() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 6)).astype(np.float32), rng.integers(3, size=80)
    config = small(mixup=0.4, augment=("noise",), validation=10)
    engine = NumpyEngine(config, Part(X, y), (1, 1, 6), ("a", "b", "c"))
    losses = [engine.step(b, 0.05) for b in minibatches(80, 20, engine.views, 0, 0)]
    plain = NumpyEngine(small(validation=10), Part(X, y), (1, 1, 6), ("a", "b", "c"))
    assert np.isfinite(losses).all()
    assert losses[0] != plain.step(next(minibatches(80, 20, 1, 0, 0)), 0.05)


# In a training


@pytest.mark.parametrize("preprocessing", ["centred", "standardised", "symmetric", "whitened"])
def test_an_augmentation_sees_what_preprocessing_makes_of_the_pixels(
    preprocessing: Any, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the whitening, and divided by the scale; what it changes is what the network is given."""
    seen: list[Any] = []

    def spy(batch: Batch, rng: np.random.Generator) -> None:
        seen.append((batch.X.copy(), batch.labels.copy(), batch.image_shape))
        batch.X *= 2

    monkeypatch.setitem(AUGMENTATIONS, "spy", lambda: spy)
    train, _ = split(digits.train, 200)
    config = small(preprocessing=preprocessing, components=30, precision="float64", augment=("spy",))
    engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    given: list[Any] = []
    monkeypatch.setattr(
        engine.network, "step", lambda X, y, *rest: given.append((X.scale * X.stored.copy(), y)) or 0.0
    )
    batch = next(minibatches(len(train), 60, 1, 0, 0))
    engine.step(batch, 0.1)
    expected = engine.inputs.preprocessing(train.images[batch.rows], np.float64)
    np.testing.assert_allclose(seen[-1][0], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(seen[-1][1], train.labels[batch.rows])
    assert seen[-1][2] == digits.image_shape
    if engine.inputs.projection is not None:
        expected = expected @ engine.inputs.projection
    np.testing.assert_allclose(given[0][0], 2 * expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(given[0][1], train.labels[batch.rows])

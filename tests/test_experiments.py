"""The measurements of the diagnosis say what they are said to say; the recipes change one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fcnet.data.dataset import Part
from fcnet.data.digits import load_digits
from fcnet.data.preprocessing import Preprocessing
from fcnet.experiments.diagnosis import Watch, diagnose, effective_rank, straight_line_share
from fcnet.experiments.ladder import climb
from fcnet.experiments.recipes import DEEP, DEFAULT, QUICK, RECIPES, TUNED, ladder, suited
from fcnet.net.architecture import Architecture
from fcnet.protocol.recipe import config_of, read_recipe
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation
from fcnet.train.model import Model

RECIPE_FILES = Path(__file__).resolve().parents[1] / "recipes"


def test_a_straight_line_explains_itself_and_no_noise() -> None:
    x = np.arange(200)
    rng = np.random.default_rng(0)
    assert straight_line_share(x, 3 - 0.5 * x) == pytest.approx(1)
    assert straight_line_share(x, rng.standard_normal(200)) < 0.05
    assert 0.5 < straight_line_share(x, np.exp(-x / 50)) < 0.95


def test_updates_are_measured_on_the_weights_that_the_network_uses(tmp_path: Path) -> None:
    """Weight decay is kept as a factor beside the array, which must be neither a line nor left out."""
    digits, watch = load_digits(), Watch(every=1)
    config = TrainConfig(hidden=(6,), iterations=1, reg=50.0, learning_rate=1e-3, validation=100)
    train_run(config, digits, tmp_path, callback=watch)
    assert watch.initial is not None
    (row,) = watch.updates
    before, after = watch.initial.params, Model.load(tmp_path).params
    change = {
        name: np.linalg.norm(after[name] - W) / np.linalg.norm(W) for name, W in before.items() if W.ndim == 2
    }
    assert row == {"step": 1, "W1": pytest.approx(change["W1"]), "W2": pytest.approx(change["W2"])}
    assert row["W1"] > 0.09  # decay alone changes weights by 2 alpha lambda = 0.1


def test_the_effective_rank_counts_different_columns() -> None:
    rng = np.random.default_rng(0)
    one = np.outer(rng.standard_normal(30), rng.standard_normal(8))
    assert effective_rank(one) == pytest.approx(1)
    assert effective_rank(np.linalg.qr(rng.standard_normal((30, 8)))[0]) == pytest.approx(8)
    assert 1 < effective_rank(one + 0.1 * rng.standard_normal((30, 8))) < 7
    assert effective_rank(5 * one) == pytest.approx(1)


def sentences(losses: list[float], train: float, val: float, update: float, rank: int) -> list[str]:
    """The diagnosis of a made-up run of 50 hidden units."""
    rng = np.random.default_rng(0)
    history = [
        Evaluation(20 * (i + 1), 0.1 * i, 0.1 * i, 1e-4, loss, loss, train, val, loss)
        for i, loss in enumerate(losses)
    ]
    metrics = {"train_accuracy": train, "val_accuracy": val}
    W1 = rng.standard_normal((300, rank)) @ rng.standard_normal((rank, 50))
    initial, final = (model_with(scale * W1) for scale in (0.5, 1.0))
    updates = [{"step": 1.0, "W1": update, "W2": update}, {"step": 21.0, "W1": 4e-3, "W2": 4e-3}]
    return [finding.sentence for finding in diagnose(metrics, history, updates, initial, final)]


def model_with(W1: NDArray[np.float64]) -> Model:
    params = {"W1": W1, "b1": np.zeros(50), "W2": np.zeros((50, 2)), "b2": np.zeros(2)}
    return Model(
        Architecture.plain((300, 50, 2)),
        params,
        Preprocessing(np.zeros(300, np.float32)),
        ("a", "b"),
        (3, 10, 10),
    )


def test_the_diagnosis_finds_the_symptoms_of_the_default_run() -> None:
    line, gap, pictures, update = sentences(list(np.linspace(2.3, 1.9, 30)), 0.29, 0.30, 4e-4, rank=3)
    assert "almost in a straight line" in line
    assert "the steps are too small" in line
    assert "nothing is overfitted" in gap
    assert "blurs without structure" in pictures
    assert "50 % of their size" in pictures
    assert "below the 1e-3 of a healthy training" in update
    assert "larger because the weights stay small" in update


def test_the_diagnosis_does_not_find_them_in_a_run_that_has_none() -> None:
    losses = [2.3 * np.exp(-i) + 0.5 for i in range(30)]
    line, gap, pictures, update = sentences(losses, 0.80, 0.60, 5e-3, rank=50)
    assert "levelling off" in line
    assert "too small" not in line
    assert "20.0 points above" in gap
    assert "blurs" not in pictures
    assert "below" not in update
    assert "weights stay small" not in update


def test_the_diagnosis_of_a_run_that_never_began_says_so() -> None:
    line, _, _, update = sentences(list(np.linspace(2.303, 2.300, 30)), 0.1, 0.1, 1e-5, rank=50)
    assert "hardly begun" in line
    assert "does not fall by 1 %" in update


def test_the_ladder_starts_at_the_default_and_every_rung_changes_something() -> None:
    rungs = [config for _, config in ladder()]
    assert rungs[0] == replace(DEFAULT, iterations=980, evaluate_every=None)
    assert len(set(rungs)) == len(rungs) == len(ladder())
    assert {config.iterations for config in rungs} == {980}
    last = rungs[-1]
    assert last.momentum > 0
    for name in ("preprocessing", "schedule", "mirror", "shift"):
        assert getattr(last, name) == getattr(TUNED, name)


def test_the_recipes_of_records_are_those_of_the_command() -> None:
    """`--recipe deep` is one of the nets of fifteen minutes, `--recipe tuned` the net of five, in NumPy."""
    deep, tuned = (
        config_of(read_recipe(RECIPE_FILES / name), 0) for name in ("any-depth-15.toml", "two-layers-5.toml")
    )
    assert replace(deep, evaluate_every=None, device="auto") == DEEP
    assert replace(tuned, engine="numpy", device="auto", initialisation=TUNED.initialisation) == TUNED


@pytest.mark.parametrize("path", sorted(RECIPE_FILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_of_a_record_is_one(path: Path) -> None:
    assert f"`{path.name}`" in (RECIPE_FILES / "README.md").read_text()
    read_recipe(path)


def test_recipes_are_for_cifar10_as_they_are_and_cut_down_for_digits() -> None:
    digits = load_digits()
    cifar10 = replace(digits, name="CIFAR-10")
    for recipe in (DEFAULT, QUICK, TUNED):
        assert suited(recipe, cifar10) is recipe
        small = suited(recipe, digits)
        assert not small.mirror  # a mirrored digit is another sign
        assert small.validation < len(digits.train)
        assert small.components <= 64


@pytest.mark.slow
def test_the_recipe_for_digits_reads_them(tmp_path: Path) -> None:
    record = train_run(RECIPES["digits"], load_digits(), tmp_path / "run")
    assert record["metrics"]["val_accuracy"] > 0.96


@pytest.mark.slow
def test_the_recipe_for_mnist_fits_images_of_its_size(tmp_path: Path) -> None:
    """Digits enlarged to 28 x 28, a few of them: the images themselves cannot be fetched in a test."""
    digits = load_digits()
    large = np.kron(digits.train.images[:300].reshape(-1, 8, 8), np.ones((3, 3), np.uint8))
    images = np.pad(large, ((0, 0), (2, 2), (2, 2))).reshape(300, -1)
    part = Part(images, digits.train.labels[:300])
    dataset = replace(digits, train=part, image_shape=(1, 28, 28))
    record = train_run(replace(RECIPES["mnist"], validation=100, batch_size=20), dataset, tmp_path / "run")
    assert record["metrics"]["val_accuracy"] > 0.7


def test_every_rung_can_be_climbed_on_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [(what, replace(config, iterations=30)) for what, config in ladder()]
    monkeypatch.setattr("fcnet.experiments.ladder.ladder", lambda: short)
    rungs = climb(load_digits(), lambda change: Callback())
    assert [rung["change"] for rung in rungs] == [what for what, _ in short]
    assert rungs[-2]["val_accuracy"] > rungs[0]["val_accuracy"] + 0.3

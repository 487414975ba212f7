"""The measurements of the diagnosis say what they are said to say; the recipes change one thing at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fcnet.data.digits import load_digits
from fcnet.experiments.diagnosis import effective_rank, neighbour_correlation, straight_line_share
from fcnet.experiments.ladder import climb
from fcnet.experiments.recipes import DEFAULT, QUICK, TUNED, ladder, suited
from fcnet.train.listeners import Silence


def test_a_straight_line_explains_itself_and_no_noise() -> None:
    x = np.arange(200)
    rng = np.random.default_rng(0)
    assert straight_line_share(x, 3 - 0.5 * x) == pytest.approx(1)
    assert straight_line_share(x, rng.standard_normal(200)) < 0.05
    assert 0.5 < straight_line_share(x, np.exp(-x / 50)) < 0.95


def test_the_effective_rank_counts_different_columns() -> None:
    rng = np.random.default_rng(0)
    one = np.outer(rng.standard_normal(30), rng.standard_normal(8))
    assert effective_rank(one) == pytest.approx(1)
    assert effective_rank(np.linalg.qr(rng.standard_normal((30, 8)))[0]) == pytest.approx(8)
    assert 1 < effective_rank(one + 0.1 * rng.standard_normal((30, 8))) < 7
    assert effective_rank(5 * one) == pytest.approx(1)


def test_neighbouring_weights_of_a_smooth_picture_are_correlated_and_those_of_noise_are_not() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((3 * 32 * 32, 20))
    smooth = np.sin(np.arange(32) / 5)[None, None, :, None] + np.zeros((3, 32, 32, 20))
    assert abs(neighbour_correlation(noise, (3, 32, 32))) < 0.02
    assert neighbour_correlation(smooth.reshape(-1, 20), (3, 32, 32)) > 0.95
    along_columns = np.repeat(noise.reshape(3, 32, 32, 20)[:, :, :1], 32, axis=2)
    assert neighbour_correlation(-np.swapaxes(along_columns, 1, 2).reshape(-1, 20), (3, 32, 32)) < 0.05


def test_the_ladder_starts_at_the_default_and_every_rung_changes_something() -> None:
    rungs = [config for _, config in ladder()]
    assert rungs[0] == replace(DEFAULT, iterations=980, evaluate_every=None)
    assert len(set(rungs)) == len(rungs) == len(ladder())
    assert {config.iterations for config in rungs} == {980}
    last = rungs[-1]
    for name in ("initialisation", "preprocessing", "components", "momentum", "schedule", "mirror", "shift"):
        assert getattr(last, name) == getattr(TUNED, name)


def test_recipes_are_for_cifar10_as_they_are_and_cut_down_for_digits() -> None:
    digits = load_digits()
    cifar10 = replace(digits, name="CIFAR-10")
    for recipe in (DEFAULT, QUICK, TUNED):
        assert suited(recipe, cifar10) is recipe
        small = suited(recipe, digits)
        assert not small.mirror  # a mirrored digit is another sign
        assert small.validation < len(digits.train)
        assert small.components <= 64


def test_every_rung_can_be_climbed_on_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [(what, replace(config, iterations=30)) for what, config in ladder()]
    monkeypatch.setattr("fcnet.experiments.ladder.ladder", lambda: short)
    rungs = climb(load_digits(), Silence())
    assert [rung["change"] for rung in rungs] == [what for what, _ in short]
    assert rungs[-2]["val_accuracy"] > rungs[0]["val_accuracy"] + 0.3

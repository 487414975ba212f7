"""The script for a GPU, at a small size on the CPU: it sets the epochs, measures and verifies."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import FcnetError
from fcnet.protocol.recipe import check_recipe, read_recipe
from trainings import small

from .conftest import recipe

ROOT = Path(__file__).resolve().parents[2]

SMALL = """
name = "small"

[budget]
minutes = 60

[settings]
engine = "torch"
hidden = [8]
blocks = 1
norm = "layernorm"
activation = "gelu"
initialisation = "he"
preprocessing = "standardised"
optimiser = "adamw"
learning_rate = 0.01
batch_size = 100
validation = 200

[fold]
shift = 1
"""


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module("record_gpu")


@pytest.mark.parametrize("place", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda place: place.stem)
def test_every_recipe_that_is_here_is_one(place: Path) -> None:
    assert read_recipe(place).name
    assert f"`{place.name}`" in (ROOT / "recipes" / "README.md").read_text()


def test_the_recipe_for_a_gpu_is_one() -> None:
    found = read_recipe(ROOT / "recipes" / "gpu.toml")
    assert (found.budget.device, found.budget.minutes) == ("gpu", 10)
    check_recipe(found, "gpu.toml")


@pytest.mark.parametrize(
    ("left", "epochs"),
    [
        (10_000.0, 27),  # the budget of 60 s decides: 0.9 * 60 - 0 of 2 s each
        (5 * 50.0, 13),  # 50 s a seed, 20 of them around the training
    ],
)
def test_as_many_epochs_as_fit(left: float, epochs: int, gpu: ModuleType) -> None:
    assert gpu.fitting(recipe(), 0.0, 2.0, left) == epochs
    assert gpu.fitting(recipe(), 2.0, 2.0, left) == epochs - 1


def test_seeds_that_share_the_gpu_share_its_time(gpu: ModuleType) -> None:
    assert gpu.fitting(recipe(), 0.0, 2.0, 1000.0, at_once=5) == 5  # 0.9 * 60 of 10 s each
    assert gpu.fitting(recipe(), 3.0, 2.0, 60.0, at_once=5) == 3  # 40 s are left for the five
    assert gpu.fitting(recipe(), 0.0, 2.0, 120.0, at_once=4) == 4  # four at first and then one: 60 s each


def test_the_pace_is_that_of_the_steps_after_the_first(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace, clock = gpu.Pace(), iter([10.0, 40.0])
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: next(clock))
    for step in range(1, gpu.PROBED + 1):
        pace.on_batch_end(step, gpu.PROBED, 0.5)
    assert pace.step == pytest.approx(30.0 / (gpu.PROBED - gpu.WARM))


def test_one_short_training_tells_the_time_of_an_epoch(gpu: ModuleType, digits: Dataset) -> None:
    before, epoch = gpu.probed(small(), digits)
    assert epoch > 0
    assert before >= 0


def test_too_little_time_is_said(gpu: ModuleType) -> None:
    with pytest.raises(FcnetError, match="give more --minutes or a smaller recipe"):
        gpu.fitting(recipe(), 0.0, 2.0, 5 * 21.0)


@pytest.mark.slow
def test_it_needs_no_attention(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(gpu, "fitting", lambda *_: 2)
    (tmp_path / "small.toml").write_text(SMALL)
    words = ["--data", "digits", "--out", str(tmp_path / "out"), "--recipe", str(tmp_path / "small.toml")]
    assert gpu.main(words) == 0
    printed = capfd.readouterr().out
    assert "nothing is wrong in what was compared" in printed
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["plan"]["recipe"]["settings"]["epochs"] == 2
    assert record["plan"]["beat"] == {"what": "78.62 %", "accuracies": [0.7862]}
    assert record["log"][1]["event"]["engine"]["name"] == "torch"
    assert gpu.main(words) == 0  # all of it is there already
    assert json.loads((tmp_path / "out" / "record.json").read_text()) == record

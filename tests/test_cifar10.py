"""The numbers that the exercise asks for, on the real images: `FCNET_DATA=... pytest -m cifar10`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import split
from fcnet.data.find import find
from fcnet.data.load import load_known
from fcnet.data.minibatches import minibatches
from fcnet.experiments.recipes import PYTORCH, TUNED
from fcnet.records import RunFolder
from fcnet.train.callbacks import Callback
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit
from fcnet.train.history import read_history
from fcnet.train.model import Model

pytestmark = pytest.mark.cifar10

WATCHED_LOAD = """
import sys
opened = []
sys.addaudithook(lambda event, details: event == "open" and opened.append(str(details[0])))
from fcnet.data.load import load_known
images = load_known("CIFAR-10").train.images
print(len(images), int(images[:200].sum()), sum("data_batch" in path for path in opened))
"""
"""Prints how many images there are, the sum of the first, and how often a file of CIFAR-10 was opened."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user who has the files and has never started fcnet before."""
    if find() is None:
        pytest.skip("no CIFAR-10: name its folder with FCNET_DATA")
    return os.environ | {"FCNET_CACHE": str(tmp_path_factory.mktemp("cache")), "FCNET_OFFLINE": "1"}


@pytest.fixture(scope="module")
def quick(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder and output of `fcnet reproduce --quick`."""
    out = tmp_path_factory.mktemp("reproduce") / "quick"
    done = subprocess.run(
        [sys.executable, "-m", "fcnet", "reproduce", "--quick", "--require-cifar10", "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return out, done.stdout


@pytest.fixture(scope="module")
def results(quick: tuple[Path, str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((quick[0] / "results.json").read_text())
    return content


def test_the_whole_exercise_runs_on_cifar10(quick: tuple[Path, str]) -> None:
    _, text = quick
    assert text.startswith("CIFAR-10")
    assert "50,000 training and 10,000 test images" in text.splitlines()[0]
    assert "WRONG" not in text
    assert "digits" not in text


def test_the_default_run_reaches_the_exercises_29_percent(results: dict[str, Any]) -> None:
    assert 0.27 < results["default"]["validation_accuracy"] < 0.31


def test_a_usable_learning_rate_reaches_48_percent(results: dict[str, Any]) -> None:
    assert results["tuned"]["validation_accuracy"] > 0.48
    assert results["tuned"]["test_accuracy"] > 0.48


def test_question_4_in_pytorch_passes_48_percent_and_agrees_with_numpy(results: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    two = results["pytorch"]["two_layer"]
    assert two["validation_accuracy"] > 0.48
    assert two["numpy"]["validation_accuracy"] > 0.48
    # the same weights and minibatches, in bfloat16 and float32: a point apart, on 1,000 images
    assert abs(two["validation_accuracy"] - two["numpy"]["validation_accuracy"]) < 0.03


def test_deep_nets_start_from_hes_weights_and_not_from_the_exercises(results: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    rows = {(row["layers"], row["initialisation"]): row for row in results["pytorch"]["depth"]}
    assert {layers for layers, _ in rows} == {2, 3, 4, 5}
    for layers in (2, 3, 4, 5):
        assert rows[layers, "he"]["training_accuracy_mean"] > 0.45
    for layers in (4, 5):
        assert rows[layers, "1e-3"]["training_accuracy_mean"] < 0.12
    assert results["pytorch"]["best"]["test_accuracy"] > 0.45
    assert results["pytorch"]["best"]["test_set_used"] == 1


def test_both_networks_take_the_same_steps_on_real_images() -> None:
    """Twenty steps in float64, from the same settings."""
    torch = pytest.importorskip("torch")
    from fcnet.torch_net.engine import TorchEngine
    from fcnet.torch_net.workers import ProcessGroup

    dataset = load_known("CIFAR-10")
    config = replace(PYTORCH, precision="float64", device="cpu", hidden=(64, 32))
    train, _ = split(dataset.train, config.validation)
    theirs = TorchEngine(
        config, train, dataset.image_shape, dataset.classes, ProcessGroup(torch.device("cpu"))
    )
    ours = NumpyEngine(replace(config, engine="numpy"), train, dataset.image_shape, dataset.classes)
    for batch in islice(minibatches(len(train), 200, 1, seed=0, epoch=0), 20):
        assert theirs.step(batch, 0.03) == pytest.approx(ours.step(batch, 0.03), rel=1e-10)


def test_the_saved_network_gives_the_recorded_accuracy(
    quick: tuple[Path, str], results: dict[str, Any]
) -> None:
    out, _ = quick
    test = load_known("CIFAR-10").test
    predicted = Model.load(out / "tuned").logits(test.images).argmax(axis=1)
    assert float((predicted == test.labels).mean()) == results["tuned"]["test_accuracy"]
    history = read_history(RunFolder(out / "tuned").history)
    assert history[-1].val_accuracy == pytest.approx(results["tuned"]["validation_accuracy"], abs=0.002)
    assert np.all(np.diff([row.loss for row in history]) < 0)


def test_a_warm_load_opens_none_of_the_files_of_cifar10(
    quick: tuple[Path, str], environment: dict[str, str]
) -> None:
    """The first start above has kept the images, so this one neither reads nor decodes them."""
    code = [sys.executable, "-c", WATCHED_LOAD]
    printed = subprocess.run(code, env=environment, capture_output=True, check=True).stdout.split()
    expected = load_known("CIFAR-10").train.images
    assert [int(number) for number in printed] == [len(expected), expected[:200].sum(), 0]


class FirstLosses(Callback):
    """Keeps the loss of each step, and ends the training after two epochs."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        self.losses.append(loss)
        if step == 246:
            raise StopIteration


@pytest.mark.parametrize(("initialisation", "rises"), [(TUNED.initialisation, False), ("he", True)])
def test_the_tuned_loss_does_not_rise_in_the_warmup(
    initialisation: str, rises: bool, environment: dict[str, str]
) -> None:
    """Means over 20 steps; with He's initialisation they rise by more than a nat, see docs/log.md."""
    dataset = load_known("CIFAR-10")
    config = replace(TUNED, initialisation=initialisation)
    train, validation = split(dataset.train, config.validation)
    engine = NumpyEngine(config, train, dataset.image_shape, dataset.classes)
    seen = FirstLosses()
    with pytest.raises(StopIteration):
        Fit(engine, config, train, validation, seen).run()
    means = np.convolve(seen.losses, np.ones(20) / 20, "valid")
    assert (means.max() > means[0] + 1) if rises else (means.max() < means[0] + 0.1)

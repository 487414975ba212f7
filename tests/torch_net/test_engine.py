"""The PyTorch engine: devices, precisions, stops and goes; `test_extras.py` leaves PyTorch out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.data.augmentation import Pipeline
from fcnet.data.dataset import Dataset, Part, split
from fcnet.data.deformation import Deformation, Gatherer
from fcnet.data.minibatches import Minibatch
from fcnet.errors import DataError, DivergedError
from fcnet.net.weights import load_weights
from fcnet.records import RunFolder, read_json
from fcnet.runs.testing import use_test_set
from fcnet.runs.training import train_run
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.hardware import choose_device, choose_precision, has_bfloat16
from fcnet.torch_net.images import DeviceImages
from fcnet.torch_net.mlp import MultiLayerPerceptron
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.config import TrainConfig
from fcnet.train.history import read_history
from fcnet.train.inputs import make_inputs
from fcnet.train.model import Model
from trainings import StopAfter, small

CPU = torch.device("cpu")


def with_torch(**settings: Any) -> TrainConfig:
    return small(engine="torch", device="cpu", **({"precision": "float32"} | settings))


def make(config: TrainConfig, train: Part, dataset: Dataset) -> TorchEngine:
    return TorchEngine(config, train, dataset.image_shape, dataset.classes, ProcessGroup(CPU))


# The network


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, [5], 3), "inputs is 0, give a whole number of at least 1"),
        ((4, [5, -1], 3), "hidden[1] is -1, give a whole number of at least 1"),
        ((4, [2.5], 3), "hidden[0] is 2.5, give a whole number of at least 1"),
    ],
)
def test_a_network_that_cannot_be_is_refused_in_one_line(sizes: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        MultiLayerPerceptron(*sizes)


@pytest.mark.parametrize("hidden", [[], [7], [7, 6, 5, 4]])
def test_layers_are_counted_without_the_input(hidden: list[int]) -> None:
    net = MultiLayerPerceptron(12, hidden, 3)
    assert len(net.layers) == len(hidden) + 1
    assert net(torch.zeros(2, 12)).shape == (2, 3)


# Devices and precisions


def test_a_device_that_is_not_there_is_one_line() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(
        DataError, match=r"^device is 'cuda', and PyTorch \S+ finds none here; leave it out, or "
    ):
        choose_device("cuda")
    assert choose_device("auto").type in ("cpu", "mps")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bfloat16_is_used_where_the_hardware_has_it(
    capabilities: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision("auto", CPU) == expected
    assert choose_precision("float32", CPU) == torch.float32


def test_this_cpu_is_judged_as_its_flags_say() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        pytest.skip("no /proc/cpuinfo")
    flags = cpuinfo.read_text().split()
    assert has_bfloat16(CPU) == ("avx512_bf16" in flags or "amx_bf16" in flags)


def test_float64_on_mps_is_refused() -> None:
    with pytest.raises(DataError, match="float64"):
        choose_precision("float64", torch.device("mps"))


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_every_precision_trains_and_is_recorded(precision: str, digits: Dataset, tmp_path: Path) -> None:
    record = train_run(with_torch(precision=precision), digits, tmp_path / "run")
    assert record["engine"]["name"] == "torch"
    assert (record["engine"]["device"], record["engine"]["precision"]) == ("cpu", precision)
    assert record["metrics"]["val_accuracy"] > 0.85
    assert {value.dtype for value in load_weights(tmp_path / "run" / "model.safetensors")[1].values()} == {
        np.dtype(np.float32)
    }


def test_bfloat16_products_leave_the_weights_in_float32(digits: Dataset) -> None:
    """And the arithmetic is really another: the loss differs by bfloat16's rounding, and by no more."""
    train, _ = split(digits.train, 200)
    losses = []
    for precision in ("float32", "bfloat16"):
        engine = make(with_torch(precision=precision), train, digits)
        losses.append(engine.step(Minibatch(np.arange(60), np.zeros(60, np.int64)), 0.1))
        assert {p.dtype for p in engine.network.parameters()} == {torch.float32}
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=2**-7)


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning")  # torch's own, within its compiler
def test_a_compiled_step_is_the_same_step(digits: Dataset) -> None:
    if subprocess.run(["g++", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("torch.compile needs a C++ compiler on the CPU")
    train, _ = split(digits.train, 200)
    batches = [Minibatch(np.arange(start, start + 60), np.zeros(60, np.int64)) for start in range(0, 240, 60)]
    plain, compiled = (make(with_torch(compile=c, precision="float64"), train, digits) for c in (False, True))
    for batch in batches:
        assert compiled.step(batch, 0.05) == pytest.approx(plain.step(batch, 0.05), rel=1e-9)


# Images


@pytest.mark.parametrize("deformation", [Deformation(), Deformation(True, 2), Deformation(True, 1, 20, 0.1)])
@pytest.mark.parametrize("preprocessing", ["centred", "standardised", "symmetric", "whitened"])
def test_the_network_is_given_what_the_numpy_network_is_given(
    deformation: Deformation, preprocessing: Any, digits: Dataset
) -> None:
    train, _ = split(digits.train, 200)
    inputs = make_inputs(small(preprocessing=preprocessing, components=30), train.images)
    tables = deformation.tables(digits.image_shape)
    rng = np.random.default_rng(0)
    batch = Minibatch(rng.integers(len(train), size=40), rng.integers(len(tables), size=40))
    images = DeviceImages(train, inputs, Pipeline(deformation, ()), digits.image_shape, CPU, torch.float64)
    X, y = images.batch(batch)
    assert isinstance(y, torch.Tensor)
    expected = inputs.preprocessing(Gatherer(train.images, tables).gather(batch), dtype=np.float64)
    if inputs.projection is not None:
        expected = expected @ inputs.projection
    np.testing.assert_allclose(X.numpy(), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(y.numpy(), train.labels[batch.rows])


def test_images_stay_uint8_and_are_not_copied_on_the_cpu(digits: Dataset) -> None:
    train, _ = split(digits.train, 200)
    images = train.images.copy()
    images.flags.writeable = False  # as the memory map of CIFAR-10
    engine = make(with_torch(), Part(images, train.labels), digits)
    assert engine.images.images.dtype == torch.uint8
    assert engine.images.images.data_ptr() == images.ctypes.data


# Stops


KINDS: dict[str, dict[str, Any]] = {
    "momentum": {"schedule": "cosine", "warmup_epochs": 0.5},
    "nesterov": {"optimiser": "nesterov", "dropout": 0.3},
    "adam": {"optimiser": "adam", "learning_rate": 0.003, "label_smoothing": 0.1},
    "plain, whitened": {"momentum": 0.0, "preprocessing": "whitened", "components": 30, "dropout": 0.2},
    "augmented": {"mirror": True, "shift": 1, "cutout": 3, "mixup": 0.4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_training_goes_on_where_it_was(kind: str, digits: Dataset, tmp_path: Path) -> None:
    """In the middle of an epoch and right after its end; the same to rounding."""
    config = with_torch(**KINDS[kind])
    whole = train_run(config, digits, tmp_path / "whole")
    for step in (13, 42):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "run", resume=True, callback=StopAfter(step))
    record = train_run(config, digits, tmp_path / "run", resume=True)
    assert record["metrics"] == pytest.approx(whole["metrics"], rel=1e-6)
    for ours, theirs in zip(
        read_history(RunFolder(tmp_path / "run").history),
        read_history(RunFolder(tmp_path / "whole").history),
        strict=True,
    ):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)


def test_a_diverged_training_keeps_its_last_good_weights(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(
        DivergedError, match=r"^the loss became (nan|inf) in step \d+ of \d+ at learning rate 1e"
    ):
        train_run(with_torch(learning_rate=1e20, evaluate_every=1), digits, tmp_path / "run")
    assert all(np.isfinite(value).all() for value in Model.load(tmp_path / "run").params.values())


def test_a_run_of_this_engine_is_a_run_like_any_other(digits: Dataset, tmp_path: Path) -> None:
    """Its saved model is used by NumPy alone."""
    record = train_run(with_torch(), digits, tmp_path / "run")
    result = use_test_set(tmp_path / "run", digits)
    assert result["count"] == 1
    assert result["accuracy"] > 0.8
    assert record["steps"] == 63
    assert read_json(RunFolder(tmp_path / "run").record)["config"]["engine"] == "torch"

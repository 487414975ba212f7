"""Right extensions that are unusual: none of them is refused, and each does what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fcnet.data import readable
from fcnet.data.augmentation import AUGMENTATIONS, Pipeline
from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.published import Published
from fcnet.errors import ExtensionError
from fcnet.net import lasso
from fcnet.net.architecture import Architecture
from fcnet.net.initialisation import INITIALISATIONS, initial_parameters
from fcnet.net.network import Network
from fcnet.net.optimisers import OPTIMISERS, SGD, gradient_of, make_optimiser
from fcnet.train.averaging import AVERAGES, make_average
from fcnet.train.config import TrainConfig
from fcnet.train.schedules import SCHEDULES, Length, make_schedule


@pytest.mark.parametrize(
    "number",
    [np.float32, np.array, Fraction, np.int64, lambda rate: 2],
    ids=["float32", "array", "fraction", "int64", "int"],
)
def test_a_rate_is_any_real_number(number: Callable[[float], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULES, "own", lambda settings, length: lambda step: number(1.0))
    rate = make_schedule(TrainConfig(schedule="own"), 4, 8)(3)
    assert type(rate) is float
    assert json.loads(json.dumps(rate)) in (1, 2)


@pytest.mark.parametrize("number", [np.bool_(True), np.ones(1), "1", np.array("1"), 1j], ids=repr)
def test_a_rate_is_nothing_else(number: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULES, "own", lambda settings, length: lambda step: number)
    with pytest.raises(ExtensionError, match="for step 0, return a number of at least 0"):
        make_schedule(TrainConfig(schedule="own"), 4, 8)


def test_weights_may_be_transposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        INITIALISATIONS, "own", lambda parameter, rng: rng.standard_normal(parameter.shape[::-1]).T
    )
    drawn = initial_parameters("own", Architecture.of(4, [6], 3), np.random.default_rng(0))
    assert all(value.flags.c_contiguous for value in drawn.values())
    np.testing.assert_array_equal(drawn["W1"], np.random.default_rng(0).standard_normal((6, 4)).T)


def test_an_average_may_need_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def tail(length: Length) -> Callable[[int], float]:
        assert length.total > 1
        return lambda step: np.float32((step - 1) / (length.total - 1))

    monkeypatch.setitem(AVERAGES, "own", tail)
    average = make_average(TrainConfig(average="own").average, Length(4, 9))
    assert average is not None
    assert [average(step) for step in (1, 5, 9)] == [0.0, 0.5, 1.0]
    assert type(average(5)) is float


class Handing:
    """An optimiser that hands its methods on to another."""

    def __init__(self) -> None:
        self._inner = SGD(0.9)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Lazy:
    """Its memory is made in the first step, and called momentum."""

    def __init__(self) -> None:
        self.momentum: dict[str, Any] = {}

    def step(self, parameters: Any, learning_rate: float, reg: float) -> None:
        for one in parameters:
            self.momentum[one.name] = self.momentum.get(one.name, 0) + gradient_of(one).dense()
            one.value[...] -= learning_rate * self.momentum[one.name]

    def state(self) -> dict[str, Any]:
        return {"v": self.momentum["W1"]} if self.momentum else {}

    def load_state(self, state: dict[str, Any]) -> None:
        self.momentum["W1"] = state["v"].copy()


def handed() -> SimpleNamespace:
    inner = SGD(0.9)
    return SimpleNamespace(step=inner.step, state=inner.state, load_state=inner.load_state)


@pytest.mark.parametrize("make", [Handing, Lazy, handed])
def test_an_optimiser_is_what_has_its_methods(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPTIMISERS, "own", lambda settings: make())
    optimiser = make_optimiser("own", TrainConfig())
    net = Network(Architecture.of(4, [6], 3), np.random.default_rng(0), dtype=np.float64)
    X = np.random.default_rng(1).standard_normal((5, 4))
    net.step(X, np.arange(5) % 3, optimiser, 0.1, 0.0)
    lasso.shrink(net.parameters, optimiser, 1e-3, 0.1)
    make_optimiser("own", TrainConfig()).load_state(optimiser.state())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels: 9 - labels, ""),
        (lambda labels: labels[::-1].copy(), ""),
        (lambda labels: labels - 1, "leaves labels from -1 to 8 in batch.labels, leave labels from 0 to 9"),
        (lambda labels: labels + 1, "leaves labels from 1 to 10 in"),
    ],
)
def test_labels_stay_those_of_the_classes(
    change: Callable[[Any], Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(batch: Any, rng: Any) -> None:
        batch.labels = change(batch.labels)

    monkeypatch.setitem(AUGMENTATIONS, "own", lambda: step)
    if message:
        with pytest.raises(ExtensionError, match=message):
            Pipeline.of({"own": None}, (1, 1, 4), 10)
    else:
        Pipeline.of({"own": None}, (1, 1, 4), 10)


def test_a_counterpart_knows_whether_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from fcnet.net.activations import ACTIVATIONS, ReLU
    from fcnet.torch_net.layers import TORCH_ACTIVATIONS
    from fcnet.torch_net.mlp import FullyConnected
    from fcnet.torch_net.weights import network_from

    class Own(ReLU):
        pass

    Own.__module__ = "own"
    monkeypatch.setitem(ACTIVATIONS, "own", Own)
    monkeypatch.setitem(TORCH_ACTIVATIONS, "own", torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Dropout(0.5)))
    architecture = Architecture.of(4, [6], 3, activation="own")
    params = initial_parameters("he", architecture, np.random.default_rng(0))
    net: FullyConnected = network_from(architecture, params)
    X = torch.ones(5, 4, dtype=torch.float64)
    assert not torch.equal(net(X), net(X))
    net.eval()
    assert torch.equal(net(X), net(X))
    net.train()
    assert not torch.equal(net(X), net(X))


def test_a_shape_may_come_from_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = readable.read(points(np.float32, tuple(np.array((1, 1, 2)))), Path())
    assert [type(size) for size in dataset.image_shape] == [int, int, int]


def test_whole_rows_are_refused_as_what_they_are() -> None:
    with pytest.raises(ExtensionError, match="reads a train part whose rows are int64, give float32 or"):
        readable.read(points(np.int64, (1, 1, 2)), Path())


def points(dtype: Any, shape: Any) -> Published:
    """A data set of a user's own."""

    class Points(Published):
        def read(self, folder: Path) -> Dataset:
            part = Part(np.ones((4, 2), dtype), np.arange(4) % 2)
            return Dataset(self.title, part, part, self.classes, shape, Origin("", "", None))

    Points.__module__ = "own"
    return Points("points", ("a", "b"), shape)

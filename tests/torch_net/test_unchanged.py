"""Without cutout, mixup and the like a training is what it was before there were any: numbers recorded then.

What is made of integers and single additions is the same to the bit on every machine, losses to rounding.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.data.dataset import Dataset, split
from fcnet.data.deformation import Deformation
from fcnet.data.minibatches import minibatches
from fcnet.net.network import Network
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.engine import NumpyEngine
from trainings import small

SETTINGS: dict[str, Any] = {
    "hidden": (24, 16), "mirror": True, "shift": 1, "label_smoothing": 0.1, "dropout": 0.2,
    "precision": "float64",
}  # fmt: skip

LOSSES = {
    "numpy": [
        4.200746464040644, 3.929877197600061, 3.0227582109003905, 2.6828397864551867, 2.685812986874254,
        2.612787056058227, 2.56453382363129, 2.401365506780132, 2.4329036057042064, 2.4531829827527067,
    ],
    "torch": [
        4.897563008738561, 3.900821589781713, 2.727105848707213, 2.5904974080646306, 2.592348266846751,
        2.587903617832621, 2.631189422227898, 2.450484423025247, 2.518484367997182, 2.454498687786096,
    ],
}  # fmt: skip
"""Of ten steps; dropout masks differ between the engines."""


def digest(*arrays: Any) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize(
    ("deformation", "expected"),
    [
        (Deformation(), "5539c662fd151ae3"),
        (Deformation(True, 2), "50eca44e815d8bee"),
        (Deformation(True, 2, 15.0, 0.15), "349a08641d55c172"),
    ],
)
def test_the_tables_are_those_that_were_recorded(deformation: Deformation, expected: str) -> None:
    assert digest(deformation.tables((3, 8, 8)).astype(np.int64)) == expected


@pytest.mark.parametrize(("seed", "expected"), [(0, "1f432024c835cf3a"), (7, "b4df3e1a60fce99b")])
def test_order_and_views_are_those_that_were_recorded(seed: int, expected: str) -> None:
    batches = list(minibatches(100, 30, 9, seed, epoch=3))
    assert digest(*(batch.rows for batch in batches), *(batch.views for batch in batches)) == expected


@pytest.mark.parametrize(
    ("precision", "expected"), [("float32", "dd3253e46c4c82de"), ("float64", "708e4ee1d16c48c0")]
)
def test_the_network_is_given_what_was_recorded(
    precision: str, expected: str, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, _ = split(digits.train, 200)
    config = small(**SETTINGS | {"precision": precision})
    engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    given: list[Any] = []
    monkeypatch.setattr(Network, "step", lambda net, X, *rest: given.append(X) or 0.0)
    engine.step(next(minibatches(len(train), 60, engine.views, 0, 0)), 0.05)
    assert (digest(given[0].stored), given[0].scale) == (expected, 0.014488303007995747)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_ten_steps_have_the_losses_that_were_recorded(kind: str, digits: Dataset) -> None:
    train, _ = split(digits.train, 200)
    engine: Any = (
        NumpyEngine(small(**SETTINGS), train, digits.image_shape, digits.classes)
        if kind == "numpy"
        else TorchEngine(
            small(**SETTINGS), train, digits.image_shape, digits.classes, ProcessGroup(torch.device("cpu"))
        )
    )
    losses = [engine.step(b, 0.05) for b in islice(minibatches(len(train), 60, engine.views, 0, 0), 10)]
    assert losses == pytest.approx(LOSSES[kind], rel=1e-11)

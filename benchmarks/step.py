"""How close a training step is to the matrix products that it cannot do without.

The floor is the five products of a two-layer network on arrays that are there already: two forward, two for
the gradients of the weights, one to pass the error back. A step does these, and besides picks its images out
of 49,000, turns their pixels into floats, adds biases, ReLU, softmax and loss, and updates the weights.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from fcnet.data.dataset import Part
from fcnet.data.minibatches import minibatches
from fcnet.net.blas import product
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from harness import Benchmark, Case, Timed

CLASSES = tuple("0123456789")
LEARNING_RATE = 1e-3


def cases(widths: tuple[int, ...], images: int, batch: int) -> tuple[Case, ...]:
    """Every width with plain SGD and with momentum."""
    return tuple(
        {"hidden": width, "momentum": momentum, "batch": batch, "images": images}
        for width in widths
        for momentum in (0.0, 0.9)
    )


BENCHMARK = Benchmark(
    name="step",
    question="A training step on 3,072 pixels (float32): how far above its matrix products?",
    cases=cases((50, 256, 1024, 4096), images=49_000, batch=200),
    quick_cases=cases((8,), images=40, batch=10),
    baseline="matrix products alone",
)


@BENCHMARK.contestant("matrix products alone")
def matrix_products_alone(case: Case) -> Timed:
    """The floor: five products, in the BLAS that fcnet uses."""
    N, D, H, K = case["batch"], 3072, case["hidden"], len(CLASSES)
    rng = np.random.default_rng(0)

    def array(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    X, W1, Z2, W2, Z3, delta2 = array(N, D), array(D, H), array(N, H), array(H, K), array(N, K), array(N, H)
    dW1, dW2 = array(D, H), array(H, K)

    def timed() -> None:
        product(X, W1, Z2)
        product(Z2, W2, Z3)
        product(Z2, Z3, dW2, transpose_A=True)
        product(Z3, W2, delta2, transpose_B=True)
        product(X, delta2, dW1, transpose_A=True)

    return timed


@BENCHMARK.contestant("fcnet")
def fcnet(case: Case) -> Timed:
    """All of a step, from the numbers of the images to the updated weights."""
    config = TrainConfig(
        hidden=(case["hidden"],),
        initialisation="he",
        preprocessing="standardised",
        batch_size=case["batch"],
        momentum=case["momentum"],
        learning_rate=LEARNING_RATE,
        reg=1e-4,
    )
    train = random_images(case["images"])
    engine = NumpyEngine(config, train, (3, 32, 32), CLASSES)
    batches = cycle(minibatches(len(train), case["batch"], engine.views, seed=0, epoch=0))
    return lambda: engine.step(next(batches), LEARNING_RATE)


def random_images(count: int) -> Part:
    """Random pixels and labels: a step takes the same time on them as on real ones."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(count, 3072), dtype=np.uint8)
    return Part(images, rng.integers(len(CLASSES), size=count))

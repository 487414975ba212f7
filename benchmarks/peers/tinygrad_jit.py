"""tinygrad on the CPU: the step is captured by `TinyJit`, its kernels are compiled by clang."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "tinygrad", ("tinygrad",), "float32"
SLOW = "too slow: it uses no BLAS"


def lacks() -> str:
    """Its CPU device calls the program clang, whichever way the kernels are compiled."""
    return "" if shutil.which("clang") else "needs clang"


def setup(problem: Problem) -> Any:
    os.environ |= {"DEV": "CPU", "CC": "clang"}
    from tinygrad import Tensor, TinyJit

    images, labels = Tensor(problem.images), Tensor(problem.labels.astype(np.int32))
    mean, layers, mu = Tensor(problem.mean), len(problem.hidden) + 1, problem.momentum
    params = {name: Tensor(value) for name, value in problem.parameters().items()}
    # without momentum there is nothing to remember
    velocity = {name: Tensor.zeros(*p.shape).contiguous() for name, p in params.items()} if mu else {}
    Tensor.realize(images, labels, mean, *params.values(), *velocity.values())

    def scores(pixels: Any) -> Any:
        A = (pixels.float() - mean) / problem.scale
        for layer in range(1, layers + 1):
            A = A @ params[f"W{layer}"] + params[f"b{layer}"]
            A = A.relu() if layer < layers else A
        return A

    @TinyJit
    def update(rows: Any, learning_rate: Any) -> Any:
        loss = scores(images[rows]).sparse_categorical_crossentropy(labels[rows])
        grads = dict(zip(params, loss.gradient(*params.values()), strict=True))
        for name, W in params.items():
            grad = grads[name] + 2 * problem.reg * W if name.startswith("W") else grads[name]
            moved = -learning_rate * grad
            if mu:
                moved = velocity[name].assign(mu * velocity[name] + moved)
            W.assign(W + moved)
        return loss.realize(*params.values(), *velocity.values())

    class Captured:
        def __init__(self) -> None:
            self.rate, self.rate_there = None, None

        def step(self, rows: Any, learning_rate: float) -> float:
            if learning_rate != self.rate:
                self.rate, self.rate_there = learning_rate, Tensor([learning_rate]).realize()
            return float(
                update(Tensor(rows.astype(np.int32)).realize(), self.rate_there).item()
            )  # waits for it

        def logits(self, images: Any) -> Any:
            parts = [scores(Tensor(images[at : at + 1000])).numpy() for at in range(0, len(images), 1000)]
            return np.concatenate(parts)

        def parameters(self) -> dict[str, Any]:
            return {name: value.numpy() for name, value in params.items()}

    return Captured()

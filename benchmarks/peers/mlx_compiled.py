"""MLX on the CPU: one compiled function from row numbers to new weights, evaluated before a step returns.

Its wheel for Linux comes with the reference BLAS of netlib, on one core, and compiles with g++.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "MLX", ("mlx",), "float32"
SLOW = "too slow: the BLAS in its wheel for Linux is netlib's"


def lacks() -> str:
    """On a CPU, `mx.compile` writes C++ and calls this compiler by name."""
    return "" if shutil.which("g++") else "needs g++"


def setup(problem: Problem) -> Any:
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    images, labels = mx.array(problem.images), mx.array(problem.labels.astype(np.int32))
    mean, scale, layers = mx.array(problem.mean), problem.scale, len(problem.hidden) + 1
    mu, reg = problem.momentum, problem.reg

    @mx.compile
    def scores(params: Any, pixels: Any) -> Any:
        A = (pixels.astype(mx.float32) - mean) / scale
        for layer in range(1, layers + 1):
            A = mx.addmm(params[f"b{layer}"], A, params[f"W{layer}"])
            A = mx.maximum(A, 0) if layer < layers else A
        return A

    def loss_of(params: Any, pixels: Any, y: Any) -> Any:
        Z = scores(params, pixels)
        return (mx.logsumexp(Z, axis=1) - mx.take_along_axis(Z, y[:, None], axis=1)[:, 0]).mean()

    @mx.compile
    def update(params: Any, velocity: Any, rows: Any, learning_rate: Any) -> Any:
        loss, grads = mx.value_and_grad(loss_of)(params, images[rows], labels[rows])
        moved = {}
        for name, W in params.items():
            grad = grads[name] + 2 * reg * W if name.startswith("W") else grads[name]
            moved[name] = mu * velocity[name] - learning_rate * grad if mu else -learning_rate * grad
        params = {name: W + moved[name] for name, W in params.items()}
        return params, moved if mu else {}, loss

    class Compiled:
        def __init__(self) -> None:
            self.params = {name: mx.array(value) for name, value in problem.parameters().items()}
            self.velocity = {name: mx.zeros_like(p) for name, p in self.params.items()} if mu else {}

        def step(self, rows: Any, learning_rate: float) -> float:
            self.params, self.velocity, loss = update(
                self.params, self.velocity, mx.array(rows.astype(np.int32)), mx.array(learning_rate)
            )
            mx.eval(self.params, self.velocity, loss)  # nothing is computed before somebody asks
            return float(loss.item())

        def logits(self, images: Any) -> Any:
            parts = [
                scores(self.params, mx.array(images[at : at + 1000])) for at in range(0, len(images), 1000)
            ]
            return np.concatenate([np.array(part) for part in parts])

        def parameters(self) -> dict[str, Any]:
            return {name: np.array(value) for name, value in self.params.items()}

    return Compiled()

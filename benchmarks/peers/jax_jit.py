"""JAX: one compiled function from row numbers to new weights over the old ones (donated buffers)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "JAX jit", ("jax",), "float32"


def setup(problem: Problem) -> Any:
    import jax
    from jax import numpy as jnp

    images, labels = jnp.asarray(problem.images), jnp.asarray(problem.labels.astype(np.int32))
    mean, scale, layers = jnp.asarray(problem.mean), problem.scale, len(problem.hidden) + 1
    mu, reg = problem.momentum, problem.reg

    @jax.jit
    def scores(params: Any, pixels: Any) -> Any:
        A = (pixels.astype(jnp.float32) - mean) / scale
        for layer in range(1, layers + 1):
            A = A @ params[f"W{layer}"] + params[f"b{layer}"]
            A = jax.nn.relu(A) if layer < layers else A
        return A

    def loss_of(params: Any, pixels: Any, y: Any) -> Any:
        log_P = jax.nn.log_softmax(scores(params, pixels))
        return -jnp.take_along_axis(log_P, y[:, None], axis=1).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(params: Any, velocity: Any, images: Any, labels: Any, rows: Any, learning_rate: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params, images[rows], labels[rows])
        for name, W in params.items():
            grad = grads[name] + 2 * reg * W if name.startswith("W") else grads[name]
            moved = -learning_rate * grad
            if mu:
                velocity[name] = moved = mu * velocity[name] + moved
            params[name] = W + moved
        return params, velocity, loss

    class Jitted:
        def __init__(self) -> None:
            self.params = {name: jnp.asarray(value) for name, value in problem.parameters().items()}
            # without momentum there is nothing to remember
            self.velocity = {name: jnp.zeros_like(p) for name, p in self.params.items()} if mu else {}

        def step(self, rows: Any, learning_rate: float) -> float:
            self.params, self.velocity, loss = update(
                self.params, self.velocity, images, labels, rows, learning_rate
            )
            return float(loss)  # waits for it

        def logits(self, images: Any) -> Any:
            parts = [scores(self.params, images[at : at + 1000]) for at in range(0, len(images), 1000)]
            return np.concatenate(parts)

        def parameters(self) -> dict[str, Any]:
            return {name: np.asarray(value) for name, value in self.params.items()}

    return Jitted()

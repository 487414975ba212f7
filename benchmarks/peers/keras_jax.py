"""Keras 3 on JAX, one `train_on_batch` a minibatch.

Keras' loss has an L2 term by regulariser, whose gradient is 2 lambda W, as ours.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "Keras on JAX", ("keras", "jax"), "float32"


class Model:
    """A `Sequential` with the problem's weights. Its momentum is the exercise's: v keeps the past rates."""

    def __init__(self, problem: Problem) -> None:
        os.environ["KERAS_BACKEND"] = "jax"
        import keras

        self.problem = problem
        decay = keras.regularizers.L2(problem.reg)
        units = problem.sizes[1:]
        dense = [
            keras.layers.Dense(
                count, activation="relu" if place < len(units) - 1 else None, kernel_regularizer=decay
            )
            for place, count in enumerate(units)
        ]
        self.model = keras.Sequential([keras.Input((problem.sizes[0],)), *dense])
        initial = problem.parameters()
        for number, layer in enumerate(dense, start=1):
            layer.set_weights([initial[f"W{number}"], initial[f"b{number}"]])
        self.dense = dense
        self.rule = keras.optimizers.SGD(problem.learning_rate, momentum=problem.momentum)
        self.rate = problem.learning_rate
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer=self.rule, loss=loss)

    def step(self, rows: Any, learning_rate: float) -> float:
        if learning_rate != self.rate:
            self.rule.learning_rate = self.rate = learning_rate
        X, y = self.problem.inputs(self.problem.images[rows]), self.problem.labels[rows]
        return float(self.model.train_on_batch(X, y))  # its running mean, with the L2 term

    def logits(self, images: Any) -> Any:
        parts = [self.model.predict_on_batch(self.problem.inputs(images[at : at + 1000]))
                 for at in range(0, len(images), 1000)]  # fmt: skip
        return np.concatenate(parts)

    def parameters(self) -> dict[str, Any]:
        params = {}
        for number, layer in enumerate(self.dense, start=1):
            params[f"W{number}"], params[f"b{number}"] = map(np.asarray, layer.get_weights())
        return params


def setup(problem: Problem) -> Model:
    return Model(problem)

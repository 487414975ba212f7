"""Plain NumPy, as one writes it who knows the equations and not yet where the time goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "plain NumPy", (), "float32"


class Plain:
    """Weights and biases in a dictionary, gradients in another."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.params = problem.parameters()
        self.velocity = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.layers = len(problem.hidden) + 1

    def forward(self, images: Any) -> list[Any]:
        """The inputs of each layer, and the logits last."""
        seen = [self.problem.inputs(images)]
        for layer in range(1, self.layers + 1):
            Z = seen[-1] @ self.params[f"W{layer}"] + self.params[f"b{layer}"]
            seen.append(np.maximum(Z, 0) if layer < self.layers else Z)
        return seen

    def step(self, rows: Any, learning_rate: float) -> float:
        y, N = self.problem.labels[rows], len(rows)
        *seen, Z = self.forward(self.problem.images[rows])
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        loss = float(-np.log(P[np.arange(N), y]).mean())
        delta = P
        delta[np.arange(N), y] -= 1
        delta /= N
        grads = {}
        for layer in range(self.layers, 0, -1):
            A, W = seen[layer - 1], self.params[f"W{layer}"]
            grads[f"W{layer}"] = A.T @ delta + 2 * self.problem.reg * W
            grads[f"b{layer}"] = delta.sum(axis=0)
            if layer > 1:
                delta = (delta @ W.T) * (A > 0)
        for name, grad in grads.items():
            if self.problem.momentum:
                self.velocity[name] = self.problem.momentum * self.velocity[name] - learning_rate * grad
                self.params[name] += self.velocity[name]
            else:
                self.params[name] -= learning_rate * grad
        return loss

    def logits(self, images: Any) -> Any:
        return self.forward(images)[-1]

    def parameters(self) -> dict[str, Any]:
        return self.params


def setup(problem: Problem) -> Plain:
    return Plain(problem)

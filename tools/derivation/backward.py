"""The gradients: (16)-(20) verified, and those by b2, W1 and b1 derived (question 2c)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import exp

from derivation.equation import Equation, entries
from fcnet.two_layernet import softmax


class Labels(Equation):
    name = "Delta"
    left = r"\Delta"

    @staticmethod
    def line(K: Any, y: Any) -> Any:
        return np.eye(K)[y]

    @staticmethod
    def form(K: Any, y: Any) -> Any:
        return entries((len(y), K), lambda i, j: 1 if y[i] == j else 0)


class OutputError(Equation):
    name = "delta3"
    left = r"\delta^{(3)} = \frac{\partial J}{\partial z^{(3)}}"
    derivative = ("J", "z3")

    @staticmethod
    def line(z3: Any, Delta: Any, N: Any) -> Any:
        return (softmax(z3) - Delta) / N

    @staticmethod
    def form(z3: Any, Delta: Any, N: Any) -> Any:
        def entry(i: int, k: int) -> Any:
            said = exp(z3[i, k]) / sum(exp(z3[i, j]) for j in range(z3.shape[1]))
            return (said - Delta[i, k]) / N

        return entries(z3.shape, entry)


class OutputWeights(Equation):
    name = "dJ_dW2"
    left = r"\frac{\partial J}{\partial W^{(2)}}"
    derivative = ("J", "W2")

    @staticmethod
    def line(a2: Any, delta3: Any) -> Any:
        return a2.T @ delta3

    @staticmethod
    def form(a2: Any, delta3: Any) -> Any:
        (N, H), K = a2.shape, delta3.shape[1]
        return entries((H, K), lambda h, k: sum(a2[i, h] * delta3[i, k] for i in range(N)))


class OutputWeightsPenalised(Equation):
    name = "dW2"
    left = r"\frac{\partial \tilde J}{\partial W^{(2)}}"
    derivative = ("J_tilde", "W2")

    @staticmethod
    def line(dJ_dW2: Any, reg: Any, W2: Any) -> Any:
        return dJ_dW2 + 2 * reg * W2

    @staticmethod
    def form(dJ_dW2: Any, reg: Any, W2: Any) -> Any:
        return entries(W2.shape, lambda h, k: dJ_dW2[h, k] + 2 * reg * W2[h, k])


class OutputBias(Equation):
    name = "db2"
    left = r"\frac{\partial \tilde J}{\partial b^{(2)}}"
    derivative = ("J_tilde", "b2")

    @staticmethod
    def line(delta3: Any) -> Any:
        return delta3.sum(axis=0)

    @staticmethod
    def form(delta3: Any) -> Any:
        N, K = delta3.shape
        return entries((K,), lambda k: sum(delta3[i, k] for i in range(N)))


class HiddenActivations(Equation):
    name = "dJ_da2"
    left = r"\frac{\partial J}{\partial a^{(2)}}"
    derivative = ("J", "a2")

    @staticmethod
    def line(delta3: Any, W2: Any) -> Any:
        return delta3 @ W2.T

    @staticmethod
    def form(delta3: Any, W2: Any) -> Any:
        (N, K), H = delta3.shape, len(W2)
        return entries((N, H), lambda i, h: sum(delta3[i, k] * W2[h, k] for k in range(K)))


class ReluSlope(Equation):
    name = "slope2"
    left = r"\phi'(z^{(2)})"
    derivative = ("a2", "z2")

    @staticmethod
    def line(z2: Any) -> Any:
        return z2.real > 0

    @staticmethod
    def form(on2: Any) -> Any:
        return entries(on2.shape, lambda i, h: 1 if on2[i, h] else 0)


class HiddenError(Equation):
    name = "delta2"
    left = r"\delta^{(2)} = \frac{\partial J}{\partial z^{(2)}}"
    derivative = ("J", "z2")

    @staticmethod
    def line(delta3: Any, W2: Any, z2: Any) -> Any:
        return (delta3 @ W2.T) * (z2.real > 0)

    @staticmethod
    def form(delta3: Any, W2: Any, on2: Any) -> Any:
        K = delta3.shape[1]
        return entries(
            on2.shape,
            lambda i, h: sum(delta3[i, k] * W2[h, k] for k in range(K)) if on2[i, h] else 0,
        )


class HiddenWeights(Equation):
    name = "dW1"
    left = r"\frac{\partial \tilde J}{\partial W^{(1)}}"
    derivative = ("J_tilde", "W1")

    @staticmethod
    def line(a1: Any, delta2: Any, reg: Any, W1: Any) -> Any:
        return a1.T @ delta2 + 2 * reg * W1

    @staticmethod
    def form(a1: Any, delta2: Any, reg: Any, W1: Any) -> Any:
        N = len(a1)
        return entries(
            W1.shape, lambda d, h: sum(a1[i, d] * delta2[i, h] for i in range(N)) + 2 * reg * W1[d, h]
        )


class HiddenBias(Equation):
    name = "db1"
    left = r"\frac{\partial \tilde J}{\partial b^{(1)}}"
    derivative = ("J_tilde", "b1")

    @staticmethod
    def line(delta2: Any) -> Any:
        return delta2.sum(axis=0)

    @staticmethod
    def form(delta2: Any) -> Any:
        N, H = delta2.shape
        return entries((H,), lambda h: sum(delta2[i, h] for i in range(N)))


BACKWARD = (
    Labels, OutputError, OutputWeights, OutputWeightsPenalised, OutputBias, HiddenActivations, ReluSlope,
    HiddenError, HiddenWeights, HiddenBias,
)  # fmt: skip
"""From the top of the network down."""

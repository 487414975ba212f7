"""The network and its loss, (1)-(14)."""

from __future__ import annotations

from typing import Any

from sympy import exp, log

from derivation.equation import Equation, entries
from fcnet.two_layernet import log_softmax, relu, softmax


class Input(Equation):
    name = "a1"
    left = "a^{(1)}"

    @staticmethod
    def line(X: Any) -> Any:
        return X

    @staticmethod
    def form(X: Any) -> Any:
        return entries(X.shape, lambda i, d: X[i, d])


class HiddenLinear(Equation):
    name = "z2"
    left = "z^{(2)}"

    @staticmethod
    def line(a1: Any, W1: Any, b1: Any) -> Any:
        return a1 @ W1 + b1

    @staticmethod
    def form(a1: Any, W1: Any, b1: Any) -> Any:
        (N, D), H = a1.shape, len(b1)
        return entries((N, H), lambda i, h: sum(a1[i, d] * W1[d, h] for d in range(D)) + b1[h])


class HiddenRelu(Equation):
    name = "a2"
    left = "a^{(2)}"

    @staticmethod
    def line(z2: Any) -> Any:
        return relu(z2)

    @staticmethod
    def form(z2: Any, on2: Any) -> Any:
        return entries(z2.shape, lambda i, h: z2[i, h] if on2[i, h] else 0)


class OutputLinear(Equation):
    name = "z3"
    left = "z^{(3)}"

    @staticmethod
    def line(a2: Any, W2: Any, b2: Any) -> Any:
        return a2 @ W2 + b2

    @staticmethod
    def form(a2: Any, W2: Any, b2: Any) -> Any:
        (N, H), K = a2.shape, len(b2)
        return entries((N, K), lambda i, k: sum(a2[i, h] * W2[h, k] for h in range(H)) + b2[k])


class Probabilities(Equation):
    name = "f"
    left = r"f_\theta(X) = a^{(3)}"

    @staticmethod
    def line(z3: Any) -> Any:
        return softmax(z3)

    @staticmethod
    def form(z3: Any) -> Any:
        K = z3.shape[1]
        return entries(z3.shape, lambda i, k: exp(z3[i, k]) / sum(exp(z3[i, j]) for j in range(K)))


class LossOfOne(Equation):
    name = "J_i"
    left = "J_i"

    @staticmethod
    def line(z3: Any, example: Any, y: Any) -> Any:
        return -log_softmax(z3)[example, y]

    @staticmethod
    def form(z3: Any, y: Any) -> Any:
        N, K = z3.shape
        return entries((N,), lambda i: -log(exp(z3[i, y[i]]) / sum(exp(z3[i, j]) for j in range(K))))


class Loss(Equation):
    name = "J"
    left = "J"

    @staticmethod
    def line(J_i: Any, N: Any) -> Any:
        return J_i.sum() / N

    @staticmethod
    def form(J_i: Any, N: Any) -> Any:
        return sum(J_i[i] for i in range(N)) / N


class Norms(Equation):
    name = "norms"
    left = r"\lVert W^{(1)} \rVert^2 + \lVert W^{(2)} \rVert^2"

    @staticmethod
    def line(W1: Any, W2: Any) -> Any:
        return (W1**2).sum() + (W2**2).sum()

    @staticmethod
    def form(W1: Any, W2: Any) -> Any:
        return sum(w * w for W in (W1, W2) for w in W.flat)


class Objective(Equation):
    name = "J_tilde"
    left = r"\tilde J"

    @staticmethod
    def line(J: Any, reg: Any, norms: Any) -> Any:
        return J + reg * norms

    @staticmethod
    def form(J: Any, reg: Any, norms: Any) -> Any:
        return J + reg * norms


FORWARD = (
    Input, HiddenLinear, HiddenRelu, OutputLinear, Probabilities, LossOfOne, Loss, Norms, Objective,
)  # fmt: skip
"""In the order in which they are computed."""

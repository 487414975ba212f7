"""What it is worth not to loop: the exercise's loss and gradients, three ways.

The loops are honest ones: rows of weights are looked up once, not for every unit, and plain Python works on
lists, since single entries of an array are slower still.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fcnet import TwoLayerNet
from harness import Benchmark, Case, Timed

BENCHMARK = Benchmark(
    name="loops",
    question="Loss and all gradients of one minibatch (float64): what are loops worth?",
    cases=({"N": 200, "D": 3072, "H": 50, "K": 10},),
    quick_cases=({"N": 3, "D": 7, "H": 5, "K": 4},),
    baseline="matrix products",
    tolerance=1e-10,
)

REG = 0.25


def problem(case: Case) -> tuple[TwoLayerNet, Any, Any]:
    """A network, examples X (N, D) and labels y (N,): the same for every contestant."""
    rng = np.random.default_rng(0)
    net = TwoLayerNet(case["D"], case["H"], case["K"], std=0.05, rng=rng)
    return net, rng.standard_normal((case["N"], case["D"])), rng.integers(case["K"], size=case["N"])


@BENCHMARK.contestant("matrix products")
def matrix_products(case: Case) -> Timed:
    """`TwoLayerNet.loss`: no loop in Python at all."""
    net, X, y = problem(case)

    def timed() -> dict[str, Any]:
        loss, grads = net.loss(X, y, REG)
        return {"loss": loss, **grads}

    return timed


@BENCHMARK.contestant("loop over examples, arrays within")
def one_example_at_a_time(case: Case) -> Timed:
    """One example after the other, each with NumPy."""
    net, X, y = problem(case)
    W1, b1, W2, b2 = (net.params[name] for name in ("W1", "b1", "W2", "b2"))

    def timed() -> dict[str, Any]:
        N = len(X)
        loss = REG * ((W1**2).sum() + (W2**2).sum())
        dW1, db1, dW2, db2 = 2 * REG * W1, np.zeros_like(b1), 2 * REG * W2, np.zeros_like(b2)
        for x, label in zip(X, y, strict=True):
            z2 = x @ W1 + b1
            a2 = np.maximum(z2, 0)
            z3 = a2 @ W2 + b2
            exp_z3 = np.exp(z3 - z3.max())
            delta3 = exp_z3 / exp_z3.sum()
            loss -= math.log(delta3[label]) / N
            delta3[label] -= 1
            delta3 /= N
            delta2 = (W2 @ delta3) * (z2 > 0)
            dW2 += np.outer(a2, delta3)
            db2 += delta3
            dW1 += np.outer(x, delta2)
            db1 += delta2
        return {"loss": loss, "W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    return timed


@BENCHMARK.contestant("loops over examples, inputs, units, classes")
def loops_over_everything(case: Case) -> Timed:
    """Plain Python on lists."""
    net, X, y = problem(case)
    params = {name: value.tolist() for name, value in net.params.items()}
    examples, labels = X.tolist(), y.tolist()

    def timed() -> dict[str, Any]:
        loss, grads = penalty(params)
        for x, label in zip(examples, labels, strict=True):
            loss += one_example(x, label, params, grads, len(examples))
        return {"loss": loss, **grads}

    return timed


def penalty(params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The L2 term and its gradients, to which every example adds its own."""
    loss = REG * sum(w * w for name in ("W1", "W2") for row in params[name] for w in row)
    grads = {name: [[2 * REG * w for w in row] for row in params[name]] for name in ("W1", "W2")}
    return loss, grads | {name: [0.0] * len(params[name]) for name in ("b1", "b2")}


def one_example(x: list[float], label: int, params: dict[str, Any], grads: dict[str, Any], N: int) -> float:
    """Add one example's gradients to grads; returns its share of the loss."""
    z2 = affine(x, params["W1"], params["b1"])
    a2 = [max(0.0, z) for z in z2]
    z3 = affine(a2, params["W2"], params["b2"])
    largest = max(z3)
    exp_z3 = [math.exp(z - largest) for z in z3]
    total = sum(exp_z3)
    delta3 = [e / total / N for e in exp_z3]
    delta3[label] -= 1 / N
    delta2 = [0.0] * len(z2)
    for h, row in enumerate(params["W2"]):
        if z2[h] > 0:
            for k, w in enumerate(row):
                delta2[h] += w * delta3[k]
    add_outer(a2, delta3, grads["W2"], grads["b2"])
    add_outer(x, delta2, grads["W1"], grads["b1"])
    return -math.log(exp_z3[label] / total) / N


def affine(x: list[float], W: list[list[float]], b: list[float]) -> list[float]:
    """X W + b for one row x."""
    z = list(b)
    for d, row in enumerate(W):
        x_d = x[d]
        for h, w in enumerate(row):
            z[h] += x_d * w
    return z


def add_outer(x: list[float], delta: list[float], dW: list[list[float]], db: list[float]) -> None:
    """Add the products x_d delta_h to dW, and delta to db."""
    for d, row in enumerate(dW):
        x_d = x[d]
        for h, error in enumerate(delta):
            row[h] += x_d * error
    for h, error in enumerate(delta):
        db[h] += error

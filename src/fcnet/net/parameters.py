"""A parameter and its gradient.

A gradient is kept as what it is made of. That of a weight matrix is the product X^T delta, that of a bias
the column sums of delta. An optimiser never needs the gradient alone, only "scale me and add the gradient
to me", and for a weight matrix that is one call to BLAS: the gradient itself is never stored. Whoever wants
to see it asks for `dense()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcnet.net.blas import product

Array = NDArray[Any]


class Gradient(Protocol):
    """dJ/dtheta for one parameter, in the form in which backpropagation leaves it."""

    def add_to(self, target: Array, alpha: float, beta: float) -> None:
        """Overwrite target with beta target + alpha dJ/dtheta."""
        ...

    def dense(self) -> Array:
        """The gradient as an array of its own, shaped like the parameter."""
        ...


@dataclass(slots=True)
class WeightGradient:
    """dJ/dW = X^T delta, (in, out), from the layer's input X (N, in) and error delta (N, out)."""

    X: Array
    delta: Array

    def add_to(self, target: Array, alpha: float, beta: float) -> None:
        product(self.X, self.delta, target, alpha=alpha, beta=beta, transpose_A=True)

    def dense(self) -> Array:
        return self.X.T @ self.delta


@dataclass(slots=True)
class BiasGradient:
    """dJ/db = sum over examples of delta, (out,), from the layer's error delta (N, out)."""

    delta: Array

    def add_to(self, target: Array, alpha: float, beta: float) -> None:
        target *= beta
        target += alpha * self.delta.sum(axis=0)

    def dense(self) -> Array:
        return np.asarray(self.delta.sum(axis=0))


@dataclass(slots=True)
class Parameter:
    """An array that training changes in place.

    name : as in the exercise, "W1", "b1", "W2", ...
    value : the array
    regularised : whether the L2 term counts it: weights are, biases are not, (13)
    gradient : set by each backward pass
    """

    name: str
    value: Array
    regularised: bool
    gradient: Gradient | None = None

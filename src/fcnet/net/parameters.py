"""A parameter and its gradient.

A gradient is kept as what it is made of. That of a weight matrix is the product X^T delta, that of a bias
the column sums of delta. An optimiser never needs the gradient alone, only "scale me and add the gradient
to me", which is one call to BLAS: the gradient itself is never stored. At 1,024 units that saves writing and
reading 12.6 MB a step. Whoever wants to see it asks for `dense()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcnet.net.blas import product
from fcnet.net.scaled import Scaled

Array = NDArray[Any]


class Gradient(Protocol):
    """dJ/dtheta for one parameter, in the form in which backpropagation leaves it."""

    def add_to(self, target: Array, alpha: float) -> None:
        """Overwrite target with target + alpha dJ/dtheta."""
        ...

    def dense(self) -> Array:
        """The gradient as an array of its own, shaped like the parameter."""
        ...


@dataclass(slots=True)
class WeightGradient:
    """dJ/dW = X^T delta, (in, out), from the layer's input X (N, in) and error delta (N, out)."""

    X: Scaled
    delta: Array

    def add_to(self, target: Array, alpha: float) -> None:
        X = self.X
        product(X.stored, self.delta, target, alpha=alpha * X.scale, beta=1.0, transpose_A=True)

    def dense(self) -> Array:
        return np.asarray(self.X.scale * (self.X.stored.T @ self.delta))


@dataclass(slots=True)
class BiasGradient:
    """dJ/db = sum over examples of delta, (out,), from the layer's error delta (N, out).

    The sum is the product of a row of ones (1, N) with delta, so that it too is one call to BLAS.
    """

    delta: Array

    def add_to(self, target: Array, alpha: float) -> None:
        product(_ones(len(self.delta), self.delta.dtype), self.delta, target[None], alpha=alpha, beta=1.0)

    def dense(self) -> Array:
        return np.asarray(self.delta.sum(axis=0))


@lru_cache(maxsize=8)
def _ones(N: int, dtype: np.dtype[Any]) -> Array:
    """A row of N ones, (1, N)."""
    return np.ones((1, N), dtype)


@dataclass(slots=True)
class Parameter:
    """An array that training changes in place.

    name : as in the exercise, "W1", "b1", "W2", ...
    scaled : the array, as weight decay wants it
    regularised : whether the L2 term counts it: weights are, biases are not, (13)
    gradient : set by each backward pass
    """

    name: str
    scaled: Scaled
    regularised: bool
    gradient: Gradient | None = None

    @property
    def value(self) -> Array:
        """The array itself, not a copy."""
        return self.scaled.settled()

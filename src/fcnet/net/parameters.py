"""A parameter, from its declaration by a layer to the numbers and their gradient.

A gradient is stored as its factors. The gradient of a weight matrix is the product X^T delta, that of a bias
the column sums of delta. An optimiser never needs the gradient alone, only to scale a parameter and add the
gradient to it, which is one call to BLAS. So the gradient itself is never stored.
At 1,024 units that saves writing and reading 12.6 MB a step. `dense()` computes it for the audit and the
tests.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np

from fcnet.arrays import Array
from fcnet.net.blas import Product, add_scaled
from fcnet.net.scaled import Scaled

Start = Literal["weight", "bias", "ones", "zeros"]
"""How a parameter is initialised: the first two by the chosen scheme."""


@dataclass(frozen=True)
class Declared:
    """A parameter before it has numbers: its layer's declaration, with the names that the network gives.

    name : "W" in the layer's declaration; "W1", "W2", ... once the network has numbered it
    shape : of the array
    start : how it is initialised: "weight" and "bias" by the chosen scheme, "ones", "zeros"
    fan_in : inputs of one unit, which the schemes for weights and biases use
    decayed : whether weight decay and the L2 term (13) apply to it
    torch : its name in the PyTorch module, such as "weight"; in the network "layers.0.weight"
    transposed : whether PyTorch keeps it transposed, as it does (out, in) weights
    """

    name: str
    shape: tuple[int, ...]
    start: Start
    fan_in: int = 1
    decayed: bool = False
    torch: str = ""
    transposed: bool = False


class Gradient(Protocol):
    """dJ/dtheta for one parameter, in the form in which backpropagation leaves it."""

    def add_to(self, target: Array, alpha: float) -> None:
        """Overwrite target with target + alpha dJ/dtheta."""

    def dense(self) -> Array:
        """The gradient as a new array, shaped like the parameter."""


@dataclass(slots=True)
class WeightGradient:
    """dJ/dW = X^T delta, (in, out), from the layer's input X (N, in) and error delta (N, out).

    With bfloat16 both are rounded for the product.
    """

    X: Scaled
    delta: Array
    bfloat16: bool = False
    _product: Product = field(init=False)

    def __post_init__(self) -> None:
        self._product = Product(beta=1.0, transpose_A=True, bfloat16=self.bfloat16)

    def add_to(self, target: Array, alpha: float) -> None:
        self._product(self.X.stored, self.delta, target, alpha=alpha * self.X.scale)

    def dense(self) -> Array:
        if self.bfloat16:
            added = np.zeros((self.X.stored.shape[1], self.delta.shape[1]), self.delta.dtype)
            self.add_to(added, 1.0)
            return added
        return np.asarray(self.X.scale * (self.X.stored.T @ self.delta))


@dataclass(slots=True)
class BiasGradient:
    """dJ/db = sum over examples of delta, (out,), from the layer's error delta (N, out).

    The sum is the product of a row of ones (1, N) with delta, so that it too is one call to BLAS.
    """

    delta: Array
    _product: Product = field(default_factory=lambda: Product(beta=1.0))
    _target: Array | None = None
    _row: Array | None = None

    def add_to(self, target: Array, alpha: float) -> None:
        if self._row is None or self._target is not target:
            self._target, self._row = target, target[None]
        self._product(_ones(len(self.delta), self.delta.dtype), self.delta, self._row, alpha=alpha)

    def dense(self) -> Array:
        return np.asarray(self.delta.sum(axis=0))


@dataclass(slots=True)
class DenseGradient:
    """dJ/dtheta as an array, for parameters so small that storing it costs nothing."""

    array: Array

    def add_to(self, target: Array, alpha: float) -> None:
        add_scaled(self.array, target, alpha)

    def dense(self) -> Array:
        return self.array.copy()


@lru_cache(maxsize=8)
def _ones(N: int, dtype: np.dtype[Any]) -> Array:
    """A row of N ones, (1, N)."""
    return np.ones((1, N), dtype)


@dataclass(slots=True)
class Parameter:
    """An array that training changes in place.

    name : as in the exercise, "W1", "b1", "W2", ...
    scaled : the array with its factor, which weight decay changes
    decayed : whether weight decay and the L2 term apply to it: to weights, not to biases, (13)
    gradient : set by each backward pass
    bfloat16 : whether matrix products with it round their factors to bfloat16, see `onednn`
    """

    name: str
    scaled: Scaled
    decayed: bool
    gradient: Gradient | None = None
    bfloat16: bool = False

    @property
    def value(self) -> Array:
        """The array itself, not a copy."""
        return self.scaled.settled()

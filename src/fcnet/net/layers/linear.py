"""Z = X W + b, and its transpose."""

from collections.abc import Sequence

import numpy as np

from fcnet.arrays import Array
from fcnet.net.blas import Product, buffer, product
from fcnet.net.layers.base import Layer
from fcnet.net.onnx_graph import Graph
from fcnet.net.parameters import BiasGradient, Declared, Parameter, WeightGradient
from fcnet.net.scaled import Scaled
from fcnet.validation import check_positive


class Linear(Layer):
    """Z = X W + b.

    Parameters
    ----------
    inputs, units : numbers at the input and at the output; W is (inputs, units), b is (units,)
    """

    group = "layers"
    needs_input = True  # the gradient of W is made of it
    takes_scaled = True

    def __init__(self, inputs: int, units: int) -> None:
        check_positive(units=units)
        super().__init__(inputs)
        self.outputs = int(units)
        self.declared = (
            Declared("W", (inputs, units), "weight", inputs, decayed=True, torch="weight", transposed=True),
            Declared("b", (units,), "bias", inputs, torch="bias"),
        )

    def bind(self, parameters: Sequence[Parameter], rng: np.random.Generator) -> None:
        self.W, self.b = parameters
        rounded, nothing = self.W.bfloat16, np.zeros((0, 0))
        self._ahead = Product(beta=1.0, bfloat16=rounded)
        self._back = Product(transpose_B=True, bfloat16=rounded)
        self._of_W, self._of_b = WeightGradient(Scaled(nothing), nothing, rounded), BiasGradient(nothing)

    def forward(self, X: Array | Scaled, training: bool) -> Array:
        """X (N, in) to Z (N, out). Equations: (4), (6)"""
        X, W = X if isinstance(X, Scaled) else Scaled(X), self.W.scaled
        Z = buffer(self._buffers, "Z", (len(X.stored), W.stored.shape[1]), W.stored.dtype)
        Z[:] = self.b.value
        # (4), (6): the bias is already there, beta keeps it
        self._ahead(X.stored, W.stored, Z, alpha=X.scale * W.scale)
        self._X = X
        return Z

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """Delta = dJ/dZ (N, out) to dJ/dX (N, in); sets both gradients. Equations: (18), (19)"""
        # (18), (19): the same objects in every step, since their products know their arrays
        self._of_W.X, self._of_W.delta, self._of_b.delta = self._X, delta, delta
        self.W.gradient, self.b.gradient = self._of_W, self._of_b
        if not input_needed:  # the first layer: the largest product of all, saved
            return None
        W = self.W.scaled
        dX = buffer(self._buffers, "dX", (len(delta), W.stored.shape[0]), W.stored.dtype)
        self._back(delta, W.stored, dX, alpha=W.scale)
        return dX

    def predict(self, X: Array) -> Array:
        W = self.W.scaled
        Z = np.empty((len(X), self.outputs), W.stored.dtype)
        Z[:] = self.b.scaled.scale * self.b.scaled.stored
        product(X, W.stored, Z, alpha=W.scale, beta=1.0, bfloat16=self.W.bfloat16)
        return Z

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Gemm", x, graph.parameter(self.W), graph.parameter(self.b))

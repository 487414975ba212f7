"""The layer that applies an activation function; the functions themselves are in `fcnet.net.activations`."""

import numpy as np

from fcnet.arrays import Array
from fcnet.net.activations import activation_function
from fcnet.net.blas import buffer
from fcnet.net.layers.base import Layer
from fcnet.net.onnx_graph import Graph


class Activation(Layer):
    """A = phi(Z), element by element.

    Parameters
    ----------
    inputs : units
    function : the name of phi in `ACTIVATIONS`
    """

    def __init__(self, inputs: int, function: str) -> None:
        super().__init__(inputs)
        self.name = function
        self.function = activation_function(function)
        self.needs_input = self.function.slope_from == "input"
        self.needs_output = self.in_place = self.function.slope_from == "output"
        self.seen: list[tuple[Activation, Array]] | None = None
        """Where each `forward` notes this layer with a copy of its input; None for nowhere."""

    def forward(self, X: Array, training: bool) -> Array:
        """Z (N, H) to A (N, H), in place where the slope follows from A alone. Equations: (1), (5)"""
        if self.seen is not None:
            self.seen.append((self, X.copy()))
        A = X if self.overwrite_input else buffer(self._buffers, "A", X.shape, X.dtype)
        self.function.value(X, A)
        self._kept = X if self.needs_input else A
        return A

    def backward(self, delta: Array, input_needed: bool) -> Array:
        """dJ/dA (N, H) to dJ/dZ (N, H) = phi'(Z) * dJ/dA."""
        slope = buffer(self._buffers, "slope", delta.shape, np.dtype(self.function.slope_type or delta.dtype))
        self.function.slope(self._kept, slope)
        dX = delta if self.overwrite_delta else buffer(self._buffers, "dX", delta.shape, delta.dtype)
        return np.multiply(delta, slope, out=dX)

    def predict(self, X: Array) -> Array:
        A = np.empty_like(X)
        self.function.value(X, A)
        return A

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.nodes_of(self.function, x)

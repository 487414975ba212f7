"""A shortcut around some layers (He et al. 2016)."""

from collections.abc import Sequence

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.net.blas import buffer
from fcnet.net.layers.base import Layer, ahead, back, plan, predicted
from fcnet.net.onnx_graph import Graph


class Residual(Layer):
    """Y = X + F(X), F being a row of layers that ends with as many units as it begins.

    Parameters
    ----------
    inputs : units
    layers : the layers of F
    """

    def __init__(self, inputs: int, layers: Sequence[Layer]) -> None:
        super().__init__(inputs)
        if not layers or layers[-1].outputs != inputs:
            ends = layers[-1].outputs if layers else "no layer"
            raise DataError(f"a residual block begins with {inputs} units and ends with {ends}, which differ")
        self.inner = tuple(layers)
        # X is needed for the sum after F has seen it, and the error for the sum after F has passed it down
        self._output_free, self._delta_free = plan(self.inner, input_free=False, delta_free=False)

    def forward(self, X: Array, training: bool) -> Array:
        """X (N, H) to X + F(X) (N, H)."""
        F = ahead(self.inner, X, training)
        Y = F if self._output_free else buffer(self._buffers, "Y", X.shape, X.dtype)
        return np.add(X, F, out=Y)

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """dJ/dY (N, H) to dJ/dX = dJ/dY + (dF/dX)^T dJ/dY (N, H)."""
        below = back(self.inner, delta, input_needed)
        if below is None or not input_needed:
            return None
        dX = below if self._delta_free else buffer(self._buffers, "dX", delta.shape, delta.dtype)
        return np.add(delta, below, out=dX)

    def predict(self, X: Array) -> Array:
        return X + predicted(self.inner, X)

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Add", x, graph.row(self.inner, x))

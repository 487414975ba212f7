"""The mean of several rows of layers, side by side on one input: an ensemble as one network."""

from collections.abc import Sequence

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.net.blas import buffer
from fcnet.net.layers.base import Layer, ahead, back, plan, predicted
from fcnet.net.onnx_graph import Graph


class Mean(Layer):
    """Y = (F_1(X) + ... + F_n(X)) / n, each F_k being a row of layers.

    Parameters
    ----------
    inputs : numbers per example
    rows : the layers of each F_k, which all end with the same number of units

    Raises
    ------
    DataError : no rows, an empty row, or rows that end with different numbers of units
    """

    def __init__(self, inputs: int, rows: Sequence[Sequence[Layer]]) -> None:
        super().__init__(inputs)
        ends = sorted({row[-1].outputs if row else 0 for row in rows})
        if len(ends) != 1 or ends == [0]:
            raise DataError(f"the rows of a mean end with {ends or 'no'} units, give rows that end alike")
        self.rows = tuple(tuple(row) for row in rows)
        self.inner = tuple(layer for row in self.rows for layer in row)
        self.outputs = ends[0]
        for row in self.rows:  # X is every row's input, and the error goes to every row
            plan(row, input_free=False, delta_free=False)

    def forward(self, X: Array, training: bool) -> Array:
        """X (N, D) to Y (N, H)."""
        Y = buffer(self._buffers, "Y", (len(X), self.outputs), X.dtype)
        Y[:] = 0
        for row in self.rows:
            Y += ahead(row, X, training)
        Y /= len(self.rows)
        return Y

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """dJ/dY (N, H) to dJ/dX = (1/n) sum_k (dF_k/dX)^T dJ/dY (N, D); sets all gradients."""
        share = buffer(self._buffers, "share", delta.shape, delta.dtype)
        np.divide(delta, len(self.rows), out=share)
        dX = buffer(self._buffers, "dX", (len(delta), self.inputs), delta.dtype)
        dX[:] = 0
        for row in self.rows:
            below = back(row, share, input_needed)
            if below is not None and input_needed:
                dX += below
        return dX if input_needed else None

    def predict(self, X: Array) -> Array:
        Y = np.zeros((len(X), self.outputs), X.dtype)
        for row in self.rows:
            Y += predicted(row, X)
        Y /= len(self.rows)
        return Y

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Mean", *(graph.row(row, x) for row in self.rows))

"""Units that are switched off at random while a network trains."""

from collections.abc import Sequence

import numpy as np

from fcnet.arrays import Array
from fcnet.net.blas import buffer
from fcnet.net.layers.base import Layer
from fcnet.net.onnx_graph import Graph
from fcnet.net.parameters import Parameter
from fcnet.validation import check_fraction


class Dropout(Layer):
    """Each unit off with probability p in training, the others scaled by 1 / (1 - p).

    The scaling keeps the expected activation, so that prediction needs no change (Srivastava et al. 2014,
    in the inverted form).

    Parameters
    ----------
    inputs : units
    p : probability of switching a unit off, 0 <= p < 1
    """

    in_place = True
    passes_through = True  # at prediction

    def __init__(self, inputs: int, p: float) -> None:
        check_fraction(dropout=p)
        super().__init__(inputs)
        self.p = float(p)
        self.mask: Array | None = None
        """The scaled mask (N, H) of the last forward."""
        self.fixed: Array | None = None
        """A scaled mask (N, H) to use in every forward instead, to compare networks or check gradients."""

    def bind(self, parameters: Sequence[Parameter], rng: np.random.Generator) -> None:
        self.rng = rng

    def forward(self, X: Array, training: bool) -> Array:
        """A (N, H) to mask * A; at prediction A stays as it is."""
        self.mask = self.fixed if self.fixed is not None else self._draw(X) if training else None
        return self._masked(X, "Y", self.overwrite_input)

    def backward(self, delta: Array, input_needed: bool) -> Array:
        """The same mask on the error."""
        return self._masked(delta, "dX", self.overwrite_delta)

    def predict(self, X: Array) -> Array:
        return X

    def onnx(self, graph: Graph, x: str) -> str:
        return x

    def _masked(self, X: Array, name: str, in_place: bool) -> Array:
        if self.mask is None:
            return X
        return np.multiply(X, self.mask, out=X if in_place else buffer(self._buffers, name, X.shape, X.dtype))

    def _draw(self, X: Array) -> Array:
        noise = buffer(self._buffers, "noise", X.shape, np.dtype(np.float32))
        mask = buffer(self._buffers, "mask", X.shape, X.dtype)
        self.rng.random(out=noise, dtype=np.float32)
        np.greater_equal(noise, self.p, out=mask, casting="unsafe")
        mask *= 1 / (1 - self.p)
        return mask

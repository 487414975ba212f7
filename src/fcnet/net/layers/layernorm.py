"""Layer normalisation (Ba, Kiros and Hinton 2016)."""

from collections.abc import Sequence

import numpy as np

from fcnet.arrays import Array
from fcnet.net.blas import buffer
from fcnet.net.layers.base import Layer
from fcnet.net.onnx_graph import Graph
from fcnet.net.parameters import BiasGradient, Declared, DenseGradient, Parameter

EPSILON = 1e-5
"""Added to the variance, as PyTorch does."""


class LayerNorm(Layer):
    """Y = gamma * (X - mean) / sqrt(variance + epsilon) + beta, mean and variance over each example's units.

    Parameters
    ----------
    inputs : units H; gamma and beta are (H,), and weight decay leaves both alone
    """

    group = "norms"
    normalises = True

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.declared = (
            Declared("gamma", (inputs,), "ones", torch="weight"),
            Declared("beta", (inputs,), "zeros", torch="bias"),
        )

    def bind(self, parameters: Sequence[Parameter], rng: np.random.Generator) -> None:
        self.gamma, self.beta = parameters

    def forward(self, X: Array, training: bool) -> Array:
        """X (N, H) to Y (N, H)."""
        self._normed = buffer(self._buffers, "normed", X.shape, X.dtype)
        self._spread = buffer(self._buffers, "spread", (len(X), 1), X.dtype)
        Y = buffer(self._buffers, "Y", X.shape, X.dtype)
        _normalise(X, self._normed, self._spread, Y)
        np.multiply(self._normed, self.gamma.value, out=Y)
        Y += self.beta.value
        return Y

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """dJ/dY (N, H) to dJ/dX (N, H); sets both gradients.

        With n = (X - mean) / s and g = gamma * dJ/dY: dJ/dX = (g - mean(g) - n * mean(g * n)) / s.
        """
        n = self._normed
        work = buffer(self._buffers, "work", delta.shape, delta.dtype)
        np.multiply(delta, n, out=work)
        self.gamma.gradient = DenseGradient(work.sum(axis=0))
        self.beta.gradient = BiasGradient(delta)
        if not input_needed:
            return None
        g = buffer(self._buffers, "dX", delta.shape, delta.dtype)
        mean = buffer(self._buffers, "mean", (len(delta), 1), delta.dtype)
        np.multiply(delta, self.gamma.value, out=g)
        np.multiply(g, n, out=work)
        np.mean(work, axis=1, keepdims=True, out=mean)
        np.multiply(n, mean, out=work)
        np.mean(g, axis=1, keepdims=True, out=mean)
        g -= mean
        g -= work
        g /= self._spread
        return g

    def predict(self, X: Array) -> Array:
        normed, spread, Y = np.empty_like(X), np.empty((len(X), 1), X.dtype), np.empty_like(X)
        _normalise(X, normed, spread, Y)
        np.multiply(normed, self.gamma.scaled.scale * self.gamma.scaled.stored, out=Y)
        Y += self.beta.scaled.scale * self.beta.scaled.stored
        return Y

    def onnx(self, graph: Graph, x: str) -> str:
        gamma, beta = graph.parameter(self.gamma), graph.parameter(self.beta)
        return graph.node("LayerNormalization", x, gamma, beta, axis=-1, epsilon=EPSILON)


def _normalise(X: Array, normed: Array, spread: Array, work: Array) -> None:
    """Fill normed (N, H) with (X - mean) / spread, and spread (N, 1) with sqrt(variance + epsilon)."""
    np.mean(X, axis=1, keepdims=True, out=spread)
    np.subtract(X, spread, out=normed)
    np.multiply(normed, normed, out=work)  # not the absolute square: the complex step passes through
    np.mean(work, axis=1, keepdims=True, out=spread)
    spread += EPSILON
    np.sqrt(spread, out=spread)
    normed /= spread

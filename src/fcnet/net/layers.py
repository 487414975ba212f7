"""Linear, ReLU, dropout. In each, backward stands right beneath forward and is the forward transposed.

A layer owns the buffers that it writes to: what `forward` and `backward` return is overwritten by the next
call. Rows are examples throughout.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcnet.net.blas import buffer, product
from fcnet.net.parameters import BiasGradient, Parameter, WeightGradient
from fcnet.net.scaled import Scaled

Array = NDArray[Any]


class Layer(Protocol):
    """What a network is a row of."""

    def forward(self, X: Array, training: bool) -> Array:
        """From the layer's input to its output."""
        ...

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """From dJ/d(output) to dJ/d(input), or None where nobody below needs it."""
        ...


class Linear:
    """Z = X W + b.

    Parameters
    ----------
    W : (in, out) weight matrix, changed in place by training
    b : (out,) bias
    number : place in the network, from 1; names the parameters W1, b1, ...
    """

    def __init__(self, W: Array, b: Array, number: int) -> None:
        self.W = Parameter(f"W{number}", Scaled(W), regularised=True)
        self.b = Parameter(f"b{number}", Scaled(b), regularised=False)
        self._buffers: dict[str, Array] = {}

    def forward(self, X: Array | Scaled, training: bool) -> Array:
        """X (N, in) to Z (N, out). Equations: (4), (6)"""
        X, W = X if isinstance(X, Scaled) else Scaled(X), self.W.scaled
        Z = buffer(self._buffers, "Z", (len(X.stored), W.stored.shape[1]), W.stored.dtype)
        Z[:] = self.b.value
        # (4), (6): the bias is already there, beta keeps it
        product(X.stored, W.stored, Z, alpha=X.scale * W.scale, beta=1.0)
        self._X = X
        return Z

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """Delta = dJ/dZ (N, out) to dJ/dX (N, in); sets both gradients. Equations: (18), (19)"""
        self.W.gradient = WeightGradient(self._X, delta)  # (18), (19)
        self.b.gradient = BiasGradient(delta)
        if not input_needed:  # the first layer: the largest product of all, saved
            return None
        W = self.W.scaled
        dX = buffer(self._buffers, "dX", (len(delta), W.stored.shape[0]), W.stored.dtype)
        product(delta, W.stored, dX, alpha=W.scale, transpose_B=True)
        return dX


class ReLU:
    """A = max(0, Z), in place: Z is not needed again, since A > 0 exactly where Z > 0."""

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}
        self._zeros: Array = np.zeros(0)

    def forward(self, X: Array, training: bool) -> Array:
        """Z (N, H) to A (N, H), the same array. Equations: (1), (5)"""
        if self._zeros.size != X.shape[1] or self._zeros.dtype != X.dtype:
            self._zeros = np.zeros(X.shape[1], X.dtype)
        # (1): NumPy takes the maximum with a row of zeros in half the time that one zero takes
        self._A = np.maximum(X, self._zeros, out=X)
        return self._A

    def backward(self, delta: Array, input_needed: bool) -> Array:
        """dJ/dA to dJ/dZ, in place: the error passes where the unit was on."""
        on = buffer(self._buffers, "on", delta.shape, np.dtype(bool))
        np.greater(self._A, 0, out=on)
        delta *= on
        return delta


class Dropout:
    """Each unit off with probability p in training, the others scaled by 1 / (1 - p).

    The scaling keeps the expected activation, so that prediction needs no change (Srivastava et al. 2014,
    in the inverted form).

    Parameters
    ----------
    p : probability of switching a unit off, 0 <= p < 1
    rng : where the masks come from
    """

    def __init__(self, p: float, rng: np.random.Generator) -> None:
        self.p = p
        self.rng = rng
        self.mask: Array | None = None
        """The scaled mask (N, H) of the last forward."""
        self.fixed: Array | None = None
        """A scaled mask (N, H) to use in every forward instead, for whoever compares or checks gradients."""
        self._buffers: dict[str, Array] = {}

    def forward(self, X: Array, training: bool) -> Array:
        """A (N, H) to mask * A, in place; nothing at prediction."""
        self.mask = self.fixed if self.fixed is not None else self._draw(X) if training else None
        if self.mask is not None:
            X *= self.mask
        return X

    def backward(self, delta: Array, input_needed: bool) -> Array:
        """The same mask on the error."""
        if self.mask is not None:
            delta *= self.mask
        return delta

    def _draw(self, X: Array) -> Array:
        noise = buffer(self._buffers, "noise", X.shape, np.dtype(np.float32))
        mask = buffer(self._buffers, "mask", X.shape, X.dtype)
        self.rng.random(out=noise, dtype=np.float32)
        np.greater_equal(noise, self.p, out=mask, casting="unsafe")
        mask *= 1 / (1 - self.p)
        return mask

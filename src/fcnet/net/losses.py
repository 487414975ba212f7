"""Softmax cross-entropy: the loss of the exercise, safe at any logit, with its gradient beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.net.blas import buffer

Array = NDArray[Any]


class SoftmaxCrossEntropy:
    """J = (1/N) sum_i -log psi(z_i)_{y_i}.

    Parameters
    ----------
    label_smoothing : epsilon in [0, 1). The target is 1 - epsilon on the label plus epsilon / K on all
        classes (Szegedy et al. 2016); 0 is the exercise's loss.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._buffers: dict[str, Array] = {}

    @property
    def probabilities(self) -> Array:
        """psi(z) (N, K) of the last forward, until its backward."""
        return self._P

    def forward(self, Z: Array, y: NDArray[np.int64]) -> Any:
        """J in nats from logits Z (N, K), left as they are, and labels y (N,). Equations: (8)-(12)"""
        N, K = Z.shape
        epsilon = self.label_smoothing
        log_P = buffer(self._buffers, "log_P", Z.shape, Z.dtype)
        self._P = buffer(self._buffers, "P", Z.shape, Z.dtype)
        np.subtract(Z, Z.real.max(axis=1, keepdims=True), out=log_P)  # the largest logit becomes 0
        np.exp(log_P, out=self._P)
        total = self._P.sum(axis=1, keepdims=True)
        log_P -= np.log(total)  # (11)
        self._P /= total  # (2)
        self._y = y
        J = -log_P[np.arange(N), y].sum() / N  # (12)
        if epsilon:
            J = (1 - epsilon) * J - epsilon / (N * K) * log_P.sum()
        return J

    def backward(self) -> Array:
        """dJ/dZ (N, K) of the last forward, in the buffer of its probabilities. Equations: (16), (17)"""
        delta = self._P
        N, K = delta.shape
        if self.label_smoothing:
            delta -= self.label_smoothing / K
        delta[np.arange(N), self._y] -= 1 - self.label_smoothing  # psi - Delta, (17)
        delta /= N  # (16)
        return delta

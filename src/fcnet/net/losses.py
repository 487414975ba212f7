"""Losses, each with its gradient beside it: the exercise's softmax cross-entropy, safe at any logit, and the
squared error of a regression.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.net.blas import buffer
from fcnet.validation import check_labels

MixedTargets = tuple[NDArray[np.int64], NDArray[np.int64], Array]
"""Labels (N,), other labels (N,) and weights (N,) from 0 to 1: the target is the weight on the label and the
rest on the other label."""


Targets = NDArray[Any] | MixedTargets
"""What a loss compares the outputs with: labels, mixed targets, or numbers (N,) or (N, K)."""


class Loss(Protocol):
    """A loss of the outputs Z (N, K) of a network."""

    label_smoothing: float

    def forward(self, Z: Array, y: Any, weights: Array | None = None) -> Any:
        """The loss, a mean over the examples; Z is left as it is."""

    def backward(self) -> Array:
        """dJ/dZ (N, K) of the last forward, which the caller may write to."""

    def answers(self, Z: Array) -> Array:
        """What the network says, from its outputs: a new array (N, K)."""

    def checked(self, y: ArrayLike, examples: int, outputs: int) -> Array:
        """Targets as `forward` takes them.

        Raises
        ------
        DataError : they have another shape or type
        """


class _Arrays:
    """What a cross-entropy works in, for logits of one shape and type: found once, not in each step.

    turned : (K, N), the logits column by column: over rows of ten, NumPy finds maxima in six times the time
    """

    def __init__(self, buffers: dict[str, Array], Z: Array) -> None:
        N, K = self.shape = Z.shape
        real = Z.real.dtype
        self.P = buffer(buffers, "P", Z.shape, Z.dtype)
        self.in_order = (
            buffer(buffers, "log_P", Z.shape, Z.dtype), self.P, np.empty((K, N), real),
            buffer(buffers, "largest", (N, 1), real), buffer(buffers, "total", (N, 1), Z.dtype),
            buffer(buffers, "on_label", (N,), Z.dtype),
        )  # fmt: skip


class SoftmaxCrossEntropy:
    """J = (1/N) sum_i -log psi(z_i)_{y_i}, or with weights J = (1/N) sum_i -w_i log psi(z_i)_{y_i}.

    Weights are divided by N, not by their sum: so a minibatch of light examples takes a small step, the mean
    over minibatches is the loss of all examples, and weights of 1 change nothing. For the weighted
    mean over all examples, scale the weights to a mean of 1 beforehand.

    Parameters
    ----------
    label_smoothing : epsilon in [0, 1). The target is 1 - epsilon on the label plus epsilon / K on all
        classes (Szegedy et al. 2016); 0 is the exercise's loss.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._buffers: dict[str, Array] = {}
        self._arrays = _Arrays(self._buffers, np.empty((0, 0)))
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._classes = 0

    @property
    def probabilities(self) -> Array:
        """psi(z) (N, K) of the last forward, until its backward."""
        return self._P

    def forward(self, Z: Array, y: NDArray[np.int64] | MixedTargets, weights: Array | None = None) -> Any:
        """J in nats from logits Z (N, K), left as they are, and labels y (N,), or mixed targets.

        weights : w (N,), not negative, of the type of Z; None for ones

        Equations: (8)-(12)
        """
        N, K = Z.shape
        epsilon = self.label_smoothing
        if self._arrays.shape != Z.shape or self._arrays.P.dtype != Z.dtype:
            self._arrays = _Arrays(self._buffers, Z)
        log_P, P, turned, largest, total, on_label = self._arrays.in_order
        self._P = P
        np.copyto(turned, Z.real.T)
        np.maximum.reduce(turned, axis=0, out=largest[:, 0])
        np.subtract(Z, largest, out=log_P)  # the largest logit becomes 0
        np.exp(log_P, out=P)
        np.add.reduce(P, axis=1, keepdims=True, out=total)
        P /= total  # (2)
        np.log(total, out=total)
        self._mixed = isinstance(y, tuple)
        labels = self._mix(y, K) if isinstance(y, tuple) else y
        self._labelled, self._weights = self._places(labels, K), weights
        if not (epsilon or self._mixed or weights is not None):  # only the labels' entries are needed
            log_P.take(self._labelled, out=on_label, mode="clip")
            on_label -= total[:, 0]  # (11)
            return -np.add.reduce(on_label) / N  # (12)
        log_P -= total  # (11)
        if weights is not None:
            log_P *= weights[:, None]
        log_P.take(self._labelled, out=on_label, mode="clip")
        if self._mixed:
            on_label *= self._share
            on_label += (1 - self._share) * log_P.reshape(-1)[self._others]
        J = -np.add.reduce(on_label) / N  # (12)
        if epsilon:
            J = (1 - epsilon) * J - epsilon / (N * K) * log_P.sum()
        return J

    def _mix(self, targets: MixedTargets, K: int) -> NDArray[np.int64]:
        """Keep the second half of mixed targets; the first half, the labels."""
        labels, others, self._share = targets
        self._others = self._places(others, K).copy()  # its buffer is for the labels next
        return labels

    def _places(self, y: NDArray[np.int64], K: int) -> NDArray[np.int64]:
        """Where the labels' entries lie in an array (N, K) read row by row, (N,)."""
        if len(self._rows) < len(y) or self._classes != K:
            self._rows, self._classes = np.arange(0, len(y) * K, K), K
        places = buffer(self._buffers, "places", y.shape, self._rows.dtype)
        return np.add(self._rows[: len(y)], y, out=places)

    def backward(self) -> Array:
        """dJ/dZ (N, K) of the last forward, in the buffer of its probabilities. Equations: (16), (17)"""
        delta = self._P
        N, K = delta.shape
        if self.label_smoothing:
            delta -= self.label_smoothing / K
        on_labels = 1 - self.label_smoothing
        if self._mixed:
            delta.reshape(-1)[self._others] -= on_labels * (1 - self._share)
            delta.reshape(-1)[self._labelled] -= on_labels * self._share
        else:
            delta.reshape(-1)[self._labelled] -= on_labels  # psi - Delta, (17)
        if self._weights is not None:
            delta *= self._weights[:, None]
        delta /= N  # (16)
        return delta

    def answers(self, Z: Array) -> Array:
        """Class probabilities. Equations: (2)"""
        self.forward(Z, np.zeros(len(Z), np.int64))
        return self.probabilities.copy()

    def checked(self, y: ArrayLike, examples: int, outputs: int) -> NDArray[np.int64]:
        """Labels (N,) in [0, K)."""
        return check_labels(y, examples, outputs)


class SquaredError:
    """J = 1/(N K) sum_i w_i |z_i - t_i|^2, the mean squared error of numbers t (N, K), weights w being 1.

    As in `SoftmaxCrossEntropy`, weights are divided by N, not by their sum.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if label_smoothing:
            raise DataError(f"label_smoothing is {label_smoothing:g}, and the squared error has no labels")
        self.label_smoothing = 0.0
        self._buffers: dict[str, Array] = {}

    def forward(self, Z: Array, y: Array, weights: Array | None = None) -> Any:
        """J from outputs Z (N, K) and numbers y (N, K), or (N,) where K is 1.

        weights : w (N,), not negative; None for ones
        """
        difference = self._difference = buffer(self._buffers, "difference", Z.shape, Z.dtype)
        square = buffer(self._buffers, "square", Z.shape, Z.dtype)
        np.subtract(Z, y.reshape(Z.shape), out=difference, casting="same_kind")
        self._weights = weights
        np.multiply(difference, difference, out=square)  # not its absolute value: the complex step needs it
        if weights is not None:
            square *= weights[:, None]
        return square.sum() / square.size

    def backward(self) -> Array:
        """dJ/dZ = 2 w (z - t) / (N K), in the buffer of the differences."""
        delta = self._difference
        delta *= 2 / delta.size
        if self._weights is not None:
            delta *= self._weights[:, None]
        return delta

    def answers(self, Z: Array) -> Array:
        """The outputs themselves."""
        return Z.copy()

    def checked(self, y: ArrayLike, examples: int, outputs: int) -> NDArray[np.float64]:
        """Finite numbers (N, K), or (N,) where K is 1."""
        numbers = np.asarray(y)
        shapes = [(examples, outputs), *([(examples,)] if outputs == 1 else [])]
        if numbers.shape not in shapes or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
            raise DataError(
                f"y has shape {numbers.shape} and dtype {numbers.dtype}, give finite numbers {shapes[-1]}"
            )
        return numbers.astype(np.float64)


LOSSES: dict[str, Callable[[float], Loss]] = {
    "cross-entropy": SoftmaxCrossEntropy,
    "squared": SquaredError,
}
"""Losses by name; each is made with the label smoothing, 0 for none."""


def softmax(logits: Array) -> NDArray[np.float64]:
    """psi(z) (N, K) of logits (N, K), float64. Equations: (2)"""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def cross_entropies(logits: Array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """-log psi(z)_y in nats of each example, (N,), from logits (N, K) and labels (N,). Equations: (11)"""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1, dtype=np.float64))
    return np.asarray(log_total - shifted[np.arange(len(labels)), labels])


def accuracy_and_loss(logits: Array, labels: NDArray[np.int64]) -> tuple[float, float]:
    """The fraction of correct labels in [0, 1] and eq. 12 in nats, from logits (N, K) and labels (N,)."""
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    return accuracy, float(cross_entropies(logits, labels).mean())

"""The exercise's network: linear, ReLU, linear, softmax, written out equation by equation.

This file is the specification. It is meant to be read in five minutes, from top to bottom, and every line
that is an equation of the exercise carries its number. The fast network of any depth is in `fcnet.net`;
a test holds the two equal to rounding.

Examples are rows: X is (N, D), W1 is (D, H), W2 is (H, K). The exercise writes its weights as (out, in)
acting on columns, so its W x is X W here.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, TypedDict, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcnet.errors import DivergedError
from fcnet.validation import check_images, check_labels, check_not_negative, check_positive

Array = NDArray[Any]
"""Real or complex floating-point array: complex so that the gradient audit can take a complex step."""


class TrainingHistory(TypedDict):
    """What `TwoLayerNet.train` returns: the objective of every iteration, accuracies once an epoch."""

    loss_history: list[float]
    train_acc_history: list[float]
    val_acc_history: list[float]


def relu(u: Array) -> Array:
    """Keep what is positive, and NaN, which must not pass for a 0. Element-wise. Equations: (1)"""
    return np.where(u.real <= 0, 0, u)  # (1)


def softmax(u: Array) -> Array:
    """Turn logits (N, K) into probabilities (N, K), each row summing to 1.

    Subtracting the largest logit of a row changes nothing in (2), since it cancels, and keeps exp from
    overflowing: logits of 1e4 are as good as any other. Equations: (2)
    """
    exp_u = np.exp(u - u.real.max(axis=1, keepdims=True))
    psi: Array = exp_u / exp_u.sum(axis=1, keepdims=True)  # (2)
    return psi


def log_softmax(u: Array) -> Array:
    """Logarithm of `softmax`, (N, K), without the underflow of taking it afterwards. Equations: (11)"""
    shifted = u - u.real.max(axis=1, keepdims=True)
    log_psi: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (11)
    return log_psi


class TwoLayerNet:
    """A two-layer fully-connected classifier, trained by stochastic gradient descent.

    Parameters
    ----------
    input_size : D, numbers per example
    hidden_size : H, hidden units
    output_size : K, classes
    std : standard deviation of the initial weights; biases start at zero
    rng : source of the initial weights and the minibatches; None means NumPy's global one, so that
        `np.random.seed` decides, as it does in the exercise

    Attributes
    ----------
    params : {"W1": (D, H), "b1": (H,), "W2": (H, K), "b2": (K,)}, float64
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        std: float = 1e-4,
        rng: np.random.Generator | np.random.RandomState | None = None,
    ) -> None:
        check_positive(input_size=input_size, hidden_size=hidden_size, output_size=output_size)
        check_not_negative(std=std)
        self.rng = rng
        draw: Any = np.random if rng is None else rng
        self.params: dict[str, Array] = {
            "W1": std * draw.standard_normal((input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": std * draw.standard_normal((hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }

    def logits(self, X: ArrayLike) -> Array:
        """Class scores before the softmax, z3 (N, K), for examples X (N, D). Equations: (3)-(6)"""
        return self._forward(self._examples(X))[3]

    @overload
    def loss(self, X: ArrayLike, y: None = None, reg: float = 0.0) -> Array: ...
    @overload
    def loss(self, X: ArrayLike, y: ArrayLike, reg: float = 0.0) -> tuple[float, dict[str, Array]]: ...
    def loss(
        self, X: ArrayLike, y: ArrayLike | None = None, reg: float = 0.0
    ) -> Array | tuple[float, dict[str, Array]]:
        """Class probabilities, or with labels the objective and its gradients.

        Parameters
        ----------
        X : (N, D) examples; left unchanged
        y : (N,) integer labels in [0, K), or None
        reg : lambda of (13), the weight of the squared norms (no one-half, biases left out)

        Returns
        -------
        probabilities : (N, K), without y. Equations: (3)-(7)
        loss, grads : with y: the objective in nats and a dict shaped like `params`. Equations: (8)-(20)

        Raises
        ------
        DataError : wrong shapes, labels out of range, NaN or infinite examples, no examples, reg below 0
        """
        check_not_negative(reg=reg)
        X = self._examples(X)
        W1, W2 = self.params["W1"], self.params["W2"]
        a1, z2, a2, z3 = self._forward(X)
        if y is None:
            return softmax(z3)  # (7)

        N, K = z3.shape
        y = check_labels(y, N, K)
        example = np.arange(N)
        J_i = -log_softmax(z3)[example, y]  # (8)-(11)
        J = J_i.sum() / N  # (12)
        norms = (W1**2).sum() + (W2**2).sum()  # (14)
        loss = J + reg * norms  # (13)

        Delta = np.zeros((N, K))
        Delta[example, y] = 1  # (17)
        delta3 = (softmax(z3) - Delta) / N  # (16), dJ/dz3
        delta2 = (delta3 @ W2.T) * (z2.real > 0)  # dJ/dz2: the error passes back where the unit was on
        dJ_dW2 = a2.T @ delta3  # (18), (19)
        grads = {
            "W2": dJ_dW2 + 2 * reg * W2,  # (20)
            "b2": delta3.sum(axis=0),  # question 2c, as are the next two
            "W1": a1.T @ delta2 + 2 * reg * W1,
            "b1": delta2.sum(axis=0),
        }
        return loss, grads

    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        X_val: ArrayLike,
        y_val: ArrayLike,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> TrainingHistory:
        """Minimise the objective by stochastic gradient descent: Algorithm 1 with mu = 0.

        Parameters
        ----------
        X, y : (N, D) examples and (N,) labels to train on
        X_val, y_val : (M, D) and (M,), only looked at, once an epoch
        learning_rate : alpha
        learning_rate_decay : factor on alpha after each epoch
        reg : lambda
        num_iters : T, minibatches in all
        batch_size : B; examples are drawn with replacement, so that it may exceed N as in the toy problem
        verbose : print the objective every 100 iterations

        Returns
        -------
        history : `loss_history` (num_iters numbers), `train_acc_history` (on the current minibatch) and
            `val_acc_history`, both as fractions in [0, 1], once an epoch

        Raises
        ------
        DataError : as `loss`; also for no iterations, an empty minibatch or a negative learning rate
        DivergedError : the objective or the weights became NaN or infinite; `params` are then the finite
            weights of the last iteration whose objective was finite

        Equations: (15), Algorithm 1
        """
        X, X_val = self._examples(X), self._examples(X_val, "X_val")
        K = self.params["b2"].size
        y, y_val = check_labels(y, len(X), K), check_labels(y_val, len(X_val), K, "y_val", "X_val")
        check_positive(num_iters=num_iters, batch_size=batch_size)
        check_not_negative(learning_rate=learning_rate, learning_rate_decay=learning_rate_decay, reg=reg)
        draw: Any = np.random if self.rng is None else self.rng
        iterations_per_epoch = max(len(X) // batch_size, 1)
        history: TrainingHistory = {"loss_history": [], "train_acc_history": [], "val_acc_history": []}

        good = dict(self.params)  # the weights of the last finite objective
        for t in range(num_iters):  # (15), by Algorithm 1
            batch = draw.choice(len(X), batch_size)  # Algorithm 1, line 2
            X_batch, y_batch = X[batch], y[batch]
            with np.errstate(over="ignore", invalid="ignore"):
                loss, grads = self.loss(X_batch, y_batch, reg)
                theta = {}
                for name in self.params:
                    v = -learning_rate * grads[name]  # Algorithm 1, line 3 with mu = 0
                    theta[name] = self.params[name] + v  # Algorithm 1, line 4
            if not (np.isfinite(loss) and all(np.isfinite(p).all() for p in theta.values())):
                self.params = good
                what = "weights became infinite" if np.isfinite(loss) else f"loss became {loss}"
                where = f"iteration {t} with learning rate {learning_rate:g}"
                raise DivergedError(f"the {what} at {where}, lower it")
            history["loss_history"].append(float(loss))
            if verbose and t % 100 == 0:
                print(f"iteration {t} / {num_iters}: loss {loss:f}")
            if t % iterations_per_epoch == 0:
                history["train_acc_history"].append(float((self.predict(X_batch) == y_batch).mean()))
                history["val_acc_history"].append(float((self.predict(X_val) == y_val).mean()))
            good, self.params = self.params, theta
            if (t + 1) % iterations_per_epoch == 0:
                learning_rate *= learning_rate_decay
        return history

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """The most probable class of each example of X (N, D), as labels (N,)."""
        return np.asarray(np.argmax(self.logits(X), axis=1), dtype=np.int64)

    def preactivations(self, X: ArrayLike) -> list[Array]:
        """What the ReLU sees, [z2 (N, H)]: the gradient audit asks where it is close to the kink at 0."""
        return [self._forward(self._examples(X))[1]]

    def with_params(self, params: Mapping[str, Array]) -> TwoLayerNet:
        """A copy of this network with other parameters of the same shapes, complex ones included."""
        net = copy(self)
        net.params = dict(params)
        return net

    def _forward(self, X: Array) -> tuple[Array, Array, Array, Array]:
        """The activations a1 (N, D), z2 (N, H), a2 (N, H) and the logits z3 (N, K)."""
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        a1 = X  # (3)
        z2 = a1 @ W1 + b1  # (4)
        a2 = relu(z2)  # (5)
        z3 = a2 @ W2 + b2  # (6)
        return a1, z2, a2, z3

    def _examples(self, X: ArrayLike, name: str = "X") -> Array:
        return check_images(X, self.params["W1"].shape[0], name)

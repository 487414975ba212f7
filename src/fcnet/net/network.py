"""The layers in a row: a fully-connected classifier of any depth.

`Network` answers the same questions as `TwoLayerNet`, and equals it to rounding at two layers. It differs in
what it costs: after the first step no array of the size of a minibatch or a weight matrix is allocated, SGD
never stores the gradients of the weights, and numbers are float32 unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcnet.errors import DataError
from fcnet.net.initialisation import initial_parameters
from fcnet.net.layers import Dropout, Layer, Linear, ReLU
from fcnet.net.losses import MixedTargets, SoftmaxCrossEntropy
from fcnet.net.optimisers import Optimiser, gradient_of
from fcnet.net.parameters import Parameter
from fcnet.net.scaled import Scaled
from fcnet.validation import check_images, check_labels, check_not_negative, check_positive

Array = NDArray[Any]


class Network:
    """Linear, ReLU (, dropout), ..., linear, softmax.

    Parameters
    ----------
    sizes : units from the input to the classes, (D, H1, ..., K): len(sizes) - 1 layers
    rng : source of the initial weights and, later on, of the dropout masks
    initialisation : "he", "pytorch", or a standard deviation for all layers as text, such as "1e-4"
    dropout : probability of switching a hidden unit off in training
    label_smoothing : see `SoftmaxCrossEntropy`
    dtype : float32 to train, float64 to check gradients, complex128 for the audit's complex step

    Raises
    ------
    DataError : fewer than two sizes, a size below 1, or a dropout outside [0, 1)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: np.random.Generator,
        initialisation: str = "he",
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
        dtype: Any = np.float32,
    ) -> None:
        _check(sizes, dropout, label_smoothing)
        self.sizes = tuple(int(size) for size in sizes)
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.criterion = SoftmaxCrossEntropy(label_smoothing)
        self.linears: list[Linear] = []
        self.dropouts: list[Dropout] = []
        self.layers: list[Layer] = []
        drawn = initial_parameters(initialisation, self.sizes, rng)
        for number in range(1, len(self.sizes)):
            W, b = (drawn[f"{kind}{number}"].astype(self.dtype) for kind in "Wb")
            self.linears.append(Linear(W, b, number))
            self.layers.append(self.linears[-1])
            if number < len(self.sizes) - 1:
                self.layers.append(ReLU())
                if dropout:
                    self.dropouts.append(Dropout(dropout, rng))
                    self.layers.append(self.dropouts[-1])
        self.parameters: list[Parameter] = [p for linear in self.linears for p in (linear.W, linear.b)]

    @property
    def params(self) -> dict[str, Array]:
        """The parameters by name, {"W1": (D, H1), "b1": (H1,), ...}: the arrays themselves, not copies."""
        return {parameter.name: parameter.value for parameter in self.parameters}

    def state(self) -> dict[str, Array]:
        """What training changes, by name, for a checkpoint; the arrays themselves."""
        state: dict[str, Array] = {}
        for parameter in self.parameters:
            state |= parameter.scaled.state(parameter.name)
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        """Go on from what `state` gave."""
        for parameter in self.parameters:
            parameter.scaled.load_state(state, parameter.name)

    def forward(self, X: Array | Scaled, training: bool = False) -> Array:
        """Logits (N, K) of X (N, D), of the network's dtype. The array is reused by the next call.

        Equations: (3)-(6)
        """
        Z = self.linears[0].forward(X, training)
        for layer in self.layers[1:]:
            Z = layer.forward(Z, training)
        return Z

    def backward(self) -> None:
        """Pass the error of the last `criterion.forward` down and leave every parameter its gradient.

        Equations: (16)-(19)
        """
        delta: Array | None = self.criterion.backward()
        for place in range(len(self.layers) - 1, -1, -1):
            assert delta is not None
            delta = self.layers[place].backward(delta, input_needed=place > 0)

    def step(
        self,
        X: Array | Scaled,
        y: NDArray[np.int64] | MixedTargets,
        optimiser: Optimiser,
        learning_rate: float,
        reg: float = 0.0,
        weights: Array | None = None,
    ) -> float:
        """One step of training on a minibatch that is known to be sound.

        Parameters
        ----------
        X : (N, D) of the network's dtype, C-contiguous; left unchanged
        y : (N,) labels, or mixed targets
        weights : (N,) of the network's dtype, what each example counts; see `SoftmaxCrossEntropy`

        Returns
        -------
        loss : eq. 12 in nats, before the step. If it is not finite, nothing was updated.
        """
        loss = float(self.criterion.forward(self.forward(X, training=True), y, weights))
        if np.isfinite(loss):
            self.backward()
            optimiser.step(self.parameters, learning_rate, reg)
        return loss

    def loss(
        self, X: ArrayLike, y: ArrayLike | None = None, reg: float = 0.0, training: bool = False
    ) -> Array | tuple[Any, dict[str, Array]]:
        """Class probabilities, or with labels the objective and its gradients, as `TwoLayerNet.loss`.

        `training` switches dropout on. Gradients are arrays of their own.

        Raises
        ------
        DataError : as `TwoLayerNet.loss`

        Equations: (3)-(20)
        """
        check_not_negative(reg=reg)
        examples = self._examples(X)
        Z = self.forward(examples, training)
        if y is None:
            self.criterion.forward(Z, np.zeros(len(Z), np.int64))
            return self.criterion.probabilities.copy()
        J = self.criterion.forward(Z, check_labels(y, len(Z), self.sizes[-1]))
        self.backward()
        grads = {p.name: gradient_of(p).dense() for p in self.parameters}
        for parameter in self.parameters:
            if parameter.regularised:
                grads[parameter.name] += 2 * reg * parameter.value  # (20)
        return J + reg * self.squared_norm(), grads  # (13)

    def squared_norm(self) -> Any:
        """Sum of the squared weights, biases left out. Equations: (14)"""
        return sum(p.scaled.scale**2 * (p.scaled.stored**2).sum() for p in self.parameters if p.regularised)

    def logits(self, X: ArrayLike) -> Array:
        """Class scores before the softmax, (N, K), as an array of their own."""
        return self.forward(self._examples(X)).copy()

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """The most probable class of each example of X (N, D), as labels (N,)."""
        return np.asarray(self.forward(self._examples(X)).argmax(axis=1), dtype=np.int64)

    def preactivations(self, X: ArrayLike) -> list[Array]:
        """What each ReLU sees, [(N, H1), (N, H2), ...]."""
        A, seen = self._examples(X), []
        for layer in self.layers:
            if isinstance(layer, ReLU):
                seen.append(A.copy())
            A = layer.forward(A, False)
        return seen

    def with_params(self, params: Mapping[str, Array]) -> Network:
        """A copy of this network with other parameters of the same shapes, in their dtype."""
        net = Network(
            self.sizes,
            np.random.default_rng(0),
            dropout=self.dropouts[0].p if self.dropouts else 0.0,
            label_smoothing=self.criterion.label_smoothing,
            dtype=params["W1"].dtype,
        )
        for parameter in net.parameters:
            parameter.value[...] = params[parameter.name]
        for dropout, mine in zip(net.dropouts, self.dropouts, strict=True):
            dropout.fixed = mine.fixed
        return net

    def _examples(self, X: ArrayLike) -> Array:
        return np.ascontiguousarray(check_images(X, self.sizes[0]), dtype=self.dtype)


def _check(sizes: Sequence[int], dropout: float, label_smoothing: float) -> None:
    if len(sizes) < 2:
        raise DataError(
            f"sizes is {tuple(sizes)}, give at least the inputs and the classes, such as (3072, 10)"
        )
    check_positive(**{f"sizes[{place}]": size for place, size in enumerate(sizes)})
    for name, value in (("dropout", dropout), ("label_smoothing", label_smoothing)):
        if not 0 <= value < 1:
            raise DataError(f"{name} is {value}, give a number from 0 up to, but not including, 1")

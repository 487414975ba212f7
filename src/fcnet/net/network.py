"""An architecture with parameters, which trains and predicts.

`Network` has the methods of `TwoLayerNet`, and equals it to rounding at two layers. It costs less: after the
first step it allocates no array of the size of a minibatch or a weight matrix, SGD never stores the gradients
of the weights, and numbers are float32 by default.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcnet.arrays import Array
from fcnet.extension import is_own
from fcnet.net import libraries, onednn
from fcnet.net.architecture import Architecture
from fcnet.net.contract import check_all_layers, own_layers
from fcnet.net.declaring import bind
from fcnet.net.in_training import Claim, claims_in_training
from fcnet.net.initialisation import initial_parameters
from fcnet.net.layers import Activation, Dropout, Layer, ahead, back, plan, predicted, walk
from fcnet.net.losses import LOSSES, Loss, Targets
from fcnet.net.objective import Objective
from fcnet.net.optimisers import Optimiser, gradient_of
from fcnet.net.parameters import Parameter
from fcnet.net.scaled import Scaled
from fcnet.registry import look_up
from fcnet.validation import check_fraction, check_images, check_not_negative


class Network:
    """The layers of an architecture in sequence, and a softmax.

    Parameters
    ----------
    architecture : what the network is
    rng : source of the initial parameters and, later, of the dropout masks
    initialisation : "he", "pytorch", or a standard deviation for all layers as text, such as "1e-4"
    label_smoothing : see `SoftmaxCrossEntropy`
    loss : one of `LOSSES`: "cross-entropy", or "squared" for a regression
    dtype : float32 to train, float64 to check gradients, complex128 for the audit's complex step
    params : the parameters, by name, instead of initial ones; the network works on these arrays themselves
    bfloat16 : round the factors of all products to bfloat16, see `onednn`; dtype is float32, and all else
        stays it

    Raises
    ------
    DataError : an unknown initialisation or loss, a label smoothing outside [0, 1), params of other names or
        shapes
    MissingExtraError, DataError : bfloat16 cannot be multiplied here
    """

    def __init__(
        self,
        architecture: Architecture,
        rng: np.random.Generator,
        initialisation: str = "he",
        label_smoothing: float = 0.0,
        dtype: Any = np.float32,
        params: Mapping[str, Array] | None = None,
        loss: str = "cross-entropy",
        bfloat16: bool = False,
    ) -> None:
        check_fraction(label_smoothing=label_smoothing)
        if bfloat16:
            onednn.require()
        if params is None:
            drawn = initial_parameters(initialisation, architecture, rng)
            params = {name: value.astype(dtype) for name, value in drawn.items()}
        architecture.check(params)
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.bfloat16 = bfloat16
        self.rng = rng
        self.loss_name = loss
        self.criterion: Loss = look_up(LOSSES, loss, "loss")(label_smoothing)
        self.layers: list[Layer] = architecture.build()
        self.parameters: list[Parameter] = [
            Parameter(declared.name, Scaled(params[declared.name]), declared.decayed, bfloat16=bfloat16)
            for declared in architecture.parameters
        ]
        waiting = iter(self.parameters)
        for layer in walk(self.layers):
            bind(layer, [next(waiting) for _ in layer.declared], rng)
        # the input belongs to the caller; the error that comes in is the criterion's own and free
        plan(self.layers, input_free=False, delta_free=True)

    @classmethod
    def plain(
        cls, sizes: Sequence[int], rng: np.random.Generator, *, dropout: float = 0.0, **options: Any
    ) -> Network:
        """Linear, ReLU (, dropout), ..., linear of these sizes, (D, H1, ..., K).

        Raises
        ------
        DataError : fewer than two sizes, a size below 1, or as the constructor
        """
        return cls(Architecture.plain(sizes, dropout), rng, **options)

    def check_layers(self) -> float:
        """Try each layer; how far `predict` is from `forward` at most.

        Raises
        ------
        ExtensionError : a layer breaks its contract
        """
        return check_all_layers(self.architecture)

    def claims_in_training(self) -> Iterator[Claim]:
        """What each layer of a user's own, a fresh one, claims of its derivative in training."""
        for layer in walk(self.architecture.build()):
            if is_own(layer):
                yield from claims_in_training(layer)

    def own_layers(self) -> list[str]:
        """The layers and activations of a user's own, each named with its file and line."""
        return own_layers(self.layers)

    def threads(self) -> AbstractContextManager[None]:
        """A block for what trains this network: with bfloat16, the cores are left to oneDNN in it."""
        return libraries.one_thread() if self.bfloat16 else nullcontext()

    @property
    def dropouts(self) -> list[Dropout]:
        """The dropout layers."""
        return [layer for layer in walk(self.layers) if isinstance(layer, Dropout)]

    @property
    def params(self) -> dict[str, Array]:
        """The parameters by name, {"W1": (D, H1), "b1": (H1,), ...}: the arrays themselves, not copies."""
        return {parameter.name: parameter.value for parameter in self.parameters}

    def state(self) -> dict[str, Array]:
        """The arrays that training changes, by name, for a checkpoint; not copies."""
        state: dict[str, Array] = {}
        for parameter in self.parameters:
            state |= parameter.scaled.state(parameter.name)
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from a result of `state`."""
        for parameter in self.parameters:
            parameter.scaled.load_state(state, parameter.name)

    def forward(self, X: Array | Scaled, training: bool = False) -> Array:
        """Logits (N, K) of X (N, D), of the network's dtype. The array is reused by the next call.

        Equations: (3)-(6)
        """
        given = X.settled() if isinstance(X, Scaled) and not self.layers[0].takes_scaled else X
        return ahead(self.layers, given, training)

    def backward(self) -> None:
        """Backpropagate the error of the last `criterion.forward` and set every parameter's gradient.

        Equations: (16)-(19)
        """
        back(self.layers, self.criterion.backward(), input_needed=False)

    def step(
        self,
        X: Array | Scaled,
        y: Targets,
        optimiser: Optimiser,
        learning_rate: float,
        reg: float = 0.0,
        weights: Array | None = None,
    ) -> float:
        """One step of training on a minibatch that has been checked.

        Parameters
        ----------
        X : (N, D) of the network's dtype, C-contiguous; left unchanged
        y : (N,) labels, or mixed targets; numbers of a regression
        weights : (N,) of the network's dtype, the weight of each example; see `SoftmaxCrossEntropy`

        Returns
        -------
        loss : eq. 12 in nats, before the step. If it is not finite, nothing was updated.
        """
        with self.threads():
            loss = float(self.criterion.forward(self.forward(X, training=True), y, weights))
            if math.isfinite(loss):
                self.backward()
                optimiser.step(self.parameters, learning_rate, reg)
        return loss

    def loss(
        self, X: ArrayLike, y: ArrayLike | None = None, reg: float = 0.0, training: bool = False
    ) -> Array | tuple[Any, dict[str, Array]]:
        """Class probabilities, or with labels the objective and its gradients, as `TwoLayerNet.loss`.

        A regression has outputs instead of probabilities, and numbers instead of labels.

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
            return self.criterion.answers(Z)
        J = self.criterion.forward(Z, self.criterion.checked(y, len(Z), self.architecture.outputs))
        self.backward()
        grads = {p.name: gradient_of(p).dense() for p in self.parameters}
        for parameter in self.parameters:
            if parameter.decayed:
                grads[parameter.name] += 2 * reg * parameter.value  # (20)
        return J + reg * self.squared_norm(), grads  # (13)

    def squared_norm(self) -> Any:
        """Sum of the squared weights; biases and norms are left out. Equations: (14)"""
        return sum(p.scaled.scale**2 * (p.scaled.stored**2).sum() for p in self.parameters if p.decayed)

    def absolute_norm(self) -> Any:
        """Sum of the weights' absolute values, for the lasso; biases and norms are left out."""
        return sum(abs(p.scaled.scale) * np.abs(p.scaled.stored).sum() for p in self.parameters if p.decayed)

    def logits(self, X: ArrayLike) -> Array:
        """Class scores (N, K) before the softmax, as a new array; safe in several threads."""
        return self.predict_logits(self._examples(X))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """The most probable class of each example of X (N, D), as labels (N,); safe in several threads."""
        return np.asarray(self.logits(X).argmax(axis=1), dtype=np.int64)

    def predict_logits(self, X: Array) -> Array:
        """Class scores of a checked X (N, D): C-contiguous, of the network's dtype."""
        return predicted(self.layers, X)

    def trace(self, X: ArrayLike) -> list[tuple[Activation, Array]]:
        """Each activation layer with its input (N, units), from the first to the last."""
        return self.traced(self._examples(X))[1]

    def traced(self, X: Array) -> tuple[Array, list[tuple[Activation, Array]]]:
        """The logits of a checked X (N, D), as `forward` has them, and what `trace` gives."""
        seen: list[tuple[Activation, Array]] = []
        activations = [layer for layer in walk(self.layers) if isinstance(layer, Activation)]
        for layer in activations:
            layer.seen = seen
        try:
            return self.forward(X), seen
        finally:
            for layer in activations:
                layer.seen = None

    def preactivations(self, X: ArrayLike) -> list[Array]:
        """The input of each ReLU, or other function with a kink at 0, [(N, H1), (N, H2), ...]."""
        return [Z for layer, Z in self.trace(X) if layer.function.kink]

    def objective(self, X: ArrayLike, y: ArrayLike, reg: float, anew: bool = False) -> Objective | None:
        """The objective as a function of parameters; None of a subclass, whose loss may be another."""
        return Objective(self, X, y, reg, anew) if type(self) is Network else None

    def with_params(self, params: Mapping[str, Array]) -> Network:
        """A copy of this network with other parameters of the same shapes, in their dtype."""
        copies = {name: np.array(value, order="C") for name, value in params.items()}
        dtype = np.result_type(*copies.values())
        net = copy(self)  # of a subclass, with what else it has
        for name, value in vars(self).items():
            if callable(value) and hasattr(type(self), name):
                del vars(net)[name]  # a method that was replaced in this network alone may know it
        Network.__init__(
            net,
            self.architecture,
            np.random.default_rng(0),
            label_smoothing=self.criterion.label_smoothing,
            dtype=dtype,
            params=copies,
            loss=self.loss_name,
            bfloat16=self.bfloat16 and dtype == np.float32,
        )
        for dropout, mine in zip(net.dropouts, self.dropouts, strict=True):
            dropout.fixed = mine.fixed
        return net

    def _examples(self, X: ArrayLike) -> Array:
        return np.ascontiguousarray(check_images(X, self.architecture.inputs), dtype=self.dtype)

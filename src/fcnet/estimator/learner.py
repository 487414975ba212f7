"""The network with its optimiser as the classifier trains it, and class scores from weights alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.minibatches import minibatches
from fcnet.errors import DivergedError
from fcnet.estimator.examples import Examples
from fcnet.estimator.settings import Settings
from fcnet.net.blas import product
from fcnet.net.network import Network
from fcnet.train.schedules import Schedule

Array = NDArray[Any]


class Learner:
    """A training in progress. Pickled, it is weights, the optimiser's memory and a random generator.

    Parameters
    ----------
    settings : the classifier's
    sizes : units from the input to the classes
    seed : what initial weights, the order of examples and dropout follow from
    epoch : of which the order of examples is the next to be used, from 0
    params : weights to go on from, copied; drawn if not given
    """

    def __init__(
        self,
        settings: Settings,
        sizes: Sequence[int],
        seed: int,
        epoch: int = 0,
        params: Mapping[str, Array] | None = None,
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.epoch = epoch
        self.step = 0
        self.optimiser = settings.make_optimiser()
        self.network = Network(
            sizes,
            np.random.default_rng([seed, 2**32 - 1]),  # apart from every epoch's own
            initialisation=settings.initialisation,
            dropout=settings.dropout,
            label_smoothing=settings.label_smoothing,
        )
        if params is not None:
            self.load(params)

    @property
    def params(self) -> dict[str, Array]:
        """The weights, {"W1": (D, H1), "b1": (H1,), ...}: the arrays that training changes."""
        return self.network.params

    def train(self, examples: Examples, schedule: Schedule) -> float:
        """One epoch.

        Returns
        -------
        learning_rate : of the last step

        Raises
        ------
        DivergedError : the loss became NaN or infinite
        """
        batch_size = self.settings.examples_per_step(len(examples))
        for batch in minibatches(len(examples), batch_size, 1, self.seed, self.epoch):
            rows, learning_rate = batch.rows, schedule(self.step)
            loss = self.network.step(
                examples.inputs.take(rows),
                examples.labels[rows],
                self.optimiser,
                learning_rate,
                self.settings.reg,
                None if examples.weights is None else examples.weights[rows],
            )
            if not math.isfinite(loss):
                raise diverged(loss, self.epoch + 1, self.settings.learning_rate)
            self.step += 1
        self.epoch += 1
        return learning_rate

    def __getstate__(self) -> dict[str, Any]:
        """Everything that the next step depends on; the network's buffers hold examples and stay behind."""
        kept = {name: getattr(self, name) for name in ("settings", "seed", "epoch", "step")}
        network = {"sizes": self.network.sizes, "params": self.params, "rng": self.network.rng}
        return kept | {"network": network, "optimiser": self.optimiser.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        network = state["network"]
        self.__init__(state["settings"], network["sizes"], state["seed"], state["epoch"])  # type: ignore[misc]
        self.step = state["step"]
        self.load(network["params"])
        self.network.rng.bit_generator.state = network["rng"].bit_generator.state  # dropout's too
        self.optimiser.load_state(state["optimiser"])

    def load(self, params: Mapping[str, Array]) -> None:
        """Set the weights, by name, to copies of these."""
        for name, value in self.params.items():
            value[...] = params[name]


def diverged(loss: float, epoch: int, learning_rate: float) -> DivergedError:
    """What is said of a loss that is no number any more."""
    return DivergedError(
        f"the loss became {loss} in epoch {epoch} at learning_rate {learning_rate:g}, choose a lower one"
    )


def scores(params: Mapping[str, Array], X: Array) -> Array:
    """Class scores (N, K) of what the network sees, X (N, D) float32, C-contiguous. Equations: (3)-(6)

    It writes to nothing that another thread may use, unlike `Network.forward` with its buffers.
    """
    A, layers = X, len(params) // 2
    for number in range(1, layers + 1):
        W, b = params[f"W{number}"], params[f"b{number}"]
        Z = np.empty((len(A), W.shape[1]), W.dtype)
        Z[:] = b
        product(A, W, Z, beta=1.0)
        A = np.maximum(Z, 0, out=Z) if number < layers else Z
    return A


def evaluate(params: Mapping[str, Array], examples: Examples) -> tuple[float, float]:
    """Weighted loss in nats, without label smoothing, and weighted accuracy in [0, 1]."""
    losses = accuracies = total = 0.0
    for here in examples.inputs.chunks():
        Z, labels = scores(params, examples.inputs.take(here)), examples.labels[here]
        weights = np.ones(len(Z)) if examples.weights is None else examples.weights[here].astype(np.float64)
        Z -= Z.max(axis=1, keepdims=True)
        right = Z[np.arange(len(Z)), labels]
        losses += weights @ (np.log(np.exp(Z).sum(axis=1, dtype=np.float64)) - right)
        accuracies += weights @ (Z.argmax(axis=1) == labels)
        total += weights.sum()
    return float(losses / total), float(accuracies / total)

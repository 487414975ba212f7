"""The network with its optimiser as the classifier trains it."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.data.minibatches import minibatches
from fcnet.errors import DivergedError
from fcnet.estimator.inputs import Examples
from fcnet.estimator.settings import Settings
from fcnet.net.architecture import Architecture
from fcnet.net.losses import cross_entropies
from fcnet.net.network import Network
from fcnet.net.optimisers import make_optimiser
from fcnet.train.schedules import Schedule


class Learner:
    """A training in progress. Pickled, it is weights, the optimiser's memory and a random generator.

    Parameters
    ----------
    settings : the classifier's
    architecture : the network
    seed : of the initial weights, the order of examples and dropout
    epoch : the next epoch, from 0
    params : weights to continue from, copied; drawn if not given
    """

    def __init__(
        self,
        settings: Settings,
        architecture: Architecture,
        seed: int,
        epoch: int = 0,
        params: Mapping[str, Array] | None = None,
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.epoch = epoch
        self.step = 0
        self.optimiser = make_optimiser(settings.optimiser, settings)
        self.network = Network(
            architecture,
            np.random.default_rng([seed, 2**32 - 1]),  # apart from every epoch's own
            initialisation=settings.initialisation,
            label_smoothing=settings.label_smoothing,
            loss=settings.loss,
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
                examples.take(rows),
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
        for parameter in self.network.parameters:
            parameter.scaled.settled()  # `params` are these arrays, and weight decay may have scaled them
        return learning_rate

    def __getstate__(self) -> dict[str, Any]:
        """Everything that the next step depends on; the network's buffers hold examples and stay behind."""
        kept = {name: getattr(self, name) for name in ("settings", "seed", "epoch", "step")}
        network = {"architecture": self.network.architecture, "params": self.params, "rng": self.network.rng}
        return kept | {"network": network, "optimiser": self.optimiser.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        network = state["network"]
        self.__init__(state["settings"], network["architecture"], state["seed"], state["epoch"])  # type: ignore[misc]
        self.step = state["step"]
        self.load(network["params"])
        self.network.rng.bit_generator.state = network["rng"].bit_generator.state  # dropout's too
        self.optimiser.load_state(state["optimiser"])

    def load(self, params: Mapping[str, Array]) -> None:
        """Set the weights, by name, to copies of these."""
        for name, value in self.params.items():
            value[...] = params[name]


def diverged(loss: float, epoch: int, learning_rate: float) -> DivergedError:
    """The error for a loss that is NaN or infinite."""
    return DivergedError(
        f"the loss became {loss} in epoch {epoch} at learning_rate {learning_rate:g}, choose a lower one"
    )


def evaluate(network: Network, examples: Examples) -> tuple[float, float]:
    """Weighted loss, without label smoothing, and a weighted score.

    Of classes the loss is in nats and the score the accuracy in [0, 1]; of numbers the loss is their mean
    squared error and the score R^2, which is 0 for their mean.
    """
    squared = network.loss_name == "squared"
    losses, hits = [], []
    for here in examples.chunks():
        Z, labels = network.predict_logits(examples.take(here)), examples.labels[here]
        losses.append(np.square(Z[:, 0] - labels) if squared else cross_entropies(Z, labels))
        hits.append(Z.argmax(axis=1) == labels)
    weights = None if examples.weights is None else examples.weights.astype(np.float64)
    mean = partial(np.average, weights=weights)
    loss = float(mean(np.concatenate(losses)))
    if not squared:
        return loss, float(mean(np.concatenate(hits)))
    spread = float(mean(np.square(examples.labels - mean(examples.labels))))
    return loss, 1 - loss / spread if spread else float(loss == 0)

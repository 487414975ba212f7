"""The training loop's interface to a network, and the NumPy engine.

The loop decides which images come when and with which learning rate. An engine holds the images where its
network wants them, gathers the minibatch, and does the step.
"""

from typing import Any, Protocol, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.augmentation import Batch, Pipeline
from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch
from fcnet.data.reader import make_gatherer
from fcnet.net.architecture import Architecture
from fcnet.net.blas import Product, buffer, library_used
from fcnet.net.lasso import shrink
from fcnet.net.network import Network
from fcnet.net.optimisers import checked_state, make_optimiser
from fcnet.net.scaled import Scaled
from fcnet.train.bank import Bank, check_bank
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import Inputs, make_inputs
from fcnet.train.model import Model
from fcnet.train.start import starting_parameters

EVALUATION_BATCH = 1000
"""Images evaluated at once: at 1,024 units 9 % quicker than 200 at once, and no slower than all."""


class Engine(Protocol):
    """A network with its optimiser and its training images, as the loop sees it."""

    views: int
    """Deformations that `Minibatch.views` chooses from."""

    inputs: Inputs
    """From images to what the network is given."""

    @property
    def architecture(self) -> Architecture:
        """The architecture as it trains: after the projection of whitened inputs."""

    def step(self, batch: Minibatch, learning_rate: float) -> SupportsFloat:
        """One step; returns the loss (12) before it, in nats.

        It is a float where it is known; then nothing changed if it is not finite. Otherwise the step may
        still be going on, `float` waits for it, and a loss that is not finite has spoilt the weights.
        """

    def average(self, share: float) -> None:
        """Let the weights enter their average with this share; the first ones become the average."""

    def logits(self, images: NDArray[np.uint8]) -> Array:
        """Class scores (N, K) of images (N, D), without dropout; of the average, where there is one."""

    def penalty(self) -> float:
        """The L2 term of (13) and the lasso's, of the weights that are trained."""

    def weights(self) -> dict[str, Array]:
        """The parameters that are trained, by name; may share memory with the engine, and is only read."""

    def state(self) -> dict[str, Array]:
        """Everything that the next step depends on, by name; may share memory with the engine."""

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from a result of `state`."""

    def model(self, averaged: bool = True) -> Model:
        """The network that `logits` uses, ready to be saved and used on its own; or the trained weights."""

    def describe(self) -> dict[str, Any]:
        """The means of computation for the record: name, device, precision, workers; NumPy's also blas."""


class NumpyEngine:
    """The network of `fcnet.net`, on images in memory.

    Parameters
    ----------
    config : the settings
    train : the training split
    image_shape : (channels, height, width)
    classes : names, K of them
    indicators : features that say a category of a table by 1 or 0
    """

    def __init__(
        self,
        config: TrainConfig,
        train: Part,
        image_shape: tuple[int, int, int],
        classes: tuple[str, ...],
        indicators: NDArray[np.bool_] | None = None,
    ) -> None:
        self.config = config
        self.classes = classes
        self.image_shape = image_shape
        self.labels = train.labels
        dtype = np.float64 if config.precision == "float64" else np.float32
        self.inputs = make_inputs(config, train.images, features=image_shape[1] == 1, indicators=indicators)
        P = self.inputs.projection
        self.projection: Array | None = None if P is None else P.astype(dtype, copy=False)
        self._project = Product(bfloat16=config.precision == "bfloat16")
        architecture = config.architecture(self.inputs.size, len(classes))
        rng = np.random.default_rng([config.seed, 2**32 - 1])  # distinct from the seed of every epoch
        drawn = starting_parameters(config, architecture, self.inputs, image_shape, rng)
        self.network = Network(
            architecture,
            rng,
            label_smoothing=config.label_smoothing,
            dtype=dtype,
            params={name: value.astype(dtype) for name, value in drawn.items()},
            bfloat16=config.precision == "bfloat16",
        )
        self.averaged: Network | None = None
        self.optimiser = make_optimiser(config.optimiser, config)
        self.augment = Pipeline.of(config.augmentations, image_shape, len(classes))
        tables = self.augment.deformation.tables(image_shape)
        self.gatherer = make_gatherer(train.images, tables)
        self.views = len(tables)
        self.bank: Bank[Array] | None = None
        if config.bank:
            check_bank(config.bank, len(train), self.inputs.size, np.dtype(dtype).itemsize)
            self.bank = Bank(config.bank, len(train), self.views, self._computed, np.concatenate)
        self._buffers: dict[str, Array] = {}

    @property
    def architecture(self) -> Architecture:
        return self.network.architecture

    def step(self, batch: Minibatch, learning_rate: float) -> float:
        y = self.labels[batch.rows]
        if self.bank is not None:
            X, targets = self._kept(self.bank.of(batch), batch.rows), y
        else:
            X = self._centred(self.gatherer.gather(batch))
            targets = self._augmented(X, y, batch) if self.augment.steps else y
            X = self._projected(X)
        loss = self.network.step(X, targets, self.optimiser, learning_rate, self.config.reg)
        if self.config.lasso and np.isfinite(loss):
            with self.network.threads():
                shrink(self.network.parameters, self.optimiser, self.config.lasso, learning_rate)
        return loss

    def average(self, share: float) -> None:
        if self.averaged is None:
            self.averaged = self.network.with_params(self.weights())
            return
        with self.network.threads():
            for mean, now in zip(self.averaged.parameters, self.network.parameters, strict=True):
                mean.scaled.approach(now.scaled, share)

    @property
    def _result(self) -> Network:
        """The network that is evaluated and saved."""
        return self.network if self.averaged is None else self.averaged

    def logits(self, images: NDArray[np.uint8]) -> Array:
        scores = [
            self._result.forward(self._given(images[start : start + EVALUATION_BATCH])).copy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
        return np.concatenate(scores)

    def penalty(self) -> float:
        squares = float(self.config.reg * self.network.squared_norm())
        return squares + (
            float(self.config.lasso * self.network.absolute_norm()) if self.config.lasso else 0.0
        )

    def weights(self) -> dict[str, Array]:
        # settling them would round, and the training would be another
        return {one.name: one.scaled.scale * one.scaled.stored for one in self.network.parameters}

    def state(self) -> dict[str, Array]:
        state = {f"network.{name}": value for name, value in self.network.state().items()}
        state |= {f"optimiser.{name}": value for name, value in checked_state(self.optimiser).items()}
        if self.averaged is not None:
            state |= {f"average.{name}": value for name, value in self.averaged.state().items()}
        state["rng"] = _pack_rng(self.network.rng)
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        self.network.load_state(part_of(state, "network."))
        self.optimiser.load_state(part_of(state, "optimiser."))
        _unpack_rng(self.network.rng, state["rng"])
        self.averaged = None
        if average := part_of(state, "average."):
            self.averaged = self.network.with_params(self.weights())
            self.averaged.load_state(average)

    def model(self, averaged: bool = True) -> Model:
        params = self._result.params if averaged else self.weights()
        architecture, params = self.inputs.folded(self.architecture, params)
        return Model(architecture, params, self.inputs.preprocessing, self.classes, self.image_shape)

    def describe(self) -> dict[str, Any]:
        precision = "bfloat16" if self.network.bfloat16 else self.network.dtype.name
        return {
            "name": "numpy", "device": "cpu", "precision": precision, "workers": 1, "blas": library_used()
        }  # fmt: skip

    def _computed(self, batch: Minibatch) -> Array:
        """The inputs (B, C) of a minibatch, for the bank."""
        return self._given(self.gatherer.gather(batch)).settled().copy()

    def _kept(self, inputs: Array, rows: NDArray[np.int64]) -> Scaled:
        """These rows of the bank's inputs (N, C), in a buffer that is reused."""
        X = buffer(self._buffers, "projected", (len(rows), inputs.shape[1]), inputs.dtype)
        return Scaled(np.take(inputs, rows, axis=0, out=X, mode="clip"))

    def _given(self, images: NDArray[np.uint8]) -> Scaled:
        """What the network sees of images (N, D), in a buffer that is reused."""
        return self._projected(self._centred(images))

    def _centred(self, images: NDArray[np.uint8]) -> Scaled:
        """Images (N, D) minus the mean, in a buffer that is reused.

        The division by the scale of pixels is left to the next product: 0.04 of 1.2 ms at 50 units.
        """
        X = buffer(self._buffers, "X", images.shape, self.network.dtype)
        return Scaled(X, self.inputs.preprocessing.centre(images, X))

    def _augmented(self, X: Scaled, y: NDArray[np.int64], drawn: Minibatch) -> Any:
        """The targets of a minibatch that the augmentations have changed; X is changed in place."""
        spare = buffer(self._buffers, "spare", X.stored.shape, X.stored.dtype)
        batch = Batch(X.settled(), y, self.image_shape, spare)
        self.augment(batch, drawn.generator())
        X.stored = batch.X
        return batch.targets

    def _projected(self, X: Scaled) -> Scaled:
        """X (N, D), times the projection where there is one."""
        if self.projection is None:
            return X
        shape = len(X.stored), self.projection.shape[1]
        projected = buffer(self._buffers, "projected", shape, self.network.dtype)
        self._project(X.stored, self.projection, projected, alpha=X.scale)
        return Scaled(projected)


def part_of(state: dict[str, Array], prefix: str) -> dict[str, Array]:
    """What a state has under names with this prefix, by the rest of the names."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _pack_rng(rng: np.random.Generator) -> Array:
    """The state of a PCG64 generator as six unsigned 64-bit integers."""
    state = rng.bit_generator.state
    numbers = [part for key in ("state", "inc") for part in divmod(state["state"][key], 2**64)]
    return np.array([*numbers, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def _unpack_rng(rng: np.random.Generator, packed: Array) -> None:
    high, low, inc_high, inc_low, has_uint32, uinteger = (int(number) for number in packed)
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * 2**64 + low, "inc": inc_high * 2**64 + inc_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }

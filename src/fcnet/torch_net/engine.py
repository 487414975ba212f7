"""The PyTorch network's side of the training loop, on one device or as one of several workers."""

from typing import Any, SupportsFloat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fcnet.arrays import Array
from fcnet.data.augmentation import Pipeline
from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch
from fcnet.torch_net.capture import FIRST, Recording, aside, owned
from fcnet.torch_net.hardware import choose_precision
from fcnet.torch_net.images import DeviceImages, Share
from fcnet.torch_net.losses import Targets, summed_cross_entropy
from fcnet.torch_net.mlp import FullyConnected
from fcnet.torch_net.optimisers import Optimiser
from fcnet.torch_net.weights import load_parameters, parameters_of
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.bank import check_bank
from fcnet.train.config import TrainConfig
from fcnet.train.engine import part_of
from fcnet.train.inputs import make_inputs
from fcnet.train.model import Model
from fcnet.train.start import starting_parameters

Masks = list[Tensor] | None
"""What each dropout layer multiplies its input by."""

EVALUATION_BATCH = 2000
"""Images that are evaluated at once."""


class TorchEngine:
    """`FullyConnected` with its optimiser and its training images on one device.

    It starts from the weights that the NumPy engine would start from. Several workers share each minibatch,
    and their gradients add up to those of the whole minibatch, so the result does not depend on their number.

    Parameters
    ----------
    config : the settings
    train : the training split
    image_shape : (channels, height, width)
    classes : names, K of them
    workers : the processes that train together; they know this one's device
    indicators : features that say a category of a table by 1 or 0

    Attributes
    ----------
    captures : whether a step is recorded and replayed, see `capture.py`: on a GPU, by a worker alone

    Raises
    ------
    DataError : the device lacks what the settings ask for
    """

    def __init__(
        self,
        config: TrainConfig,
        train: Part,
        image_shape: tuple[int, int, int],
        classes: tuple[str, ...],
        workers: ProcessGroup,
        indicators: NDArray[np.bool_] | None = None,
    ) -> None:
        self.config, self.classes, self.image_shape, self.workers = config, classes, image_shape, workers
        self.device = workers.device
        self.precision = choose_precision(config.precision, self.device)
        dtype = torch.float64 if self.precision == torch.float64 else torch.float32  # of weights and updates
        self.inputs = make_inputs(config, train.images, features=image_shape[1] == 1, indicators=indicators)
        augment = Pipeline.of(config.augmentations, image_shape, len(classes))
        if config.bank:
            left = torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else None
            check_bank(config.bank, len(train), self.inputs.size, self.precision.itemsize, left)
        self.images = DeviceImages(
            train,
            self.inputs,
            augment,
            image_shape,
            self.device,
            dtype,
            workers.rank,
            workers.size,
            config.bank,
        )
        self.views = self.images.views
        self.architecture = config.architecture(self.inputs.size, len(classes))
        self.network = FullyConnected(self.architecture)
        self.network.to(self.device, dtype)
        rng = np.random.default_rng([config.seed, 2**32 - 1])  # apart from every epoch's own
        drawn = starting_parameters(config, self.architecture, self.inputs, image_shape, rng)
        load_parameters(self.network, drawn)
        self.averaged: FullyConnected | None = None
        self.optimiser = Optimiser(config, self.network)
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.captures = self.device.type == "cuda" and workers.size == 1 and not config.compile
        self.steps = 0
        self._recording: Recording | None = None
        self._scores = workers.replicate(self.network)
        if config.compile:
            self._scores = torch.compile(self._scores)

    def step(self, batch: Minibatch, learning_rate: float) -> SupportsFloat:
        mine = self.images.mine(batch)
        with self._arithmetic():
            X, targets = self.images.batch(batch, mine)
        given = X, targets, self._masks(len(batch.rows), mine), float(len(batch.rows)), learning_rate
        if not self.captures:
            return self._step(*given)
        if self.optimiser.coasts(learning_rate):
            with aside(self.device):
                return self._step(*given)
        if self.steps >= FIRST and (self._recording is None or self._recording.fits(*given, 1.0)):
            if self._recording is None:
                self._recording = Recording(self._recorded, (*given, 1.0), self.device)
            return self._recording(*given, self.optimiser.ratio(learning_rate))
        self.steps += 1
        with aside(self.device):  # the same arithmetic, so that a resumed training has the same bits
            return self._recorded(*owned((*given, self.optimiser.ratio(learning_rate)), self.device))

    def _step(
        self, X: Tensor, targets: Targets, masks: Masks, N: float, learning_rate: float
    ) -> SupportsFloat:
        """Forward, backward and update. N : examples of the minibatch, of all workers."""
        share = self._share(X, targets, masks, N)
        loss: SupportsFloat = self.workers.total(share)
        if self.device.type == "cpu":  # known already; on a GPU it is read later
            loss = float(loss)
            if not np.isfinite(loss):
                return loss
        self.workers.backward(share)
        self.optimiser.step(learning_rate)
        return loss

    def _recorded(
        self, X: Tensor, targets: Targets, masks: Masks, N: Tensor, learning_rate: Tensor, ratio: Tensor
    ) -> Tensor:
        """The same with numbers as tensors, which can be recorded."""
        share = self._share(X, targets, masks, N)
        self.workers.backward(share)
        self.optimiser.recorded_step(learning_rate, ratio)
        return share.detach()

    def _share(self, X: Tensor, targets: Targets, masks: Masks, N: float | Tensor) -> Tensor:
        """A worker's share of the loss: the sum over the workers is eq. 12."""
        with self._arithmetic():
            scores = self._scores(X, masks)
        scores = scores.to(self.images.dtype)
        return summed_cross_entropy(scores, targets, self.config.label_smoothing) / N

    def average(self, share: float) -> None:
        if self.averaged is None:
            self.averaged = self._copy()
            return
        with torch.no_grad():  # all workers have the same weights, and so the same average
            torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), share)

    @property
    def _result(self) -> FullyConnected:
        """The network that is evaluated and saved."""
        return self.network if self.averaged is None else self.averaged

    def logits(self, images: NDArray[np.uint8]) -> Array:
        scores, network = [], self._result.eval()
        with torch.inference_mode(), self._arithmetic():
            for start in range(0, len(images), EVALUATION_BATCH):
                inputs = self.images.inputs(images[start : start + EVALUATION_BATCH])
                scores.append(network(inputs).float().cpu())
        network.train()
        logits: Array = torch.cat(scores).numpy()
        return logits

    def penalty(self) -> float:
        weights = self.network.decayed()
        squares = self.config.reg * sum(float(value.detach().square().sum()) for value in weights)
        if not self.config.lasso:
            return squares
        return squares + self.config.lasso * sum(float(value.detach().abs().sum()) for value in weights)

    def weights(self) -> dict[str, Array]:
        return parameters_of(self.network)

    def state(self) -> dict[str, Array]:
        state = {f"network.{name}": value for name, value in parameters_of(self.network).items()}
        state |= {f"optimiser.{name}": value for name, value in self.optimiser.state().items()}
        if self.averaged is not None:
            state |= {f"average.{name}": value for name, value in parameters_of(self.averaged).items()}
        state["rng"] = self.generator.get_state().numpy()
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        load_parameters(self.network, part_of(state, "network."))
        self.optimiser.load_state(part_of(state, "optimiser."))
        self.averaged = None
        if average := part_of(state, "average."):
            self.averaged = self._copy()
            load_parameters(self.averaged, average)
        self.generator.set_state(torch.from_numpy(np.array(state["rng"])))
        self._recording, self.steps = None, 0  # the optimiser has new memory

    def model(self, averaged: bool = True) -> Model:
        network = self._result if averaged else self.network
        architecture, params = self.inputs.folded(self.architecture, parameters_of(network))
        return Model(architecture, params, self.inputs.preprocessing, self.classes, self.image_shape)

    def describe(self) -> dict[str, Any]:
        name = self.device.type
        if name == "cuda":
            name = torch.cuda.get_device_name(self.device)
        precision = str(self.precision).removeprefix("torch.")
        return {
            "name": "torch", "device": name, "precision": precision, "compiled": self.config.compile,
            "threads": torch.get_num_threads(), "workers": self.workers.size,
        }  # fmt: skip

    def _copy(self) -> FullyConnected:
        """A network with the same weights."""
        copy = FullyConnected(self.architecture).to(self.device, self.images.dtype).requires_grad_(False)
        copy.load_state_dict(self.network.state_dict())
        return copy

    def _arithmetic(self) -> torch.autocast:
        """With precision bfloat16: products in bfloat16, all else in float32. Otherwise no change."""
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.precision == torch.bfloat16
        )

    def _masks(self, N: int, mine: Share) -> Masks:
        """The dropout masks of N examples, which all workers draw alike, cut down to the rows of this one."""
        units = self.architecture.dropouts
        if not units:
            return None
        keep = 1 - self.config.dropout
        drawn = (torch.rand(N, width, generator=self.generator, device=self.device) for width in units)
        return [noise[mine].lt(keep).to(self.images.dtype) / keep for noise in drawn]

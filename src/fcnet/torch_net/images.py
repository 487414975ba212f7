"""Images as uint8 on the device, picked, augmented and made floating point there, a minibatch at a time.

A data set that fits in memory needs no loader with worker processes: picking 200 of 49,000 images takes
less than a millisecond.
"""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fcnet.data.augmentation import Augmentation, Batch, MixedLabels, Pipeline
from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch
from fcnet.data.reader import StreamReader
from fcnet.data.streamed import Streamed
from fcnet.torch_net.losses import Targets
from fcnet.train.bank import Bank
from fcnet.train.inputs import Inputs

Share = slice | NDArray[np.int64]
"""The rows of a minibatch that one process works on."""

WHOLE = slice(None)

HOST_TYPES = {torch.float32: np.float32, torch.float64: np.float64}
"""NumPy's names of the types that a network computes in."""


class DeviceImages:
    """The training images of one process, and the way from pixels to the network's inputs.

    Features are centred and scaled once, in float64 before they come to the device, which may lack float64.

    Parameters
    ----------
    train : the training split
    inputs : from pixels to what the network is given
    augment : what is done to minibatches
    image_shape : (channels, height, width)
    device, dtype : of the network
    worker, workers : which of how many processes this is
    bank : epochs whose inputs are kept
    """

    def __init__(
        self,
        train: Part,
        inputs: Inputs,
        augment: Pipeline,
        image_shape: tuple[int, int, int],
        device: torch.device,
        dtype: torch.dtype,
        worker: int = 0,
        workers: int = 1,
        bank: int = 0,
    ) -> None:
        self.device, self.augment, self.image_shape = device, augment, image_shape
        self.dtype, self.preprocessing = dtype, inputs.preprocessing
        self._strided = slice(worker, None, workers)
        self._reader = None
        if isinstance(train.images, Streamed):
            # what acts on whole minibatches needs all of their rows
            self._reader = StreamReader(train.images, *(() if augment.steps else (worker, workers)))
        self.images = self._stored(train.images) if self._reader is None else torch.empty(0)
        self.labels = on_device(train.labels, device)
        tables = augment.deformation.tables(image_shape)
        self.views = len(tables)
        self.tables = on_device(tables, device) if len(tables) > 1 else None
        if not inputs.preprocessing.of_features:
            self.mean = on_device(inputs.preprocessing.mean, device).to(dtype)
        P = inputs.projection
        self.projection = None if P is None else on_device(P, device).to(dtype)
        self._host_labels = train.labels
        self.bank: Bank[Tensor] | None = None
        if bank:
            self.bank = Bank(bank, len(train), self.views, self._computed, torch.cat)

    def mine(self, batch: Minibatch) -> Share:
        """Which rows of a minibatch this process works on."""
        if self._reader is None or self._reader.workers == 1:
            return self._strided
        return self._reader.share(batch)

    def batch(self, batch: Minibatch, mine: Share = WHOLE) -> tuple[Tensor, Targets]:
        """The inputs (B, D) and the targets of a minibatch, cut down to the rows that are `mine`."""
        if self.augment.steps:
            return self._augmented(batch, mine)
        rows = on_device(batch.rows[mine], self.device)
        if self.bank is not None:
            X = self.bank.of(batch).index_select(0, rows)
        else:
            X = self._projected(self._centred(self._pixels(batch, mine)))
        return X, self.labels.index_select(0, rows)

    def inputs(self, images: NDArray[Any]) -> Tensor:
        """What the network is given of images (B, D), uint8 pixels or features."""
        return self._projected(self._centred(self._stored(images)))

    def _computed(self, batch: Minibatch) -> Tensor:
        """The inputs of a minibatch, for the bank."""
        return self._projected(self._centred(self._pixels(batch, WHOLE)))

    def _augmented(self, drawn: Minibatch, mine: Share) -> tuple[Tensor, Targets]:
        """As `batch`, where more is done than moving pixels.

        The augmentations see the whole minibatch, so that neither what they draw nor with which example one
        is mixed depends on the number of workers.
        """
        X = self._centred(self._pixels(drawn, WHOLE))
        batch = DeviceBatch(X, self._host_labels[drawn.rows], self.image_shape)
        self.augment(batch, drawn.generator())
        inputs = self._projected(batch.X[mine].contiguous())
        targets = batch.targets
        if isinstance(targets, MixedLabels):
            labels, partners, weight = (on_device(values[mine], self.device) for values in targets)
            return inputs, (labels, partners, weight.to(X.dtype))
        return inputs, on_device(targets[mine], self.device)

    def _pixels(self, batch: Minibatch, mine: Share) -> Tensor:
        """The images of a minibatch that are `mine`, (B, D) uint8, deformed as its views say; or features."""
        rows, views = batch.rows[mine], batch.views[mine]
        if self._reader is not None:
            gathered = self._reader.gather(batch)
            return self._stored(gathered[mine] if self._reader.workers == 1 else gathered)
        pixels = self.images.index_select(0, on_device(rows, self.device))
        if self.tables is None:
            return pixels
        return pixels.gather(1, self.tables.index_select(0, on_device(views, self.device)))

    def _stored(self, images: NDArray[Any]) -> Tensor:
        """Pixels as they are, features as the network sees them; on the device."""
        if not self.preprocessing.of_features:
            return on_device(images, self.device)
        return on_device(self.preprocessing(images, HOST_TYPES[self.dtype]), self.device)

    def _centred(self, stored: Tensor) -> Tensor:
        if self.preprocessing.of_features:
            return stored
        X, scale = torch.sub(stored, self.mean), float(self.preprocessing.scale)
        return X if scale == 1.0 else X.mul_(1 / scale)

    def _projected(self, X: Tensor) -> Tensor:
        return X if self.projection is None else X @ self.projection


class DeviceBatch(Batch):
    """A `Batch` whose X is a tensor. Its labels stay NumPy's."""

    def array(self, values: NDArray[Any]) -> Any:
        tensor = on_device(values, self.X.device)
        return tensor.to(self.X.dtype) if tensor.is_floating_point() else tensor

    def change(self, step: Augmentation, rng: np.random.Generator) -> None:
        # an augmentation that does not take tensors gets NumPy arrays, on the CPU without a copy
        if getattr(step, "on_device", False):
            step(self, rng)
            return
        device, dtype = self.X.device, self.X.dtype
        self.X = self.X.cpu().numpy()
        step(self, rng)
        self.X = on_device(self.X, device).to(dtype)

    def _rows(self, places: NDArray[np.int64]) -> Any:
        return self.X.index_select(0, on_device(places, self.X.device))


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array as a tensor: shared on the CPU, a copy elsewhere. Nothing here ever writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        # a copy to the GPU would else wait until all work before it is done; CUDA reads the array at once
        return tensor.to(device, non_blocking=device.type == "cuda")

"""Images as uint8 on the device, picked, deformed and made floating point there, a minibatch at a time.

A data set that fits in memory needs no loader with worker processes: picking 200 of 49,000 images takes
less than a millisecond.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fcnet.data.dataset import Part
from fcnet.train.inputs import Inputs


class DeviceImages:
    """The training images of one process, and the way from pixels to the network's inputs.

    Parameters
    ----------
    train : the training split
    inputs : from pixels to what the network is given
    tables : (views, D) the deformations, from `Augmentation.tables`
    device, dtype : of the network
    """

    def __init__(
        self,
        train: Part,
        inputs: Inputs,
        tables: NDArray[np.intp],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.device = device
        self.images = on_device(train.images, device)
        self.labels = on_device(train.labels, device)
        self.tables = on_device(tables, device) if len(tables) > 1 else None
        self.mean = on_device(inputs.preprocessing.mean, device).to(dtype)
        self.scale = inputs.preprocessing.scale
        P = inputs.projection
        self.projection = None if P is None else on_device(P, device).to(dtype)

    def batch(self, rows: NDArray[np.int64], views: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """The network's inputs (B, D) and the labels (B,) of these rows, deformed as `views` says."""
        chosen = on_device(rows, self.device)
        pixels = self.images.index_select(0, chosen)
        if self.tables is not None:
            pixels = pixels.gather(1, self.tables.index_select(0, on_device(views, self.device)))
        return self.inputs(pixels), self.labels.index_select(0, chosen)

    def inputs(self, pixels: Tensor) -> Tensor:
        """What the network is given of pixels (B, D) uint8."""
        X = torch.sub(pixels, self.mean)
        if self.scale != 1.0:
            X.mul_(1 / self.scale)
        return X if self.projection is None else X @ self.projection


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array as a tensor: shared on the CPU, a copy elsewhere. Nothing here ever writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

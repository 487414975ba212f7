"""What a network is given of an image, in two linear steps that are fixed before training begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.preprocessing import Preprocessing, centred, standardised, symmetric
from fcnet.data.whitening import whitening_matrix
from fcnet.errors import DataError
from fcnet.train.config import TrainConfig

Array = NDArray[Any]


@dataclass(frozen=True)
class Inputs:
    """From pixels to a network's inputs: (pixel - mean) / scale, then times P where there is a P.

    preprocessing : the first step
    projection : P (D, components) float32 of `whitening_matrix`, or None
    """

    preprocessing: Preprocessing
    projection: Array | None = None

    @property
    def size(self) -> int:
        """How many numbers the network is given."""
        return self.preprocessing.mean.size if self.projection is None else self.projection.shape[1]

    def folded(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """A float32 copy with P inside its first layer: x (P V) = (x P) V, so that it sees pixels."""
        folded = {name: np.array(value, dtype=np.float32, order="C") for name, value in params.items()}
        if self.projection is not None:
            folded["W1"] = (self.projection.astype(np.float64) @ params["W1"]).astype(np.float32)
        return folded


def make_inputs(config: TrainConfig, images: NDArray[Any]) -> Inputs:
    """What the settings ask for, from the training split (N, D) alone.

    Raises
    ------
    DataError : more components than there are pixels; features that are to be taken as pixels
    """
    if config.preprocessing == "symmetric":
        if images.dtype.kind == "f":
            raise DataError("preprocessing symmetric is for pixels from 0 to 255, choose standardised")
        return Inputs(symmetric(images.shape[1]))
    if config.preprocessing == "centred":
        return Inputs(centred(images))
    preprocessing = standardised(images)
    if config.preprocessing == "standardised":
        return Inputs(preprocessing)
    return Inputs(
        preprocessing, whitening_matrix(images, preprocessing, config.components, config.whitening_floor)
    )

"""From an image to a network's inputs, in two linear steps that are fixed before training begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.preprocessing import Preprocessing, centred, of_features, standardised, symmetric
from fcnet.data.streamed import Streamed
from fcnet.data.whitening import whitening_matrix
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.train.config import TrainConfig


@dataclass(frozen=True)
class Inputs:
    """From pixels to a network's inputs: (pixel - mean) / scale, then times P where there is a P.

    preprocessing : the first step
    projection : P (D, components) float32 of `whitening_matrix`, or None
    turned_back : P leads to pixels (D, D), as ZCA whitening does
    """

    preprocessing: Preprocessing
    projection: Array | None = None
    turned_back: bool = False

    @property
    def size(self) -> int:
        """The number of the network's inputs."""
        return self.preprocessing.mean.size if self.projection is None else self.projection.shape[1]

    @property
    def directions(self) -> Array | None:
        """The unit vectors (D, components) that P projects on; None where the inputs are pixels."""
        return None if self.projection is None or self.turned_back else unit_columns(self.projection)

    def of(self, images: NDArray[Any]) -> Array:
        """The network's inputs (N, inputs) float32 of images (N, D)."""
        X = self.preprocessing(images)
        return X if self.projection is None else X @ self.projection

    def folded(
        self, architecture: Architecture, params: Mapping[str, Array]
    ) -> tuple[Architecture, dict[str, Array]]:
        """The network with P inside its first layer, x (P V) = (x P) V, so that it sees pixels; float32.

        Raises
        ------
        DataError : there is a P, and the network does not begin with a linear layer
        """
        folded = {name: np.array(value, dtype=np.float32, order="C") for name, value in params.items()}
        if self.projection is None:
            return architecture, folded
        first = architecture.first_weight
        if first is None:
            raise DataError("whitened inputs need a network that begins with a linear layer")
        folded[first] = (self.projection.astype(np.float64) @ params[first]).astype(np.float32)
        return replace(architecture, inputs=len(self.projection)), folded


def unit_columns(P: Array) -> Array:
    """The columns of P (D, components), each of length 1."""
    units: Array = P / np.linalg.norm(P, axis=0)
    return units


def make_inputs(
    config: TrainConfig,
    images: NDArray[Any],
    features: bool = False,
    indicators: NDArray[np.bool_] | None = None,
) -> Inputs:
    """The inputs that the settings ask for, from the training split (N, D) alone.

    Parameters
    ----------
    config : the settings
    images : the training split
    features : it is rows of features, each with its own scale, and not images
    indicators : features that are 1 or 0 and stay so, see `of_features`

    Raises
    ------
    DataError : more components than there are pixels; features that are to be taken as pixels, or spread too
        far
    """
    if config.preprocessing == "symmetric":
        if features:
            raise DataError("preprocessing symmetric is for pixels from 0 to 255, choose standardised")
        return Inputs(symmetric(images.shape[1]))
    if features:
        preprocessing = of_features(
            images, one_by_one=config.preprocessing != "centred", indicators=indicators
        )
    else:
        preprocessing = (centred if config.preprocessing in ("auto", "centred") else standardised)(images)
    if not config.whitens:
        return Inputs(preprocessing)
    if isinstance(images, Streamed):
        raise DataError(f"preprocessing {config.preprocessing} needs all rows in memory, choose standardised")
    P = whitening_matrix(images, preprocessing, config.components, config.whitening_floor)
    if config.preprocessing == "whitened":
        return Inputs(preprocessing, P)
    return Inputs(preprocessing, P @ unit_columns(P).T, turned_back=True)

"""A trained network on disk: two safetensors files that hold numbers and nothing that could run.

`model.safetensors` has PyTorch's names and layout, `layers.0.weight` (out, in) and `layers.0.bias` (out,),
so that `load_state_dict` takes it as it is. `input.safetensors` has what turns pixels into its inputs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fcnet.data.preprocessing import CHUNK, Kind, Preprocessing
from fcnet.errors import DataError, RunError
from fcnet.files import write_atomically
from fcnet.net.architecture import Architecture
from fcnet.net.network import Network
from fcnet.net.weights import network_in, read_tensors, save_weights, serialised
from fcnet.records import RunFolder, check_format, format_number

KIND, NUMBER = "fcnet-model", 2
"""The second format says the architecture; files of the first are read as what they can only be."""

FEATURES = 3
"""The format of an `input.safetensors` that has a float64 mean and a scale for each feature."""

FORMAT = f"{KIND}-{NUMBER}"


@dataclass(frozen=True)
class Model:
    """A trained network with all that its use needs.

    architecture : what the network is
    params : {"W1": (D, H), "b1": (H,), ...} float32
    preprocessing : from pixels to its inputs
    classes : K names
    image_shape : (channels, height, width); (1, 1, D) of rows that are no images
    """

    architecture: Architecture
    params: dict[str, NDArray[Any]]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]

    def network(self) -> Network:
        """The network itself, on the model's own arrays."""
        return Network(self.architecture, np.random.default_rng(0), params=self.params)

    @property
    def first_layer(self) -> NDArray[Any]:
        """The weights (D, H1) that the inputs meet first: what each unit looks for.

        Raises
        ------
        DataError : the network does not begin with a linear layer
        """
        name = self.architecture.first_weight
        if name is None:
            raise DataError("this network does not begin with a linear layer")
        return self.params[name]

    def logits(self, images: NDArray[Any]) -> NDArray[Any]:
        """Class scores (N, K) of images (N, D) uint8, or of rows of features as they are.

        Raises
        ------
        DataError : features that are no finite numbers, or too large
        """
        network = self.network()
        return np.concatenate(
            [
                network.predict_logits(self.preprocessing(images[start : start + CHUNK]))
                for start in range(0, len(images), CHUNK)
            ]
        )

    def save(self, folder: Path) -> None:
        """Write both files, each atomically.

        Raises
        ------
        RunError : the folder cannot be written
        """
        about = {
            "format": FORMAT,
            "classes": json.dumps(self.classes),
            "image_shape": json.dumps(self.image_shape),
        }
        given = self.preprocessing
        inputs = {"mean": given.mean, "scale": np.atleast_1d(given.scale)}
        kind = {"takes": given.takes} if given.takes != "uint8" else {}
        number = f"{KIND}-{FEATURES}" if given.of_features else FORMAT
        write_atomically(folder / "input.safetensors", serialised(inputs, {"format": number, **kind}))
        save_weights(folder / "model.safetensors", self.architecture, self.params, about)

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read both files.

        Raises
        ------
        RunError : a file is missing, damaged, altered or not one of this fcnet's; the text names it
        """
        tensors, about = _read(folder / "model.safetensors", NUMBER)
        inputs, kind = _read(folder / "input.safetensors", NUMBER, FEATURES)
        RunFolder(folder).check("model.safetensors", "input.safetensors")
        architecture, params = network_in(folder / "model.safetensors", tensors, about)
        try:
            channels, height, width = json.loads(about["image_shape"])
            preprocessing = _preprocessing(inputs, kind)
            classes = tuple(json.loads(about["classes"]))
        except (KeyError, ValueError) as error:
            raise RunError(
                f"model.safetensors and input.safetensors in {folder} are no model: {error} is missing; "
                f"restore them or repeat the run"
            ) from error
        return cls(architecture, params, preprocessing, classes, (channels, height, width))


def _preprocessing(inputs: dict[str, NDArray[Any]], kind: dict[str, str]) -> Preprocessing:
    """What `input.safetensors` says; that of older versions has one scale for all features.

    Raises
    ------
    KeyError : it lacks something
    ValueError : mean and scale do not belong together
    """
    mean, scale, takes = inputs["mean"], inputs["scale"], kind.get("takes", "uint8")
    if takes not in get_args(Kind) or scale.shape not in ((1,), mean.shape):
        raise ValueError(f"a scale for {takes} inputs")
    return Preprocessing(mean, float(scale[0]) if len(scale) == 1 else scale, cast(Kind, takes))


def _read(path: Path, *known: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """A file of one of the formats that are known."""
    tensors, about = read_tensors(path)
    number = format_number(about.get("format"), KIND)
    check_format(path, number, number if number in known else max(known), "", "restore it or repeat the run")
    return tensors, about

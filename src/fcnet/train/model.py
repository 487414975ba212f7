"""A trained network on disk: two safetensors files that hold numbers and nothing that could run.

`model.safetensors` has PyTorch's names and layout, `layers.0.weight` (out, in) and `layers.0.bias` (out,),
so that `load_state_dict` takes it as it is. `input.safetensors` has what turns pixels into its inputs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fcnet.data.preprocessing import CHUNK, Preprocessing
from fcnet.errors import DataError, RunError
from fcnet.files import write_atomically
from fcnet.net.architecture import Architecture
from fcnet.net.network import Network
from fcnet.net.weights import network_in, read_tensors, save_weights, serialised
from fcnet.records import RunFolder, check_format, format_number

KIND, NUMBER = "fcnet-model", 2
"""The second format says the architecture; files of the first are read as what they can only be."""

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
        """Class scores (N, K) of images (N, D) uint8, or of float32 rows of features."""
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
        inputs = {"mean": self.preprocessing.mean, "scale": np.array([self.preprocessing.scale])}
        kind = {"takes": self.preprocessing.takes} if self.preprocessing.takes != "uint8" else {}
        write_atomically(folder / "input.safetensors", serialised(inputs, {"format": FORMAT, **kind}))
        save_weights(folder / "model.safetensors", self.architecture, self.params, about)

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read both files.

        Raises
        ------
        RunError : a file is missing, damaged, altered or not one of this fcnet's; the text names it
        """
        tensors, about = _read(folder / "model.safetensors")
        inputs, kind = _read(folder / "input.safetensors")
        RunFolder(folder).check("model.safetensors", "input.safetensors")
        architecture, params = network_in(folder / "model.safetensors", tensors, about)
        try:
            channels, height, width = json.loads(about["image_shape"])
            takes: Literal["uint8", "float32"] = "float32" if kind.get("takes") == "float32" else "uint8"
            preprocessing = Preprocessing(inputs["mean"], float(inputs["scale"][0]), takes)
            classes = tuple(json.loads(about["classes"]))
        except (KeyError, ValueError) as error:
            raise RunError(
                f"model.safetensors and input.safetensors in {folder} are no model: {error} is missing; "
                f"restore them or repeat the run"
            ) from error
        return cls(architecture, params, preprocessing, classes, (channels, height, width))


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    tensors, about = read_tensors(path)
    number = format_number(about.get("format"), KIND)
    check_format(path, number, NUMBER, "", "restore it or repeat the run")
    return tensors, about

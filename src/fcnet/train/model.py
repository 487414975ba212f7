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
from fcnet.errors import RunError
from fcnet.files import write_atomically
from fcnet.net.network import Network
from fcnet.net.weights import from_torch_names, read_tensors, save_weights, serialised
from fcnet.records import RunFolder, check_format, format_number

KIND, NUMBER = "fcnet-model", 1
FORMAT = f"{KIND}-{NUMBER}"


@dataclass(frozen=True)
class Model:
    """A trained network with all that its use needs.

    params : {"W1": (D, H), "b1": (H,), ...} float32
    preprocessing : from pixels to its inputs
    classes : K names
    image_shape : (channels, height, width); (1, 1, D) of rows that are no images
    """

    params: dict[str, NDArray[Any]]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units from the input to the classes."""
        biases = [self.params[f"b{number}"] for number in range(1, len(self.params) // 2 + 1)]
        return (len(self.params["W1"]), *(len(bias) for bias in biases))

    def network(self) -> Network:
        """The network itself."""
        return Network(self.sizes, np.random.default_rng(0)).with_params(self.params)

    def logits(self, images: NDArray[Any]) -> NDArray[Any]:
        """Class scores (N, K) of images (N, D) uint8, or of float32 rows of features."""
        network = self.network()
        return np.concatenate(
            [
                network.forward(self.preprocessing(images[start : start + CHUNK])).copy()
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
        save_weights(folder / "model.safetensors", self.params, about)

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
        try:
            params = {name: np.ascontiguousarray(value) for name, value in from_torch_names(tensors).items()}
            channels, height, width = json.loads(about["image_shape"])
            takes: Literal["uint8", "float32"] = "float32" if kind.get("takes") == "float32" else "uint8"
            preprocessing = Preprocessing(inputs["mean"], float(inputs["scale"][0]), takes)
            return cls(params, preprocessing, tuple(json.loads(about["classes"])), (channels, height, width))
        except (KeyError, ValueError) as error:
            raise RunError(
                f"model.safetensors and input.safetensors in {folder} are no model: {error} is missing; "
                f"restore them or repeat the run"
            ) from error


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    tensors, about = read_tensors(path)
    number = format_number(about.get("format"), KIND)
    check_format(path, number, NUMBER, "", "restore it or repeat the run")
    return tensors, about

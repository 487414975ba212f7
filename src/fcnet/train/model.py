"""A trained network on disk: two safetensors files that hold numbers and no code.

`model.safetensors` has PyTorch's names and layout, `layers.0.weight` (out, in) and `layers.0.bias` (out,),
so that `load_state_dict` takes it as it is. `input.safetensors` has what turns pixels into its inputs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fcnet.data.preprocessing import CHUNK, Kind, Preprocessing
from fcnet.data.tables.mapping import Mapping
from fcnet.errors import DataError, RunError
from fcnet.files import write_atomically
from fcnet.net.architecture import Architecture
from fcnet.net.network import Network
from fcnet.net.weights import network_in, read_tensors, save_weights, serialised
from fcnet.records import RunFolder, check_format, format_number
from fcnet.schema import Count, Word, decoded

KIND, NUMBER = "fcnet-model", 2
"""The second format says the architecture; files of the first are read as what they can only be."""

FEATURES = 3
"""The format of an `input.safetensors` that has a float64 mean and a scale for each feature."""

FORMAT = f"{KIND}-{NUMBER}"

Scores = Callable[[NDArray[Any]], NDArray[Any]]
"""From a network's inputs (n, D) float32 to class scores (n, K)."""


@dataclass(frozen=True)
class Model:
    """A trained network with everything that is needed to use it.

    architecture : what the network is
    params : {"W1": (D, H), "b1": (H,), ...} float32
    preprocessing : from pixels to its inputs
    classes : K names
    image_shape : (channels, height, width); (1, 1, D) of rows that are not images
    mapping : from the columns of a table to its features; None where it was trained on none
    path : its file, where it was loaded from one
    """

    architecture: Architecture
    params: dict[str, NDArray[Any]]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    mapping: Mapping | None = None
    path: Path | None = field(default=None, compare=False)

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
        names = [weight for weight, _ in self.architecture.first_layers]
        if not names:
            raise DataError("this network does not begin with a linear layer")
        return np.concatenate([self.params[name] for name in names], axis=1)

    def logits(self, images: NDArray[Any], scores: Scores | None = None) -> NDArray[Any]:
        """Class scores (N, K) of images (N, D) uint8, or of rows of features as they are.

        Parameters
        ----------
        images : as given
        scores : what computes them from the network's inputs; NumPy if not given

        Raises
        ------
        DataError : images of another size, features that are not finite numbers or too large, or weights so
            large that the scores are not finite
        """
        name, scores = self.path or "this network", scores or self.network().predict_logits
        if images.ndim != 2 or images.shape[1] != self.architecture.inputs:
            raise DataError(
                f"{name} takes {self.architecture.inputs} numbers an example, and the examples have shape "
                f"{images.shape}; give the data that it was trained on"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            logits = np.concatenate(
                [
                    scores(self.preprocessing(images[start : start + CHUNK]))
                    for start in range(0, len(images), CHUNK)
                ]
            )
        if not np.isfinite(logits).all():
            raise DataError(
                f"the weights of {name} are so large that its scores are not finite; repeat the run"
            )
        return logits

    def save(self, folder: Path | str) -> None:
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
        kind: dict[str, str] = {"takes": given.takes} if given.takes != "uint8" else {}
        kind |= {"table": self.mapping.dumps()} if self.mapping is not None else {}
        number = f"{KIND}-{FEATURES}" if given.of_features else FORMAT
        folder = Path(folder)
        write_atomically(folder / "input.safetensors", serialised(inputs, {"format": number, **kind}))
        save_weights(folder / "model.safetensors", self.architecture, self.params, about)

    @classmethod
    def load(cls, folder: Path | str) -> Model:
        """Read both files from the folder of a finished run.

        Raises
        ------
        RunError : a file is missing, damaged, altered or not one of this fcnet's; the text names it
        """
        folder = Path(folder)
        path = folder / "model.safetensors"
        tensors, about = _read(path, NUMBER)
        inputs, kind = _read(folder / "input.safetensors", FEATURES)
        RunFolder(folder).check("model.safetensors", "input.safetensors")
        architecture, params = network_in(path, tensors, about)
        try:
            image_shape = decoded(about.get("image_shape", ""), tuple[Count, Count, Count])
            classes = decoded(about.get("classes", ""), tuple[Word, ...])
            params = {name: _float32(name, value) for name, value in params.items()}
            mapping = Mapping.loads(kind["table"]) if "table" in kind else None
            return cls(
                architecture, params, _preprocessing(inputs, kind), classes, image_shape, mapping, path
            ).checked()
        except ValueError as error:
            raise RunError(
                f"{path} and input.safetensors beside it are not a model: {error}; restore or repeat the run"
            ) from error

    def checked(self) -> Model:
        """The model, all parts of which fit.

        Raises
        ------
        DataError : `WHAT is V, ...`
        """
        inputs, outputs = self.architecture.inputs, self.architecture.outputs
        mean, scale = self.preprocessing.mean, self.preprocessing.scale
        for what, found, wanted in (
            ("the number of classes", len(self.classes), outputs),
            ("the product of image_shape", math.prod(self.image_shape), inputs),
            ("the shape of mean", mean.shape, (inputs,)),
            (
                "the number of the table's features",
                inputs if self.mapping is None else self.mapping.width,
                inputs,
            ),
        ):
            if found != wanted:
                raise DataError(f"{what} is {found}, and the network has {wanted}")
        if not np.isfinite(mean).all() or not (np.isfinite(scale).all() and np.all(scale > 0)):
            raise DataError("the mean is not finite, or a scale is not a finite number above 0")
        return self


def _preprocessing(inputs: dict[str, NDArray[Any]], kind: dict[str, str]) -> Preprocessing:
    """What input.safetensors holds; that of older versions has one scale for all features.

    Raises
    ------
    DataError : a part is missing, or of another type or shape
    """
    for name in ("mean", "scale"):
        if name not in inputs or inputs[name].dtype.kind != "f" or inputs[name].size == 0:
            raise DataError(f"{name} is missing, empty, or holds no floating-point numbers")
    mean, scale, takes = inputs["mean"], inputs["scale"], kind.get("takes", "uint8")
    if takes not in get_args(Kind) or scale.shape not in ((1,), mean.shape):
        raise DataError(
            f"scale has shape {scale.shape} for {str(takes)[:20]!r} inputs and a mean of {mean.shape}"
        )
    if mean.dtype != np.float64:  # which features have
        mean = _float32("mean", mean)
    return Preprocessing(mean, float(scale[0]) if len(scale) == 1 else scale, cast(Kind, takes))


def _float32(name: str, value: NDArray[Any]) -> NDArray[np.float32]:
    """Real numbers of any precision in that of all models.

    Raises
    ------
    DataError : they do not fit
    """
    if value.dtype.kind != "f":
        raise DataError(f"{name} has dtype {value.dtype}, give real numbers")
    with np.errstate(over="ignore"):
        fitting = np.ascontiguousarray(value, dtype=np.float32)
    if not np.isfinite(fitting).all():
        raise DataError(f"{name} holds numbers that are not finite in float32")
    return fitting


def _read(path: Path, newest: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """A file of any format up to the newest one."""
    tensors, about = read_tensors(path)
    number = format_number(about.get("format"), KIND)
    check_format(path, number, newest, "", "restore it or repeat the run", oldest=1)
    return tensors, about

"""Weights as PyTorch names and lays them out, in one safetensors file that both networks read and write.

`nn.Linear` keeps its weight as (out, in); here W is (in, out). So W1 is `layers.0.weight` transposed, b1 is
`layers.0.bias`, and so on: the names that `MultiLayerPerceptron.state_dict()` has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import RunError
from fcnet.files import write_atomically

Array = NDArray[Any]


def to_torch_names(params: Mapping[str, Array]) -> dict[str, Array]:
    """From {"W1": (D, H), "b1": (H,), ...} to {"layers.0.weight": (H, D), "layers.0.bias": (H,), ...}."""
    state = {}
    for number in range(1, len(params) // 2 + 1):
        state[f"layers.{number - 1}.weight"] = params[f"W{number}"].T
        state[f"layers.{number - 1}.bias"] = params[f"b{number}"]
    return state


def from_torch_names(state: Mapping[str, Array]) -> dict[str, Array]:
    """The inverse of `to_torch_names`.

    Raises
    ------
    KeyError : a name is missing; there are others; shapes do not follow from one another
    """
    params: dict[str, Array] = {}
    for place in range(max(len(state) // 2, 1)):
        params[f"W{place + 1}"] = state[f"layers.{place}.weight"].T
        params[f"b{place + 1}"] = state[f"layers.{place}.bias"]
    if len(params) != len(state):
        raise KeyError("layers.N.weight and layers.N.bias of each layer, and nothing else")
    for number in range(1, len(params) // 2 + 1):
        W, b = params[f"W{number}"], params[f"b{number}"]
        below = params[f"b{number - 1}"].size if number > 1 else W.shape[0]
        if W.shape != (below, b.size):
            raise KeyError(f"a layers.{number - 1}.weight of {b.size} rows and {below} columns")
    return params


def save_weights(path: Path, params: Mapping[str, Array], about: Mapping[str, str] | None = None) -> None:
    """Write a network's weights as a safetensors file, atomically.

    Parameters
    ----------
    path : the file
    params : {"W1": (D, H), "b1": (H,), ...}
    about : what else the file says of itself

    Raises
    ------
    RunError : the file cannot be written
    """
    tensors = {name: np.ascontiguousarray(value) for name, value in to_torch_names(params).items()}
    write_atomically(path, serialised(tensors, about or {}))


def load_weights(path: Path) -> dict[str, Array]:
    """Read the weights of a fully-connected network from a safetensors file, whoever wrote it.

    Returns
    -------
    params : {"W1": (D, H), "b1": (H,), ...}, each C-contiguous

    Raises
    ------
    RunError : the file is missing, damaged, or holds something else
    """
    tensors, _ = read_tensors(path)
    try:
        params = from_torch_names(tensors)
    except KeyError as error:
        raise RunError(
            f"{path} holds no fully-connected network: {error.args[0]} is missing; "
            f"it has {', '.join(sorted(tensors)) or 'nothing'}"
        ) from error
    return {name: np.ascontiguousarray(value) for name, value in params.items()}


def serialised(tensors: Mapping[str, Array], about: Mapping[str, str]) -> bytes:
    """A safetensors file whose bytes follow from its content: the library shuffles what is said about it."""
    from safetensors.numpy import save

    content = save(dict(tensors), dict(about) or None)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    if about:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    ordered = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return content[:8] + ordered.ljust(size) + content[8 + size :]


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors of a safetensors file, and what it says of itself.

    Raises
    ------
    RunError : the file is missing or damaged; the text names it
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing, is {path.parent} the folder of a finished run?") from error
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot read {path}: {error}; restore it or repeat the run") from error

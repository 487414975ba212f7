"""Parameters under the names that PyTorch's `state_dict` has, in a safetensors file that both networks read.

`nn.Linear` keeps its weight as (out, in); here W is (in, out). So W1 is `layers.0.weight` transposed, b1 is
`layers.0.bias`, and so on; an architecture knows the name and the layout of each of its parameters.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError, RunError, UnknownNameError
from fcnet.files import RESTORE, read_file, write_atomically
from fcnet.net.architecture import Architecture
from fcnet.registry import ADVICE
from fcnet.schema import TENSORS_LIMIT, decoded

ARCHITECTURE = "architecture"
"""Where a file says in its metadata what network its tensors belong to."""


def to_torch_names(architecture: Architecture, params: Mapping[str, Array]) -> dict[str, Array]:
    """From {"W1": (D, H), "b1": (H,), ...} to {"layers.0.weight": (H, D), "layers.0.bias": (H,), ...}."""
    return {
        parameter.torch: params[parameter.name].T if parameter.transposed else params[parameter.name]
        for parameter in architecture.parameters
    }


def from_torch_names(architecture: Architecture, state: Mapping[str, Array]) -> dict[str, Array]:
    """The inverse of `to_torch_names`.

    Raises
    ------
    DataError : names are missing or too many, or arrays have other shapes
    """
    known = {parameter.torch: parameter for parameter in architecture.parameters}
    params: dict[str, Array] = {}
    for name, value in state.items():
        if name in known:
            params[known[name].name] = value.T if known[name].transposed else value
        else:
            params[name] = value  # which the check below refuses
    architecture.check(params)
    return params


def save_weights(
    path: Path,
    architecture: Architecture,
    params: Mapping[str, Array],
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a network as a safetensors file, atomically: its parameters, and its architecture beside them.

    Parameters
    ----------
    path : the file
    architecture, params : the network, {"W1": (D, H), "b1": (H,), ...}
    about : what else the file says of itself

    Raises
    ------
    RunError : the file cannot be written
    """
    state = to_torch_names(architecture, params)
    tensors = {name: np.ascontiguousarray(value) for name, value in state.items()}
    write_atomically(path, serialised(tensors, {ARCHITECTURE: architecture.dumps(), **(about or {})}))


def load_weights(path: Path | str) -> tuple[Architecture, dict[str, Array]]:
    """Read a fully-connected network from a safetensors file.

    Returns
    -------
    architecture, params : the network, each array C-contiguous

    Raises
    ------
    RunError : the file is missing, damaged, or holds something else
    """
    path = Path(path)
    tensors, about = read_tensors(path)
    return network_in(path, tensors, about)


def network_in(
    path: Path, tensors: Mapping[str, Array], about: Mapping[str, str]
) -> tuple[Architecture, dict[str, Array]]:
    """The network in the content of a safetensors file; `path` names it in errors.

    Raises
    ------
    RunError : it is none, or needs a name that code of a user's own adds
    """
    try:
        if ARCHITECTURE in about:
            architecture = Architecture.loads(about[ARCHITECTURE])
        else:
            architecture = _named_only(tensors)
        params = from_torch_names(architecture, tensors)
    except UnknownNameError as error:
        raise RunError(
            f"{path} needs the {error.what} {error.name!r}, which code of your own adds: {ADVICE}"
        ) from error
    except ValueError as error:
        raise RunError(
            f"{path} holds no fully-connected network: {error}; restore it or repeat the run"
        ) from error
    return architecture, {name: np.ascontiguousarray(value) for name, value in params.items()}


def _named_only(tensors: Mapping[str, Array]) -> Architecture:
    """The architecture of a file that does not say it: one written before fcnet did, or by plain PyTorch.

    Such a file holds linear layers with ReLUs between them, in the order of their numbers.

    Raises
    ------
    DataError : it holds something else
    """
    weights = [tensors.get(f"layers.{place}.weight") for place in range(max(len(tensors) // 2, 1))]
    for place, weight in enumerate(weights):
        if weight is None or weight.ndim != 2:
            found = ", ".join(sorted(tensors)[:8]) or "nothing"
            raise DataError(f"a layers.{place}.weight (out, in) is missing; it has {found}")
    shapes = [weight.shape for weight in weights if weight is not None]
    return Architecture.plain([shapes[0][1], *(shape[0] for shape in shapes)])


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


def read_tensors(path: Path, remedy: str | None = None) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors of a safetensors file, and what it says of itself.

    Parameters
    ----------
    path : the file
    remedy : what the error tells the user to do, where it is not a file of a finished run

    Raises
    ------
    RunError : the file is missing or damaged; the text names it
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = read_file(path, TENSORS_LIMIT, remedy)
    try:
        tensors = load(content)
        size = int.from_bytes(content[:8], "little")
        about = decoded(content[8 : 8 + size], dict[str, Any]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:  # unknown types too
        raise RunError(f"{path} is damaged: {error}; {remedy or RESTORE}") from error
    return tensors, about

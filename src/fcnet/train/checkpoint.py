"""What a training needs to go on after a stop, in one file that is always whole.

The file holds the engine's state, the place in the training and a hash over both. It is replaced by a
rename, so a process killed at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import RunError
from fcnet.files import write_atomically

FORMAT = "fcnet-checkpoint-3"

PLACE = ("step", "seconds", "evaluations", "data")
"""What of a checkpoint is no array."""


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    step : steps done
    seconds : training time so far
    evaluations : rows of the history so far
    losses : of the steps since the last of these rows, in nats
    state : the engine's
    data : hash of the data set that is trained on
    """

    step: int
    seconds: float
    evaluations: int
    losses: list[float]
    state: dict[str, NDArray[Any]]
    data: str = ""


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically.

    Raises
    ------
    RunError : it cannot be written; the one before is untouched
    """
    from safetensors.numpy import save

    tensors = {f"state.{name}": np.asarray(value, order="C") for name, value in checkpoint.state.items()}
    tensors["losses"] = np.array(checkpoint.losses, dtype=np.float64)
    place = json.dumps({name: getattr(checkpoint, name) for name in PLACE})
    about = {"format": FORMAT, "place": place, "sha256": _digest(tensors, place)}
    write_atomically(path, save(tensors, about))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none.

    Raises
    ------
    RunError : the file is cut, altered, or of another version
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    remedy = f"delete {path} to start this run from the beginning"
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise RunError(f"the checkpoint {path} is damaged ({error}), {remedy}") from error
    if about.get("format") != FORMAT:
        raise RunError(f"the checkpoint {path} is of another version of fcnet, {remedy}")
    if about.get("sha256") != _digest(tensors, about.get("place", "")):
        raise RunError(f"the checkpoint {path} was altered: its hash does not match, {remedy}")
    place = json.loads(about["place"])
    return Checkpoint(
        **{name: place[name] for name in PLACE},
        losses=tensors.pop("losses").tolist(),
        state={name.removeprefix("state."): value for name, value in tensors.items()},
    )


def _digest(tensors: dict[str, NDArray[Any]], place: str) -> str:
    digest = hashlib.sha256(place.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()

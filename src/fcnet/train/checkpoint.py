"""What a training needs to resume after a stop, in one file that is always complete.

The file holds the engine's state, the place in the training and a hash over both. It is replaced by a
rename, so a process killed at any moment leaves the old one or the new one. It also holds the hashes of what
it belongs to: the data, the settings, and the history up to it.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct, structs
from numpy.typing import NDArray

from fcnet import __version__
from fcnet.errors import RunError
from fcnet.files import exists, write_atomically
from fcnet.net.weights import read_tensors
from fcnet.records import check_format, format_number, try_again
from fcnet.schema import LARGEST, NotNegative, decoded

KIND, FORMAT = "fcnet-checkpoint", 6


class Place(Struct, frozen=True):
    """What of a checkpoint is not an array.

    step : steps done
    seconds : training time so far
    evaluations : rows of the history so far
    data, settings : hashes of the data set that is trained on and of the settings
    history : hash of the history's rows so far
    architecture : the network as it trains, as `Architecture.dumps` writes it
    """

    step: Annotated[int, Meta(ge=0, le=LARGEST)]
    seconds: NotNegative
    evaluations: Annotated[int, Meta(ge=0, le=LARGEST)]
    data: str = ""
    settings: str = ""
    history: str = ""
    architecture: str = ""


class Checkpoint(Place, frozen=True, kw_only=True):
    """A training between two steps.

    losses : of the steps since the last evaluation, in nats
    state : the engine's
    """

    losses: list[float]
    state: dict[str, NDArray[Any]]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically.

    Raises
    ------
    RunError : it cannot be written; the one before is untouched
    """
    from safetensors.numpy import save

    tensors = {f"state.{name}": np.asarray(value, order="C") for name, value in checkpoint.state.items()}
    tensors["losses"] = np.array(checkpoint.losses, dtype=np.float64)
    place = json.dumps({name: getattr(checkpoint, name) for name in Place.__struct_fields__})
    about = {"format": f"{KIND}-{FORMAT}", "fcnet": __version__, "place": place}
    about["sha256"] = _digest(tensors, about)
    write_atomically(path, save(tensors, about), try_again())


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none.

    Raises
    ------
    RunError : the file is cut, altered, or of another version
    """
    if not exists(path):
        return None
    remedy = f"delete {path} to start this run from the beginning"
    tensors, about = read_tensors(path, remedy)
    number = format_number(about.get("format"), KIND)
    check_format(path, number, FORMAT, about.get("fcnet", ""), f"use that one, or {remedy}")
    if about.pop("sha256", None) != _digest(tensors, about):
        raise RunError(f"the checkpoint {path} was altered: its hash does not match, {remedy}")
    try:
        place = decoded(about.get("place", ""), Place)
        losses = tensors.pop("losses").astype(np.float64).reshape(-1).tolist()
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"the checkpoint {path} is damaged: {error}, {remedy}") from error
    state = {name.removeprefix("state."): value for name, value in tensors.items()}
    return Checkpoint(**structs.asdict(place), losses=losses, state=state)


def digest_of(text: str) -> str:
    """The hash of settings or of a history, as a checkpoint holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(tensors: dict[str, NDArray[Any]], about: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()

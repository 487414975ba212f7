"""What the page embeds of a trained network: its layers, some validation pictures, and what rounding did."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Part, split
from fcnet.errors import RunError
from fcnet.explore.encode import ROUNDINGS, Kind, Pack, Rounded, rounded
from fcnet.records import RunFolder
from fcnet.train.model import Model

EACH, MOST = 2, 24
"""Pictures of each class, and in all."""

HOPELESS = 0.8
"""Deflated, weights take at least this much of their size: no need to try what is larger than the page."""

TOY_PAGE = 400_000
"""Characters that the page takes besides the weights, generously."""

COMPARED = 1000
"""Validation pictures on which the rounded network is compared with the exact one."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Affine:
    """x W + b, one of the network's layers or a factor of one.

    W : (P, Q)
    b : (Q,), None for a factor that adds nothing
    """

    W: Array
    b: Array | None


def of_run(folder: Path, dataset: Dataset | None, room: int) -> dict[str, Any]:
    """A finished run for the page.

    Parameters
    ----------
    folder : of the run
    dataset : that it was trained on, for its validation pictures; None where there is none
    room : characters that the page has for it

    Raises
    ------
    RunError : the run is damaged, unfinished or of another version; it was not trained on images; its network
        is too large for the page
    """
    record = RunFolder(folder).read_record()
    model = Model.load(folder)
    if model.image_shape[1] == 1:
        raise RunError(
            f"{folder} was trained on rows of numbers and not on pictures, leave it out: fcnet explore"
        )
    layers = layers_of(model, record)
    part = _validation(dataset, record)
    count = sum(layer.W.size for layer in layers)
    for kind in ROUNDINGS:
        if HOPELESS * 4 / 3 * count * np.dtype(kind).itemsize > room:
            continue
        told = _told(folder, record, model, layers, kind, part)
        if len(json.dumps(told)) <= room:
            return told
    needed = (4 / 3 * count + TOY_PAGE) / 1e6
    raise RunError(
        f"{folder} has {count:,} weights, too many for a page of this size; "
        f"allow a larger one: --megabytes {math.ceil(needed)}"
    )


def _told(
    folder: Path, record: dict[str, Any], model: Model, layers: list[Affine], kind: Kind, part: Part | None
) -> dict[str, Any]:
    """All that the page is told of the run, with weights of one kind."""
    pack = Pack()
    tables = [(rounded(layer.W, kind), layer.b) for layer in layers]
    told = {
        "name": folder.name,
        "classes": list(model.classes),
        "shape": list(model.image_shape),
        "mean": pack.numbers(model.preprocessing.mean),
        "scale": model.preprocessing.scale,
        "layers": to_json(tables, pack),
        "pictures": _pictures(part, len(model.classes), pack),
        "rounding": _rounding(model, tables, kind, part),
    }
    return told | {"numbers": pack.text()}


def layers_of(model: Model, record: dict[str, Any]) -> list[Affine]:
    """The linear layers from the input on; a first one that whitening made is the two factors that it has."""
    count = len(model.params) // 2
    layers = [Affine(model.params[f"W{n}"], model.params[f"b{n}"]) for n in range(1, count + 1)]
    if record["config"].get("preprocessing") == "whitened":
        layers[:1] = factors(layers[0], int(record["config"]["components"]))
    return layers


def factors(layer: Affine, rank: int) -> list[Affine]:
    """A layer as two smaller ones, if it has that rank and they are smaller; else as it is."""
    P, Q = layer.W.shape
    if rank * (P + Q) >= P * Q:
        return [layer]
    W = layer.W.astype(np.float64)
    draws = np.random.default_rng(0).standard_normal((Q, rank))
    basis, _ = np.linalg.qr(W @ draws)  # of all that W can give
    rest = basis.T @ W
    if np.linalg.norm(W - basis @ rest) > 1e-5 * np.linalg.norm(W):
        return [layer]
    return [Affine(basis, None), Affine(rest, layer.b)]


def to_json(tables: list[tuple[Rounded, Array | None]], pack: Pack) -> list[dict[str, Any]]:
    """The layers as the page knows them: linear ones with a ReLU behind each but the last."""
    layers: list[dict[str, Any]] = []
    for number, (W, b) in enumerate(tables):
        bias = None if b is None else pack.numbers(b)
        layers.append({"kind": "linear", "W": pack.add(W), "b": bias})
        if b is not None and number < len(tables) - 1:
            layers.append({"kind": "relu"})
    return layers


def forward(tables: list[tuple[Rounded, Array | None]], inputs: Array) -> Array:
    """Class scores (N, K) as the page computes them, of the network's inputs (N, D), in float64."""
    x = inputs.astype(np.float64)
    for number, (W, b) in enumerate(tables):
        x = x @ W.value
        if b is not None:
            x = x + b.astype(np.float64)
            x = np.maximum(x, 0) if number < len(tables) - 1 else x
    return x


def _validation(dataset: Dataset | None, record: dict[str, Any]) -> Part | None:
    """The run's validation pictures; None where the data set is not there or is another."""
    if dataset is None or record["data"]["sha256"] != dataset.origin.sha256:
        return None
    return split(dataset.train, int(record["config"]["validation"]))[1]


def _pictures(part: Part | None, classes: int, pack: Pack) -> list[dict[str, Any]]:
    """The first few of each class, in the classes' order."""
    if part is None:
        return []
    each = max(1, min(EACH, MOST // classes))
    chosen = [n for label in range(classes) for n in np.flatnonzero(part.labels == label)[:each]][:MOST]
    return [
        {"pixels": pack.numbers(np.asarray(part.images[n])), "label": int(part.labels[n])} for n in chosen
    ]


def _rounding(
    model: Model, tables: list[tuple[Rounded, Array | None]], kind: Kind, part: Part | None
) -> dict[str, Any]:
    """What rounding the weights did to the answers on validation pictures."""
    told: dict[str, Any] = {"kind": kind, "pictures": 0}
    if part is None:
        return told
    images = np.asarray(part.images[:COMPARED])
    exact = _softmax(model.logits(images).astype(np.float64))
    ours = _softmax(forward(tables, model.preprocessing(images, np.float64)))
    return told | {
        "pictures": len(images),
        "same": int((exact.argmax(axis=1) == ours.argmax(axis=1)).sum()),
        "largest": float(np.abs(exact - ours).max()),
    }


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))

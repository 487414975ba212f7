"""What the page embeds of a trained network: its layers, some validation pictures, and what rounding did."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.data.dataset import Dataset, Part, split
from fcnet.data.kinds import WHITENINGS
from fcnet.errors import RunError
from fcnet.explore.encode import ROUNDINGS, Kind, Pack, Rounded, rounded
from fcnet.net.layers import Activation, Dropout, Layer, LayerNorm, Linear, Residual
from fcnet.net.layers.layernorm import EPSILON
from fcnet.net.losses import softmax
from fcnet.net.network import Network
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

Factors = dict[str, tuple[Rounded, ...]]
"""Each weight matrix, by name, as the product that the page computes with."""


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
        is too large for the page, or has a layer that the page does not know
    """
    record = RunFolder(folder).read_record()
    model = Model.load(folder)
    if model.image_shape[1] == 1:
        raise RunError(
            f"{folder} was trained on rows of numbers and not on pictures, leave it out: fcnet explore"
        )
    part = _validation(dataset, record)
    matrices = matrices_of(model, record)
    count = sum(factor.size for factors in matrices.values() for factor in factors)
    for kind in ROUNDINGS:
        if HOPELESS * 4 / 3 * count * np.dtype(kind).itemsize > room:
            continue
        told = _told(folder, model, matrices, kind, part)
        if len(json.dumps(told)) <= room:
            return told
    raise RunError(
        f"{folder} has {count:,} weights, too many for a page of this size; "
        f"allow a larger one: --megabytes {math.ceil((4 / 3 * count + TOY_PAGE) / 1e6)}"
    )


def matrices_of(model: Model, record: dict[str, Any]) -> dict[str, tuple[Array, ...]]:
    """The weight matrices by name; a first one that whitening made is the two factors that it has."""
    decayed = [one.name for one in model.architecture.parameters if one.decayed]
    matrices: dict[str, tuple[Array, ...]] = {name: (model.params[name],) for name in decayed}
    first = model.architecture.first_weight
    if first is not None and record["config"].get("preprocessing") in WHITENINGS:
        matrices[first] = factors_of(model.params[first], int(record["config"]["components"]))
    return matrices


def factors_of(W: Array, rank: int) -> tuple[Array, ...]:
    """W (P, Q) as (P, rank) and (rank, Q) whose product it is, where such exist and are smaller; else W."""
    P, Q = W.shape
    if rank * (P + Q) >= P * Q:
        return (W,)
    exact = W.astype(np.float64)
    draws = np.random.default_rng(0).standard_normal((Q, rank))
    basis, _ = np.linalg.qr(exact @ draws)  # of all that W can give
    rest = basis.T @ exact
    if np.linalg.norm(exact - basis @ rest) > 1e-5 * np.linalg.norm(exact):
        return (W,)
    return basis, rest


def rounded_network(model: Model, factors: Factors) -> Network:
    """The network in float64 with the weights that the page has."""
    params = {name: value.astype(np.float64) for name, value in model.params.items()}
    for name, product in factors.items():
        value = product[0].value
        for factor in product[1:]:
            value = value @ factor.value
        params[name] = value
    return Network(model.architecture, np.random.default_rng(0), dtype=np.float64, params=params)


def _told(
    folder: Path, model: Model, matrices: dict[str, tuple[Array, ...]], kind: Kind, part: Part | None
) -> dict[str, Any]:
    """All that the page is told of the run, with weights of one kind."""
    pack = Pack()
    factors = {name: tuple(rounded(one, kind) for one in product) for name, product in matrices.items()}
    told = {
        "name": folder.name,
        "classes": list(model.classes),
        "shape": list(model.image_shape),
        "mean": pack.numbers(model.preprocessing.mean),
        "scale": model.preprocessing.scale,
        "layers": _layers(model.network().layers, factors, pack, folder),
        "pictures": _pictures(part, len(model.classes), pack),
        "rounding": _rounding(model, factors, kind, part),
    }
    return told | {"numbers": pack.text()}


def _layers(layers: Sequence[Layer], factors: Factors, pack: Pack, folder: Path) -> list[dict[str, Any]]:
    """Layers as `page/layers.js` knows them; a matrix of several factors is as many linear layers."""
    told: list[dict[str, Any]] = []
    for layer in layers:
        match layer:
            case Linear():
                *before, last = factors[layer.W.name]
                told += [{"kind": "linear", "W": pack.add(factor), "b": None} for factor in before]
                told.append({"kind": "linear", "W": pack.add(last), "b": pack.numbers(layer.b.value)})
            case Activation():
                told.append({"kind": "activation", "function": layer.name})
            case Dropout():
                pass  # nothing is dropped when the network is asked
            case LayerNorm():
                gamma, beta = pack.numbers(layer.gamma.value), pack.numbers(layer.beta.value)
                told.append({"kind": "layernorm", "gamma": gamma, "beta": beta, "epsilon": EPSILON})
            case Residual():
                told.append({"kind": "residual", "layers": _layers(layer.inner, factors, pack, folder)})
            case _:
                raise RunError(
                    f"{folder} has a layer that the page does not know, {type(layer).__name__}; "
                    f"leave the run out: fcnet explore"
                )
    return told


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


def _rounding(model: Model, factors: Factors, kind: Kind, part: Part | None) -> dict[str, Any]:
    """What rounding the weights did to the answers on validation pictures."""
    told: dict[str, Any] = {"kind": kind, "pictures": 0}
    if part is None:
        return told
    images = np.asarray(part.images[:COMPARED])
    exact = softmax(model.logits(images).astype(np.float64))
    inputs = model.preprocessing(images, np.float64)
    ours = softmax(rounded_network(model, factors).predict_logits(inputs))
    return told | {
        "pictures": len(images),
        "same": int((exact.argmax(axis=1) == ours.argmax(axis=1)).sum()),
        "largest": float(np.abs(exact - ours).max()),
    }

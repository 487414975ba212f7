"""The mean of the logits of several networks, or of one on several views of its input, as one network.

A view is an affine map of the input: a mirrored or shifted image has the same pixels in other places. The
first layer of a network is linear, so it takes the map over:

    (c T u + d) W + b = u (c T^T W) + (d W + b)

Networks then stand side by side. Two-layer networks become one two-layer network, n times as wide, whose
second layer divides by n. All others become the rows of a `Mean` layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture, Spec

Params = Mapping[str, Array]

ELEMENTWISE = ("activation", "dropout")
"""Layers that treat each unit alone, so that units of several networks can share them."""


@dataclass(frozen=True)
class View:
    """What a network is shown in place of its input u (D,): factor * u[places] + offset.

    places : (D,) integers, such as a row of `Deformation.tables`
    factor : a number
    offset : (D,)
    """

    places: NDArray[np.intp]
    factor: float
    offset: Array


def seen_through(architecture: Architecture, params: Params, view: View) -> dict[str, Array]:
    """Parameters with which the network gives for u what it gave for the view of u.

    Raises
    ------
    DataError : the network does not begin with a linear layer
    """
    if not architecture.first_layers:
        raise DataError("only a network that begins with a linear layer can take over a view of its input")
    changed = dict(params)
    for weight, bias in architecture.first_layers:
        W, b = params[weight].astype(np.float64), params[bias].astype(np.float64)
        moved = np.zeros_like(W)
        np.add.at(moved, view.places, view.factor * W)  # several places may show the same pixel
        changed[weight] = moved.astype(params[weight].dtype)
        changed[bias] = (b + view.offset.astype(np.float64) @ W).astype(params[bias].dtype)
    return changed


def side_by_side(networks: Sequence[tuple[Architecture, Params]]) -> tuple[Architecture, dict[str, Array]]:
    """One network whose logits are the mean of those of all.

    Raises
    ------
    DataError : no network, or networks of different inputs or outputs
    """
    if len({(one.inputs, one.outputs) for one, _ in networks}) != 1:
        shapes = ", ".join(f"{one.inputs} to {one.outputs}" for one, _ in networks) or "none"
        raise DataError(f"networks side by side take the same inputs to the same classes, these: {shapes}")
    if all(_middle(one) is not None and _middle(one) == _middle(networks[0][0]) for one, _ in networks):
        return _wide(networks)
    first = networks[0][0]
    whole = Architecture(first.inputs, (Spec.of("mean", rows=tuple(one.layers for one, _ in networks)),))
    values = [params[declared.name] for one, params in networks for declared in one.parameters]
    return whole, {declared.name: value for declared, value in zip(whole.parameters, values, strict=True)}


def _middle(architecture: Architecture) -> tuple[Spec, ...] | None:
    """What a two-layer network has between its linear layers; None for any other network."""
    first, *middle, last = architecture.layers if len(architecture.layers) > 2 else (None, None)
    if first is None or last is None or not (first.kind == last.kind == "linear"):
        return None
    return tuple(middle) if all(spec.kind in ELEMENTWISE for spec in middle) else None


def _wide(networks: Sequence[tuple[Architecture, Params]]) -> tuple[Architecture, dict[str, Array]]:
    """Two-layer networks as one: hidden units side by side, weights behind them divided by n."""
    first, middle = networks[0][0], _middle(networks[0][0]) or ()
    W1 = np.concatenate([params["W1"] for _, params in networks], axis=1)
    wide = Spec.of("linear", units=W1.shape[1])
    return Architecture(first.inputs, (wide, *middle, first.layers[-1])), {
        "W1": np.ascontiguousarray(W1),
        "b1": np.concatenate([params["b1"] for _, params in networks]),
        "W2": np.concatenate([params["W2"] for _, params in networks]) / len(networks),
        "b2": np.mean([params["b2"] for _, params in networks], axis=0),
    }

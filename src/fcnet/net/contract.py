"""What a layer promises, tried on a few random examples: shapes, types, memory, gradients, prediction.

Before a training the layers and activations of a user's own are tried, and in `fcnet audit` all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from fcnet.arrays import Array
from fcnet.extension import broken, described, is_own, place
from fcnet.net.declaring import bind_random
from fcnet.net.layers.activation import Activation
from fcnet.net.layers.base import NO_ERROR, Layer, walk
from fcnet.net.parameters import DenseGradient, Parameter

if TYPE_CHECKING:
    from fcnet.net.architecture import Architecture

PERMISSION = "write to it only where self.{} is True, which in_place = True asks for"

EXAMPLES = 5
"""On which a layer is tried."""

AGREEMENT = {"float64": 1e-10, "float32": 1e-3}
"""How far `predict` may be from `forward`, by the largest output: rounding of sums in another order."""


class _Wrong(Exception):
    """What a layer does wrong, and what to do."""


def check_own_layers(architecture: Architecture) -> None:
    """Let the layers and activations of a user's own work, fresh ones, in float32.

    Raises
    ------
    ExtensionError : one of them breaks its contract; the text names it and says what is wrong
    """
    for layer in walk(architecture.build()):
        if is_own(author(layer)):
            with _about(layer):
                tried(layer, np.dtype(np.float32))


def check_all_layers(architecture: Architecture) -> float:
    """Let all layers of a network work, fresh ones, in float64; a user's own also as the audit needs them.

    Returns
    -------
    difference : as `tried`, the largest

    Raises
    ------
    ExtensionError : as `check_own_layers`
    """
    largest = 0.0
    fresh = walk(architecture.build())  # without what a training leaves behind, such as a mask
    for layer, other in zip(walk(architecture.build()), fresh, strict=True):
        with _about(layer):
            largest = max(largest, tried(layer, np.dtype(np.float64)))
            if is_own(layer):
                _without_training(other)
    return largest


def author(layer: Layer) -> Any:
    """Whose code it is: that of an activation layer is its function."""
    return layer.function if isinstance(layer, Activation) else layer


def own_layers(layers: Sequence[Layer]) -> list[str]:
    """The layers and activations of a user's own among these, each once, with file and line."""
    named = (f"{_named(layer)} ({place(author(layer))})" for layer in walk(layers) if is_own(author(layer)))
    return list(dict.fromkeys(named))


def _named(layer: Layer) -> str:
    return f"the activation {layer.name!r}" if isinstance(layer, Activation) else "the layer"


@contextmanager
def _about(layer: Layer) -> Iterator[None]:
    """A block in which what goes wrong becomes an error that names the layer."""
    try:
        yield
    except _Wrong as wrong:
        raise broken(_named(layer), author(layer), str(wrong)) from None


def tried(layer: Layer, dtype: np.dtype[Any]) -> float:
    """Bind a layer to random parameters and let it work on random examples.

    A layer that can work in place is tried without the permission and with it.

    Returns
    -------
    difference : of `predict` from `forward` without training, by the largest output

    Raises
    ------
    _Wrong : it breaks its contract
    """
    rng, own = np.random.default_rng(0), bind_random(layer, dtype)
    X = rng.standard_normal((EXAMPLES, layer.inputs)).astype(dtype)
    largest = 0.0
    with np.errstate(all="ignore"):
        for permitted in (False, True) if layer.in_place else (False,):
            layer.overwrite_input = permitted and not layer.needs_input
            layer.overwrite_delta = permitted
            Y = _forward(layer, X, training=True)
            # as in a training: backward never follows a forward without training
            _backward(layer, rng.standard_normal(Y.shape).astype(dtype), own)
            largest = max(largest, _predict(layer, X, _forward(layer, X, training=False)))
    return largest


def _without_training(layer: Layer) -> None:
    """Try `backward` after a forward without training, which the audit asks for."""
    X = np.random.default_rng(0).standard_normal((EXAMPLES, layer.inputs))
    bind_random(layer, X.dtype)
    layer.overwrite_input = layer.overwrite_delta = False
    with np.errstate(all="ignore"):
        delta = np.ones_like(layer.forward(X, False))
        try:
            layer.backward(delta, True)
        except Exception as error:
            raise _Wrong(
                f"fails in backward after forward(X, False), where the audit needs it: "
                f"{type(error).__name__}: {error}; keep what backward needs there too, such as a mask of ones"
            ) from error


def _forward(layer: Layer, X: Array, training: bool) -> Array:
    """A copy of the output for X."""
    given = X.copy()
    Y = layer.forward(given, training)
    _check_form("forward", Y, (EXAMPLES, layer.outputs), X.dtype)
    if not layer.overwrite_input and not _same(given, X):
        raise _Wrong(f"overwrites its input in forward, {PERMISSION.format('overwrite_input')}")
    return Y.copy()


def _backward(layer: Layer, delta: Array, parameters: Sequence[Parameter]) -> None:
    """Pass an error down, and look at it and at the gradients."""
    given = delta.copy()
    below = layer.backward(given, True)
    if below is None:
        raise _Wrong(NO_ERROR)
    _check_form("backward", below, (EXAMPLES, layer.inputs), delta.dtype)
    if not layer.overwrite_delta and not _same(given, delta):
        raise _Wrong(f"overwrites its error in backward, {PERMISSION.format('overwrite_delta')}")
    for parameter in parameters:
        _check_gradient(parameter.name, parameter.gradient, parameter.value)


def _check_gradient(name: str, gradient: Any, value: Array) -> None:
    """Require a gradient that an optimiser can use for a parameter with this value."""
    if gradient is None:
        raise _Wrong(f"sets no gradient of {name} in backward, assign DenseGradient(array) to it")
    if not callable(getattr(gradient, "dense", None)) or not callable(getattr(gradient, "add_to", None)):
        raise _Wrong(f"sets {described(gradient)} as the gradient of {name}, give DenseGradient(array)")
    array = gradient.array if isinstance(gradient, DenseGradient) else gradient.dense()
    if not isinstance(array, np.ndarray):
        found = type(array).__name__
        raise _Wrong(f"gives {name} a gradient that is a {found} and no array, use np.asarray")
    if array.shape != value.shape:
        raise _Wrong(f"gives {name} a gradient of shape {array.shape}, give {value.shape}")
    if array.dtype != value.dtype:
        raise _Wrong(f"gives {name} a gradient of {array.dtype}, keep the parameter's type {value.dtype}")
    if not array.flags.c_contiguous:
        raise _Wrong(f"gives {name} a gradient that is not C-contiguous, use np.ascontiguousarray")


def _predict(layer: Layer, X: Array, Y: Array) -> float:
    """How far the prediction for X is from the output Y of forward, by the largest output."""
    given = X.copy()
    predicted = layer.predict(given)
    _check_form("predict", predicted, Y.shape, X.dtype)
    if not _same(given, X):
        raise _Wrong("overwrites its input in predict, return a new array")
    difference = float(np.abs(predicted - Y).max() / (np.abs(Y).max() or 1.0))
    if difference > AGREEMENT[X.dtype.name]:
        text = f"predicts other numbers than forward gives without training, by {difference:.1e}: "
        raise _Wrong(f"{text}let predict do the same as forward(X, False)")
    return difference


def _check_form(method: str, result: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Require that a method returned an array of this shape and type."""
    if not isinstance(result, np.ndarray):
        raise _Wrong(f"returns {described(result)} from {method}, return an array of shape {shape}")
    if result.shape != shape:
        sizes = f"(N, {shape[1]})"
        raise _Wrong(f"returns shape {result.shape} from {method} for {shape[0]} examples, return {sizes}")
    if result.dtype != dtype:
        raise _Wrong(f"returns {result.dtype} from {method} where it is given {dtype}, keep the type")
    if not result.flags.c_contiguous:
        raise _Wrong(f"returns an array from {method} that is not C-contiguous, use np.ascontiguousarray")


def _same(one: Array, other: Array) -> bool:
    return one.tobytes() == other.tobytes()

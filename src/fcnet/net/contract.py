"""What a layer promises, tried on a few random examples: shapes, types, memory, gradients, prediction.

`check_declared` looks at a layer when a network is built. `first_broken` lets it work: before a training the
layers and activations of a user's own, and in `fcnet audit` all layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import ExtensionError
from fcnet.extension import broken, described, is_own, place, require_methods
from fcnet.net.layers.activation import Activation
from fcnet.net.layers.base import NO_ERROR, Layer, walk
from fcnet.net.parameters import Declared, DenseGradient, Parameter, Start
from fcnet.net.scaled import Scaled

if TYPE_CHECKING:
    from fcnet.net.architecture import Architecture

Array = NDArray[Any]

METHODS = {"forward": "X, training", "backward": "delta, input_needed", "predict": "X"}
"""What every layer defines, and the arguments."""

PERMISSION = "write to it only where self.{} is True, which in_place = True asks for"

EXAMPLES = 5
"""On which a layer is tried."""

STEPS = (1e-5, 1e-6, 1e-7)
"""Of the central differences that a layer's `backward` is held against; the one that agrees best counts."""

DIFFERENCE = 1e-5
"""How far `backward` may be from them, by the largest term: rounding and truncation are below 1e-8."""

AGREEMENT = {"float64": 1e-10, "float32": 1e-3}
"""How far `predict` may be from `forward`, by the largest output: rounding of sums in another order."""


def check_declared(what: str, layer: Any, make: Any) -> None:
    """Require that a user's code made a layer, and that it declares what can be.

    Parameters
    ----------
    what : such as `the layer 'scale'`
    layer : what the code made
    make : the code

    Raises
    ------
    ExtensionError : it is not; the text says what is wrong
    """
    if not isinstance(layer, Layer):
        text = f"makes {described(layer)}, derive its class from fcnet.net.layers.Layer"
        raise broken(what, make, text)
    if not hasattr(layer, "_buffers"):
        raise broken(what, layer, "does not call super().__init__(inputs), call it first in __init__")
    require_methods(what, layer, Layer, METHODS)
    if not _is_size(layer.outputs):
        raise broken(what, layer, f"has outputs {layer.outputs!r}, give a whole number of at least 1")
    listed = isinstance(layer.declared, tuple | list)
    if not listed or not all(isinstance(parameter, Declared) for parameter in layer.declared):
        raise broken(what, layer, f"has declared {layer.declared!r}, give a tuple of Declared(...)")
    names = [parameter.name for parameter in layer.declared]
    for parameter in layer.declared:
        twice = names.count(parameter.name) > 1
        problem = "is declared twice, give each a name of its own" if twice else _wrong(parameter)
        if problem:
            raise broken(what, layer, f"declares {parameter.name!r}, which {problem}")
    if layer.declared:
        require_methods(what, layer, Layer, {"bind": "parameters, rng"})


def _wrong(parameter: Declared) -> str:
    """What is wrong with a declaration, "" if nothing is."""
    if not isinstance(parameter.name, str) or not parameter.name or "." in parameter.name:
        return "is no name, give one such as 'W'; the network numbers it"
    if not isinstance(parameter.shape, tuple) or not all(map(_is_size, parameter.shape)):
        return f"has shape {parameter.shape!r}, give a tuple of whole numbers of at least 1"
    if parameter.start not in get_args(Start):
        return f"starts as {parameter.start!r}, choose from {', '.join(map(repr, get_args(Start)))}"
    if not _is_size(parameter.fan_in):
        return f"has fan_in {parameter.fan_in!r}, give a whole number of at least 1"
    return ""


def _is_size(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def bind(layer: Layer, parameters: Sequence[Parameter], rng: np.random.Generator) -> None:
    """Give a layer its parameters.

    Raises
    ------
    ExtensionError : a user's layer takes another number of them than it declares
    """
    try:
        layer.bind(parameters, rng)
    except (ValueError, IndexError) as error:
        names = ", ".join(parameter.name for parameter in layer.declared) or "no parameter"
        text = f"declares {names}, and its bind fails with them: {error}; take all of them, in this order"
        raise broken("the layer", layer, text) from error


def check_own_layers(architecture: Architecture) -> None:
    """Let the layers and activations of a user's own work, fresh ones, in float32.

    Raises
    ------
    ExtensionError : one of them breaks its contract; the text names it and says what is wrong
    """
    for layer in walk(architecture.build()):
        if is_own(author(layer)):
            problem, _ = tried(layer, np.dtype(np.float32))
            if problem:
                raise _about(layer, problem)


def check_all_layers(architecture: Architecture) -> tuple[str, float]:
    """Let all layers of a network work, fresh ones, in float64; of a user's own also try the derivative.

    The audit differentiates a network without training. What a layer does in training alone, nothing but
    this trial looks at.

    Returns
    -------
    problem : of the first layer that breaks its contract, with its name; "" if none does
    difference : as `tried`, the largest
    """
    largest = 0.0
    fresh = walk(architecture.build())  # without what a training leaves behind, such as a mask
    for layer, other in zip(walk(architecture.build()), fresh, strict=True):
        problem, difference = tried(layer, np.dtype(np.float64))
        if not problem and is_own(layer):
            problem = _without_training(other) or _derivative_in_training(layer)
        if problem:
            return str(_about(layer, problem)), difference
        largest = max(largest, difference)
    return "", largest


def author(layer: Layer) -> Any:
    """Whose code it is: that of an activation layer is its function."""
    return layer.function if isinstance(layer, Activation) else layer


def own_layers(layers: Sequence[Layer]) -> list[str]:
    """The layers and activations of a user's own among these, each once, with file and line."""
    named = (f"{_named(layer)} ({place(author(layer))})" for layer in walk(layers) if is_own(author(layer)))
    return list(dict.fromkeys(named))


def _named(layer: Layer) -> str:
    return f"the activation {layer.name!r}" if isinstance(layer, Activation) else "the layer"


def _about(layer: Layer, problem: str) -> ExtensionError:
    return broken(_named(layer), author(layer), problem)


def tried(layer: Layer, dtype: np.dtype[Any]) -> tuple[str, float]:
    """Bind a layer to random parameters and let it work on random examples.

    A layer that can work in place is tried without the permission and with it.

    Returns
    -------
    problem : what it does wrong, and what to do; "" if nothing
    difference : of `predict` from `forward` without training, by the largest output
    """
    rng, own = np.random.default_rng(0), bind_random(layer, dtype)
    X = rng.standard_normal((EXAMPLES, layer.inputs)).astype(dtype)
    problem, largest = "", 0.0
    with np.errstate(all="ignore"):
        for permitted in (False, True) if layer.in_place else (False,):
            layer.overwrite_input = permitted and not layer.needs_input
            layer.overwrite_delta = permitted
            Y, problem = _forward(layer, X, training=True)
            # as in a training: backward never follows a forward without training
            problem = problem or _backward(layer, rng.standard_normal(Y.shape).astype(dtype), own)
            if not problem:
                Y, problem = _forward(layer, X, training=False)
            if not problem:
                problem, difference = _predict(layer, X, Y)
                largest = max(largest, difference)
            if problem:
                break
    return problem, largest


def bind_random(
    layer: Layer, dtype: np.dtype[Any], source: np.random.Generator | None = None
) -> list[Parameter]:
    """Bind a layer and those inside it to random parameters; returns them in order.

    Parameters
    ----------
    source : of what the layer draws; None for a new one

    Raises
    ------
    ExtensionError : as `bind`
    """
    rng, bound = np.random.default_rng(1), list[Parameter]()
    source = source or rng
    for one in walk([layer]):
        parameters = [_random(declared, dtype, rng) for declared in one.declared]
        bind(one, parameters, source)
        bound += parameters
    return bound


def _random(declared: Declared, dtype: np.dtype[Any], rng: np.random.Generator) -> Parameter:
    values = (declared.start == "ones") + rng.standard_normal(declared.shape) * declared.fan_in**-0.5
    return Parameter(declared.name, Scaled(np.array(values, dtype)), declared.decayed)


def _without_training(layer: Layer) -> str:
    """What is wrong with `backward` after a forward without training, which the audit asks for."""
    X = np.random.default_rng(0).standard_normal((EXAMPLES, layer.inputs))
    bind_random(layer, X.dtype)
    layer.overwrite_input = layer.overwrite_delta = False
    with np.errstate(all="ignore"):
        delta = np.ones_like(layer.forward(X, False))
        try:
            layer.backward(delta, True)
        except Exception as error:
            return (
                f"fails in backward after forward(X, False), where the audit needs it: "
                f"{type(error).__name__}: {error}; keep what backward needs there too, such as a mask of ones"
            )
    return ""


def _derivative_in_training(layer: Layer) -> str:
    """What is wrong with `backward` in training, beside central differences at the same draws.

    Each is tried along one random direction. A layer that gives other numbers at the same draws of the
    generator that `bind` gave it, such as one that counts its calls, cannot be compared.
    """
    rng = np.random.default_rng(0)
    own, state = bind_random(layer, np.dtype(np.float64), rng), rng.bit_generator.state
    drawn = np.random.default_rng(2)
    X = drawn.standard_normal((EXAMPLES, layer.inputs))
    delta = drawn.standard_normal((EXAMPLES, layer.outputs))
    layer.overwrite_input = layer.overwrite_delta = False

    def at(place: Array) -> float:
        rng.bit_generator.state = state
        return float((layer.forward(place.copy(), True) * delta).sum())

    with np.errstate(all="ignore"):
        first = at(X)
        below = np.array(layer.backward(delta.copy(), True))
        gradients = [parameter.gradient.dense() for parameter in own if parameter.gradient is not None]
        if not at(X) == first == at(X):
            return ""
        along = drawn.standard_normal(X.shape)
        slopes = [(at(X + h * along) - at(X - h * along)) / (2 * h) for h in STEPS]
        if _differs((below * along).sum(), slopes, np.abs(below * along).max()):
            return _no_derivative("the error that it passes down", (below * along).sum(), slopes)
        for parameter, gradient in zip(own, gradients, strict=True):
            along, value = drawn.standard_normal(gradient.shape), parameter.value.copy()
            slopes = []
            for h in STEPS:
                ends = []
                for end in (h, -h):
                    parameter.value[...] = value + end * along
                    ends.append(at(X))
                slopes.append((ends[0] - ends[1]) / (2 * h))
            parameter.value[...] = value
            if _differs((gradient * along).sum(), slopes, np.abs(gradient * along).max()):
                return _no_derivative(f"the gradient of {parameter.name}", (gradient * along).sum(), slopes)
    return ""


def _differs(claimed: float, slopes: Sequence[float], largest: float) -> bool:
    """Whether no central difference agrees with a claim; those that are not finite say nothing."""
    told = [slope for slope in slopes if np.isfinite(slope)]
    allowed = [DIFFERENCE * max(1.0, largest, abs(slope)) for slope in told]
    return bool(told) and all(
        not abs(claimed - slope) <= bound for slope, bound in zip(told, allowed, strict=True)
    )


def _no_derivative(what: str, claimed: float, slopes: Sequence[float]) -> str:
    return (
        f"is wrong in training: {what} is not the derivative of forward(X, True); "
        f"along one direction it gives {claimed:.6g}, central differences {slopes[0]:.6g}"
    )


def _forward(layer: Layer, X: Array, training: bool) -> tuple[Array, str]:
    """A copy of the output for X, and what is wrong with it or its making."""
    given = X.copy()
    Y = layer.forward(given, training)
    problem = _misshapen("forward", Y, (EXAMPLES, layer.outputs), X.dtype)
    if not problem and not layer.overwrite_input and not _same(given, X):
        problem = f"overwrites its input in forward, {PERMISSION.format('overwrite_input')}"
    return (X if problem else Y.copy()), problem


def _backward(layer: Layer, delta: Array, parameters: Sequence[Parameter]) -> str:
    """What is wrong with the error that is passed down, or with the gradients."""
    given = delta.copy()
    below = layer.backward(given, True)
    if below is None:
        return NO_ERROR
    problem = _misshapen("backward", below, (EXAMPLES, layer.inputs), delta.dtype)
    if problem:
        return problem
    if not layer.overwrite_delta and not _same(given, delta):
        return f"overwrites its error in backward, {PERMISSION.format('overwrite_delta')}"
    for parameter in parameters:
        gradient = parameter.gradient
        if gradient is None:
            return f"sets no gradient of {parameter.name} in backward, assign DenseGradient(array) to it"
        if not callable(getattr(gradient, "dense", None)) or not callable(getattr(gradient, "add_to", None)):
            found = described(gradient)
            return f"sets {found} as the gradient of {parameter.name}, give DenseGradient(array)"
        array = gradient.array if isinstance(gradient, DenseGradient) else gradient.dense()
        if not isinstance(array, np.ndarray):
            found = type(array).__name__
            return f"gives {parameter.name} a gradient that is a {found} and no array, use np.asarray"
        shape = array.shape
        if shape != parameter.value.shape:
            return f"gives {parameter.name} a gradient of shape {shape}, give {parameter.value.shape}"
        if array.dtype != parameter.value.dtype:
            kept = parameter.value.dtype
            return f"gives {parameter.name} a gradient of {array.dtype}, keep the parameter's type {kept}"
        if not array.flags.c_contiguous:
            return f"gives {parameter.name} a gradient that is not C-contiguous, use np.ascontiguousarray"
    return ""


def _predict(layer: Layer, X: Array, Y: Array) -> tuple[str, float]:
    """What is wrong with the prediction for X, beside the output Y of forward, and how far they differ."""
    given = X.copy()
    predicted = layer.predict(given)
    problem = _misshapen("predict", predicted, Y.shape, X.dtype)
    if problem:
        return problem, 0.0
    if not _same(given, X):
        return "overwrites its input in predict, return a new array", 0.0
    difference = float(np.abs(predicted - Y).max() / (np.abs(Y).max() or 1.0))
    if difference > AGREEMENT[X.dtype.name]:
        text = f"predicts other numbers than forward gives without training, by {difference:.1e}: "
        return f"{text}let predict do the same as forward(X, False)", difference
    return "", difference


def _misshapen(method: str, result: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """What is wrong with an array that a method returned, "" if nothing is."""
    if not isinstance(result, np.ndarray):
        return f"returns {described(result)} from {method}, return an array of shape {shape}"
    if result.shape != shape:
        sizes = f"(N, {shape[1]})"
        return f"returns shape {result.shape} from {method} for {shape[0]} examples, return {sizes}"
    if result.dtype != dtype:
        return f"returns {result.dtype} from {method} where it is given {dtype}, keep the type"
    if not result.flags.c_contiguous:
        return f"returns an array from {method} that is not C-contiguous, use np.ascontiguousarray"
    return ""


def _same(one: Array, other: Array) -> bool:
    return one.tobytes() == other.tobytes()

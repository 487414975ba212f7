"""What a layer declares and is given: its methods, its sizes, its parameters.

`check_declared` looks at a layer when a network is built. What it then does is tried in `fcnet.net.contract`.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from fcnet.extension import broken, described, require_methods
from fcnet.net.layers.base import Layer, walk
from fcnet.net.parameters import Declared, Parameter, Start
from fcnet.net.scaled import Scaled

METHODS = {"forward": "X, training", "backward": "delta, input_needed", "predict": "X"}
"""What every layer defines, and the arguments."""


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

"""The activation functions, each with its derivative beside it.

`ACTIVATIONS` finds them by name; their PyTorch counterparts have the same name in `fcnet.torch_net.layers`.
"""

import math
from typing import Any, ClassVar, Literal

import numpy as np

from fcnet.arrays import Array
from fcnet.extension import broken, called, is_own, require_methods
from fcnet.net.blas import buffer
from fcnet.net.onnx_graph import Graph
from fcnet.registry import look_up


class ActivationFunction:
    """phi, applied element by element, and phi'.

    Attributes
    ----------
    slope_from : the argument of `slope`: the "input" z of phi, or its "output" phi(z). The latter lets phi
        overwrite its input.
    slope_type : dtype of the slope if it differs from that of the numbers, such as bool for 0 and 1
    kink : whether phi' jumps at 0, where no derivative exists
    """

    slope_from: ClassVar[Literal["input", "output"]] = "input"
    slope_type: ClassVar[type[Any] | None] = None
    kink: ClassVar[bool] = False

    def value(self, Z: Array, out: Array) -> None:
        """Write phi(Z) to out, which may be Z itself where `slope_from` is "output"."""
        raise broken("an activation", self, "lacks value(Z, out), define it")

    def slope(self, kept: Array, out: Array) -> None:
        """Write phi' to out, from the input or the output as `slope_from` says."""
        raise broken("an activation", self, "lacks slope(kept, out), define it")

    def onnx(self, graph: Graph, x: str) -> str:
        """Add the function's nodes; from the name of its input to that of its output."""
        raise broken("an activation", self, "lacks onnx(graph, x), which the export needs, define it")


class ReLU(ActivationFunction):
    """phi(z) = max(0, z). Equations: (1)"""

    slope_from = "output"  # phi(z) > 0 exactly where z > 0
    slope_type = np.bool_
    kink = True

    def __init__(self) -> None:
        self._zeros: Array = np.zeros(0)

    def value(self, Z: Array, out: Array) -> None:
        zeros = self._zeros
        if zeros.size != Z.shape[1] or zeros.dtype != Z.dtype:
            zeros = self._zeros = np.zeros(Z.shape[1], Z.dtype)
        # (1): NumPy takes the maximum with a row of zeros in half the time that one zero takes
        np.maximum(Z, zeros, out=out)

    def slope(self, kept: Array, out: Array) -> None:
        np.greater(kept, 0, out=out)

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Relu", x)


class Tanh(ActivationFunction):
    """phi(z) = tanh(z), phi' = 1 - phi^2."""

    slope_from = "output"

    def value(self, Z: Array, out: Array) -> None:
        np.tanh(Z, out=out)

    def slope(self, kept: Array, out: Array) -> None:
        np.multiply(kept, kept, out=out)
        np.subtract(1, out, out=out)

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Tanh", x)


class GELU(ActivationFunction):
    """phi(z) = z/2 (1 + tanh(c (z + k z^3))): Hendrycks and Gimpel (2016), in their form with tanh.

    It is what PyTorch computes with `approximate="tanh"`. The exact form needs the error function, which
    NumPy does not have; the two differ by at most 5e-4.
    """

    C, K = math.sqrt(2 / math.pi), 0.044715

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}

    def value(self, Z: Array, out: Array) -> None:
        self._tanh(Z, out)
        out += 1
        out *= Z
        out *= 0.5

    def slope(self, kept: Array, out: Array) -> None:
        """Phi' = (1 + t)/2 (1 + (1 - t) c z (1 + 3 k z^2)), with t the tanh above."""
        inner = buffer(self._buffers, "inner", kept.shape, kept.dtype)
        rest = buffer(self._buffers, "rest", kept.shape, kept.dtype)
        np.multiply(kept, kept, out=inner)
        inner *= 3 * self.K
        inner += 1
        inner *= kept
        inner *= self.C
        self._tanh(kept, out)
        inner *= np.subtract(1, out, out=rest)
        inner += 1
        out += 1
        out *= inner
        out *= 0.5

    def onnx(self, graph: Graph, x: str) -> str:
        half, one, c, k = (graph.constant(np.float32(value)) for value in (0.5, 1.0, self.C, self.K))
        cube = graph.node("Mul", graph.node("Mul", x, x), x)
        inner = graph.node("Mul", graph.node("Add", x, graph.node("Mul", cube, k)), c)
        gate = graph.node("Add", graph.node("Tanh", inner), one)
        return graph.node("Mul", graph.node("Mul", x, half), gate)

    def _tanh(self, Z: Array, out: Array) -> None:
        np.multiply(Z, Z, out=out)
        out *= self.K
        out += 1
        out *= Z
        out *= self.C
        np.tanh(out, out=out)


ACTIVATIONS: dict[str, type[ActivationFunction]] = {"relu": ReLU, "gelu": GELU, "tanh": Tanh}
"""The activation functions by name."""


def activation_function(name: str) -> ActivationFunction:
    """The activation function of this name.

    Raises
    ------
    DataError : the name is unknown; the text lists the known ones
    ExtensionError : a user's own one is not an activation function
    """
    make = look_up(ACTIVATIONS, name, "activation")
    return _checked(name, make) if is_own(make) else make()


def _checked(name: str, make: type[ActivationFunction]) -> ActivationFunction:
    """A user's activation function, which has all parts and writes its numbers where it is to.

    Raises
    ------
    ExtensionError : it does not; the text says what it lacks
    """
    what = f"the activation {name!r}"
    function: ActivationFunction = called(what, make, wants="a class that is made without arguments")
    if not isinstance(function, ActivationFunction):
        raise broken(what, make, "is no ActivationFunction, derive its class from that one")
    arguments = {"value": "Z, out", "slope": "kept, out"}
    require_methods(what, function, ActivationFunction, arguments)
    if function.slope_from not in ("input", "output"):
        raise broken(what, function, f'has slope_from {function.slope_from!r}, give "input" or "output"')
    Z = np.array([[-0.75, 0.5, 1.25]])
    for method, kind in (("value", Z.dtype), ("slope", np.dtype(function.slope_type or Z.dtype))):
        written = [np.full(Z.shape, start, kind) for start in (0, 1)]
        with np.errstate(all="ignore"):
            for out in written:
                getattr(function, method)(Z.copy(), out)
        if (written[0] == 0).all() and (written[1] == 1).all():
            text = f"does not write its {method} to out: fill it with out[...] = or NumPy's out="
            raise broken(what, function, text)
    return function

"""The base class of the layers, and which memory they may write to.

Rows are examples throughout. A layer owns the buffers that its `forward` and `backward` return, so the next
call overwrites them; `predict` owns nothing and may run in several threads at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from fcnet.arrays import Array
from fcnet.extension import broken, is_own
from fcnet.net.onnx_graph import Graph
from fcnet.net.parameters import Declared, Parameter

NO_ERROR = "returns None from backward, where the layer below needs the error: return dJ/d(input) (N, inputs)"


class Layer:
    """One layer. A subclass sets `outputs` and `declared` in its constructor and defines the methods below.

    Parameters
    ----------
    inputs : numbers per example at the input

    Attributes
    ----------
    outputs : numbers per example at the output
    declared : its parameters, in the order of `bind`
    inner : the layers inside it, of which the network binds the parameters too
    group : where PyTorch's `state_dict` lists its parameters: "layers" gives layers.0.weight, ...
    normalises : whether the setting `norm` may name it
    needs_input, needs_output : whether backward uses the input of forward, or its output
    in_place : whether forward can write over its input, and backward over the error
    passes_through : whether forward or backward may return the array that they were given; `plan` expects it
        of each layer of a user's own
    takes_scaled : whether forward takes a `Scaled` array
    overwrite_input, overwrite_delta : set by `plan`: whether no other layer needs these arrays any more
    """

    group: ClassVar[str] = "extra"
    normalises: ClassVar[bool] = False
    needs_input: bool = False
    needs_output: bool = False
    in_place: bool = False
    passes_through: bool = False
    takes_scaled: bool = False
    inner: Sequence[Layer] = ()
    declared: tuple[Declared, ...] = ()

    def __init__(self, inputs: int) -> None:
        self.inputs = self.outputs = inputs
        self.overwrite_input = self.overwrite_delta = False
        self._buffers: dict[str, Array] = {}

    def bind(self, parameters: Sequence[Parameter], rng: np.random.Generator) -> None:
        """Take the parameters, one for each of `declared`, and the source of randomness for training."""

    def forward(self, X: Array, training: bool) -> Array:
        """From the layer's input X (N, inputs) to its output (N, outputs)."""
        raise broken("a layer", self, "lacks forward(X, training), define it")

    def backward(self, delta: Array, input_needed: bool) -> Array | None:
        """From dJ/d(output) to dJ/d(input), or None where it is not needed; sets the gradients."""
        raise broken("a layer", self, "lacks backward(delta, input_needed), define it")

    def predict(self, X: Array) -> Array:
        """As `forward` without training, in new arrays."""
        raise broken("a layer", self, "lacks predict(X), define it")

    def onnx(self, graph: Graph, x: str) -> str:
        """Add the layer's nodes to an ONNX graph; from the name of its input to that of its output."""
        raise broken("a layer", self, "lacks onnx(graph, x), which the export needs, define it")


def walk(layers: Iterable[Layer]) -> Iterator[Layer]:
    """All layers, those inside others after the one that holds them."""
    for layer in layers:
        yield layer
        yield from walk(layer.inner)


def ahead(layers: Sequence[Layer], X: Any, training: bool) -> Array:
    """Pass examples up a row of layers, as the `forward` of one."""
    for layer in layers:
        X = layer.forward(X, training)
    output: Array = X
    return output


def predicted(layers: Sequence[Layer], X: Array) -> Array:
    """The same by their `predict`."""
    for layer in layers:
        X = layer.predict(X)
    return X


def back(layers: Sequence[Layer], delta: Array, input_needed: bool) -> Array | None:
    """Pass an error down a row of layers, as the `backward` of one.

    Raises
    ------
    ExtensionError : a layer returns None where the one below needs the error
    """
    below: Array | None = delta
    for place in range(len(layers) - 1, -1, -1):
        if below is None:
            raise broken("the layer", layers[place + 1], NO_ERROR)
        below = layers[place].backward(below, input_needed or place > 0)
    if below is None and input_needed and layers:
        raise broken("the layer", layers[0], NO_ERROR)
    return below


def plan(layers: Sequence[Layer], input_free: bool, delta_free: bool) -> tuple[bool, bool]:
    """Tell the layers of a row which arrays they may overwrite, from what the others declare to need.

    Parameters
    ----------
    input_free : whether the row may overwrite its input
    delta_free : whether the row may overwrite the error that it is given

    Returns
    -------
    output_free, returned_free : the same for the results of the row's forward and backward
    """
    for layer in layers:
        layer.overwrite_input = input_free and layer.in_place and not layer.needs_input
        input_free = (input_free or not _may_pass_through(layer)) and not layer.needs_output
    for layer in reversed(layers):
        layer.overwrite_delta = delta_free and layer.in_place
        delta_free = delta_free or not _may_pass_through(layer)
    return input_free, delta_free


def _may_pass_through(layer: Layer) -> bool:
    """Nobody has to know that a dropout of their own which returns X itself has to say so."""
    return layer.passes_through or is_own(layer)

"""What a network is, as one frozen value that goes to JSON and back.

Whatever has to know a network's layers asks its `Architecture`: the NumPy network, PyTorch's, the ONNX
export, prediction, the classifier, the audit, the report. It stands in the model's file and in the
checkpoint. Nothing infers a network from the number or the names of its parameters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np

from fcnet.errors import DataError
from fcnet.extension import is_own, own_code
from fcnet.net.declaring import check_declared
from fcnet.net.layers import LAYERS, Dropout, Layer, Linear, Mean, walk
from fcnet.net.parameters import Declared
from fcnet.registry import look_up
from fcnet.schema import decoded
from fcnet.validation import check_fraction, check_positive

DEEPEST, MOST, LONGEST = 8, 10_000, 1 << 20
"""Layers inside layers, layers in all, and characters that a description may have: it may come from a damaged
file."""


@dataclass(frozen=True)
class Spec:
    """One layer of an architecture: its name in `LAYERS` and its options.

    kind : "linear", "activation", ...
    options : as its class takes them; `layers` is a row of `Spec`s, `rows` several rows
    """

    kind: str
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, kind: str, **options: Any) -> Spec:
        """A layer with these options."""
        return cls(kind, tuple(sorted(options.items())))

    def to_json(self) -> dict[str, Any]:
        """The layer as JSON holds it."""
        return {"kind": self.kind} | {name: _plain(value) for name, value in self.options}

    @classmethod
    def from_json(cls, values: Any, depth: int = 0) -> Spec:
        """The inverse of `to_json`.

        Raises
        ------
        DataError : it is not a layer
        """
        if not isinstance(values, dict) or not isinstance(values.get("kind"), str) or depth > DEEPEST:
            raise DataError(f"{str(values)[:60]} describes no layer, give a kind and its options")
        options = {name: cls._option(value, depth + 1) for name, value in values.items() if name != "kind"}
        return cls.of(values["kind"], **options)

    @classmethod
    def _option(cls, value: Any, depth: int) -> Any:
        """A row of layers, or a list of rows; anything else as it is."""
        if not isinstance(value, list):
            return value
        return tuple(
            tuple(cls.from_json(layer, depth) for layer in one)
            if isinstance(one, list)
            else cls.from_json(one, depth)
            for one in value
        )


@dataclass(frozen=True)
class Architecture:
    """A row of layers.

    inputs : numbers per example
    layers : from the input to the logits

    Raises
    ------
    DataError : a layer that is unknown or does not fit the one before
    """

    inputs: int
    layers: tuple[Spec, ...]
    outputs: int = field(init=False)

    def __post_init__(self) -> None:
        check_positive(inputs=self.inputs)
        object.__setattr__(self, "outputs", self._described[-1].outputs if self._described else self.inputs)

    @classmethod
    def of(
        cls,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        *,
        activation: str = "relu",
        norm: str = "none",
        blocks: int = 0,
        expansion: int = 4,
        dropout: float = 0.0,
    ) -> Architecture:
        """The fully-connected networks that the settings of a training describe.

        Without blocks, each hidden layer is linear, norm, activation, dropout. With blocks, each hidden
        layer is linear, followed by that many residual blocks of norm, linear to `expansion` times the units,
        activation, dropout, linear back: pre-activation with an inverted bottleneck. A norm and the last
        linear layer follow.

        Parameters
        ----------
        inputs, hidden, outputs : numbers per example, units of each hidden layer, classes
        activation : a name in `ACTIVATIONS`
        norm : a name in `LAYERS`, such as "layernorm"; "none" for none
        blocks, expansion : residual blocks per hidden layer, and how much wider they are inside
        dropout : probability of switching a unit off behind each activation, in training

        Raises
        ------
        DataError : a size below 1, an unknown name, a dropout outside [0, 1)
        """
        check_positive(inputs=inputs, outputs=outputs, expansion=expansion)
        check_fraction(dropout=dropout)
        check_positive(**{f"hidden[{place}]": units for place, units in enumerate(hidden)})
        normed: tuple[Spec, ...] = () if norm == "none" else (Spec.of(norm),)
        active: tuple[Spec, ...] = (Spec.of("activation", function=activation),)
        active += (Spec.of("dropout", p=dropout),) if dropout else ()
        layers: list[Spec] = []
        for units in map(int, hidden):
            layers.append(Spec.of("linear", units=units))
            wide, back = Spec.of("linear", units=expansion * units), Spec.of("linear", units=units)
            block = Spec.of("residual", layers=(*normed, wide, *active, back))
            layers.extend([block] * blocks if blocks else [*normed, *active])
        if blocks and hidden:
            layers.extend(normed)
        return cls(int(inputs), (*layers, Spec.of("linear", units=int(outputs))))

    @classmethod
    def plain(cls, sizes: Sequence[int], dropout: float = 0.0) -> Architecture:
        """The exercise's networks: linear, ReLU (, dropout), ..., linear of these sizes, (D, H1, ..., K).

        Raises
        ------
        DataError : fewer than two sizes, or as `of`
        """
        if len(sizes) < 2:
            raise DataError(
                f"sizes is {tuple(sizes)}, give at least the inputs and the classes, such as (3072, 10)"
            )
        check_positive(**{f"sizes[{place}]": size for place, size in enumerate(sizes)})
        return cls.of(sizes[0], sizes[1:-1], sizes[-1], dropout=dropout)

    def build(self) -> list[Layer]:
        """Fresh layers, without parameters yet."""
        return _built(self.inputs, self.layers)

    @cached_property
    def _described(self) -> list[Layer]:
        """Layers that are asked for their shapes only."""
        layers = self.build()
        if sum(1 for _ in walk(layers)) > MOST:
            raise DataError(f"an architecture has at most {MOST} layers")
        return layers

    @cached_property
    def parameters(self) -> tuple[Declared, ...]:
        """All parameters in the order of the layers, with their names in the network and in PyTorch.

        The first W of a network is W1 and layers.0.weight, the second W2 and layers.1.weight, and so on.
        """
        named, numbers, places = [], dict[str, int](), dict[str, int]()
        for layer in walk(self._described):
            for parameter in layer.declared:
                number = numbers[parameter.name] = numbers.get(parameter.name, 0) + 1
                torch = f"{layer.group}.{places.get(layer.group, 0)}.{parameter.torch or parameter.name}"
                named.append(replace(parameter, name=f"{parameter.name}{number}", torch=torch))
            if layer.declared:
                places[layer.group] = places.get(layer.group, 0) + 1
        return tuple(named)

    @property
    def size(self) -> int:
        """Numbers in all parameters."""
        return sum(math.prod(parameter.shape) for parameter in self.parameters)

    @property
    def depth(self) -> int:
        """Linear layers, which is how the exercise counts layers: hidden ones and the last."""
        return _depth(self._described)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units from the input to the classes, (D, H1, ..., K), without those inside residual blocks.

        Units of rows side by side are added up.
        """
        return self.inputs, *_sizes(self._described)

    @property
    def dropouts(self) -> tuple[int, ...]:
        """Units of each dropout layer."""
        return tuple(layer.outputs for layer in walk(self._described) if isinstance(layer, Dropout))

    @property
    def first_weight(self) -> str | None:
        """Name of the one weight matrix that the inputs meet, into which a linear map of them folds."""
        return self.first_layers[0][0] if len(self.first_layers) == 1 else None

    @cached_property
    def first_layers(self) -> tuple[tuple[str, str], ...]:
        """Names of the weights and biases that the inputs meet; none if another layer comes first."""
        names = iter(self.parameters)
        owned = {id(layer): [next(names).name for _ in layer.declared] for layer in walk(self._described)}
        return tuple((owned[id(layer)][0], owned[id(layer)][1]) for layer in _first(self._described))

    def to_json(self) -> dict[str, Any]:
        """The architecture as JSON holds it."""
        return {"inputs": self.inputs, "layers": [spec.to_json() for spec in self.layers]}

    @classmethod
    def from_json(cls, values: Any) -> Architecture:
        """The inverse of `to_json`.

        Raises
        ------
        DataError : it is not an architecture; the text says what is wrong
        """
        if not isinstance(values, dict) or not isinstance(values.get("layers"), list):
            raise DataError(f"{str(values)[:60]} describes no network, give inputs and layers")
        return cls(values.get("inputs", 0), tuple(Spec.from_json(one) for one in values["layers"][:MOST]))

    def dumps(self) -> str:
        """The architecture as a line of JSON."""
        return json.dumps(self.to_json())

    @classmethod
    def loads(cls, text: str) -> Architecture:
        """The inverse of `dumps`.

        Raises
        ------
        DataError : it is not an architecture
        """
        try:
            values = decoded(text[:LONGEST], Any)
        except ValueError as error:
            raise DataError(f"{text[:60]} describes no network: {error}") from error
        return cls.from_json(values)

    def check(self, params: Mapping[str, Any]) -> None:
        """Require arrays of these names and shapes, of finite floating-point numbers.

        Raises
        ------
        DataError : `NAME ...`, what it is and what it has to be
        """
        names = {parameter.name: parameter for parameter in self.parameters}
        for name in params:
            if name not in names:
                raise DataError(
                    f"{name} is not a parameter of this network, which has {', '.join(list(names)[:20])}"
                )
        for parameter in self.parameters:
            value = params.get(parameter.name)
            if value is None:
                raise DataError(f"{parameter.name} is missing")
            if value.shape != parameter.shape:
                raise DataError(f"{parameter.name} has shape {value.shape}, give {parameter.shape}")
            if value.dtype.kind not in "fc":
                raise DataError(f"{parameter.name} has dtype {value.dtype}, give floating-point numbers")
            if not np.isfinite(value).all():
                raise DataError(f"{parameter.name} holds NaN or infinity")


def _built(inputs: int, specs: Sequence[Spec]) -> list[Layer]:
    """The layers of a row, each with as many inputs as the one before has outputs."""
    layers: list[Layer] = []
    for spec in specs:
        make = look_up(LAYERS, spec.kind, "layer")
        options = dict(spec.options)
        try:
            if isinstance(options.get("layers"), tuple):
                options["layers"] = _built(inputs, options["layers"])
            if isinstance(options.get("rows"), tuple):
                options["rows"] = [_built(inputs, row) for row in options["rows"]]
            layers.append(make(inputs, **options))
        except (TypeError, ValueError) as error:
            if isinstance(error, DataError) or own_code(error):
                raise
            raise DataError(f"the layer {spec.kind} does not take {str(options)[:80]}: {error}") from error
        if is_own(make):
            check_declared(f"the layer {spec.kind!r}", layers[-1], make)
        inputs = layers[-1].outputs
    return layers


def _first(row: Sequence[Layer]) -> list[Linear]:
    """The linear layers that the input of a row meets; none if it meets any other layer too."""
    if not row:
        return []
    if isinstance(row[0], Mean):
        firsts = [_first(inner) for inner in row[0].rows]
        return [layer for first in firsts for layer in first] if all(firsts) else []
    return [row[0]] if isinstance(row[0], Linear) else []


def _depth(layers: Iterable[Layer]) -> int:
    """Linear layers in a row; of rows side by side, those of the deepest."""
    return sum(
        max(map(_depth, layer.rows))
        if isinstance(layer, Mean)
        else isinstance(layer, Linear) + _depth(layer.inner)
        for layer in layers
    )


def _sizes(layers: Iterable[Layer]) -> list[int]:
    """Units of each linear layer in a row, those of rows side by side added up."""
    sizes: list[int] = []
    for layer in layers:
        if isinstance(layer, Mean):
            beside = zip_longest(*(_sizes(row)[:-1] for row in layer.rows), fillvalue=0)
            sizes += [*map(sum, beside), layer.outputs]
        elif isinstance(layer, Linear):
            sizes.append(layer.outputs)
    return sizes


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.to_json() if isinstance(value, Spec) else value

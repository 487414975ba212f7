"""An ONNX graph that the layers write their nodes into."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.extension import broken
from fcnet.net.parameters import Parameter


class Graph:
    """An ONNX graph that grows node by node; layers add theirs.

    Attributes
    ----------
    nodes : so far
    constants : arrays by name
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._outputs: set[str] = set()

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        from onnx import helper

        name = f"{operator.lower()}{len(self.nodes) + 1}"
        self.nodes.append(helper.make_node(operator, [*inputs], [name], **attributes))
        self._outputs.add(name)
        return name

    def constant(self, value: Any, name: str = "") -> str:
        """Add a constant; returns its name."""
        name = name or f"constant{len(self.constants) + 1}"
        self.constants[name] = np.asarray(value)
        return name

    def parameter(self, parameter: Parameter) -> str:
        """Add a layer's parameter under its own name, float32."""
        return self.constant(parameter.value.astype(np.float32), parameter.name)

    def nodes_of(self, part: Any, x: str) -> str:
        """Let a layer or an activation function add its nodes; returns the name of its output.

        Raises
        ------
        ExtensionError : one of a user's own has none, or returns something else
        """
        output: Any = part.onnx(self, x)
        if not isinstance(output, str) or (output != x and output not in self._outputs):
            text = f"returns {output!r} from onnx, return what the last graph.node(...) returned"
            raise broken("the ONNX export of", part, text)
        return str(output)

    def row(self, layers: Iterable[Any], x: str) -> str:
        """The same for layers in a row."""
        for layer in layers:
            x = self.nodes_of(layer, x)
        return x

    def rename(self, output: str, name: str) -> str:
        """Give the output of the last node another name."""
        assert self.nodes[-1].output[0] == output
        self.nodes[-1].output[0] = name
        return name

"""The layers, one class a file: its parameters, forward, backward beneath it, prediction, ONNX nodes.

base        the base class; which memory a layer may write to
linear      Z = X W + b
activation  A = phi(Z), with the functions of `fcnet.net.activations`
dropout     units switched off at random
layernorm   each example to mean 0 and variance 1
residual    Y = X + F(X)
mean        Y = (F_1(X) + ... + F_n(X)) / n

`LAYERS` finds them by the name that an architecture uses. The PyTorch counterpart of each has the same name
in `fcnet.torch_net.layers`. docs/extending.md adds a layer from a user's own file.
"""

from collections.abc import Callable

from fcnet.net.layers.activation import Activation
from fcnet.net.layers.base import Layer, ahead, back, plan, predicted, walk
from fcnet.net.layers.dropout import Dropout
from fcnet.net.layers.layernorm import LayerNorm
from fcnet.net.layers.linear import Linear
from fcnet.net.layers.mean import Mean
from fcnet.net.layers.residual import Residual

LAYERS: dict[str, Callable[..., Layer]] = {
    "linear": Linear,
    "activation": Activation,
    "dropout": Dropout,
    "layernorm": LayerNorm,
    "residual": Residual,
    "mean": Mean,
}
"""The layers by name. Each is called with the number of its inputs and the options of its `Spec`."""

__all__ = [
    "LAYERS",
    "Activation",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Linear",
    "Mean",
    "Residual",
    "ahead",
    "back",
    "plan",
    "predicted",
    "walk",
]

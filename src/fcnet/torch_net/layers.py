"""PyTorch's counterpart of each layer of `fcnet.net.layers`, under the same name.

A counterpart gets its sizes from the layer that it copies. Those with parameters are modules
whose parameters have the names that the layer declares for PyTorch; the others are plain functions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fcnet.net import layers
from fcnet.net.layers.layernorm import EPSILON
from fcnet.registry import look_up

Masks = Iterator[Tensor] | None
"""The mask by which each dropout layer in turn multiplies its input; None at prediction."""

TORCH_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": partial(functional.gelu, approximate="tanh"),
    "tanh": torch.tanh,
}
"""The activation functions by name; those of `fcnet.net.activations.ACTIVATIONS`."""


class Linear(nn.Linear):
    """Z = X W + b, with weight = W transposed."""

    def __init__(self, layer: layers.Linear) -> None:
        super().__init__(layer.inputs, layer.outputs)

    def forward(self, x: Tensor, masks: Masks = None) -> Tensor:
        return super().forward(x)


class LayerNorm(nn.LayerNorm):
    """Each example to mean 0 and variance 1, times weight, plus bias."""

    def __init__(self, layer: layers.LayerNorm) -> None:
        super().__init__(layer.inputs, eps=EPSILON)

    def forward(self, x: Tensor, masks: Masks = None) -> Tensor:
        return super().forward(x)


class Activation:
    """A = phi(Z)."""

    def __init__(self, layer: layers.Activation) -> None:
        self.function = look_up(TORCH_ACTIVATIONS, layer.name, "activation with the engine torch")

    def __call__(self, x: Tensor, masks: Masks = None) -> Tensor:
        return self.function(x)


class Dropout:
    """The input times a mask that is drawn outside, so that all workers use the same."""

    def __init__(self, layer: layers.Dropout) -> None:
        pass

    def __call__(self, x: Tensor, masks: Masks = None) -> Tensor:
        return x if masks is None else x * next(masks)


def through(row: Iterable[Callable[..., Tensor]], x: Tensor, masks: Masks) -> Tensor:
    """What a row of counterparts makes of x (N, D)."""
    for layer in row:
        x = layer(x, masks)
    return x


class Residual:
    """Y = X + F(X)."""

    def __init__(self, layer: layers.Residual, inner: Sequence[Any]) -> None:
        self.inner = inner

    def __call__(self, x: Tensor, masks: Masks = None) -> Tensor:
        return x + through(self.inner, x, masks)


class Mean:
    """Y = (F_1(X) + ... + F_n(X)) / n."""

    def __init__(self, layer: layers.Mean, inner: Sequence[Any]) -> None:
        waiting = iter(inner)
        self.rows = [[next(waiting) for _ in row] for row in layer.rows]

    def __call__(self, x: Tensor, masks: Masks = None) -> Tensor:
        total: Any = 0
        for row in self.rows:
            total = total + through(row, x, masks)
        mean: Tensor = total / len(self.rows)
        return mean


TORCH_LAYERS: dict[type[layers.Layer], Callable[..., Any]] = {
    layers.Linear: Linear,
    layers.Activation: Activation,
    layers.Dropout: Dropout,
    layers.LayerNorm: LayerNorm,
    layers.Residual: Residual,
    layers.Mean: Mean,
}
"""The counterparts by the class that they copy. One with inner layers also gets their counterparts."""

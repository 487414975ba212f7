"""Parameters of the PyTorch network under the exercise's names, W1 (D, H1), b1 (H1,), ..., and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fcnet.net.weights import from_torch_names, to_torch_names
from fcnet.torch_net.mlp import MultiLayerPerceptron

Array = NDArray[Any]


def parameters_of(net: MultiLayerPerceptron) -> dict[str, Array]:
    """The parameters as NumPy arrays; on the CPU these are views, which the next step changes."""
    return from_torch_names({name: as_numpy(value) for name, value in net.state_dict().items()})


def gradients_of(net: MultiLayerPerceptron) -> dict[str, Array]:
    """What the last `backward` left in each parameter's `grad`, under the parameter's name."""
    return from_torch_names(
        {name: as_numpy(value.grad) for name, value in net.named_parameters() if value.grad is not None}
    )


def load_parameters(net: MultiLayerPerceptron, params: Mapping[str, Array]) -> None:
    """Overwrite a network's parameters, in its own dtype and on its own device."""
    state = {name: torch.from_numpy(np.array(value)) for name, value in to_torch_names(params).items()}
    net.load_state_dict(state)


def network_from(params: Mapping[str, Array]) -> MultiLayerPerceptron:
    """A network of these parameters, in their dtype."""
    biases = [params[f"b{number}"].size for number in range(1, len(params) // 2 + 1)]
    net = MultiLayerPerceptron(len(params["W1"]), biases[:-1], biases[-1])
    net.to(torch.from_numpy(np.array(params["b1"])).dtype)
    load_parameters(net, params)
    return net


def as_numpy(tensor: torch.Tensor) -> Array:
    """A tensor as an array, shared on the CPU."""
    array: Array = tensor.detach().cpu().numpy()
    return array

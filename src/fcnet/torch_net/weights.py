"""Parameters of the PyTorch network under the exercise's names, W1 (D, H1), b1 (H1,), ..., and back."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from fcnet.arrays import Array
from fcnet.net.architecture import Architecture
from fcnet.net.weights import from_torch_names, to_torch_names
from fcnet.torch_net.mlp import FullyConnected


def parameters_of(net: FullyConnected) -> dict[str, Array]:
    """The parameters as NumPy arrays; on the CPU these are views, which the next step changes."""
    return from_torch_names(
        net.architecture, {name: as_numpy(value) for name, value in net.state_dict().items()}
    )


def gradients_of(net: FullyConnected) -> dict[str, Array]:
    """The gradients of the last `backward`, each under its parameter's name."""
    return from_torch_names(
        net.architecture,
        {name: as_numpy(value.grad) for name, value in net.named_parameters() if value.grad is not None},
    )


def load_parameters(net: FullyConnected, params: Mapping[str, Array]) -> None:
    """Overwrite a network's parameters, in its own dtype and on its own device."""
    state = to_torch_names(net.architecture, params)
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})


def network_from(architecture: Architecture, params: Mapping[str, Array]) -> FullyConnected:
    """A network of these parameters, in their dtype."""
    net = FullyConnected(architecture)
    net.to(torch.from_numpy(np.array(next(iter(params.values())))).dtype)
    load_parameters(net, params)
    return net


def as_numpy(tensor: torch.Tensor) -> Array:
    """A tensor as an array, shared on the CPU."""
    array: Array = tensor.detach().cpu().numpy()
    return array


def gpu_scores(architecture: Architecture, params: Mapping[str, Array]) -> Callable[[Array], Array] | None:
    """From a network's inputs (N, D) float32 to class scores (N, K), on the GPU; None where there is none."""
    return scores_on(torch.device("cuda"), architecture, params) if torch.cuda.is_available() else None


def scores_on(
    device: torch.device, architecture: Architecture, params: Mapping[str, Array]
) -> Callable[[Array], Array]:
    """The same on any device."""
    network = network_from(architecture, params).to(device).requires_grad_(False).eval()

    def scores(X: Array) -> Array:
        with torch.inference_mode():
            return as_numpy(network(torch.from_numpy(X).to(device)))

    return scores

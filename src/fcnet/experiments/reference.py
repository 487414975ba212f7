"""torch.autograd as a further reference for the gradient audit, where PyTorch is installed."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from fcnet.errors import DataError
from fcnet.extras import missing
from fcnet.net.architecture import Architecture

Gradients = Mapping[str, NDArray[Any]]


def autograd_reference(
    architecture: Architecture,
    params: Gradients,
    X: NDArray[Any],
    y: NDArray[Any],
    reg: float,
    label_smoothing: float = 0.0,
) -> dict[str, Gradients]:
    """The gradients of torch.autograd, as `audit_gradients` takes them for `references`.

    Empty if PyTorch is not installed, or if a user's own layer has no counterpart in it.
    """
    if missing("torch"):
        return {}
    from fcnet.torch_net.autograd import autograd_gradients

    try:
        return {"torch.autograd": autograd_gradients(architecture, params, X, y, reg, label_smoothing)}
    except DataError:
        return {}

"""Reference gradients from torch.autograd."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fcnet.arrays import Array
from fcnet.net.architecture import Architecture
from fcnet.torch_net.memory import lacks_memory
from fcnet.torch_net.weights import gradients_of, network_from


def autograd_gradients(
    architecture: Architecture,
    params: Mapping[str, Array],
    X: Array,
    y: NDArray[Any],
    reg: float = 0.0,
    label_smoothing: float = 0.0,
) -> dict[str, Array]:
    """The gradients of the objective (13), by automatic differentiation, in the dtype of the parameters.

    Parameters
    ----------
    architecture, params : the network, {"W1": (D, H1), "b1": (H1,), ...}
    X, y : (N, D) examples and (N,) labels
    reg : lambda of (13)
    label_smoothing : probability mass moved from the label to all classes

    Returns
    -------
    gradients : named and shaped like `params`

    Raises
    ------
    MemoryError : there is not enough memory
    """
    try:
        net = network_from(architecture, params)
        examples = torch.from_numpy(np.array(X)).to(next(net.parameters()).dtype)
        labels = torch.from_numpy(np.array(y, dtype=np.int64))
        loss = functional.cross_entropy(net(examples), labels, label_smoothing=label_smoothing)  # (12)
        norms = sum(value.square().sum() for value in net.decayed())
        objective = loss + reg * norms  # (13)
        objective.backward()  # type: ignore[no-untyped-call]
        return {name: value.copy() for name, value in gradients_of(net).items()}
    except RuntimeError as error:
        if lacks_memory(error):
            raise MemoryError("choose a smaller network for PyTorch's part of the audit") from error
        raise

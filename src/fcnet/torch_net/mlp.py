"""Question 4's network: the layers of `fcnet.net.Network`, as a PyTorch user would write them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from fcnet.validation import check_positive


class MultiLayerPerceptron(nn.Module):
    """Linear, ReLU, ..., linear: class scores of a fully-connected network of any depth.

    Layers are counted without the input, so one hidden layer makes a two-layer network. The softmax is part
    of the loss, `nn.CrossEntropyLoss`, as PyTorch has it.

    Parameters
    ----------
    input_size : D, numbers per example
    hidden_layers : units of each hidden layer; none makes softmax regression
    num_classes : K

    Attributes
    ----------
    layers : the `nn.Linear`s, so that `state_dict` has layers.0.weight (H1, D), layers.0.bias (H1,), ...

    Raises
    ------
    DataError : a size below 1
    """

    def __init__(self, input_size: int, hidden_layers: Sequence[int], num_classes: int) -> None:
        super().__init__()
        sizes = (input_size, *hidden_layers, num_classes)
        check_positive(**{f"sizes[{place}]": size for place, size in enumerate(sizes)})
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes))

    def forward(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Logits (N, K) of examples x (N, D).

        Parameters
        ----------
        x : (N, D)
        masks : for dropout, what each hidden layer's activations (N, H) are multiplied by; None at prediction

        Equations: (3)-(6)
        """
        hidden, last = list(self.layers)[:-1], self.layers[-1]
        for number, layer in enumerate(hidden):
            x = torch.relu(layer(x))  # (4), (5)
            if masks is not None:
                x = x * masks[number]
        logits: Tensor = last(x)  # (6)
        return logits

"""Question 4's network, and any other architecture, as PyTorch modules."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from torch import Tensor, nn

from fcnet.errors import DataError
from fcnet.extension import is_own
from fcnet.net.architecture import Architecture
from fcnet.net.contract import author
from fcnet.net.layers import Layer
from fcnet.torch_net.counterparts import check_counterpart
from fcnet.torch_net.layers import TORCH_LAYERS, through


class FullyConnected(nn.Module):
    """The layers of an architecture in a row: from examples to class scores.

    Parameters
    ----------
    architecture : what the network is

    Attributes
    ----------
    layers : the linear layers, so that `state_dict` has layers.0.weight (H1, D), layers.0.bias (H1,), ...
    norms : the normalisations, if there are any: norms.0.weight (H1,), ...

    Raises
    ------
    DataError : a layer or an activation that has no counterpart in PyTorch
    ExtensionError : a user's own counterpart has other parameters, or gives other numbers
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = nn.ModuleList()
        self._others: list[nn.Module] = []
        self._row: list[Callable[..., Any]] = self._counterparts(architecture.build())
        self.train()

    def forward(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Logits (N, K) of examples x (N, D).

        Parameters
        ----------
        x : (N, D)
        masks : the mask (N, units) of each dropout layer; None at prediction

        Equations: (3)-(6)
        """
        return through(self._row, x, None if masks is None else iter(masks))

    def train(self, mode: bool = True) -> Self:
        """Let modules of a user's own train or predict, also those without parameters; fcnet's do not ask."""
        for module in self._others:
            module.train(mode)
        return super().train(mode)

    def decayed(self) -> list[Tensor]:
        """The parameters that weight decay applies to."""
        return self._chosen(decayed=True)

    def spared(self) -> list[Tensor]:
        """The parameters that weight decay does not apply to."""
        return self._chosen(decayed=False)

    def _chosen(self, decayed: bool) -> list[Tensor]:
        parameters = dict(self.named_parameters())
        return [parameters[p.torch] for p in self.architecture.parameters if p.decayed is decayed]

    def _counterparts(self, layers: Iterable[Layer]) -> list[Callable[..., Any]]:
        """The modules and functions in order; modules are registered in the list that their layer names."""
        row = []
        for layer in layers:
            make = TORCH_LAYERS.get(type(layer))
            if make is None:
                known = ", ".join(one.__name__ for one in TORCH_LAYERS)
                raise DataError(
                    f"the engine torch has no {type(layer).__name__}, its layers are {known}; "
                    "add a counterpart to fcnet.torch_net.layers.TORCH_LAYERS"
                )
            if layer.declared and not hasattr(self, layer.group):
                self.add_module(layer.group, nn.ModuleList())
            place = len(getattr(self, layer.group)) if layer.declared else 0
            counterpart = make(layer, self._counterparts(layer.inner)) if layer.inner else make(layer)
            if is_own(author(layer)) and not layer.inner:
                check_counterpart(layer, counterpart)
            if layer.declared:
                getattr(self, layer.group).insert(place, counterpart)
            else:
                function = getattr(counterpart, "function", counterpart)  # of an activation
                self._others += [function] if isinstance(function, nn.Module) else []
            row.append(counterpart)
        return row


class MultiLayerPerceptron(FullyConnected):
    """The exercise's class: linear, ReLU, ..., linear of any depth.

    Layers are counted without the input, so one hidden layer makes a two-layer network. The softmax is part
    of the loss, `nn.CrossEntropyLoss`, as PyTorch has it.

    Parameters
    ----------
    input_size : D, numbers per example
    hidden_layers : units of each hidden layer; none makes softmax regression
    num_classes : K

    Raises
    ------
    DataError : a size below 1
    """

    def __init__(self, input_size: int, hidden_layers: Sequence[int], num_classes: int) -> None:
        super().__init__(Architecture.of(input_size, hidden_layers, num_classes))

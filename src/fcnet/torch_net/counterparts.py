"""A user's own layer or activation in PyTorch is tried once: it does what its NumPy counterpart does."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fcnet.extension import broken, described
from fcnet.net.contract import AGREEMENT, EXAMPLES
from fcnet.net.declaring import bind_random
from fcnet.net.layers import Layer

WHAT = "the counterpart in PyTorch"


def check_counterpart(layer: Layer, counterpart: Any) -> None:
    """Require that a counterpart has the parameters of its layer and gives the same numbers on the CPU.

    A module is left in the mode of prediction, `eval()`, in which it is compared.

    Parameters
    ----------
    layer : a fresh one, which is bound to random parameters
    counterpart : its parameters are overwritten

    Raises
    ------
    ExtensionError : it has other parameters, or gives other numbers
    """
    make, dtype = getattr(counterpart, "function", counterpart), np.dtype(np.float32)
    bound = bind_random(layer, dtype)
    if layer.declared:
        _take(layer, counterpart, [parameter.value for parameter in bound])
    if isinstance(make, nn.Module):
        make.eval()
    X = np.random.default_rng(0).standard_normal((EXAMPLES, layer.inputs)).astype(dtype)
    with torch.no_grad():
        Y = counterpart(torch.from_numpy(X.copy()), None)
    wanted = layer.predict(X)
    if not isinstance(Y, Tensor) or tuple(Y.shape) != wanted.shape:
        raise broken(WHAT, make, f"gives {described(Y)}, give a tensor of shape {wanted.shape}")
    difference = float(np.abs(Y.numpy() - wanted).max() / (np.abs(wanted).max() or 1.0))
    if difference > AGREEMENT["float32"]:
        text = f"gives other numbers than the engine numpy, by {difference:.1e}: let both do the same"
        raise broken(WHAT, make, text)


def _take(layer: Layer, counterpart: Any, values: list[Any]) -> None:
    """Give the counterpart the parameters of its layer, whose names and shapes have to fit."""
    if not isinstance(counterpart, nn.Module):
        raise broken(WHAT, counterpart, f"is {described(counterpart)}, give a torch.nn.Module")
    wanted = {
        one.torch or one.name: value.T if one.transposed else value
        for one, value in zip(layer.declared, values, strict=True)
    }
    found = {name: tuple(value.shape) for name, value in counterpart.named_parameters()}
    shapes = {name: value.shape for name, value in wanted.items()}
    if found != shapes:
        raise broken(WHAT, counterpart, f"has the parameters {found}, give it {shapes}")
    with torch.no_grad():
        for name, value in counterpart.named_parameters():
            value.copy_(torch.from_numpy(np.array(wanted[name])))

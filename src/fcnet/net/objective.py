"""The objective of a network at many parameters, without its gradients: what differences are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fcnet.arrays import Array
from fcnet.validation import check_images

if TYPE_CHECKING:
    from fcnet.net.network import Network


class Objective:
    """From parameters to the objective (13) and the pre-activations there, by one forward pass.

    One network for each type of numbers takes over the parameters of all calls, so that none is built for a
    call.

    Parameters
    ----------
    network : left unchanged
    X, y, reg : as `Network.loss`
    anew : whether a network is built for each call all the same
    """

    def __init__(self, network: Network, X: ArrayLike, y: ArrayLike, reg: float, anew: bool) -> None:
        self._network, self._reg, self._anew = network, reg, anew
        self._X = check_images(X, network.architecture.inputs)
        self._y = network.criterion.checked(y, len(self._X), network.architecture.outputs)
        self._kept: dict[np.dtype[Any], Network] = {}

    def __call__(self, params: Mapping[str, Array]) -> tuple[Any, list[Array]]:
        net = self._with(params)
        Z, seen = net.traced(np.ascontiguousarray(self._X, net.dtype))
        J = net.criterion.forward(Z, self._y)
        return J + self._reg * net.squared_norm(), [X for layer, X in seen if layer.function.kink]  # (13)

    def _with(self, params: Mapping[str, Array]) -> Network:
        dtype = np.result_type(*params.values())
        if self._anew or dtype not in self._kept:
            self._kept[dtype] = self._network.with_params(params)
        else:
            for parameter in self._kept[dtype].parameters:
                parameter.value[...] = params[parameter.name]
        return self._kept[dtype]

"""What else can be audited: functions of a dict of arrays, torch modules, objects of autograd libraries.

Each becomes a subject: its parameters as float64 arrays, its loss at other parameters, and the gradients that
it claims at its own. PyTorch is not imported here: a module is known by its methods.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import DataError

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class Subject(Protocol):
    """Something with parameters, a loss, and gradients that are to be checked."""

    params: dict[str, Array]

    def loss(self, params: Arrays) -> Any:
        """The loss at these parameters, a number."""

    def gradients(self) -> dict[str, Any]:
        """The gradients that are claimed at `params`, by the same names."""


def subject_of(what: Any, *given: Any) -> Subject:
    """The subject that the arguments of `fcnet.audit.audit_gradients` describe.

    Raises
    ------
    DataError : they describe none
    """
    if hasattr(what, "named_parameters") and len(given) == 1 and callable(given[0]):
        return Module(what, given[0])
    if callable(what) and len(given) == 2 and isinstance(given[0], Mapping):
        return Function(what, *given)
    if callable(what) and len(given) == 1:
        return Objects(what, given[0])
    raise DataError(
        "this cannot be audited, "
        "give (net, X, y, reg), (function, params, gradients), (module, loss) or (loss, values)"
    )


class Function:
    """A function of a dict of arrays, and its gradients: a dict, or a function that gives it.

    Parameters
    ----------
    function : takes a dict like `params`, gives a number
    params : arrays by name, left unchanged
    gradients : arrays by name, or a function of a dict like `params`
    """

    def __init__(self, function: Callable[..., Any], params: Mapping[str, Any], gradients: Any) -> None:
        self.params = {name: np.array(value, dtype=np.float64) for name, value in params.items()}
        self._function, self._gradients = function, gradients

    def loss(self, params: Arrays) -> Any:
        return self._function({name: value.copy() for name, value in params.items()})

    def gradients(self) -> dict[str, Any]:
        told = self._gradients
        return dict(
            told({name: value.copy() for name, value in self.params.items()}) if callable(told) else told
        )


class Module:
    """A torch module in float64, audited on a copy.

    Parameters
    ----------
    module : any `torch.nn.Module`
    loss : takes the module, gives a tensor of one number; its inputs have to be float64
    """

    def __init__(self, module: Any, loss: Callable[[Any], Any]) -> None:
        self._module, self._loss = copy.deepcopy(module).double(), loss
        self._parameters = {
            name: value for name, value in self._module.named_parameters() if value.requires_grad
        }
        self.params = {name: value.detach().numpy().copy() for name, value in self._parameters.items()}

    def loss(self, params: Arrays) -> float:
        self._put(params)
        return float(self._loss(self._module).detach())

    def gradients(self) -> dict[str, Any]:
        self._put(self.params)
        self._module.zero_grad(set_to_none=True)
        self._loss(self._module).backward()
        found = {name: value.grad for name, value in self._parameters.items()}
        return {name: grad.detach().numpy().copy() for name, grad in found.items() if grad is not None}

    def _put(self, params: Arrays) -> None:
        for name, value in self._parameters.items():
            value.data.copy_(value.new_tensor(params[name]))


class Objects:
    """Values of a small autograd library: each has `data` and `grad`, and their loss has `backward()`.

    Parameters
    ----------
    loss : a function without arguments that computes the loss again from the values
    values : a dict, list or tuple, nested as you like, of values whose `data` is a number or an array; their
        data are put back
    """

    def __init__(self, loss: Callable[[], Any], values: Any) -> None:
        self._loss, self._values = loss, dict(_named(values))
        if not self._values:
            raise DataError("there are no values to audit, give those that the loss depends on")
        self._before = {name: copy.copy(value.data) for name, value in self._values.items()}
        self.params = {name: np.array(_plain(data), dtype=np.float64) for name, data in self._before.items()}

    def loss(self, params: Arrays) -> float:
        try:
            self._put(params)
            return float(np.asarray(_plain(self._loss().data)).item())
        finally:
            for name, value in self._values.items():
                value.data = copy.copy(self._before[name])

    def gradients(self) -> dict[str, Any]:
        for value in self._values.values():
            if value.grad is not None:
                value.grad = value.grad * 0
        self._loss().backward()
        found = {name: value.grad for name, value in self._values.items()}
        return {name: np.array(_plain(grad)) for name, grad in found.items() if grad is not None}

    def _put(self, params: Arrays) -> None:
        for name, value in self._values.items():
            number = self._before[name]
            value.data = params[name].copy() if isinstance(number, np.ndarray) else float(params[name])


def _named(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All values with names made of their keys and places."""
    if hasattr(values, "data") and hasattr(values, "grad"):
        yield name or "value", values
        return
    if isinstance(values, Mapping):
        parts = [(str(key), part) for key, part in values.items()]
    elif isinstance(values, list | tuple):
        parts = [(str(place), part) for place, part in enumerate(values)]
    else:
        raise DataError(
            f"{name or 'the value'} is a {type(values).__name__}, give objects with data and grad"
        )
    for key, part in parts:
        yield from _named(part, f"{name}.{key}" if name else key)


def _plain(data: Any) -> Any:
    """The array or the number inside: some libraries keep gradients as values themselves."""
    is_value = not isinstance(data, np.ndarray | np.generic | float | int) and hasattr(data, "data")
    return data.data if is_value else data

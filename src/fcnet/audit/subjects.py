"""What can be audited: networks, functions of a dict of arrays, torch modules, objects of autograd libraries.

Each becomes a subject: its parameters as arrays, its loss at other parameters, and the gradients that it
claims at its own. Neither networks nor PyTorch are imported here: they are known by their methods.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError

Arrays = Mapping[str, Array]
Measure = Callable[[Arrays], tuple[Any, list[Array]]]
"""From parameters to the objective and the pre-activations there."""


class Subject(ABC):
    """Something with parameters, a loss, and gradients that are to be checked.

    Attributes
    ----------
    params : the parameters by name
    own : the code of a user's own in it, which may take no complex numbers; None where all of it may be
    reg, examples : lambda and N of a network, else 0
    """

    params: dict[str, Array]
    own: list[str] | None = None
    reg: float = 0.0
    examples: int = 0

    @abstractmethod
    def loss(self, params: Arrays) -> Any:
        """The loss at these parameters, a number."""

    @abstractmethod
    def claim(self) -> tuple[Any, dict[str, Any]]:
        """The loss at `params`, and the gradients that are claimed there, by the same names."""

    def measured(self, params: Arrays) -> tuple[Any, list[Array]]:
        """The loss at these parameters, and what each ReLU sees there, as far as ReLUs are known."""
        return self.loss(params), []

    def moved(self, name: str, place: int, by: complex) -> dict[str, Array]:
        """The parameters with one entry moved, given by its flat index; all are complex if the move is."""
        params = dict(self._complex if isinstance(by, complex) else self.params)
        params[name] = params[name].copy()
        params[name].reshape(-1)[place] += by
        return params

    @cached_property
    def _complex(self) -> dict[str, Array]:
        return {name: value.astype(np.complex128) for name, value in self.params.items()}


def subject_of(what: Any, *given: Any, **named: Any) -> Subject:
    """The subject that the arguments of `fcnet.audit.audit_gradients` describe.

    Raises
    ------
    DataError : they describe none
    """
    if hasattr(what, "preactivations"):
        return Net(what, *given, **named)
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


class Auditable(Protocol):
    """What the audit asks of a network: `TwoLayerNet` and `fcnet.net.Network` have it."""

    @property
    def params(self) -> Mapping[str, Array]:
        """The parameters by name."""

    def loss(self, X: Any, y: Any, reg: float, /) -> Any:
        """The objective and its gradients by name; the objective is complex where the parameters are."""

    def preactivations(self, X: Any, /) -> list[Array]:
        """What each ReLU sees, [(N, H1), (N, H2), ...]."""

    def with_params(self, params: Mapping[str, Array], /) -> Auditable:
        """The same network with other parameters, complex128 ones included."""


@runtime_checkable
class Layered(Protocol):
    """A network of layers, which can be tried one by one: `fcnet.net.Network`."""

    def check_layers(self) -> float:
        """How far `predict` is from `forward` at most; an ExtensionError says what a layer does wrong."""

    def claims_in_training(self) -> Iterator[tuple[str, Callable[[Array], float], Array]]:
        """Functions of numbers (E,) with the slopes (E,) at 0 that layers claim, and what is wrong if not."""

    def own_layers(self) -> list[str]:
        """The layers and activations of a user's own, each named with its file and line."""

    def objective(self, X: Any, y: Any, reg: float, anew: bool) -> Measure | None:
        """What `loss` and `preactivations` give at other parameters, faster; None if they must be asked.

        With `anew`, no layer meets two of them.
        """


class Net(Subject):
    """A network, its examples X (N, D), their labels y (N,) and lambda; all are left unchanged.

    Parameters
    ----------
    anew : whether each question is put to a network that has answered none before
    """

    def __init__(self, net: Auditable, X: Any, y: Any, reg: float = 0.0, *, anew: bool = False) -> None:
        self.net, self.X, self.y, self.reg = net, np.array(X), np.array(y), float(reg)
        self.params = {name: np.array(value) for name, value in net.params.items()}
        self.examples = len(self.X)
        self.own = net.own_layers() if isinstance(net, Layered) else []
        self._anew = anew

    def loss(self, params: Arrays) -> Any:
        return self._measure(params)[0] if self._measure else self._objective(self.net.with_params(params))

    def measured(self, params: Arrays) -> tuple[Any, list[Array]]:
        if self._measure:
            return self._measure(params)
        net = self.net.with_params(params)
        return self._objective(net), net.preactivations(self.X)

    def claim(self) -> tuple[Any, dict[str, Any]]:
        """As `Subject.claim`; `handed` are then the copies of X and y that the network was given."""
        self.handed = self.X.copy(), self.y.copy()
        return self.net.loss(*self.handed, self.reg)  # type: ignore[no-any-return]

    def asked_anew(self, places: Mapping[str, Array]) -> Net | None:
        """The same with a network for each question; None if that changes no answer at these flat indices."""
        anew = Net(self.net, self.X, self.y, self.reg, anew=True)
        asked = (self.moved(name, place, 1e-3) for name, flat in places.items() for place in flat)
        return anew if any(self.loss(params) != anew.loss(params) for params in asked) else None

    @cached_property
    def _measure(self) -> Measure | None:
        if isinstance(self.net, Layered):
            return self.net.objective(self.X, self.y, self.reg, self._anew)
        return None

    def _objective(self, net: Auditable) -> Any:
        return net.loss(self.X, self.y, self.reg)[0]


class Function(Subject):
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

    def claim(self) -> tuple[float, dict[str, Any]]:
        loss, told = self.loss(self.params), self._gradients
        if callable(told):
            told = told({name: value.copy() for name, value in self.params.items()})
        return loss, dict(told)


class Module(Subject):
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

    def claim(self) -> tuple[float, dict[str, Any]]:
        self._put(self.params)
        self._module.zero_grad(set_to_none=True)
        loss = self._loss(self._module)
        loss.backward()
        found = {name: value.grad for name, value in self._parameters.items()}
        grads = {name: grad.detach().numpy().copy() for name, grad in found.items() if grad is not None}
        return float(loss.detach()), grads

    def _put(self, params: Arrays) -> None:
        for name, value in self._parameters.items():
            value.data.copy_(value.new_tensor(params[name]))


class Objects(Subject):
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

    def claim(self) -> tuple[float, dict[str, Any]]:
        for value in self._values.values():
            if value.grad is not None:
                value.grad = value.grad * 0
        self._loss().backward()
        found = {name: value.grad for name, value in self._values.items()}
        grads = {name: np.array(_plain(grad)) for name, grad in found.items() if grad is not None}
        return self.loss(self.params), grads

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

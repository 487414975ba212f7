"""The numeric references: derivatives that need only the loss.

They move one entry of one parameter at a time. The loop is over entries; examples and units are arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fcnet.audit.extrapolation import Numbers
from fcnet.audit.result import Kink
from fcnet.errors import DataError

Array = NDArray[Any]

STEPS = tuple(float(f"{digit}e-{power}") for power in range(2, 10) for digit in (1, 0.3))[:-1]
"""The range of h: 1e-2 to 1e-9, two a decade."""

COMPLEX_STEP = 1e-30
"""h of the complex step: Im f(w + ih) / h has no difference in it, so h may be as small as one likes."""


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

    def check_layers(self) -> tuple[str, float]:
        """What a layer does wrong, "" if none does, and how far `predict` is from `forward` at most."""

    def own_layers(self) -> list[str]:
        """The layers and activations of a user's own, each named with its file and line."""


@dataclass(frozen=True)
class Point:
    """Where derivatives are taken: a network, its parameters, examples X (N, D), labels y (N,), lambda."""

    net: Auditable
    params: Mapping[str, Array]
    X: Array
    y: Array
    reg: float

    @cached_property
    def complex_params(self) -> dict[str, Array]:
        """All parameters as complex128."""
        return {name: value.astype(np.complex128) for name, value in self.params.items()}

    def moved(self, name: str, index: tuple[int, ...], by: complex) -> Auditable:
        """The network with one entry of one parameter moved; all parameters complex if the move is."""
        params = dict(self.complex_params if isinstance(by, complex) else self.params)
        params[name] = params[name].copy()
        params[name][index] += by
        return self.net.with_params(params)

    def loss(self, net: Auditable) -> Any:
        """The objective alone."""
        return net.loss(self.X, self.y, self.reg)[0]


@dataclass(frozen=True)
class Differences:
    """What the numeric references say about E entries of a parameter, at S steps.

    Attributes
    ----------
    central : (S, E) central differences; NaN where a kink lies between -h and h
    derivative : (E,) as the reference that decides has it
    error : (E,) how far that may be off; 0 of the complex step, whose error is rounding
    dead : (E,) bool, the entry moves only units that are off for every example: its derivative is exactly 0
    no_derivative : (E,) bool, the entry moves a pre-activation that is exactly 0, or has no derivative by
        that reference
    unsettled : whether that reference finds no derivative at any entry, though not all are at 0
    rounding : (S,) absolute error that rounding alone may cause in `central`
    kinks : every (entry, h) with a kink inside
    """

    central: Array
    derivative: Array
    error: Array
    dead: Array
    no_derivative: Array
    unsettled: bool
    rounding: Array
    kinks: tuple[Kink, ...]


def differences(
    point: Point,
    name: str,
    indices: Sequence[tuple[int, ...]],
    steps: Sequence[float],
    numbers: Numbers,
    done: Callable[[], object] = lambda: None,
) -> Differences:
    """Compute central differences for the entries `indices` of parameter `name`, beside what decides.

    Parameters
    ----------
    numbers : what the reference that decides says
    done : called after each entry
    """
    before = point.net.preactivations(point.X)
    central = np.full((len(steps), len(indices)), np.nan)
    dead, moves_zero = np.zeros((2, len(indices)), bool)
    kinks: list[Kink] = []
    for entry, index in enumerate(indices):
        for place, h in enumerate(steps):
            up, down = point.moved(name, index, h), point.moved(name, index, -h)
            after = [net.preactivations(point.X) for net in (up, down)]
            kink, at_zero = _kink(name, index, h, before, after)
            moves_zero[entry] |= at_zero
            if kink is not None:
                kinks.append(kink)
                continue
            if np.isnan(central[:place, entry]).all():  # the largest step without a kink
                dead[entry] = numbers.value[entry] == 0 and _moves_only_what_is_off(before, after)
            central[place, entry] = (point.loss(up) - point.loss(down)) / (2 * h)
        done()
    largest = max([1.0, abs(point.loss(point.net)), *(float(np.abs(z).max()) for z in before)])
    rounding = largest * np.finfo(np.float64).eps / np.asarray(steps)
    return Differences(
        central=central,
        derivative=numbers.value,
        error=numbers.error,
        dead=dead,
        no_derivative=moves_zero | ~numbers.exists,
        unsettled=not numbers.exists.any() and not moves_zero.all(),
        rounding=rounding,
        kinks=tuple(kinks),
    )


def complex_step(point: Point, name: str, index: tuple[int, ...]) -> float:
    """The derivative by one entry, Im J(w + ih) / h at h = 1e-30: exact but for rounding.

    Raises
    ------
    DataError : the loss of complex parameters came back real
    """
    loss = point.loss(point.moved(name, index, COMPLEX_STEP * 1j))
    if not np.iscomplexobj(loss):
        raise DataError(f"the loss is real at a complex {name}, keep the imaginary part in the forward pass")
    return float(loss.imag) / COMPLEX_STEP


def _kink(
    name: str, index: tuple[int, ...], h: float, before: Sequence[Array], after: Sequence[Sequence[Array]]
) -> tuple[Kink | None, bool]:
    """The first sign that flips in [-h, h], if any, and whether a pre-activation of exactly 0 moves.

    Looking at the ends is enough: up to its first flip the network is linear in one entry.
    """
    flips = [
        (layer, example, unit)
        for layer, z in enumerate(before)
        for example, unit in np.argwhere(
            ((after[0][layer] > 0) != (z > 0)) | ((after[1][layer] > 0) != (z > 0))
        ).tolist()
    ]
    if not flips:
        return None, False
    at_zero = any(before[layer][example, unit] == 0 for layer, example, unit in flips)
    layer, example, unit = flips[0]
    return Kink(name, index, h, layer, example, unit, len(flips)), at_zero


def _moves_only_what_is_off(before: Sequence[Array], after: Sequence[Sequence[Array]]) -> bool:
    """Whether some pre-activation moved, and none that is on."""
    moved = [(up != z) | (down != z) for z, up, down in zip(before, *after, strict=True)]
    on = any((m & (z > 0)).any() for m, z in zip(moved, before, strict=True))
    return any(m.any() for m in moved) and not on

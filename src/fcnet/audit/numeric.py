"""The numeric references: derivatives that need only the loss.

They move one entry of one parameter at a time. The loop is over entries; examples and units are arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fcnet.arrays import Array
from fcnet.audit.result import Kink
from fcnet.audit.subjects import Subject
from fcnet.errors import DataError

STEPS = tuple(float(f"{digit}e-{power}") for power in range(2, 10) for digit in (1, 0.3))[:-1]
"""The range of h: 1e-2 to 1e-9, two a decade."""

COMPLEX_STEP = 1e-30
"""h of the complex step: Im f(w + ih) / h has no difference in it, so h may be as small as one likes."""


def complex_steps(subject: Subject, places: Mapping[str, Array]) -> dict[str, Array]:
    """The derivatives by entries, Im J(w + ih) / h at h = 1e-30: exact but for rounding.

    Parameters
    ----------
    places : (E,) each, flat indices of the entries

    Raises
    ------
    DataError : the loss of complex parameters came back real
    """
    return {
        name: np.array([_complex_step(subject, name, place) for place in flat])
        for name, flat in places.items()
    }


def _complex_step(subject: Subject, name: str, place: int) -> float:
    loss = subject.loss(subject.moved(name, place, COMPLEX_STEP * 1j))
    if not np.iscomplexobj(loss):
        raise DataError(f"the loss is real at a complex {name}, keep the imaginary part in the forward pass")
    return float(np.imag(loss)) / COMPLEX_STEP


@dataclass(frozen=True)
class Differences:
    """What central differences say about E entries of a parameter, at S steps; none of a function.

    Attributes
    ----------
    central : (S, E) central differences; NaN where a kink lies between -h and h
    dead : (E,) bool, the entry moves only units that are off for every example: its derivative is exactly 0
    at_zero : (E,) bool, the entry moves a pre-activation that is exactly 0
    rounding : (S,) absolute error that rounding alone may cause in `central`
    kinks : every (entry, h) with a kink inside
    """

    central: Array
    dead: Array
    at_zero: Array
    rounding: Array
    kinks: tuple[Kink, ...] = ()


def differences(
    subject: Subject,
    name: str,
    places: Array,
    steps: Sequence[float],
    derivative: Array,
    done: Callable[[], object] = lambda: None,
) -> Differences:
    """Compute central differences for entries of the parameter `name`.

    Parameters
    ----------
    places : (E,) flat indices of the entries
    derivative : (E,) what the reference that decides says
    done : called after each entry
    """
    loss, before = subject.measured(subject.params)
    central = np.full((len(steps), len(places)), np.nan)
    dead, moves_zero = np.zeros((2, len(places)), bool)
    kinks: list[Kink] = []
    for entry, flat in enumerate(places):
        for step, h in enumerate(steps):
            up, down = (subject.measured(subject.moved(name, flat, end)) for end in (h, -h))
            flips = _flips(before, up[1], down[1])
            if flips:
                layer, example, unit = flips[0]
                index = tuple(map(int, np.unravel_index(flat, subject.params[name].shape)))
                kinks.append(Kink(name, index, h, layer, example, unit, len(flips)))
                moves_zero[entry] |= any(before[layer][example, unit] == 0 for layer, example, unit in flips)
                continue
            if derivative[entry] == 0 and np.isnan(central[:step, entry]).all():  # the largest without a kink
                dead[entry] = _moves_only_what_is_off(before, up[1], down[1])
            central[step, entry] = (up[0] - down[0]) / (2 * h)
        done()
    largest = max([1.0, abs(loss), *(float(np.abs(z).max()) for z in before)])
    rounding = largest * np.finfo(np.float64).eps / np.asarray(steps)
    return Differences(central, dead, moves_zero, rounding, tuple(kinks))


def _flips(before: Sequence[Array], up: Sequence[Array], down: Sequence[Array]) -> list[tuple[int, int, int]]:
    """The pre-activations whose sign flips in [-h, h], as (layer, example, unit).

    Looking at the ends is enough: up to its first flip the network is linear in one entry.
    """
    flips: list[tuple[int, int, int]] = []
    for layer, (z, above, below) in enumerate(zip(before, up, down, strict=True)):
        on = z > 0
        off = ((above > 0) != on) | ((below > 0) != on)
        if off.any():
            flips += [(layer, example, unit) for example, unit in np.argwhere(off).tolist()]
    return flips


def _moves_only_what_is_off(before: Sequence[Array], up: Sequence[Array], down: Sequence[Array]) -> bool:
    """Whether some pre-activation moved, and none that is on."""
    moved = [(above != z) | (below != z) for z, above, below in zip(before, up, down, strict=True)]
    on = any((m & (z > 0)).any() for m, z in zip(moved, before, strict=True))
    return any(m.any() for m in moved) and not on

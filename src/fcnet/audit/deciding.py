"""Which reference decides about a network's gradients, and what it says.

It is the complex step. Code of a user's own may refuse complex numbers, or be no analytic function of them,
as `np.abs` is not. Then central differences decide, extrapolated to h = 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning
from numpy.typing import NDArray

from fcnet.audit.extrapolation import Numbers, allowed, extrapolated_differences
from fcnet.audit.numeric import Layered, Point, complex_step
from fcnet.audit.subjects import Function
from fcnet.audit.tolerances import disagree

Array = NDArray[Any]
Indices = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class Decision:
    """What the reference that decides says.

    Attributes
    ----------
    numbers : the derivatives by the chosen entries of each parameter
    decided_by : the reference
    note : why it is not the complex step, "" if it is
    """

    numbers: Mapping[str, Numbers]
    decided_by: str = "complex step"
    note: str = ""


def decide(point: Point, indices: Mapping[str, Indices], claimed: Mapping[str, Array]) -> Decision:
    """Compute the derivatives that the gradients are held against.

    Parameters
    ----------
    indices : the entries to look at
    claimed : (E,) each, the gradients there

    Raises
    ------
    DataError : the loss of complex parameters came back real, and no layer is a user's own
    """
    own = point.net.own_layers() if isinstance(point.net, Layered) else []
    if not own:
        return Decision(_exact(point, indices))
    exact = _exact_if_complex(point, indices)
    if exact is not None and not any(
        disagree(claimed[name], numbers.value, "complex_step").any() for name, numbers in exact.items()
    ):
        return Decision(exact)
    subject = Function(lambda params: point.loss(point.net.with_params(params)), point.params, {})
    told = {
        name: extrapolated_differences(subject, name, _flat(point.params[name], chosen))
        for name, chosen in indices.items()
    }
    if exact is not None and all(_agree(exact[name].value, numbers) for name, numbers in told.items()):
        return Decision(exact)  # and a gradient is wrong
    does = "takes no complex numbers" if exact is None else "is no analytic function of complex numbers"
    note = f"decided by central differences, since {' or '.join(own)} {does}"
    return Decision(told, "extrapolation", note)


def _exact(point: Point, indices: Mapping[str, Indices]) -> dict[str, Numbers]:
    """What the complex step says."""
    found = {}
    for name, chosen in indices.items():
        value = np.array([complex_step(point, name, index) for index in chosen])
        found[name] = Numbers(
            _flat(point.params[name], chosen), value, np.zeros(len(value)), np.ones(len(value), bool)
        )
    return found


def _exact_if_complex(point: Point, indices: Mapping[str, Indices]) -> dict[str, Numbers] | None:
    """The same, None where the network takes no complex parameters."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", ComplexWarning)  # the imaginary part is dropped
        try:
            return _exact(point, indices)
        except Exception:  # whatever a user's code raises, it did not at real parameters
            return None


def _agree(exact: Array, numbers: Numbers) -> bool:
    """Whether differences exist and confirm the complex step."""
    near = np.abs(exact - numbers.value) <= allowed(exact, numbers, "travelling")
    return bool(numbers.exists.any() and near[numbers.exists].all())


def _flat(values: Array, chosen: Indices) -> Array:
    """The flat indices (E,) of entries."""
    places = np.arange(values.size).reshape(values.shape)
    return np.array([places[index] for index in chosen])

"""Which reference decides about gradients, and what it says.

It is the complex step. Code of a user's own may refuse complex numbers, or be no analytic function of them,
as `np.abs` is not. Then central differences decide, extrapolated to h = 0.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.exceptions import ComplexWarning

from fcnet.arrays import Array
from fcnet.audit.extrapolation import Numbers, extrapolated_differences
from fcnet.audit.numeric import complex_steps
from fcnet.audit.subjects import Subject
from fcnet.audit.tolerances import disagree

ByName = Mapping[str, Array]


@dataclass(frozen=True)
class Decision:
    """What the reference that decides says.

    Attributes
    ----------
    numbers : the derivatives by the chosen entries of each parameter
    decided_by : the reference
    note : of a network, why it is not the complex step, "" if it is
    """

    numbers: Mapping[str, Numbers]
    decided_by: str = "complex step"
    note: str = ""


def decide(subject: Subject, places: ByName, claimed: ByName) -> Decision:
    """Compute the derivatives that the gradients are held against.

    Parameters
    ----------
    places : (E,) each, flat indices of the entries to look at
    claimed : (E,) each, the gradients there

    Raises
    ------
    DataError : the loss of complex parameters came back real, and no code in it is a user's own
    """
    if subject.own == []:
        return Decision(_everywhere(complex_steps(subject, places)))
    exact = _complex_steps_if_any(subject, places)
    # whose kinks are known need no differences where all is right
    if exact is not None and subject.own and not _off(claimed, _everywhere(exact), "complex_step"):
        return Decision(_everywhere(exact))
    told = {name: extrapolated_differences(subject, name, flat) for name, flat in places.items()}
    settled = [one.exists.any() for one in told.values()]  # what settles nowhere confirms nothing
    if exact is not None and not _off(exact, told, "travelling") and (all(settled) or subject.own is None):
        return Decision(
            {name: replace(one, value=exact[name], error=0 * one.error) for name, one in told.items()}
        )
    does = "takes no complex numbers" if exact is None else "is no analytic function of complex numbers"
    why = f"decided by central differences, since {' or '.join(subject.own or ())} {does}"
    return Decision(told, "extrapolation", why if subject.own else "")


def _complex_steps_if_any(subject: Subject, places: ByName) -> dict[str, Array] | None:
    """As `complex_steps`; None where the subject takes no complex parameters."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ComplexWarning)  # the imaginary part is dropped
        try:
            return complex_steps(subject, places)
        except Exception:  # whatever a user's code raises, it did not at real parameters
            return None


def _everywhere(exact: ByName) -> dict[str, Numbers]:
    """Derivatives that are exact and exist at every entry."""
    return {
        name: Numbers(value, np.zeros(len(value)), np.ones(len(value), bool)) for name, value in exact.items()
    }


def _off(values: ByName, told: Mapping[str, Numbers], tolerance: str) -> bool:
    """Whether values (E,) each are no derivatives somewhere where these exist."""
    return any(
        (one.exists & disagree(values[name], one.value, tolerance, 10 * one.error)).any()
        for name, one in told.items()
    )

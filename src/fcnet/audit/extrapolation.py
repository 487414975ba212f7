"""Central differences that are extrapolated to h = 0, with the error that the extrapolation itself shows.

Nothing is known here of layers, so kinks are found in the numbers: where smaller steps settle on no slope, or
on one to the left and another to the right, there is no derivative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fcnet.arrays import Array
from fcnet.audit.subjects import Subject
from fcnet.audit.tolerances import TOLERANCES

LARGEST_STEP, SHRINK, STEPS = 1e-2, 2.0, 18
"""Of the extrapolation: h = 1e-2, 5e-3, ... down to 8e-8, as a part of the entry where that is above 1."""

LEAST_STEPS = 3
"""Below the nearest kink, so that two differences can confirm each other."""


UNSETTLED = (
    "smaller steps settle on no derivative for any entry: "
    "is the loss computed in float32, or is every entry at a kink?"
)


@dataclass(frozen=True)
class Numbers:
    """What a reference says about E entries of a parameter.

    Attributes
    ----------
    value : (E,) the derivative
    error : (E,) how far it may be off; 0 of the complex step, whose error is rounding
    exists : (E,) bool, False at a kink
    """

    value: Array
    error: Array
    exists: Array


def extrapolated_differences(subject: Subject, name: str, places: Array) -> Numbers:
    """Extrapolated central differences for the entries of a parameter at these flat indices (E,)."""
    centre = float(subject.loss(subject.params))
    value, error = np.zeros((2, len(places)))
    for entry, place in enumerate(places):
        size = max(1.0, abs(float(subject.params[name].reshape(-1)[place])))

        def at(step: float, place: int = place, size: float = size) -> float:
            return float(subject.loss(subject.moved(name, place, step * size)))

        slope, off = extrapolated(at, centre)
        value[entry], error[entry] = slope / size, off / size
    exists = np.isfinite(error)
    return Numbers(np.where(exists, value, 0.0), np.where(exists, error, 0.0), exists)


def extrapolated(at: Callable[[float], float], centre: float) -> tuple[float, float]:
    """The derivative of a function at 0, and how far it may be off; infinitely far at a kink.

    Only steps below the first kink are used. Each column of Ridders' table cancels one more even power of h,
    and the entry that differs least from its two neighbours, its rounding included, wins.

    Parameters
    ----------
    at : the function
    centre : its value at 0
    """
    steps = LARGEST_STEP / SHRINK ** np.arange(STEPS)
    ends = np.array([(at(h), at(-h)) for h in steps])
    bends = (ends.sum(axis=1) - 2 * centre) / steps  # slope to the right less slope to the left
    central = (ends[:, 0] - ends[:, 1]) / (2 * steps)
    rounding = 40 * np.finfo(float).eps * max(1e-300, abs(centre), np.abs(ends).max()) / steps
    allowed = TOLERANCES["kink"] * np.abs(ends - centre).max(axis=1) / steps + rounding
    # half the step halves the bend of a smooth function, and leaves the bend of a kink
    kinks = np.flatnonzero(~(np.abs(bends[:-1] - 2 * bends[1:]) <= allowed[:-1] + allowed[1:]))
    first = int(kinks[-1]) + 1 if kinks.size else 0
    if first > STEPS - LEAST_STEPS:
        return np.nan, np.inf
    best, error = _ridders(central[first:], rounding[first:])
    return best, error + float(allowed[first])


def _ridders(central: Array, rounding: Array) -> tuple[float, float]:
    """The limit of central differences whose steps shrink by `SHRINK`, and how far it may be off.

    Parameters
    ----------
    central : (S,)
    rounding : (S,) the error of each by rounding: two that agree to the last bit may both be off
    """
    best, error = float("nan"), np.inf
    before: list[float] = []
    for difference, least in zip(central, rounding, strict=True):
        row = [float(difference)]
        factor = SHRINK**2
        for old in before:
            row.append((row[-1] * factor - old) / (factor - 1))
            factor *= SHRINK**2
            off = max(abs(row[-1] - row[-2]), abs(row[-1] - old)) + float(least)
            if off <= error:
                best, error = row[-1], off
        before = row
    return best, float(error)
